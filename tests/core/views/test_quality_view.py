"""Quality's sentences hold what the numbers say: wins, losses, and what can't be told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.engine import Engine
from core.evaluate.ablations import Ablation, Answer
from core.evaluate.report import CalibrationBin, EvaluationReport, Result
from core.evaluate.served import ListsJudged
from core.measure.intervals import Interval
from core.model.metrics import read_metrics
from core.ranking import NO_ITEM
from core.views import quality_wording as wording
from core.views.quality import FEW, build_quality, build_verdict
from core.views.quality_details import build_never, build_uses, training_lines
from core.views.quality_tables import UNITS, recommenders_table, shown_table


def result(name: str, rank: np.ndarray, n_items: int) -> Result:
    n = len(rank)
    lists = np.full((n, 10), NO_ITEM)
    lists[:, 0] = np.arange(n) % min(n_items, 40)
    nothing = np.full(n, np.nan)
    return Result(
        name, rank, np.full(n, -3.0), lists, np.ones(n), nothing, np.ones(n), np.full(n, 0.4)
    )


def make_report(engine: Engine, unseen: int = 0, **hits: float) -> EvaluationReport:
    """300 cases; each recommender has the target on rank 1 in this share of them."""
    n, n_items = 300, len(engine.corpus.item_ids)
    random = np.random.default_rng(0)
    ranks = {
        name.replace("_", "-"): np.where(random.random(n) < share, 1.0, np.inf)
        for name, share in hits.items()
    }
    is_unseen = np.arange(n) < unseen
    return EvaluationReport(
        protocol="leave-last-out",
        k=10,
        n_items=n_items,
        users=tuple(f"u{at}" for at in range(n)),
        steps=np.full(n, 5),
        targets=np.arange(n) % n_items,
        months=np.array([f"2024-{1 + at % 12:02}" for at in range(n)]),
        cohorts={
            "new user": np.arange(n) < FEW - 1,
            "heavy user": np.zeros(n, bool),
            "popular item": ~is_unseen,
            "unseen item": is_unseen,
        },
        excluded_targets=0,
        results=tuple(result(name, rank, n_items) for name, rank in ranks.items()),
    )


def test_a_clear_lead_is_a_win_with_its_interval(engine: Engine) -> None:
    said = build_verdict(make_report(engine, joint=0.6, ease=0.3, content=0.1), (), "joint")
    assert said.startswith("The joint beats the best baseline, EASE, by ")
    assert "\u202f% [" in said and "on 300 targets." in said


def test_a_clear_deficit_is_a_loss(engine: Engine) -> None:
    said = build_verdict(make_report(engine, joint=0.2, item_knn=0.5), (), "joint")
    assert said.startswith(
        "The joint loses to the best baseline, recency-weighted item-kNN: \u2212"
    )


def test_a_tie_is_no_difference_that_these_users_can_show(engine: Engine) -> None:
    said = build_verdict(make_report(engine, joint=0.4, ease=0.41), (), "joint")
    assert said.startswith("No difference that 300 users can show between the joint and")


def test_the_interest_model_is_no_baseline_of_the_joint(engine: Engine) -> None:
    report = make_report(engine, joint=0.3, interest=0.6, popularity=0.1)
    view = build_quality(engine, report, (), "joint")
    assert view.rival == "popularity"
    assert [row.recommender for row in view.rows] == ["interest", "joint", "popularity"]
    assert view.rows[0].lead is not None and view.rows[0].lead.high < 0
    assert build_quality(engine, report, (), "popularity").rival is None


def test_a_rival_that_never_hits_gives_no_ratio(engine: Engine) -> None:
    assert "in NDCG" in build_verdict(make_report(engine, joint=0.3, ease=0.0), (), "joint")


def test_targets_that_training_never_saw_are_kept_apart(engine: Engine) -> None:
    """A win on unseen items alone must not pass for a win."""
    report = make_report(engine, unseen=240, joint=0.5, ease=0.5)
    seen = report.seen_targets
    mine, theirs = (
        np.where(seen, np.inf, 1.0),
        np.where(seen, 1.0, np.inf),
    )
    results = tuple(
        replace(one, rank=rank) for one, rank in zip(report.results, (mine, theirs), strict=True)
    )
    view = build_quality(engine, replace(report, results=results), (), "joint")
    assert view.verdict.startswith("The joint beats")
    assert view.seen_verdict is not None
    assert view.seen_verdict.startswith("The joint loses")
    assert "that training has seen" in view.seen_verdict
    both = build_verdict(replace(report, results=results), (), "joint")
    assert both == f"{view.verdict} {view.seen_verdict}"
    assert any("itself a hint" in caution for caution in view.cautions)
    assert "NDCG, seen targets" in shown_table(view)
    few = build_quality(engine, make_report(engine, unseen=3, joint=0.5, ease=0.5), (), "joint")
    assert few.seen_verdict is None
    assert not any("itself a hint" in caution for caution in few.cautions)


def test_small_groups_are_said_and_not_ranked(engine: Engine) -> None:
    view = build_quality(engine, make_report(engine, joint=0.5, ease=0.2), (), "joint")
    groups = {row.name: row for row in view.cohorts}
    assert groups["new user"].few and not groups["popular item"].few
    assert "heavy user" not in groups
    assert "1 cohort with fewer than 30 targets tells little" in view.cohorts_sentence
    assert view.period == "quarter"
    assert [row.cases for row in view.periods] == [75, 75, 75, 75]
    assert "Months have too few targets" in view.periods_sentence


def test_lists_that_were_served_say_what_they_lack(engine: Engine) -> None:
    report = make_report(engine, joint=0.6, ease=0.3, production=0.2)
    served = replace(report.result("production"), promised=np.full(300, np.nan))
    judged = ListsJudged(served, 300, unserved=40, stale=7)
    report = replace(report, results=(*report.results[:2], served))
    view = build_quality(engine, report, [judged], "joint")
    assert view.rival == "ease"
    said = view.cautions[-1]
    assert "the joint is ahead by" in said
    assert "40 of 300 targets had no list" in said
    assert "7 lists are older" in said
    assert "other content" not in said
    older = replace(judged, of_other_content=True)
    view = build_quality(engine, report, [older], "joint", ["broken"])
    assert "imported when the corpus had other content" in view.cautions[-2]
    assert "damaged" in view.cautions[-1] and "“broken”" in view.cautions[-1]
    own = build_quality(engine, report, [judged], "production")
    assert own.calibration == ()
    assert "ranks only" in own.calibration_sentence


def test_nothing_judged_is_said(engine: Engine) -> None:
    report = make_report(engine, joint=0.5, ease=0.5)
    none = np.zeros(300, bool)
    empty = replace(
        report,
        users=(),
        steps=report.steps[none],
        targets=report.targets[none],
        months=report.months[none],
        cohorts={name: who[none] for name, who in report.cohorts.items()},
        results=tuple(
            Result(
                one.recommender,
                *(
                    getattr(one, name)[none]
                    for name in (
                        "rank",
                        "log_probability",
                        "lists",
                        "novelty",
                        "diversity",
                        "popularity_bias",
                        "promised",
                    )
                ),
            )
            for one in report.results
        ),
    )
    view = build_quality(engine, empty, (), "joint")
    assert view.verdict.startswith("Nothing could be judged")
    assert view.targets == 0 and view.periods == () and view.cohorts == ()


def test_items_without_a_chance_are_counted_by_topic(engine: Engine) -> None:
    report = make_report(engine, joint=0.5, ease=0.5)
    view = build_never(engine, report, "joint")
    listed = np.unique(report.result("joint").lists)
    missing = report.n_items - len(listed[listed != NO_ITEM])
    assert sum(topic.never for topic in view.topics) == missing
    assert view.sentence.startswith(wording.count(missing, "item"))
    first = view.topics[0]
    assert f"The largest group is {first.topic} ({first.never} of {missing})." in view.sentence
    counts = [item.training_events for item in view.items]
    assert counts == sorted(counts, reverse=True)
    everything = replace(
        report.result("joint"), lists=np.resize(np.arange(report.n_items), (300, 10))
    )
    whole = replace(report, results=(everything,))
    assert build_never(engine, whole, "joint").sentence.startswith("Every item of the catalogue")


def uses_of(fall: float, rise: float, users: tuple[str, ...]) -> Ablation:
    n = len(users)
    random = np.random.default_rng(1)
    whole = np.where(random.random(n) < 0.5, 1.0, np.inf)

    def answer(rank: np.ndarray, by: float) -> Answer:
        return Answer(rank, np.full(n, -3.0) - by + random.normal(0, 0.01, n), np.ones(n, bool))

    lost = np.where(random.random(n) < fall, np.inf, whole)
    won = np.where(random.random(n) < rise, 1.0, whole)
    return Ablation(
        "joint",
        10,
        users,
        np.arange(n),
        answer(whole, 0.0),
        {"text": answer(whole, 0.0), "order": answer(lost, 1.0), "ratings": answer(won, -1.0)},
    )


def test_what_is_used_what_is_idle_and_what_harms(engine: Engine) -> None:
    view = build_uses(uses_of(0.4, 0.4, tuple(f"u{at}" for at in range(200))))
    assert view.sentence.startswith("The joint uses order. Fall of NDCG@10 from")
    assert "It is better off without ratings here" in view.sentence
    assert "For text there is no difference that 200 users can show" in view.sentence
    assert [row.decided for row in view.rows] == [False, True, True]


def test_one_users_steps_speak_in_nats() -> None:
    view = build_uses(uses_of(0.0, 0.0, ("u1",) * 40), "u1", trained=38)
    assert "over 40 steps of u1, 38 of them seen in training" in view.sentence.lower()
    assert "nats" in view.sentence
    nothing = build_uses(uses_of(0.0, 0.0, ()), "u1")
    assert nothing.cases == 0 and "no step" in nothing.sentence


def test_the_table_has_every_figure_and_no_nan_text(engine: Engine) -> None:
    view = build_quality(engine, make_report(engine, joint=0.5, ease=0.2), (), "joint")
    table = recommenders_table(view)
    assert list(table["recommender"]) == ["joint", "ease"]
    assert np.isnan(table["lead"][0]) and table["lead"][1] > 0
    assert "Diversity" not in shown_table(view)
    assert (
        not shown_table(view)
        .astype(str)
        .apply(lambda column: column.str.contains("nan"))
        .any(axis=None)
    )


@pytest.mark.parametrize(
    ("promised", "kept", "cases", "says"),
    [
        (0.5, 0.3, 100, "more than it keeps"),
        (0.3, 0.5, 100, "less than it keeps"),
        (0.3, 0.3, 100, "about right"),
        (0.02, 0.005, 10_000, "more than it keeps"),
        (0.3, 0.4, 20, "keeps 40\u202f% [22, 61]: about right, as far as 20 targets can show"),
    ],
)
def test_calibration_is_read_by_what_the_hits_can_show(
    promised: float, kept: float, cases: int, says: str
) -> None:
    assert says in wording.calibration("joint", [CalibrationBin(promised, kept, cases)], 10)


def test_a_baseline_is_compared_with_the_others(engine: Engine) -> None:
    report = make_report(engine, ease=0.6, content=0.1, joint=0.3)
    assert "beats the best other baseline, content (BERT vectors), by" in build_verdict(
        report, (), "ease"
    )
    assert "loses to the best other baseline" in build_verdict(report, (), "content")
    assert "other" not in build_verdict(report, (), "joint")


@pytest.mark.parametrize(
    ("values", "best", "says"),
    [
        ([0.1, 0.3, 0.2], 1, "rose from 0.100 before the first epoch to 0.300 at epoch 1 of 2"),
        ([0.3, 0.2, 0.25], 0, "No epoch was better than the start"),
        ([0.0, 0.0], 0, "nothing to choose an epoch by"),
        ([np.nan, np.nan], 0, "nothing to choose an epoch by"),
        ([0.2], 0, "No epoch was better than the start"),
    ],
)
def test_training_says_what_happened(values: list[float], best: int, says: str) -> None:
    lines = [{"epoch": at, "validation_ndcg": value} for at, value in enumerate(values)]
    said = wording.training(lines, best)
    assert says in said
    assert ("rose" in said) == (best > 0) and "–" not in said


def test_every_figure_of_the_table_has_its_unit(engine: Engine) -> None:
    view = build_quality(engine, make_report(engine, joint=0.5, ease=0.2), (), "joint")
    assert "log p" in shown_table(view) and "log p: mean log-probability" in UNITS
    assert "nats" in UNITS


def test_training_lines_come_from_the_metrics(engine: Engine) -> None:
    lines = training_lines(read_metrics(engine.folder))
    assert np.isnan(lines[0]["loss"]) and not np.isnan(lines[1]["loss"])
    assert "rose from" in wording.training(lines, 1)


def test_without_metrics_nothing_is_said_of_the_training() -> None:
    assert training_lines(None) == ()
    assert "no record" in wording.training((), None)
    assert "no rated held-out reviews" in wording.sentiment(None)


def test_an_interval_carries_true_minus_signs() -> None:
    assert wording.between(Interval(-0.01, -0.02, 0.0)) == "\u22120.010 [\u22120.020, 0.000]"
    assert wording.between(Interval(np.nan, np.nan, np.nan)) == "–"
