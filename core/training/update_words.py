"""What an update of a model learned and what it forgot, in words."""

from __future__ import annotations

from core.language import mark_n, tr, trn
from core.model.metrics import UpdateFacts

TARGETS = mark_n("{n} new training event", "{n} new training events")
EVENTS = mark_n("{n} new event", "{n} new events")
USERS = mark_n("{n} new user", "{n} new users")
ITEMS = mark_n("{n} new item", "{n} new items")
TESTED = mark_n("{n} test event", "{n} test events")


def _count(n: int, forms: tuple[str, str]) -> str:
    return trn(*forms, n, n=f"{n:,}")


def update_sentences(update: UpdateFacts) -> list[str]:
    """What was learned and replayed, what it gained, and what it forgot."""
    said = [
        tr(
            "Learned {targets} ({events}, {users}, {items}); replayed {replayed:,} known ones in "
            "each epoch.",
            targets=_count(update.new_targets, TARGETS),
            events=_count(update.new_events, EVENTS),
            users=_count(update.new_users, USERS),
            items=_count(update.new_items, ITEMS),
            replayed=update.replayed,
        )
    ]
    if update.before is not None and update.after is not None:
        said.append(
            tr(
                "NDCG@10 on the test events: {before:.3f} by the earlier model, {after:.3f} by the "
                "updated one.",
                before=update.before,
                after=update.after,
            )
        )
    said.append(forgetting_sentence(update))
    return said


def forgetting_sentence(update: UpdateFacts) -> str:
    """What happened to cases that neither model has learned and that were there before."""
    if update.kept_before is None or update.kept_after is None:
        return tr("Every scored user has new events, so forgetting could not be measured.")
    drop = update.kept_before - update.kept_after
    verdict = tr("{drop:.3f} was lost", drop=drop) if drop > 0 else tr("nothing was forgotten")
    return tr(
        "On {targets} of users without new events: {before:.3f} before, {after:.3f} after; "
        "{verdict}.",
        targets=_count(update.kept_targets, TESTED),
        before=update.kept_before,
        after=update.kept_after,
        verdict=verdict,
    )
