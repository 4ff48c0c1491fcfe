"""The joint recommender: better than its parts where they differ, honest, and explainable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from core.corpus.split import leave_last_out
from core.corpus.store import Corpus
from core.domain import Columns, DomainError, Event, EventKind, History, Part, Stopped
from core.evaluate.report import evaluate
from core.measure.cases import leave_last_out_cases
from core.progress import Progress
from core.recommend import joint as joining
from core.recommend.baseline import Baseline, fit_baselines
from core.recommend.joint import BASE, SEEN, Joint, fit_joint
from core.recommend.joint import contender_ranks as ranks_of_targets
from core.recommend.pool import (
    FEATURES,
    FURTHEST,
    N_BUCKETS,
    UNMET_PENALTY,
    Contenders,
    Gate,
    Pool,
    choose_contenders,
    features_of,
    fit_pool,
)
from core.recommend.training_data import EncodedHistories, TrainingData, distinct

START = datetime(2023, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def joint(baselines: dict[str, Baseline], data: TrainingData) -> Joint:
    return fit_joint(list(baselines.values()), data)


def test_the_joint_is_surer_of_what_came_next_than_any_part_and_ranks_as_well(
    joint: Joint, baselines: dict[str, Baseline], data: TrainingData
) -> None:
    found = evaluate([joint, *baselines.values()], data.validation, data)
    parts = [found.figures(name) for name in baselines]
    assert found.figures("joint")["ndcg"] >= max(part["ndcg"] for part in parts) - 0.03
    assert found.figures("joint")["log_probability"] > max(p["log_probability"] for p in parts)


def test_histories_that_differ_in_their_words_alone_are_each_answered_as_if_asked_alone(
    joint: Joint, corpus: Corpus
) -> None:
    """Baselines see them once, the gate sees each: with and without text they weigh differently."""
    first, second = (corpus.history(user) for user in ("u01", "u30"))

    def saying(history: History, text: str | None) -> History:
        events = tuple(replace(event, text=text) for event in history.events)
        return replace(history, events=events)

    later = replace(first, clock=first.at + timedelta(days=400))
    none_excluded = replace(first, consumed=frozenset())
    asked = [saying(first, "good"), second, first, later, saying(first, None), none_excluded]
    asked = [*asked, saying(second, "bad"), replace(first, events=first.events[::-1])]
    found = joint.log_probabilities(asked)
    for history, row in zip(asked, found, strict=True):
        np.testing.assert_allclose(row, joint.log_probabilities([history])[0], atol=2e-5)


def test_distinct_histories_are_those_that_baselines_can_tell_apart(corpus: Corpus) -> None:
    first, second = (corpus.history(user) for user in ("u01", "u30"))
    louder = replace(first, events=tuple(replace(e, text="loud") for e in first.events))
    shorter = replace(first, events=first.events[:-1], clock=first.at)
    asked = [second, first, louder, shorter, second]
    unlike, index = distinct(asked)
    assert unlike == [second, first, shorter]
    assert index.tolist() == [0, 1, 1, 2, 0]


def test_shares_add_up_to_the_score(joint: Joint, corpus: Corpus) -> None:
    for user in ("u01", "u30"):
        history = corpus.history(user)
        scores = joint.log_probabilities([history])[0]
        for item in ("i00", "i25", "never-seen"):
            shares = joint.shares(history, item)
            names = [component.id for component in joint.components]
            assert list(shares) == [*names, SEEN, BASE]
            total = sum(shares.values())
            assert total == pytest.approx(scores[corpus.item_index[item]], abs=1e-4)


def test_shares_of_an_unknown_item_are_refused(joint: Joint, corpus: Corpus) -> None:
    with pytest.raises(DomainError, match="not in the catalogue"):
        joint.shares(corpus.history("u01"), "nothing")


def test_a_saved_joint_answers_as_before(
    joint: Joint, baselines: dict[str, Baseline], corpus: Corpus, tmp_path: Path
) -> None:
    joint.save(tmp_path)
    loaded = Joint.load(tmp_path, baselines, corpus.item_ids)
    histories = [corpus.history(user) for user in corpus.user_ids]
    np.testing.assert_array_equal(
        loaded.log_probabilities(histories), joint.log_probabilities(histories)
    )
    assert loaded.validation_ndcg == joint.validation_ndcg


def test_damage_a_missing_part_and_another_catalogue_are_named(
    joint: Joint, baselines: dict[str, Baseline], corpus: Corpus, tmp_path: Path
) -> None:
    joint.save(tmp_path)
    with pytest.raises(DomainError, match="another catalogue"):
        Joint.load(tmp_path, baselines, corpus.item_ids[1:])
    with pytest.raises(DomainError, match="can't be read"):
        Joint.load(tmp_path, {"ease": baselines["ease"]}, corpus.item_ids)
    (tmp_path / "joint.json").write_text("{")
    with pytest.raises(DomainError, match="can't be read"):
        Joint.load(tmp_path, baselines, corpus.item_ids)


def test_the_same_data_gives_the_same_joint(
    baselines: dict[str, Baseline], data: TrainingData, tmp_path: Path
) -> None:
    for name in ("a", "b"):
        fit_joint(list(baselines.values()), data).save(tmp_path / name)
    for file in (tmp_path / "a").iterdir():
        assert file.read_bytes() == (tmp_path / "b" / file.name).read_bytes()


def test_no_weight_is_learned_from_test_events(
    corpus: Corpus, make_corpus: Callable[..., Corpus], tmp_path: Path
) -> None:
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
        fit_joint(list(fit_baselines(data).values()), data).save(tmp_path / name)
    for file in (tmp_path / "marked").iterdir():
        assert file.read_bytes() == (tmp_path / "as it was" / file.name).read_bytes()


def test_without_validation_cases_all_weigh_alike(
    baselines: dict[str, Baseline], data: TrainingData
) -> None:
    joint = fit_joint(list(baselines.values()), replace(data, validation=()))
    weights = joint.weights([History("new", ())])
    np.testing.assert_allclose(weights, 1 / len(baselines))
    chances = np.exp(joint.log_probabilities([History("new", ())]))
    np.testing.assert_allclose(chances.sum(), 1.0, atol=1e-4)


def test_joining_stops(baselines: dict[str, Baseline], data: TrainingData) -> None:
    told: list[Progress] = []
    with pytest.raises(Stopped):
        fit_joint(list(baselines.values()), data, told.append, lambda: len(told) > 2)


@dataclass(frozen=True)
class RightWhen:
    """Gives most to the right item for the users that ``knows`` picks, else to item 0."""

    id: str
    corpus: Corpus
    knows: Callable[[History], bool]
    answers: dict[tuple[str, int], str]

    def log_probabilities(self, histories: Sequence[History]) -> np.ndarray:
        n = len(self.corpus.item_ids)
        chances = np.full((len(histories), n), 0.1 / n, np.float32)
        for row, history in enumerate(histories):
            right = self.corpus.item_index[self.answers[history.user_id, len(history)]]
            chances[row, right if self.knows(history) else 0] += 0.9
        return np.log(chances).astype(np.float32)


def test_weights_follow_what_is_known_at_the_moment(corpus: Corpus, data: TrainingData) -> None:
    """One component is right for short histories, the other for long ones: the joint tells them."""
    test = leave_last_out_cases(corpus, Part.TEST)
    open_test = [case for case in test if case.target not in case.history.excluded_items()]
    answers = {
        (case.history.user_id, len(case.history)): case.target for case in (*data.validation, *test)
    }
    rivals = [
        RightWhen("short", corpus, lambda history: len(history) < 7, answers),
        RightWhen("long", corpus, lambda history: len(history) >= 7, answers),
    ]
    joint = fit_joint(rivals, data)
    found = evaluate([joint, *rivals], open_test, data, k=1)
    best = max(found.figures("short")["ndcg"], found.figures("long")["ndcg"])
    assert found.figures("joint")["ndcg"] > best + 0.15
    lengths = [History("a", corpus.history("u30").events[:n]) for n in (2, 9)]
    weights = joint.weights(lengths)
    assert weights[0, 0] - weights[0, 1] > weights[1, 0] - weights[1, 1]


def test_features_name_what_is_known_and_leave_the_rest_open() -> None:
    counts = np.array([0, 9])
    index = {"rare": 0, "known": 1}
    day = [START, START + timedelta(days=3)]
    first = Event("rare", day[0], EventKind.REVIEW, text="words")
    second = Event("known", day[1], EventKind.VIEW)
    whole = History("a", (first, second))
    timeless = History("a", (first, replace(second, timed=False, item_id="")))
    histories = [History("a", ()), whole, timeless]
    found = features_of(histories, EncodedHistories.of(histories, index), counts)
    assert found.shape == (3, len(FEATURES))
    assert found[0, 0] == 0.0
    assert np.isnan(found[0, 1:]).all()
    expected = [np.log(3), np.log(4), np.log(10), np.log(10) / 2, 0.5, 0.5]
    np.testing.assert_allclose(found[1], expected)
    assert np.isnan(found[2, 1])
    np.testing.assert_allclose(found[2, [0, 2, 4]], [np.log(3), 0.0, 1.0])


def test_features_of_many_histories_are_those_of_each() -> None:
    """Many are asked about together that share events, or nothing."""
    random = np.random.default_rng(5)
    index = {f"i{n}": n for n in range(30)}
    counts = random.integers(0, 40, 30)
    kinds = list(EventKind)
    events = [
        Event(
            f"i{random.integers(30)}" if n % 5 else "",
            START + timedelta(hours=n * n),
            kinds[n % len(kinds)],
            text="words" if n % 3 else None,
            timed=bool(n % 4),
        )
        for n in range(25)
    ]
    whole = History("a", tuple(events))
    some = [np.flatnonzero(random.random(25) < share) + 1 for share in random.random(60)]
    histories = [History("b", ()), *(whole.keeping(steps.tolist()) for steps in some), whole]
    together = features_of(histories, EncodedHistories.of(histories, index), counts)
    alone = [
        features_of([each], EncodedHistories.of([each], index), counts)[0] for each in histories
    ]
    np.testing.assert_array_equal(together, alone)


def test_the_gate_standardises_cuts_and_ignores_what_never_varies() -> None:
    seen = np.column_stack([np.arange(10.0), np.full(10, 3.0)])
    seen[3, 0] = np.nan
    gate = Gate.of(seen)
    scaled = gate(np.array([[1e6, 4.0], [np.nan, np.nan]]))
    np.testing.assert_array_equal(scaled, [[1.0, FURTHEST, 0.0], [1.0, 0.0, 0.0]])
    assert gate(seen)[:, 1].mean() == pytest.approx(0.0, abs=0.01)


def random_cases(n: int = 40, n_components: int = 3, size: int = 12) -> Contenders:
    rng = np.random.default_rng(5)
    log_p = rng.normal(size=(n_components, n, size)).astype(np.float32)
    log_p[1, :, 0] += 1.0
    gate = np.column_stack([np.ones(n), rng.normal(size=(n, 2))])
    offset = np.zeros((n, size), np.float32)
    offset[:5, -3:] = -np.inf
    offset[:, 4] = 1.0
    return Contenders(log_p, offset, rng.integers(0, N_BUCKETS, (n, size)), gate)


@pytest.mark.parametrize("power", [0.0, 0.25, 0.5])
def test_the_fitted_pool_is_an_optimum(power: float) -> None:
    """No small step from the fitted pool does better under the stated objective."""
    cases, penalty = random_cases(), 0.02

    def objective(pool: Pool) -> float:
        logits = cases.logits(pool).astype(float)
        log_target = logits[:, 0] - np.logaddexp.reduce(logits, axis=1)
        gain = (np.exp(power * log_target) / power if power else log_target).mean()
        centre = np.zeros_like(pool.weights)
        centre[:, 0] = 1 / 3
        off = (pool.weights - centre) ** 2
        ridge = off[:, 1:].sum() + 0.1 * off[:, 0].sum() + 0.1 * (pool.offsets**2).sum()
        ridge += UNMET_PENALTY * (pool.unmet**2).sum() + (pool.unmet_gate**2).sum()
        return float(gain - penalty * ridge)

    best = fit_pool(cases, power, penalty)
    assert best.weights[1, 0] > max(best.weights[0, 0], best.weights[2, 0])
    rng = np.random.default_rng(6)
    for _ in range(50):
        step = Pool(
            best.weights + rng.normal(size=best.weights.shape) * 0.05,
            best.offsets + rng.normal(size=best.offsets.shape) * 0.05,
            best.unmet + rng.normal(size=best.unmet.shape) * 0.05,
            best.unmet_gate + rng.normal(size=best.unmet_gate.shape) * 0.05,
        )
        assert objective(step) < objective(best) + 1e-5


def test_items_that_nothing_tells_apart_share_their_ranks() -> None:
    """However many items a contender stands for, and whether they were met in training or not."""
    rng = np.random.default_rng(3)
    n, size = 50, 64
    log_p = np.repeat(rng.normal(-6.0, 2.0, (3, n, 1)).astype(np.float32), size, axis=2)
    offset = np.zeros((n, size), np.float32)
    offset[:, 40:] = rng.normal(3.0, 1.0, (n, 1))
    bucket = np.repeat(rng.integers(0, 2, (n, 1)), size, axis=1)
    gate = np.column_stack([np.ones(n), rng.normal(size=(n, 2))])
    cases = Contenders(log_p, offset, bucket, gate)
    pool = Pool(*(rng.normal(size=shape) for shape in ((3, 3), N_BUCKETS, 3, 2)))
    stand_for = np.exp(offset)[:, 1:].sum(axis=1)
    np.testing.assert_allclose(
        ranks_of_targets(cases.own(pool), offset), 1 + stand_for / 2, rtol=1e-5
    )
    np.testing.assert_allclose(cases.logits(pool), offset + cases.own(pool))


def test_contenders_are_the_whole_catalogue_when_it_is_small() -> None:
    log_p = np.random.default_rng(1).normal(size=(2, 8)).astype(np.float32)
    eligible = np.array([True] * 6 + [False] * 2)
    items, offset = choose_contenders(log_p, 3, eligible, 20, seed=0)
    assert items[0] == 3
    assert sorted(items[offset > -np.inf].tolist()) == [0, 1, 2, 3, 4, 5]
    assert (offset[offset > -np.inf] == 0).all()


def test_contenders_hold_the_leaders_and_stand_for_everybody() -> None:
    log_p = np.random.default_rng(2).normal(size=(3, 900)).astype(np.float32)
    eligible = np.ones(900, bool)
    eligible[:100] = False
    items, offset = choose_contenders(log_p, 500, eligible, 64, seed=0)
    assert len(items) == len(set(items.tolist())) == 64
    assert items[0] == 500
    assert (items >= 100).all()
    assert np.exp(offset).sum() == pytest.approx(800, rel=1e-5)
    open_p = np.where(eligible, log_p, -np.inf)
    assert set(open_p.argmax(1).tolist()) <= set(items[offset == 0].tolist())


def test_weights_to_begin_with_do_not_tell_the_folds_of_their_cases(
    joint: Joint,
    baselines: dict[str, Baseline],
    data: TrainingData,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An update begins where its parent ended, which had learned from the same cases."""
    begun: list[tuple[int, Pool | None]] = []

    def noting(cases: Contenders, *about: float, start: Pool | None = None) -> Pool:
        begun.append((len(cases), start))
        return fit_pool(cases, *about, start=start)

    monkeypatch.setattr(joining, "fit_pool", noting)
    fit_joint(list(baselines.values()), data, folds=2, start=joint.pool)
    *folds, whole = begun
    assert len(folds) == 2 and all(start is None for _, start in folds)
    assert whole == (sum(n for n, _ in folds), joint.pool)
