"""Simulate the demo shop and write it: the corpus and the truth behind it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from core.corpus.folder import save_corpus
from core.corpus.tables import EVENTS_SCHEMA, ITEMS_SCHEMA, frame_of
from core.demo.catalogue import make_catalogue
from core.demo.reviews import Voice, Writer
from core.demo.shop import WINDOW_END, instant, open_shop
from core.demo.shoppers import make_shoppers
from core.demo.truth import EVENTS, SCHEMAS, Truth, save_truth
from core.domain import EventKind

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


def simulate(seed: int = DEMO_SEED, n_users: int = N_USERS, longer: int = 1) -> SimulatedShop:
    """Simulate the shop: the same seed gives the same shop on every machine.

    ``longer`` times as many events per user make long histories in the same three years.

    Only whole numbers, the four basic operations and square roots decide anything, every user
    draws from a random stream of their own, and no clock is read.
    """
    shop = open_shop()
    categories = tuple(category.name for category in shop.categories)
    families = tuple(family.name for family in shop.families)

    def stream(purpose: str) -> Random:
        return Random(f"{seed}/{purpose}")

    items = make_catalogue(shop, stream("catalogue"))
    writer = Writer(shop, items)
    rows: list[tuple[Any, ...]] = []
    told: list[tuple[Any, ...]] = []
    mix: list[tuple[float, ...]] = []
    truth: dict[str, list[tuple[Any, ...]]] = {name: [] for name in SCHEMAS}
    for shopper in make_shoppers(shop, items, n_users, stream, longer):
        user_id, interest = shopper.user_id, shopper.interest
        voice = Voice.draw(stream(f"{user_id}/voice"))
        season = None if interest.season is None else categories[interest.season]
        truth["users"].append((user_id, str(interest.process), season, voice.kind))
        for start, end, source, target in interest.changes:
            names = categories[source], categories[target]
            change = (user_id, str(interest.process), instant(start), instant(end), *names)
            truth["changes"].append(change)
        pen = stream(f"{user_id}/reviews")
        for step in shopper.live():
            title = text = sentiment = None
            if step.kind is EventKind.REVIEW:
                review = writer.write(step, voice, pen)
                title, text, sentiment = review.title, review.text, review.sentiment
                truth["words"] += [(len(rows), *word) for word in review.planted]
            event = (items[step.item].item_id, instant(step.time), str(step.kind), step.rating)
            rows.append((user_id, *event, title, text))
            wish = None if step.wish is None else families[step.wish]
            refused = None if step.refused is None else families[step.refused]
            told.append((str(step.need), step.gift, sentiment, wish, refused))
            mix.append(interest.mix_at(step.time))
    for item in items:
        facts = (families[item.family], item.quality, item.brand_new, item.never_bought)
        companions = (*(items[index].item_id for index in item.companions), None, None)[:2]
        truth["items"].append((item.item_id, *facts, *companions))
    return SimulatedShop(
        frame_of(rows, EVENTS_SCHEMA),
        frame_of([item.row(shop) for item in items], ITEMS_SCHEMA),
        Truth(
            seed=seed,
            categories=categories,
            families={
                category.name: tuple(families[index] for index in category.families)
                for category in shop.categories
            },
            mix=np.array(mix, dtype=np.float32),
            events=frame_of(told, pa.schema(EVENTS)),
            **{name: frame_of(truth[name], schema) for name, schema in SCHEMAS.items()},
        ),
    )


def write_demo(target: Path, shop: SimulatedShop | None = None) -> None:
    """Write ``target/corpus`` and ``target/truth``; the bytes depend on the seed alone.

    ``shop`` None means the shipped demo.
    """
    shop = shop or simulate()
    corpus, truth = target / "corpus", target / "truth"
    for folder in (corpus, truth):
        folder.mkdir(parents=True, exist_ok=True)
    manifest = save_corpus(
        corpus,
        "demo",
        shop.events,
        shop.items,
        rating_scale=RATING_SCALE,
        simulated=True,
        notes=NOTES,
        created=instant(WINDOW_END),
    )
    save_truth(shop.truth, truth, manifest.corpus_id)
