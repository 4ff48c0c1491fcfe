"""Every sentence that a page makes from data, in one place.

Functions take numbers and return plain text; they make no claim without a number behind it. Texts
that come from files (titles, categories, ids) are inserted as they are: a page that shows a
sentence must escape it (``pages._shared.notices.say``).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

import numpy as np

from core.arrays import FloatArray
from core.domain import EventKind, Part

SENTIMENT_BAND = 0.2
"""Sentiments closer to zero than this count as neutral."""

TOP = 10
"""A next item up to this rank counts as right."""

MAP_NUMBERS = "Numbers are the items of the list after this event."

STEP_SIZE_UNIT = (
    "Cosine distance between the model's states before and after the event, 0 to 2. This is the "
    "real move; the map only sketches it."
)

PLURALS = {"history": "histories", "category": "categories", "recommender": "recommenders"}
PART_WORDS = {Part.TRAIN: "train", Part.VALIDATION: "validation", Part.TEST: "test"}


def number(value: float) -> str:
    """An integer with thin groups: 12 345."""
    return f"{value:,.0f}".replace(",", "\u202f")


def count(n: int, noun: str) -> str:
    """``2 reviews``, ``1 review``."""
    plural = PLURALS.get(noun, noun + "s")
    return f"{number(n)} {noun if n == 1 else plural}"


def percent(share: float) -> str:
    """A share in [0, 1] as whole percents; below one percent says so."""
    if 0 < share < 0.005:
        return "<1\u202f%"
    return f"{share * 100:.0f}\u202f%"


def points(change: float) -> str:
    """A difference of two shares in percentage points, with its sign."""
    return "±0" if abs(change) < 0.005 else signed(change * 100, 0)


def signed(value: float, digits: int = 2) -> str:
    """A number that carries its sign, with a true minus."""
    return f"{value:+.{digits}f}".replace("-", "\u2212")


def short(text: str, limit: int = 60) -> str:
    """A title cut after ``limit`` characters."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def day(when: datetime) -> str:
    """``3 Mar 2024``."""
    return f"{when.day} {when:%b %Y}"


def month(when: datetime) -> str:
    """``Mar 2024``."""
    return f"{when:%b %Y}"


def span(first: datetime | None, last: datetime | None) -> str:
    """``Mar 2023 to Oct 2024``; one month is said once."""
    if first is None or last is None:
        return "no dates"
    start, end = month(first), month(last)
    return start if start == end else f"{start} to {end}"


def rating(value: float | None) -> str:
    """A rating without needless zeros; empty for none."""
    return "" if value is None or value != value else f"{value:g}"


def sentiment_sign(value: float | None) -> str:
    """▲ positive, ▼ negative, ● neutral; empty without text."""
    if value is None or value != value:
        return ""
    if abs(value) < SENTIMENT_BAND:
        return "●"
    return "▲" if value > 0 else "▼"


def sentiment_words(value: float | None) -> str:
    """``▲ positive (+0.61)``; says so when there is no text."""
    sign = sentiment_sign(value)
    if value is None or not sign:
        return "no text, so no sentiment"
    word = {"▲": "positive", "▼": "negative", "●": "neutral"}[sign]
    return f"{sign} {word} ({signed(value)})"


def user_facts(user_id: str, events: int, first: datetime | None, last: datetime | None) -> str:
    """The line under the Timeline's title."""
    return f"{user_id} · {count(events, 'event')} · {span(first, last)}"


def profile_story(topics: Sequence[str], profile: FloatArray, times: Sequence[datetime]) -> str:
    """Which topic leads, since when, and what led before.

    ``profile`` is float32[n_steps, n_topics], rows summing to 1.
    """
    if not len(profile):
        return "There are no events yet."
    runs = [(topic, len(list(steps))) for topic, steps in groupby(profile.argmax(axis=1))]
    leader, length = runs[-1]
    last = percent(float(profile[-1, leader]))
    if len(runs) == 1:
        first = percent(float(profile[0, leader]))
        return (
            f"{topics[leader]} leads at every step: {first} after the first event, {last} at the "
            "end."
        )
    since = len(profile) - length
    others = [run for run in runs[:-1] if run[0] != leader]
    before, before_length = max(others, key=lambda run: run[1])
    lead = "once" if len(runs) == 2 else f"{len(runs) - 1} times"
    return (
        f"{topics[leader]} leads since {day(times[since])} (step {since + 1}) and holds {last} at "
        f"the end; {topics[before]} led longest before, for {count(before_length, 'step')}. "
        f"The lead changed {lead}."
    )


def events_sentence(
    kinds: Sequence[EventKind], sentiments: Sequence[float | None], with_text: int
) -> str:
    """What the events are, and how they sound."""
    counted = Counter(kinds).most_common()
    listed = ", ".join(count(n, kind.value) for kind, n in counted)
    if not with_text:
        return f"{listed}. None has text."
    signs = Counter(sentiment_sign(value) for value in sentiments)
    return (
        f"{listed}. Of {number(with_text)} with text, ▲ {signs['▲']} positive, "
        f"▼ {signs['▼']} negative, ● {signs['●']} neutral."
    )


