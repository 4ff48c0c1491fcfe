"""What an update's steps see: the chances of a sample are those of the events that it learns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from core.model import candidates
from core.model.batches import CPU, FittingData
from core.model.candidates import Candidates, Met
from core.model.config import InterestConfig
from core.model.continuing import Lesson, teacher_of
from core.model.fitting import fit_network
from core.model.network import InterestNetwork
from core.model.sequences import FEATURES, EncodedEvents, kind_rows
from core.model.start import item_tower

N_ITEMS, N_USERS, KNOWN, NEW, TEXT = 60, 200, 8, 4, 8
CONFIG = InterestConfig(dim=8, hidden=8, epochs=12, patience=12, batch_users=8, negatives=8)


def fashions() -> FittingData:
    """All items alike in known events; the new ones are about five items alone."""
    rng = np.random.default_rng(0)
    known = rng.integers(N_ITEMS, size=(N_USERS, KNOWN))
    new = rng.integers(5, size=(N_USERS, NEW))
    items = np.hstack([known, new])
    n = items.size
    events = EncodedEvents(
        items.ravel().astype(np.int64),
        np.zeros(n, np.int64),
        np.zeros((n, len(FEATURES)), np.float32),
        np.zeros((n, TEXT), np.float32),
        np.tile(np.arange(KNOWN + NEW) * 86400.0, N_USERS),
    )
    starts = np.arange(0, n + 1, KNOWN + NEW)
    lengths = np.full(N_USERS, KNOWN + NEW)
    return FittingData(events, starts, lengths, np.zeros(0, np.int64), np.ones(n, bool))


def test_samples_of_an_update_stand_for_all_items(monkeypatch: pytest.MonkeyPatch) -> None:
    """The weights of what a step sees add up to the catalogue, whatever became popular."""
    data = fashions()
    nothing = np.zeros((N_ITEMS, TEXT), np.float32)
    users = np.repeat(np.arange(N_USERS), KNOWN + NEW)
    tower = item_tower(users, data.events.item, nothing, nothing, CONFIG)
    network = InterestNetwork(CONFIG, TEXT, kind_rows(data.events.kind))
    vectors, bias = (part.detach() for part in tower())
    lesson = Lesson(
        data=data,
        network=network,
        teacher=teacher_of(network, vectors, bias, tower.seen, CPU),
        known=np.full(N_USERS, KNOWN),
        exemplars=20,
        strength=0.5,
    )
    assert lesson.compared(CONFIG) is None
    with monkeypatch.context() as patch:
        patch.setattr("core.model.continuing.MOST_COMPARED", 20)
        assert lesson.compared(CONFIG) == CONFIG.negatives
    found: list[Candidates] = []
    draw = Met.candidates

    def spy(self: Met, targets: Tensor, negatives: int) -> Candidates:
        found.append(draw(self, targets, negatives))
        return found[-1]

    monkeypatch.setattr(candidates, "FULL_SOFTMAX_ITEMS", 20)
    monkeypatch.setattr(Met, "candidates", spy)
    fit_network(data, tower, replace(CONFIG, epochs=4), lesson=lesson, epochs=4)
    stands_for = torch.zeros(N_ITEMS, dtype=torch.float64)
    for each in found:
        assert each.log_chance is not None
        stands_for[each.items] += 1 / each.log_chance.double().exp()
    stands_for /= len(found)
    assert len(found) > 40
    assert float(stands_for.sum()) == pytest.approx(N_ITEMS, rel=0.1)
    assert stands_for[:5].numpy() == pytest.approx(np.ones(5), abs=0.15)
