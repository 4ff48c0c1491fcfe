"""What a recommender doesn't use costs nothing when it is gone; what it uses does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.corpus.split import leave_last_out
from core.corpus.store import Corpus
from core.domain import Event, EventKind, History, Part, Stopped
from core.evaluate.ablations import (
    VARIANTS,
    ablate,
    load_ablation,
    save_ablation,
    shuffled,
    steps_of,
)
from core.measure.cases import Case, leave_last_out_cases
from core.recommend.baseline import fit_baselines
from core.recommend.training_data import TrainingData

from ..conftest import START


@dataclass(frozen=True)
class Reads:
    """Knows the answer exactly while the part that it reads is there."""

    part: str
    corpus: Corpus
    answers: dict[str, str]
    id: str = "reads"

    def log_probabilities(self, histories: Sequence[History]) -> np.ndarray:
        n = len(self.corpus.item_ids)
        chances = np.full((len(histories), n), 1.0 / n)
        for row, history in enumerate(histories):
            if self._sees(history):
                chances[row] = 0.1 / (n - 1)
                chances[row, self.corpus.item_index[self.answers[history.user_id]]] = 0.9
        return np.log(chances).astype(np.float32)

    def _sees(self, history: History) -> bool:
        events = history.events
        return {
            "text": any(event.words for event in events),
            "ratings": any(event.rating is not None for event in events),
            "order": [event.rating for event in events] == sorted(e.rating or 0 for e in events),
            "time gaps": any(event.timed for event in events),
        }[self.part]


@pytest.fixture(scope="module")
def judged(corpus: Corpus) -> list[Case]:
    """Cases whose events have words, and ratings that count up."""
    found = []
    for case in leave_last_out_cases(corpus, Part.TEST):
        if case.target in case.history.excluded_items():
            continue
        events = tuple(
            replace(event, rating=float(at + 1), text=f"word {at}")
            for at, event in enumerate(case.history.events)
        )
        found.append(replace(case, history=History(case.history.user_id, events)))
    return found


@pytest.mark.parametrize("part", list(VARIANTS))
def test_only_what_is_used_costs(part: str, corpus: Corpus, judged: list[Case]) -> None:
    answers = {case.history.user_id: case.target for case in judged}
    found = ablate(Reads(part, corpus, answers), judged, corpus)
    for name in VARIANTS:
        loss = found.loss(name).difference
        if name == part:
            assert loss.low > 0.3
            assert found.nats(name).low > 0
        elif (part, name) == ("order", "ratings"):
            assert loss.low > 0.3
        else:
            assert loss.mean == 0.0


histories = st.builds(
    lambda names, known: History(
        "u",
        tuple(
            Event(
                item,
                START + timedelta(days=at),
                EventKind.REVIEW if at % 2 else EventKind.VIEW,
                float(at % 5) if known else None,
                None,
                item if known else None,
            )
            for at, item in enumerate(names)
        ),
    ),
    st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=12),
    st.booleans(),
)


@given(histories)
def test_the_moment_stays_the_same(history: History) -> None:
    for change in VARIANTS.values():
        changed = change(history)
        assert changed.at == history.at
        assert changed.excluded_items() == history.excluded_items()
        assert [e.timestamp for e in changed.events] == [e.timestamp for e in history.events]
        assert change(history) == changed
    dealt = sorted(event.item_id for event in shuffled(history).events)
    assert dealt == sorted(event.item_id for event in history.events)


def test_a_baseline_without_order_keeps_its_answers(corpus: Corpus) -> None:
    """Popularity reads nothing of a history, so no part of it can be missed."""
    data = TrainingData.of(corpus, leave_last_out(corpus.events))
    popularity = fit_baselines(data)["popularity"]
    found = ablate(popularity, leave_last_out_cases(corpus, Part.TEST), corpus)
    for name in VARIANTS:
        np.testing.assert_array_equal(found.without[name].rank, found.whole.rank)
        assert not found.loss(name).decided
    assert not found.without["text"].changed.any()
    assert found.without["time gaps"].changed.all()


def test_the_steps_of_one_user_are_cases_that_can_be_hit(corpus: Corpus) -> None:
    user = max(corpus.user_ids, key=lambda user_id: len(corpus.history(user_id)))
    history = corpus.history(user)
    found = steps_of(corpus, user)
    assert found
    for case in found:
        assert history.events[len(case.history)].item_id == case.target
        assert case.target not in case.history.excluded_items()


def test_it_comes_back_and_only_for_its_own_question(
    corpus: Corpus, judged: list[Case], tmp_path: Path
) -> None:
    answers = {case.history.user_id: case.target for case in judged}
    ablation = ablate(Reads("text", corpus, answers), judged, corpus)
    path = tmp_path / "ablation.safetensors"
    save_ablation(ablation, path, "one")
    found = load_ablation(path, "one")
    assert found is not None
    assert (found.users, found.recommender, found.k) == (ablation.users, "reads", 10)
    for name in VARIANTS:
        assert found.loss(name) == ablation.loss(name)
        np.testing.assert_array_equal(found.without[name].changed, ablation.without[name].changed)
    assert load_ablation(path, "two") is None
    path.write_bytes(b"nonsense")
    with pytest.raises(ValueError):
        load_ablation(path, "one")


def test_it_stops(corpus: Corpus, judged: list[Case]) -> None:
    with pytest.raises(Stopped):
        ablate(Reads("text", corpus, {}), judged, corpus, stop=lambda: True)
