"""The shop's catalogue: products, their prices, popularity, quality and what goes with them."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from random import Random

from core.demo.shop import DAY, WINDOW_END, Family, Shop, instant, listed

FAMILY_SIZE = 9
"""Products in a family whose file names no other number."""

BRAND_NEW = 9
"""Products that came out in the window's last days: no event has them."""

NEVER_BOUGHT = 6
"""Products that people look at and nobody buys, so that they have no review."""

QUALITY_BY_RANK = ((2, 1), (2, 0), (2, 2), (1, 0), (2, 1), (2, 2))
"""Good (2), middling (1) or bad (0), in pairs of ranks of popularity and repeated from there.

A pair's order is random. So families are alike in quality, and a family's name says nothing about
the stars in its reviews.
"""


@dataclass(frozen=True)
class Item:
    """One product. ``popularity`` weighs it inside its family, ``quality`` is 0, 1 or 2.

    ``released`` is seconds since the window's start (negative: before it). ``companions`` are
    catalogue indices of what goes with it, the usual choice first.
    """

    item_id: str
    category: int
    family: int
    brand: str
    line: str
    title: str
    description: str
    price: float
    popularity: float
    quality: int
    released: int
    volume: int = 0
    brand_new: bool = False
    never_bought: bool = False
    companions: tuple[int, ...] = ()

    def row(self, shop: Shop) -> tuple[str, str, str, str, float, str]:
        """The item in ``Columns.ITEMS``."""
        facts = {
            "brand": self.brand,
            "family": shop.families[self.family].name,
            "released": f"{instant(self.released):%Y-%m}",
        }
        extra = json.dumps(facts, sort_keys=True, ensure_ascii=False)
        category = shop.categories[self.category].name
        return self.item_id, self.title, category, self.description, self.price, extra


def make_catalogue(shop: Shop, rng: Random) -> tuple[Item, ...]:
    """Invent all products; the catalogue index of each is its place, ids ascending."""
    items: list[Item] = []
    for category in shop.categories:
        drafts: list[Item] = []
        for index in category.families:
            drafts += _family_items(shop, shop.families[index], rng)
        rng.shuffle(drafts)
        items += [
            replace(draft, item_id=f"{category.code}-{number:03d}")
            for number, draft in enumerate(drafts, 1)
        ]
    items = _mark_quiet(items, rng)
    return tuple(
        replace(item, companions=_companions(shop, items, index, rng))
        for index, item in enumerate(items)
    )


def _family_items(shop: Shop, family: Family, rng: Random) -> list[Item]:
    facts = family.facts
    category = shop.categories[family.category]
    count = int(facts.get("items", FAMILY_SIZE))
    models = listed(facts.get("model", "")) or tuple(rng.sample(category.models, count))
    lines = listed(facts.get("line", ""))
    slots = {name: listed(facts.get(name, "")) for name in ("kind", "a", "b")}
    places = {name: rng.sample(range(count), count) for name in slots}
    ranks = rng.sample(range(count), count)
    quality = [value for pair in QUALITY_BY_RANK for value in rng.sample(pair, 2)]
    prices = _price_ladder(facts["price"], count, rng)
    items = []
    for n in range(count):
        line, volume = "", 0
        brand = category.brands[(n + family.index) % len(category.brands)]
        if lines:
            volume, place = divmod(n, len(lines)) if "{volume}" in facts["title"] else (0, n)
            line = lines[place % len(lines)]
            brand = category.brands[(lines.index(line) + category.index) % len(category.brands)]
            volume += 1
        words: dict[str, object] = {
            name: values[places[name][n] % len(values)] for name, values in slots.items() if values
        }
        words |= {"brand": brand, "model": models[n % len(models)], "line": line, "volume": volume}
        title = str(facts["title"]).format_map(words)
        if category.name == "Books":
            title += f", by {brand}"
        items.append(
            Item(
                item_id="",
                category=family.category,
                family=family.index,
                brand=brand,
                line=line,
                title=title,
                description=str(rng.choice(facts["about"])).format_map(words),
                price=prices[n],
                popularity=1.0 / (ranks[n] + 0.7),
                quality=quality[ranks[n] % len(quality)],
                released=_release(rng, ranks[n], count),
                volume=volume,
            )
        )
    return items


def _price_ladder(span: list[int], count: int, rng: Random) -> list[float]:
    low, high = span
    whole = [low + (high - low) * n * n // ((count - 1) * (count - 1)) for n in range(count)]
    prices = [euros + rng.choice((0.5, 0.9, 0.95, 0.99)) for euros in whole]
    rng.shuffle(prices)
    return prices


def _release(rng: Random, rank: int, count: int) -> int:
    """A quarter of the less popular products come out inside the window."""
    if rank >= count // 3 and rng.random() < 0.35:
        return rng.randrange(60, 900) * DAY
    return -rng.randrange(30, 900) * DAY


def _mark_quiet(items: list[Item], rng: Random) -> list[Item]:
    """Choose the brand-new and the never-bought among the less popular, one or two a category."""
    by_category: dict[int, list[int]] = {}
    for index in rng.sample(range(len(items)), len(items)):
        if items[index].popularity < 0.3 and not items[index].volume:
            by_category.setdefault(items[index].category, []).append(index)
    chosen = [by_category[key].pop() for _ in range(2) for key in sorted(by_category)]
    marked = list(items)
    for index in chosen[:BRAND_NEW]:
        released = WINDOW_END - rng.randrange(1, 12) * DAY
        marked[index] = replace(items[index], brand_new=True, released=released)
    for index in chosen[BRAND_NEW : BRAND_NEW + NEVER_BOUGHT]:
        marked[index] = replace(items[index], never_bought=True)
    return marked


def _companions(shop: Shop, items: list[Item], index: int, rng: Random) -> tuple[int, ...]:
    """Up to two products of the following family: of the same line or brand where there is one."""
    item = items[index]
    follows = shop.families[item.family].follows
    if follows is None:
        return ()
    pool = [
        place
        for place, other in enumerate(items)
        if other.family == follows and place != index and not other.brand_new
    ]
    rng.shuffle(pool)

    def distance(place: int) -> int:
        other = items[place]
        if item.line and other.line == item.line:
            return 0 if other.volume == item.volume + 1 or follows != item.family else 5
        if follows == item.family:
            return 1 if other.volume == 1 else 3
        return 1 if other.brand == item.brand else 2

    return tuple(sorted(pool, key=distance)[:2])
