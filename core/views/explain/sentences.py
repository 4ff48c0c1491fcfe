"""The sentences of Explain, made from numbers by fixed rules.

Nothing is said without a number behind it. Names come from files: a page must escape a sentence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp
from typing import Any

import numpy as np

from core.compare.models import EarlierAnswer
from core.explain.explanation import WordsOfReview
from core.explain.scorecard import Scorecard
from core.explain.word_values import WordValues
from core.recommend.registry import NAMES
from core.scenario.search import MOST_EDITS, SmallestChange
from core.shapley.engine import ENOUGH, ShapleyValues
from core.views.wording import (
    SMALL,
    capital,
    count,
    day,
    listing,
    nats,
    number,
    percent,
    plain_nats,
    probability,
)

CAUTION = (
    "This describes the model, not the person: another model could produce the same list for "
    "other reasons."
)
COMPONENTS_NAMED = 5
EVENTS_NAMED = 2
"""Events named in the summary."""
DOMINANT = 0.5
"""Share of the support below which the named events do not dominate."""
HARDLY = 0.05
"""Nats; smaller differences hardly count."""
UNEXPLAINED = 5e-4
"""Nats; smaller residuals are not mentioned."""
PART_WORDS = {
    "item": "the item itself",
    "rating": "its rating",
    "text": "its text",
    "time": "its time",
}
IMPERSONAL = {
    "popularity": "everyone has the same scores, from how often each item was taken",
    "recent-popularity": "at one time everyone has the same scores, from what was taken lately",
}
"""Recommenders that read no history, and what they read instead."""
POOR_FIT = 0.5
"""Below this share of explained variation the words' values are called approximate."""


def earlier_words(earlier: EarlierAnswer) -> str:
    """What the model before the update said of the item."""
    made = f" of {day(earlier.created)}" if earlier.created else ""
    model = f"the model before the update ({earlier.model_id[:8]}{made})"
    scores = f"log p {plain_nats(earlier.score)}, now {plain_nats(earlier.score_now)}"
    if earlier.rank is None or earlier.rank_now is None:
        return f"Excluded by {model} too ({scores})."
    if earlier.rank == earlier.rank_now:
        return f"{capital(model)} gives it rank {earlier.rank} too ({scores})."
    return (
        f"{capital(model)} gives it rank {earlier.rank}, this one rank {earlier.rank_now} "
        f"({scores})."
    )


def times(value: float) -> str:
    """What a difference of log-probabilities does to a probability: ``4.1 times as likely as``."""
    factor = exp(min(abs(value), 30.0))
    shown = f"{factor:.1f}" if factor < 10 else number(factor)
    return f"{shown} times as likely as" if value >= 0 else f"{shown} times less likely than"


def standing(item: str, rank: int, k: int, excluded: bool, score: float) -> str:
    """Where the item is in the list, and its probability; ``score`` is its log p."""
    chance = f"probability {probability(score)}"
    if excluded:
        return (
            f"{item} is excluded because already bought, rated or reviewed. Otherwise its rank "
            f"would be {rank}."
        )
    if rank <= k:
        return f"{item} has rank {rank} in the list ({chance})."
    return f"{item} is not in the top {k}: its rank is {rank} ({chance})."


def reranked(moved_from: int | None, rank: int, before: float) -> str:
    """That a strategy re-ranks, and what that did to the item; ``before`` is its log p before."""
    if moved_from is None:
        return " The strategy's re-ranking left it at its rank."
    return (
        f" The strategy's re-ranking moved it from rank {number(moved_from)} "
        f"({probability(before)}) to {number(rank)}: it has the score of the place it was given, "
        "and contributions are to that score."
    )


def summary(
    score: float, base: float, events: Sequence[tuple[str, float]], margin_over: str | None = None
) -> str:
    """The history's effect and its main events; ``events`` are names with their values in nats."""
    change = score - base
    what = f"the margin over {margin_over}" if margin_over else "its score"
    if not events:
        return (
            f"There are no events yet, so {what} ({plain_nats(score)} nats"
            f"{'' if margin_over else f', {probability(score)}'}) is the model's start value."
        )
    if abs(change) < HARDLY:
        shares = "" if margin_over else f" ({probability(base)} and {probability(score)})"
        effect = (
            f"The history hardly changes {what}: {plain_nats(base)} nats without events, "
            f"{plain_nats(score)} with them{shares}."
        )
    elif margin_over:
        effect = f"The history changes {what} from {plain_nats(base)} to {plain_nats(score)} nats."
    else:
        effect = (
            f"The history makes it {times(change)} without events: {probability(score)} instead of "
            f"{probability(base)} ({nats(change)} nats)."
        )
    return f"{effect} {leaders(events)}"


