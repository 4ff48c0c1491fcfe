"""Fitting: it finds what is there, holds for items nobody met, and repeats itself."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch

from core import threads
from core.domain import Stopped
from core.model import candidates, fitting
from core.model.batches import EventTable, FittingData, epoch_batches
from core.model.candidates import Met
from core.model.config import InterestConfig
from core.model.fitting import Fit, fit_network
from core.model.network import InterestNetwork
from core.model.sequences import FEATURES, EncodedEvents
from core.model.start import item_tower
from core.model.step import Sharded, backward

N_ITEMS, N_USERS, LENGTH, TEXT = 20, 120, 12, 8
CONFIG = InterestConfig(
    dim=16, hidden=24, epochs=25, patience=25, learning_rate=5e-3, batch_users=30
)


def cycle(seed: int = 0) -> tuple[FittingData, np.ndarray, np.ndarray]:
    """Users who walk through the items in a fixed order from a random start.

    After item k comes item k + 1: only a model that reads the last event can know it.
    """
    rng = np.random.default_rng(seed)
    starts = rng.integers(N_ITEMS, size=N_USERS)
    items = (starts[:, None] + np.arange(LENGTH)) % N_ITEMS
    n = N_USERS * LENGTH
    events = EncodedEvents(
        items.ravel().astype(np.int64),
        np.zeros(n, np.int64),
        np.zeros((n, len(FEATURES)), np.float32),
        np.zeros((n, TEXT), np.float32),
        np.tile(np.arange(LENGTH) * 86400.0, N_USERS),
    )
    data = FittingData(
        events,
        np.arange(0, n + 1, LENGTH),
        np.full(N_USERS, LENGTH - 2),
        np.arange(N_USERS),
        np.ones(n, bool),
    )
    train = (np.arange(n) % LENGTH) < LENGTH - 2
    return data, np.repeat(np.arange(N_USERS), LENGTH)[train], events.item[train]


def fit(config: InterestConfig = CONFIG, **more: object) -> Fit:
    data, users, items = cycle()
    nothing = np.zeros((N_ITEMS, TEXT), np.float32)
    tower = item_tower(users, items, nothing, nothing, config)
    return fit_network(data, tower, config, **more)  # type: ignore[arg-type]


def test_it_learns_what_follows_what() -> None:
    fitted = fit()
    assert fitted.curve[fitted.best_epoch].validation_ndcg > 0.95
    assert fitted.curve[0].validation_ndcg < 0.7


def test_where_nobody_has_an_item_twice_own_items_do_not_lead_the_list() -> None:
    """Views exclude nothing, and a decayed mean of items is most like those items."""
    data, users, items = cycle()
    nothing = np.zeros((N_ITEMS, TEXT), np.float32)
    config = replace(CONFIG, epochs=2, learning_rate=1e-3)
    views = replace(data, excluding=np.zeros_like(data.excluding))
    reached = {}
    for name, of in (("views", views), ("purchases", data)):
        reached[name] = fit_network(of, item_tower(users, items, nothing, nothing, config), config)
    gained = [made.curve[-1].validation_ndcg for made in reached.values()]
    assert reached["views"].repeat_offset < -1 and reached["purchases"].repeat_offset == 0
    assert gained[0] == pytest.approx(gained[1], abs=0.05)
    assert (
        fit_network(
            views, item_tower(users, items, nothing, nothing, config), config, epochs=1
        ).repeat_offset
        == 0
    )  # nobody was judged


def test_an_epoch_of_few_histories_takes_smaller_steps() -> None:
    data, _, _ = cycle()
    many = replace(
        data,
        starts=np.zeros(20_001, np.int64),
        train_lengths=np.ones(20_000, np.int64),
    )
    for of, most, steps in ((data, 256, 2), (data, 30, 4), (many, 256, 80), (many, 100, 200)):
        batches = epoch_batches(of, replace(CONFIG, batch_users=most), np.random.default_rng(0))
        assert len(batches) == steps


def test_the_best_epoch_is_the_one_kept() -> None:
    fitted = fit(replace(CONFIG, epochs=6))
    best = max(line.validation_ndcg for line in fitted.curve)
    assert fitted.curve[fitted.best_epoch].validation_ndcg == best


def test_patience_ends_training() -> None:
    fitted = fit(replace(CONFIG, epochs=60, patience=2))
    assert len(fitted.curve) - 1 <= fitted.best_epoch + 2


def test_the_same_seed_gives_the_same_weights() -> None:
    one, two = fit(replace(CONFIG, epochs=2)), fit(replace(CONFIG, epochs=2))
    other = fit(replace(CONFIG, epochs=2, seed=1))
    assert np.array_equal(one.item_vectors.numpy(), two.item_vectors.numpy())
    for name, value in one.network.state_dict().items():
        assert np.array_equal(value.numpy(), two.network.state_dict()[name].numpy()), name
    assert not np.array_equal(one.item_vectors.numpy(), other.item_vectors.numpy())


@pytest.mark.parametrize("negatives", [None, 8])
def test_many_events_give_the_same_weights_on_any_number_of_processors(
    negatives: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the whole softmax and with a sample of it, whatever torch has for threads."""
    monkeypatch.setattr(fitting, "SHARDED_EVENTS", 0)
    if negatives:
        monkeypatch.setattr(candidates, "FULL_SOFTMAX_ITEMS", 10)
    config = replace(CONFIG, epochs=2, dim=64, negatives=negatives or CONFIG.negatives)
    made, usual = [], torch.get_num_threads()
    for processors, torch_has in ((1, 1), (2, 4), (2, 1)):
        monkeypatch.setattr(threads, "at_once", lambda of=processors: of)
        torch.set_num_threads(torch_has)
        made.append(fit(config))
        assert torch.get_num_threads() == torch_has
    torch.set_num_threads(usual)
    for other in made[1:]:
        assert other.curve[-1].validation_ndcg == made[0].curve[-1].validation_ndcg
        assert np.array_equal(other.item_vectors.numpy(), made[0].item_vectors.numpy())
        for name, value in made[0].network.state_dict().items():
            assert np.array_equal(value.numpy(), other.network.state_dict()[name].numpy()), name


