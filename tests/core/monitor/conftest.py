"""A shop in which nothing changes: users come in random weeks, in visits of a few events."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from core.corpus.corpus import Corpus
from core.corpus.manifest import Manifest
from core.domain import Columns

MONDAY = pd.Timestamp("2024-01-01", tz="UTC")
KINDS = np.array(["view", "purchase", "review"])
WEEKS, USERS, VISITS, ITEMS = 30, 500, 12, 40


def as_corpus(events: pd.DataFrame, *, order_as_time: bool = False) -> Corpus:
    """A corpus in memory; every fourth item is of one category."""
    columns = list(Columns.EVENTS)
    events = events.sort_values([Columns.User, Columns.Time], kind="stable", ignore_index=True)
    ids = sorted(set(events[Columns.Item]))
    items = pd.DataFrame({Columns.Item: ids}).reindex(columns=list(Columns.ITEMS))
    items[Columns.Category] = [f"shelf {at % 4}" for at in range(len(ids))]
    first, last = events[Columns.Time].min(), events[Columns.Time].max()
    manifest = Manifest.model_construct(
        name="shop",
        kinds=events[Columns.Kind].value_counts().to_dict(),
        rating_scale=(1.0, 5.0),
        order_as_time=order_as_time,
        first=first,
        last=last,
    )
    return Corpus("shop", "0" * 16, events[columns], items, manifest)


@pytest.fixture(scope="session")
def steady() -> Callable[..., pd.DataFrame]:
    """A function that makes the events of such a shop."""

    def make(seed: int = 1, weeks: int = WEEKS, users: int = USERS) -> pd.DataFrame:
        random = np.random.default_rng(seed)
        visits = users * VISITS
        user = np.repeat(np.arange(visits) % users, 3)
        day = np.repeat(random.integers(0, 7 * weeks, visits), 3)
        minute = np.tile([0, 20, 45], visits) + np.repeat(random.integers(480, 1380, visits), 3)
        n = len(user)
        kinds = KINDS[np.repeat(random.choice(3, visits, p=[0.6, 0.25, 0.15]), 3)]
        rating = np.where(kinds == "review", random.integers(1, 6, n), np.nan)
        return pd.DataFrame(
            {
                Columns.User: [f"u{at:04}" for at in user],
                Columns.Item: [f"i{at:02}" for at in random.integers(0, ITEMS, n)],
                Columns.Time: MONDAY
                + pd.to_timedelta(day, unit="D")
                + pd.to_timedelta(minute, unit="min"),
                Columns.Kind: kinds,
                Columns.Rating: rating.astype(np.float32),
                Columns.Title: None,
                Columns.Text: None,
            }
        )

    return make


@pytest.fixture(scope="session")
def shop(steady: Callable[..., pd.DataFrame]) -> Corpus:
    return as_corpus(steady())
