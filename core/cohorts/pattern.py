"""An edit pattern: the same change for many users, as edits of each one's own history.

It chooses events (by kind, item, topic; the newest of them) and says what becomes of them. The
edits are those of a scenario, so each user's can be opened in What-if.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from functools import cached_property
from math import isfinite
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

from core.cohorts.rule import check_length
from core.corpus.texts import clean_text
from core.domain import DomainError, Event, EventKind, History
from core.language import mark, tr
from core.scenario.edits import Edit, Op, check_values
from core.scenario.opposite import CLEAR, Reviews

if TYPE_CHECKING:
    from core.engine import Engine

LONGEST = 4_000
"""Characters of a pattern in its text form, as a person reads them."""
EXAMPLE = "kind=click&do=delete"
NOUN = mark("pattern")
DIGITS = 6
"""To which ratings are shifted: 3.1 and 1.2 more are 4.3."""


class Act(StrEnum):
    """What becomes of the chosen events."""

    DELETE = "delete"
    NEGATIVE = "negative"
    POSITIVE = "positive"
    TEXT = "text"
    SHIFT = "shift"


SIGNS = {Act.NEGATIVE: -1, Act.POSITIVE: 1}
"""Acts that give a review another sentiment."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """Which events, and what becomes of them; None where anything will do.

    ``kind``, ``item`` and ``topic`` hold all at once; of the events that are left the newest
    ``last`` count. ``negative`` and ``positive`` replace a review that is not clearly so by a real
    one of the same item, else of its topic, and its rating by that review's; ``text`` replaces
    reviews by ``text``; ``shift`` adds ``by`` to ratings, within the corpus's scale.
    """

    do: Act
    kind: EventKind | None = None
    item: str | None = None
    topic: str | None = None
    last: int | None = None
    text: str | None = None
    by: float | None = None

    @property
    def given(self) -> dict[str, Any]:
        """What it says, by name, in order."""
        values = {each.name: getattr(self, each.name) for each in fields(self)}
        return {name: value for name, value in values.items() if value is not None}

    def to_text(self) -> str:
        """As an address and a command line hold it: ``do=delete&kind=click``."""
        return urlencode({name: _plain(value) for name, value in self.given.items()})

    @classmethod
    def from_text(cls, text: str, where: str = NOUN) -> Pattern:
        """Read ``to_text``; DomainError for what a pattern can't say."""
        check_length(NOUN, text, LONGEST, where)
        try:
            pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True)
        except ValueError:
            raise DomainError(
                tr("{text!r} is no pattern", text=text[:80]),
                where=tr(where),
                remedy=tr("For example {example}", example=EXAMPLE),
            ) from None
        return cls.from_values(dict(pairs), where)

    @classmethod
    def from_values(cls, values: Mapping[str, object], where: str = NOUN) -> Pattern:
        """A pattern of named values, as text or as they are; empty ones are left out."""
        read: dict[str, Any] = {}
        for name, value in values.items():
            if name not in READERS:
                raise DomainError(
                    tr("a pattern has no {name!r}", name=name[:80]),
                    where=tr(where),
                    remedy=tr("Use {names}", names=", ".join(READERS)),
                )
            if value is None or value == "":
                continue
            try:
                read[name] = READERS[name](value)
            except (ValueError, OverflowError):
                raise DomainError(
                    tr("{name} can't be {value!r}", name=name, value=str(value)[:80]),
                    where=tr(where),
                    remedy=_form(name),
                ) from None
        if "do" not in read:
            raise DomainError(
                tr("the pattern changes nothing"),
                where=tr(where),
                remedy=tr("Say do={acts}", acts=", ".join(Act)),
            )
        for act, name in ((Act.TEXT, "text"), (Act.SHIFT, "by")):
            if (read["do"] is act) != (name in read):
                if read["do"] is act:
                    problem = tr("do={act} needs {name}", act=act, name=name)
                else:
                    problem = tr("{name} needs do={act}", act=act, name=name)
                raise DomainError(problem, where=tr(where), remedy=_form(name))
        return cls(**read)

    def check(self, engine: Engine) -> None:
        """DomainError for an item, a topic, a kind or a rating that the corpus doesn't have."""
        corpus = engine.corpus
        where = tr("corpus {name}", name=corpus.name)
        if self.item is not None:
            corpus.index_of(self.item, tr(NOUN))
        if self.topic is not None and self.topic not in engine.topics.names:
            raise DomainError(
                tr("there is no topic {topic!r}", topic=self.topic[:80]),
                where=where,
                remedy=tr("Choose one of {names}", names=tr(", ").join(engine.topics.names[:12])),
            )
        if self.kind is not None and not corpus.manifest.kinds.get(self.kind):
            known = ", ".join(kind for kind, n in corpus.manifest.kinds.items() if n)
            raise DomainError(
                tr("this corpus has no event of kind {kind}", kind=self.kind),
                where=where,
                remedy=tr("Choose one of {names}", names=known),
            )
        if self.do is Act.SHIFT and corpus.manifest.rating_scale is None:
            raise DomainError(
                tr("this corpus has no ratings"), where=where, remedy=tr("Change others")
            )
        if self.text is not None:
            check_values(Edit(Op.EDIT, step=1, text=self.text), corpus, tr(NOUN))


