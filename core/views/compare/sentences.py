"""Every sentence of the Compare page; as in ``core.views.wording``, texts are not escaped."""

from __future__ import annotations

from collections.abc import Sequence

from core.language import mark, mark_n, tr, trn
from core.views.wording import TITLE, joined, listing, nats, percent, plain_nats, short

JACCARD = mark("Jaccard: shared items as a share of all items on either list, in any order.")
RBO = mark(
    "RBO (p = 0.9): overlap from the top down, each further rank counting a tenth less; 1 is the "
    "same order."
)
KENDALL = mark("Kendall: order of the shared items; 1 is the same, 0 unrelated, \u22121 reversed.")
CAUTION = mark(
    "A cause is what changed the model's score between two lists. It explains the model, not the "
    "person."
)
NO_CAUSE = mark(
    "Causes are known between two times of one user and recommender, between a history and its "
    "scenario, and between two models after the same events."
)
ONE_INTEREST = mark(
    "The two interest models were not updated from one another: their networks and item vectors "
    "can't be exchanged, so each model counts as a whole."
)
COMPONENTS = {
    "catalogue": mark("new items in the catalogue"),
    "network": mark("the interest network"),
    "items": mark("the interest model's item vectors"),
    "weights": mark("the joint's weights"),
}
"""What is called how of the parts that differ between two models; recommenders have their names."""


def step_phrase(step: int) -> str:
    """``before the first event``, ``step 12``."""
    return tr("before the first event") if step == 0 else tr("step {step}", step=step)


def rank_words(rank: int | None) -> str:
    """``rank 5``, or ``not listed`` where the item is excluded or a served list lacks it."""
    return tr("not listed") if rank is None else tr("rank {rank}", rank=rank)


def flow_sentence(
    first: str, last: str, kept: int, entered: Sequence[str], k: int, by: str = ""
) -> str:
    """What the last list still has of the first; ``by`` names their one recommender."""
    facts = {"first": first, "last": last, "kept": kept, "k": k}
    if by:
        said = tr("From {first} to {last}, top {k} by {by}, {kept} of {k} stay", by=by, **facts)
    else:
        said = tr("From {first} to {last}, {kept} of {k} stay", **facts)
    if not entered:
        return tr("{sentence}.", sentence=said)
    item, more = short(entered[0], TITLE), len(entered) - 1
    if not more:
        return tr("{stay}; {item} entered.", stay=said, item=item)
    return tr("{stay}; {item} and {n} more entered.", stay=said, item=item, n=more)


def neighbours_sentence(names: Sequence[str], kept: Sequence[int], k: int) -> str:
    """How much of each list stays in the next one; empty for two lists."""
    if len(kept) < 2:
        return ""
    if len(set(kept)) == 1:
        return tr("From each list to the next, {kept} of {k} stay.", kept=kept[0], k=k)
    least = min(range(len(kept)), key=lambda at: kept[at])
    return tr(
        "From each list to the next, {kept} of {k} stay; most changes from {first} to {next}.",
        kept=listing([str(n) for n in kept]),
        k=k,
        first=names[least],
        next=names[least + 1],
    )


def extremes_sentence(pairs: Sequence[tuple[str, float]]) -> str:
    """The most and the least alike of several pairs, each in words with its RBO."""
    ordered = sorted(pairs, key=lambda pair: -pair[1])
    (most, high), (least, low) = ordered[0], ordered[-1]
    return tr(
        "Most alike: {most} (RBO {high:.2f}). Least alike: {least} (RBO {low:.2f}).",
        most=most,
        high=high,
        least=least,
        low=low,
    )


def next_sentence(ranks: Sequence[tuple[str, str, int | None]]) -> str:
    """Where the actual next item ranked; triples are (item, place, rank or None).

    A place is ``at step 12`` or ``in ease``.
    """
    by_item: dict[str, list[str]] = {}
    for item, place, rank in ranks:
        by_item.setdefault(item, []).append(_rank_at(rank, place))
    if not by_item:
        return ""
    items = tr("; ").join(
        tr("{item} ({ranks})", item=short(item, TITLE), ranks=tr(", ").join(at))
        for item, at in by_item.items()
    )
    forms = mark_n("Actual next item: {items}.", "Actual next items: {items}.")
    return trn(*forms, len(by_item), items=items)


