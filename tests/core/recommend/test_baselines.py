"""What each baseline claims to compute, checked against the plain formula."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.corpus.split import leave_last_out
from core.corpus.store import Corpus
from core.corpus.timestamps import EPOCH
from core.domain import Columns, DomainError, Event, EventKind, History, Part, Stopped
from core.progress import Progress
from core.ranking import ExcludedItems
from core.recommend.baseline import Baseline, fit_baselines, load_baselines, save_baselines
from core.recommend.calibration import fit_calibration, log_training_share, normalise
from core.recommend.factors import Factors, solve_rows
from core.recommend.registry import SCORERS
from core.recommend.scorers import (
    DAY,
    TRANSITION_SMOOTHING,
    Content,
    Ease,
    ItemNeighbours,
    RecentPopularity,
    Transitions,
    centre,
)
from core.recommend.sequential import SequentialNeighbours
from core.recommend.training_data import EncodedHistories, TrainingData

START = datetime(2023, 1, 1, tzinfo=UTC)


def encoded(data: TrainingData, *items: str, day: float = 400.0) -> EncodedHistories:
    events = tuple(Event(i, START + timedelta(days=day), EventKind.PURCHASE) for i in items)
    return EncodedHistories.of([History("someone", events)], data.item_index)


def weighted(data: TrainingData, items: tuple[str, ...], decay: float) -> np.ndarray:
    x = np.zeros(data.n_items)
    for back, item in enumerate(reversed(items)):
        x[data.item_index[item]] += decay**back
    return x


HISTORY = ("i00", "i12", "i01")


@pytest.mark.parametrize("regularisation", [3.0, 50.0])
def test_ease_is_the_closed_form_with_many_users_and_with_few(
    data: TrainingData, regularisation: float
) -> None:
    few = TrainingData(data.item_ids, data.user[:40], data.item[:40], data.time[:40])
    assert data.user_items.shape[0] > data.n_items > few.user_items.shape[0]
    for part in (data, few):
        x = part.user_items.toarray().astype(float)
        inverse = np.linalg.inv(x.T @ x + regularisation * np.eye(part.n_items))
        weights = np.eye(part.n_items) - inverse / np.diag(inverse)
        expected = weighted(part, HISTORY, 0.8) @ weights
        scores = Ease.of(part, regularisation, 0.8).scores(encoded(part, *HISTORY))[0]
        np.testing.assert_allclose(scores, expected, atol=1e-5)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 300), st.integers(0, 5)), min_size=1, max_size=60),
    st.lists(st.integers(-50, 400), max_size=12),
    st.integers(1, 120),
)
def test_recent_popularity_counts_every_window(
    events: list[tuple[int, int]], clocks: list[int], window: int
) -> None:
    days, items = (np.array(part, np.int64) for part in zip(*sorted(events), strict=True))
    scorer = RecentPopularity(days * DAY, items, float(window))
    asked = [History("someone", (), clock=EPOCH + timedelta(days=day)) for day in clocks]
    index = {str(item): item for item in range(6)}
    found = scorer.scores(EncodedHistories.of([*asked, History("new", ())], index))
    for day, counts in zip([*clocks, 10**6], found, strict=True):
        end = min(day, days[-1])
        inside = (days > end - window) & (days <= end)
        np.testing.assert_array_equal(counts, np.bincount(items[inside], minlength=6))


def test_ease_tries_fewer_strengths_where_an_inverse_is_dear(
    data: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tried() -> list[float]:
        strengths = [setting["regularisation"] for setting, _ in Ease.grid(data)]
        return list(dict.fromkeys(strengths))

    every = tried()
    monkeypatch.setattr("core.recommend.scorers.MOST_DOUBLE", 10)
    assert 3 == len(tried()) < len(every) and set(tried()) <= set(every)


def test_ials_solves_every_history_for_itself_and_sweeps_lower_the_loss(
    data: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    unobserved, penalty, decay = 0.1, 0.01, 0.5
    model = replace(Factors.of(data, unobserved, penalty), decay=decay)
    q, x = model.factors.astype(float), weighted(data, HISTORY, decay)
    left = q.T @ (x[:, None] * q) + unobserved * q.T @ q
    left += penalty * (x.sum() + unobserved * data.n_items) * np.eye(q.shape[1])
    expected = q @ np.linalg.solve(left, q.T @ x)
    many = EncodedHistories.of(
        [History("a", ()), *(case.history for case in data.validation)], data.item_index
    )
    np.testing.assert_allclose(model.scores(encoded(data, *HISTORY))[0], expected, atol=1e-4)
    assert not model.scores(many)[0].any()
    in_one_piece = model.scores(many)
    monkeypatch.setattr("core.recommend.factors.CELLS_AT_ONCE", 1)
    np.testing.assert_allclose(model.scores(many), in_one_piece, atol=1e-4)

    x = data.user_items.toarray().astype(float)
    lengths = x.sum(axis=1) + unobserved * data.n_items
    spread = x.sum(axis=0) + unobserved * len(x)

    def loss(sweeps: int) -> float:
        monkeypatch.setattr("core.recommend.factors.SWEEPS", sweeps)
        items = Factors.of(data, unobserved, penalty).factors
        users = solve_rows(data.user_items, items, unobserved, penalty)
        said = users @ items.T
        missed = (x * (1 - said) ** 2).sum() + unobserved * (said**2).sum()
        lengthened = lengths @ (users**2).sum(axis=1) + spread @ (items**2).sum(axis=1)
        return float(missed + penalty * lengthened)

    assert loss(1) > loss(3) > loss(10)


def test_item_neighbours_are_shrunk_cosines_without_the_item_itself(data: TrainingData) -> None:
    x = data.user_items.toarray().astype(float)
    size = np.sqrt(np.maximum(x.sum(0) + 5.0, 1.0))
    cosine = (x.T @ x) / np.outer(size, size)
    np.fill_diagonal(cosine, 0.0)
    scores = ItemNeighbours(data.user_items, 5.0, 0.7).scores(encoded(data, *HISTORY))[0]
    np.testing.assert_allclose(scores, weighted(data, HISTORY, 0.7) @ cosine, atol=1e-5)


def test_transitions_count_what_followed_within_reach(data: TrainingData) -> None:
    counts = np.zeros((data.n_items, data.n_items))
    for row in range(len(data.item)):
        for later in range(row + 1, min(row + 4, len(data.item))):
            if data.user[later] == data.user[row]:
                counts[data.item[row], data.item[later]] += 1 / (later - row)
    shares = counts / (counts.sum(1, keepdims=True) + TRANSITION_SMOOTHING)
    following = Transitions.following_within(data, 3)
    scores = Transitions(following, 0.5).scores(encoded(data, *HISTORY))[0]
    np.testing.assert_allclose(scores, weighted(data, HISTORY, 0.5) @ shares, atol=1e-5)
    last = Transitions(following, 0.0).scores(encoded(data, *HISTORY))[0]
    np.testing.assert_allclose(last, shares[data.item_index["i01"]], atol=1e-6)


def test_sequential_neighbours_are_scaled_pairs_by_distance_and_direction(
    data: TrainingData,
) -> None:
    counts = np.zeros((data.n_items, data.n_items))
    for row in range(len(data.item)):
        for later in range(row + 1, min(row + 11, len(data.item))):
            if data.user[later] == data.user[row]:
                counts[data.item[row], data.item[later]] += 0.75 ** (later - row - 1)
    size = (data.item_counts + 15.0) ** -0.3
    setting, found = next(
        (setting, scorer)
        for setting, scorer in SequentialNeighbours.grid(data)
        if (setting["back"], setting["power"], setting["decay"]) == (0.5, 0.3, 0.5)
    )
    assert (setting["fading"], setting["shrinkage"]) == (0.75, 15.0)
    weights = size[:, None] * (counts + 0.5 * counts.T) * size
    scores = found.scores(encoded(data, *HISTORY))[0]
    np.testing.assert_allclose(scores, weighted(data, HISTORY, 0.5) @ weights, rtol=1e-4)


def test_recent_popularity_counts_the_window_that_ends_at_the_clock(data: TrainingData) -> None:
    setting, recent = next(RecentPopularity.grid(data))
    assert setting == {"window": 30.0}
    at = START + timedelta(days=150)
    asked = [History("new", (), clock=at), History("new", (), clock=START - timedelta(days=1))]
    scores = recent.scores(EncodedHistories.of(asked, data.item_index))
    days = (data.time - int(START.timestamp()) * 1_000_000) / 86_400e6
    inside = data.item[(days > 120) & (days <= 150)]
    np.testing.assert_array_equal(scores[0], np.bincount(inside, minlength=data.n_items))
    assert scores[0].sum() > 0
    assert scores[1].sum() == 0


def test_content_sums_cosines_and_knows_no_item_without_text(data: TrainingData) -> None:
    assert data.item_vectors is not None
    vectors = centre(data.item_vectors, whiten=False)
    cosine = vectors @ vectors.T
    np.fill_diagonal(cosine, 0.0)
    scores = Content(vectors, 0.5).scores(encoded(data, *HISTORY))[0]
    np.testing.assert_allclose(scores, weighted(data, HISTORY, 0.5) @ cosine, atol=1e-5)
    assert scores[data.item_index["never-seen-without-text"]] == 0.0


@pytest.mark.parametrize("whiten", [False, True])
def test_centred_vectors_are_unit_or_zero(data: TrainingData, whiten: bool) -> None:
    assert data.item_vectors is not None
    length = np.linalg.norm(centre(data.item_vectors, whiten), axis=1)
    without = data.item_index["never-seen-without-text"]
    assert length[without] == 0.0
    np.testing.assert_allclose(np.delete(length, without), 1.0, atol=1e-5)


def test_content_recommends_an_unseen_item_from_the_right_shelf(
    baselines: dict[str, Baseline], corpus: Corpus
) -> None:
    event = Event("i00", START, EventKind.PURCHASE)
    scores = baselines["content"].log_probabilities([History("someone", (event,))])[0]
    unseen = scores[corpus.item_index["never-seen"]]
    assert all(unseen > scores[corpus.item_index[f"i1{n}"]] for n in range(8))


def test_a_curve_without_prior_keeps_the_order_of_scores(data: TrainingData) -> None:
    rng = np.random.default_rng(3)
    scores = rng.normal(size=(50, data.n_items)).astype(np.float32)
    targets = scores.argmax(1)
    nothing = ExcludedItems(np.empty(0, np.int64), np.empty(0, np.int64))
    share = log_training_share(data.item_counts)
    curve = fit_calibration(scores, targets, nothing, share, with_prior=False)
    chances = curve.log_probabilities(scores, share, nothing)
    np.testing.assert_array_equal(chances.argsort(1), scores.argsort(1))


def test_the_curve_is_as_sure_as_the_scores_deserve(data: TrainingData) -> None:
    """Targets drawn from known probabilities: the fitted ones come close to them."""
    rng = np.random.default_rng(4)
    scores = rng.normal(size=(3000, data.n_items)).astype(np.float32)
    truth = np.exp(1.7 * scores)
    truth /= truth.sum(1, keepdims=True)
    targets = np.array([rng.choice(data.n_items, p=row) for row in truth])
    nothing = ExcludedItems(np.empty(0, np.int64), np.empty(0, np.int64))
    share = log_training_share(data.item_counts)
    curve = fit_calibration(scores, targets, nothing, share, with_prior=False)
    chances = np.exp(curve.log_probabilities(scores, share, nothing))
    assert np.abs(chances - truth).mean() < 0.004


def test_repeats_get_their_share_however_far_apart_the_scores_are() -> None:
    logits = np.array([[500.0, -300.0, 0.0, 1.0]], np.float32)
    consumed = ExcludedItems(np.array([0]), np.array([0]))
    chances = np.exp(normalise(logits, consumed, 0.02)[0])
    np.testing.assert_allclose(chances[0], 0.02, rtol=1e-4)
    np.testing.assert_allclose(chances[3] / chances[2], np.e, rtol=1e-4)
    np.testing.assert_allclose(chances.sum(), 1.0, rtol=1e-4)


def test_the_same_data_gives_the_same_baselines(data: TrainingData, tmp_path: Path) -> None:
    for name in ("a", "b"):
        save_baselines(fit_baselines(data), tmp_path / name)
    files = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert len(files) == 2 * (len(SCORERS) - 1)  # one of both forms of EASE
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()


def test_saved_baselines_answer_as_before(
    baselines: dict[str, Baseline], corpus: Corpus, tmp_path: Path
) -> None:
    save_baselines(baselines, tmp_path)
    loaded = load_baselines(tmp_path, corpus.item_ids)
    assert list(loaded) == list(baselines)
    histories = [corpus.history(user) for user in corpus.user_ids]
    for name, baseline in baselines.items():
        np.testing.assert_array_equal(
            loaded[name].log_probabilities(histories), baseline.log_probabilities(histories)
        )
        assert loaded[name].trials == baseline.trials


def test_damage_and_another_catalogue_are_named(
    baselines: dict[str, Baseline], corpus: Corpus, tmp_path: Path
) -> None:
    save_baselines(baselines, tmp_path)
    with pytest.raises(DomainError, match="another catalogue"):
        Baseline.load(tmp_path, "ease", corpus.item_ids[:-1])
    with pytest.raises(DomainError, match="can't be read"):
        Baseline.load(tmp_path, "nothing", corpus.item_ids)
    (tmp_path / "ease.safetensors").write_bytes(b"\x00" * 50)
    with pytest.raises(DomainError, match="can't be read"):
        Baseline.load(tmp_path, "ease", corpus.item_ids)
    facts = json.loads((tmp_path / "item-knn.json").read_text())
    del facts["settings"]["decay"]
    (tmp_path / "item-knn.json").write_text(json.dumps(facts))
    with pytest.raises(DomainError, match="can't be read"):
        Baseline.load(tmp_path, "item-knn", corpus.item_ids)


def test_nothing_is_learned_from_test_events(
    corpus: Corpus, make_corpus: Callable[..., Corpus], tmp_path: Path
) -> None:
    """Test events about a marker at marked times: every learned file stays the same to the byte."""
    parts = leave_last_out(corpus.events)
    days = (corpus.events[Columns.Time] - START) / timedelta(days=1)
    for name in ("as it was", "marked"):
        rows = []
        for row, event in enumerate(corpus.events.itertuples(index=False)):
            hidden = name == "marked" and parts[row] == Part.TEST
            item = "never-seen" if hidden else getattr(event, Columns.Item)
            day = days.iloc[row] + (500.0 if hidden else 0.0)
            rows.append((getattr(event, Columns.User), item, day, getattr(event, Columns.Kind)))
        other = make_corpus(rows, corpus.item_ids)
        data = TrainingData.of(other, leave_last_out(other.events))
        assert ("never-seen" in set(other.events[Columns.Item])) == (name == "marked")
        assert data.item_counts[other.item_index["never-seen"]] == 0
        save_baselines(fit_baselines(data), tmp_path / name)
    for file in (tmp_path / "marked").iterdir():
        assert file.read_bytes() == (tmp_path / "as it was" / file.name).read_bytes()


def test_a_corpus_too_young_for_validation_still_has_baselines(
    make_corpus: Callable[..., Corpus],
) -> None:
    corpus = make_corpus([(f"u{u}", f"i{i}", i, "view") for u in range(4) for i in range(3)])
    data = TrainingData.of(corpus, leave_last_out(corpus.events))
    assert data.validation == ()
    found = fit_baselines(data)
    assert list(found) == [name for name in SCORERS if name not in ("content", "sparse-ease")]
    for baseline in found.values():
        chances = np.exp(baseline.log_probabilities([corpus.history("u1")]))
        np.testing.assert_allclose(chances.sum(), 1.0, atol=1e-5)


def test_a_corpus_without_training_events_says_so(make_corpus: Callable[..., Corpus]) -> None:
    corpus = make_corpus([("u1", "a", 1, "view"), ("u1", "b", 2, "view")])
    with pytest.raises(DomainError, match="no events to learn from"):
        TrainingData.of(corpus, leave_last_out(corpus.events))


def test_fitting_tells_where_it_is_and_stops(data: TrainingData) -> None:
    told: list[Progress] = []
    with pytest.raises(Stopped):
        fit_baselines(data, told.append, lambda: len(told) == 3)
    assert [step.stage for step in told] == [f"fit {name}" for name in list(SCORERS)[:3]]
