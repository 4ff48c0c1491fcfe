"""One simulated shop for all tests of this folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.demo.simulation import SimulatedShop, simulate, write_demo


@pytest.fixture(scope="session")
def shop() -> SimulatedShop:
    return simulate()


@pytest.fixture(scope="session")
def demo(shop: SimulatedShop, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the written demo."""
    folder = tmp_path_factory.mktemp("demo")
    write_demo(folder, shop)
    return folder
