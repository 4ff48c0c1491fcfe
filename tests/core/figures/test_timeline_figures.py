"""The Timeline's charts: every step can be picked, charts line up, a mark means one thing."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from core.domain import EventKind
from core.figures import chosen
from core.figures.palette import DARK, KIND_SYMBOLS, LIGHT, channels
from core.figures.profile import areas, label_positions, profile_figure
from core.figures.report import as_html
from core.figures.style import plain
from core.figures.time_scale import time_scale
from core.figures.timeline import events_figure, ranks_figure, step_sizes_figure
from core.figures.trajectory_map import crowd_image, trajectory_map
from core.views.interest_map import Landmark, MapView
from core.views.timeline.rows import TimelineView

MakeTimeline = Callable[..., TimelineView]


def trace(figure, name):
    return next(found for found in figure.data if found.name == name)


def all_figures(view, step, spacing="time", palette=LIGHT):
    scale = time_scale(view, spacing)
    return {
        "profile": profile_figure(view, step, scale, palette),
        "events": events_figure(view, step, scale, palette),
        "ranks": ranks_figure(view, step, 400, scale, palette),
        "step_sizes": step_sizes_figure(view, step, scale, palette),
    }


@pytest.mark.parametrize("spacing", ["time", "even"])
def test_charts_over_time_line_up_and_share_one_rule(make_timeline: MakeTimeline, spacing) -> None:
    figures = all_figures(make_timeline(), 5, spacing).values()
    assert len({(f.layout.margin.l, f.layout.margin.r) for f in figures}) == 1
    assert len({tuple(f.layout.xaxis.range) for f in figures}) == 1
    assert len({f.layout.shapes[0].x0 for f in figures}) == 1


@pytest.mark.parametrize(
    ("chart", "name", "steps"),
    [
        ("profile", "pick", range(1, 13)),
        ("events", "events", range(1, 13)),
        ("ranks", "ranks", range(1, 12)),
        ("step_sizes", "step sizes", range(2, 13)),
    ],
)
def test_every_step_can_be_picked(make_timeline: MakeTimeline, chart, name, steps) -> None:
    assert list(trace(all_figures(make_timeline(), 5)[chart], name).customdata) == list(steps)


def test_profile_areas_keep_the_topics_hue_and_sum_to_one(make_timeline: MakeTimeline) -> None:
    view = make_timeline(n=20, topics=14)
    stacked = areas(view.topics, view.profile)
    assert np.allclose(sum(shares for _, _, shares in stacked), 1, atol=1e-5)
    figure = profile_figure(view, 3, time_scale(view, "time"), DARK)
    for name, topic, _ in stacked:
        assert trace(figure, name).fillcolor == DARK.topic(topic)


def test_a_large_topic_beyond_the_ninth_is_grey_but_named(make_timeline: MakeTimeline) -> None:
    view = make_timeline(n=20, topics=12)
    view.profile[:] = 0.001
    view.profile[:, 10] = 1 - 0.001 * 11
    figure = profile_figure(view, 3, time_scale(view, "time"), LIGHT)
    assert trace(figure, "Topic 10").fillcolor == LIGHT.other
    assert "Topic 10" in [note.text for note in figure.layout.annotations]


def test_an_event_shows_kind_by_shape_sentiment_by_colour_and_height(
    make_timeline: MakeTimeline,
) -> None:
    view = make_timeline()
    events = trace(all_figures(view, 5)["events"], "events")
    kinds = [kind for kind in KIND_SYMBOLS if kind in {row.kind for row in view.steps}]
    for at, row in enumerate(view.steps):
        assert events.marker.symbol[at] == KIND_SYMBOLS[row.kind]
        assert events.marker.color[at] == LIGHT.sentiment(row.sentiment)
        height = events.y[at] - kinds.index(row.kind)
        assert np.sign(height) == np.sign(row.sentiment or 0)


def test_ratings_are_numbers_with_room_and_sizes_without(make_timeline: MakeTimeline) -> None:
    roomy, dense = make_timeline(n=20), make_timeline(n=200)
    assert trace(all_figures(roomy, 5)["events"], "events").mode == "markers+text"
    crowded = trace(all_figures(dense, 5)["events"], "events")
    assert crowded.mode == "markers"
    rated = {row.rating: size for row, size in zip(dense.steps, crowded.marker.size, strict=True)}
    assert rated[1.0] < rated[5.0]


def test_ranks_tell_hits_and_held_out_events_without_colour(make_timeline: MakeTimeline) -> None:
    view = make_timeline(n=30)
    figure = all_figures(view, 5)["ranks"]
    ranks = trace(figure, "ranks")
    for row, symbol in zip(view.steps, ranks.marker.symbol, strict=False):
        assert symbol == ("circle" if row.next_rank <= 10 else "circle-open")
    *words, legend = [note.text for note in figure.layout.annotations]
    assert [text.split()[0] for text in words] == ["validation", "test"]
    assert all(meaning in legend for meaning in ("top 10", "in it", "below", "held out"))
    top, bottom = figure.layout.yaxis.range
    assert top > bottom, "rank 1 is on top"


def test_the_path_ends_now_and_is_dashed_where_the_map_misleads(
    make_timeline: MakeTimeline, map_view: MapView, at_step
) -> None:
    view = make_timeline()
    figure = trajectory_map(map_view, crowd_image(map_view, LIGHT), view, at_step(view, 6), LIGHT)
    assert len(trace(figure, "states").customdata) == 6
    assert list(trace(figure, "still to come").customdata) == list(range(7, 13))
    now = trace(figure, "now")
    assert (now.x[0], now.y[0]) == (view.steps[5].x, view.steps[5].y)
    listed = trace(figure, "list")
    assert list(zip(listed.text, listed.x, strict=True)) == [("1", 0.5), ("2", 1.0)]
    misleading = sum(row.misleading for row in view.steps[1:6])
    dashed = trace(figure, "dashed path")
    assert dashed.line.dash != "solid"
    assert len([x for x in dashed.x if x is not None]) == 2 * misleading
    assert len([x for x in trace(figure, "path").x if x is not None]) == 2 * (5 - misleading)


def pixels(image: dict) -> np.ndarray:
    """A crowd's picture as uint8[height, width, 4]."""
    raw = base64.b64decode(image["source"].split(",")[1])
    return np.asarray(Image.open(io.BytesIO(raw)).convert("RGBA"))


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_every_state_is_in_the_picture_at_its_place_in_its_hue(palette) -> None:
    crowd = np.array([[0, 0], [10, 0], [0, 5]], np.float32)
    view = MapView(crowd, np.array([0, 3, 40], np.int16), (), "")
    image = crowd_image(view, palette)
    drawn = pixels(image)
    height, width, _ = drawn.shape
    for (x, y), ink in zip(
        crowd, (palette.topics[0], palette.topics[3], palette.other), strict=True
    ):
        column = round((x - image["x"]) / image["sizex"] * width)
        row = round((image["y"] - y) / image["sizey"] * height)
        near = drawn[max(row - 1, 0) : row + 1, max(column - 1, 0) : column + 1]
        assert near[..., 3].max() > 80
        seen = near.reshape(-1, 4)[near[..., 3].argmax(), :3] / 255
        assert np.abs(seen - channels(ink)).max() < 0.08
    assert (drawn[..., 3] > 0).mean() < 0.01


