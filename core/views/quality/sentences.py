"""The Quality page's sentences, made from numbers. See ``core.views.wording`` for the manner."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from core.arrays import BoolArray
from core.language import mark, mark_n, tr, trn
from core.measure.metrics import PairedTest
from core.recommend.registry import NAMES
from core.views.quality.rows import FEW, GroupRow, several
from core.views.wording import (
    between,
    capital,
    count,
    figure,
    joined,
    minus,
    number,
    percent,
    sample_sentence,
)

if TYPE_CHECKING:
    from core.evaluate.report import CalibrationBin, EvaluationReport
    from core.evaluate.served import ListsJudged
    from core.measure.cases import Sample

MODELS = {"joint": mark("the joint"), "interest": mark("the interest model")}
"""Ours; every other recommender of a model is a baseline."""
OTHER_CONTENT = mark(
    "The corpus has changed since they were imported: users and items may differ, and rows about "
    "missing ones are ignored"
)
NOTABLE_UNSEEN = 0.05
"""From this share of targets without a training event both figures are shown."""
PROTOCOLS = {
    "leave-last-out": mark(
        "Leave-last-out: each user's last event is the target, all earlier ones are known. "
        "Training includes other users' later events."
    ),
    "temporal": mark(
        "Temporal: three cuts in time, each with a model fitted on what came before; a user's "
        "first later event is the target. Results are pooled."
    ),
}
STRATEGIES_OVER_TIME = mark(
    "Strategies adjust the open model; this protocol trains others, so it leaves strategies out."
)
ARE_TARGETS = mark_n(
    "of {items} in the catalogue without one, {n} is a target",
    "of {items} in the catalogue without one, {n} are targets",
)
HAVE_NO_EVENT = mark_n(
    "{n} of {targets} ({share}) has no training event{listed}.",
    "{n} of {targets} ({share}) have no training event{listed}.",
)
EXCLUDED = mark_n(
    "{n} target excluded because already bought, rated or reviewed, counted as misses.",
    "{n} targets excluded because already bought, rated or reviewed, counted as misses.",
)
LACKS = mark_n(
    "{unserved} of {targets} had no earlier list and count as misses; {n} list is older than the "
    "last known event",
    "{unserved} of {targets} had no earlier list and count as misses; {n} lists are older than the "
    "last known event",
)
FEW_PERIODS = {
    "month": mark("Too few targets to compare months."),
    "quarter": mark("Too few targets to compare quarters."),
    "year": mark("Too few targets to compare years."),
    "cohort": mark("Too few targets to compare cohorts."),
}
LEFT_OUT = {
    "month": mark_n(
        "{n} month with fewer than {few} targets is left out.",
        "{n} months with fewer than {few} targets are left out.",
    ),
    "quarter": mark_n(
        "{n} quarter with fewer than {few} targets is left out.",
        "{n} quarters with fewer than {few} targets are left out.",
    ),
    "year": mark_n(
        "{n} year with fewer than {few} targets is left out.",
        "{n} years with fewer than {few} targets are left out.",
    ),
    "cohort": mark_n(
        "{n} cohort with fewer than {few} targets is left out.",
        "{n} cohorts with fewer than {few} targets are left out.",
    ),
}
BY_LONGER = {
    "quarter": mark("By quarter, as most months have too few targets."),
    "year": mark("By year, as most months have too few targets."),
}
NEVER = mark_n(
    "{name} never recommends {items} of {all} ({share}) in {lists}. {n} of them has training "
    "events; {targets} could not be hit. Largest group: {topic} ({largest} of {items}).",
    "{name} never recommends {items} of {all} ({share}) in {lists}. {n} of them have training "
    "events; {targets} could not be hit. Largest group: {topic} ({largest} of {items}).",
)


def name_of(recommender: str) -> str:
    """How a sentence calls a recommender; imported lists by their own name."""
    known = MODELS.get(recommender) or NAMES.get(recommender)
    return tr(known) if known else tr("“{name}”", name=recommender)


def best_baseline(subject: str) -> str:
    """What the rival of a recommender is, which may be a baseline itself."""
    is_baseline = subject in NAMES and subject not in MODELS
    return tr("best other baseline") if is_baseline else tr("best baseline")


def verdict(
    report: EvaluationReport, subject: str, rival: str | None, among: BoolArray | None
) -> str:
    """Who leads and by how much, on all cases or those that bool[n_cases] marks."""
    marked = np.ones(len(report.users), np.bool_) if among is None else among
    n = int(marked.sum())
    if n == 0:
        return tr(
            "This model could not be judged: no user has five or more events with one of them held "
            "out, so nobody could be scored."
        )
    users = len({report.users[at] for at in np.flatnonzero(marked)})
    where = count(n, "target")
    if users != n:
        where = tr("{targets} of {users}", targets=where, users=count(users, "user"))
    if among is not None:
        where = tr("{targets} seen in training", targets=where)
    name = name_of(subject)
    if rival is None:
        return tr(
            "{name} was evaluated on {where}; there is no baseline to compare with.",
            name=capital(name),
            where=where,
        )
    test = report.compare(subject, rival, among)
    mine, theirs = (figure(float(report.ndcg(name)[marked].mean())) for name in (subject, rival))
    other = name_of(rival)
    best = tr("the best baseline, {name}", name=other)
    if subject in NAMES and subject not in MODELS:
        best = tr("the best other baseline, {name}", name=other)
    values = tr(
        "NDCG@{k} {mine} against {theirs} on {where}",
        k=report.k,
        mine=mine,
        theirs=theirs,
        where=where,
    )
    said = {"best": best, "lead": lead(test), "values": values}
    if not test.decided:
        return tr(
            "No significant difference ({users}) between {name} and {best}: {lead}; {values}.",
            users=count(users, "user"),
            name=name,
            **said,
        )
    if test.difference.mean > 0:
        return tr("{name} beats {best}, by {lead}: {values}.", name=capital(name), **said)
    return tr("{name} loses to {best}: {lead}; {values}.", name=capital(name), **said)


def lead(test: PairedTest) -> str:
    """``9 % [4, 14]``, signed where it isn't a gain; in NDCG where a ratio means nothing."""
    ratio = test.ratio
    if not np.isfinite([ratio.mean, ratio.low, ratio.high]).all():
        return tr("{difference} in NDCG", difference=between(test.difference))
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
    said = [tr(PROTOCOLS[report.protocol])]
    if unseen:
        items, targets = untrained
        listed = ""
        if report.protocol == "leave-last-out" and items:
            listed = tr("; ") + trn(
                *ARE_TARGETS, targets, n=number(targets), items=count(items, "item")
            )
        said.append(
            trn(
                *HAVE_NO_EVENT,
                unseen,
                n=number(unseen),
                targets=count(n, "target"),
                share=percent(unseen / n),
                listed=listed,
            )
        )
        if unseen / n >= NOTABLE_UNSEEN:
            said.append(
                tr(
                    "Such an item is in the catalogue only because the file names it, often "
                    "through the held-out event: which new items are listed is itself a hint."
                )
            )
    if report.excluded_targets:
        excluded = report.excluded_targets
        said.append(trn(*EXCLUDED, excluded, n=number(excluded)))
    return said


