"""A small shop and a model trained on it, once for all tests of this folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core.corpus.simulate.build import simulate
from core.corpus.store import Corpus, Library
from core.domain import Columns
from core.encode.encoder import TextEncoder
from core.model.config import InterestConfig
from core.model.training import train

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
