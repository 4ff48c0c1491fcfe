"""What is watched of a model and of imported lists: sentiment, lists and their quality.

Quality is that of held-out events alone (the stored evaluation's targets): of the others the model
has learned. Imported lists are judged on all events, since nobody learned them from this corpus.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import gammaln

from core.arrays import BoolArray, DoubleArray, IntArray
from core.compare.overlap import rank_biased_overlap
from core.domain import DomainError
from core.evaluate.report import EvaluationReport
from core.evaluate.served import ServedLists
from core.language import mark, tr
from core.measure.cases import UNSEEN, Case
from core.measure.metrics import ndcg, recall
from core.monitor.measures import Group, Measure, Scale, Watched
from core.progress import Progress, ProgressCallback, StopCallback, check_stop, report
from core.ranking import NO_ITEM, ExcludedItems, top_items
from core.recommend.protocol import batches
from core.recommend.training_data import TrainingData

if TYPE_CHECKING:
    from core.engine import Engine

MOST_TEXTS, MOST_LISTS, MOST_SERVED = 50_000, 4_000, 20_000
"""Of more, those of users at even places in the corpus are looked at."""
LISTS_TOGETHER = 10
"""Coverage is that of so many lists, so that periods with more lists don't cover more."""
TEXTS_AT_ONCE = 4_096


