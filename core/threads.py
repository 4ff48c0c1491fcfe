"""How many threads small matrix products get, and how threads share what is made once.

They get one: a state costs a hundred products of a 512 x 128 matrix with a vector. Shared between
two threads they take ten times as long when anything else runs on the machine (measured:
``benchmarks/foundation.py latency``), because each product waits for the slower thread.
"""

from __future__ import annotations

import contextvars
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from functools import partial
from itertools import count, islice
from threading import RLock, Thread
from typing import Any, Generic, TypeVar

from threadpoolctl import threadpool_limits

from core.processes import usable_processors
from core.progress import StopCallback, check_stop

Made = TypeVar("Made")
Piece = TypeVar("Piece")

PIECES_EACH, LARGE_PIECES_EACH = 16, 2
"""Pieces for each thread that ``in_threads`` takes before it waits for all of them."""
MOST_AT_ONCE = 8
_NOTHING: Any = object()
_share: int | None = None
"""Threads that torch gets per work; None where nobody has said so."""


class once_each(Generic[Made]):
    """``functools.cached_property`` with a lock of each instance's own.

    That of Python 3.11 locks the property for all instances, so that a slow one holds up others.
    """

    def __init__(self, make: Callable[[Any], Made]) -> None:
        self.make = make
        self.__doc__ = make.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Made:
        values = instance.__dict__
        with values.setdefault(f"_lock of {self.name}", RLock()):  # no sentence
            made = values.get(self.name, _NOTHING)  # another thread may forget it at any time
            if made is _NOTHING:
                made = values[self.name] = self.make(instance)
        return made  # type: ignore[no-any-return]


def use_one_blas_thread() -> None:
    """Let numpy's and scipy's matrix products run in one thread, in this process from now on.

    Then sums are added in one order, too. torch has threads of its own and keeps them.
    """
    threadpool_limits(limits=1, user_api="blas")


def one_openmp_thread() -> AbstractContextManager[object]:
    """While it lasts, this thread's OpenMP loops (scikit-learn's) add up in one order."""
    limits: AbstractContextManager[object] = threadpool_limits(limits=1, user_api="openmp")
    return limits


def share_torch(threads: int) -> None:
    """Let torch have so many threads in this thread, and in others from their next work on."""
    global _share
    _share = threads
    take_share()


def take_share() -> None:
    """Let torch have in this thread what ``share_torch`` said last: it counts for each thread.

    Where torch isn't loaded, or nobody has said so, nothing changes.
    """
    torch = sys.modules.get("torch")
    if torch is not None and _share is not None:
        with suppress(AttributeError):  # it is being imported
            torch.set_num_threads(_share)


@contextmanager
def one_torch_thread() -> Iterator[None]:
    """While it lasts, torch adds up in one order in this thread, and waits for no other one."""
    torch = sys.modules.get("torch")
    if torch is None:
        yield
        return
    usual = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(usual)


def at_once() -> int:
    """How many works this process may do side by side; each holds its own arrays."""
    said = os.environ.get("OMP_NUM_THREADS", "")
    most = int(said) if said.isdecimal() and int(said) else usable_processors()
    return min(MOST_AT_ONCE, most if _share is None else min(_share, most))


def _join(threads: Sequence[Thread], raised: dict[int, BaseException]) -> None:
    """Wait for threads that have begun, also where Ctrl-C is heard meanwhile."""
    for thread in threads:
        while thread.ident is not None and thread.is_alive():
            try:
                thread.join()
            except BaseException as error:
                raised[-1] = error


def side_by_side(works: Sequence[Callable[[], Made]]) -> list[Made]:
    """What works return, in their order: done in as many threads as there are processors for them.

    Each has one thread of torch's, so that every number is the same however many there are. What
    the first one of them raises is raised here; none is begun after that, nor after Ctrl-C, and
    all threads have ended then.
    """
    answers: list[Any] = [None] * len(works)
    raised: dict[int, BaseException] = {}
    turns = count()

    def run() -> None:
        while not raised and (turn := next(turns)) < len(works):
            try:
                answers[turn] = works[turn]()
            except BaseException as error:
                raised[turn] = error

    def run_beside() -> None:
        torch = sys.modules.get("torch")
        if torch is not None:
            torch.set_num_threads(1)
        run()

    others = [
        Thread(target=contextvars.copy_context().run, args=(run_beside,), daemon=True)
        for _ in range(min(at_once(), len(works)) - 1)
    ]
    with one_torch_thread():  # it is set for new threads of the process, too: back when all ended
        try:
            for other in others:
                other.start()
            run()
        except BaseException as error:
            raised[-1] = error
        finally:
            _join(others, raised)
    if raised:
        raise raised[min(raised)]
    return answers


def in_threads(
    work: Callable[[Piece], Made],
    pieces: Iterable[Piece],
    stop: StopCallback | None = None,
    each: int = PIECES_EACH,
) -> Iterator[Made]:
    """The answers to many pieces in their order, a few ``side_by_side``; ``stop`` is asked between.

    No more pieces are taken than are worked on, ``each`` for a thread.
    """

    def answer(piece: Piece) -> Made:
        check_stop(stop)
        return work(piece)

    waiting, processors = iter(pieces), at_once()
    together = each * processors if processors > 1 else 1
    while some := list(islice(waiting, together)):
        yield from side_by_side([partial(answer, piece) for piece in some])