def test_a_crowd_in_one_place_draws() -> None:
    crowd = np.zeros((3, 2), np.float32)
    assert pixels(crowd_image(MapView(crowd, np.zeros(3, np.int16), (), ""), LIGHT)).size


def test_names_on_the_map_give_way_to_earlier_ones_or_are_left_out(
    make_timeline: MakeTimeline, at_step
) -> None:
    crowd = np.random.default_rng(0).normal(0, 3, (50, 2)).astype(np.float32)
    marks = tuple(Landmark(f"Topic {at}", at, 0.0, 0.001 * at) for at in range(9))
    behind = MapView(crowd, np.zeros(50, np.int16), marks, "")
    view = make_timeline()
    figure = trajectory_map(behind, crowd_image(behind, LIGHT), view, at_step(view, 1), LIGHT)
    drawn = figure.layout.annotations
    assert "Topic 0" in drawn[0].text
    assert drawn[0].y == 0
    assert 3 <= len(drawn) < 9
    ys = sorted(note.y for note in drawn)
    assert min(b - a for a, b in pairwise(ys)) > 0.01


@pytest.mark.parametrize("n", [1, 2, 3])
def test_short_histories_draw(make_timeline: MakeTimeline, map_view: MapView, at_step, n) -> None:
    view = make_timeline(n=n)
    for figure in all_figures(view, n).values():
        figure.to_json()
    trajectory_map(map_view, crowd_image(map_view, LIGHT), view, at_step(view, n), LIGHT).to_json()


