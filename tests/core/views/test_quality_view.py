"""Quality's sentences hold what the numbers say: wins, losses, and what can't be told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.encode.sentiment import SentimentQuality
from core.engine import Engine
from core.evaluate.ablations import Ablation, Answer
from core.evaluate.report import CalibrationBin, EvaluationReport, Result
from core.evaluate.served import ListsJudged
from core.measure.metrics import Interval, PairedTest
from core.model.metrics import Epoch, Metrics, read_metrics
from core.ranking import NO_ITEM
from core.views.quality import model_sentences, sentences
from core.views.quality.build import (
    build_ablation,
    build_never,
    build_quality,
    build_verdict,
)
from core.views.quality.cases import ALL, build_cases
from core.views.quality.rows import FEW, UNITS, RecommenderRow, shown_table
from core.views.tables import table
from core.views.wording import count


def result(name: str, rank: np.ndarray, n_items: int) -> Result:
    n = len(rank)
    lists = np.full((n, 10), NO_ITEM)
    lists[:, 0] = np.arange(n) % min(n_items, 40)
    nothing = np.full(n, np.nan)
    return Result(
        name, rank, np.full(n, -3.0), lists, np.ones(n), nothing, np.ones(n), np.full(n, 0.4)
    )


def training(values: list[float | None], best: int | None) -> str:
    lines = (Epoch(epoch=at, loss=None, validation_ndcg=value) for at, value in enumerate(values))
    return model_sentences.training(Metrics(training=tuple(lines), best_epoch=best))


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


def test_the_targets_of_a_group_stand_worst_placed_first(engine: Engine) -> None:
    report = make_report(engine, unseen=20, joint=0.5, ease=0.4)
    ranks = np.where(np.arange(300) % 7 == 0, np.inf, np.arange(300) % 40 + 1.0)
    report = replace(report, results=(result("joint", ranks, report.n_items), report.results[1]))
    for group, among in (
        (ALL, np.ones(300, bool)),
        ("unseen item", report.cohorts["unseen item"]),
        ("2024-Q1", np.isin(report.months, ["2024-01", "2024-02", "2024-03"])),
    ):
        view = build_cases(engine, report, "joint", "ease", group)
        placed = np.sort(ranks[among & np.isfinite(ranks)])[::-1]
        assert view.rows["rank"].dropna().tolist() == placed.tolist()
        assert view.rows["rank"].isna().sum() == (among & np.isinf(ranks)).sum()
        hits = int((ranks[among] <= 10).sum())
        assert f"joint has {hits} and EASE has " in view.sentence
        row = view.rows.iloc[0]
        case = report.users.index(row["user_id"])
        assert engine.corpus.item_ids[report.targets[case]] == row["item_id"]


def verdicts(engine: Engine) -> dict[str, str]:
    """Verdicts by what they are about."""
    against_others = make_report(engine, ease=0.6, content=0.1, joint=0.3)
    return {
        "win": build_verdict(make_report(engine, joint=0.6, ease=0.3, content=0.1), (), "joint"),
        "loss": build_verdict(make_report(engine, joint=0.2, item_knn=0.5), (), "joint"),
        "tie": build_verdict(make_report(engine, joint=0.4, ease=0.41), (), "joint"),
        "no ratio": build_verdict(make_report(engine, joint=0.3, ease=0.0), (), "joint"),
        "no baseline": build_verdict(make_report(engine, joint=0.3), (), "joint"),
        "a baseline wins": build_verdict(against_others, (), "ease"),
        "a baseline loses": build_verdict(against_others, (), "content"),
    }


def test_sentences(engine: Engine, snapshot) -> None:
    report = make_report(engine, joint=0.6, ease=0.3, production=0.2)
    served = replace(report.result("production"), promised=np.full(300, np.nan))
    judged = ListsJudged(served, 300, unserved=40, stale=7)
    with_lists = replace(report, results=(*report.results[:2], served))
    own = build_quality(engine, with_lists, [judged], "production")
    unseen = make_report(engine, unseen=240, joint=0.5, ease=0.5)
    new = build_quality(engine, replace(unseen, excluded_targets=5), (), "joint")
    temporal = replace(make_report(engine, unseen=1, joint=0.5, ease=0.2), protocol="temporal")
    cuts = build_quality(engine, temporal, (), "joint")
    none = build_never(engine, replace(report, n_items=40), "joint")
    needed = build_ablation(uses_of(0.4, 0.4, tuple(f"u{at}" for at in range(200))))
    quality = SentimentQuality(812, 98, mae=0.31, spearman=0.61, auc=0.93)
    snapshot(
        "quality",
        verdicts(engine)
        | {
            "seen apart": f"{new.verdict} {new.seen_verdict}",
            "leave last out": " ".join(new.cautions),
            "temporal": " ".join(cuts.cautions),
            "quarters": cuts.periods_sentence,
            "cohorts": cuts.cohorts_sentence,
            "too few": sentences.cohorts("joint", cuts.cohorts[:1]),
            "calibrated": calibration(0.3, 0.3, 100),
            "overconfident": calibration(0.5, 0.3, 100),
            "underconfident": calibration(0.3, 0.5, 100),
            "few targets": calibration(0.3, 0.4, 20),
            "lists have no calibration": own.calibration_sentence,
            "lists": sentences.about_lists(with_lists, "joint", judged),
            "lists themselves": own.cautions[-1],
            "lists of other content": " ".join(sentences.lists_of_other_content(["a", "b"])),
            "damaged lists": " ".join(sentences.damaged_lists(["a", "b"])),
            "never recommended": build_never(engine, report, "joint").sentence,
            "all recommended": none.sentence,
            "training": training([0.1, 0.3, 0.2], 1),
            "no better epoch": training([0.3, 0.2, 0.25], 0),
            "no epoch to select": training([0.0], 0),
            "no record": training([], None),
            "ablation": needed.sentence,
            "ablation of a user": build_ablation(uses_of(0, 0, ("u1",) * 40), "u1", 38).sentence,
            "nothing to measure": build_ablation(uses_of(0, 0, ()), "u1").sentence,
            "sentiment": model_sentences.sentiment(quality),
            "no sentiment": model_sentences.sentiment(None),
        },
    )


def calibration(predicted: float, observed: float, cases: int) -> str:
    return sentences.calibration("joint", [CalibrationBin(predicted, observed, cases)], 10)


def test_the_verdict_follows_the_interval(engine: Engine) -> None:
    said = verdicts(engine)
    assert "beats" in said["win"] and "loses" in said["loss"]
    assert "No significant difference" in said["tie"] and "NDCG" in said["no ratio"]


@pytest.mark.parametrize(
    ("ends", "decided", "said"),
    [
        ((1.0012, 0.4, 1.8), False, "0\u202f% [\u221260, 80]"),
        ((0.998, 0.4, 1.8), False, "0\u202f% [\u221260, 80]"),
        ((1.0042, 1.001, 1.008), True, "0.4\u202f% [0.1, 0.8]"),
        ((1.09, 1.04, 1.14), True, "9\u202f% [4, 14]"),
        ((1.09, 0.9, 1.3), False, "+9\u202f% [\u221210, 30]"),
    ],
)
def test_a_lead_of_nothing_has_no_sign(ends, decided: bool, said: str) -> None:
    """``+0 %`` told readers of small corpora that there was a lead."""
    low = 0.1 if decided else -0.1
    test = PairedTest(Interval(0.15, low, 0.2), Interval(*ends))
    assert sentences.lead(test) == said


def test_the_interest_model_is_no_baseline_of_the_joint(engine: Engine) -> None:
    report = make_report(engine, joint=0.3, interest=0.6, popularity=0.1)
    view = build_quality(engine, report, (), "joint")
    assert view.rival == "popularity"
    assert [row.recommender for row in view.rows] == ["interest", "joint", "popularity"]
    assert view.rows[0].lead is not None and view.rows[0].lead.high < 0
    assert build_quality(engine, report, (), "popularity").rival is None


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
    assert "beats" in view.verdict
    assert view.seen_verdict is not None and "loses" in view.seen_verdict
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
    assert "1 cohort with fewer than 30 targets" in view.cohorts_sentence
    assert all("-Q" in row.name for row in view.periods)
    assert [row.cases for row in view.periods] == [75, 75, 75, 75]


def test_lists_that_were_served_say_what_they_lack(engine: Engine) -> None:
    report = make_report(engine, joint=0.6, ease=0.3, production=0.2)
    served = replace(report.result("production"), promised=np.full(300, np.nan))
    judged = ListsJudged(served, 300, unserved=40, stale=7)
    report = replace(report, results=(*report.results[:2], served))
    view = build_quality(engine, report, [judged], "joint")
    assert view.rival == "ease"
    said = view.cautions[-1]
    assert "ahead" in said and "40 of 300 targets" in said and "7 lists" in said
    assert sentences.OTHER_CONTENT not in said
    older = replace(judged, of_other_content=True)
    view = build_quality(engine, report, [older], "joint", ["broken"])
    assert sentences.OTHER_CONTENT in view.cautions[-2]
    assert "damaged" in view.cautions[-1] and "“broken”" in view.cautions[-1]
    own = build_quality(engine, report, [judged], "production")
    assert own.calibration == ()


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
    assert view.verdict.startswith("This model could not be judged")
    assert view.targets == 0 and view.periods == () and view.cohorts == ()


def test_items_without_a_chance_are_counted_by_topic(engine: Engine) -> None:
    report = make_report(engine, joint=0.5, ease=0.5)
    view = build_never(engine, report, "joint")
    listed = np.unique(report.result("joint").lists)
    missing = report.n_items - len(listed[listed != NO_ITEM])
    assert view.topics["never"].sum() == missing
    assert f" {missing} of {count(report.n_items, 'item')}" in view.sentence
    first = view.topics.iloc[0]
    assert f"{first.topic} ({first.never} of {missing})." in view.sentence
    counts = view.items["training_events"].tolist()
    assert counts == sorted(counts, reverse=True)


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


def test_what_is_needed_what_is_idle_and_what_harms() -> None:
    view = build_ablation(uses_of(0.4, 0.4, tuple(f"u{at}" for at in range(200))))
    assert [row.part for row in view.rows if row.decided] == ["order", "ratings"]
    assert [row.ndcg.mean > 0 for row in view.rows if row.decided] == [True, False]
    assert build_ablation(uses_of(0.0, 0.0, ()), "u1").cases == 0


def test_the_table_has_every_figure_and_no_nan_text(engine: Engine) -> None:
    view = build_quality(engine, make_report(engine, joint=0.5, ease=0.2), (), "joint")
    whole = table(view.rows, RecommenderRow.COLUMNS)
    assert list(whole["recommender"]) == ["joint", "ease"]
    assert np.isnan(whole["lead"][0]) and whole["lead"][1] > 0
    assert "Diversity" not in shown_table(view)
    assert (
        not shown_table(view)
        .astype(str)
        .apply(lambda column: column.str.contains("nan"))
        .any(axis=None)
    )


@pytest.mark.parametrize(
    ("predicted", "observed", "cases", "grade"),
    [
        (0.5, 0.3, 100, "overconfident"),
        (0.3, 0.5, 100, "underconfident"),
        (0.3, 0.3, 100, "well calibrated"),
        (0.02, 0.005, 10_000, "overconfident"),
        (0.3, 0.4, 20, "to tell whether"),
    ],
)
def test_calibration_is_read_by_what_the_hits_can_show(
    predicted: float, observed: float, cases: int, grade: str
) -> None:
    assert f" {grade}" in calibration(predicted, observed, cases)


@pytest.mark.parametrize(
    ("values", "best", "number"),
    [
        ([0.1, 0.3, 0.2], 1, "0.300"),
        ([0.3, 0.2, 0.25], 0, "0.250"),
        ([0.0, 0.0], 0, "No epoch"),
        ([None, None], 0, "No epoch"),
        ([0.2], 0, "0 epochs"),
    ],
)
def test_training_says_what_happened(values: list[float | None], best: int, number: str) -> None:
    said = training(values, best)
    assert number in said and ("rose" in said) == (best > 0) and "–" not in said


def test_every_figure_of_the_table_has_its_unit(engine: Engine) -> None:
    view = build_quality(engine, make_report(engine, joint=0.5, ease=0.2), (), "joint")
    assert "log p" in shown_table(view) and "log p: mean log-probability" in UNITS
    assert "nats" in UNITS


def test_the_training_is_read_from_the_metrics(engine: Engine) -> None:
    metrics = read_metrics(engine.folder)
    assert metrics is not None and metrics.training[0].loss is None
    assert "rose from" in model_sentences.training(metrics)


def test_what_an_evaluation_costs_is_said_before_it() -> None:
    timed = Metrics(seconds={"encode and fit": 100.0, "map": 9.0, "evaluation": 4.0})
    assert "three more times" in model_sentences.cost("temporal", timed)
    assert "about 4 min" in model_sentences.cost("temporal", timed)  # 2.4 x 100 s + 3 x 4 s
    assert "a few seconds" in model_sentences.cost("leave-last-out", timed)
    for protocol in sentences.PROTOCOLS:
        assert "was not timed" in model_sentences.cost(protocol, Metrics())
