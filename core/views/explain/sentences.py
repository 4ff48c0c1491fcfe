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
from core.language import mark, tr, trc, trn
from core.recommend.registry import NAMES
from core.scenario.search import MOST_EDITS, SmallestChange
from core.shapley.engine import ENOUGH, ShapleyValues
from core.views.wording import (
    SMALL,
    capital,
    count,
    day,
    joined,
    listing,
    nats,
    number,
    percent,
    plain_nats,
    probability,
)

CAUTION = mark(
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
    "item": mark("the item itself"),
    "rating": mark("its rating"),
    "text": mark("its text"),
    "time": mark("its time"),
}
IMPERSONAL = {
    "popularity": mark("everyone has the same scores, from how often each item was taken"),
    "recent-popularity": mark(
        "at one time everyone has the same scores, from what was taken lately"
    ),
}
"""Recommenders that read no history, and what they read instead."""
POOR_FIT = 0.5
"""Below this share of explained variation the words' values are called approximate."""


def earlier_words(earlier: EarlierAnswer) -> str:
    """What the model before the update said of the item."""
    model_id = earlier.model_id[:8]
    model = tr("the model before the update ({id})", id=model_id)
    if earlier.created:
        created = day(earlier.created)
        model = tr("the model before the update ({id} of {day})", id=model_id, day=created)
    before, now = plain_nats(earlier.score), plain_nats(earlier.score_now)
    scores = tr("log p {before}, now {now}", before=before, now=now)
    if earlier.rank is None or earlier.rank_now is None:
        return tr("Excluded by {model} too ({scores}).", model=model, scores=scores)
    said = {"model": capital(model), "rank": earlier.rank, "scores": scores}
    if earlier.rank == earlier.rank_now:
        return tr("{model} gives it rank {rank} too ({scores}).", **said)
    return tr(
        "{model} gives it rank {rank}, this one rank {now} ({scores}).",
        **said,
        now=earlier.rank_now,
    )


def _factor(difference: float) -> str:
    """By how much a difference of log-probabilities multiplies a probability, either way."""
    factor = exp(min(abs(difference), 30.0))
    return f"{factor:.1f}" if factor < 10 else number(factor)


def standing(item: str, rank: int, k: int, excluded: bool, score: float) -> str:
    """Where the item is in the list, and its probability; ``score`` is its log p."""
    if excluded:
        return tr(
            "{item} is excluded because already bought, rated or reviewed. Otherwise its rank "
            "would be {rank}.",
            item=item,
            rank=rank,
        )
    chance = tr("probability {share}", share=probability(score))
    if rank <= k:
        return tr(
            "{item} has rank {rank} in the list ({chance}).", item=item, rank=rank, chance=chance
        )
    return tr(
        "{item} is not in the top {k}: its rank is {rank} ({chance}).",
        item=item,
        k=k,
        rank=rank,
        chance=chance,
    )


def reranked(moved_from: int | None, rank: int, before: float) -> str:
    """That a strategy re-ranks, and what that did to the item; ``before`` is its log p before."""
    if moved_from is None:
        return tr("The strategy's re-ranking left it at its rank.")
    return tr(
        "The strategy's re-ranking moved it from rank {before} ({share}) to {rank}: it has the "
        "score of the place it was given, and contributions are to that score.",
        before=number(moved_from),
        share=probability(before),
        rank=number(rank),
    )


def summary(
    score: float, base: float, events: Sequence[tuple[str, float]], margin_over: str | None = None
) -> str:
    """The history's effect and its main events; ``events`` are names with their values in nats."""
    change, what = score - base, tr("its score")
    if margin_over:
        what = tr("the margin over {other}", other=margin_over)
    before, now = plain_nats(base), plain_nats(score)
    shares = probability(base), probability(score)
    if not events and margin_over:
        return tr(
            "There are no events yet, so {what} ({score} nats) is the model's start value.",
            what=what,
            score=now,
        )
    if not events:
        return tr(
            "There are no events yet, so {what} ({score} nats, {share}) is the model's start "
            "value.",
            what=what,
            score=now,
            share=shares[1],
        )
    if abs(change) < HARDLY and margin_over:
        effect = tr(
            "The history hardly changes {what}: {before} nats without events, {now} with them.",
            what=what,
            before=before,
            now=now,
        )
    elif abs(change) < HARDLY:
        effect = tr(
            "The history hardly changes {what}: {before} nats without events, {now} with them "
            "({share_before} and {share_now}).",
            what=what,
            before=before,
            now=now,
            share_before=shares[0],
            share_now=shares[1],
        )
    elif margin_over:
        effect = tr(
            "The history changes {what} from {before} to {now} nats.",
            what=what,
            before=before,
            now=now,
        )
    else:
        told = {"n": _factor(change), "now": shares[1], "before": shares[0], "change": nats(change)}
        effect = (
            tr(
                "The history makes it {n} times as likely as without events: {now} instead of "
                "{before} ({change} nats).",
                **told,
            )
            if change >= 0
            else tr(
                "The history makes it {n} times less likely than without events: {now} instead "
                "of {before} ({change} nats).",
                **told,
            )
        )
    return joined(effect, leaders(events))


