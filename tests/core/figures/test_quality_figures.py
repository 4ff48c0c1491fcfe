"""Quality's charts: every interval drawn where it lies, both figures where both count."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import pytest

from core.evaluate.report import CalibrationBin
from core.figures import quality as figures
from core.figures.palette import DARK, LIGHT
from core.measure.metrics import Interval
from core.model.metrics import Epoch, Metrics
from core.views.quality.model_sentences import training
from core.views.quality.rows import (
    AblationRow,
    AblationView,
    GroupRow,
    NeverView,
    QualityView,
    RecommenderRow,
)


def row(name: str, mean: float, subject: bool = False) -> RecommenderRow:
    return RecommenderRow(
        recommender=name,
        is_subject=subject,
        ndcg=Interval(mean, mean - 0.01, mean + 0.01),
        seen=Interval(mean / 2, mean / 2 - 0.01, mean / 2 + 0.01),
        lead=None,
        recall=0.1,
        mrr=0.1,
        log_probability=-5.0,
        coverage=0.5,
        novelty=8.0,
        diversity=0.5,
        popularity_bias=1.0,
        never=3,
    )


def group(name: str, cases: int) -> GroupRow:
    return GroupRow(name, cases, Interval(0.3, 0.2, 0.4), Interval(0.2, 0.1, 0.3))


@pytest.fixture
def view() -> QualityView:
    return QualityView(
        protocol="leave-last-out",
        k=10,
        subject="joint",
        rival="<b>ease</b>",
        targets=100,
        unseen_targets=60,
        verdict="",
        seen_verdict=None,
        cautions=(),
        not_evaluated=(),
        rows=(row("joint", 0.4, True), row("<b>ease</b>", 0.3)),
        periods=(group("2024-01", 40), group("2024-02", 3), group("2024-03", 50)),
        periods_sentence="",
        cohorts=(group("new user", 60), group("heavy user", 4)),
        cohorts_sentence="",
        calibration=(CalibrationBin(0.2, 0.1, 50), CalibrationBin(0.6, 0.7, 50)),
        calibration_sentence="",
    )


def test_the_subject_is_on_top_in_bold_and_names_are_text(view: QualityView) -> None:
    figure = figures.recommenders_figure(view, LIGHT)
    names = figure.layout.yaxis.ticktext
    assert names[-1] == "<b>joint</b>"
    assert names[0] == "&lt;b&gt;ease&lt;/b&gt;"
    spans = [tuple(trace.x) for trace in figure.data if trace.mode == "lines"]
    assert spans == [pytest.approx((0.29, 0.31)), pytest.approx((0.39, 0.41))]
    assert "all 100 targets" in figure.layout.xaxis.title.text


def test_both_figures_are_drawn_where_both_count(view: QualityView) -> None:
    figure = figures.recommenders_figure(replace(view, seen_verdict="said"), DARK)
    assert {trace.xaxis for trace in figure.data} == {"x", "x2"}
    assert "the 40 seen in training" in figure.layout.xaxis2.title.text
    assert figure.layout.xaxis.domain[1] < figure.layout.xaxis2.domain[0]


def test_periods_with_few_targets_are_left_to_the_table(view: QualityView) -> None:
    figure = figures.periods_figure(view, LIGHT)
    for trace in figure.data:
        assert list(trace.x) == ["2024-01-01", "2024-03-01"]
    quarters = replace(view, periods=(group("2024-Q1", 40), group("2024-Q4", 40)))
    assert list(figures.periods_figure(quarters, LIGHT).data[0].x) == ["2024-01-01", "2024-10-01"]
    alone = replace(quarters, rival=None)
    assert len(figures.periods_figure(alone, LIGHT).data) == 1


def test_small_cohorts_are_hollow_and_say_so(view: QualityView) -> None:
    figure = figures.cohorts_figure(view, LIGHT)
    dots = [trace for trace in figure.data if trace.mode == "markers"]
    assert [dot.marker.color == LIGHT.background for dot in dots] == [True, True, False, False]
    assert "few" in figure.layout.yaxis.ticktext[0]


def test_calibration_lies_beside_its_diagonal(view: QualityView) -> None:
    figure = figures.calibration_figure(view.calibration, 10, LIGHT)
    line, dots = figure.data
    assert tuple(line.x) == tuple(line.y)
    assert (tuple(dots.x), tuple(dots.y)) == ((0.2, 0.6), (0.1, 0.7))
    assert figure.layout.xaxis.range == figure.layout.yaxis.range


def test_the_best_epoch_stands_out() -> None:
    curve = ((None, 0.1), (5.0, 0.3), (4.0, 0.2))
    lines = tuple(
        Epoch(epoch=at, loss=loss, validation_ndcg=ndcg) for at, (loss, ndcg) in enumerate(curve)
    )
    ndcg, loss = figures.epochs_figure(Metrics(training=lines, best_epoch=1), LIGHT).data
    assert max(ndcg.marker.size) == ndcg.marker.size[1]
    assert list(loss.x) == [1.0, 2.0]
    known = [
        line.model_copy(update={"validation_loss": held})
        for line, held in zip(lines, (6.0, 5.5, 5.8), strict=True)
    ]
    metrics = Metrics(training=tuple(known), best_epoch=1)
    _, own, held = figures.epochs_figure(metrics, LIGHT).data
    assert (list(own.y), list(held.y)) == ([5.0, 4.0], [6.0, 5.5, 5.8])
    said = training(metrics)
    assert "Validation loss was lowest at epoch 1 (5.50 nats) and rose to 5.80 by epoch 2" in said
    assert "training loss fell from 5.00 to 4.00: overfitting" in said


def test_a_loss_that_can_not_be_told_from_nothing_is_hollow() -> None:
    rows = (
        AblationRow("text", 5, Interval(0.0, -0.1, 0.1), Interval(0.0, -0.1, 0.1)),
        AblationRow("order", 5, Interval(0.2, 0.1, 0.3), Interval(1.0, 0.5, 1.5)),
    )
    figure = figures.ablation_figure(AblationView(5, rows, ""), LIGHT)
    hollow = [t.marker.color == LIGHT.background for t in figure.data if t.mode == "markers"]
    assert hollow == [False, True]
    assert list(figure.layout.yaxis.ticktext) == ["without order", "without text"]
    nats = figures.ablation_figure(AblationView(5, rows, ""), LIGHT, in_nats=True)
    assert "nats" in nats.layout.xaxis.title.text


def test_items_without_a_chance_are_bars_within_their_topic() -> None:
    topics = pd.DataFrame(
        {"topic": [f"topic {at}" for at in range(15)], "never": range(1, 16), "items": 20}
    )
    figure = figures.never_figure(NeverView("", topics, pd.DataFrame()), LIGHT)
    whole, never = figure.data
    assert len(whole.x) == len(never.x) == figures.TOPICS_SHOWN
    assert all(part <= all_ for part, all_ in zip(never.x, whole.x, strict=True))
