"""The Quality page's sentences, made from numbers. See ``core.views.wording`` for the manner."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from core.arrays import BoolArray
from core.corpus.split import TEMPORAL_SHARES
from core.encode.sentiment import SentimentQuality
from core.language import mark, mark_n, tr, trn
from core.measure.metrics import Interval, PairedTest
from core.recommend.registry import NAMES
from core.views.quality.rows import FEW, AblationRow, GroupRow, several
from core.views.wording import (
    between,
    capital,
    count,
    duration,
    figure,
    joined,
    listing,
    minus,
    number,
    percent,
    sample_sentence,
    signed,
)

if TYPE_CHECKING:
    from core.evaluate.report import CalibrationBin, EvaluationReport
    from core.evaluate.served import ListsJudged
    from core.measure.cases import Sample
    from core.model.metrics import Metrics

MODELS = {"joint": mark("the joint"), "interest": mark("the interest model")}
"""Ours; every other recommender of a model is a baseline."""
OTHER_CONTENT = mark(
    "The corpus has changed since they were imported: users and items may differ, and rows about "
    "missing ones are ignored"
)
LEAST_RISE = 0.01
"""Nats by which a validation loss has risen where it is said."""
NOTABLE_UNSEEN = 0.05
"""From this share of targets without a training event both figures are shown."""
FEW_SECONDS = 10
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


def cost(protocol: str, metrics: Metrics) -> str:
    """What an evaluation computes, and how long it takes by what the model's training took."""
    spent = metrics.seconds or {}
    fit, judged = spent.get("encode and fit"), spent.get("evaluation", 0.0)  # no sentence
    if protocol == "temporal":
        what = tr(
            "Trains the model and its baselines three more times, on 70, 80 and 90 % of events"
        )
        seconds = None if fit is None else fit * sum(TEMPORAL_SHARES) + judged * 3
    else:
        what = tr("Computes the lists of all test users")
        seconds = spent.get("evaluation")
    if seconds is None:
        return tr(
            "{what}. The time left is shown once it runs; this model's training was not timed.",
            what=what,
        )
    long = tr("a few seconds")
    if seconds >= FEW_SECONDS:
        long = tr("about {duration}", duration=duration(seconds))
    return tr("{what}: {long}, by what its training took.", what=what, long=long)


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
            "{targets} are too few to tell whether {name} is calibrated: predicted {predicted}, "
            "observed {observed} [{low:.0f}, {high:.0f}] of targets in its top {k}.",
            targets=count(cases, "target"),
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


def training(metrics: Metrics) -> str:
    """What training gained and when it was best."""
    if not metrics.training:
        return tr("This model has no record of its training.")
    start, *later = [line.validation_ndcg or 0.0 for line in metrics.training]
    if not any(value > 0 for value in (start, *later)):
        return tr(
            "No epoch could be selected: there is no validation case, or none with its item in a "
            "list of 10. The weights from before training are used."
        )
    best = max(later, default=start)
    values = {"start": figure(start), "best": figure(best)}
    if best <= start:
        return tr(
            "No epoch improved on the start: validation NDCG@10 of the interest model was {start} "
            "before training and at best {best} in the {epochs} after. The weights from before "
            "training are used.",
            epochs=count(len(later), "epoch"),
            **values,
        )
    if metrics.best_epoch is None:
        said = tr(
            "Validation NDCG@10 of the interest model rose from {start} before training to {best}. "
            "The weights of that epoch are used.",
            **values,
        )
    else:
        said = tr(
            "Validation NDCG@10 of the interest model rose from {start} before training to {best} "
            "at epoch {epoch} of {epochs}. The weights of that epoch are used.",
            epoch=metrics.best_epoch,
            epochs=len(later),
            **values,
        )
    return joined(said, overfitting(metrics))