def leaders(events: Sequence[tuple[str, float]]) -> str:
    """Which events contribute most, and which most against."""
    up = sorted((event for event in events if event[1] > 0), key=lambda event: -event[1])
    name, lowest = min(events, key=lambda event: event[1])
    support = sum(value for _, value in up)
    said = []
    if support >= HARDLY:
        named = up[:EVENTS_NAMED]
        share = percent(sum(value for _, value in named) / support)
        listed = listing(
            [tr("{event} ({value} nats)", event=event, value=nats(value)) for event, value in named]
        )
        if len(up) <= EVENTS_NAMED:
            told = trn(
                "{events} accounts for all of the positive contribution.",
                "{events} account for all of the positive contribution.",
                len(named),
                events=capital(listed),
            )
        elif sum(value for _, value in named) >= DOMINANT * support:
            told = trn(
                "{events} contributes {share} of the support.",
                "{events} contribute {share} of the support.",
                len(named),
                events=capital(listed),
                share=share,
            )
        else:
            told = tr(
                "No event dominates: {events} contribute only {share} of the support.",
                events=listed,
                share=share,
            )
        said.append(told)
    if lowest <= -HARDLY:
        value = nats(lowest)
        said.append(
            tr("Largest negative contribution: {event} ({value} nats).", event=name, value=value)
        )
    return joined(*said) or tr("No single event matters.")


def ignoring(recommender: str) -> str:
    """That a recommender does not read the user's events; empty for all others."""
    if recommender not in IMPERSONAL:
        return ""
    return tr(
        "{recommender} ignores the user: {reason}. Lists differ only by what each user already "
        "has.",
        recommender=capital(tr(NAMES[recommender])),
        reason=tr(IMPERSONAL[recommender]),
    )


def components(contributions: Mapping[str, float], rival: str | None) -> str:
    """The strongest contributions of the joint's components, either way."""
    beside = rival or tr("an average item")
    order = sorted(contributions.items(), key=lambda pair: -abs(pair[1]))
    named = [f"{name} {nats(value)}" for name, value in order if abs(value) >= HARDLY]
    if not named:
        return tr("No component prefers it to {other}.", other=beside)
    return tr(
        "Components of the joint, compared with {other}: {contributions} nats.",
        other=beside,
        contributions=tr(", ").join(named[:COMPONENTS_NAMED]),
    )


def trust(values: ShapleyValues, grouped: int) -> str:
    """How far to trust the events' values; ``grouped`` events are in groups."""
    if values.exact:
        said = tr("Exact: every combination of events was evaluated.")
    else:
        orders, sure = number(2 * values.rounds), values.bound <= ENOUGH
        far = f"{(values.bound if sure else values.error) * 100:.1f}\u202f%"
        said = (
            tr(
                "Sampled: {orders} orders of events; with 95\u202f% confidence every value is "
                "within {far} of the change.",
                orders=orders,
                far=far,
            )
            if sure
            else tr(
                "Sampled: {orders} orders of events; the largest standard error is {far} of the "
                "change.",
                orders=orders,
                far=far,
            )
        )
        if values.error > ENOUGH:
            care = tr("The target is {share}, so read small bars with care.", share=percent(ENOUGH))
            said = joined(said, care)
    if grouped:
        said = joined(said, tr("The {n} oldest events are grouped.", n=number(grouped)))
    return joined(said, _unexplained(float(values.residual)))


def _unexplained(residual: float) -> str:
    """What is left; empty where that is nothing."""
    if abs(residual) <= UNEXPLAINED:
        return ""
    return tr("Unexplained: {value} nats.", value=nats(residual))


