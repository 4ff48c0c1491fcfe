"""Refitted weights gain where the newest cases need others, and are not taken where they don't."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from core.domain import DomainError, Event, EventKind, History
from core.measure.cases import Case
from core.measure.metrics import Interval
from core.recommend.joint import Joint, fit_joint
from core.recommend.training_data import TrainingData
from core.strategy.adjusted import Adjusted, Settings
from core.strategy.price import Price, Prices, priced_cases, prices_of
from core.strategy.reweighing import reweigh
from core.views.quality.strategy import price_sentence

ITEMS = tuple(f"i{number:02}" for number in range(30))
START = datetime(2024, 1, 1, tzinfo=UTC)
N = 320


class Oracle:
    """Knows the target of some cases; says the wrong thing in the others."""

    def __init__(self, id: str, answers: dict[str, str]) -> None:
        self.id, self.answers = id, answers

    def log_probabilities(self, histories) -> np.ndarray:
        logits = np.zeros((len(histories), len(ITEMS)), np.float32)
        for row, history in enumerate(histories):
            logits[row, ITEMS.index(self.answers[history.user_id])] = 3.0
        return logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))


def world(turns_at: float) -> tuple[Joint, TrainingData]:
    """Until a share of the cases "old" knows the target, from then on "young" does."""
    rng = np.random.default_rng(0)
    cases, old, young = [], {}, {}
    for number in range(N):
        user, when = f"u{number:03}", START + timedelta(days=number)
        first, target, wrong = rng.choice(len(ITEMS), 3, replace=False)
        event = Event(ITEMS[first], when, EventKind.PURCHASE)
        cases.append(Case(History(user, (event,)), ITEMS[target], when + timedelta(hours=1)))
        right, other = ITEMS[target], ITEMS[wrong]
        is_old = number < turns_at * N
        old[user], young[user] = (right, other) if is_old else (other, right)
    items = np.arange(len(ITEMS), dtype=np.int64)
    data = TrainingData(ITEMS, items, items, items, validation=tuple(cases))
    return fit_joint([Oracle("old", old), Oracle("young", young)], data), data


def test_a_turn_among_the_newest_cases_is_found(corpus) -> None:
    joint, data = world(turns_at=0.45)
    found = reweigh(corpus, "m", joint, data)
    assert found.is_better
    assert found.test.difference.mean == pytest.approx(found.new - found.old)
    weights = {each.component: each for each in found.weights}
    assert weights["young"].new > weights["young"].old
    assert found.held_out == N // 4


def test_where_nothing_turned_the_old_weights_stay(corpus) -> None:
    joint, data = world(turns_at=1.0)
    assert not reweigh(corpus, "m", joint, data).is_better


def test_what_is_newest_must_be_known(corpus) -> None:
    joint, data = world(turns_at=1.0)
    untimed = replace(corpus, manifest=corpus.manifest.model_copy(update={"order_as_time": True}))
    with pytest.raises(DomainError, match="no times"):
        reweigh(untimed, "m", joint, data)
    with pytest.raises(DomainError, match="a refit needs"):
        reweigh(corpus, "m", joint, replace(data, validation=data.validation[:20]))


def test_a_price_is_the_difference_to_lists_by_score() -> None:
    joint, data = world(turns_at=1.0)
    vectors = np.eye(len(ITEMS), dtype=np.float32)
    adjusted = Adjusted.of("x", joint, Settings(), vectors, None)
    free, dear = prices_of(adjusted, [Settings(), Settings(0.5, 0.0)], data)
    assert free.price.mean == 0
    assert dear.price.mean == pytest.approx(dear.ndcg.mean - free.ndcg.mean)


def test_prices_ask_about_targets_that_may_be_listed_and_few_of_them_tell_none() -> None:
    _, data = world(turns_at=1.0)
    case = data.validation[0]
    had = replace(case, target=next(iter(case.history.excluded_items())))
    assert priced_cases(replace(data, validation=(had, case))) == (case,)
    free = Interval(0.0, 0.0, 0.0)
    prices = Prices((Price(Settings(), free, free, 0.0, 0.0),) * 2, (), 29, 0, 9)
    assert price_sentence(prices) == "There are too few validation cases (29) to tell a price."
    assert "no significant price" in price_sentence(replace(prices, cases=30))