def model_measures(
    watched: Watched,
    engine: Engine,
    judged: EvaluationReport | None,
    shown: range,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> Iterator[Measure]:
    """What needs a model, of the periods ``shown``. ``judged``: its stored evaluation."""
    yield from _sentiment(watched, engine, shown, progress, stop)
    if judged is None:
        return
    subject = engine.recommender().id
    if subject not in judged.names:
        return
    index = watched.corpus.user_index
    users = np.array([index[user] for user in judged.users], np.int64)
    if watched.users is not None:
        judged, users = judged.among(watched.users[users]), users[watched.users[users]]
    rows = watched.corpus.user_starts[users] + judged.steps
    result, k = judged.result(subject), judged.k
    hit = recall(result.rank, k)
    gain = ndcg(result.rank, k)

    def measure(
        id: str,
        name: str,
        group: Group,
        scale: Scale,
        values: DoubleArray,
        counts: BoolArray,
        within: tuple[float, float] = (0.0, 1.0),
    ) -> Measure:
        plain = np.where(counts, values, 0.0)
        return Measure(id, name, group, scale, lambda: plain, lambda: counts, rows, within=within)

    every = np.ones(len(rows), bool)
    unseen = judged.cohorts[UNSEEN].astype(np.float64)
    bias, promised = result.popularity_bias, result.promised
    yield measure("ndcg", f"NDCG@{k}", Group.QUALITY, Scale.MEAN, gain, every)
    yield measure("hits", tr("Hit rate@{k}", k=k), Group.QUALITY, Scale.SHARE, hit, every)
    yield measure("unseen", tr("Unseen targets"), Group.QUALITY, Scale.SHARE, unseen, every)
    if not np.isnan(promised).any():
        name = tr("Predicted \u2212 observed hits")
        gap, either = promised - hit, (-1.0, 1.0)
        yield measure("calibration", name, Group.QUALITY, Scale.MEAN, gap, every, either)
    name = tr("Popularity of listed items")
    listed = ~np.isnan(bias)
    yield measure("list-popularity", name, Group.LISTS, Scale.MEAN, bias, listed, (0.0, np.inf))
    covered, known = _coverage(result.lists, watched.calendar.of_event[rows], judged.n_items)
    name = tr("Coverage of {n} lists", n=LISTS_TOGETHER)
    yield measure("coverage", name, Group.LISTS, Scale.SHARE, covered, known)
    changed, known = _turnover(watched, engine, judged, rows, shown, progress, stop)
    name = tr("Turnover by one event")
    yield measure("turnover", name, Group.LISTS, Scale.SHARE, changed, known)


def _sentiment(
    watched: Watched,
    engine: Engine,
    shown: range,
    progress: ProgressCallback | None,
    stop: StopCallback | None,
) -> Iterator[Measure]:
    rows = np.flatnonzero(watched.has_text & _within(watched, shown))
    rows = _sampled(watched, rows, MOST_TEXTS)
    if not len(rows):
        return
    starts = watched.corpus.user_starts
    found = np.zeros(len(rows))
    words = []
    for user in np.unique(watched.user[rows]).tolist():
        events = watched.corpus.history(watched.corpus.user_ids[user]).events
        own = rows[np.searchsorted(rows, starts[user]) : np.searchsorted(rows, starts[user + 1])]
        words += [events[row - starts[user]].words for row in own.tolist()]
    for begin in range(0, len(rows), TEXTS_AT_ONCE):
        check_stop(stop)
        report(progress, Progress(mark("read the reviews"), begin, len(rows)))
        part = slice(begin, begin + TEXTS_AT_ONCE)
        vectors = engine.vectors.vectors(words[part], engine.encoder)
        found[part] = engine.sentiment.predict(vectors)
    yield Measure(
        "sentiment",
        tr("Mean sentiment"),
        Group.OPINIONS,
        Scale.MEAN,
        lambda: found,
        rows=rows,
        within=(-1.0, 1.0),
    )


def _coverage(lists: IntArray, period: IntArray, n_items: int) -> tuple[DoubleArray, BoolArray]:
    """Each list's share of how much of the catalogue the lists of its period cover.

    float64[n]: jackknife values of the expected number of different items in ``LISTS_TOGETHER``
    lists (rarefaction, Hurlbert 1971), whose mean over a period is that number, divided by
    ``n_items``; bool[n]: which periods have enough lists. ``lists`` int64[n, k].
    """
    value, known = np.zeros(len(lists)), np.zeros(len(lists), bool)
    for each in np.unique(period):
        rows = np.flatnonzero(period == each)
        n = len(rows)
        if n <= LISTS_TOGETHER:
            continue
        own = lists[rows]
        counts = np.bincount(own[own != NO_ITEM], minlength=n_items).astype(np.float64)
        met = 1.0 - _absent(n, counts)
        fewer, without = _absent(n - 1, counts), _absent(n - 1, counts - 1.0)
        gone = np.where(own != NO_ITEM, (without - fewer)[own], 0.0).sum(axis=1)
        left = (1.0 - fewer).sum() - gone
        value[rows] = (n * met.sum() - (n - 1) * left) / n_items
        known[rows] = True
    return value, known


def _absent(n: int, counts: DoubleArray) -> DoubleArray:
    """Chance that an item of so many among ``n`` lists is in none of ``LISTS_TOGETHER`` of them."""
    rest = n - np.maximum(counts, 0.0)
    able = rest >= LISTS_TOGETHER
    rest = np.where(able, rest, LISTS_TOGETHER)

    def ways(total: DoubleArray | float) -> DoubleArray:
        return np.asarray(gammaln(total + 1.0) - gammaln(total - LISTS_TOGETHER + 1.0))

    return np.where(able, np.exp(ways(rest) - ways(float(n))), 0.0)


def _turnover(
    watched: Watched,
    engine: Engine,
    judged: EvaluationReport,
    rows: IntArray,
    shown: range,
    progress: ProgressCallback | None,
    stop: StopCallback | None,
) -> tuple[DoubleArray, BoolArray]:
    """How much of each list the last known event changed (1 - RBO), float64[n]; where known."""
    value, known = np.zeros(len(rows)), np.zeros(len(rows), bool)
    cases = np.flatnonzero((judged.steps >= 2) & _within(watched, shown)[rows])
    if len(cases) > MOST_LISTS:
        cases = cases[np.linspace(0, len(cases) - 1, MOST_LISTS).astype(np.int64)]
    chosen = engine.recommender()
    after = judged.result(chosen.id).lists
    for part in batches(len(cases), judged.n_items):
        check_stop(stop)
        report(progress, Progress(mark("make lists"), part.start, len(cases)))
        own = cases[part]
        histories = [
            engine.corpus.history(judged.users[case]).up_to(int(judged.steps[case]) - 1)
            for case in own.tolist()
        ]
        scores = chosen.log_probabilities(histories)
        excluded = ExcludedItems.of(histories, engine.corpus.item_index)
        before = top_items(scores, excluded, judged.k)
        for case, former in zip(own.tolist(), before, strict=True):
            pair = (each[each != NO_ITEM].tolist() for each in (former, after[case]))
            overlap = rank_biased_overlap(*pair)
            if overlap is not None:
                value[case], known[case] = 1.0 - overlap, True
    return value, known


def served_measures(
    watched: Watched, served: ServedLists, shown: range, k: int = 10
) -> Iterator[Measure]:
    """Hit rate and NDCG of imported lists on the events of the periods ``shown``.

    Events before which the user was served no list don't count.
    """
    starts = watched.corpus.user_starts
    rows = np.flatnonzero(_within(watched, shown))
    rows = rows[rows > starts[watched.user[rows]]]
    rows = _sampled(watched, rows, MOST_SERVED)
    if not len(rows):
        return
    try:
        data = TrainingData.of(watched.corpus, watched.corpus.parts)
    except DomainError:
        return
    cases = []
    for row in rows.tolist():
        user = watched.user[row]
        history = watched.corpus.history(watched.corpus.user_ids[user])
        step = int(row - starts[user])
        target = history.events[step]
        cases.append(Case(history.up_to(step), target.item_id, target.timestamp))
    result = served.judge(cases, data, k).result
    has_list = np.asarray((result.lists != NO_ITEM).any(axis=1))
    if not has_list.any():
        return
    name = served.manifest.name
    figures: tuple[tuple[str, str, Scale, Callable[[DoubleArray, int], DoubleArray]], ...] = (
        ("ndcg", mark("NDCG@{k} of {name}"), Scale.MEAN, ndcg),
        ("hits", mark("Hit rate@{k} of {name}"), Scale.SHARE, recall),
    )
    for id, label, scale, figure in figures:
        values = figure(result.rank, k)
        yield Measure(
            f"served:{name}:{id}",
            tr(label, k=k, name=name),
            Group.QUALITY,
            scale,
            lambda values=values: values,  # type: ignore[misc]
            lambda: has_list,
            rows,
            within=(0.0, 1.0),
        )


def _within(watched: Watched, shown: range) -> BoolArray:
    """Events that count in the periods ``shown``, bool[n_events]."""
    period = watched.calendar.of_event
    return np.asarray((period >= shown.start) & (period < shown.stop) & watched.is_counted)


def _sampled(watched: Watched, rows: IntArray, most: int) -> IntArray:
    """The rows of every n-th user, so that about ``most`` are left."""
    every = -(-len(rows) // most)
    return rows if every <= 1 else rows[watched.user[rows] % every == 0]
