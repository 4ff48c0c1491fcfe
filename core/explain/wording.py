"""Every sentence about an explanation, made from its numbers by fixed rules.

Functions take numbers and names and return plain text; nothing is said without a number behind it.
Names come from files: a page that shows a sentence must escape it. This module is the one to
translate for a second language.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from core.shapley.engine import ENOUGH

CAUTION = (
    "This describes how the model behaves, not what the person thinks: another model could give "
    "the same list for other reasons."
)
LOUD = 3
"""So many of the joint's parts are named on either side."""
NAMED = 2
"""So many events are named in the summary."""
SHARE_THAT_LEADS = 0.5
"""Below this share of what pushes up, the named events are said not to decide."""
PART_WORDS = {
    "item": "the item itself",
    "rating": "its rating",
    "text": "its text",
    "time": "its time",
}
POOR_FIT = 0.5
"""Words' values from a model that predicts less of the variance are called a rough picture."""
SMALL = 0.05
"""Nats: smaller differences are called hardly any."""


def nats(value: float) -> str:
    """A contribution with its sign, two digits and a true minus; what rounds to zero has none."""
    if abs(value) < 0.005:
        return "0.00"
    return f"{value:+.2f}".replace("-", "\u2212")


def plain_nats(value: float) -> str:
    """A score or an area without a plus sign."""
    return f"{value:.2f}".replace("-", "\u2212")


def times(value: float) -> str:
    """What a difference of log-probabilities does to a probability: ``4.1 times as likely as``."""
    from math import exp

    factor = exp(min(abs(value), 30.0))
    shown = f"{factor:.1f}" if factor < 10 else f"{factor:,.0f}".replace(",", "\u202f")
    return f"{shown} times as likely as" if value >= 0 else f"{shown} times less likely than"


def standing(item: str, rank: int, k: int, excluded: bool) -> str:
    """Where the item is in the list."""
    if excluded:
        return f"{item} is in no list: the user already has it. By score it would be number {rank}."
    if rank <= k:
        return f"{item} is number {rank} of the list."
    return f"{item} is not among the first {k}: its rank is {rank}."


def summary(
    whole: float,
    base: float,
    events: Sequence[tuple[str, float]],
    margin_over: str | None = None,
) -> str:
    """The history's effect in two sentences; ``events`` are names with their values in nats."""
    change = whole - base
    what = f"its lead over {margin_over}" if margin_over else "its score"
    if not events:
        return (
            f"There is no event yet, so {what} of {plain_nats(whole)} is the model's start value."
        )
    if abs(change) < SMALL:
        first = (
            f"The history hardly changes {what}: {plain_nats(base)} without events, "
            f"{plain_nats(whole)} with them."
        )
    elif margin_over:
        first = f"The history moves {what} from {plain_nats(base)} to {plain_nats(whole)}."
    else:
        first = f"The history makes it {times(change)} without any event ({nats(change)})."
    return f"{first} {leaders(events)}"


def leaders(events: Sequence[tuple[str, float]]) -> str:
    """Which events push up most, and which push down most."""
    up = sorted((e for e in events if e[1] > 0), key=lambda e: -e[1])
    down = sorted((e for e in events if e[1] < 0), key=lambda e: e[1])
    total = sum(value for _, value in up)
    said = []
    if up and total >= SMALL:
        named = up[:NAMED]
        share = sum(value for _, value in named) / total
        listed = " and ".join(f"{name} ({nats(value)})" for name, value in named)
        if len(up) <= NAMED:
            said.append(f"All that speaks for it comes from {listed}.")
        elif share >= SHARE_THAT_LEADS:
            said.append(f"{share * 100:.0f}\u202f% of what speaks for it comes from {listed}.")
        else:
            said.append(
                f"No event decides: the strongest, {listed}, bring {share * 100:.0f}\u202f% of "
                "what speaks for it."
            )
    if down and down[0][1] <= -SMALL:
        name = down[0][0]
        said.append(f"{name[:1].upper()}{name[1:]} speaks most against it ({nats(down[0][1])}).")
    return " ".join(said) if said else "No single event matters."


