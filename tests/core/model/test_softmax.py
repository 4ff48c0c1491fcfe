"""The softmax by hand has the loss and the gradients of torch's."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional

from core.model.softmax import softmax_gradients


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize(("half", "apart"), [(False, 1e-5), (True, 2e-2)])
def test_loss_and_gradients_are_those_of_torch(smoothing: float, half: bool, apart: float) -> None:
    torch.manual_seed(0)
    parts = (3 * torch.randn(300, 16), torch.randn(70, 16), torch.randn(70))
    targets = torch.randint(70, (300,))
    queries, vectors, bias = (part.clone().requires_grad_() for part in parts)
    scores = queries @ vectors.T + bias
    loss = functional.cross_entropy(scores, targets, label_smoothing=smoothing)
    loss.backward()  # type: ignore[no-untyped-call]
    made = softmax_gradients(*parts, targets, smoothing, half)
    assert float(made.loss) / 300 == pytest.approx(loss.item(), rel=apart)
    pairs = ((made.queries, queries), (made.vectors, vectors), (made.bias, bias))
    for ours, theirs in pairs:
        assert theirs.grad is not None
        assert (ours - theirs.grad).norm() <= apart * theirs.grad.norm()


def test_one_huge_score_overflows_nothing() -> None:
    made = softmax_gradients(
        torch.tensor([[1e4]]), torch.tensor([[1.0], [-1.0]]), torch.zeros(2), torch.tensor([1])
    )
    assert float(made.loss) == pytest.approx(2e4)
    assert made.bias.tolist() == [1.0, -1.0]
