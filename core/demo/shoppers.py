"""Users who browse, buy and judge: what happens, before any review is worded."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from random import Random

from core.demo.catalogue import Item
from core.demo.interests import Interest, Process, plan_interest
from core.demo.shop import DAY, HOUR, WINDOW_END, Shop
from core.domain import EventKind

PROCESSES = {
    Process.STEADY: (30, 5, 9, 30),
    Process.DRIFT: (19, 12, 15, 34),
    Process.TURN: (21, 12, 15, 34),
    Process.SEASONAL: (15, 14, 18, 40),
    Process.EXPLORER: (15, 8, 12, 34),
}
"""Percent of the users; the fewest, most frequent and most events of such a user."""

GIFT_ODDS = 0.135
CHAIN_ODDS = 0.62
WISH_ODDS = 0.29
WISH_KEPT = 0.9
POSTPONED_ODDS = 0.25
"""How often something else comes before an accessory is bought."""

GAVE_UP_ODDS = 0.10
FOLLOW_UP_ODDS = 0.28
LADDER_ODDS = 0.75
STARS_SLIP_ODDS = 0.05
UNRATED_ODDS = 0.03
LOST_INTEREST = 0.12
"""What is left of the weight of a family and a brand after a strong negative judgement."""

FADED = 0.15
"""Below this share of the interest a category no longer pulls a wish or an accessory."""

RATING_ODDS = ((37, 22, 16, 14, 11), (15, 15, 16, 28, 26), (6, 6, 8, 26, 54))
"""Percent of 1 to 5 stars, by the item's quality."""


class Need(StrEnum):
    """Why an event has its item."""

    INTEREST = "interest"
    CHAIN = "chain"
    WISH = "wish"
    GIFT = "gift"
    BROWSE = "browse"
    CHOICE = "choice"
    FOLLOW_UP = "follow-up"


@dataclass
class Step:
    """One event to be. ``felt`` is the judgement in stars behind a rating or review.

    ``wish`` is the family that the review says the user wants next, ``refused`` the one it says
    they no longer want; ``gift`` marks an off-topic purchase for somebody else.
    """

    time: int
    item: int
    kind: EventKind
    need: Need
    felt: int | None = None
    rating: float | None = None
    wish: int | None = None
    refused: int | None = None
    gift: bool = False


@dataclass(frozen=True)
class Plan:
    """What a user means to do next: a wish for a family, or an accessory that is one product."""

    need: Need
    target: int
    postponed: bool = False


