"""The server's memory: what lasts is set aside, what nobody reads any more is given back.

A server at rest collects nothing. Streamlit keeps a session whose browser went for two minutes,
and drops it when another one comes; what it leaves behind waits for a full collection; and the C
library keeps freed memory, in an arena for each of many threads.
"""

from __future__ import annotations

import asyncio
import ctypes
import functools
import gc
import logging
import os
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING
from weakref import WeakSet

from streamlit import runtime
from streamlit.runtime.memory_session_storage import MemorySessionStorage
from streamlit.runtime.websocket_session_manager import WebsocketSessionManager

from core.corpus.store import Library, library_root
from core.domain import DomainError
from core.machine import RunningServer, resident_megabytes, say_ended, say_running
from core.threads import share_torch

if TYPE_CHECKING:
    from core.engine import Engine

LOOKS_EVERY, COLLECTS_EVERY = 15.0, 60.0
"""Seconds between looks whether sessions have gone, and between collections while some are there.

A collection holds the interpreter's lock, in whichever thread.
"""
ARENAS, M_ARENA_MAX = 2, -8
"""How many arenas threads share, and what ``mallopt`` calls that."""
PLANS, MOST_PLANS = "128", "ONEDNN_PRIMITIVE_CACHE_CAPACITY"
"""Layers that torch's oneDNN keeps ready for shapes it has met. Of the 1,024 that it keeps by
itself, each with code and buffers, a server that had explained many reviews held 60 MB for good."""
_opened: WeakSet[Engine] = WeakSet()
"""The models that are open."""
_opening = threading.Lock()
_alone = 0
"""Threads that torch had in the beginning."""
_forgets: dict[str, Callable[[], None]] = {}


@functools.cache
def set_aside() -> None:
    """Take all objects that are alive now out of later garbage collections, once per process.

    A full collection visits every object of torch, pandas and the corpora: .3 to .5 seconds, with
    the interpreter's lock held, and Streamlit would do it after every rerun (``postScriptGC``).
    """
    gc.collect()
    gc.freeze()
    gc.collect()  # how often Python collects goes by what it found last: now almost nothing


def share_arenas() -> None:
    """Let all threads share a few arenas, where the C library is glibc, and torch keep few plans.

    Before threads start and torch is loaded.
    """
    os.environ.setdefault(MOST_PLANS, PLANS)
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, ARENAS)


def share_processors() -> None:
    """Let torch share the processors between the sessions that are there, also in work to come.

    Threads that share a small product wait for each other, and where another page is made at the
    same time they wait long: with the processors busy two took up to three times as long as one.
    """
    global _alone
    torch, manager = sys.modules.get("torch"), _manager()
    if torch is None or manager is None:
        return
    with suppress(AttributeError):  # it is being imported
        _alone = _alone or torch.get_num_threads()
        share_torch(max(1, _alone // max(1, manager.num_active_sessions())))


def is_open(engine: Engine) -> None:
    """A model was opened; it is until nobody refers to it."""
    with _opening:
        _opened.add(engine)


def when_empty(name: str, forget: Callable[[], None]) -> None:
    """Have ``forget`` called when the last session has gone; ``name`` has one."""
    _forgets[name] = forget


async def look_after() -> None:
    """Give memory back after sessions have gone, and say how large the server is.

    Goes on until it is cancelled, whatever a look ends with. What takes long is done in a thread.
    """
    before, have_gone, collected = 0, False, time.monotonic()
    try:
        while True:
            await asyncio.sleep(LOOKS_EVERY)
            try:
                now = sessions()
                have_gone, before = have_gone or now < before, now
                if have_gone and (not now or time.monotonic() - collected >= COLLECTS_EVERY):
                    have_gone, collected = False, time.monotonic()
                    await asyncio.to_thread(give_back, nobody=not now)
                await asyncio.to_thread(_say, now)
            except Exception:
                logging.getLogger(__name__).exception("a look after the server's memory failed")
    finally:
        with suppress(DomainError):
            say_ended(Library(library_root()), os.getpid())


def _say(sessions: int) -> None:
    with suppress(DomainError):
        say_running(Library(library_root()), server(sessions))


def server(sessions: int) -> RunningServer:
    """This process, as ``doctor`` shows it."""
    with _opening:
        opened = list(_opened)
    models = sorted(f"{engine.corpus.name} {engine.model_id}" for engine in opened)
    return RunningServer(os.getpid(), resident_megabytes(), sessions, models)


def sessions() -> int:
    """Sessions that are there or may come back; those that may no longer are dropped."""
    manager = _manager()
    if manager is None:
        return 0
    storage = manager._session_storage
    assert isinstance(storage, MemorySessionStorage)
    return manager.num_active_sessions() + len(storage._cache)  # a length drops what is too old


def _manager() -> WebsocketSessionManager | None:
    """Who knows Streamlit's sessions; None where nothing is served, as in a test."""
    manager = getattr(runtime.get_instance(), "_session_mgr", None) if runtime.exists() else None
    return manager if isinstance(manager, WebsocketSessionManager) else None


def give_back(*, nobody: bool) -> None:
    """Collect what sessions left, and what is kept for them if there is ``nobody``."""
    if nobody:
        with _opening:
            opened = [(engine.model_id, engine.forget) for engine in _opened]
        for name, forget in [*_forgets.items(), *opened]:
            try:
                forget()
            except Exception:  # the others are forgotten all the same
                logging.getLogger(__name__).exception("%s was not forgotten", name)
    gc.collect()
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
