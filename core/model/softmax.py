"""Softmax cross-entropy over a catalogue and its gradients, a block of rows at a time.

By hand, because the gradients of a softmax overwrite its probabilities: half the passes over
memory that automatic differentiation takes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

_ROWS_AT_ONCE = 256
"""Rows of scores held on the CPU: whole batches of them would not fit the cache."""


@dataclass(frozen=True)
class Gradients:
    """Summed loss float64[], and the mean loss's gradients: of queries float32[n, dim], item
    vectors float32[m, dim] and biases float32[m]."""

    loss: Tensor
    queries: Tensor
    vectors: Tensor
    bias: Tensor


@torch.no_grad()
def softmax_gradients(
    queries: Tensor,
    vectors: Tensor,
    bias: Tensor,
    targets: Tensor,
    smoothing: float = 0.0,
    half: bool = False,
    log_chance: Tensor | None = None,
) -> Gradients:
    """Cross-entropy of targets int64[n] under softmax(queries @ vectors.T + bias).

    queries float32[n, dim], vectors float32[m, dim], bias float32[m]. With ``half`` matrix products
    read bf16 (the processor adds up in fp32); probabilities and sums stay fp32. Where the m items
    are a sample, ``log_chance`` float32[m] says with what chance each is in it: beside a row's own
    target each counts for as many as it stands for, also where ``smoothing`` is shared out.
    """
    count, items = len(targets), len(vectors)
    of_queries, of_vectors = torch.empty_like(queries), torch.zeros_like(vectors)
    of_bias = torch.zeros_like(bias)
    loss = torch.zeros((), dtype=torch.float64, device=queries.device)
    kind = torch.bfloat16 if half else torch.float32
    q, v = queries.to(kind), vectors.to(kind)
    added = bias if log_chance is None else bias - log_chance
    at_once = _ROWS_AT_ONCE if queries.device.type == "cpu" else count
    for begin in range(0, count, max(at_once, 1)):
        rows = slice(begin, begin + at_once)
        wanted = targets[rows]
        each = torch.arange(len(wanted), device=queries.device)
        part = q[rows]
        scores = (part @ v.T).float().add_(added) if half else torch.addmm(added, part, v.T)
        if log_chance is not None:
            scores[each, wanted] += log_chance[wanted]
        highest = scores.amax(1, keepdim=True)
        scores.sub_(highest)
        own = scores[each, wanted]
        spread = None if log_chance is None or not smoothing else _Spread.of(log_chance, wanted)
        if smoothing:
            even = scores.mean(1) if spread is None else spread.mean(scores, own)
            own = (1 - smoothing) * own + smoothing * even
        total = scores.exp_().sum(1, keepdim=True)
        loss += (total[:, 0].log().double() - own.double()).sum()
        scores.div_(total * count)
        scores[each, wanted] -= (1 - smoothing) / count
        if spread is not None:
            spread.take(scores, wanted, smoothing / count)
        elif smoothing:
            scores -= smoothing / (items * count)
        of_bias += scores.sum(0)
        error = scores.to(kind)
        of_queries[rows] = (error @ v).float()
        if half:
            of_vectors += (error.T @ part).float()
        else:
            of_vectors.addmm_(error.T, part)
    return Gradients(loss, of_queries, of_vectors, of_bias)


@dataclass(frozen=True, eq=False)
class _Spread:
    """How an even share of all items is spread over a sample, for rows with a target each.

    ``weight`` float32[m] is what each item stands for, a row's own target for itself alone;
    ``total`` float32[rows] their sums; ``added`` float32[rows] what the corrected scores of a row
    lack, by weight.
    """

    weight: Tensor
    own_weight: Tensor
    total: Tensor
    added: Tensor

    @classmethod
    def of(cls, log_chance: Tensor, wanted: Tensor) -> _Spread:
        weight = torch.exp(-log_chance)
        own, lacking = weight[wanted], weight * log_chance
        return cls(weight, own, weight.sum() - own + 1, lacking.sum() - lacking[wanted])

    def mean(self, scores: Tensor, own: Tensor) -> Tensor:
        """The mean of a row's scores without their correction, float32[rows]."""
        return (scores @ self.weight + self.added + (1 - self.own_weight) * own) / self.total

    def take(self, scores: Tensor, wanted: Tensor, share: float) -> None:
        """Take each row's ``share`` off in place, as it is spread."""
        each = share / self.total
        scores.addr_(each, self.weight, alpha=-1)
        scores[torch.arange(len(wanted), device=wanted.device), wanted] -= each * (
            1 - self.own_weight
        )


@torch.no_grad()
def distilled_gradients(
    queries: Tensor,
    vectors: Tensor,
    bias: Tensor,
    old_queries: Tensor,
    old_vectors: Tensor,
    old_bias: Tensor,
) -> Gradients:
    """Divergence of softmax(queries @ vectors.T + bias) from an old model's distribution.

    The old model's is made alike of its own queries, vectors and biases over the same m items. The
    loss is the summed Kullback-Leibler divergence (Hinton, Vinyals & Dean 2015, at temperature 1).
    """
    count = len(queries)
    of_queries, of_vectors = torch.empty_like(queries), torch.zeros_like(vectors)
    of_bias = torch.zeros_like(bias)
    loss = torch.zeros((), dtype=torch.float64, device=queries.device)
    at_once = _ROWS_AT_ONCE if queries.device.type == "cpu" else count
    for begin in range(0, count, max(at_once, 1)):
        rows = slice(begin, begin + at_once)
        own = torch.addmm(bias, queries[rows], vectors.T).log_softmax(1)
        old = torch.addmm(old_bias, old_queries[rows], old_vectors.T).log_softmax(1)
        wanted = old.exp()
        loss += (wanted * (old - own)).sum().double()
        error = (own.exp_() - wanted) / count
        of_bias += error.sum(0)
        of_queries[rows] = error @ vectors
        of_vectors.addmm_(error.T, queries[rows])
    return Gradients(loss, of_queries, of_vectors, of_bias)