def test_events_of_one_instant_are_fanned_out_around_it(make_timeline: MakeTimeline) -> None:
    view = make_timeline(n=6, same_day=True)
    scale = time_scale(view, "time")
    spread = scale.fanned([0] * 6)
    assert len(set(spread)) == 6
    assert spread.mean() == pytest.approx(scale.x[0])


def test_a_day_with_hundreds_of_events_stays_near_its_place(make_timeline: MakeTimeline) -> None:
    scale = time_scale(make_timeline(n=300, same_day=True), "time")
    assert np.ptp(scale.fanned([0] * 300)) <= 0.06 * scale.width


def test_around_now_shows_the_surroundings_and_turns_after_ten_steps(
    make_timeline: MakeTimeline,
) -> None:
    view = make_timeline(n=60)
    shown = [time_scale(view, "even", around=step).visible + 1 for step in range(1, 61)]
    ends = [(int(steps[0]), int(steps[-1])) for steps in shown]
    assert ends[29] == (16, 35)
    assert all(
        first <= max(step - 5, 1) and min(step + 5, 60) <= last
        for step, (first, last) in enumerate(ends, start=1)
    )
    assert len(set(ends)) == 6  # the axis stays while the step is in the middle


def test_words_from_files_are_never_markup(make_timeline: MakeTimeline) -> None:
    view = make_timeline()
    texts = [
        text
        for figure in all_figures(view, 5).values()
        for part in figure.data
        for text in (part.hovertext if isinstance(part.hovertext, tuple) else ())
    ]
    assert any("&lt;b&gt;Item" in text for text in texts)
    assert not any("<b>Item" in text for text in texts)
    assert plain("<img src=x>") == "&lt;img src=x&gt;"


def test_an_exported_page_opens_without_a_network(make_timeline: MakeTimeline) -> None:
    figures = [("<i>one</i>", figure) for figure in all_figures(make_timeline(), 5).values()]
    page = as_html(figures, LIGHT, "Timeline of <U1>")
    assert "Timeline of &lt;U1&gt;" in page
    assert "&lt;i&gt;one" in page
    assert 'src="http' not in page
    assert page.count('<div class="figure">') == len(figures)


@given(
    st.lists(st.lists(st.floats(0.001, 1), min_size=4, max_size=4), min_size=1, max_size=30).map(
        lambda rows: np.array(rows, np.float32)
    )
)
def test_a_label_lies_inside_its_area(weights) -> None:
    profile = weights / weights.sum(axis=1, keepdims=True)
    starts = np.arange(len(profile), dtype=float)
    ends = starts + 1
    names = ["Garden", "Audio", "Kitchen", "Books"]
    stacked = [(name, topic, profile[:, topic]) for topic, name in enumerate(names)]
    tops = np.cumsum(profile, axis=1)
    for area, x, y in label_positions(stacked, starts, ends, (0.0, ends[-1])):
        state = min(int(x), len(profile) - 1)
        assert tops[state, area] - profile[state, area] < y < tops[state, area]


def test_every_kind_that_occurs_has_a_named_row(make_timeline: MakeTimeline) -> None:
    figure = all_figures(make_timeline(), 5)["events"]
    assert set(figure.layout.yaxis.ticktext) == {kind.value for kind in EventKind}


def test_chosen_events_are_ringed_where_they_stand(make_timeline: MakeTimeline) -> None:
    view = make_timeline()
    figure = all_figures(view, 5)["events"]
    marks = {step: (x, y) for step, x, y in figure.marks("events")}
    assert chosen.mark(figure, "events", {2, 9}.__contains__, LIGHT, "chosen")
    rings = [(t.x[0], t.y[0]) for t in figure.data if t.name == "chosen"]
    assert rings == [marks[2], marks[9]]
    assert not chosen.mark(figure, "events", {99}.__contains__, LIGHT, "chosen")


def test_a_single_event_stands_on_an_axis_of_days(make_timeline: MakeTimeline) -> None:
    scale = time_scale(make_timeline(n=1), "time")
    assert scale.low < scale.x[0] < scale.high
    assert scale.width >= 4 * 86_400_000