def ranks_sentence(ranks: FloatArray, parts: Sequence[Part | None], items: int) -> str:
    """How often the next item was in the top 10, with what the model had seen kept apart.

    ``ranks`` is float32[n_steps] with NaN where there is no next event; ``parts`` holds the part of
    the event that each rank is about.
    """
    known = np.isfinite(ranks)
    if not known.any():
        return "There is no next event to compare with."
    trained = known & np.array([part == Part.TRAIN for part in parts])
    sentences = []
    if trained.any():
        hits = int((ranks[trained] <= TOP).sum())
        n = int(trained.sum())
        sentences.append(
            f"The next item was in the top {TOP} at {hits} of {count(n, 'step')} seen in training "
            f"(median rank {np.median(ranks[trained]):.0f} of {number(items)})"
        )
    for part in (Part.VALIDATION, Part.TEST):
        for rank, known_part in zip(ranks, parts, strict=True):
            if known_part == part and np.isfinite(rank):
                sentences.append(f"{PART_WORDS[part]}: rank {number(float(rank))}")
    text = "; ".join(sentences)
    return text[0].upper() + text[1:] + "."


def map_sentence(misleading: int, moves: int) -> str:
    """How much of the path the map gets wrong."""
    if not moves:
        return "One state, no move yet."
    if not misleading:
        return f"No move of {number(moves)} looks much longer or shorter here than it is."
    verb = "looks" if misleading == 1 else "look"
    return (
        f"{number(misleading)} of {count(moves, 'move')} {verb} longer or shorter here than in the "
        "model's own space: dashed."
    )


def trust_sentence(trustworthiness: float | None) -> str:
    """What the map is worth."""
    if trustworthiness is None:
        return "How well this map keeps neighbours was not measured."
    return (
        f"Map trustworthiness {trustworthiness:.2f} of 1: the share of neighbours that the flat "
        "map keeps. Distances on it are a guide, not a measure."
    )


def step_sizes_sentence(
    step_sizes: FloatArray, times: Sequence[datetime], titles: Sequence[str]
) -> str:
    """The largest real move. ``step_sizes`` is float32[n_steps], NaN first (cosine distances)."""
    if len(step_sizes) < 2 or not np.isfinite(step_sizes).any():
        return "One event makes no move."
    at = int(np.nanargmax(step_sizes))
    return (
        f"Largest real move: {step_sizes[at]:.2f} at step {at + 1} on {day(times[at])}, "
        f"with {short(titles[at])}; the median is {np.nanmedian(step_sizes):.2f}."
    )


def moment_sentence(
    step: int, steps: int, when: datetime, kind: EventKind, rating_value: float | None, scale: str
) -> str:
    """``Step 17 of 42 · 3 Mar 2024 · review · 4 of 5``."""
    pieces = [f"Step {step} of {steps}", day(when), kind.value]
    if rating_value is not None:
        pieces.append(f"rated {rating(rating_value)}{scale}")
    return " · ".join(pieces)


def list_sentence(step: int, entered: int, moved: int, shown: int) -> str:
    """How the list at a step differs from the one before it."""
    if not entered and not moved:
        return f"The same {shown} as before this event."
    before = "before the first event" if step == 1 else f"at step {step - 1}"
    changes = []
    if entered:
        changes.append(f"{entered} of {shown} came in")
    if moved:
        changes.append(f"{moved} moved")
    return f"Against the list {before}: {', '.join(changes)}."


NOT_EVALUATED = (
    "This model has no stored evaluation, so there is no evidence of its quality. Evaluate it on "
    "the page Quality."
)


def import_sentence(
    accepted: int, rows_read: int, refused: int, duplicates: int, users: int, items: int
) -> str:
    """What an import took and what it refused."""
    sentence = (
        f"Took {number(accepted)} of {count(rows_read, 'row')}: {count(users, 'user')}, "
        f"{count(items, 'item')}."
    )
    if refused:
        sentence += f" {count(refused, 'row')} went into quarantine."
    if duplicates:
        sentence += f" {count(duplicates, 'duplicate')} left out."
    return sentence if refused or duplicates else sentence + " Nothing was refused."


def duration(seconds: float) -> str:
    """``40 s``, ``3 min``, ``2 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def job_sentence(stage: str, share: float, seconds_left: float | None, stopping: bool) -> str:
    """Where long work stands."""
    pieces = [stage[:1].upper() + stage[1:], percent(share)]
    if seconds_left is not None:
        pieces.append(f"about {duration(seconds_left)} left")
    if stopping:
        pieces.append("stopping")
    return " · ".join(pieces)


def corpus_facts(
    users: int, items: int, events: int, with_text: int, period: str, simulated: bool
) -> str:
    """The line that says what a corpus is."""
    facts = (
        f"{count(events, 'event')} by {count(users, 'user')} on {count(items, 'item')}, {period}; "
        f"{percent(with_text / max(events, 1))} have text."
    )
    return f"Simulated data, made for this demo: {facts}" if simulated else facts


def topic_move(first: str, last: str) -> str:
    """``Garden → Audio``, or one name where nothing changed."""
    return last if first == last else f"{first} → {last}"


def among(users: int) -> str:
    """Which users a list was made from."""
    return f"among {count(users, 'user')} with five or more events"
