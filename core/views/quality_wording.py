"""The Quality page's sentences, made from numbers. See ``core.views.wording`` for the manner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from core.arrays import BoolArray
from core.encode.sentiment import SentimentQuality
from core.measure.intervals import Interval, PairedTest
from core.recommend.registry import NAMES
from core.views.wording import count, number, percent, signed

if TYPE_CHECKING:
    from core.evaluate.report import CalibrationBin, EvaluationReport
    from core.evaluate.served import ListsJudged
    from core.views.quality import GroupRow
    from core.views.quality_details import NeverTopic, UseRow

MODELS = {"joint": "the joint", "interest": "the interest model"}
"""Ours; every other recommender of a model is a baseline."""
OTHER_CONTENT = (
    "They were imported when the corpus had other content: users and items may be others now, and "
    "rows about those that are gone are left out"
)
NOTABLE_UNSEEN = 0.05
"""From this share of targets without a training event both figures are shown."""
PROTOCOLS = {
    "leave-last-out": (
        "Leave-last-out: each user's last event is the target, all before it is known. Training "
        "saw other users' later events."
    ),
    "temporal": (
        "Temporal: three cuts in time, fitted anew on what lay before each; a user's first later "
        "event is the target, the results are pooled."
    ),
}


def name_of(recommender: str) -> str:
    """How a sentence calls a recommender; imported lists by their own name."""
    return MODELS.get(recommender) or NAMES.get(recommender) or f"“{recommender}”"


def best_baseline(subject: str) -> str:
    """What the rival of a recommender is, which may be a baseline itself."""
    is_baseline = subject in NAMES and subject not in MODELS
    return "best other baseline" if is_baseline else "best baseline"


def start(sentence: str) -> str:
    """A sentence with a capital."""
    return sentence[:1].upper() + sentence[1:]


def figure(value: float) -> str:
    """An NDCG as .081; a dash where there is none."""
    return "–" if np.isnan(value) else f"{value:.3f}"


def between(interval: Interval, digits: int = 3) -> str:
    """``.081 [.071, .092]`` with its ends."""
    if np.isnan(interval.mean):
        return "–"
    return (
        f"{interval.mean:.{digits}f} [{interval.low:.{digits}f}, {interval.high:.{digits}f}]"
    ).replace("-", "\u2212")


def verdict(
    report: EvaluationReport,
    subject: str,
    rival: str | None,
    among: BoolArray | None,
) -> str:
    """Who is ahead and by how much, on all cases or those that bool[n_cases] marks."""
    n = len(report.users) if among is None else int(among.sum())
    if n == 0:
        return "Nothing could be judged: no user has five or more events with one of them held out."
    users = len({user for at, user in enumerate(report.users) if among is None or among[at]})
    where = count(n, "target") + (f" of {count(users, 'user')}" if users != n else "")
    if among is not None:
        where = f"the {where} that training has seen"
    if rival is None:
        return start(f"{name_of(subject)} was judged on {where}; no baseline beside it.")
    test = report.compare(subject, rival, among)
    mine, theirs = (
        float(report.ndcg(name)[slice(None) if among is None else among].mean())
        for name in (subject, rival)
    )
    best = f"the {best_baseline(subject)}, {name_of(rival)}"
    values = f"NDCG@{report.k} {figure(mine)} against {figure(theirs)} on {where}"
    by = lead(test)
    if not test.decided:
        return (
            f"No difference that {count(users, 'user')} can show between {name_of(subject)} and "
            f"{best}: {by}; {values}."
        )
    if test.difference.mean > 0:
        said = f"{name_of(subject)} beats {best}, by {by}: {values}."
    else:
        said = f"{name_of(subject)} loses to {best}: {by}; {values}."
    return start(said)


def lead(test: PairedTest) -> str:
    """``9 % [4, 14]``, signed where it isn't a gain; in NDCG where a ratio means nothing."""
    ratio = test.ratio
    if not np.isfinite([ratio.mean, ratio.low, ratio.high]).all():
        return f"{between(test.difference)} in NDCG"
    mean, low, high = ((end - 1) * 100 for end in (ratio.mean, ratio.low, ratio.high))
    sign = signed(mean, 0) if not test.decided or mean < 0 else f"{mean:.0f}"
    return f"{sign}\u202f% [{low:.0f}, {high:.0f}]".replace("-", "\u2212")


