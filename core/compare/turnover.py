"""How fast lists change: for every user, how alike the lists of two of their moments are.

Lists are taken after each of a user's newest events. Two lists of one user have a distance in
events and one in days; their overlap is ``rank_biased_overlap``. Each user counts once in every
mean, however many pairs of lists they have. A whole corpus, of a large one an even sample of its
users, is measured once per model, recommender and length of list, and kept in the library.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import combinations, groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from core.arrays import FloatArray, IntArray, check_array
from core.cluster import HERE, Machines
from core.compare.overlap import rank_biased_overlap
from core.corpus.corpus import Corpus
from core.corpus.store import Library
from core.domain import History
from core.files import first_kept, is_about, kept_or_none, load_arrays, save_arrays
from core.language import mark
from core.measure.cases import Sample, evenly
from core.progress import Progress, ProgressCallback, StopCallback, report
from core.threads import LARGE_PIECES_EACH, in_threads

if TYPE_CHECKING:
    from core.engine import Engine, EnginePlace

K = 10
NEWEST = 16
"""Newest moments of a history whose lists are made."""
EVENT_BINS = (1, 2, 3, 5, 8, 12)
"""Events between two lists at which a bin begins; the last one is open."""
DAY_BINS = (0, 1, 7, 30, 90, 365)
"""Whole days between two lists at which a bin begins; the last one is open."""
MOST_CELLS = 2_500_000_000
"""Scores of the lists that are made at most: of a larger corpus an even sample of the users."""
HISTORIES_PER_BATCH = 64
ARRAYS = ("change", "by_events", "by_days", "lists")
"""What a ``Turnover`` holds for each user."""
STAGE = mark("compare each user's lists")
FOLDER = "turnover"
FORMAT = "1"
"""Changes with the meaning of the file."""


@dataclass(frozen=True, eq=False)
class Turnover:
    """Overlaps of the lists of n users, NaN where a user has no such pair or wasn't measured.

    ``change`` float32[n]: 1 minus the mean overlap of neighbouring lists, so 0 is a list that no
    event changes. ``by_events`` float32[n, 6] and ``by_days`` float32[n, 6]: mean overlap of a
    user's pairs per bin of ``EVENT_BINS`` and ``DAY_BINS``. ``lists`` int32[n]: lists per user, 0
    of one who wasn't measured.
    """

    corpus_id: str
    model_id: str
    recommender: str
    k: int
    user_ids: tuple[str, ...]
    change: FloatArray
    by_events: FloatArray
    by_days: FloatArray
    lists: npt.NDArray[np.int32]

    def among(self, user_ids: Sequence[str]) -> Turnover:
        """The same for a cohort; users that weren't measured are left out."""
        row_of = {user: row for row, user in enumerate(self.user_ids)}
        rows = np.array([row_of[user] for user in user_ids if user in row_of], np.int64)
        return replace(
            self,
            user_ids=tuple(self.user_ids[row] for row in rows),
            **{name: getattr(self, name)[rows] for name in ARRAYS},
        )

    @property
    def measured(self) -> int:
        """How many of the users were measured."""
        return int(np.count_nonzero(self.lists))

    @property
    def sample(self) -> Sample | None:
        """Of how many users so many were measured; None where all were."""
        n = len(self.user_ids)
        return Sample(self.measured, n) if self.measured < n else None

    def most_changed(self, n: int, fewest_lists: int = 5) -> list[tuple[str, float]]:
        """The users whose lists change most per event, with that change; ties by user id."""
        usable = np.flatnonzero(np.isfinite(self.change) & (self.lists >= fewest_lists))
        ordered = sorted(usable.tolist(), key=lambda at: (-self.change[at], self.user_ids[at]))
        return [(self.user_ids[at], float(self.change[at])) for at in ordered[:n]]


@dataclass(frozen=True, slots=True)
class Bin:
    """One point of a turnover curve."""

    low: int
    """Events or whole days between two lists, from here ..."""
    high: int | None
    """... to here; None for the open last bin."""
    overlap: float | None
    """Mean over users of their mean RBO, 0 to 1; None without users."""
    users: int
    """How many users have such a pair."""


