"""Reviews as a shop's customers write them, with every word of sentiment known."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from core.demo.catalogue import Item
from core.demo.shop import Aspect, Shop, instant, listed
from core.demo.shoppers import Need, Step
from core.demo.wording import Pen, Planted, capital, mark, unmark
from core.domain import review_words

MOST_WORDS = 4
"""Planted words that the body of a review has at most."""

VOICES = {
    "plain": (33, (2, 3, 3, 4), (0, 1, 1, 2)),
    "chatty": (24, (3, 4, 4), (1, 2, 2)),
    "terse": (20, (1, 2, 3, 3), (0, 0, 0, 1)),
    "technical": (14, (3, 3, 4), (0, 1, 1, 2)),
    "casual": (9, (2, 3, 3), (0, 0, 1)),
}
"""Percent of the users; about how many words of sentiment, and neutral sentences, a body gets."""

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July",
    "August", "September", "October", "November", "December",
)  # fmt: skip
JUDGED = re.compile(r", \[[^\]]+\]$")
TITLE_ODDS = 0.86
EXCLAMATION_ODDS = 0.14
BESIDE_ODDS = 0.05
COMMENT_ODDS = 0.7
"""How often an incident is followed by a word that judges it."""


@dataclass(frozen=True)
class Voice:
    """How a user writes."""

    kind: str
    typos: bool
    emoji: bool

    @classmethod
    def draw(cls, rng: Random) -> Voice:
        """A voice that the user keeps for life."""
        kind = rng.choices(tuple(VOICES), [percent for percent, *_ in VOICES.values()])[0]
        return cls(kind, rng.random() < 0.12, rng.random() < 0.09)


@dataclass(frozen=True)
class Review:
    """A worded review; ``planted`` points into ``review_words(title, text)``."""

    title: str | None
    text: str
    planted: tuple[Planted, ...]

    @property
    def sentiment(self) -> float:
        """Mean polarity of the planted words, in [-1, 1]."""
        return sum(word.polarity for word in self.planted) / len(self.planted)


class Writer:
    """Words all reviews of a shop and remembers every sentence, so that few are said twice."""

    def __init__(self, shop: Shop, items: Sequence[Item]) -> None:
        self._shop = shop
        self._items = items
        self._sentences: set[str] = set()
        self._titles: set[str] = set()

    def write(self, step: Step, voice: Voice, rng: Random) -> Review:
        """Word the review of one step, whose ``felt`` stars decide its sentiment."""
        pen = self._pen(step, rng)
        assert step.felt is not None
        plan = _polarities(step.felt, rng)
        title = self._title(pen, step.felt, plan) if rng.random() < TITLE_ODDS else None
        pen.used = {(kind, value) for kind, value in pen.used if kind != "slot"}
        body: list[str] = []
        if step.gift or rng.random() < 0.45:
            body += self._say(pen, pen.family.words["neutral"]["gift" if step.gift else "open"])
        body += self._opinions(pen, plan, voice, step.gift)
        body += self._ending(pen, step)
        return self._finish(title, body, voice, step.felt, rng)

    def _pen(self, step: Step, rng: Random) -> Pen:
        """A pen whose person, duration and months are fixed, so that sentences agree."""
        item = self._items[step.item]
        family = self._shop.families[item.family]
        brands = [b for b in self._shop.categories[item.category].brands if b != item.brand]
        slots = self._shop.words["slots"]
        month, called = instant(step.time).month, family.facts["called"]
        fresh = step.need is Need.FOLLOW_UP  # The purchase is on record days before.
        plural = bool(family.facts.get("plural"))
        facts = {
            "brand": item.brand,
            "brand2": rng.choice(brands),
            "price": f"{item.price:.2f}",
            "month": MONTHS[(month - 1 - (0 if fresh else rng.randrange(1, 5))) % 12],
            "person": rng.choice(listed(slots["person"])),
            "dur": rng.choice(listed(slots["short" if fresh else "dur"])),
            "later": MONTHS[(month + rng.randrange(1, 4)) % 12],
            "called": called,
            "want": family.facts["want"],
            "this": f"these {called}" if plural else f"this {called}",
            "it": "them" if plural else "it",
            "it_is": "they are" if plural else "it is",
            "the_same": "the same ones" if plural else "the same one",
        }
        return Pen(rng, family, self._shop.words, facts)

    def _opinions(self, pen: Pen, plan: list[int], voice: Voice, gift: bool) -> list[str]:
        """The sentences with planted words, among a few about the use of the thing."""
        _, planted, neutral = VOICES[voice.kind]
        enough = pen.rng.choice(planted)
        said = 0
        sentences: list[str] = []
        aspects = list(pen.family.aspects)
        pen.rng.shuffle(aspects)
        for polarity in plan:
            left = enough - said
            sentence = self._opinion(pen, polarity, aspects, voice, left <= 1, MOST_WORDS - said)
            if sentence is not None:
                said += len(unmark(sentence)[1])
                sentences.append(sentence)
                aspects = aspects[1:] + aspects[:1]
            if said >= enough:
                break
        for _ in range(0 if gift else pen.rng.choice(neutral)):
            place = pen.rng.randrange(0, max(1, len(sentences)))
            sentences[place:place] = self._say(pen, pen.family.facts["use"])
        return sentences

    def _opinion(
        self,
        pen: Pen,
        polarity: int,
        aspects: Sequence[Aspect],
        voice: Voice,
        nearly: bool,
        room: int,
    ) -> str | None:
        words = pen.family.words
        key = "praise" if polarity > 0 else "blame"
        chance = pen.rng.random()

        def about_an_aspect() -> str:
            kind = "plain" if voice.kind == "casual" else voice.kind
            frames = words["frames"][kind if pen.rng.random() < 0.7 else "plain"]
            return pen.fill(pen.rng.choice(frames), polarity, aspects)

        def about_an_incident() -> str:
            incident = str(pen.rng.choice(pen.family.facts[key]))
            judged = " and {w}" if JUDGED.search(incident) else ", {w}"
            comment = judged if pen.rng.random() < COMMENT_ODDS else ""
            return pen.fill(incident + comment, polarity)

        def about_the_whole() -> str:
            kind = "plural" if pen.family.facts.get("plural") else "frames"
            frames = words["verdict"][kind if pen.rng.random() < 0.5 else key]
            return pen.fill(pen.rng.choice(frames), polarity)

        def both_ways() -> str:
            a, b = ("{s} {v} {d} {p}", "{s2} {v2} {d} {q2}")
            if pen.rng.random() < 0.5:
                a, b = ("{s} {v} {d} {q}", "{s2} {v2} {d} {p2}")
            link = str(pen.rng.choice(words["frames"]["turn"]))
            return pen.fill(link.replace("{a}", a).replace("{b}", b), 0, aspects)

        if polarity == 0:
            make = both_ways
        elif nearly and chance < 0.35:
            make = about_the_whole
        else:
            make = about_an_incident if chance < 0.5 else about_an_aspect
        fallback = about_an_aspect if polarity else both_ways
        return (
            pen.attempt(make, self._sentences, room)
            or pen.attempt(fallback, self._sentences, room)
            or pen.attempt(fallback, set(), room)
        )

    def _ending(self, pen: Pen, step: Step) -> list[str]:
        neutral = pen.family.words["neutral"]
        sentences: list[str] = []
        if not step.gift and pen.rng.random() < 0.18:
            sentences += self._say(pen, neutral["close"])
        other = step.wish if step.wish is not None else step.refused
        kind = "wish" if step.wish is not None else "unwish"
        if other is None and pen.rng.random() < BESIDE_ODDS:
            siblings = self._shop.categories[pen.family.category].families
            other = pen.rng.choice([index for index in siblings if index != pen.family.index])
            kind = "beside"
        if other is not None:
            want = str(self._shop.families[other].facts["want"])
            pen.facts |= {"want": want, "bare_want": want.split(" ", 1)[1]}
            sentences += self._say(pen, neutral[kind], anew=True)
        return sentences

    def _say(self, pen: Pen, fragments: Sequence[str], anew: bool = False) -> list[str]:
        """One neutral sentence, as a list; empty when all of them have been said before.

        ``anew`` lets it be said again, because the truth counts on it.
        """
        seen = set() if anew else self._sentences
        sentence = pen.attempt(lambda: pen.fill(pen.rng.choice(fragments)), seen)
        return [sentence] if sentence else []

    def _title(self, pen: Pen, felt: int, plan: list[int]) -> str | None:
        titles = pen.family.words["titles"]
        aspects = pen.rng.sample(pen.family.aspects, len(pen.family.aspects))
        mixed = 0 in plan or len(set(plan)) > 1
        polarity = 1 if felt >= 4 or (felt == 3 and pen.rng.random() < 0.5) else -1

        def make() -> str:
            if pen.rng.random() < 0.27:
                return pen.fill(pen.rng.choice(titles["neutral"]))
            if mixed and pen.rng.random() < 0.6:
                return pen.fill(pen.rng.choice(titles["mixed"]), 0, aspects)
            return pen.fill(pen.rng.choice(titles["planted"]), polarity, aspects)

        return pen.attempt(make, self._titles)

    def _finish(
        self, title: str | None, body: list[str], voice: Voice, felt: int, rng: Random
    ) -> Review:
        sentences = []
        for sentence in body:
            end = "!" if voice.kind == "chatty" and rng.random() < EXCLAMATION_ODDS else "."
            sentences.append(capital(sentence) + ("" if sentence[-1] in ".?!" else end))
        text = " ".join(sentences)
        title = capital(title) if title else None
        if voice.typos and rng.random() < 0.6:
            text = _mistype(text, self._shop.words["typos"], rng)
        if voice.kind == "casual":
            text = text.lower().removesuffix(".")
            title = title.lower() if title else None
        if voice.emoji and felt != 3 and rng.random() < 0.5:
            key, polarity = ("praise", 1) if felt > 3 else ("blame", -1)
            text += " " + mark(rng.choice(listed(self._shop.words["emoji"][key])), polarity)
        planted = unmark(review_words(title, text))[1]
        return Review(unmark(title)[0] if title else None, unmark(text)[0], planted)


def _polarities(felt: int, rng: Random) -> list[int]:
    """The polarity of up to four sentences with sentiment; 0 is a sentence that says both."""
    if felt == 3:
        return rng.choice(([0, 1, -1, 0], [1, -1, 0, 1], [-1, 1, 0, -1], [1, 0, -1, 0]))
    lean = 1 if felt > 3 else -1
    plan = [lean] * 4
    if felt in (2, 4) and rng.random() < 0.5:
        plan[rng.randrange(2)] = 0 if rng.random() < 0.5 else -lean
    return plan


def _mistype(text: str, typos: Mapping[str, Any], rng: Random) -> str:
    """Mistype one unmarked word, where the text has one of those people mistype."""
    words = [word for word in typos if re.search(rf"\b{word}\b", text)]
    if not words:
        return text
    word = rng.choice(words)
    return re.sub(rf"\b{word}\b", str(typos[word]), text, count=1)