def leaders(events: Sequence[tuple[str, float]]) -> str:
    """Which events contribute most, and which most against."""
    up = sorted((event for event in events if event[1] > 0), key=lambda event: -event[1])
    name, lowest = min(events, key=lambda event: event[1])
    support = sum(value for _, value in up)
    said = []
    if support >= HARDLY:
        named = up[:EVENTS_NAMED]
        share = percent(sum(value for _, value in named) / support)
        listed = listing([f"{event} ({nats(value)} nats)" for event, value in named])
        plural = "s" if len(named) == 1 else ""
        if len(up) <= EVENTS_NAMED:
            said.append(f"{capital(listed)} account{plural} for all of the positive contribution.")
        elif sum(value for _, value in named) >= DOMINANT * support:
            said.append(f"{capital(listed)} contribute{plural} {share} of the support.")
        else:
            said.append(f"No event dominates: {listed} contribute only {share} of the support.")
    if lowest <= -HARDLY:
        said.append(f"Largest negative contribution: {name} ({nats(lowest)} nats).")
    return " ".join(said) or "No single event matters."


def ignoring(recommender: str) -> str:
    """That a recommender does not read the user's events; empty for all others."""
    if recommender not in IMPERSONAL:
        return ""
    return (
        f"{capital(NAMES[recommender])} ignores the user: {IMPERSONAL[recommender]}. Lists differ "
        "only by what each user already has."
    )


def components(contributions: Mapping[str, float], rival: str | None) -> str:
    """The strongest contributions of the joint's components, either way."""
    beside = rival or "an average item"
    order = sorted(contributions.items(), key=lambda pair: -abs(pair[1]))
    named = [f"{name} {nats(value)}" for name, value in order if abs(value) >= HARDLY]
    if not named:
        return f"No component prefers it to {beside}."
    strongest = ", ".join(named[:COMPONENTS_NAMED])
    return f"Components of the joint, compared with {beside}: {strongest} nats."


def trust(values: ShapleyValues, grouped: int) -> str:
    """How far to trust the events' values; ``grouped`` events are in groups."""
    if values.exact:
        said = "Exact: every combination of events was evaluated."
    else:
        said = f"Sampled: {number(2 * values.rounds)} orders of events; "
        if values.bound <= ENOUGH:
            far = f"{values.bound * 100:.1f}\u202f% of the change"
            said += f"with 95\u202f% confidence every value is within {far}."
        else:
            far = f"{values.error * 100:.1f}\u202f% of the change"
            said += f"the largest standard error is {far}."
        if values.error > ENOUGH:
            said += f" The target is {percent(ENOUGH)}, so read small bars with care."
    if grouped:
        said += f" The {number(grouped)} oldest events are grouped."
    return said + _unexplained(float(values.residual))


def _unexplained(residual: float) -> str:
    return f" Unexplained: {nats(residual)} nats." if abs(residual) > UNEXPLAINED else ""


def parts(values: Mapping[str, float], event: str) -> str:
    """Which part of the strongest event contributes most."""
    known = [pair for pair in values.items() if abs(pair[1]) >= UNEXPLAINED]
    order = sorted(known, key=lambda pair: -abs(pair[1]))
    if not order:
        return f"No part of {event} contributes."
    (first, most), *rest = order
    others = "".join(f"; {PART_WORDS[name]} {nats(value)}" for name, value in rest)
    return f"Of {event}, {PART_WORDS[first]} contributes most: {nats(most)} nats{others}."


def typical_error(values: WordValues) -> float:
    """Root mean square of the words' standard errors."""
    return float(np.sqrt((values.stderr**2).mean())) if len(values.stderr) else 0.0


def words(target: str, labels: Sequence[str], values: WordValues, unread: int) -> str:
    """Which words count, how that was found, how sure it is, and what was not read."""
    pairs = zip(labels, values.values.tolist(), strict=True)
    strongest = sorted((p for p in pairs if abs(p[1]) >= SMALL), key=lambda p: -abs(p[1]))[:3]
    listed = ", ".join(f"{word} {nats(value)}" for word, value in strongest)
    said = [f"Strongest words for {target}: {listed or 'none'}."]
    is_shap = values.method != "leave-one-out"
    texts = count(values.asked, "partial text")
    how = {
        "leave-one-out": "First look: each word left out alone",
        "quick": f"First SHAP values, from {texts}",
        "shap": f"SHAP values from {texts}",
    }[values.method]
    error = typical_error(values)
    if error:
        shown = plain_nats(error) if error >= SMALL else "below 0.01"
        how += f", standard error {shown} per word (values below twice that are not marked)"
    said.append(f"{how}.{_unexplained(values.residual) if is_shap else ''}")
    if values.fit is not None and values.fit < POOR_FIT:
        share = percent(max(values.fit, 0.0))
        said.append(f"Approximate: the fit explains {share} of the variation.")
    if unread:
        said.append(f"The model does not read the last {count(unread, 'word')}.")
    return " ".join(said)


