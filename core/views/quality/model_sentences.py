"""Quality's sentences about the model itself: its training, what it needs, its sentiment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.corpus.split import TEMPORAL_SHARES
from core.encode.sentiment import SentimentQuality
from core.language import tr
from core.measure.metrics import Interval
from core.views.quality.rows import AblationRow
from core.views.quality.sentences import name_of
from core.views.wording import (
    between,
    capital,
    count,
    duration,
    figure,
    joined,
    listing,
    number,
    signed,
)

if TYPE_CHECKING:
    from core.model.metrics import Metrics

LEAST_RISE = 0.01
"""Nats by which a validation loss has risen where it is said."""
FEW_SECONDS = 10


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
