"""The Quality page's sentences, made from numbers. See ``core.views.wording`` for the manner."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from core.arrays import BoolArray
from core.corpus.split import TEMPORAL_SHARES
from core.encode.sentiment import SentimentQuality
from core.measure.metrics import Interval, PairedTest
from core.recommend.registry import NAMES
from core.views.quality.rows import FEW, AblationRow, GroupRow
from core.views.wording import (
    between,
    capital,
    count,
    duration,
    figure,
    listing,
    minus,
    number,
    percent,
    signed,
)

if TYPE_CHECKING:
    from core.evaluate.report import CalibrationBin, EvaluationReport
    from core.evaluate.served import ListsJudged
    from core.model.metrics import Metrics

MODELS = {"joint": "the joint", "interest": "the interest model"}
"""Ours; every other recommender of a model is a baseline."""
OTHER_CONTENT = (
    "The corpus has changed since they were imported: users and items may differ, and rows about "
    "missing ones are ignored"
)
LEAST_RISE = 0.01
"""Nats by which a validation loss has risen where it is said."""
NOTABLE_UNSEEN = 0.05
"""From this share of targets without a training event both figures are shown."""
FEW_SECONDS = 10
PROTOCOLS = {
    "leave-last-out": (
        "Leave-last-out: each user's last event is the target, all earlier ones are known. "
        "Training includes other users' later events."
    ),
    "temporal": (
        "Temporal: three cuts in time, each with a model fitted on what came before; a user's "
        "first later event is the target. Results are pooled."
    ),
}


def cost(protocol: str, metrics: Metrics) -> str:
    """What an evaluation computes, and how long it takes by what the model's training took."""
    spent = metrics.seconds or {}
    fit, judged = spent.get("encode and fit"), spent.get("evaluation", 0.0)
    if protocol == "temporal":
        what = "Trains the model and its baselines three more times, on 70, 80 and 90 % of events"
        seconds = None if fit is None else fit * sum(TEMPORAL_SHARES) + judged * 3
    else:
        what = "Computes the lists of all test users"
        seconds = spent.get("evaluation")
    if seconds is None:
        return f"{what}. The time left is shown once it runs; this model's training was not timed."
    long = "a few seconds" if seconds < FEW_SECONDS else f"about {duration(seconds)}"
    return f"{what}: {long}, by what its training took."


def name_of(recommender: str) -> str:
    """How a sentence calls a recommender; imported lists by their own name."""
    return MODELS.get(recommender) or NAMES.get(recommender) or f"“{recommender}”"


def best_baseline(subject: str) -> str:
    """What the rival of a recommender is, which may be a baseline itself."""
    is_baseline = subject in NAMES and subject not in MODELS
    return "best other baseline" if is_baseline else "best baseline"


def verdict(
    report: EvaluationReport, subject: str, rival: str | None, among: BoolArray | None
) -> str:
    """Who leads and by how much, on all cases or those that bool[n_cases] marks."""
    marked = np.ones(len(report.users), np.bool_) if among is None else among
    n = int(marked.sum())
    if n == 0:
        return (
            "This model could not be judged: no user has five or more events with one of them held "
            "out, so nobody could be scored."
        )
    users = len({report.users[at] for at in np.flatnonzero(marked)})
    where = count(n, "target") + (f" of {count(users, 'user')}" if users != n else "")
    if among is not None:
        where += " seen in training"
    name = name_of(subject)
    if rival is None:
        return capital(f"{name} was evaluated on {where}; there is no baseline to compare with.")
    test = report.compare(subject, rival, among)
    mine, theirs = (figure(float(report.ndcg(name)[marked].mean())) for name in (subject, rival))
    best = f"the {best_baseline(subject)}, {name_of(rival)}"
    values = f"NDCG@{report.k} {mine} against {theirs} on {where}"
    if not test.decided:
        return (
            f"No significant difference ({count(users, 'user')}) between {name} and {best}: "
            f"{lead(test)}; {values}."
        )
    if test.difference.mean > 0:
        return capital(f"{name} beats {best}, by {lead(test)}: {values}.")
    return capital(f"{name} loses to {best}: {lead(test)}; {values}.")


