"""Devices: chosen by name, refused in words, and nothing left on the CPU by mistake."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from core.device import choose_device
from core.domain import DomainError
from core.encode.encoder import TextEncoder
from core.model.config import InterestConfig
from core.model.network import Batch, InterestNetwork, drop_parts
from core.model.sequences import FEATURES
from core.model.start import item_tower


def test_an_unknown_or_missing_device_is_refused_with_the_way_out() -> None:
    with pytest.raises(DomainError, match="no device 'tpu'") as refused:
        choose_device("tpu")
    assert "cuda" in refused.value.remedy
    if not torch.cuda.is_available():
        with pytest.raises(DomainError, match="finds no NVIDIA GPU") as refused:
            choose_device("cuda")
        assert "--device cpu" in refused.value.remedy
        assert choose_device("auto").type in ("cpu", "mps")


def test_a_forward_pass_makes_every_tensor_on_the_device() -> None:
    """On the meta device nothing is computed, but a tensor of another device fails."""
    meta, config, users, length = torch.device("meta"), InterestConfig(dim=8, hidden=8), 3, 4
    text = np.ones((6, 5), np.float32)
    tower = item_tower(np.arange(6) % 3, np.arange(6), text, text, config).to(meta).train()
    network = InterestNetwork(config, 5).to(meta).train()
    with meta:
        index = torch.zeros(users, length, dtype=torch.int64)
        features = torch.zeros(users, length, len(FEATURES))
        words = torch.zeros(users, length, 5)
        batch = Batch(index, index, features, words, torch.full((users,), length))
        vectors, bias = tower()
        queries = network(drop_parts(batch, 0.1, 0.5), vectors)
        scores = network.scores(queries, vectors, bias)
    assert scores.shape == (users, length + 1, 6)
    assert scores.device == meta


def test_a_batch_too_large_for_the_memory_is_halved(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = [f"A sturdy stand, number {number}, that holds my bass" for number in range(40)]
    encoder = TextEncoder(precision="fp32")
    expected = encoder.encode(texts)
    network, sizes = encoder._load_network("fp32"), []

    class Small(torch.nn.Module):
        """The real network with room for seven texts."""

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> object:
            if len(input_ids) > 7:
                raise torch.OutOfMemoryError("full")
            sizes.append(len(input_ids))
            return network(input_ids=input_ids, attention_mask=attention_mask)

    monkeypatch.setitem(encoder.__dict__, "_network", Small())
    assert np.allclose(encoder.encode(texts), expected, atol=1e-5)
    assert sum(sizes) == len(texts)
