from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import numpy as np
import pandas as pd
import pytest

from core.corpus.folder import load_corpus, save_corpus
from core.corpus.store import Corpus, Library
from core.demo.simulation import simulate
from core.domain import Columns
from core.encode.encoder import TextEncoder
from core.engine import Engine
from core.model.config import InterestConfig
from core.training.training import train

START = datetime(2023, 1, 1, tzinfo=UTC)
Row = tuple[str, str, float, str]
"""User, item, day, kind."""


@pytest.fixture(scope="session")
def make_corpus(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Corpus]:
    def make(rows: Sequence[Row], more_items: Sequence[str] = ()) -> Corpus:
        events = pd.DataFrame(
            {
                Columns.User: [row[0] for row in rows],
                Columns.Item: [row[1] for row in rows],
                Columns.Time: pd.to_datetime(
                    [START + timedelta(days=row[2]) for row in rows], utc=True
                ),
                Columns.Kind: [row[3] for row in rows],
                Columns.Rating: np.nan,
                Columns.Title: None,
                Columns.Text: None,
            }
        )
        ids = sorted({row[1] for row in rows} | set(more_items))
        items = pd.DataFrame({Columns.Item: ids}).reindex(columns=list(Columns.ITEMS))
        folder: Path = tmp_path_factory.mktemp("corpus")
        save_corpus(folder, "shop", events, items, rating_scale=None)
        return load_corpus(folder)

    return make


def shop_rows(n_users: int = 60, seed: int = 1) -> list[Row]:
    """Users with a taste for one of three shelves, who view before they buy and buy in order."""
    random = Random(seed)
    rows: list[Row] = []
    for user in range(n_users):
        shelf, day = user % 3, random.uniform(0, 300)
        start = random.randrange(8)
        for step in range(random.randint(1, 9)):
            number = (start + step) % 8 if random.random() < 0.8 else random.randrange(8)
            item = f"i{shelf}{number}"
            day += random.choice([0.0, 1.0, 9.0])
            if random.random() < 0.3:
                rows.append((f"u{user:02}", item, day, "view"))
            rows.append((f"u{user:02}", item, day + 0.25, "purchase"))
    return rows


@pytest.fixture(scope="session")
def corpus(make_corpus: Callable[..., Corpus]) -> Corpus:
    return make_corpus(shop_rows(), ["never-seen", "never-seen-without-text"])


SMALL = replace(InterestConfig(), dim=24, hidden=16, epochs=3, batch_users=8)


def small_corpus(library: Library, name: str = "shop", change: str = "") -> Corpus:
    """24 simulated users and the items they met.

    ``change`` rewrites their test events: those words, the lowest rating, another user's item.
    """
    shop = simulate(n_users=24)
    events = shop.events.copy()
    if change:
        last = ~events.duplicated(Columns.User, keep="last")
        events.loc[last, Columns.Text] = change
        events.loc[last, Columns.Rating] = np.float32(1)
        events.loc[last, Columns.Item] = np.roll(events.loc[last, Columns.Item].to_numpy(), 1)
    met = set(events[Columns.Item])
    items = shop.items[shop.items[Columns.Item].isin(met)].reset_index(drop=True)
    return library.write(name, events, pd.DataFrame(items), rating_scale=(1.0, 5.0))


@pytest.fixture(scope="session")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return Library.open(tmp_path_factory.mktemp("library"))


@pytest.fixture(scope="session")
def shop_corpus(shelf: Library) -> Corpus:
    return small_corpus(shelf)


@pytest.fixture(scope="session")
def encoder() -> TextEncoder:
    return TextEncoder(precision="fp32")


@pytest.fixture(scope="session")
def model_folder(shelf: Library, shop_corpus: Corpus, encoder: TextEncoder) -> Path:
    return train(shop_corpus, shelf, SMALL, encoder=encoder)


@pytest.fixture(scope="session")
def engine(demo_engine: Engine) -> Engine:
    """The demo's engine, where a folder has no other one."""
    return demo_engine


@pytest.fixture(scope="session")
def busy_user(demo_engine: Engine) -> str:
    """The user of the demo with most events."""
    counts = demo_engine.corpus.user_starts[1:] - demo_engine.corpus.user_starts[:-1]
    return demo_engine.corpus.user_ids[int(counts.argmax())]
