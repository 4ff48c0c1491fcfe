"""The app without a browser, as in tests/pages."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from tests.pages.conftest import (  # noqa: F401
    busy_user,
    demo,
    nothing_goes_on,
    open_app,
)


@pytest.fixture(scope="session", autouse=True)
def nothing_is_cut_off() -> Iterator[None]:
    """Let the text encoder finish loading: the end of the process, amid torch, would abort it."""
    yield
    for thread in threading.enumerate():
        if thread.name.startswith("encoder "):
            thread.join(timeout=60)
