"""Simulate the demo shop and write it: the corpus and the truth behind it."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import NamedTuple

import numpy as np
import pandas as pd

from core.corpus.folder import save_corpus
from core.corpus.manifest import Manifest
from core.demo.calendar import WINDOW_END, instant
from core.demo.catalogue import Item, make_catalogue
from core.demo.reviews import Review, Voice, Writer
from core.demo.shop import Shop, open_shop
from core.demo.shoppers import Shopper, Step, make_shoppers
from core.demo.truth import EVENTS, SCHEMAS, Truth, save_truth
from core.domain import Columns, EventKind

DEMO_SEED = 20240607
N_USERS = 800
RATING_SCALE = (1.0, 5.0)
NOTES = (
    "Simulated: no person wrote a word of it, and neither the products nor the brands exist.",
    "A review or rating without an earlier purchase of the same item stands for the purchase too.",
    "What was planted is beside it in the folder truth (core.demo.truth.load_truth).",
)


@dataclass(frozen=True, eq=False)
class SimulatedShop:
    """``events`` (Columns.EVENTS, contract order), ``items`` (Columns.ITEMS) and their truth."""

    events: pd.DataFrame
    items: pd.DataFrame
    truth: Truth


class _Told(NamedTuple):
    """One event with its words, and the planted interest at its time."""

    user_id: str
    step: Step
    review: Review | None
    mix: tuple[float, ...]


def simulate(seed: int = DEMO_SEED, n_users: int = N_USERS) -> SimulatedShop:
    """Simulate the shop: the same seed gives the same shop on every machine.

    Only whole numbers, the four basic operations and square roots decide anything, every user
    draws from a random stream of their own, and no clock is read.
    """
    shop = open_shop()

    def stream(purpose: str) -> Random:
        return Random(f"{seed}/{purpose}")

    items = make_catalogue(shop, stream("catalogue"))
    shoppers = make_shoppers(shop, items, n_users, stream)
    writer = Writer(shop, items)
    voices: dict[str, Voice] = {}
    told: list[_Told] = []
    for shopper in shoppers:
        voice = voices[shopper.user_id] = Voice.draw(stream(f"{shopper.user_id}/voice"))
        pen = stream(f"{shopper.user_id}/reviews")
        for step in shopper.live():
            review = writer.write(step, voice, pen) if step.kind is EventKind.REVIEW else None
            mix = shopper.interest.mix_at(step.time)
            told.append(_Told(shopper.user_id, step, review, mix))
    truth = _make_truth(seed, shop, items, shoppers, voices, told)
    return SimulatedShop(_event_table(items, told), _item_table(shop, items), truth)


def write_demo(target: Path, shop: SimulatedShop | None = None) -> Manifest:
    """Write ``target/corpus`` and ``target/truth``; the bytes depend on the seed alone.

    ``shop`` None means the shipped demo. Files take their place one by one when all are written.
    """
    shop = shop or simulate()
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".demo-", dir=target) as staging:
        parts = {name: Path(staging) / name for name in ("corpus", "truth")}
        for folder in parts.values():
            folder.mkdir()
        manifest = save_corpus(
            parts["corpus"],
            "demo",
            shop.events,
            shop.items,
            rating_scale=RATING_SCALE,
            simulated=True,
            notes=NOTES,
            created=instant(WINDOW_END),
        )
        save_truth(shop.truth, parts["truth"], manifest.corpus_id)
        for name, folder in parts.items():
            (target / name).mkdir(exist_ok=True)
            for path in sorted(folder.iterdir()):
                path.replace(target / name / path.name)
    return manifest


def _event_table(items: tuple[Item, ...], told: list[_Told]) -> pd.DataFrame:
    rows = [
        (
            user_id,
            items[step.item].item_id,
            instant(step.time),
            str(step.kind),
            step.rating,
            review.title if review else None,
            review.text if review else None,
        )
        for user_id, step, review, _ in told
    ]
    events = pd.DataFrame(rows, columns=list(Columns.EVENTS), dtype=object)
    events[Columns.Time] = pd.to_datetime(events[Columns.Time], utc=True).dt.as_unit("us")
    return events.astype({Columns.Rating: np.float32})


def _item_table(shop: Shop, items: tuple[Item, ...]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            Columns.Item: [item.item_id for item in items],
            Columns.Title: [item.title for item in items],
            Columns.Category: [shop.categories[item.category].name for item in items],
            Columns.Description: [item.description for item in items],
            Columns.Price: [item.price for item in items],
            Columns.Extra: [item.extra(shop) for item in items],
        }
    )


def _make_truth(
    seed: int,
    shop: Shop,
    items: tuple[Item, ...],
    shoppers: list[Shopper],
    voices: dict[str, Voice],
    told: list[_Told],
) -> Truth:
    categories = tuple(category.name for category in shop.categories)
    families = tuple(family.name for family in shop.families)

    def named(names: tuple[str, ...], index: int | None) -> str | None:
        return None if index is None else names[index]

    events = [
        (
            str(step.need),
            step.gift,
            review.sentiment if review else np.nan,
            named(families, step.wish),
            named(families, step.refused),
        )
        for _, step, review, _ in told
    ]
    words = [
        (row, word.word, word.start, word.end, word.polarity)
        for row, event in enumerate(told)
        if event.review
        for word in event.review.planted
    ]
    users = [
        (
            shopper.user_id,
            str(shopper.interest.process),
            named(categories, shopper.interest.season),
            voices[shopper.user_id].kind,
        )
        for shopper in shoppers
    ]
    changes = [
        (
            shopper.user_id,
            str(shopper.interest.process),
            instant(change.start),
            instant(change.end),
            categories[change.source],
            categories[change.target],
        )
        for shopper in shoppers
        for change in shopper.interest.changes
    ]
    products = []
    for item in items:
        companions = [items[index].item_id for index in item.companions]
        first, second = (*companions, None, None)[:2]
        facts = (item.quality, item.brand_new, item.never_bought)
        products.append((item.item_id, families[item.family], *facts, first, second))

    def table(name: str, rows: Sequence[tuple[object, ...]]) -> pd.DataFrame:
        return pd.DataFrame(rows, columns=SCHEMAS[name].names)

    return Truth(
        seed=seed,
        categories=categories,
        families={
            category.name: tuple(families[index] for index in category.families)
            for category in shop.categories
        },
        mix=np.array([event.mix for event in told], dtype=np.float32),
        events=pd.DataFrame(events, columns=list(EVENTS)),
        words=table("words", words),
        users=table("users", users),
        changes=table("changes", changes),
        items=table("items", products),
    )
