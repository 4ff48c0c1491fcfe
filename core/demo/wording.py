"""Fragments become sentences: slots are filled, and every word of sentiment keeps a mark.

A marked word stands between private characters until the whole review is joined; ``unmark`` then
takes the marks out and says where the words are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple

from core.demo.shop import Aspect, Family, listed

GOOD, BAD, END = "\ue000", "\ue001", "\ue002"
MARKED = re.compile(f"([{GOOD}{BAD}])([^{END}]*){END}")
BRACKETS = re.compile(r"\[([^\]]+)\]")
SLOT = re.compile(r"\{(\w+)\}")
FIRST_LETTER = re.compile(f"^([{GOOD}{BAD}]?)(.)")
GENERAL_WORD_ODDS = 0.5
ATTEMPTS = 25
SAID_ONCE = frozenset({"dur", "time", "person", "month", "later", "price", "day", "ordinal"})
"""Slots that a review uses in one sentence only, so that it doesn't repeat or contradict itself."""


class Planted(NamedTuple):
    """A word of sentiment in a text: characters ``start`` to ``end``, polarity +1 or -1."""

    word: str
    start: int
    end: int
    polarity: int


class Repetition(Exception):
    """The review has said this before."""


def mark(word: str, polarity: int) -> str:
    """The word with its polarity's mark."""
    return f"{GOOD if polarity > 0 else BAD}{word}{END}"


def unmark(text: str) -> tuple[str, tuple[Planted, ...]]:
    """The plain text and the planted words in it."""
    plain, words, last = "", [], 0
    for match in MARKED.finditer(text):
        plain += text[last : match.start()]
        start = len(plain)
        plain += match[2]
        words.append(Planted(match[2], start, len(plain), 1 if match[1] == GOOD else -1))
        last = match.end()
    return plain + text[last:], tuple(words)


def capital(text: str) -> str:
    """The text with its first letter large, marks untouched."""
    return FIRST_LETTER.sub(lambda match: match[1] + match[2].upper(), text)


def with_article(word: str) -> str:
    """The word after "a" or "an"."""
    letter = word.lstrip(GOOD + BAD)[:1].lower()
    return f"{'an' if letter in 'aeiou' else 'a'} {word}"


@dataclass
class Pen:
    """What one review is written with: its family, its facts, and the words it has used."""

    rng: Random
    family: Family
    common: Mapping[str, Any]
    facts: dict[str, str]
    used: set[tuple[str, str]] = field(default_factory=set)
    """Words, slots and fragments that the review has used, as (kind, value)."""
    judged: dict[Aspect, int] = field(default_factory=dict)

    def attempt(self, make: Callable[[], str], seen: set[str], room: int = 9) -> str | None:
        """A sentence nobody wrote before, without repetition inside this review.

        ``room`` is how many planted words it may have. None after too many attempts.
        """
        for _ in range(ATTEMPTS):
            before = set(self.used), dict(self.judged)
            try:
                sentence = make()
            except Repetition:
                sentence = ""
            key = unmark(sentence)[0].lower()
            if key and key not in seen and len(MARKED.findall(sentence)) <= room:
                seen.add(key)
                return sentence
            self.used, self.judged = before
        return None

    def fill(self, template: str, polarity: int = 0, aspects: Sequence[Aspect] = ()) -> str:
        """Fill a fragment: ``aspects`` give its subjects and, with ``polarity``, its words."""
        fragment = template.removesuffix(", {w}").removesuffix(" and {w}")
        self._use("fragment", fragment)
        values: dict[str, str] = {}
        for suffix, aspect in zip(("", "2"), aspects, strict=False):
            values.update(self._subject(aspect, suffix))
        template = BRACKETS.sub(lambda match: self._mark_once(match[1], polarity), template)

        def value(match: re.Match[str]) -> str:
            slot = match[1]
            if slot.rstrip("2") in ("w", "aw", "p", "q"):
                sign = {"p": 1, "q": -1}.get(slot.rstrip("2"), polarity)
                second = slot.endswith("2")
                aspect = aspects[second] if aspects else None
                word = self.word(aspect, sign, values.get("n2" if second else "n", ""))
                word = self._mark_once(word, sign)
                return with_article(word) if slot == "aw" else word
            return values.get(slot) or self.slot(slot)

        text = SLOT.sub(value, template)
        text = re.sub(f"@D ([{GOOD}{BAD}])([^{END}]*)", self._degree, text)
        return " ".join(text.split())

    def slot(self, name: str) -> str:
        """The value of a slot that has nothing to do with sentiment."""
        if name == "d":
            return "@D"
        if name in SAID_ONCE:
            self._use("slot", name)
        if name in self.facts:
            return self.facts[name]
        choice = self.rng.choice(listed(self.common["slots"][name]))
        return SLOT.sub(lambda match: self.slot(match[1]), choice)

    def word(self, aspect: Aspect | None, polarity: int, noun: str) -> str:
        """A word of that polarity for a noun; a review judges each aspect one way only."""
        if aspect is not None and self.judged.setdefault(aspect, polarity) != polarity:
            raise Repetition
        key = "praise" if polarity > 0 else "blame"
        pool = listed(self.common[f"{key}_words"])
        if aspect is not None and self.rng.random() >= GENERAL_WORD_ODDS:
            pool = aspect.praise if polarity > 0 else aspect.blame
        return self.rng.choice([word for word in pool if word[:5] != noun[:5]])

    def _mark_once(self, word: str, polarity: int) -> str:
        self._use("word", word)
        return mark(word, polarity)

    def _use(self, kind: str, value: str) -> None:
        if (kind, value) in self.used:
            raise Repetition
        self.used.add((kind, value))

    def _degree(self, match: re.Match[str]) -> str:
        absolute = match[2] in listed(self.common["absolute"])
        degrees = ("", "", "really") if absolute else ("", "very", "really", "quite", "rather")
        return f"{self.rng.choice(degrees)} {match[1]}{match[2]}"

    def _subject(self, aspect: Aspect, suffix: str) -> dict[str, str]:
        subject, verb = self.rng.choice(aspect.subjects), self.rng.choice(aspect.verbs)
        if subject.startswith("~"):
            subject = subject[1:]
            verb = "are" if verb == "is" else verb.removesuffix("s")
        tail = SLOT.sub(lambda match: self.slot(match[1]), self.rng.choice(aspect.tails))
        noun = re.sub("^(the|my) ", "", subject)
        return {f"s{suffix}": subject, f"v{suffix}": verb, f"n{suffix}": noun, f"t{suffix}": tail}