def overfitting(metrics: Metrics) -> str:
    """How the losses went on after the lowest validation loss; empty where none is known."""
    known = [(e.epoch, e.loss, e.validation_loss) for e in metrics.training if e.loss is not None]
    losses = [(epoch, own, held) for epoch, own, held in known if held is not None]
    if not losses:
        return ""
    epoch, own, lowest = min(losses, key=lambda line: line[2])
    last, own_last, held_last = losses[-1]
    at = {"epoch": epoch, "lowest": f"{lowest:.2f}"}
    if last == epoch:
        return tr(
            "Validation loss was lowest at epoch {epoch} ({lowest} nats): it still fell at the "
            "end.",
            **at,
        )
    if held_last - lowest < LEAST_RISE or own_last >= own:
        return tr(
            "Validation loss was lowest at epoch {epoch} ({lowest} nats) and stayed there.", **at
        )
    return tr(
        "Validation loss was lowest at epoch {epoch} ({lowest} nats) and rose to {held:.2f} by "
        "epoch {last}, while training loss fell from {own:.2f} to {now:.2f}: overfitting from "
        "there on.",
        held=held_last,
        last=last,
        own=own,
        now=own_last,
        **at,
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


def ablation(
    recommender: str, rows: Sequence[AblationRow], whole: float, users: int, k: int
) -> str:
    """Which parts of a history the recommendations need, and which they don't."""
    needed = sorted((row for row in rows if row.ndcg.low > 0), key=lambda row: -row.ndcg.mean)
    harmful = [row for row in rows if row.ndcg.high < 0]
    idle = [row.called for row in rows if not row.decided]
    said = []
    if needed:
        losses = [_without(between(row.ndcg), row) for row in needed]
        said.append(
            tr(
                "{name} needs {parts}. NDCG@{k} drops from {whole} by {losses}.",
                name=capital(name_of(recommender)),
                parts=listing([row.called for row in needed]),
                k=k,
                whole=figure(whole),
                losses=listing(losses),
            )
        )
    if harmful:
        gains = [_without(between(_negative(row.ndcg)), row) for row in harmful]
        said.append(tr("It improves by {gains}.", gains=listing(gains)))
    if idle:
        said.append(
            tr(
                "No significant difference without {parts} ({users}).",
                parts=listing(idle),
                users=count(users, "user"),
            )
        )
    return joined(*said)


def _without(change: str, row: AblationRow) -> str:
    return tr("{change} without {part}", change=change, part=row.called)


def ablation_of_user(user: str, rows: Sequence[AblationRow], steps: int, trained: int) -> str:
    """The same over one user's steps, in log-probability."""
    if not steps:
        return tr(
            "{user} has no step whose next item was new, so there is nothing to measure.", user=user
        )
    row = max(rows, key=lambda row: abs(row.nats.mean))
    over = tr("{steps} of {user}", steps=count(steps, "step"), user=user)
    if trained:
        over = tr("{steps} ({n} seen in training)", steps=over, n=number(trained))
    said = {"over": over, "part": row.called, "loss": signed(row.nats.mean, 3)}
    if row.nats.low > 0 or row.nats.high < 0:
        return tr(
            "Over {over}, the log-probability of the actual next item changes most without {part}: "
            "a loss of {loss} nats.",
            **said,
        )
    return tr(
        "Over {over}, the log-probability of the actual next item changes most without {part}: a "
        "loss of {loss} nats, not significant with so few steps.",
        **said,
    )


def sentiment(quality: SentimentQuality | None) -> str:
    """How well the sentiment of held-out reviews agrees with their ratings."""
    if quality is None or quality.auc is None:
        return tr(
            "Sentiment: not evaluated, as this corpus has no held-out reviews with both low and "
            "high ratings."
        )
    return tr(
        "Sentiment on {reviews} ({n} with a low rating): AUC {auc:.3f} for low against high "
        "ratings; rank correlation with the rating {correlation:.2f}; mean error {error:.2f} on a "
        "scale from \u22121 to +1.",
        reviews=count(quality.reviews, "held-out review"),
        n=number(quality.negative_reviews),
        auc=quality.auc,
        correlation=quality.spearman,
        error=quality.mae,
    )


def _negative(interval: Interval) -> Interval:
    return Interval(-interval.mean, -interval.high, -interval.low)
