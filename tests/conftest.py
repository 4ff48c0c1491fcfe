"""All tests: no deadlines, one thread for torch, and one worker for all that drives Chromium."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

torch.set_num_threads(1)  # small models wait for no other thread
settings.register_profile("tastelines", deadline=None)  # a slow machine is no failure
settings.load_profile("tastelines")


class OneBrowser(LoadFileScheduling):
    """A file's tests go to one worker, and those of tests/browser together: they share one app."""

    def _split_scope(self, nodeid: str) -> str:
        return "browser" if nodeid.startswith("tests/browser/") else super()._split_scope(nodeid)


@pytest.hookimpl
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneBrowser:
    """How ``pytest -n 2`` shares the tests out."""
    return OneBrowser(config, log)
