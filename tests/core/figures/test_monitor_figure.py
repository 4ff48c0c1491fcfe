"""Small multiples of the monitor: what is drawn where, and which marks stand for what."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from core.figures.monitor import ages_figure, monitor_figure
from core.figures.palette import LIGHT
from core.measure.metrics import Interval
from core.monitor.measures import Group, Scale
from core.views.monitor.rows import AgeRow, Panel


def panel(name: str, **more: object) -> Panel:
    days = tuple(datetime(2024, 1, 1, tzinfo=UTC) + timedelta(weeks=at) for at in range(5))
    facts: dict = {
        "id": name,
        "name": name,
        "group": Group.TRAFFIC,
        "scale": Scale.SHARE,
        "days": days,
        "values": (0.2, None, 0.3, 0.9, 0.1),
        "low": (None, 0.1, 0.1, 0.1, None),
        "high": (None, 0.4, 0.4, 0.4, None),
        "texts": tuple(f"week {at} <b>" for at in range(5)),
        "current": (2, 3),
        "unfinished": (4,),
        "alarmed": (3,),
    }
    return Panel(**(facts | more))


@pytest.mark.parametrize("columns", [1, 2, 4])
def test_panels_stand_in_rows_and_do_not_overlap(columns: int) -> None:
    names = ["Events", "<i>New</i>", "Ratings", "Kinds", "Topics"]
    figure = monitor_figure([panel(name) for name in names], LIGHT, columns)
    layout = figure.layout  # plotly checks all of it
    places = [
        (layout[f"xaxis{at or ''}"].domain, layout[f"yaxis{at or ''}"].domain)
        for at in (0, 2, 3, 4, 5)
    ]
    for at, ((left, right), (low, high)) in enumerate(places):
        for (other_left, other_right), (other_low, other_high) in places[:at]:
            apart = left >= other_right or other_left >= right
            assert apart or low >= other_high or other_low >= high
    said = [note.text for note in layout.annotations]
    assert "<b>&lt;i&gt;New&lt;/i&gt;</b>" in said


def test_marks_tell_alarms_from_usual_and_unfinished_periods() -> None:
    figure = monitor_figure([panel("Events")], LIGHT, 4)
    marks = {trace.name: trace for trace in figure.data}
    assert list(marks["alarm"].y) == [0.9] and list(marks["current"].y) == [0.3]
    assert list(marks["not over"].y) == [0.1]
    assert marks["not over"].marker.color == LIGHT.background
    assert list(marks["band"].y) == [0.4] * 3 + [0.1] * 3
    assert list(marks["Events"].y) == [0.2, None, 0.3, 0.9]
    assert "week 3 &lt;b&gt;, alarm" in marks["alarm"].hovertext


def test_the_youngest_age_stands_on_top() -> None:
    rows = [
        AgeRow("0 to 6 days", Interval(0.3, 0.2, 0.4), 40),
        AgeRow("7 to 29 days", Interval(0.2, 0.1, 0.3), 50),
    ]
    figure = ages_figure(rows, LIGHT)
    names = figure.layout.yaxis.ticktext
    assert names == ("7 to 29 days, n = 50", "0 to 6 days, n = 40")
    dots = [(trace.x[0], trace.y[0]) for trace in figure.data if trace.mode == "markers"]
    assert dots == [(0.2, 0), (0.3, 1)]
