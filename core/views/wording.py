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
from core.corpus.sampling import UserSample
from core.domain import EventKind, Part
from core.language import mark, mark_n, tr, trn
from core.measure.cases import Sample
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
NO_CUTS = mark(
    "The files had no times, so nothing can be trained on what came before and judged on what came "
    "later."
)
FEW_HELD_OUT = 3
"""Held-out events of a history up to which each is named; own histories have more."""
MAP_NUMBERS = mark("A number marks an item of the list after this event; click it for Explain.")
DERIVED_NAMES = mark(
    "≈ marks a name made of words from an item's training reviews: it has no title."
)
STEP_SIZE_UNIT = mark(
    "Cosine distance between the model's states before and after the event (0 to 2). This is the "
    "exact move; the map only approximates it."
)
NO_DATE = mark("no date")
ORDER_ONLY = mark("The files had no times: events are in the order of the file, evenly spaced.")
COUNTED = {
    "active user": mark_n("{n} active user", "{n} active users"),
    "bin": mark_n("{n} bin", "{n} bins"),
    "cart": mark_n("{n} cart", "{n} carts"),
    "case": mark_n("{n} case", "{n} cases"),
    "change": mark_n("{n} change", "{n} changes"),
    "click": mark_n("{n} click", "{n} clicks"),
    "core": mark_n("{n} core", "{n} cores"),
    "description": mark_n("{n} description", "{n} descriptions"),
    "price": mark_n("{n} price", "{n} prices"),
    "text": mark_n("{n} text", "{n} texts"),
    "title": mark_n("{n} title", "{n} titles"),
    "day": mark_n("{n} day", "{n} days"),
    "duplicate": mark_n("{n} duplicate", "{n} duplicates"),
    "edit": mark_n("{n} edit", "{n} edits"),
    "epoch": mark_n("{n} epoch", "{n} epochs"),
    "event": mark_n("{n} event", "{n} events"),
    "finding": mark_n("{n} finding", "{n} findings"),
    "group": mark_n("{n} group", "{n} groups"),
    "held-out case": mark_n("{n} held-out case", "{n} held-out cases"),
    "held-out event": mark_n("{n} held-out event", "{n} held-out events"),
    "held-out review": mark_n("{n} held-out review", "{n} held-out reviews"),
    "item": mark_n("{n} item", "{n} items"),
    "job": mark_n("{n} job", "{n} jobs"),
    "later event": mark_n("{n} later event", "{n} later events"),
    "like": mark_n("{n} like", "{n} likes"),
    "list": mark_n("{n} list", "{n} lists"),
    "measure": mark_n("{n} measure", "{n} measures"),
    "month": mark_n("{n} month", "{n} months"),
    "more attribute": mark_n("{n} more attribute", "{n} more attributes"),
    "move": mark_n("{n} move", "{n} moves"),
    "new item": mark_n("{n} new item", "{n} new items"),
    "new user": mark_n("{n} new user", "{n} new users"),
    "partial text": mark_n("{n} partial text", "{n} partial texts"),
    "purchase": mark_n("{n} purchase", "{n} purchases"),
    "rating": mark_n("{n} rating", "{n} ratings"),
    "review": mark_n("{n} review", "{n} reviews"),
    "row": mark_n("{n} row", "{n} rows"),
    "saved revision": mark_n("{n} saved revision", "{n} saved revisions"),
    "session": mark_n("{n} session", "{n} sessions"),
    "set": mark_n("{n} set", "{n} sets"),
    "smaller difference": mark_n("{n} smaller difference", "{n} smaller differences"),
    "step": mark_n("{n} step", "{n} steps"),
    "target": mark_n("{n} target", "{n} targets"),
    "test": mark_n("{n} test", "{n} tests"),
    "test event": mark_n("{n} test event", "{n} test events"),
    "test target": mark_n("{n} test target", "{n} test targets"),
    "topic": mark_n("{n} topic", "{n} topics"),
    "training event": mark_n("{n} training event", "{n} training events"),
    "turning point": mark_n("{n} turning point", "{n} turning points"),
    "user": mark_n("{n} user", "{n} users"),
    "user attribute": mark_n("{n} user attribute", "{n} user attributes"),
    "validation case": mark_n("{n} validation case", "{n} validation cases"),
    "validation event": mark_n("{n} validation event", "{n} validation events"),
    "variant": mark_n("{n} variant", "{n} variants"),
    "view": mark_n("{n} view", "{n} views"),
    "week": mark_n("{n} week", "{n} weeks"),
    "word": mark_n("{n} word", "{n} words"),
    "history": mark_n("{n} history", "{n} histories"),
    "category": mark_n("{n} category", "{n} categories"),
    "turn": mark_n("{n} turn", "{n} turns"),
    "drift": mark_n("{n} drift", "{n} drifts"),
    "return": mark_n("{n} return", "{n} returns"),
    "widening": mark_n("{n} widening", "{n} widenings"),
    "narrowing": mark_n("{n} narrowing", "{n} narrowings"),
}
"""What ``count`` counts: one of it and several."""
PART_WORDS = {
    Part.TRAIN: mark("training"),
    Part.VALIDATION: mark("validation"),
    Part.TEST: mark("test"),
}
KIND_WORDS = {
    EventKind.VIEW: mark("view"),
    EventKind.CLICK: mark("click"),
    EventKind.LIKE: mark("like"),
    EventKind.CART: mark("cart"),
    EventKind.PURCHASE: mark("purchase"),
    EventKind.RATING: mark("rating"),
    EventKind.REVIEW: mark("review"),
}


