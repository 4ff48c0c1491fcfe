"""The rank flow and its neighbours, from views made by hand."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from core.compare.comparison import Overlap
from core.compare.turnover import Bin
from core.figures.compare import changes_figure, flow_figure, overlap_figure, profiles_figure
from core.figures.palette import DARK, LIGHT, Palette
from core.figures.report import Section, write_report
from core.figures.turnover import turnover_figure
from core.views.compare.build import ChangeBar, ColumnView, CompareView, FlowLine
from core.views.turnover import TurnoverView

EVIL = "<b>x</b><script>alert(1)</script> & <a href='https://example.org'>y</a>"


def compare_view(n: int, k: int = 10) -> CompareView:
    """``n`` columns of ``k`` items; each column shifts the list by two."""
    columns = tuple(
        ColumnView(
            name=f"step {at} {EVIL}",
            short=f"{at}",
            user_id="U",
            step=at,
            recommender="joint",
            explains=True,
            profile=np.full(12, 1 / 12, np.float32) + np.float32(0.001 * at),
            next_item=EVIL,
            next_rank=1 if at < 2 else None,
        )
        for at in range(n)
    )
    items = range(k + 2 * (n - 1))
    lines = tuple(
        FlowLine(
            item_id=f"i{item}",
            item=f"{EVIL} {item}",
            topic=item % 12,
            ranks=tuple(item - 2 * at + 1 if 0 <= item - 2 * at < k else None for at in range(n)),
            full_ranks=tuple(item - 2 * at + 1 if item >= 2 * at else None for at in range(n)),
            is_next=tuple(at < 2 and item == 2 * at for at in range(n)),
        )
        for item in items
    )
    topics = tuple(f"topic {topic}" for topic in range(12))
    return CompareView(columns, lines, (), "", (), (), topics, "", "", "", "")


def trace(figure, name: str):
    return next(one for one in figure.data if one.name == name)


@pytest.mark.parametrize("palette", [LIGHT, DARK])
def test_every_pair_of_columns_has_one_cell_of_the_heatmap(palette: Palette) -> None:
    pairs = [Overlap(a, b, 0.5, (a + b) / 10, None) for a in range(4) for b in range(a + 1, 4)]
    pairs[0] = Overlap(0, 1, None, None, None)
    figure = overlap_figure(replace(compare_view(4, 10), overlaps=tuple(pairs)), palette)
    (cells,) = figure.data
    known = [value for row in cells.z for value in row if value is not None]
    assert sorted(known) == sorted((pair.a + pair.b) / 10 for pair in pairs[1:])
    assert len(figure.layout.annotations) == len(known)
    assert "None" not in "".join(text for row in cells.text for text in row)


@pytest.mark.parametrize("palette", [LIGHT, DARK])
@pytest.mark.parametrize(("n", "k"), [(2, 10), (3, 10), (6, 20)])
def test_every_place_of_every_list_is_a_marker_that_can_be_picked(
    n: int, k: int, palette: Palette
) -> None:
    view = compare_view(n, k)
    marks = trace(flow_figure(view, palette), "ranks")
    places = {(x, y): tuple(data) for x, y, data in zip(marks.x, marks.y, marks.customdata,
                                                         strict=True)}  # fmt: skip
    expected = {
        (at, rank): (line.item_id, at)
        for line in view.lines
        for at, rank in enumerate(line.ranks)
        if rank is not None
    }
    assert places == expected and len(places) == n * k
    hues = dict(zip([data[0] for data in marks.customdata], marks.marker.color, strict=True))
    assert all(hues[line.item_id] == palette.topic(line.topic) for line in view.lines
               if line.item_id in hues)  # fmt: skip


def test_what_came_next_has_a_ring_or_its_rank_below() -> None:
    figure = flow_figure(compare_view(3), LIGHT)
    rings = trace(figure, "next")
    assert list(zip(rings.x, rings.y, strict=True)) == [(0, 1), (1, 1)]
    assert "next: not listed" in [note.text for note in figure.layout.annotations]


def test_the_chosen_item_stands_out() -> None:
    view = compare_view(6)
    marks = trace(flow_figure(view, LIGHT, "i3"), "ranks")
    strong = {d[0] for d, o in zip(marks.customdata, marks.marker.opacity, strict=True) if o == 1}
    assert strong == {"i3"}


def test_no_text_of_a_person_is_markup() -> None:
    bars = [ChangeBar(step, f"step {step} {EVIL}", 0.5 - step / 10, 0.1) for step in range(20)]
    for figure in (flow_figure(compare_view(4), LIGHT), profiles_figure(compare_view(4), LIGHT),
                   changes_figure(bars, LIGHT)):  # fmt: skip
        drawn = json.dumps(json.loads(figure.to_json()), ensure_ascii=False)
        assert "<script" not in drawn and "<a " not in drawn
        assert not re.search(r"<b>x", drawn)


def test_profiles_of_one_history_are_one_bar() -> None:
    view = compare_view(3)
    same = replace(view, columns=tuple(replace(c, profile=view.columns[0].profile)
                                       for c in view.columns))  # fmt: skip
    assert len(profiles_figure(same, LIGHT).data[0].x) == 1
    figure = profiles_figure(view, LIGHT)
    totals = np.sum([bar.x for bar in figure.data], axis=0)
    assert np.allclose(totals, [c.profile.sum() for c in view.columns[::-1]], atol=0.04)


def test_small_changes_are_one_bar_and_nothing_is_lost() -> None:
    bars = [ChangeBar(step, f"step {step}", 1 / (1 + step), 0.0) for step in range(30)]
    drawn = trace(changes_figure(bars, LIGHT), "changes")
    assert len(drawn.x) == 13
    assert sum(drawn.x) == pytest.approx(sum(bar.value for bar in bars))


def test_turnover_draws_only_what_is_known() -> None:
    bins = (Bin(1, 1, 0.5, 10), Bin(2, None, None, 0))
    view = TurnoverView("", {"event": bins, "day": bins}, {})
    assert [list(one.y) for one in turnover_figure(view, LIGHT).data] == [[0.5], [0.5]]


def test_a_report_allows_exactly_its_own_scripts() -> None:
    figure = flow_figure(compare_view(2), LIGHT)
    table = pd.DataFrame({EVIL: [EVIL, None], "n": [0.25, float("nan")], "yes": [True, False]})
    text = write_report(
        EVIL, [EVIL], [Section(EVIL, (EVIL,), figure, table, ((EVIL, EVIL),))], DARK
    )
    assert (
        text.count("<script>alert(1)") == 0
        and "<a href" not in text.split("<main>")[1].split("<script")[0]
    )
    policy = re.search(r'content="(default-src[^"]*)"', text)
    assert policy is not None and "default-src 'none'" in policy[1]
    assert policy[1].count("sha256-") == 2 and "unsafe-eval" not in policy[1]
    assert "unsafe-inline" not in policy[1].split("script-src")[1].split(";")[0]
    assert not re.search(r"<(link|img|iframe|object|embed|base)[ >]", text.split("<script")[0])
    plain = write_report("t", [], [Section("s", ("one",))], LIGHT)
    assert "<script" not in plain and "script-src 'none'" in plain
