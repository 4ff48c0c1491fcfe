"""The training's curve and the profile's bars."""

from __future__ import annotations

from collections.abc import Callable

from core.figures.palette import LIGHT
from core.figures.profile import shares_figure
from core.figures.quality import POINTS, training_figure
from core.views.timeline.rows import MomentView, TimelineView, TopicShare


def test_a_training_has_one_panel_per_figure_and_is_thinned() -> None:
    curve = [{"done": float(at), "loss": 9 - at / 1000, "score": at / 9000} for at in range(9000)]
    figure = training_figure(curve, LIGHT)
    assert [note.text for note in figure.layout.annotations] == ["loss", "score"]
    assert POINTS / 2 < len(figure.data[0].x) <= 2 * POINTS
    assert training_figure([], LIGHT).layout.height


def test_a_training_draws_figures_that_come_late() -> None:
    curve = [{"done": 1.0, "loss": 3.0}, {"done": 2.0, "loss": 2.0, "score": 0.1}]
    figure = training_figure(curve, LIGHT)
    assert [list(trace.x) for trace in figure.data] == [[1.0, 2.0], [2.0]]


def test_shares_carry_their_topics_hue_and_a_signed_change(
    make_timeline: Callable[..., TimelineView],
) -> None:
    shares = (TopicShare(2, "Audio", 0.41, 0.06), TopicShare(11, "Garden", 0.2, -0.031))
    row = make_timeline().steps[0]
    moment = MomentView(row, "", "", None, None, shares, (), "interest", "")
    bars = shares_figure(moment, LIGHT).data[0]
    assert list(bars.marker.color) == [LIGHT.other, LIGHT.topics[2]]
    assert list(bars.text) == ["20\u202f% (\u22123)", "41\u202f% (+6)"]
