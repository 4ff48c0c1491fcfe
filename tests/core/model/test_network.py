"""The network: its equations, and that padding and company change nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from core.domain import DomainError, Event, EventKind, History
from core.encode.sentiment import SentimentModel
from core.model.batches import EventTable
from core.model.config import InterestConfig
from core.model.interest import InterestModel
from core.model.network import InterestNetwork, ItemTower
from core.model.sequences import EventEncoder

CONFIG = InterestConfig(dim=12, hidden=10, decays=(0.5, 0.9), dropout=0.0)
ITEMS = tuple(f"item-{number:02}" for number in range(9))
START = datetime(2024, 1, 1, tzinfo=UTC)


def text_vectors(texts):  # type: ignore[no-untyped-def]
    """Any fixed vectors will do here; the real encoder has tests of its own."""
    return np.stack([np.cos(np.arange(6) * (1 + len(text))) for text in texts]).astype(np.float32)


@pytest.fixture(scope="module")
def network() -> InterestNetwork:
    torch.manual_seed(3)
    network = InterestNetwork(CONFIG, text_dim=6, kinds=8)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.3)
        network.kind_in.weight[-1].zero_()
    return network.eval()


@pytest.fixture(scope="module")
def model(network: InterestNetwork) -> InterestModel:
    vectors = torch.nn.functional.normalize(torch.randn(len(ITEMS), CONFIG.dim), dim=1)
    sentiment = SentimentModel(np.full(6, 0.3, np.float32), 0.0, "e", "c")
    events = EventEncoder(
        {item: at for at, item in enumerate(ITEMS)}, (1.0, 5.0), sentiment, text_vectors, 6
    )
    bias = torch.randn(len(ITEMS)).numpy()
    return InterestModel(CONFIG, network, ITEMS, vectors.numpy(), bias, events)


events = st.lists(
    st.builds(
        lambda item, days, kind, rating, text, timed: Event(
            item, START + timedelta(days=days), kind, rating, None, text, timed
        ),
        st.sampled_from([*ITEMS, ""]),
        st.floats(0, 900),
        st.sampled_from(list(EventKind)),
        st.sampled_from([None, 1.0, 3.0, 5.0]),
        st.sampled_from([None, "fine", "not good at all"]),
        st.booleans(),
    ),
    max_size=12,
)
histories = st.builds(lambda happened: History("u", tuple(happened)), events)


@settings(max_examples=60, deadline=None)
@given(st.lists(histories, min_size=3, max_size=6))
def test_padded_batches_equal_single_histories(model: InterestModel, asked: list[History]) -> None:
    together = model.log_probabilities(asked)
    alone = np.concatenate([model.log_probabilities([history]) for history in asked])
    assert np.abs(together - alone).max() < 1e-4
    assert np.abs(np.exp(alone).sum(1) - 1).max() < 1e-5


@settings(max_examples=30, deadline=None)
@given(st.lists(histories, min_size=3, max_size=6))
def test_histories_of_one_user_are_those_of_several(
    model: InterestModel, asked: list[History]
) -> None:
    others = [replace(history, user_id=f"u{at}") for at, history in enumerate(asked)]
    assert np.abs(model._batched(asked) - model._batched(others)).max() < 1e-5


def test_what_histories_of_one_user_share_is_run_once(
    model: InterestModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    happened = [Event(ITEMS[day], START + timedelta(days=day), EventKind.VIEW) for day in range(6)]
    ends = [replace(happened[5], rating=float(stars)) for stars in range(1, 6)]
    run, cell = [], torch.lstm_cell

    def counted(read: torch.Tensor, *rest: Any) -> Any:
        run.append(len(read))
        return cell(read, *rest)

    monkeypatch.setattr(torch, "lstm_cell", counted)
    model._batched([History("u", (*happened[:5], end)) for end in ends])
    assert run == [1, 1, 1, 1, 1, 5]


def test_long_histories_run_in_pieces(model: InterestModel, network: InterestNetwork) -> None:
    times = [START + timedelta(days=day) for day in range(600)]
    happened = [Event(ITEMS[day % 9], time, EventKind.VIEW) for day, time in enumerate(times)]
    history = History("u", tuple(happened))
    batch = EventTable.of(model.events.encode(happened)).batch([np.arange(600)])
    with torch.inference_mode():
        expected = network(batch, torch.from_numpy(model.item_vectors))[0].numpy()
    assert np.abs(model.states(history) - expected).max() < 1e-4


def test_prefixes_of_one_history_are_its_states(model: InterestModel) -> None:
    happened = [Event(ITEMS[day], START + timedelta(days=day), EventKind.VIEW) for day in range(9)]
    history = History("u", tuple(happened))
    prefixes = [history.up_to(step) for step in (4, 9, 0, 2)]
    expected = model.log_probabilities_of(model.states(history)[[4, 9, 0, 2]])
    assert np.abs(model.log_probabilities(prefixes) - expected).max() < 1e-5


@settings(max_examples=30, deadline=None)
@given(st.lists(histories, min_size=3, max_size=4))
def test_items_of_the_history_are_moved_by_the_repeat_offset(
    model: InterestModel, asked: list[History]
) -> None:
    moved = replace(model, repeat_offset=-2.0)
    before, after = model.log_probabilities(asked), moved.log_probabilities(asked)
    assert np.abs(np.exp(after).sum(1) - 1).max() < 1e-5
    for history, old, new in zip(asked, before, after, strict=True):
        own = np.isin(ITEMS, [event.item_id for event in history.events])
        shift = new - old
        shift[own] += 2.0
        assert np.ptp(shift) < 2e-3
    assert np.abs(moved.states(asked[0]) - model.states(asked[0])).max() < 1e-5


@settings(max_examples=60, deadline=None)
@given(events, st.integers(0, 12))
def test_the_prefix_cache_changes_nothing(
    model: InterestModel, happened: list[Event], cut: int
) -> None:
    model.forget()
    whole = model.states(History("u", tuple(happened)))
    model.forget()
    model.states(History("u", tuple(happened[:cut])))
    resumed = model.states(History("u", tuple(happened)))
    assert np.abs(whole - resumed).max() < 1e-5


@settings(max_examples=40, deadline=None)
@given(histories)
def test_stepwise_states_follow_the_network(
    model: InterestModel, network: InterestNetwork, history: History
) -> None:
    encoded = model.events.encode(history.events)
    batch = EventTable.of(encoded).batch([np.arange(len(history))])
    with torch.inference_mode():
        expected = network(batch, torch.from_numpy(model.item_vectors))[0].numpy()
    assert np.abs(model.states(history) - expected).max() < 1e-4


def test_a_memory_is_the_decayed_mean_of_items(model: InterestModel) -> None:
    """The closed form of the docstring, with LSTM and text silenced."""
    torch.manual_seed(0)
    network = InterestNetwork(CONFIG, text_dim=6, kinds=8).eval()
    with torch.no_grad():
        network.hidden_out.weight.zero_()
        network.hidden_out.bias.zero_()
        network.text_out.weight.zero_()
        network.text_out.bias.zero_()
    silent = InterestModel(
        CONFIG, network, ITEMS, model.item_vectors, model.item_bias, model.events
    )
    happened = tuple(
        Event(ITEMS[at], START + timedelta(days=at), EventKind.VIEW) for at in (4, 1, 7)
    )
    x = model.item_vectors[[4, 1, 7]]
    expected = sum(
        0.5 * (np.array([a**2, a, 1.0])[:, None] * x).sum(0) / (a**2 + a + 1.0)
        for a in CONFIG.decays
    )
    assert np.allclose(silent.states(History("u", happened))[-1], expected, atol=1e-5)


def test_order_matters(model: InterestModel) -> None:
    first = Event(ITEMS[0], START, EventKind.VIEW)
    second = Event(ITEMS[1], START, EventKind.VIEW)
    one = model.log_probabilities([History("u", (first, second))])
    other = model.log_probabilities([History("u", (second, first))])
    assert np.abs(one - other).max() > 1e-3


def test_every_part_of_an_event_is_read(model: InterestModel) -> None:
    before = Event(ITEMS[2], START, EventKind.VIEW)
    full = Event(ITEMS[0], START + timedelta(days=3), EventKind.REVIEW, 5.0, None, "fine")
    base = model.log_probabilities([History("u", (before, full))])
    changed = {
        "item": Event("", full.timestamp, full.kind, 5.0, None, "fine"),
        "kind": Event(ITEMS[0], full.timestamp, EventKind.VIEW, 5.0, None, "fine"),
        "rating": Event(ITEMS[0], full.timestamp, full.kind, 1.0, None, "fine"),
        "text": Event(ITEMS[0], full.timestamp, full.kind, 5.0, None, "not good at all"),
        "time": Event(ITEMS[0], full.timestamp, full.kind, 5.0, None, "fine", timed=False),
    }
    for part, event in changed.items():
        other = model.log_probabilities([History("u", (before, event))])
        assert np.abs(base - other).max() > 1e-5, part


def test_an_item_outside_the_catalogue_is_named(model: InterestModel) -> None:
    stranger = History("u", (Event("no-such-item", START, EventKind.VIEW),))
    with pytest.raises(DomainError, match="no-such-item"):
        model.log_probabilities([stranger])


def test_an_empty_history_has_the_start_state(model: InterestModel) -> None:
    empty = History("u", ())
    assert model.states(empty).shape == (1, CONFIG.dim)
    assert np.array_equal(
        model.log_probabilities([empty]), model.log_probabilities_of(model.states(empty))
    )


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("training", [True, False])
def test_some_rows_of_a_tower_are_those_of_the_whole(told: bool, training: bool) -> None:
    """The same are dropped, and gradients reach the same weights."""
    torch.manual_seed(0)
    n, dim, text = 30, 6, 5
    learned = {
        "ids": torch.randn(n, dim),
        "title_projection": torch.randn(text, dim),
        "reviews_projection": torch.randn(text, dim),
        "bias": torch.randn(n),
    }
    texts = [torch.randn(n, text) * (torch.rand(n, 1) < 0.6) * told for _ in range(2)]
    fixed = {"title": texts[0], "reviews": texts[1], "seen": torch.ones(n, dtype=torch.bool)}
    tower = ItemTower(learned, fixed, 0.5).train(training)
    rows, gradients = torch.tensor([1, 4, 5, 17, 29]), []
    for asked in (None, rows):
        tower.zero_grad()
        torch.manual_seed(7)
        vectors, bias = tower(asked)
        vectors, bias = (vectors, bias) if asked is not None else (vectors[rows], bias[rows])
        (vectors.cos().sum() + (bias**2).sum()).backward()
        made = [weight.grad for weight in tower.parameters() if weight.grad is not None]
        gradients.append([vectors.detach(), bias.detach(), *made])
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other)
