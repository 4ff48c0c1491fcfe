"""The shipped demo, with its trained model."""

from __future__ import annotations

import pytest

from core.corpus.corpus import Corpus
from core.corpus.store import Library
from core.engine import Engine


@pytest.fixture(scope="session")
def demo_engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    library = Library.open(tmp_path_factory.mktemp("library"))
    return Engine.open(library.corpus("demo"), library.model_folder("demo"), library)


@pytest.fixture(scope="session")
def demo(demo_engine: Engine) -> Corpus:
    return demo_engine.corpus