def about_targets(report: EvaluationReport, hint: tuple[int, int]) -> list[str]:
    """The protocol, targets without training events, targets already had.

    ``hint``: catalogue items without a training event, and how many of them are targets.
    """
    n, unseen = len(report.users), int((~report.seen_targets).sum())
    said = [PROTOCOLS[report.protocol]]
    if unseen:
        items, targets = hint
        listed = ""
        if report.protocol == "leave-last-out" and items:
            listed = (
                f"; of {count(items, 'item')} in the catalogue without one, {number(targets)} "
                f"{'is' if targets == 1 else 'are'} somebody's target"
            )
        said.append(
            f"{number(unseen)} of {count(n, 'target')} ({percent(unseen / n)}) "
            f"{'has' if unseen == 1 else 'have'} no training event{listed}."
        )
        if unseen / n >= NOTABLE_UNSEEN:
            said[-1] += (
                " Such an item is listed only because the file names it, often through the very "
                "event that is held out: knowing which new items are listed is itself a hint."
            )
    if report.excluded_targets:
        said.append(
            f"{count(report.excluded_targets, 'target')} had been consumed before; no list may "
            "hold them, so they count as misses."
        )
    return said


def about_lists(report: EvaluationReport, subject: str, judged: ListsJudged) -> str:
    """How imported lists stand beside the subject, and what they lack."""
    name = judged.result.recommender
    without = (
        f"{number(judged.unserved)} of {count(judged.cases, 'target')} had no list before them and "
        f"count as misses; {number(judged.stale)} lists are older than the last known event"
    )
    if judged.of_other_content:
        without += f". {OTHER_CONTENT}"
    if name == subject or not judged.cases:
        return f"{start(name_of(name))}: {without}."
    test = report.compare(subject, name)
    if not test.decided:
        against = f"no difference that these users can show, {lead(test)}"
    elif test.difference.mean > 0:
        against = f"{name_of(subject)} is ahead by {lead(test)}"
    else:
        against = f"{name_of(subject)} is behind, {lead(test)}"
    return f"Against your lists {name_of(name)}: {against}. {without}."


def lists_of_other_content(names: Sequence[str]) -> list[str]:
    """Which imported lists are about other content of the corpus; nothing where none is."""
    return [f"{', '.join(name_of(name) for name in names)}: {OTHER_CONTENT}."] if names else []


def damaged_lists(names: Sequence[str]) -> list[str]:
    """Which imported lists could not be read; nothing where all could."""
    if not names:
        return []
    listed = ", ".join(name_of(name) for name in names)
    return [f"Left out, because the file is damaged: your lists {listed}. Import them again."]


def periods(subject: str, rows: Sequence[GroupRow], period: str) -> str:
    """Best and worst calendar period among those with enough targets."""
    why = f" Months have too few targets, so this is by {period}." if period != "month" else ""
    return _extremes(subject, rows, "in", period) + why


def cohorts(subject: str, rows: Sequence[GroupRow]) -> str:
    """Best and worst cohort among those with enough targets."""
    return _extremes(subject, rows, "for", "cohort")


def _extremes(subject: str, rows: Sequence[GroupRow], word: str, noun: str) -> str:
    enough = [row for row in rows if not row.few]
    small = len(rows) - len(enough)
    verb = "tells" if small == 1 else "tell"
    rest = f" {count(small, noun)} with fewer than 30 targets {verb} little." if small else ""
    if len(enough) < 2:
        return f"Too few targets to compare {noun}s.{rest}"
    best = max(enough, key=lambda row: row.subject.mean)
    worst = min(enough, key=lambda row: row.subject.mean)
    ending = "s" if noun == "cohort" else ""
    return start(
        f"{name_of(subject)} is best {word} {best.name}{ending} ({figure(best.subject.mean)}, "
        f"{count(best.cases, 'target')}) and worst {word} {worst.name}{ending} "
        f"({figure(worst.subject.mean)}, {count(worst.cases, 'target')}).{rest}"
    )


def calibration(subject: str, bins: Sequence[CalibrationBin], k: int) -> str:
    """Whether a list hits as often as it says, as far as the number of hits can show.

    By the 95 % interval of a binomial share (Wilson 1927).
    """
    from scipy.stats import binomtest

    if not bins:
        return f"{start(name_of(subject))} gives ranks only, so nothing was promised."
    cases = sum(one.cases for one in bins)
    promised = sum(one.promised * one.cases for one in bins) / cases
    kept = sum(one.kept * one.cases for one in bins) / cases
    gap = sum(abs(one.promised - one.kept) * one.cases for one in bins) / cases
    sure = binomtest(round(kept * cases), cases).proportion_ci(method="wilson")
    word = "more" if kept < promised else "less"
    judged = (
        f"about right, as far as {count(cases, 'target')} can show"
        if sure.low <= promised <= sure.high
        else f"it promises {word} than it keeps"
    )
    return (
        f"{start(name_of(subject))} promises that the next item is among its {k} in "
        f"{percent(promised)} of cases and keeps {percent(kept)} [{sure.low * 100:.0f}, "
        f"{sure.high * 100:.0f}]: {judged}. Mean gap over "
        f"{len(bins)} bins: {gap * 100:.0f} points."
    )


