"""The demo corpus with its shipped model: the real engine opens in seconds."""

from __future__ import annotations

import pytest

from core.corpus.store import Library
from core.engine import Engine


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """A library with the demo and nothing else."""
    return Library.open(tmp_path_factory.mktemp("library"))


@pytest.fixture(scope="session")
def engine(library: Library) -> Engine:
    """The demo's engine."""
    return Engine.open(library.corpus("demo"), library.model_folder("demo"), library)


@pytest.fixture(scope="session")
def busy_user(engine: Engine) -> str:
    """The user with most events."""
    counts = engine.corpus.user_starts[1:] - engine.corpus.user_starts[:-1]
    return engine.corpus.user_ids[int(counts.argmax())]
