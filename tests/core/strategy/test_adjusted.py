"""Re-ranking: what stays, what new items get, and that explanations and lists tell it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.corpus.store import Library
from core.domain import DomainError
from core.engine import Engine
from core.evaluate.protocols import find_report
from core.explain.explanation import Explanation
from core.explain.ladder import Cause
from core.ranking import ExcludedItems, top_items
from core.strategy import adjusted as adjusting
from core.strategy.adjusted import PLACES, RERANKING, Settings, rerank
from core.strategy.store import StrategyStore, save_strategy
from core.views.explain.build import build_answer
from core.views.explain.ladder import build_ladder
from core.views.quality.build import build_verdict, strategies_of

N, ITEMS = 6, 260


def drawn(seed: int = 0):
    """Scores of some lists with ties, what is excluded, new items, unit vectors."""
    rng = np.random.default_rng(seed)
    scores = np.log(rng.dirichlet(np.full(ITEMS, 0.2), N) + 1e-9).astype(np.float32).round(1)
    rows = np.repeat(np.arange(N), 4)
    items = np.concatenate([rng.choice(ITEMS, 4, replace=False) for _ in range(N)])
    new = np.zeros(ITEMS, bool)
    new[rng.choice(ITEMS, 30, replace=False)] = True
    vectors = rng.normal(size=(ITEMS, 5)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    return scores, ExcludedItems(rows, items), new, vectors


def greedy(scores, excluded, new, vectors, settings: Settings) -> list[int]:
    """The first places of one list, written anew from the definition."""
    order = [i for i in np.argsort(-scores, kind="stable").tolist() if i not in excluded]
    candidates = order[:100]
    if settings.new_share:
        candidates += [i for i in order[100:] if new[i]][:PLACES]
    low, top = scores[order[min(99, len(order) - 1)]], scores[order[0]]
    relevance = {i: (float(scores[i]) - low) / (top - low) for i in candidates}
    placed: list[int] = []
    while len(placed) < PLACES:
        left = [i for i in candidates if i not in placed]
        owed = int(settings.new_share * (len(placed) + 1) + 1e-9)
        if sum(new[i] for i in placed) < owed and any(new[i] for i in left):
            left = [i for i in left if new[i]]
        value = {
            i: (1 - settings.diversity) * relevance[i]
            - settings.diversity * max((float(vectors[i] @ vectors[j]) for j in placed), default=0)
            for i in left
        }
        placed.append(max(left, key=lambda i: (round(value[i], 6), -candidates.index(i))))
    return placed


@pytest.mark.parametrize("settings", [Settings(0, 0.4), Settings(0.3, 0), Settings(0.2, 0.6)])
def test_lists_are_as_the_definition_says_and_scores_are_only_exchanged(
    settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores, excluded, new, vectors = drawn()
    before = scores.copy()
    rerank(scores, excluded, new, vectors, settings)
    one_by_one = before.copy()
    monkeypatch.setattr(adjusting, "MOST_TABLED", 0)
    rerank(one_by_one, excluded, new, vectors, settings)
    assert (one_by_one == scores).all()
    assert (np.sort(scores, axis=1) == np.sort(before, axis=1)).all()
    assert (scores[excluded.rows, excluded.items] == before[excluded.rows, excluded.items]).all()
    lists = top_items(scores, excluded, PLACES)
    for row in range(N):
        left_out = set(excluded.items[excluded.rows == row].tolist())
        wanted = greedy(before[row], left_out, new, vectors, settings)
        # Equal scores rank by item id, also those that were exchanged.
        assert sorted(scores[row, lists[row]]) == sorted(scores[row, wanted])
        assert [scores[row, i] for i in wanted] == sorted(scores[row, wanted], reverse=True)
        for length in range(1, PLACES + 1) if settings.new_share else ():
            assert new[wanted[:length]].sum() >= int(settings.new_share * length + 1e-9)


def test_without_settings_nothing_moves() -> None:
    assert not Settings().reranks
    with pytest.raises(DomainError, match="diversity can't be 1"):
        Settings(0, 1.0)


@pytest.fixture(scope="module")
def adjusted(demo_engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """The demo's engine with a strategy that diversifies much."""
    library = Library.open(tmp_path_factory.mktemp("strategies"))
    save_strategy(library, "demo", "diverse", demo_engine.model_id, Settings(0.2, 0.6), None, "try")
    other = demo_engine.renewed()
    other.library = library
    return other


def test_a_strategy_is_a_recommender_and_its_explanation_says_what_it_moved(
    adjusted: Engine, busy_user: str
) -> None:
    history = adjusted.corpus.history(busy_user)
    joint, diverse = (
        [item.item_id for item in adjusted.recommend(history, 10, name).items]
        for name in ("joint", "diverse")
    )
    entered = next(item for item in diverse if item not in joint)
    lost = next(item for item in joint if item not in diverse)
    answer = Explanation(adjusted, history, entered, "diverse", seconds=0.01)
    assert answer.moved_from is not None and answer.moved_from > 10
    assert answer.components is not None and answer.components[RERANKING] > 0
    shares = answer._shares(answer.recommender.recommender.joint, entered)
    assert sum(shares.values()) == pytest.approx(float(answer.scores[answer.item]), abs=1e-3)
    assert f"from rank {answer.moved_from}" in build_answer(answer).standing
    why_not = Explanation(adjusted, history, lost, "diverse")
    ladder, view = why_not.ladder, build_ladder(why_not)
    assert view is not None and "re-ranking costs" in view.sentence
    assert ladder is not None and ladder.cause is Cause.RERANKED
    last = adjusted.corpus.item_index[diverse[-1]]
    scores = adjusted.recommender("diverse").log_probabilities([history])[0]
    margin = scores[adjusted.corpus.item_index[lost]] - scores[last]
    assert sum(rung.margin for rung in ladder.rungs) == pytest.approx(float(margin), abs=1e-3)


def test_fingerprints_tell_settings_apart(adjusted: Engine) -> None:
    library = adjusted.library
    assert library is not None
    before = adjusted.fingerprint("diverse")
    save_strategy(library, "demo", "diverse", adjusted.model_id, Settings(0.2, 0.5), None, "less")
    assert adjusted.renewed().fingerprint("diverse") != before
    save_strategy(library, "demo", "elsewhere", "another-model", Settings(), None, "")
    with pytest.raises(DomainError, match="adjusts model another-model"):
        adjusted.recommender("elsewhere")


def test_a_damaged_store_is_told_and_the_model_s_recommenders_work(
    demo_engine: Engine, tmp_path: Path
) -> None:
    (tmp_path / StrategyStore.file_name).write_bytes(b"not a database at all" * 100)
    engine = demo_engine.renewed()
    engine.library = Library.open(tmp_path)
    assert "joint" in engine.recommenders
    assert "damaged" in str(engine.failures[StrategyStore.file_name])


def test_a_strategy_is_no_baseline(adjusted: Engine) -> None:
    assert strategies_of(adjusted) == ("diverse",)
    judged = find_report(adjusted.corpus, adjusted.library, adjusted.folder)
    joint = judged.result("joint")
    rank = np.maximum(joint.rank - 1, 1)  # better than every baseline
    report = replace(
        judged, results=(*judged.results, replace(joint, recommender="diverse", rank=rank))
    )
    assert "diverse" in build_verdict(report, (), "joint")
    assert "diverse" not in build_verdict(report, (), "joint", strategies_of(adjusted))