def parts(values: Mapping[str, float], event: str) -> str:
    """Which part of the strongest event contributes most."""
    known = [pair for pair in values.items() if abs(pair[1]) >= UNEXPLAINED]
    order = sorted(known, key=lambda pair: -abs(pair[1]))
    if not order:
        return tr("No part of {event} contributes.", event=event)
    (first, most), *rest = order
    said = tr(
        "Of {event}, {part} contributes most: {value} nats",
        event=event,
        part=tr(PART_WORDS[first]),
        value=nats(most),
    )
    others = [f"{tr(PART_WORDS[name])} {nats(value)}" for name, value in rest]
    return tr("{clauses}.", clauses=tr("; ").join([said, *others]))


def typical_error(values: WordValues) -> float:
    """Root mean square of the words' standard errors."""
    return float(np.sqrt((values.stderr**2).mean())) if len(values.stderr) else 0.0


def words(target: str, labels: Sequence[str], values: WordValues, unread: int) -> str:
    """Which words count, how that was found, how sure it is, and what was not read."""
    pairs = zip(labels, values.values.tolist(), strict=True)
    strongest = sorted((p for p in pairs if abs(p[1]) >= SMALL), key=lambda p: -abs(p[1]))[:3]
    listed = tr(", ").join(f"{word} {nats(value)}" for word, value in strongest)
    listed = listed or tr("none")
    said = [tr("Strongest words for {target}: {words}.", target=target, words=listed)]
    is_shap = values.method != "leave-one-out"
    texts = count(values.asked, "partial text")
    how = {
        "leave-one-out": tr("First look: each word left out alone"),
        "quick": tr("First SHAP values, from {texts}", texts=texts),
        "shap": tr("SHAP values from {texts}", texts=texts),
    }[values.method]
    error = typical_error(values)
    if error:
        how = tr(
            "{how}, standard error {error} per word (values below twice that are not marked)",
            how=how,
            error=plain_nats(error) if error >= SMALL else tr("below 0.01"),
        )
    said.append(tr("{clauses}.", clauses=how))
    if is_shap:
        said.append(_unexplained(values.residual))
    if values.fit is not None and values.fit < POOR_FIT:
        share = percent(max(values.fit, 0.0))
        said.append(tr("Approximate: the fit explains {share} of the variation.", share=share))
    if unread:
        last = count(unread, "word")
        said.append(tr("The model does not read the last {words}.", words=last))
    return joined(*said)


LEFT_OUT = mark("Values of words left out alone do not add up; SHAP values will.")


def words_sum(review: WordsOfReview, split: tuple[float, float] | None) -> str:
    """From words to text part of the score; ``split`` is the event's text part with its error."""
    total, step = float(review.score.values.sum()), review.step
    own, adds_up = tr(LEFT_OUT), review.score.method != "leave-one-out"
    if adds_up:
        own = tr("The words sum to {value} nats.", value=nats(total))
    if split is None:
        return joined(
            own,
            tr(
                "Step {step} belongs to a group above, so it has no text part of its own.",
                step=step,
            ),
        )
    part, error = split
    told = {"step": step, "value": nats(part), "error": plain_nats(error)}
    if not adds_up:
        beside = tr("The text part of step {step} above is {value} \u00b1 {error}.", **told)
    else:
        beside = tr(
            "The text part of step {step} above is {value} \u00b1 {error}, residual {residual}.",
            **told,
            residual=nats(part - total),
        )
    return joined(own, beside)


def sentiment_sum(values: WordValues) -> str:
    """From words to the sentiment."""
    whole = nats(values.whole)
    if values.method == "leave-one-out":
        said = tr("The sentiment of the review is {value} (\u22121 to +1).", value=whole)
        return joined(tr(LEFT_OUT), said)
    return tr(
        "The words sum to {sum}; without them it is {base}, so the sentiment of the review is "
        "{value} (\u22121 to +1).",
        sum=nats(float(values.values.sum())),
        base=nats(values.base),
        value=whole,
    )