def number(value: float) -> str:
    """An integer with thin groups: 12 345."""
    return f"{value:,.0f}".replace(",", "\u202f")


def count(n: int, noun: str) -> str:
    """``2 reviews``, ``1 review``; ``noun`` is one of ``COUNTED``."""
    forms = COUNTED.get(noun, (f"{{n}} {noun}", f"{{n}} {noun}s"))  # no sentence
    return trn(*forms, n, n=number(n))


def sample_sentence(sample: Sample | None, noun: str) -> str:
    """That not all of a noun of ``COUNTED`` were looked at; empty where they were."""
    if sample is None:
        return ""
    return tr(
        "Measured on {some} of {all}, evenly drawn: all would take too long.",
        some=number(sample.ranked),
        all=count(sample.of, noun),
    )


def trained_on(sample: UserSample | None) -> str:
    """That a model was made from a sample of users; empty where it was made from all."""
    return sample.sentence if sample is not None else ""


def about_everybody(sample: UserSample | None) -> str:
    """The same where something is said of all users."""
    if sample is None:
        return ""
    return joined(sample.sentence, tr("What is said of all users is about these."))


def percent(share: float) -> str:
    """A share in [0, 1] as whole percents: only nothing is 0, and only all of it 100."""
    if 0 < share <= 0.005:
        return "<1\u202f%"
    if 0.995 <= share < 1:
        return ">99\u202f%"
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


def joined(*sentences: str) -> str:
    """Sentences one after the other; empty ones are left out."""
    first, *rest = [sentence for sentence in sentences if sentence] or [""]
    for then in rest:
        first = tr("{first} {then}", first=first, then=then)
    return first


def listing(names: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    if len(names) < 2:
        return "".join(names)
    return tr("{names} and {last}", names=tr(", ").join(names[:-1]), last=names[-1])


def day(when: datetime | None) -> str:
    """``3 Mar 2024``; says so where only the order is known."""
    return tr("{when.day} {when:%b %Y}", when=when) if when else tr(NO_DATE)


def month(when: datetime) -> str:
    """``Mar 2024``."""
    return tr("{when:%b %Y}", when=when)


def span(first: datetime | None, last: datetime | None) -> str:
    """``Mar 2023 to Oct 2024``; one month is said once."""
    if first is None or last is None:
        return tr("no dates")
    start, end = month(first), month(last)
    return start if start == end else tr("{start} to {end}", start=start, end=end)


def grown_since(manifest: Manifest, corpus_id: str) -> str:
    """``before 300 events were appended``: how old a content is; empty for the present one."""
    appends = manifest.appends_since(corpus_id) if corpus_id else ()
    if appends is None:
        return tr("of other content")
    n = sum(append.accepted for append in appends)
    forms = mark_n("before {n} event was appended", "before {n} events were appended")
    return trn(*forms, n, n=number(n)) if appends else ""


def period(manifest: Manifest) -> str:
    """When a corpus's events happened, as ``span``."""
    return tr("no times") if manifest.order_as_time else span(manifest.first, manifest.last)


def duration(seconds: float) -> str:
    """``40 s``, ``3 min``, ``2 h``."""
    if seconds < 90:
        return tr("{seconds:.0f} s", seconds=seconds)
    if seconds < 5400:
        return tr("{minutes:.0f} min", minutes=seconds / 60)
    return tr("{hours:.1f} h", hours=seconds / 3600)


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
        return tr("no text, so no sentiment")
    word = {"▲": tr("positive"), "▼": tr("negative"), "●": tr("neutral")}[sign]
    return tr("{sign} {word} ({value})", sign=sign, word=word, value=signed(value))


def event_label(first_step: int, step: int, title: str) -> str:
    """``step 12 · Title``; ``steps 1–20 · 20 events`` for a group."""
    if first_step < step:
        events = count(step - first_step + 1, "event")
        return tr("steps {first}–{last} · {events}", first=first_step, last=step, events=events)
    return tr("step {step} · {title}", step=step, title=title)


def escape_markdown(text: str) -> str:
    """Words of a person as literal text in Markdown, one line."""
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|<>~$:^@&=])", r"\\\1", re.sub(r"[\r\n]", " ", text))