def about_sample(sample: Sample | None) -> list[str]:
    """That the targets are a sample, and what follows from it; nothing where they are not."""
    if sample is None:
        return []
    return [
        joined(
            sample_sentence(sample, "target"),
            tr("Coverage and what is never recommended are about the lists of this sample alone."),
        )
    ]


def about_lists(report: EvaluationReport, subject: str, judged: ListsJudged) -> str:
    """How imported lists compare with the subject, and what they lack."""
    name = judged.result.recommender
    lacks = trn(
        *LACKS,
        judged.stale,
        n=number(judged.stale),
        unserved=number(judged.unserved),
        targets=count(judged.cases, "target"),
    )
    lacks = tr("{clauses}.", clauses=lacks)
    if judged.of_other_content:
        lacks = joined(lacks, tr("{clauses}.", clauses=tr(OTHER_CONTENT)))
    if name == subject or not judged.cases:
        return tr("{name}: {about}", name=capital(name_of(name)), about=lacks)
    test = report.compare(subject, name)
    said = {"lists": name_of(name), "name": name_of(subject), "lead": lead(test)}
    compared = tr("Compared with your lists {lists}, {name} is behind by {lead}.", **said)
    if not test.decided:
        compared = tr(
            "Compared with your lists {lists}, {name} is without a significant difference: {lead}.",
            **said,
        )
    elif test.difference.mean > 0:
        compared = tr("Compared with your lists {lists}, {name} is ahead by {lead}.", **said)
    return joined(compared, lacks)


def _names(recommenders: Sequence[str]) -> str:
    return tr(", ").join(map(name_of, recommenders))


def lists_of_other_content(names: Sequence[str]) -> list[str]:
    """Which imported lists are about other content of the corpus; nothing where none is."""
    about = tr("{clauses}.", clauses=tr(OTHER_CONTENT))
    return [tr("{name}: {about}", name=_names(names), about=about)] if names else []


def damaged_lists(names: Sequence[str]) -> list[str]:
    """Which imported lists could not be read; nothing where all could."""
    said = tr(
        "Your lists {names} are left out: the file is damaged. Import them again.",
        names=_names(names),
    )
    return [said] if names else []


