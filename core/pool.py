"""A few threads for many small works, shared by turns."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable


class Pool:
    """At most ``size`` threads for many small works, by turns.

    Whoever asks for several has one turn, then the next one has theirs: a session that asks for a
    hundred holds up nobody for longer than one work. A thread ends when nothing waits. They are
    daemons, unlike an executor's, which Python joins at exit: a training would keep a stopped
    server alive.
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._lock = threading.Lock()
        self._waiting: dict[str, deque[Callable[[], None]]] = {}
        """Works by whose they are; whose turn is next comes first."""
        self._threads = 0

    def start(self, work: Callable[[], None], name: str, whose: str = "") -> None:
        """Do ``work`` in one of the threads, when one is free and it is the turn of ``whose``."""
        with self._lock:
            self._waiting.setdefault(whose, deque()).append(work)
            if self._threads == self.size:
                return
            self._threads += 1
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._threads -= 1
                    return
                whose = next(iter(self._waiting))
                works = self._waiting.pop(whose)
                work = works.popleft()
                if works:
                    self._waiting[whose] = works
            work()