LEFT_OUT = "Values of words left out alone do not add up; SHAP values will."


def words_sum(review: WordsOfReview, split: tuple[float, float] | None) -> str:
    """From words to text part of the score; ``split`` is the event's text part with its error."""
    total, step = float(review.score.values.sum()), review.step
    adds_up = review.score.method != "leave-one-out"
    own = f"The words sum to {nats(total)} nats." if adds_up else LEFT_OUT
    if split is None:
        beside = f"Step {step} belongs to a group above, so it has no text part of its own."
    else:
        part, error = split
        residual = f", residual {nats(part - total)}" if adds_up else ""
        beside = (
            f"The text part of step {step} above is {nats(part)} \u00b1 {plain_nats(error)}"
            f"{residual}."
        )
    return f"{own} {beside}"


def sentiment_sum(values: WordValues) -> str:
    """From words to the sentiment."""
    whole = f"the sentiment of the review is {nats(values.whole)} (\u22121 to +1)."
    if values.method == "leave-one-out":
        return f"{LEFT_OUT} {capital(whole)}"
    total = float(values.values.sum())
    return f"The words sum to {nats(total)}; without them it is {nats(values.base)}, so {whole}"


def change(
    item: str,
    smallest: SmallestChange,
    edits: Sequence[tuple[int, str, float | None]],
    replacement: str | None,
    events: int,
) -> str:
    """What takes an item out, or why there is nothing; ``edits`` are (step, title, new rating)."""
    if not edits:
        tried, most = smallest.tried.complete_up_to, min(MOST_EDITS, events)
        if not tried:
            return f"No change was found that takes {item} out.{_covered(smallest, events)}"
        chain = f", and no chain of {count(most, 'edit')} was found" if most > tried else ""
        return (
            f"No change to up to {count(tried, 'event')} takes {item} out of the top {smallest.k}"
            f"{chain}.{_covered(smallest, events)}"
        )
    made = [
        f"without step {step} ({name})"
        if rating is None
        else f"with step {step} ({name}) rated {rating:g}"
        for step, name, rating in edits
    ]
    enters = f"; {replacement} enters" if replacement else ""
    sure = " This is the smallest change: all smaller ones were tried."
    if not smallest.proven:
        sure = f" Not all smaller changes were tried.{_covered(smallest, events)}"
    change, rank = capital(" and ".join(made)), smallest.verified_rank
    return f"{change}, {item} drops to rank {rank}{enters}.{sure}"


def _covered(smallest: SmallestChange, events: int) -> str:
    """Of which events all single changes, pairs and triples were tried, where not of all."""
    if all(tried == events for tried in smallest.tried.among):
        return ""
    said = [
        f"{name} of {f'all {events}' if tried == events else f'the {tried} strongest'} events"
        for name, tried in zip(
            ("single changes", "pairs", "triples"), smallest.tried.among, strict=False
        )
    ]
    return f" Tried: {', '.join(said)}."


def scorecard(card: Scorecard, events: int) -> str:
    """The verdict on the explanation; areas of deletion in nats, lower is better."""
    if events < 2:
        return "With fewer than two events there is no order to evaluate."
    own, recent, random = (
        plain_nats(card.area("deletion", order))
        for order in ("explanation", "recent-first", "random")
    )
    areas = (
        f"deletion area {own} nats, most recent first {recent}, random order {random}; lower is "
        "better"
    )
    if not card.beats("recent-first"):
        return f"No better than \u201cmost recent first\u201d: {areas}."
    if not card.beats("random"):
        return f"Better than \u201cmost recent first\u201d, but not than a random order: {areas}."
    return f"The explanation finds the decisive events sooner than both reference orders: {areas}."


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

    def share(name: str) -> str:
        return percent(facts[name])

    lines = [
        f"{facts['users']} users, recommender {facts['recommender']}. Deletion beats most recent "
        f"first for {share('better_than_recent_first')} of users (ties: "
        f"{share('equal_to_recent_first')}) and a random order for "
        f"{share('better_than_random')} (ties: {share('equal_to_random')}).",
        f"Gain over most recent first: {nats(gain['mean'])} nats [{nats(low)}, {nats(high)}].",
    ]
    if facts["stability"] is not None:
        lines.append(f"Sampled explanations: {stability(facts['stability'], False)}")
    return lines


def receivers(item: str, lists: int, users: int, k: int, shown: int) -> str:
    """Who gets an item now."""
    if not lists:
        return f"{item} is in nobody's top {k} now ({count(users, 'user')})."
    more = f" The {shown} best-ranked users are explained." if shown < lists else ""
    return f"{item} is in the top {k} of {number(lists)} of {count(users, 'user')} now.{more}"