def not_evaluated(names: Sequence[str]) -> list[str]:
    """Which own recommenders the report lacks; nothing where it has all."""
    if not names:
        return []
    return [
        trn(
            "{names} is not evaluated yet: press Evaluate now.",
            "{names} are not evaluated yet: press Evaluate now.",
            len(names),
            names=_names(names),
        )
    ]


def periods(subject: str, rows: Sequence[GroupRow], period: str) -> str:
    """Best and worst calendar period among those with enough targets."""
    found = _extremes(subject, rows)
    said = tr(FEW_PERIODS[period])
    if found:
        said = tr(
            "{name} is best in {best} ({most}, {targets}) and worst in {worst} ({least}, {fewer}).",
            **found,
        )
    return joined(said, _left_out(rows, period), tr(BY_LONGER.get(period, "")))


def cohorts(subject: str, rows: Sequence[GroupRow]) -> str:
    """Best and worst cohort among those with enough targets."""
    found = _extremes(subject, rows)
    said = tr(FEW_PERIODS["cohort"])
    if found:
        said = tr(
            "{name} is best for {best} ({most}, {targets}) and worst for {worst} ({least}, "
            "{fewer}).",
            **found | {"best": several(found["best"]), "worst": several(found["worst"])},
        )
    return joined(said, _left_out(rows, "cohort"))


def _extremes(subject: str, rows: Sequence[GroupRow]) -> dict[str, str]:
    """Fields of a sentence; empty where fewer than two groups have enough targets."""
    enough = sorted((row for row in rows if not row.few), key=lambda row: -row.subject.mean)
    if len(enough) < 2:
        return {}
    best, worst = enough[0], enough[-1]
    return {
        "name": capital(name_of(subject)),
        "best": best.name,
        "most": figure(best.subject.mean),
        "targets": count(best.cases, "target"),
        "worst": worst.name,
        "least": figure(worst.subject.mean),
        "fewer": count(worst.cases, "target"),
    }


def _left_out(rows: Sequence[GroupRow], noun: str) -> str:
    small = sum(row.few for row in rows)
    return trn(*LEFT_OUT[noun], small, n=number(small), few=FEW) if small else ""


def calibration(subject: str, bins: Sequence[CalibrationBin], k: int) -> str:
    """Whether a list hits as often as it predicts, as far as the number of hits can show.

    By the 95 % interval of a binomial share (Wilson 1927).
    """
    from scipy.stats import binomtest

    name = capital(name_of(subject))
    if not bins:
        return tr(
            "{name} has ranks only, without probabilities, so it has no calibration.", name=name
        )
    cases = sum(b.cases for b in bins)
    predicted = sum(b.promised * b.cases for b in bins) / cases
    observed = sum(b.kept * b.cases for b in bins) / cases
    gap = sum(abs(b.promised - b.kept) * b.cases for b in bins) / cases
    sure = binomtest(round(observed * cases), cases).proportion_ci(method="wilson")
    grade = tr("well calibrated, as far as {targets} can show", targets=count(cases, "target"))
    is_told = not sure.low <= predicted <= sure.high
    if cases < FEW and not is_told:
        return tr(
            "Too few targets ({targets}) to tell whether {name} is calibrated: predicted "
            "{predicted}, observed {observed} [{low:.0f}, {high:.0f}] of targets in its top {k}.",
            targets=number(cases),
            name=name_of(subject),
            predicted=percent(predicted),
            observed=percent(observed),
            low=sure.low * 100,
            high=sure.high * 100,
            k=k,
        )
    if is_told:
        grade = tr("overconfident") if predicted > observed else tr("underconfident")
    return tr(
        "{name} is {grade}: predicted {predicted}, observed {observed} [{low:.0f}, {high:.0f}] of "
        "targets in its top {k}. Mean gap over {bins}: {gap:.0f} points.",
        name=name,
        grade=grade,
        predicted=percent(predicted),
        observed=percent(observed),
        low=sure.low * 100,
        high=sure.high * 100,
        k=k,
        bins=count(len(bins), "bin"),
        gap=gap * 100,
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
    lists = tr("the {lists} of {k}", lists=count(len(report.users), "list"), k=report.k)
    if not items:
        return tr("Every item of the catalogue is in at least one of {lists}.", lists=lists)
    return trn(
        *NEVER,
        trained,
        n=number(trained),
        name=capital(name_of(subject)),
        items=number(items),
        all=count(report.n_items, "item"),
        share=percent(items / report.n_items),
        lists=lists,
        targets=count(targets, "target"),
        topic=largest[0],
        largest=number(largest[1]),
    )