def voices(shares: Mapping[str, float], rival: str | None) -> str:
    """Which recommenders in the joint speak for the item, and which against."""
    order = sorted(shares.items(), key=lambda share: -abs(share[1]))
    heard = [(name, value) for name, value in order if abs(value) >= SMALL]
    beside = rival or "an average item"
    if not heard:
        return f"No part of the joint tells it from {beside}."
    said = []
    for sign, verdict in ((1, "for it"), (-1, "against it")):
        loud = [(name, value) for name, value in heard if sign * value > 0][:LOUD]
        if loud:
            said.append(f"{verdict} {', '.join(f'{name} ({nats(value)})' for name, value in loud)}")
    return f"Within the joint, beside {beside}: {'; '.join(said)}."


def trust(exact: bool, error: float, rounds: int, grouped: int, residual: float) -> str:
    """How far to trust the events' values."""
    if exact:
        said = "Exact: every combination of events was asked."
    else:
        said = (
            f"Sampled: {2 * rounds} orders of events, largest error {error * 100:.1f}\u202f% of "
            "the change."
        )
        if error > ENOUGH:
            said += f" More than the {ENOUGH * 100:.0f}\u202f% aimed at: read small bars with care."
    if grouped:
        said += f" The {grouped} oldest events are taken in groups."
    if abs(residual) > 5e-4:
        said += f" Unexplained: {nats(residual)}."
    return said


def part_sentence(parts: dict[str, float], event: str) -> str:
    """What of the strongest event counts."""
    present = {name: value for name, value in parts.items() if abs(value) >= 5e-4}
    if not present:
        return f"No part of {event} matters."
    first = max(present, key=lambda name: abs(present[name]))
    rest = [f"{PART_WORDS[name]} {nats(value)}" for name, value in present.items() if name != first]
    others = f"; {', '.join(rest)}" if rest else ""
    return f"Of {event}, {PART_WORDS[first]} counts most: {nats(present[first])}{others}."


@dataclass(frozen=True, slots=True)
class WordsRead:
    """How words' values were found: the method, partial texts read, typical error, fit."""

    method: str
    asked: int
    stderr: float
    fit: float | None
    residual: float


def words_sentence(
    target: str, words: Sequence[tuple[str, float]], how: WordsRead, unread: int
) -> str:
    """Which words count, how it was found out, how sure it is, and what was not read."""
    strongest = sorted((w for w in words if abs(w[1]) >= 0.005), key=lambda w: -abs(w[1]))[:3]
    listed = ", ".join(f"{word} {nats(value)}" for word, value in strongest)
    said = {
        "leave-one-out": "First look, each word left out alone",
        "quick": f"First SHAP values, from {how.asked:,} partial texts",
        "shap": f"SHAP from {how.asked:,} partial texts",
    }[how.method]
    if how.stderr:
        error = plain_nats(how.stderr) if how.stderr >= 0.005 else "less than 0.01"
        said += f", each word \u00b1 {error}; what is within twice that is not marked"
    said = f"{said}. For {target}: {listed or 'no word counts'}."
    if how.method != "leave-one-out" and abs(how.residual) > 5e-4:
        said += f" Unexplained: {nats(how.residual)}."
    if how.fit is not None and how.fit < POOR_FIT:
        said += (
            f" Take it as a rough picture: the words act together, and only {max(how.fit, 0):.0%} "
            "of the differences between partial texts could be foreseen."
        )
    if unread:
        said += f" The last {unread} words are beyond what the model reads and count for nothing."
    return said


def sum_sentence(
    step: int, words: float | None, split: tuple[float, float] | None, sentiment: float
) -> str:
    """Word to review to score as one sum; ``split`` is the event's text part with its error.

    ``words`` is None for words that were left out one by one: their losses are no sum.
    """
    if split is None:
        beside = f"The split above has step {step} in a group, so it has no text part of its own."
    else:
        part, error = split
        beside = (
            f"The split above says {nats(part)} \u00b1 {plain_nats(error)} for the text of step "
            f"{step}"
        )
        beside += "." if words is None else f"; residual {nats(part - words)}."
    own = (
        "Losses of words left out one by one do not add up; SHAP values will."
        if words is None
        else f"The words' own sum is {nats(words)}."
    )
    return f"{own} {beside} Its sentiment is {nats(sentiment)} of \u22121 to +1."


def edits_phrase(edits: Sequence[tuple[str, int, str, float | None]]) -> str:
    """``without step 12 (A) and with step 15 (B) rated 1``; edits are (op, step, name, rating)."""
    said = [
        f"without step {step} ({name})"
        if op == "delete"
        else f"with step {step} ({name}) rated {rating:g}"
        for op, step, name, rating in edits
    ]
    return " and ".join(said)