def lead(test: PairedTest) -> str:
    """``9 % [4, 14]``, signed where it isn't a gain; in NDCG where a ratio means nothing."""
    ratio = test.ratio
    if not np.isfinite([ratio.mean, ratio.low, ratio.high]).all():
        return f"{between(test.difference)} in NDCG"
    mean, low, high = ((end - 1) * 100 for end in (ratio.mean, ratio.low, ratio.high))
    digits = 1 if test.decided and abs(mean) < 1 else 0
    mean, low, high = (round(end, digits) + 0.0 for end in (mean, low, high))
    sign = "" if not mean or (test.decided and mean > 0) else "+"
    return minus(f"{mean:{sign}.{digits}f}\u202f% [{low:.{digits}f}, {high:.{digits}f}]")


def about_targets(report: EvaluationReport, untrained: tuple[int, int]) -> list[str]:
    """The protocol, targets without training events, excluded targets.

    ``untrained``: catalogue items without a training event, and how many of them are targets.
    """
    n, unseen = len(report.users), int((~report.seen_targets).sum())
    said = [PROTOCOLS[report.protocol]]
    if unseen:
        items, targets = untrained
        listed = ""
        if report.protocol == "leave-last-out" and items:
            listed = (
                f"; of {count(items, 'item')} in the catalogue without one, {number(targets)} "
                f"{'is a target' if targets == 1 else 'are targets'}"
            )
        said.append(
            f"{number(unseen)} of {count(n, 'target')} ({percent(unseen / n)}) "
            f"{'has' if unseen == 1 else 'have'} no training event{listed}."
        )
        if unseen / n >= NOTABLE_UNSEEN:
            said.append(
                "Such an item is in the catalogue only because the file names it, often through "
                "the held-out event: which new items are listed is itself a hint."
            )
    if report.excluded_targets:
        said.append(
            f"{count(report.excluded_targets, 'target')} excluded because already bought, rated "
            "or reviewed, counted as misses."
        )
    return said


def about_lists(report: EvaluationReport, subject: str, judged: ListsJudged) -> str:
    """How imported lists compare with the subject, and what they lack."""
    name = judged.result.recommender
    lacks = (
        f"{number(judged.unserved)} of {count(judged.cases, 'target')} had no earlier list and "
        f"count as misses; {count(judged.stale, 'list')} {'is' if judged.stale == 1 else 'are'} "
        "older than the last known event"
    )
    if judged.of_other_content:
        lacks += f". {OTHER_CONTENT}"
    if name == subject or not judged.cases:
        return f"{capital(name_of(name))}: {lacks}."
    test = report.compare(subject, name)
    result = "behind by"
    if not test.decided:
        result = "without a significant difference:"
    elif test.difference.mean > 0:
        result = "ahead by"
    return (
        f"Compared with your lists {name_of(name)}, {name_of(subject)} is {result} {lead(test)}. "
        f"{lacks}."
    )


def lists_of_other_content(names: Sequence[str]) -> list[str]:
    """Which imported lists are about other content of the corpus; nothing where none is."""
    return [f"{', '.join(map(name_of, names))}: {OTHER_CONTENT}."] if names else []


def damaged_lists(names: Sequence[str]) -> list[str]:
    """Which imported lists could not be read; nothing where all could."""
    lists = ", ".join(map(name_of, names))
    said = f"Your lists {lists} are left out: the file is damaged. Import them again."
    return [said] if names else []


STRATEGIES_OVER_TIME = (
    "Strategies adjust the open model; this protocol trains others, so it leaves strategies out."
)


