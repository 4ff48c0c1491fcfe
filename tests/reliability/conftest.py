"""A small library with one of everything, to be damaged."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from core.cli import main
from core.corpus.store import Library
from core.demo.simulation import simulate
from core.domain import Columns
from core.model.config import InterestConfig
from core.scenario.capsule import make_capsule  # noqa: F401
from core.training.training import train

THOROUGH = "TASTELINES_THOROUGH" in os.environ
TINY = replace(InterestConfig(), dim=16, hidden=8, epochs=1, batch_users=8)


@pytest.fixture(scope="session")
def full_library(tmp_path_factory: pytest.TempPathFactory, measured: Path) -> Path:
    """Two corpora, two models of one, lists, evaluations, turnover, trials; never changed."""
    root = tmp_path_factory.mktemp("full")
    shutil.copy(measured, root)
    library = Library.open(root)
    for name, n_users in (("shop", 14), ("other", 6)):
        shop = simulate(n_users=n_users)
        events = shop.events.groupby(Columns.User).head(9).reset_index(drop=True)
        items = shop.items[shop.items[Columns.Item].isin(set(events[Columns.Item]))]
        library.write(name, events, items.reset_index(drop=True), rating_scale=(1.0, 5.0))
    corpus = library.corpus("shop")
    train(corpus, library, TINY)
    train(corpus, library, replace(TINY, seed=1))
    return root
