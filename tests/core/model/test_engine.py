"""The engine: one door, and everything that comes out of it fits together."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.corpus.store import Corpus, Library
from core.domain import CONSUMING_KINDS, DomainError, Part
from core.engine import Engine
from core.files import load_arrays, write_sums
from core.model.folder import content_id
from core.recommend.protocol import next_ranks


@pytest.fixture(scope="module")
def engine(shelf: Library, shop_corpus: Corpus, model_folder: Path) -> Engine:
    return Engine.open(shop_corpus, model_folder, shelf)


@pytest.fixture(scope="module")
def user(shop_corpus: Corpus) -> str:
    return max(shop_corpus.user_ids, key=lambda user: len(shop_corpus.history(user)))


@pytest.mark.parametrize("recommender", [None, "interest", "ease", "recent-popularity"])
def test_next_ranks_are_the_ranks_in_the_lists(
    engine: Engine, user: str, recommender: str | None
) -> None:
    history = engine.corpus.history(user)
    next_ranks = engine.next_ranks(history, recommender)
    compared = 0
    for step in range(1, len(history)):
        following = history.events[step].item_id
        everything = len(engine.corpus.item_ids)
        listed = engine.recommend(history.up_to(step), everything, recommender).items
        score = {item.item_id: item.score for item in listed}
        if following in score:
            above = sum(value > score[following] + 1e-5 for value in score.values())
            near = sum(abs(value - score[following]) <= 1e-5 for value in score.values())
            assert 1 + above <= next_ranks[step - 1] <= above + near
            compared += 1
        else:
            assert np.isnan(next_ranks[step - 1])
    assert compared > 5
    assert np.isnan(next_ranks[-1])
    assert len(engine.next_ranks(history.up_to(0))) == 0


def test_lists_leave_out_what_was_consumed_and_keep_what_was_only_seen(
    engine: Engine, user: str
) -> None:
    history = engine.corpus.history(user)
    listed = {
        item.item_id for item in engine.recommend(history, k=len(engine.corpus.item_ids)).items
    }
    consumed = {event.item_id for event in history.events if event.kind in CONSUMING_KINDS}
    only_seen = {event.item_id for event in history.events} - consumed
    assert not listed & consumed
    assert only_seen <= listed
    assert listed | consumed == set(engine.corpus.item_ids)


def test_scores_are_log_probabilities_in_order(engine: Engine, user: str) -> None:
    listed = engine.recommend(engine.corpus.history(user), k=20)
    scores = [item.score for item in listed.items]
    assert scores == sorted(scores, reverse=True)
    assert max(scores) < 0
    assert [item.rank for item in listed.items] == list(range(1, 21))


def test_ties_rank_by_item_id(engine: Engine, user: str) -> None:
    history = engine.corpus.history(user).up_to(1)
    flat = np.zeros(len(engine.corpus.item_ids), np.float32)
    listed = [item.item_id for item in engine.top(history, flat, 5, "flat").items]
    excluded = history.excluded_items()
    assert listed == [item for item in engine.corpus.item_ids if item not in excluded][:5]


def test_profiles_step_sizes_and_parts(engine: Engine, user: str) -> None:
    history = engine.corpus.history(user)
    trajectory = engine.trajectory(history)
    assert np.allclose(trajectory.profile.sum(1), 1, atol=1e-5)
    assert np.allclose(trajectory.profile[-1], engine.profile(history), atol=1e-5)
    assert np.isnan(trajectory.step_size[0])
    queries = engine.query_vectors(history)
    cosine = (queries[2] @ queries[1]) / np.linalg.norm(queries[2]) / np.linalg.norm(queries[1])
    assert trajectory.step_size[1] == pytest.approx(1 - cosine, abs=1e-5)
    assert trajectory.part[-1] == Part.TEST and trajectory.part[-2] == Part.VALIDATION
    assert set(trajectory.part[:-2]) <= {Part.TRAIN}
    with_text = np.array([bool(event.words) for event in history.events])
    assert np.array_equal(~np.isnan(trajectory.sentiment), with_text)


def test_an_edit_changes_nothing_before_it(engine: Engine, user: str) -> None:
    history = engine.corpus.history(user)
    edited = list(history.events)
    edited[4] = replace(edited[4], item_id=history.events[0].item_id)
    before = engine.query_vectors(history)
    after = engine.query_vectors(replace(history, events=tuple(edited)))
    assert np.array_equal(before[:5], after[:5])
    assert not np.allclose(before[5], after[5])


def test_states_are_placed_where_the_map_was_fitted(engine: Engine, user: str) -> None:
    """A state that was fitted is found at its own place."""
    places = engine.map.place(engine.map.anchors[:20])
    width = np.ptp(engine.map.states, axis=0).max()
    assert np.abs(places - engine.map.anchor_positions[:20]).max() < 0.02 * width
    assert 0.5 < engine.map.trustworthiness <= 1


def test_lists_are_the_joints_and_every_part_can_be_asked(engine: Engine, user: str) -> None:
    history = engine.corpus.history(user)
    assert engine.recommend(history).recommender == "joint"
    assert list(engine.recommenders)[:2] == ["joint", "interest"]
    scores = engine.recommender().log_probabilities([history])
    assert np.exp(scores.astype(np.float64)).sum() == pytest.approx(1.0, abs=1e-4)
    shares = engine.recommenders["joint"].shares(history, engine.corpus.item_ids[0])
    assert sum(shares.values()) == pytest.approx(float(scores[0, 0]), abs=1e-6)


def test_a_model_without_a_joint_answers_by_its_interest_model(
    model_folder: Path, shelf: Library, shop_corpus: Corpus, user: str, tmp_path: Path
) -> None:
    older = shutil.copytree(model_folder, tmp_path / "older")
    for path in (older / "recommenders").glob("joint.*"):
        path.unlink()
    config = json.loads((older / "config.json").read_text())
    config["model_id"] = content_id(config, load_arrays(older / "model.safetensors")[0])
    (older / "config.json").write_text(json.dumps(config))
    write_sums(older)
    engine = Engine.open(shop_corpus, older, shelf)
    assert engine.recommend(shop_corpus.history(user)).recommender == "interest"


def test_an_unknown_recommender_is_named_with_the_choice(engine: Engine, user: str) -> None:
    with pytest.raises(DomainError, match="interest"):
        engine.recommend(engine.corpus.history(user), recommender="crystal-ball")


def test_opening_and_asking_never_imports_umap(model_folder: Path, shelf: Library) -> None:
    import subprocess
    import sys

    code = (
        "import sys; from pathlib import Path; from core.corpus.store import Library; "
        "from core.engine import Engine; "
        f"shelf = Library.open(Path({str(shelf.root)!r})); corpus = shelf.corpus('shop'); "
        f"engine = Engine.open(corpus, Path({str(model_folder)!r}), shelf); "
        "engine.trajectory(corpus.history(corpus.user_ids[0])); "
        "sys.exit(any(name in sys.modules for name in ('umap', 'numba', 'shap', 'transformers')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_next_ranks_of_some_steps_are_those_of_all(engine: Engine) -> None:
    corpus, index = engine.corpus, engine.corpus.item_index
    history = max((corpus.history(user) for user in corpus.user_ids), key=len)
    every = next_ranks(engine.interest, history, index)
    steps = np.array([1, 4, len(history) - 1])
    some = next_ranks(engine.interest, history, index, steps)
    np.testing.assert_allclose(some[steps], every[steps], rtol=1e-6)
    assert np.isnan(np.delete(some, steps)).all()
