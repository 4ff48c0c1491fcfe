"""All tests: one thread for torch, so that small models don't wait for each other's threads.

With ``--dist loadgroup`` (``make test``) files stay whole, and everything that drives a browser
runs in one process: two apps and two browsers at once are too slow on two cores.
"""

from pathlib import Path

import pytest
import torch

torch.set_num_threads(1)
BROWSER = Path(__file__).parent / "browser"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Which tests go to the same process."""
    for item in items:
        together = "browser" if BROWSER in item.path.parents else str(item.path)
        item.add_marker(pytest.mark.xdist_group(together))
