"""Which items a step's softmax is over: all that were met, of a large catalogue a sample.

A sample holds the step's own targets and uniform draws, which all rows share. Popular items are in
it more often than others, so each counts as often as it stands for: its term of the softmax's sum
is divided by the chance with which it is in a sample (Horvitz & Thompson 1952; in logits, the
correction of Bengio & Senécal 2008). The sum is then unbiased, whatever was drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from core.arrays import IntArray

FULL_SOFTMAX_ITEMS = 20_000
"""Items met in training over which each softmax is whole; of more a sample is drawn."""
SHARE_DRAWN = 6
"""At most one in so many of the items met is drawn for a step."""


@dataclass(frozen=True, eq=False)
class Candidates:
    """What a step's softmax is over: ``items`` int64[m], ascending.

    ``log_chance`` float32[m]: log of the chance with which each is there; None where all are.
    """

    items: Tensor
    log_chance: Tensor | None = None


@dataclass(frozen=True, eq=False)
class Met:
    """The items met in training: ``items`` int64[m], ascending, and ``share`` float64[m] of the
    targets that steps learn which are each."""

    items: Tensor
    share: Tensor

    @classmethod
    def of(cls, seen: Tensor, item: IntArray) -> Met:
        """From ``seen`` bool[n_items] and the targets' items int64[n], -1 for none."""
        items = seen.nonzero().squeeze(1)
        counts = np.bincount(item[item >= 0], minlength=len(seen))
        known = torch.from_numpy(counts).to(items.device)[items].double()
        return cls(items, known / known.sum().clamp(min=1))

    @property
    def is_large(self) -> bool:
        """Whether steps draw a sample."""
        return len(self.items) > FULL_SOFTMAX_ITEMS

    def candidates(self, targets: Tensor, negatives: int) -> Candidates:
        """All items met, or the ``targets`` int64[n] with ``negatives`` drawn at most."""
        n = len(self.items)
        if not self.is_large:
            return Candidates(self.items)
        draws = drawn_of(n, negatives)
        drawn = self.items[torch.randint(n, (draws,), device=self.items.device)]
        chosen = torch.unique(torch.cat([targets, drawn]))
        share = self.share[torch.searchsorted(self.items, chosen)]
        absent = draws * np.log1p(-1.0 / n) + len(targets) * torch.log1p(-share)
        return Candidates(chosen, torch.log(-torch.expm1(absent)).float())


def drawn_of(met: int, negatives: int) -> int:
    """How many items a step draws of so many met; all of few."""
    return met if met <= FULL_SOFTMAX_ITEMS else max(min(negatives, met // SHARE_DRAWN), 1)