def curve(values: FloatArray, starts: Sequence[int]) -> tuple[Bin, ...]:
    """The mean over users of overlaps float32[n, n_bins] whose bins begin at ``starts``."""
    ends = [*(start - 1 for start in starts[1:]), None]
    bins = []
    for column, low, high in zip(values.T, starts, ends, strict=True):
        known = column[np.isfinite(column)]
        mean = float(known.mean(dtype=np.float64)) if len(known) else None
        bins.append(Bin(low, high, mean, len(known)))
    return tuple(bins)


def measure_turnover(
    engine: Engine,
    users: Sequence[str] | None = None,
    recommender: str | None = None,
    k: int = K,
    *,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
    machines: Machines = HERE,
) -> Turnover:
    """Make the lists of all users (or of a cohort) on ``machines``, and compare them.

    Of all users of a large corpus an even sample is measured. ``stop`` is asked between batches of
    64 lists. DomainError for an unknown user or recommender.
    """
    if users is None:
        every = engine.corpus.user_ids
        sample = sampled_users(engine.corpus)
        if len(sample) < len(every):
            some = [every[user] for user in sample.tolist()]
            found = measure_turnover(
                engine, some, recommender, k, progress=progress, stop=stop, machines=machines
            )
            return _spread(found, every, sample)
    chosen = engine.recommender(recommender)
    user_ids = tuple(engine.corpus.user_ids if users is None else users)
    rows: list[tuple[float, FloatArray, FloatArray, int]] = []
    lists = _newest_lists(engine, user_ids, chosen.id, k, stop, machines)
    for _, own in groupby(lists, key=lambda row: row[0].user_id):
        report(progress, Progress(STAGE, len(rows), len(user_ids)))
        histories, items = zip(*own, strict=True)
        rows.append((*_compare(histories, items), len(items)))
    report(progress, Progress(STAGE, len(rows), len(user_ids)))
    change, by_events, by_days, counts = zip(*rows, strict=True) if rows else ((), (), (), ())
    return Turnover(
        engine.corpus.corpus_id,
        engine.model_id,
        chosen.id,
        k,
        user_ids,
        np.array(change, np.float32),
        np.array(by_events, np.float32).reshape(-1, len(EVENT_BINS)),
        np.array(by_days, np.float32).reshape(-1, len(DAY_BINS)),
        np.array(counts, np.int32),
    )