def change(
    item: str,
    smallest: SmallestChange,
    edits: Sequence[tuple[int, str, float | None]],
    replacement: str | None,
    events: int,
) -> str:
    """What takes an item out, or why there is nothing; ``edits`` are (step, title, new rating)."""
    covered = _covered(smallest, events)
    if not edits:
        tried, most = smallest.tried.complete_up_to, min(MOST_EDITS, events)
        if not tried:
            return joined(tr("No change was found that takes {item} out.", item=item), covered)
        told = {"events": count(tried, "event"), "item": item, "k": smallest.k}
        if most > tried:
            said = tr(
                "No change to up to {events} takes {item} out of the top {k}, and no chain of "
                "{edits} was found.",
                **told,
                edits=count(most, "edit"),
            )
        else:
            said = tr("No change to up to {events} takes {item} out of the top {k}.", **told)
        return joined(said, covered)
    made = [
        tr("without step {step} ({name})", step=step, name=name)
        if rating is None
        else tr("with step {step} ({name}) rated {rating:g}", step=step, name=name, rating=rating)
        for step, name, rating in edits
    ]
    change = capital(trc("edits", " and ").join(made))
    outcome = {"change": change, "item": item, "rank": smallest.verified_rank}
    drops = (
        tr("{change}, {item} drops to rank {rank}; {other} enters.", **outcome, other=replacement)
        if replacement
        else tr("{change}, {item} drops to rank {rank}.", **outcome)
    )
    if smallest.proven:
        return joined(drops, tr("This is the smallest change: all smaller ones were tried."))
    return joined(drops, tr("Not all smaller changes were tried."), covered)


TRIED = (
    mark("single changes of {events}"),
    mark("pairs of {events}"),
    mark("triples of {events}"),
)


def _covered(smallest: SmallestChange, events: int) -> str:
    """Of which events all single changes, pairs and triples were tried, where not of all."""
    if all(tried == events for tried in smallest.tried.among):
        return ""
    said = []
    for what, tried in zip(TRIED, smallest.tried.among, strict=False):
        among = tr("all {n} events", n=events)
        if tried != events:
            among = tr("the {n} strongest events", n=tried)
        said.append(tr(what, events=among))
    return tr("Tried: {sets}.", sets=tr(", ").join(said))


def scorecard(card: Scorecard, events: int) -> str:
    """The verdict on the explanation; areas of deletion in nats, lower is better."""
    if events < 2:
        return tr("With fewer than two events there is no order to evaluate.")
    own, recent, random = (
        plain_nats(card.area("deletion", order))
        for order in ("explanation", "recent-first", "random")
    )
    areas = tr(
        "deletion area {own} nats, most recent first {recent}, random order {random}; lower is "
        "better",
        own=own,
        recent=recent,
        random=random,
    )
    if not card.beats("recent-first"):
        return tr("No better than \u201cmost recent first\u201d: {areas}.", areas=areas)
    if not card.beats("random"):
        return tr(
            "Better than \u201cmost recent first\u201d, but not than a random order: {areas}.",
            areas=areas,
        )
    return tr(
        "The explanation finds the decisive events sooner than both reference orders: {areas}.",
        areas=areas,
    )


def stability(value: float | None, exact: bool) -> str:
    """Whether five seeds agree."""
    if value is None:
        return tr("Nothing to rank: one event, or all of equal value.")
    if exact:
        return tr("Exact values: the same with every seed.")
    grade = tr("stable") if value >= 0.9 else tr("unstable")
    if 0.7 <= value < 0.9:
        grade = tr("fairly stable")
    return tr(
        "Five seeds agree with a rank correlation of {value:.2f}: {grade}.",
        value=value,
        grade=grade,
    )


def corpus_scorecard(facts: Mapping[str, Any]) -> list[str]:
    """A corpus's average scorecard in lines."""
    gain = facts["gain_over_recent_first"]
    low, high = gain["ci"]

    def share(name: str) -> str:
        return percent(facts[name])

    lines = [
        tr(
            "{users} users, recommender {recommender}. Deletion beats most recent first for "
            "{recent} of users (ties: {recent_ties}) and a random order for {random} (ties: "
            "{random_ties}).",
            users=facts["users"],
            recommender=facts["recommender"],
            recent=share("better_than_recent_first"),
            recent_ties=share("equal_to_recent_first"),
            random=share("better_than_random"),
            random_ties=share("equal_to_random"),
        ),
        tr(
            "Gain over most recent first: {mean} nats [{low}, {high}].",
            mean=nats(gain["mean"]),
            low=nats(low),
            high=nats(high),
        ),
    ]
    if facts["stability"] is not None:
        agree = stability(facts["stability"], False)
        lines.append(tr("Sampled explanations: {stability}", stability=agree))
    return lines


def receivers(item: str, lists: int, users: int, k: int, shown: int) -> str:
    """Who gets an item now."""
    told = {"item": item, "k": k, "users": count(users, "user")}
    if not lists:
        return tr("{item} is in nobody's top {k} now ({users}).", **told)
    said = tr("{item} is in the top {k} of {n} of {users} now.", **told, n=number(lists))
    if shown >= lists:
        return said
    return joined(said, tr("The {n} best-ranked users are explained.", n=shown))