@dataclass
class Shopper:
    """One user: traits that never change, and what they have done so far."""

    user_id: str
    interest: Interest
    n_events: int
    start: int
    end: int
    rng: Random
    shop: Shop
    items: Sequence[Item]
    families: dict[int, list[int]]
    family_weight: list[float] = field(default_factory=list)
    brand_weight: dict[str, float] = field(default_factory=dict)
    upward: bool = True
    budget: int = 1
    steps: list[Step] = field(default_factory=list)
    consumed: set[int] = field(default_factory=set)
    time: int = 0

    def __post_init__(self) -> None:
        rng = self.rng
        self.family_weight = [
            float(family.facts.get("demand", 2) * rng.choice((1, 1, 2, 4)))
            for family in self.shop.families
        ]
        for category in self.shop.categories:
            self.brand_weight |= dict.fromkeys(category.brands, 1.0)
            self.brand_weight[rng.choice(category.brands)] = 3.0
        self.upward = rng.random() < 0.5
        self.budget = rng.randrange(3)
        self.time = self.start

    def live(self) -> list[Step]:
        """Act until the events are used up or the window closes; returns the steps."""
        plan: Plan | None = None
        while len(self.steps) < self.n_events and self.time < WINDOW_END:
            self._wait()
            planned = later = None
            if plan is not None:
                if plan.need is Need.WISH or self.rng.random() >= POSTPONED_ODDS:
                    planned = self._follow(plan)
                elif not plan.postponed:
                    later = replace(plan, postponed=True)
            first, need = planned or self._fresh_need()
            last = self._episode(first, need)
            plan = later or (self._make_plan(last) if last is not None else None)
        return self._finish()

    def _make_plan(self, last: Step) -> Plan | None:
        """What the last judgement or purchase makes the user want next, if anything."""
        if last.gift:
            return None
        if last.wish is not None:
            return Plan(Need.WISH, last.wish)
        if (last.felt or 4) >= 3 and self.rng.random() < CHAIN_ODDS:
            companions = self._available(self.items[last.item].companions)
            if companions:
                usual = self.rng.random() < 0.8
                return Plan(Need.CHAIN, companions[0 if usual else -1])
        return None

    def _follow(self, plan: Plan) -> tuple[int, Need] | None:
        """The product that a plan leads to; None when the interest has moved on."""
        mix = self.interest.mix_at(self.time)
        if plan.need is Need.WISH:
            if mix[self.shop.families[plan.target].category] < FADED:
                return None
            item = self._draw(plan.target) if self.rng.random() < WISH_KEPT else None
            return None if item is None else (item, Need.WISH)
        faded = mix[self.items[plan.target].category] < FADED
        return None if faded or plan.target in self.consumed else (plan.target, Need.CHAIN)

    def _fresh_need(self) -> tuple[int, Need]:
        """A product from the interest of the moment, or a gift from outside it."""
        rng = self.rng
        mix = self.interest.mix_at(self.time)
        while True:
            gift = rng.random() < GIFT_ODDS
            if gift:
                category = rng.choice([c for c, share in enumerate(mix) if share < FADED])
            else:
                category = rng.choices(range(len(mix)), mix)[0]
            pool = self.shop.categories[category].families
            family = rng.choices(pool, [self.family_weight[index] for index in pool])[0]
            item = self._draw(family)
            if item is not None:
                return item, Need.GIFT if gift else Need.INTEREST

    def _wait(self) -> None:
        """Let time pass so that the remaining events spread over the remaining time."""
        if not self.steps:
            return
        episodes_left = max(1, (self.n_events - len(self.steps)) // 2)
        gap = max(DAY, (self.end - self.time) // episodes_left)
        self._pass(gap * self.rng.randrange(30, 150) // 100)

    def _pass(self, seconds: int) -> None:
        self.time += max(30, seconds)
        if (self.time // HOUR) % 24 < 6:
            self.time += 8 * HOUR

    def _available(self, pool: Iterable[int], to_buy: bool = True) -> list[int]:
        return [
            index
            for index in pool
            if index not in self.consumed
            and not self.items[index].brand_new
            and not (to_buy and self.items[index].never_bought)
            and self.items[index].released <= self.time
        ]

    def _draw(self, family: int) -> int | None:
        """A product of the family by popularity, brand and budget; None when all are owned."""
        ladder = self.families[family]
        pool = self._available(ladder)
        if not pool:
            return None
        weights = [
            self.items[index].popularity
            * self.brand_weight[self.items[index].brand]
            * (3.0 if ladder.index(index) * 3 // len(ladder) == self.budget else 1.0)
            for index in pool
        ]
        return self.rng.choices(pool, weights)[0]

    def _episode(self, first: int, need: Need) -> Step | None:
        """Look around, perhaps buy, perhaps judge; returns the last consuming step."""
        rng = self.rng
        passing = self.interest.mix_at(self.time)[self.items[first].category] < FADED
        looks = 0
        if need is not Need.GIFT and not (passing and rng.random() < 0.7):
            looks = rng.choices((0, 1, 2, 3), (60, 21, 12, 7))[0]
        if not looks:
            return self._consume(first, need)
        seen = self._browse(first, need, looks)
        choices = [index for index in seen if not self.items[index].never_bought]
        if rng.random() < GAVE_UP_ODDS:
            return None
        last = rng.random() < 0.75
        return self._consume(choices[-1] if last else rng.choice(choices), Need.CHOICE)

    def _browse(self, first: int, need: Need, looks: int) -> list[int]:
        """Look at products, mostly one step up (or down) the family's prices at a time."""
        rng = self.rng
        family = self.families[self.items[first].family]
        seen = [first]
        for n in range(looks):
            if n:
                soon = rng.random() < 0.7
                self._pass(rng.randrange(40, 1800) if soon else rng.randrange(5, 50) * HOUR)
                ladder = self._available(family, to_buy=False)
                place = ladder.index(seen[-1]) + (1 if self.upward else -1)
                climbs = rng.random() < LADDER_ODDS and 0 <= place < len(ladder)
                item = ladder[place] if climbs else rng.choice(ladder)
                if item in seen:
                    continue
                seen.append(item)
            kind = EventKind.VIEW if rng.random() < 0.58 else EventKind.CLICK
            self.steps.append(Step(self.time, seen[-1], kind, Need.BROWSE if n else need))
        return seen

    def _consume(self, item: int, need: Need) -> Step:
        rng = self.rng
        draw = rng.random()
        gift = need is Need.GIFT
        self.consumed.add(item)
        if draw < 0.70:
            self._pass(rng.randrange(3, 16) * DAY + rng.randrange(DAY))
            return self._judge(item, need, EventKind.REVIEW, gift)
        if draw < 0.80:
            self._pass(rng.randrange(2, 10) * DAY + rng.randrange(DAY))
            return self._judge(item, need, EventKind.RATING, gift)
        self._pass(rng.randrange(90, 5400) if rng.random() < 0.6 else rng.randrange(6, 60) * HOUR)
        step = Step(self.time, item, EventKind.PURCHASE, need, gift=gift)
        self.steps.append(step)
        if rng.random() < FOLLOW_UP_ODDS and len(self.steps) < self.n_events - 2:
            self._pass(rng.randrange(4, 20) * DAY + rng.randrange(DAY))
            return self._judge(item, Need.FOLLOW_UP, EventKind.REVIEW, gift)
        return step

    def _judge(self, index: int, need: Need, kind: EventKind, gift: bool) -> Step:
        rng = self.rng
        item = self.items[index]
        felt = stars = rng.choices((1, 2, 3, 4, 5), RATING_ODDS[item.quality])[0]
        if rng.random() < STARS_SLIP_ODDS:
            stars = min(5, max(1, felt + rng.choice((-1, 1))))
        step = Step(self.time, index, kind, need, felt=felt, rating=float(stars), gift=gift)
        if kind is EventKind.REVIEW:
            if rng.random() < UNRATED_ODDS:
                step.rating = None
            if self.interest.mix_at(self.time)[item.category] >= FADED and not gift:
                self._plan_wish(step, item, felt)
        if not gift:
            if felt <= 2:
                self.family_weight[item.family] *= LOST_INTEREST
                self.brand_weight[item.brand] *= LOST_INTEREST
            elif felt == 5:
                self.brand_weight[item.brand] *= 1.5
        self.steps.append(step)
        return step

    def _plan_wish(self, step: Step, item: Item, felt: int) -> None:
        rng = self.rng
        families = self.shop.categories[item.category].families
        others = [index for index in families if index != item.family]
        if felt >= 4 and rng.random() < WISH_ODDS:
            step.wish = rng.choice(others)
        elif felt <= 2 and rng.random() < 0.12:
            step.refused = rng.choice(others)
            self.family_weight[step.refused] *= LOST_INTEREST

    def _finish(self) -> list[Step]:
        """Cut to length; a follow-up is never one of the last two events, which are targets."""
        steps = [step for step in self.steps if step.time < WINDOW_END][: self.n_events]
        while any(step.need is Need.FOLLOW_UP for step in steps[-2:]):
            del steps[max(n for n, step in enumerate(steps) if step.need is Need.FOLLOW_UP)]
        return steps


def make_shoppers(
    shop: Shop,
    items: Sequence[Item],
    n_users: int,
    stream: Callable[[str], Random],
    longer: int = 1,
) -> list[Shopper]:
    """Plant all users, with ``longer`` times the demo's events in the same three years.

    Each draws from a random stream of its own.
    """
    families: dict[int, list[int]] = {family.index: [] for family in shop.families}
    for index in sorted(range(len(items)), key=lambda index: items[index].price):
        families[items[index].family].append(index)
    shoppers = []
    for number in range(1, n_users + 1):
        user_id = f"U{number:04d}"
        rng = stream(user_id)
        process = rng.choices(tuple(PROCESSES), [percent for percent, *_ in PROCESSES.values()])[0]
        _, low, mode, high = PROCESSES[process]
        n_events = int(rng.triangular(low, high, mode))
        if process is Process.STEADY and rng.random() < 0.15:
            n_events = rng.randrange(3, 5)
        elif rng.random() < 0.06:
            n_events = n_events * 2
        n_events *= longer
        start, end = _active_span(rng, process, n_events)
        interest = plan_interest(process, shop, rng, start, end, n_events)
        shoppers.append(
            Shopper(user_id, interest, n_events, start, end, rng, shop, items, families)
        )
    return shoppers


def _active_span(rng: Random, process: Process, n_events: int) -> tuple[int, int]:
    """First and last second of activity: long enough for the events, two years for seasons."""
    shortest = min(WINDOW_END // DAY - 20, max(40, n_events * 11))
    if process is Process.SEASONAL:
        shortest = max(shortest, 760)
    length = rng.randrange(shortest, WINDOW_END // DAY - 10)
    start = rng.randrange(WINDOW_END // DAY - length)
    return start * DAY + rng.randrange(7, 22) * HOUR + rng.randrange(HOUR), (start + length) * DAY
