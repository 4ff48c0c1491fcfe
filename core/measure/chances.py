"""How surprising many tests together are."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

Chance = Callable[[float], float | None]
"""The q-value of a p-value; None where the family of tests is unknown."""


def q_values(p: Sequence[float]) -> Chance:
    """Benjamini & Hochberg (1995): the q-value of a p-value in a family of tests."""
    ordered = np.sort(np.asarray(p, np.float64))
    q = ordered * len(ordered) / np.arange(1, len(ordered) + 1)
    q = np.minimum(np.minimum.accumulate(q[::-1])[::-1], 1.0)

    def of(value: float) -> float | None:
        at = int(np.searchsorted(ordered, value - 1e-12))
        return float(q[at]) if at < len(q) else 1.0

    return of