def _rank_at(rank: int | None, place: str) -> str:
    return tr("{rank} {place}", rank=rank_words(rank), place=place)


def overlap_sentence(a: str, b: str, jaccard: float | None, rbo: float | None) -> str:
    """How alike two lists are, in words."""
    pair = tr("{one} and {other}", one=a, other=b)
    if jaccard is None or rbo is None:
        return tr("{pair}: both lists are empty.", pair=pair)
    grades = (
        (0.999, tr("the same list")),
        (0.7, tr("similar")),
        (0.3, tr("partly similar")),
    )
    very = tr("very different")
    return tr(
        "{pair}: {grade} ({share} of the items shared, RBO {rbo:.2f}).",
        pair=pair,
        grade=next((words for bar, words in grades if rbo >= bar), very),
        share=percent(jaccard),
        rbo=rbo,
    )


def trust(exact: bool, stderr: float, residual: float, of: str) -> str:
    """How far to trust all causes of a comparison; ``of`` names the players."""
    if exact:
        said = tr("Exact: every combination of {players} was evaluated.", players=of)
    else:
        said = tr(
            "Random orders of {players} were sampled: standard errors up to {stderr:.2f} nats.",
            players=of,
            stderr=stderr,
        )
    left = tr("Unexplained: up to {nats} nats.", nats=nats(residual)) if residual > 1e-4 else ""
    sums = tr("Contributions add up to the score's change; +0.69 nats doubles the probability.")
    return joined(said, left, sums)


def models_sentence(shares: Sequence[tuple[str, float]]) -> str:
    """Which components moved the scores of both lists most; pairs are (name, mean size in nats)."""
    first, *others = [
        tr("{name} ({nats} nats)", name=name, nats=plain_nats(mean)) for name, mean in shares[:3]
    ]
    if not others:
        return tr(
            "Between the models, {first} moved the listed items' scores most on average.",
            first=first,
        )
    return tr(
        "Between the models, {first} moved the listed items' scores most on average, then "
        "{others}.",
        first=first,
        others=listing(others),
    )


def profile_sentence(
    places: Sequence[str], leaders: Sequence[tuple[str, float]], shared: bool
) -> str:
    """What leads in the first and the last column; leaders are (topic, share).

    Places are as in ``next_sentence``.
    """
    (first, share), (last, last_share) = leaders[0], leaders[-1]
    if shared:
        return tr(
            "All columns follow the same events: {topic} leads with {share}.",
            topic=first,
            share=percent(share),
        )
    return tr(
        "{first} leads {place} ({share}), {last} {last_place} ({last_share}).",
        first=first,
        place=places[0],
        share=percent(share),
        last=last,
        last_place=places[-1],
        last_share=percent(last_share),
    )


def item_sentence(item: str, ranks: Sequence[tuple[str, int | None]]) -> str:
    """Where one item ranks in every column, each with its place as in ``next_sentence``."""
    said = tr(", ").join(_rank_at(rank, place) for place, rank in ranks)
    return tr("{item}: {ranks}.", item=short(item, TITLE), ranks=said)


def bars_sentence(first: str, last: str, change: float, strongest: str) -> str:
    """What changed one item's score between two columns."""
    return tr(
        "From {first} to {last} its score changed by {nats} nats, mainly because of {cause}.",
        first=first,
        last=last,
        nats=nats(change),
        cause=strongest.removesuffix("…"),
    )


def made_with(corpus: str, model_id: str, simulated: bool) -> str:
    """What a report was made from."""
    if simulated:
        return tr("Corpus {corpus} (simulated), model {model}", corpus=corpus, model=model_id)
    return tr("Corpus {corpus}, model {model}", corpus=corpus, model=model_id)
