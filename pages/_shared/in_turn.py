"""Whose turn it is to make a page: one page at a time, and who asked first goes first.

Python runs one thread at a time. Twenty pages made at once take turns of milliseconds, and each of
them is ready only with the last one; one after the other, half of them are ready in half the time
and none is later. A page that takes long holds up the next one for ``LONG`` seconds only, and while
it waits for something else (``away``) for none.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.jobs import in_front
from pages._shared import speaking

LONG = 0.3
"""Seconds after which the next page begins although this one isn't ready."""


class Turns:
    """Turns of threads: first come, first served; ``long`` seconds are a turn at most."""

    def __init__(self, long: float = LONG, clock: Callable[[], float] = time.monotonic) -> None:
        self._long, self._clock = long, clock
        self._lock = threading.Lock()
        self._waiting: deque[threading.Event] = deque()
        self._ends = 0.0
        """When the turn that was begun last is over at the latest."""
        self._holder: object = None
        """Who has begun it, until they end it or wait for something else."""
        self._mine = threading.local()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for this thread's turn; the next one begins with the end of the block.

        Within a turn, a block is part of it.
        """
        if getattr(self._mine, "turn", None) is not None:
            yield
            return
        me = threading.Event()
        try:
            self._wait(me)
            self._mine.turn = me
            yield
        finally:
            self._mine.turn = None
            self._give_up(me)

    @contextmanager
    def away(self) -> Iterator[None]:
        """Let others have this thread's turn while it waits for something; it never comes back."""
        me = getattr(self._mine, "turn", None)
        if me is not None:
            self._give_up(me)
        yield

    def _wait(self, me: threading.Event) -> None:
        with self._lock:
            self._waiting.append(me)
        try:
            while (left := self._seconds_left(me)) != 0:
                me.wait(left)
        except BaseException:  # the script was stopped: nobody may wait for who has gone
            with self._lock:
                if me in self._waiting:
                    self._waiting.remove(me)
                elif self._holder is me:
                    self._holder = None
                self._wake_next()
            raise

    def _seconds_left(self, me: threading.Event) -> float | None:
        """0 where the turn of ``me`` has begun; None where it isn't first, and will be woken."""
        with self._lock:
            me.clear()
            if self._waiting[0] is not me:
                return None
            left = self._ends - self._clock() if self._holder is not None else 0.0
            if left > 0:
                return left
            self._waiting.popleft()
            self._holder, self._ends = me, self._clock() + self._long
            self._wake_next()
            return 0

    def _give_up(self, me: threading.Event) -> None:
        with self._lock:
            if self._holder is me:
                self._holder = None
                self._wake_next()

    def _wake_next(self) -> None:
        if self._waiting:
            self._waiting[0].set()


_turns = Turns()
turn, away = _turns.turn, _turns.away


@contextmanager
def drawn_alone() -> Iterator[None]:
    """A turn for a fragment that is drawn without its page, as app.py takes none for it then."""
    speaking.adopt()
    context = get_script_run_ctx()
    if context is None or not context.fragment_ids_this_run:
        yield
        return
    with turn(), in_front():
        yield