def sampled_users(corpus: Corpus) -> IntArray:
    """Who is measured of all users, indices int64[m], ascending: all of a corpus of usual size."""
    lists = int(np.minimum(np.diff(corpus.user_starts), NEWEST).sum())
    most = MOST_CELLS // max(len(corpus.item_ids), 1)
    n = len(corpus.user_ids)
    return evenly(n, n * most // max(lists, 1))


def _spread(found: Turnover, user_ids: tuple[str, ...], sample: IntArray) -> Turnover:
    """The same among all users, of whom ``sample`` int64[m] were measured."""
    arrays: dict[str, Any] = {}
    for name in ARRAYS:
        values = getattr(found, name)
        nothing = 0 if name == "lists" else np.nan
        arrays[name] = np.full((len(user_ids), *values.shape[1:]), nothing, values.dtype)
        arrays[name][sample] = values
    return replace(found, user_ids=user_ids, **arrays)


def _newest_lists(
    engine: Engine,
    user_ids: Sequence[str],
    recommender: str,
    k: int,
    stop: StopCallback | None,
    machines: Machines,
) -> Iterator[tuple[History, list[str]]]:
    """Each user's newest moments with the items listed then."""
    moments = (
        whole.up_to(step)
        for whole in map(engine.corpus.history, user_ids)
        for step in range(max(len(whole) - NEWEST, 0) + 1, len(whole) + 1)
    )
    waiting: deque[list[History]] = deque()

    def batches() -> Iterator[list[History]]:
        while batch := list(islice(moments, HISTORIES_PER_BATCH)):
            waiting.append(batch)
            yield batch

    if machines is HERE:
        listed = partial(_lists_after, engine, recommender, k)
        made = in_threads(listed, batches(), stop, LARGE_PIECES_EACH)
    else:
        about = engine.place(), recommender, engine.fingerprint(recommender), k
        steps = ([(each.user_id, len(each)) for each in batch] for batch in batches())
        made = machines.map(partial(_lists_on_node, *about), steps, stop)
    for lists in made:
        yield from zip(waiting.popleft(), lists, strict=True)


def _lists_on_node(
    place: EnginePlace, name: str, fingerprint: str, k: int, steps: Sequence[tuple[str, int]]
) -> list[list[str]]:
    engine = place.with_recommender(name, fingerprint)
    moments = [engine.corpus.history(user).up_to(step) for user, step in steps]
    return _lists_after(engine, name, k, moments)


def _lists_after(
    engine: Engine, name: str, k: int, histories: Sequence[History]
) -> list[list[str]]:
    """The items of the list after each history, asked for together."""
    recommender = engine.recommender(name)
    return [
        [item.item_id for item in engine.top(history, scores, k, recommender.id).items]
        for history, scores in zip(histories, recommender.log_probabilities(histories), strict=True)
    ]


def _compare(
    histories: Sequence[History], lists: Sequence[Sequence[str]]
) -> tuple[float, FloatArray, FloatArray]:
    """Change between neighbours, and mean overlap by events and by days between."""
    sums = np.zeros((2, len(EVENT_BINS)))
    pairs = np.zeros((2, len(EVENT_BINS)))
    next_to: list[float] = []
    for a, b in combinations(range(len(lists)), 2):
        overlap = rank_biased_overlap(lists[a], lists[b])
        first, second = histories[a].at, histories[b].at
        if overlap is None or first is None or second is None:
            continue
        if b - a == 1:
            next_to.append(overlap)
        apart = [(0, EVENT_BINS, b - a)]
        if histories[b].timed:
            apart.append((1, DAY_BINS, (second - first).days))
        for row, starts, value in apart:
            at = int(np.searchsorted(starts, value, side="right")) - 1
            sums[row, at] += overlap
            pairs[row, at] += 1
    means = np.where(pairs > 0, sums / np.maximum(pairs, 1), np.nan).astype(np.float32)
    change = 1.0 - float(np.mean(next_to)) if next_to else float("nan")
    return change, means[0], means[1]


def stored_path(library: Library, engine: Engine, recommender: str, k: int) -> Path:
    """Where the turnover of a whole corpus lies."""
    name = f"{engine.fingerprint(recommender)}-{recommender}-{k}.safetensors"
    return library.root / FOLDER / engine.corpus.corpus_id / name


def read_turnover(
    library: Library, engine: Engine, recommender: str | None = None, k: int = K
) -> Turnover | None:
    """What was measured before; None where nothing was, ``Damaged`` where it is damaged."""
    name = engine.recommender(recommender).id

    def read(path: Path) -> Turnover | None:
        tensors, header = load_arrays(path)
        if not is_about(header, _facts(engine, name, k)):
            return None
        corpus, n = engine.corpus, len(engine.corpus.user_ids)
        arrays = {key: tensors[key] for key in ARRAYS}
        for key, shape in zip(ARRAYS, _shapes(n), strict=True):
            kind = np.int32 if key == "lists" else np.float32
            check_array(key, arrays[key], kind, shape, low=0, nan=True)
        about = (corpus.corpus_id, engine.model_id, name, k)
        return Turnover(*about, corpus.user_ids, *(arrays[key] for key in ARRAYS))

    return first_kept(library.places(stored_path(library, engine, name, k)), read, mark("turnover"))


def _shapes(n: int) -> tuple[tuple[int, ...], ...]:
    """Shapes of ``ARRAYS``."""
    return (n,), (n, len(EVENT_BINS)), (n, len(DAY_BINS)), (n,)


def make_turnover(
    library: Library,
    engine: Engine,
    recommender: str | None = None,
    k: int = K,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
    machines: Machines = HERE,
) -> Turnover:
    """Read the turnover of a whole corpus, or measure it and store it whole or not at all."""
    known = kept_or_none(lambda: read_turnover(library, engine, recommender, k))
    if known is not None:
        return known
    turnover = measure_turnover(
        engine, None, recommender, k, progress=progress, stop=stop, machines=machines
    )
    facts = {"facts": json.dumps(_facts(engine, turnover.recommender, k))}
    path = stored_path(library, engine, turnover.recommender, k)
    arrays = {key: getattr(turnover, key) for key in ARRAYS}
    library.keep(path, lambda place: save_arrays(place, arrays, facts, sealed=True))
    return turnover


def _facts(engine: Engine, recommender: str, k: int) -> dict[str, str | int]:
    return {
        "format": FORMAT,
        "corpus_id": engine.corpus.corpus_id,
        "model_id": engine.fingerprint(recommender),
        "recommender": recommender,
        "k": k,
    }