def test_shards_have_the_gradients_of_the_whole_batch() -> None:
    config = replace(CONFIG, dropout=0, id_dropout=0, part_dropout=0, text_dropout=0)
    data, users, items = cycle()
    nothing = np.zeros((N_ITEMS, TEXT), np.float32)
    tower = item_tower(users, items, nothing, nothing, config)
    network = InterestNetwork(config, TEXT)
    table, met = EventTable.of(data.events), Met.of(tower.seen, data.training_items)
    rows = [np.arange(at, at + 10 - at // LENGTH) for at in data.starts[:7].tolist()]
    made = []
    for learn in (backward, Sharded(network).backward):
        network.zero_grad()
        tower.zero_grad()
        loss, count = learn(data, rows, network, tower, met, table, config, False)
        weights = [*network.parameters(), *tower.parameters()]
        made.append([loss.numpy(), *(w.grad.numpy().copy() for w in weights if w.grad is not None)])
        assert count == sum(map(len, rows))
    assert len(made[0]) == len(made[1]) > 10
    for whole, sharded in zip(*made, strict=True):
        np.testing.assert_allclose(sharded, whole, rtol=1e-4, atol=1e-6)


def test_early_stopping_waits_for_fewer_epochs_of_many_events() -> None:
    few, many = InterestConfig.usual(1_000), InterestConfig.usual(1_000_000)
    assert few == InterestConfig()
    assert many.patience < few.patience
    assert replace(many, patience=few.patience) == few


def test_many_events_are_learned_as_few_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitting, "SHARDED_EVENTS", 0)
    assert max(line.validation_ndcg or 0 for line in fit().curve) > 0.95


@pytest.fixture
def four_threads() -> Iterator[None]:
    usual = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(usual)


def test_the_same_seed_gives_the_same_weights_beside_other_fits(four_threads: None) -> None:
    """Gradients of one row were added up in any order, and two fits shared random numbers."""
    config = replace(CONFIG, epochs=2, dim=64, batch_users=N_USERS)
    alone = fit(config).item_vectors.numpy()
    with ThreadPoolExecutor(3) as pool:
        beside = list(pool.map(fit, [config, replace(config, seed=1), config, config]))
    same = [np.array_equal(other.item_vectors.numpy(), alone) for other in beside]
    assert same == [True, False, True, True]


def test_stop_is_heard() -> None:
    with pytest.raises(Stopped):
        fit(stop=lambda: True)


def test_progress_tells_loss_validation_and_time_left() -> None:
    seen = []
    fit(replace(CONFIG, epochs=2), progress=seen.append)
    assert seen[-1].done == 2 * 4 and seen[-1].total == 2 * 4
    assert {"loss", "validation NDCG@10"} <= set(seen[-1].figures)
    assert seen[-1].seconds_left is not None


def test_the_last_epochs_figures_are_told() -> None:
    seen = []
    fitted = fit(replace(CONFIG, epochs=2), progress=seen.append)
    last = fitted.curve[-1]
    assert seen[-1].figures == {
        "loss": last.loss,
        "validation loss": last.validation_loss,
        "validation NDCG@10": last.validation_ndcg,
    }
    # What follows what is learned, so the loss of events that were held out falls with it.
    start = fitted.curve[0].validation_loss
    assert start is not None and last.validation_loss < start
    assert 0.1 < last.validation_loss / last.loss < 10


def test_an_item_nobody_met_is_found_by_its_text() -> None:
    """Items come in two kinds of text; users stay within a kind; one item was never met."""
    rng = np.random.default_rng(1)
    kind = np.arange(N_ITEMS) % 2
    title = np.zeros((N_ITEMS, TEXT), np.float32)
    title[np.arange(N_ITEMS), kind] = 1.0
    title += rng.normal(scale=0.1, size=title.shape).astype(np.float32)
    title /= np.linalg.norm(title, axis=1, keepdims=True)
    owner = np.arange(N_USERS) % 2
    items = np.stack(
        [rng.permutation(np.arange(2 + o, N_ITEMS, 2))[:8] for o in owner]
    )  # items 0 and 1 are never met
    n = items.size
    events = EncodedEvents(
        items.ravel().astype(np.int64),
        np.zeros(n, np.int64),
        np.zeros((n, len(FEATURES)), np.float32),
        np.zeros((n, TEXT), np.float32),
        np.tile(np.arange(8) * 86400.0, N_USERS),
    )
    data = FittingData(
        events, np.arange(0, n + 1, 8), np.full(N_USERS, 6), np.arange(N_USERS), np.ones(n, bool)
    )
    train = (np.arange(n) % 8) < 6
    config = replace(CONFIG, epochs=5, id_dropout=0.5)
    tower = item_tower(
        np.repeat(np.arange(N_USERS), 8)[train],
        events.item[train],
        title,
        np.zeros_like(title),
        config,
    )
    fitted = fit_network(data, tower, config)
    batch = EventTable.of(events).batch([np.arange(6), np.arange(8, 14)])
    with torch.inference_mode():
        queries = fitted.network(batch, fitted.item_vectors)[:, -1]
        scores = fitted.network.scores(queries, fitted.item_vectors, fitted.item_bias).numpy()
    assert scores[0, 0] > scores[0, 1]  # the user of kind 0 gets the unmet item of kind 0
    assert scores[1, 1] > scores[1, 0]


def test_a_bound_holds_ids_near_their_start() -> None:
    free, bound = fit(replace(CONFIG, epochs=4)), fit(replace(CONFIG, epochs=4, id_bound=0.05))
    assert not torch.equal(free.item_vectors, bound.item_vectors)
    data, users, items = cycle()
    nothing = np.zeros((N_ITEMS, TEXT), np.float32)
    tower = item_tower(users, items, nothing, nothing, CONFIG)
    before = tower.ids.detach().clone()
    fit_network(data, tower, replace(CONFIG, epochs=4, id_bound=0.05))
    moved = (tower.ids.detach() - before).norm(dim=1)
    assert 0.049 < moved.max() < 0.0501


def test_an_average_is_judged_and_kept() -> None:
    plain = fit(replace(CONFIG, epochs=3, averaging=0.0))
    averaged = fit(replace(CONFIG, epochs=3, averaging=0.9))
    again = fit(replace(CONFIG, epochs=3, averaging=0.9))
    assert torch.equal(averaged.item_vectors, again.item_vectors)
    assert not torch.equal(averaged.item_vectors, plain.item_vectors)
    assert averaged.curve[-1].validation_ndcg != plain.curve[-1].validation_ndcg


def test_a_number_of_epochs_that_was_chosen_before_is_trained_and_nobody_judged() -> None:
    fitted = fit(CONFIG, epochs=2)
    assert [line.validation_ndcg for line in fitted.curve] == [None] * 3
    assert fitted.best_epoch == 2
    assert fit(CONFIG, epochs=0).best_epoch == 0


def test_items_without_text_keep_their_id_in_training() -> None:
    _, users, items = cycle()
    title = np.zeros((N_ITEMS, TEXT), np.float32)
    title[:10, :3] = np.random.default_rng(0).normal(size=(10, 3))
    tower = item_tower(users, items, title, np.zeros_like(title), CONFIG)
    tower.id_dropout = 0.999
    torch.manual_seed(0)
    vectors, bias = tower.train()()
    assert torch.equal(bias[10:], tower.bias[10:]) and (bias[:10] == 0).any()
    assert (vectors[10:].norm(dim=1) > 0.9).all()
