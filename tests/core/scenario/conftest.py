"""The shipped demo, with its trained model."""

from __future__ import annotations

import pytest

from core.corpus.corpus import Corpus
from core.engine import Engine


@pytest.fixture(scope="session")
def demo(demo_engine: Engine) -> Corpus:
    return demo_engine.corpus
