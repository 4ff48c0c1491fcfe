"""How many threads small matrix products get: one.

A state costs a hundred products of a 512 x 128 matrix with a vector. Shared between two threads
they take ten times as long when anything else runs on the machine (measured:
``benchmarks/foundation.py latency``), because each product waits for the slower thread.
"""

from __future__ import annotations

from threadpoolctl import threadpool_limits


def use_one_blas_thread() -> None:
    """Let numpy's and scipy's matrix products run in one thread, in this process from now on.

    torch has threads of its own and keeps them.
    """
    threadpool_limits(limits=1, user_api="blas")