def _plain(value: object) -> str:
    return repr(value).removesuffix(".0") if isinstance(value, float) else str(value)


def _whole(value: object) -> int:
    number = int(str(value))
    if not 1 <= number < 2**31:
        raise ValueError
    return number


def _shift(value: object) -> float:
    number = float(str(value))
    if not isfinite(number) or number == 0:
        raise ValueError
    return number


READERS: dict[str, Callable[[Any], Any]] = {
    "do": Act,
    "kind": EventKind,
    "item": str,
    "topic": str,
    "last": _whole,
    "text": lambda value: clean_text(str(value)) or _refuse(),
    "by": _shift,
}
"""How each part is read from text; ValueError where that can't be."""
FORMS = {
    "item": mark("Use an item's id"),
    "topic": mark("Use a topic's name"),
    "last": mark("Use a whole number from 1 on"),
    "text": mark("Write the review"),
    "by": mark("Use a number other than 0, such as -1"),
}
WORDS: dict[str, type[StrEnum]] = {"do": Act, "kind": EventKind}
"""Parts that are one of a few words."""


def _form(name: str) -> str:
    """How a part has to be said."""
    if name in WORDS:
        return tr("Use one of {names}", names=", ".join(WORDS[name]))
    return tr(FORMS[name])


def _refuse() -> str:
    raise ValueError


@dataclass(eq=False)
class Editor:
    """Makes the edits of one pattern for many users of a corpus.

    DomainError where the corpus can't have the pattern.
    """

    engine: Engine
    pattern: Pattern

    def __post_init__(self) -> None:
        self.pattern.check(self.engine)

    @cached_property
    def _reviews(self) -> Reviews:
        return Reviews(self.engine)

    def chosen(self, history: History) -> list[int]:
        """Steps of the events that the pattern is about, in order."""
        steps = [step for step, event in enumerate(history.events, 1) if self._fits(event)]
        return steps[-self.pattern.last :] if self.pattern.last else steps

    def edits(self, history: History) -> tuple[Edit, ...]:
        """What the pattern makes of one history; empty where it changes nothing."""
        return self.edits_at(history, self.chosen(history))

    def edits_at(self, history: History, steps: Sequence[int]) -> tuple[Edit, ...]:
        """What the pattern makes of the events at some steps, whether or not it chooses them."""
        pattern = self.pattern
        if pattern.do is Act.DELETE:
            return tuple(Edit(Op.DELETE, step=step) for step in steps)
        made: list[Edit] = []
        sign = SIGNS.get(pattern.do)
        felt = self.engine.interest.sentiments(history) if sign and steps else ()
        for step in steps:
            event = history.events[step - 1]
            if sign:
                made += self._opposed(history, step, sign, float(felt[step - 1]))
            elif pattern.do is Act.TEXT:
                if event.words != pattern.text:
                    made.append(Edit(Op.EDIT, step=step, text=pattern.text))
            elif (rating := self._shifted(event)) != event.rating:
                made.append(Edit(Op.RATE, step=step, rating=rating))
        return tuple(made)

    def _fits(self, event: Event) -> bool:
        pattern, engine = self.pattern, self.engine
        if pattern.kind is not None and event.kind != pattern.kind:
            return False
        if pattern.item is not None and event.item_id != pattern.item:
            return False
        if pattern.topic is not None:
            item = engine.corpus.item_index.get(event.item_id)  # own histories: not always known
            if item is None or engine.topics.names[engine.topics.item_topic[item]] != pattern.topic:
                return False
        if pattern.do is Act.SHIFT:
            return event.rating is not None
        return pattern.do is Act.DELETE or bool(event.words)

    def _shifted(self, event: Event) -> float | None:
        scale = self.engine.corpus.manifest.rating_scale
        if event.rating is None or scale is None or self.pattern.by is None:
            return event.rating
        return min(max(round(event.rating + self.pattern.by, DIGITS), scale[0]), scale[1])

    def _opposed(self, history: History, step: int, sign: int, felt: float) -> list[Edit]:
        event, scale = history.events[step - 1], self.engine.corpus.manifest.rating_scale
        if sign * felt >= CLEAR:
            return []
        review = self._reviews.opposite(event.item_id, -sign, history.user_id)
        if review is None:
            return []
        made = [Edit(Op.EDIT, step=step, text=review.text)]
        if event.rating is not None and scale is not None:
            end = scale[0] if sign < 0 else scale[1]
            rating = end if review.rating is None else review.rating
            if rating != event.rating:
                made.append(Edit(Op.RATE, step=step, rating=rating))
        return made
