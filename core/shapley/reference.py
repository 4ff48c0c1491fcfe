"""Shapley values by the shap library's own explainers.

The words of a short review are explained with it (docs/architecture.md says why only they), and
tests and benchmarks hold ours against it. The first call of a process imports shap and lets numba
compile, which takes seconds.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from core.arrays import BoolArray, DoubleArray
from core.shapley.engine import Worth
from core.shapley.game import Masks


class _Present:
    """A shap masker whose features are players: the masked input is the mask itself."""

    immutable_outputs = True

    def __init__(self, players: int) -> None:
        self.shape = (1, players)

    def __call__(self, mask: BoolArray, row: DoubleArray) -> tuple[Masks]:
        return (mask[None],)


def values_by_shap(
    method: Literal["Exact", "Permutation"], worth: Worth, players: int, **options: Any
) -> DoubleArray:
    """Values by ``shap.explainers.Exact`` or ``Permutation``, float64[n_players, ...].

    ``Permutation`` seeds and draws from numpy's global generator, so only tests and benchmarks call
    it; ``options`` go to the explainer's call.
    """
    import shap

    explainer = getattr(shap.explainers, method)(worth, _Present(players))
    explanation = explainer(
        np.zeros((1, players)), **({"batch_size": 4096, "silent": True} | options)
    )
    values: DoubleArray = np.asarray(explanation.values[0], np.float64)
    return values