def not_evaluated(names: Sequence[str]) -> list[str]:
    """Which own recommenders the report lacks; nothing where it has all."""
    if not names:
        return []
    are = "is" if len(names) == 1 else "are"
    return [f"{', '.join(map(name_of, names))} {are} not evaluated yet: press Evaluate now."]


def periods(subject: str, rows: Sequence[GroupRow], period: str) -> str:
    """Best and worst calendar period among those with enough targets."""
    why = f" By {period}, as most months have too few targets." if period != "month" else ""
    return _extremes(subject, rows, "in", period) + why


def cohorts(subject: str, rows: Sequence[GroupRow]) -> str:
    """Best and worst cohort among those with enough targets."""
    return _extremes(subject, rows, "for", "cohort")


def _extremes(subject: str, rows: Sequence[GroupRow], word: str, noun: str) -> str:
    enough = sorted((row for row in rows if not row.few), key=lambda row: -row.subject.mean)
    small = len(rows) - len(enough)
    verb = "is" if small == 1 else "are"
    rest = f" {count(small, noun)} with fewer than {FEW} targets {verb} left out." if small else ""
    if len(enough) < 2:
        return f"Too few targets to compare {noun}s.{rest}"
    best, worst = (
        f"{word} {row.name}{'s' if noun == 'cohort' else ''} ({figure(row.subject.mean)}, "
        f"{count(row.cases, 'target')})"
        for row in (enough[0], enough[-1])
    )
    return capital(f"{name_of(subject)} is best {best} and worst {worst}.{rest}")


def calibration(subject: str, bins: Sequence[CalibrationBin], k: int) -> str:
    """Whether a list hits as often as it predicts, as far as the number of hits can show.

    By the 95 % interval of a binomial share (Wilson 1927).
    """
    from scipy.stats import binomtest

    name = capital(name_of(subject))
    if not bins:
        return f"{name} has ranks only, without probabilities, so it has no calibration."
    cases = sum(b.cases for b in bins)
    predicted = sum(b.promised * b.cases for b in bins) / cases
    observed = sum(b.kept * b.cases for b in bins) / cases
    gap = sum(abs(b.promised - b.kept) * b.cases for b in bins) / cases
    sure = binomtest(round(observed * cases), cases).proportion_ci(method="wilson")
    grade = f"well calibrated, as far as {count(cases, 'target')} can show"
    if not sure.low <= predicted <= sure.high:
        grade = "overconfident" if predicted > observed else "underconfident"
    return (
        f"{name} is {grade}: predicted {percent(predicted)}, observed {percent(observed)} "
        f"[{sure.low * 100:.0f}, {sure.high * 100:.0f}] of targets in its top {k}. Mean gap over "
        f"{count(len(bins), 'bin')}: {gap * 100:.0f} points."
    )


def training(metrics: Metrics) -> str:
    """What training gained and when it was best."""
    if not metrics.training:
        return "This model has no record of its training."
    start, *later = [line.validation_ndcg or 0.0 for line in metrics.training]
    if not any(value > 0 for value in (start, *later)):
        return (
            "No epoch could be selected: there is no validation case, or none with its item in a "
            "list of 10. The weights from before training are used."
        )
    best = max(later, default=start)
    what = "validation NDCG@10 of the interest model"
    if best <= start:
        return (
            f"No epoch improved on the start: {what} was {figure(start)} before training and at "
            f"best {figure(best)} in the {count(len(later), 'epoch')} after. The weights from "
            "before training are used."
        )
    epoch = metrics.best_epoch
    at = f" at epoch {epoch} of {len(later)}" if epoch is not None else ""
    return (
        f"{capital(what)} rose from {figure(start)} before training to {figure(best)}{at}. The "
        f"weights of that epoch are used.{overfitting(metrics)}"
    )


