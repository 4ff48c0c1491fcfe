"""Every sentence of the Compare page; as in ``core.views.wording``, texts are not escaped."""

from __future__ import annotations

from collections.abc import Sequence

from core.views.wording import count, percent, short, signed

JACCARD = "Jaccard: items on both lists, of all on either; 1 is the same items in any order."
RBO = (
    "RBO (p = .9): overlap read from the top down, where each further rank counts a tenth less; "
    "1 is the same order."
)
KENDALL = "Kendall: order of the shared items only; 1 the same, 0 unrelated, \u22121 turned around."
CAUTION = (
    "A cause is what changed the model's score between the two lists. It says how the model "
    "reckons, not why the person acted."
)
NO_CAUSE = (
    "Causes exist between two times of one user and recommender, and between a history and its "
    "scenario; elsewhere no sequence of events or edits leads from one list to the other."
)
EDIT_CAUSE = (
    "The causes are the scenario's edits, reckoned as on the page What-if; values are nats."
)
SMALL = 0.005
TITLE = 40


def nats(value: float) -> str:
    """A contribution with its sign."""
    return "±0.00" if abs(value) < SMALL else signed(value)


def step_phrase(step: int) -> str:
    """``before the first event``, ``step 12``."""
    return "before the first event" if step == 0 else f"step {step}"


def where(name: str) -> str:
    """A column's name inside a sentence: ``at step 12``, ``in ease``."""
    if name.startswith("before"):
        return name
    return f"at {name}" if name.startswith("step") else f"in {name}"


def flow_sentence(first: str, last: str, kept: int, entered: Sequence[str], k: int) -> str:
    """What the last list still has of the first."""
    if not entered:
        moved = "the same items" if kept == k else f"the same {count(kept, 'item')}"
        return f"From {first} to {last} the list keeps {moved}."
    named = short(entered[0], TITLE)
    more = f" and {len(entered) - 1} more" if len(entered) > 1 else ""
    return f"From {first} to {last} {kept} of {k} stay; {named}{more} came in."


def next_sentence(places: Sequence[tuple[str, str, int | None]], k: int) -> str:
    """Where what was really taken next stood; places are (item, column, rank or None)."""
    if not places:
        return ""
    items = {item for item, _, _ in places}
    said = [
        f"{_place(rank, k)} {where(name)}"
        if len(items) == 1 or len(places) > 2
        else f"{short(item, TITLE)}, {_place(rank, k)} {where(name)}"
        for item, name, rank in places
    ]
    what = f"{short(items.pop(), TITLE)}, " if len(items) == 1 else ""
    return f"Really taken next: {what}{', '.join(said) if len(places) > 2 else '; '.join(said)}."


def _place(rank: int | None, k: int) -> str:
    if rank is None:
        return "already had"
    return f"number {rank}" if rank <= k else f"rank {rank}"


def overlap_sentence(a: str, b: str, jaccard: float | None, rbo: float | None) -> str:
    """How alike two lists are, in words."""
    if jaccard is None or rbo is None:
        return f"{a} and {b}: both lists are empty."
    grade = (
        "the same list"
        if rbo > 0.999
        else "much alike"
        if rbo >= 0.7
        else "partly alike"
        if rbo >= 0.3
        else "nearly different"
        if rbo > 0
        else "nothing in common"
    )
    return f"{a} and {b}: {grade} ({percent(jaccard)} of the items, RBO {rbo:.2f})."


def cause(kind: str, step: int | None, event: str, value: float, own: bool) -> str:
    """One cause in a few words; ``event`` names the event of ``step``, ``own`` the item itself."""
    if kind == "eligibility":
        if own:
            return f"already had since {event}"
        return f"others can't be listed since {event}" if event else "what may be listed changed"
    who = event if step is not None else "time alone"
    if kind == "others":
        return f"others moved by more, most by {who} ({nats(value)} here)"
    return f"{nats(value)} by {who}"


def edit_cause(number: int, label: str, value: float) -> str:
    """A scenario's edit as a cause."""
    return f"{nats(value)} by edit {number}: {label}"


def trust(exact: bool, stderr: float, residual: float) -> str:
    """How far to trust all causes of a comparison."""
    said = (
        "Exact: every combination of the events between and of the clock was asked."
        if exact
        else "Orders of the events between and of the clock were sampled: the standard error of a "
        f"cause is up to {stderr:.2f} nats."
    )
    if residual > 1e-4:
        said += f" Unexplained: up to {nats(residual)}."
    return f"{said} Values are nats and add up to the score's change; +0.69 doubles the chance."


def profile_sentence(
    names: Sequence[str], leaders: Sequence[tuple[str, float]], shared: bool
) -> str:
    """What leads in the first and the last column; leaders are (topic, share)."""
    (first, share), (last, last_share) = leaders[0], leaders[-1]
    if shared:
        return f"The same events stand behind all columns: {first} leads with {percent(share)}."
    if first == last:
        return (
            f"{first} leads {where(names[0])} with {percent(share)} and {where(names[-1])} with "
            f"{percent(last_share)}."
        )
    return (
        f"{first} leads {where(names[0])} with {percent(share)}, {last} {where(names[-1])} with "
        f"{percent(last_share)}."
    )


def item_sentence(item: str, ranks: Sequence[tuple[str, int | None]]) -> str:
    """Where one item stands in every column."""
    places = ", ".join(
        f"{'no place' if rank is None else f'rank {rank}'} {where(name)}" for name, rank in ranks
    )
    return f"{short(item, TITLE)}: {places}."


def bars_sentence(first: str, last: str, change: float, strongest: str) -> str:
    """What changed one item's score between two columns."""
    return (
        f"From {first} to {last} its score changed by {nats(change)} nats; most of it came from "
        f"{strongest.removesuffix('…')}."
    )


def turnover_sentence(
    per_event: float | None, far: tuple[str, float] | None, users: int, own: float | None
) -> str:
    """How fast lists change; overlaps are RBO, ``own`` the user's change per event."""
    if per_event is None:
        return "No user has two lists to compare."
    said = (
        f"One event changes {percent(1 - per_event)} of a list on average over "
        f"{count(users, 'user')} (1 \u2212 RBO)"
    )
    if far is not None:
        said += f"; after {far[0]} {percent(far[1])} of it is left"
    if own is not None:
        more = own - (1 - per_event)
        grade = "about as much" if abs(more) < 0.03 else "more" if more > 0 else "less"
        said += f". Here one event changes {percent(own)}, {grade}"
    return said + "."


def made_with(corpus: str, model_id: str, simulated: bool) -> str:
    """What a report was made from."""
    return f"Corpus {corpus}{' (simulated)' if simulated else ''}, model {model_id}"


def gap(low: int, high: int | None, noun: str) -> str:
    """``3 to 4 events``, ``365 days or more``."""
    if high is None:
        return f"{count(low, noun)} or more"
    return count(low, noun) if low == high else f"{low} to {count(high, noun)}"
