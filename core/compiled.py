"""Machine code that numba compiles for another package is kept for the next process.

Some of umap's functions are compiled anew in every process that trains, which takes five seconds.
numba keeps the code beside the package, in the user's cache, or in ``NUMBA_CACHE_DIR``, as it does
for umap's functions that ask for it themselves. It is held to its source and to the processor.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any


def keep_compiled(*functions: Any) -> None:
    """Have numba keep what it compiles of these; where nothing can be kept it compiles as before.

    Call it before their first call. What is no function of numba's is left alone.
    """
    from numba.core.caching import FunctionCache

    class Spare(FunctionCache):  # type: ignore[misc]
        """A cache that may be full, or unreadable."""

        def load_overload(self, signature: Any, target: Any) -> Any:
            with suppress(Exception):
                return super().load_overload(signature, target)  # type: ignore[no-untyped-call]
            return None

        def save_overload(self, signature: Any, compiled: Any) -> None:
            with suppress(Exception):
                super().save_overload(signature, compiled)  # type: ignore[no-untyped-call]

    for function in functions:
        if hasattr(function, "enable_caching"):
            with suppress(RuntimeError, OSError):  # no folder of numba's can be written
                function._cache = Spare(function.py_func)  # type: ignore[no-untyped-call]