def training(lines: Sequence[Mapping[str, float]], best_epoch: int | None) -> str:
    """What training gained and when it was best."""
    if not lines:
        return "This model carries no record of its training."
    first, *later = [line["validation_ndcg"] for line in lines]
    if not any(value > 0 for value in (first, *later)):
        return (
            "There was nothing to choose an epoch by: no validation case, or none with its item in "
            "a list of 10. The weights from before the first epoch are used."
        )
    best = max(later, default=first)
    if best <= first:
        return (
            "No epoch was better than the start: the interest model's validation NDCG@10 was "
            f"{figure(first)} before the first epoch and {figure(best)} at best in the "
            f"{count(len(later), 'epoch')} after it; the weights from before the first are used."
        )
    at = f" at epoch {best_epoch} of {len(later)}" if best_epoch is not None else ""
    return (
        f"The interest model's validation NDCG@10 rose from {figure(first)} before the first epoch "
        f"to {figure(best)}{at}; its weights of that epoch are used."
    )


def never(
    subject: str,
    report: EvaluationReport,
    items: int,
    trained: int,
    targets: int,
    topics: Sequence[NeverTopic],
) -> str:
    """How many items are in no list, which, and what that costs."""
    lists = f"the {count(len(report.users), 'list')} of {report.k}"
    if not items:
        return f"Every item of the catalogue is in at least one of {lists}."
    led = topics[0]
    return (
        f"{count(items, 'item')} of {number(report.n_items)} ({percent(items / report.n_items)}) "
        f"are in none of {lists} by {name_of(subject)}; {number(trained)} of them "
        f"{'has' if trained == 1 else 'have'} training events, and "
        f"{count(targets, 'target')} could not be hit for that. The largest group is {led.topic} "
        f"({number(led.never)} of {number(items)})."
    )


def uses(recommender: str, rows: Sequence[UseRow], whole: float, users: int, k: int) -> str:
    """What the recommendations need, and what they would not miss."""
    needed = sorted((row for row in rows if row.ndcg.low > 0), key=lambda row: -row.ndcg.mean)
    harmful = [row for row in rows if row.ndcg.high < 0]
    idle = [row for row in rows if not row.decided]
    said = []
    if needed:
        each = "; ".join(f"without {row.part} {between(row.ndcg)}" for row in needed)
        said.append(
            f"{start(name_of(recommender))} uses {_listing(needed)}. Fall of NDCG@{k} from "
            f"{figure(whole)}: {each}."
        )
    if harmful:
        each = "; ".join(f"without {row.part} {between(_rise(row.ndcg))} more" for row in harmful)
        said.append(f"It is better off without {_listing(harmful)} here: {each}.")
    if idle:
        said.append(
            f"For {_listing(idle)} there is no difference that {count(users, 'user')} can show."
        )
    return " ".join(said)


def uses_of_user(user: str, rows: Sequence[UseRow], steps: int, trained: int) -> str:
    """The same over one user's steps, in log-probability."""
    if not steps:
        return f"{user} has no step whose next item was new, so nothing can be said."
    row = max(rows, key=lambda one: abs(one.nats.mean))
    sure = row.nats.low > 0 or row.nats.high < 0
    seen = f", {number(trained)} of them seen in training" if trained else ""
    change = (
        f"the next item's log-probability changes most without {row.part}: "
        f"{signed(-row.nats.mean)} nats"
    )
    return start(
        f"over {count(steps, 'step')} of {user}{seen}, {change}"
        f"{'' if sure else ', which so few steps can not tell from nothing'}."
    )


def sentiment(quality: SentimentQuality | None) -> str:
    """How well the sentiment of held-out reviews agrees with their ratings."""
    if quality is None or quality.auc is None:
        return "Sentiment: this corpus has no rated held-out reviews of both kinds to check it on."
    return (
        f"Sentiment: on {count(quality.reviews, 'held-out review')} "
        f"({number(quality.negative_reviews)} with a low rating) it tells low from high ratings "
        f"with an AUC of {quality.auc:.3f}; rank correlation with the rating "
        f"{quality.spearman:.2f}, mean error {quality.mae:.2f} on a scale from \u22121 to 1."
    )


def _rise(interval: Interval) -> Interval:
    return Interval(-interval.mean, -interval.high, -interval.low)


def _listing(rows: Sequence[UseRow]) -> str:
    names = [row.part for row in rows]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