def counterfactual(
    item: str,
    k: int,
    rank: int,
    edits: Sequence[tuple[str, int, str, float | None]],
    new_rank: int | None,
    newcomer: str | None,
    proven: bool,
    complete_up_to: int,
    most: int,
    excluded: bool = False,
    among: Sequence[int] = (),
    events: int = 0,
) -> str:
    """What would have to be different, or why there is no such answer."""
    if excluded:
        return f"{item} is in no list as it is, so nothing has to change for it to be out."
    if rank > k:
        return (
            f"{item} is not among the first {k} (rank {rank}), so nothing has to change for it to "
            "be out."
        )
    if not edits:
        if complete_up_to == 0:
            return f"No change that takes {item} out was found.{_covered(among, events)}"
        chain = f", and no chain of {most} edits was found" if most > complete_up_to else ""
        return (
            f"No change of up to {complete_up_to} events takes {item} out of the first {k}{chain}."
            f"{_covered(among, events)}"
        )
    said = edits_phrase(edits)
    comes = f"; {newcomer} comes in" if newcomer else ""
    checked = (
        " No smaller change does it: all were tried."
        if proven
        else f" Smaller changes were tried in part only.{_covered(among, events)}"
    )
    return f"{said[:1].upper()}{said[1:]}, {item} is number {new_rank}{comes}.{checked}"


def _covered(among: Sequence[int], events: int) -> str:
    """Of which events all single changes, pairs and triples were tried, where not of all."""
    if all(count == events for count in among):
        return ""
    named = zip(("single changes", "pairs", "triples"), among, strict=False)
    said = [
        f"{name} of {f'all {events}' if count == events else f'the {count} strongest'} events"
        for name, count in named
    ]
    return f" Tried: {', '.join(said)}."


def scorecard(
    own: float, recent: float, random: float, beats_recent: bool, beats_random: bool, events: int
) -> str:
    """The verdict on the explanation; areas of deletion in nats, lower is better."""
    if events < 2:
        return "With fewer than two events there is no order to judge."
    areas = (
        f"deletion area {plain_nats(own)}, most recent first {plain_nats(recent)}, "
        f"random {plain_nats(random)}; lower is better"
    )
    if beats_recent and beats_random:
        return f"The explanation finds the events that matter sooner than both rivals: {areas}."
    if not beats_recent:
        return (
            f"Not better than the plain rule \u201cmost recent first\u201d here: {areas}. "
            "That rule explains this item as well."
        )
    return f"Better than most recent first, but not than a random order: {areas}."


def stability(value: float | None, exact: bool) -> str:
    """Whether five seeds agree."""
    if value is None:
        return "Nothing to rank: one event, or all of equal value."
    if exact:
        return "Exact values: the same with every seed."
    grade = "stable" if value >= 0.9 else "fairly stable" if value >= 0.7 else "unstable"
    return f"Five seeds agree with a rank correlation of {value:.2f}: {grade}."


def corpus_scorecard(facts: Mapping[str, Any]) -> list[str]:
    """A corpus's average scorecard in lines."""
    gain = facts["gain_over_recent_first"]
    low, high = gain["ci"]
    lines = [
        f"{facts['users']} users, recommender {facts['recommender']}: deletion beats most recent "
        f"first for {facts['better_than_recent_first'] * 100:.0f}\u202f% of them (equal for "
        f"{facts['equal_to_recent_first'] * 100:.0f}\u202f%), random for "
        f"{facts['better_than_random'] * 100:.0f}\u202f% (equal for "
        f"{facts['equal_to_random'] * 100:.0f}\u202f%).",
        f"Gain over most recent first {nats(gain['mean'])} nats [{nats(low)}, {nats(high)}].",
    ]
    if facts["stability"] is not None:
        lines.append(f"Sampled explanations: {stability(facts['stability'], False)}")
    return lines


def receivers(item: str, lists: int, users: int, k: int, shown: int) -> str:
    """Who gets an item now."""
    if not lists:
        return f"No user of {users:,} has {item} among the first {k} now."
    more = f" The {shown} best-placed are explained." if shown < lists else ""
    return f"{item} is among the first {k} for {lists:,} of {users:,} users now.{more}"
