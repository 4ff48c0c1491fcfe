"""How many threads small matrix products get, and how threads share what is made once.

They get one: a state costs a hundred products of a 512 x 128 matrix with a vector. Shared between
two threads they take ten times as long when anything else runs on the machine (measured:
``benchmarks/foundation.py latency``), because each product waits for the slower thread.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from threading import RLock
from typing import Any, Generic, TypeVar

from threadpoolctl import threadpool_limits

Made = TypeVar("Made")


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
        with values.setdefault(f"_lock of {self.name}", RLock()):
            if self.name not in values:
                values[self.name] = self.make(instance)
        made: Made = values[self.name]
        return made


def use_one_blas_thread() -> None:
    """Let numpy's and scipy's matrix products run in one thread, in this process from now on.

    Then sums are added in one order, too. torch has threads of its own and keeps them.
    """
    threadpool_limits(limits=1, user_api="blas")


def one_openmp_thread() -> AbstractContextManager[object]:
    """While it lasts, this thread's OpenMP loops (scikit-learn's) add up in one order."""
    limits: AbstractContextManager[object] = threadpool_limits(limits=1, user_api="openmp")
    return limits
