"""The softmax by hand has the loss and the gradients of torch's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from core.model import candidates
from core.model.candidates import Met
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


@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_a_sample_counts_for_what_it_stands_for(smoothing: float) -> None:
    """By torch: the softmax over a row's own target, and all others by their chances."""
    torch.manual_seed(0)
    parts = (torch.randn(40, 8), torch.randn(25, 8), torch.randn(25))
    targets, chance = torch.randint(25, (40,)), torch.rand(25) * 0.9 + 0.1
    queries, vectors, bias = (part.clone().requires_grad_() for part in parts)
    weight = -chance.log().expand(40, 25).clone()
    weight[torch.arange(40), targets] = 0.0
    scores = queries @ vectors.T + bias + weight
    stands_for = weight.exp() / weight.exp().sum(1, keepdim=True)
    even = ((scores - weight) * stands_for).sum(1)
    own = (scores - weight)[torch.arange(40), targets]
    loss = (scores.logsumexp(1) - (1 - smoothing) * own - smoothing * even).mean()
    loss.backward()  # type: ignore[no-untyped-call]
    made = softmax_gradients(*parts, targets, smoothing, log_chance=chance.log())
    assert float(made.loss) / 40 == pytest.approx(loss.item(), rel=1e-5)
    for ours, theirs in ((made.queries, queries), (made.vectors, vectors), (made.bias, bias)):
        assert theirs.grad is not None
        torch.testing.assert_close(ours, theirs.grad, atol=1e-6, rtol=1e-4)


def test_a_sample_of_everything_is_smoothed_as_the_whole() -> None:
    torch.manual_seed(0)
    parts = (torch.randn(40, 8), torch.randn(25, 8), torch.randn(25), torch.randint(25, (40,)))
    whole = softmax_gradients(*parts, 0.2)
    made = softmax_gradients(*parts, 0.2, log_chance=torch.zeros(25))
    for name in ("loss", "queries", "vectors", "bias"):
        torch.testing.assert_close(getattr(made, name), getattr(whole, name), atol=1e-5, rtol=1e-5)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**16))
def test_samples_add_up_to_the_whole_softmax_on_average(seed: int) -> None:
    torch.manual_seed(seed)
    counts = torch.randint(1, 30, (120,)).double()
    met = Met(torch.arange(0, 240, 2), counts / counts.sum())
    scores = torch.randn(240).double().exp()
    sums = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(candidates, "FULL_SOFTMAX_ITEMS", 100)
        for _ in range(4_000):
            drawn = torch.multinomial(met.share, 15, replacement=True)
            found = met.candidates(met.items[drawn], 30)
            assert found.log_chance is not None and (found.items.diff() > 0).all()
            sums.append((scores[found.items] / found.log_chance.double().exp()).sum())
    whole, apart = scores[met.items].sum(), torch.stack(sums)
    assert (apart.mean() - whole).abs() < 5 * apart.std() / 4_000**0.5


def test_a_usual_catalogue_is_taken_whole() -> None:
    met = Met.of(torch.tensor([True, False, True]), np.array([0, 2, 2, -1]))
    assert met.share.tolist() == [1 / 3, 2 / 3]
    found = met.candidates(torch.tensor([2]), 1)
    assert found.items.tolist() == [0, 2] and found.log_chance is None


def test_one_huge_score_overflows_nothing() -> None:
    made = softmax_gradients(
        torch.tensor([[1e4]]), torch.tensor([[1.0], [-1.0]]), torch.zeros(2), torch.tensor([1])
    )
    assert float(made.loss) == pytest.approx(2e4)
    assert made.bias.tolist() == [1.0, -1.0]