def overfitting(metrics: Metrics) -> str:
    """How the losses went on after the lowest validation loss; empty where none is known."""
    known = [(e.epoch, e.loss, e.validation_loss) for e in metrics.training if e.loss is not None]
    losses = [(epoch, own, held) for epoch, own, held in known if held is not None]
    if not losses:
        return ""
    epoch, own, lowest = min(losses, key=lambda line: line[2])
    last, own_last, held_last = losses[-1]
    said = f" Validation loss was lowest at epoch {epoch} ({lowest:.2f} nats)"
    if last == epoch:
        return f"{said}: it still fell at the end."
    if held_last - lowest < LEAST_RISE or own_last >= own:
        return f"{said} and stayed there."
    return (
        f"{said} and rose to {held_last:.2f} by epoch {last}, while training loss fell from "
        f"{own:.2f} to {own_last:.2f}: overfitting from there on."
    )


def never(
    subject: str,
    report: EvaluationReport,
    items: int,
    trained: int,
    targets: int,
    largest: tuple[str, int],
) -> str:
    """How many items were never recommended, what that costs, and the ``largest`` topic's share."""
    lists = f"the {count(len(report.users), 'list')} of {report.k}"
    if not items:
        return f"Every item of the catalogue is in at least one of {lists}."
    return capital(
        f"{name_of(subject)} never recommends {number(items)} of {count(report.n_items, 'item')} "
        f"({percent(items / report.n_items)}) in {lists}. {number(trained)} of them "
        f"{'has' if trained == 1 else 'have'} training events; {count(targets, 'target')} could "
        f"not be hit. Largest group: {largest[0]} ({number(largest[1])} of "
        f"{number(items)})."
    )


def ablation(
    recommender: str, rows: Sequence[AblationRow], whole: float, users: int, k: int
) -> str:
    """Which parts of a history the recommendations need, and which they don't."""
    needed = sorted((row for row in rows if row.ndcg.low > 0), key=lambda row: -row.ndcg.mean)
    harmful = [row for row in rows if row.ndcg.high < 0]
    idle = [row.part for row in rows if not row.decided]
    said = []
    if needed:
        losses = [f"{between(row.ndcg)} without {row.part}" for row in needed]
        said.append(
            f"{capital(name_of(recommender))} needs {listing([row.part for row in needed])}. "
            f"NDCG@{k} drops from {figure(whole)} by {listing(losses)}."
        )
    if harmful:
        gains = [f"{between(_negative(row.ndcg))} without {row.part}" for row in harmful]
        said.append(f"It improves by {listing(gains)}.")
    if idle:
        said.append(f"No significant difference without {listing(idle)} ({count(users, 'user')}).")
    return " ".join(said)


def ablation_of_user(user: str, rows: Sequence[AblationRow], steps: int, trained: int) -> str:
    """The same over one user's steps, in log-probability."""
    if not steps:
        return f"{user} has no step whose next item was new, so there is nothing to measure."
    row = max(rows, key=lambda row: abs(row.nats.mean))
    seen = f" ({number(trained)} seen in training)" if trained else ""
    is_sure = row.nats.low > 0 or row.nats.high < 0
    return (
        f"Over {count(steps, 'step')} of {user}{seen}, the log-probability of the actual next item "
        f"changes most without {row.part}: a loss of {signed(row.nats.mean, 3)} nats"
        f"{'' if is_sure else ', not significant with so few steps'}."
    )


def sentiment(quality: SentimentQuality | None) -> str:
    """How well the sentiment of held-out reviews agrees with their ratings."""
    if quality is None or quality.auc is None:
        return (
            "Sentiment: not evaluated, as this corpus has no held-out reviews with both low and "
            "high ratings."
        )
    return (
        f"Sentiment on {count(quality.reviews, 'held-out review')} "
        f"({number(quality.negative_reviews)} with a low rating): AUC {quality.auc:.3f} for "
        f"low against high ratings; rank correlation with the rating {quality.spearman:.2f}; "
        f"mean error {quality.mae:.2f} on a scale from \u22121 to +1."
    )


def _negative(interval: Interval) -> Interval:
    return Interval(-interval.mean, -interval.high, -interval.low)
