"""Numbers, dates and short phrases, written the same way on every page.

Texts that come from files (titles, categories, ids) are inserted as they are: a page that shows a
sentence must escape it (``pages._shared.notices.say``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from math import exp, floor, log10

import numpy as np

from core.corpus.manifest import Manifest
from core.corpus.names import short_name
from core.domain import Part
from core.measure.metrics import Interval

SENTIMENT_BAND = 0.2
"""Sentiments closer to zero than this count as neutral."""
SMALL = 0.005
"""Nats that round to zero."""
TITLE = 40
"""Longer titles are cut in sentences and labels."""
TOPIC = 24
"""Characters of a topic's short form."""
TOP = 10
"""A next item up to this rank counts as right."""
FEW_HELD_OUT = 3
"""Held-out events of a history up to which each is named; own histories have more."""
MAP_NUMBERS = "A number marks an item of the list after this event; click it for Explain."
DERIVED_NAMES = "≈ marks a name made of words from an item's training reviews: it has no title."
STEP_SIZE_UNIT = (
    "Cosine distance between the model's states before and after the event (0 to 2). This is the "
    "exact move; the map only approximates it."
)
NO_DATE = "no date"
ORDER_ONLY = "The files had no times: events are in the order of the file, evenly spaced."
PLURALS = {"history": "histories", "category": "categories"}
PART_WORDS = {part: part.name.lower() for part in Part} | {Part.TRAIN: "training"}


def number(value: float) -> str:
    """An integer with thin groups: 12 345."""
    return f"{value:,.0f}".replace(",", "\u202f")


def count(n: int, noun: str) -> str:
    """``2 reviews``, ``1 review``."""
    return f"{number(n)} {noun if n == 1 else PLURALS.get(noun, noun + 's')}"


def percent(share: float) -> str:
    """A share in [0, 1] as whole percents; below one percent says so."""
    if 0 < share < 0.005:
        return "<1\u202f%"
    return f"{share * 100:.0f}\u202f%"


def probability(log_probability: float) -> str:
    """A score (log p) as a percentage with two digits or more: ``3.2 %``, ``0.027 %``."""
    share = exp(min(log_probability, 0.0)) * 100
    if share < 0.001:
        return "<0.001\u202f%"
    digits = max(1 - floor(log10(share)), 0)
    return f"{share:.{digits}f}\u202f%"


def points(change: float) -> str:
    """A difference of two shares in percentage points, with its sign."""
    return "±0" if abs(change) < 0.005 else signed(change * 100, 0)


def minus(text: str) -> str:
    """A formatted number with true minus signs."""
    return text.replace("-", "\u2212")


def signed(value: float, digits: int = 2) -> str:
    """A number that carries its sign, with a true minus."""
    return minus(f"{value:+.{digits}f}")


def nats(value: float) -> str:
    """A contribution as ``+2.92``; what rounds to zero has no sign. The unit is not written."""
    return "0.00" if abs(value) < SMALL else signed(value)


def plain_nats(value: float) -> str:
    """A score or an area without a plus sign."""
    return minus(f"{value:.2f}")


def figure(value: float) -> str:
    """A metric as 0.081; a dash for NaN."""
    return "–" if np.isnan(value) else minus(f"{value:.3f}")


def between(interval: Interval) -> str:
    """``0.081 [0.071, 0.092]``; a dash without cases."""
    if np.isnan(interval.mean):
        return "–"
    return f"{figure(interval.mean)} [{figure(interval.low)}, {figure(interval.high)}]"


def short(text: str, limit: int = 60) -> str:
    """A title or a topic in at most ``limit`` characters: the one short form, in sentences."""
    return short_name(text, limit)


def short_topic(name: str) -> str:
    """A topic in one word of its name, so that an arrow to another one stays in sight beside it."""
    return short(name.partition(" · ")[0], TOPIC)


def capital(sentence: str) -> str:
    """A sentence with a capital."""
    return sentence[:1].upper() + sentence[1:]


def listing(names: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(names[:-1]), *names[-1:]] if len(names) > 1 else names)


def day(when: datetime | None) -> str:
    """``3 Mar 2024``; says so where only the order is known."""
    return f"{when.day} {when:%b %Y}" if when else NO_DATE


def span(first: datetime | None, last: datetime | None) -> str:
    """``Mar 2023 to Oct 2024``; one month is said once."""
    if first is None or last is None:
        return "no dates"
    start, end = f"{first:%b %Y}", f"{last:%b %Y}"
    return start if start == end else f"{start} to {end}"


def grown_since(manifest: Manifest, corpus_id: str) -> str:
    """``before 300 events were appended``: how old a content is; empty for the present one."""
    appends = manifest.appends_since(corpus_id) if corpus_id else ()
    if appends is None:
        return "of other content"
    events = sum(append.accepted for append in appends)
    was = "was" if events == 1 else "were"
    return f"before {count(events, 'event')} {was} appended" if appends else ""


def period(manifest: Manifest) -> str:
    """When a corpus's events happened, as ``span``."""
    return "no times" if manifest.order_as_time else span(manifest.first, manifest.last)


def duration(seconds: float) -> str:
    """``40 s``, ``3 min``, ``2 h``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


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


def event_label(first_step: int, step: int, title: str) -> str:
    """``step 12 · Title``; ``steps 1–20 · 20 events`` for a group."""
    if first_step < step:
        return f"steps {first_step}–{step} · {count(step - first_step + 1, 'event')}"
    return f"step {step} · {title}"


def escape_markdown(text: str) -> str:
    """Words of a person as literal text in Markdown, one line."""
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|<>~$:^@&=])", r"\\\1", re.sub(r"[\r\n]", " ", text))
