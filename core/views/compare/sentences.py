"""Every sentence of the Compare page; as in ``core.views.wording``, texts are not escaped."""

from __future__ import annotations

from collections.abc import Sequence

from core.views.wording import TITLE, listing, nats, percent, plain_nats, short

JACCARD = "Jaccard: shared items as a share of all items on either list, in any order."
RBO = (
    "RBO (p = 0.9): overlap from the top down, each further rank counting a tenth less; 1 is the "
    "same order."
)
KENDALL = "Kendall: order of the shared items; 1 is the same, 0 unrelated, \u22121 reversed."
CAUTION = (
    "A cause is what changed the model's score between two lists. It explains the model, not the "
    "person."
)
NO_CAUSE = (
    "Causes are known between two times of one user and recommender, between a history and its "
    "scenario, and between two models after the same events."
)
ONE_INTEREST = (
    "The two interest models were not updated from one another: their networks and item vectors "
    "can't be exchanged, so each model counts as a whole."
)
COMPONENTS = {
    "catalogue": "new items in the catalogue",
    "network": "the interest network",
    "items": "the interest model's item vectors",
    "weights": "the joint's weights",
}
"""What is called how of the parts that differ between two models; recommenders have their names."""


def step_phrase(step: int) -> str:
    """``before the first event``, ``step 12``."""
    return "before the first event" if step == 0 else f"step {step}"


def where(name: str) -> str:
    """A column's name inside a sentence: ``at step 12``, ``in ease``."""
    if name.startswith("before"):
        return name
    return f"at {name}" if name.startswith("step") else f"in {name}"


def rank_words(rank: int | None) -> str:
    """``rank 5``, or ``not listed`` where the item is excluded or a served list lacks it."""
    return "not listed" if rank is None else f"rank {rank}"


def flow_sentence(
    first: str, last: str, kept: int, entered: Sequence[str], k: int, by: str = ""
) -> str:
    """What the last list still has of the first; ``by`` names their one recommender."""
    said = f"From {first} to {last}{by and f', top {k} by {by}'}, {kept} of {k} stay"
    if not entered:
        return f"{said}."
    more = f" and {len(entered) - 1} more" if len(entered) > 1 else ""
    return f"{said}; {short(entered[0], TITLE)}{more} entered."


def neighbours_sentence(names: Sequence[str], kept: Sequence[int], k: int) -> str:
    """How much of each list stays in the next one; empty for two lists."""
    if len(kept) < 2:
        return ""
    least = min(range(len(kept)), key=lambda at: kept[at])
    stays = f"{listing([str(n) for n in kept])} of {k}"
    if len(set(kept)) == 1:
        return f"From each list to the next, {kept[0]} of {k} stay."
    break_ = f"from {names[least]} to {names[least + 1]}"
    return f"From each list to the next, {stays} stay; most changes {break_}."


def extremes_sentence(pairs: Sequence[tuple[str, float]]) -> str:
    """The most and the least alike of several pairs, each in words with its RBO."""
    ordered = sorted(pairs, key=lambda pair: -pair[1])
    (most, high), (least, low) = ordered[0], ordered[-1]
    return f"Most alike: {most} (RBO {high:.2f}). Least alike: {least} (RBO {low:.2f})."


def next_sentence(ranks: Sequence[tuple[str, str, int | None]]) -> str:
    """Where the actual next item ranked; triples are (item, column, rank or None)."""
    by_item: dict[str, list[str]] = {}
    for item, name, rank in ranks:
        by_item.setdefault(item, []).append(f"{rank_words(rank)} {where(name)}")
    if not by_item:
        return ""
    items = "; ".join(f"{short(item, TITLE)} ({', '.join(at)})" for item, at in by_item.items())
    return f"Actual next {'item' if len(by_item) == 1 else 'items'}: {items}."


def overlap_sentence(a: str, b: str, jaccard: float | None, rbo: float | None) -> str:
    """How alike two lists are, in words."""
    if jaccard is None or rbo is None:
        return f"{a} and {b}: both lists are empty."
    grades = ((0.999, "the same list"), (0.7, "similar"), (0.3, "partly similar"))
    grade = next((words for bar, words in grades if rbo >= bar), "very different")
    return f"{a} and {b}: {grade} ({percent(jaccard)} of the items shared, RBO {rbo:.2f})."


def trust(exact: bool, stderr: float, residual: float, of: str) -> str:
    """How far to trust all causes of a comparison; ``of`` names the players."""
    said = (
        f"Exact: every combination of {of} was evaluated."
        if exact
        else f"Random orders of {of} were sampled: standard errors up to {stderr:.2f} nats."
    )
    if residual > 1e-4:
        said += f" Unexplained: up to {nats(residual)} nats."
    return f"{said} Contributions add up to the score's change; +0.69 nats doubles the probability."


def models_sentence(shares: Sequence[tuple[str, float]]) -> str:
    """Which components moved the scores of both lists most; pairs are (name, mean size in nats)."""
    first, *others = [f"{name} ({plain_nats(mean)} nats)" for name, mean in shares[:3]]
    said = f"Between the models, {first} moved the listed items' scores most on average"
    return f"{said}{', then ' + listing(others) if others else ''}."


def profile_sentence(
    names: Sequence[str], leaders: Sequence[tuple[str, float]], shared: bool
) -> str:
    """What leads in the first and the last column; leaders are (topic, share)."""
    (first, share), (last, last_share) = leaders[0], leaders[-1]
    if shared:
        return f"All columns follow the same events: {first} leads with {percent(share)}."
    return (
        f"{first} leads {where(names[0])} ({percent(share)}), {last} {where(names[-1])} "
        f"({percent(last_share)})."
    )


def item_sentence(item: str, ranks: Sequence[tuple[str, int | None]]) -> str:
    """Where one item ranks in every column."""
    said = ", ".join(f"{rank_words(rank)} {where(name)}" for name, rank in ranks)
    return f"{short(item, TITLE)}: {said}."


def bars_sentence(first: str, last: str, change: float, strongest: str) -> str:
    """What changed one item's score between two columns."""
    return (
        f"From {first} to {last} its score changed by {nats(change)} nats, mainly because of "
        f"{strongest.removesuffix('…')}."
    )


def made_with(corpus: str, model_id: str, simulated: bool) -> str:
    """What a report was made from."""
    return f"Corpus {corpus}{' (simulated)' if simulated else ''}, model {model_id}"
