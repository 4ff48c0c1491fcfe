"""The shipped demo, with its trained model."""

from __future__ import annotations

import pytest

from core.corpus.store import Library


@pytest.fixture(scope="session")
def library(demo_library: Library) -> Library:
    """A library with the demo and nothing else."""
    return demo_library
