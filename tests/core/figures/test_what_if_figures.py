"""The fork's figures: original grey, edited accent, nothing of a stranger's text as markup."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from core.domain import Event, EventKind, History
from core.engine import Trajectory
from core.figures import chosen
from core.figures.palette import DARK, LIGHT
from core.figures.trajectory_map import crowd_image
from core.figures.what_if import fork_map, profiles_figure, sizes_figure
from core.views.interest_map import Landmark, MapView
from core.views.what_if.build import ForkView, PathView, ProfileRow

N = 6


def path(n: int = N, shift: float = 0.0, misleading: int | None = None) -> PathView:
    steps = np.arange(n, dtype=np.float32)
    sizes = np.full(n, 0.2, np.float32)
    sizes[:1] = np.nan
    misleads = np.zeros(n, np.bool_)
    if misleading is not None:
        misleads[misleading] = True
    start = datetime(2024, 1, 1, tzinfo=UTC)
    times = [start + timedelta(days=9 * at) for at in range(n)]
    states = Trajectory(
        user_id="U",
        history=History("U", tuple(Event("I", time, EventKind.VIEW) for time in times)),
        x=steps + np.float32(shift),
        y=steps,
        step_size=sizes,
        sentiment=sizes,
        profile=np.ones((n, 1), np.float32),
        part=np.zeros(n, np.int8),
        misleading=misleads,
        drift=0.0,
    )
    handles = tuple(range(1, n + 1))
    return PathView(states, tuple(f"step {step} · <b>Item</b>" for step in handles), handles)


def fork(before: PathView, after: PathView, step: int | None) -> ForkView:
    return ForkView(before, after, step, "s", "f", "z")


@pytest.fixture
def behind() -> MapView:
    random = np.random.default_rng(1)
    return MapView(
        random.normal(size=(80, 2)).astype(np.float32),
        random.integers(0, 3, 80).astype(np.int16),
        (Landmark("Audio", 0, 0.0, 0.0),),
        "",
    )


@pytest.mark.parametrize("ink", [LIGHT, DARK])
def test_the_edited_path_begins_where_they_part(behind: MapView, ink) -> None:
    figure = fork_map(behind, crowd_image(behind, ink), fork(path(), path(shift=0.5), 4), ink)
    traces = {trace.name: trace for trace in figure.data}
    assert len(traces["original states"].x) == N
    assert list(traces["edited states"].y) == [2, 3, 4, 5]
    assert traces["edited"].line.color == ink.accent
    assert traces["edited"].line.dash == "solid"
    assert [note.text for note in figure.layout.annotations[-2:]] == ["before", "after"]
    assert "<b>Item</b>" not in traces["edited states"].hovertext[0]


def test_without_a_fork_there_is_one_path(behind: MapView) -> None:
    figure = fork_map(behind, crowd_image(behind, LIGHT), fork(path(), path(), None), LIGHT)
    traces = {trace.name: trace for trace in figure.data}
    assert len(traces["edited states"].x) == 0
    assert "edited, end" not in traces


def test_the_chosen_event_is_ringed_on_both_paths(behind: MapView) -> None:
    view = fork(path(), path(shift=0.5), 4)
    figure = fork_map(behind, crowd_image(behind, LIGHT), view, LIGHT)
    both = ["original states", "edited states"]
    assert chosen.mark(figure, both, lambda mark: mark[0] == 5, LIGHT, "chosen event")
    rings = [trace for trace in figure.data if trace.name == "chosen"]
    assert [(ring.x[0], ring.y[0]) for ring in rings] == [(4.0, 4.0), (4.5, 4.0)]
    assert sum(note.text.endswith("chosen event") for note in figure.layout.annotations) == 1
    assert chosen.mark(sizes_figure(view, LIGHT), "edited", lambda mark: mark[1] == "I", LIGHT, "")


def test_a_step_that_misleads_is_dotted(behind: MapView) -> None:
    view = fork(path(misleading=2), path(misleading=5), 4)
    figure = fork_map(behind, crowd_image(behind, LIGHT), view, LIGHT)
    dotted = {t.name: t for t in figure.data if t.name.endswith("misleading")}
    assert [len(trace.x) for trace in dotted.values()] == [3, 3]
    assert all(trace.line.dash == "dot" for trace in dotted.values())


def test_a_history_that_is_all_gone_draws(behind: MapView) -> None:
    view = fork(path(2), path(0), 1)
    fork_map(behind, crowd_image(behind, LIGHT), view, LIGHT).to_json()
    sizes_figure(view, LIGHT).to_json()
    sizes_figure(fork(path(0), path(0), None), LIGHT).to_json()


def test_real_moves_of_the_edited_path_are_drawn_from_the_fork_on() -> None:
    figure = sizes_figure(fork(path(), path(), 3), LIGHT)
    original, edited = figure.data
    assert (len(original.x), len(edited.x)) == (N - 1, N - 2)
    assert (original.marker.color, edited.marker.color) == (LIGHT.muted, LIGHT.accent)
    assert edited.x[0] > original.x[1]


def test_profiles_are_pairs_with_the_change() -> None:
    rows = [ProfileRow(0, "<i>Audio</i>", 0.5, 0.2), ProfileRow(1, "Garden", 0.1, 0.4)]
    figure = profiles_figure(rows, LIGHT)
    before, after = figure.data
    assert list(before.x) == [0.1, 0.5]
    assert list(after.x) == [0.4, 0.2]
    assert after.text[1].startswith("20") and "−30" in after.text[1]
    assert "<i>" not in figure.layout.yaxis.ticktext[1]
