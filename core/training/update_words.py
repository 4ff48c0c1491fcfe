"""What an update of a model learned and what it forgot, in words."""

from __future__ import annotations

from core.model.metrics import UpdateFacts


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}{'s' * (n != 1)}"


def update_sentences(update: UpdateFacts) -> list[str]:
    """What was learned and replayed, what it gained, and what it forgot."""
    said = [
        f"Learned {_count(update.new_targets, 'new training event')} "
        f"({_count(update.new_events, 'new event')}, {_count(update.new_users, 'new user')}, "
        f"{_count(update.new_items, 'new item')}); replayed {update.replayed:,} known ones in "
        "each epoch."
    ]
    if update.before is not None and update.after is not None:
        said.append(
            f"NDCG@10 on the test events: {update.before:.3f} by the earlier model, "
            f"{update.after:.3f} by the updated one."
        )
    said.append(forgetting_sentence(update))
    return said


def forgetting_sentence(update: UpdateFacts) -> str:
    """What happened to cases that neither model has learned and that were there before."""
    if update.kept_before is None or update.kept_after is None:
        return "Every scored user has new events, so forgetting could not be measured."
    drop = update.kept_before - update.kept_after
    verdict = "nothing was forgotten" if drop <= 0 else f"{drop:.3f} was lost"
    targets = _count(update.kept_targets, "test event")
    return (
        f"On {targets} of users without new events: {update.kept_before:.3f} before, "
        f"{update.kept_after:.3f} after; {verdict}."
    )
