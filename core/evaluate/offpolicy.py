"""What another recommender would have earned in place of served lists, from their own log.

Each row of the log is an item that was shown, with its propensity (the probability that it would be
in that list) and its reward. A recommender's list at that moment, as long as the served one, is
held against it. With w = 1 / propensity where the shown item is in that list, else 0:

- SNIPS (Swaminathan & Joachims 2015): sum of w * reward over the sum of w;
- DR, doubly robust (Dudík et al. 2011): for each list, the expected rewards of the recommender's
  items plus the sum of w * (reward - expected reward) of the shown ones, over the length.

Both are rewards per item shown, and rest on this: an item's reward depends neither on its rank nor
on its neighbours (Li et al. 2018). Expected rewards are an item's mean among other users' rows,
shrunk towards the mean of all. Intervals draw users. The effective sample size is Kish's, over the
sums of each user's weights, because what one user did belongs together.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.arrays import BoolArray, DoubleArray, FloatArray, IntArray
from core.corpus.timestamps import DAY_MICROS, EPOCH, MICROSECOND
from core.domain import DomainError, History, Part
from core.engine import Engine
from core.evaluate.served import ServedLists
from core.language import mark, tr
from core.measure.metrics import Interval, compare_paired
from core.progress import Progress, ProgressCallback, StopCallback, check_stop, report
from core.ranking import ExcludedItems, top_items
from core.recommend.protocol import Recommender, batches

LEAST_ESS = 50.0
MOST_LISTS = 2_000
"""Lists that are asked about; of more, every second, third, ... of each user."""
FOLDS, SHRINK = 5, 5.0
"""Groups of users for expected rewards, and rows at which an item's own mean counts half."""
CELLS = 4_000_000
LOOK = 500
"""Lists between two looks whether to stop."""


@dataclass(frozen=True, eq=False)
class Logs:
    """Rows of served lists: ``n`` items shown in ``m`` lists.

    ``list`` int64[n] is each row's list, ``item`` int64[n] its catalogue index, ``propensity``
    float64[n] in (0, 1], ``reward`` float64[n]; ``users`` owns each of the m lists. Every list has
    a row.
    """

    list: IntArray
    item: IntArray
    propensity: DoubleArray
    reward: DoubleArray
    users: tuple[str, ...]

    @property
    def lengths(self) -> IntArray:
        """Items shown in each list, int64[m]."""
        return np.bincount(self.list, minlength=len(self.users)).astype(np.int64)

    def summed(self, values: DoubleArray) -> DoubleArray:
        """Sum of the rows' float64[n] by list, float64[m]."""
        return _summed(self.list, values, len(self.users))

    def expected(self, n_items: int) -> tuple[IntArray, DoubleArray]:
        """Each list's group of users, int64[m], and what items are expected to earn there.

        float64[FOLDS, n_items]: means over the rows of all other groups.
        """
        fold = np.array([zlib.crc32(user.encode()) % FOLDS for user in self.users], np.int64)
        of_row, table = fold[self.list], np.zeros((FOLDS, n_items))
        for each in range(FOLDS):
            others = of_row != each
            rows = self.item[others]
            sums = np.bincount(rows, self.reward[others], minlength=n_items)
            counts = np.bincount(rows, minlength=n_items)
            mean = float(self.reward[others].mean()) if others.any() else float(self.reward.mean())
            table[each] = (sums + SHRINK * mean) / (counts + SHRINK)
        return fold, table


@dataclass(frozen=True, slots=True)
class Earned:
    """What a recommender would have earned per item shown.

    ``support`` is the mean weight over the items that it shows: near 1 where all of them had a
    chance to be served. ``gain`` is DR less what was earned. Below an effective sample size ``ess``
    of 50 there are no estimates, only NaN.
    """

    recommender: str
    ess: float
    support: float
    snips: Interval
    dr: Interval
    gain: Interval

    @property
    def is_refused(self) -> bool:
        """Whether too little of what it shows was served."""
        return not self.ess >= LEAST_ESS

    def to_json(self) -> dict[str, Any]:
        """One entry of the verb ``off-policy``."""
        facts: dict[str, Any] = {"recommender": self.recommender, "ess": round(self.ess, 1)}
        facts["support"] = round(self.support, 4)
        for name, interval in (("snips", self.snips), ("dr", self.dr), ("gain", self.gain)):
            facts[name] = None if self.is_refused else interval.mean
            facts[f"{name}_ci"] = None if self.is_refused else [interval.low, interval.high]
        return facts


@dataclass(frozen=True, eq=False)
class OffPolicy:
    """Recommenders held against served lists of one name.

    ``earned`` is the reward per item that was shown; of ``lists`` lists of ``users`` users.
    ``learned`` lists are left out: the model knows what came of them; so are ``outside`` lists of
    users who are not in the model's sample. ``thinned``: only so large a share of the others was
    asked about.
    """

    name: str
    earned: Interval
    recommenders: tuple[Earned, ...]
    lists: int
    users: int
    rows: int
    learned: int
    thinned: float = 1.0
    outside: int = 0

    def to_json(self) -> dict[str, Any]:
        """The JSON object of the verb ``off-policy``."""
        outside = {"left_out_outside_sample": self.outside} if self.outside else {}
        return {
            "name": self.name,
            "lists": self.lists,
            "users": self.users,
            "rows": self.rows,
            "left_out_learned": self.learned,
            **outside,
            "share_of_lists": round(self.thinned, 4),
            "reward": self.earned.mean,
            "reward_ci": [self.earned.low, self.earned.high],
            "recommenders": [each.to_json() for each in self.recommenders],
        }


def estimate(
    recommender: str, logs: Logs, shows: BoolArray, direct: DoubleArray, expected: DoubleArray
) -> Earned:
    """What a recommender would have earned.

    ``shows`` bool[n]: whether its list holds the row's item; ``direct`` float64[m]: the sum of its
    items' expected rewards; ``expected`` float64[n]: the expected reward of the row's item.
    """
    weight = np.where(shows, 1.0 / logs.propensity, 0.0)
    users, lengths = logs.users, logs.lengths.astype(np.float64)
    of_user = _by_user(logs.summed(weight), users)
    of_user /= max(float(of_user.max()), 1.0)  # so that no square is too large
    squares = float((of_user**2).sum())
    ess = float(of_user.sum()) ** 2 / squares if squares else 0.0
    support = float(weight.sum() / lengths.sum())
    if not ess >= LEAST_ESS:
        nothing = Interval(np.nan, np.nan, np.nan)
        return Earned(recommender, ess, support, nothing, nothing, nothing)
    rewards, weights = logs.summed(weight * logs.reward), logs.summed(weight)
    robust = direct + logs.summed(weight * (logs.reward - expected))
    return Earned(
        recommender,
        ess,
        support,
        compare_paired(rewards, weights, users).ratio,
        compare_paired(robust, lengths, users).ratio,
        compare_paired(robust - logs.summed(logs.reward), lengths, users).ratio,
    )


def _by_user(values: DoubleArray, users: Sequence[str]) -> DoubleArray:
    _, owner = np.unique(np.asarray(users, dtype=object), return_inverse=True)
    return _summed(owner, values, len(owner))


def _summed(owner: IntArray, values: DoubleArray, n: int) -> DoubleArray:
    return np.bincount(owner, values, minlength=n).astype(np.float64)


def off_policy(
    engine: Engine,
    served: ServedLists,
    recommenders: Sequence[Recommender],
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> OffPolicy:
    """Hold recommenders of a model against served lists with propensities and rewards.

    Lists that a user was served before their last training event are left out, and those of its
    day where only days are known; an event at the list's own time whose item it holds came of it.
    DomainError for a corpus without times, and where the lists have no rewards, or none is left.
    Raises Stopped.
    """
    if engine.corpus.manifest.order_as_time:
        raise DomainError(
            tr("this corpus has no times, so what was known when a list was served isn't known"),
            where=tr("corpus {name}", name=engine.corpus.name),
            remedy=tr("Import it with times"),
        )
    if served.propensity is None or served.reward is None:
        raise DomainError(
            tr("the lists {name!r} have no propensities and rewards", name=served.manifest.name),
            where=tr("corpus {name}", name=engine.corpus.name),
            remedy=tr("Import them again from a file with the columns propensity and reward"),
        )
    logs, histories, learned, thinned = _logs_of(engine, served, progress, stop)
    n_items, index = len(engine.corpus.item_ids), engine.corpus.item_index
    fold, table = logs.expected(n_items)
    lengths, of_row = logs.lengths, fold[logs.list]
    expected = table[of_row, logs.item]
    longest = min(int(lengths.max()), n_items)
    ends = np.searchsorted(logs.list, np.arange(len(histories) + 1))
    found = []
    for number, recommender in enumerate(recommenders):
        shows = np.zeros(len(logs.item), np.bool_)
        direct = np.zeros(len(histories))
        for rows in batches(len(histories), n_items, CELLS):
            check_stop(stop)
            done = number * len(histories) + rows.start
            total = len(recommenders) * len(histories)
            report(progress, Progress(tr("ask {name}", name=recommender.id), done, total))
            asked = histories[rows]
            scores: FloatArray = recommender.log_probabilities(asked)
            lists = top_items(scores, ExcludedItems.of(asked, index), longest)
            for at, listed in enumerate(lists, start=rows.start):
                listed = listed[: lengths[at]]
                listed = listed[listed >= 0]
                own = slice(int(ends[at]), int(ends[at + 1]))
                shows[own] = np.isin(logs.item[own], listed)
                direct[at] = table[fold[at], listed].sum()
        found.append(estimate(recommender.id, logs, shows, direct, expected))
    return OffPolicy(
        name=served.manifest.name,
        earned=compare_paired(
            logs.summed(logs.reward), lengths.astype(np.float64), logs.users
        ).ratio,
        recommenders=tuple(found),
        lists=len(histories),
        users=len(set(logs.users)),
        rows=len(logs.item),
        learned=learned,
        thinned=thinned,
        outside=served.outside,
    )


def _logs_of(
    engine: Engine,
    served: ServedLists,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> tuple[Logs, list[History], int, float]:
    """The rows of all lists that count, what was known at each, how many don't, share of lists."""
    assert served.propensity is not None and served.reward is not None
    corpus = engine.corpus
    where = tr("lists {name}, model {model}", name=served.manifest.name, model=engine.model_id)
    if served.outside and not len(served.user):
        raise DomainError(
            tr("no list is of a user of the sample that the model was trained on"),
            where=where,
            remedy=tr("Train on more users"),
        )
    parts, starts = corpus.parts, corpus.user_starts
    trained = np.concatenate([[0], np.cumsum(parts == Part.TRAIN)])
    training = trained[starts[1:]] - trained[starts[:-1]]
    begins, ends = _bounds(served)
    owners = served.user[begins]
    steps = _steps(served, begins, ends, progress, stop)
    counted = np.flatnonzero(
        (steps >= training[owners]) & ~_may_be_learned(served, begins, training)
    )
    if not len(counted):
        raise DomainError(
            tr(
                "every list was served before its user's last training event, so the model knows "
                "what came of it"
            ),
            where=where,
            remedy=tr("Import lists that were served later, or train on earlier events only"),
        )
    chosen = counted[_asked(owners[counted])]
    histories = []
    for number, at in enumerate(chosen.tolist()):
        if number % LOOK == 0:
            check_stop(stop)
            report(progress, Progress(mark("read what was known"), number, len(chosen)))
        moment = EPOCH + int(served.time[begins[at]]) * MICROSECOND
        whole = corpus.history(corpus.user_ids[owners[at]])
        histories.append(whole.up_to(int(steps[at])).at_clock(moment))
    rows = np.concatenate([np.arange(begins[at], ends[at]) for at in chosen])
    logs = Logs(
        np.repeat(np.arange(len(chosen)), ends[chosen] - begins[chosen]),
        served.item[rows],
        served.propensity[rows],
        served.reward[rows],
        tuple(history.user_id for history in histories),
    )
    return logs, histories, len(begins) - len(counted), len(chosen) / len(counted)


def _bounds(served: ServedLists) -> tuple[IntArray, IntArray]:
    """Where each list's rows begin and end, int64[m] each."""
    changes = (np.diff(served.user) != 0) | (np.diff(served.time) != 0)
    edges = np.flatnonzero(np.concatenate([[True], changes, [True]])[: len(served.user) + 1])
    return edges[:-1], edges[1:]


def _steps(
    served: ServedLists,
    begins: IntArray,
    ends: IntArray,
    progress: ProgressCallback | None,
    stop: StopCallback | None,
) -> IntArray:
    """Events that were known when each list was served, int64[m].

    One at the list's own time is known unless its item is in the list: then it came of the list,
    as where times are whole days. What follows it isn't known either.
    """
    corpus = served.corpus
    starts, steps = corpus.user_starts, np.zeros(len(begins), np.int64)
    times = corpus.times.astype(np.int64)
    items = corpus.event_items
    for at, (begin, end) in enumerate(zip(begins.tolist(), ends.tolist(), strict=True)):
        if at % LOOK == 0:
            check_stop(stop)
            report(progress, Progress(mark("read the lists"), at, len(begins)))
        user, moment = served.user[begin], served.time[begin]
        first, last = int(starts[user]), int(starts[user + 1])
        low, high = np.searchsorted(times[first:last], [moment, moment + 1]).tolist()
        if low < high:
            shown = set(served.item[begin:end].tolist())
            same = enumerate(items[first + low : first + high], start=low)
            high = next((step for step, item in same if item in shown), high)
        steps[at] = high
    return steps


def _may_be_learned(served: ServedLists, begins: IntArray, training: IntArray) -> BoolArray:
    """Lists of the day of their user's last training event, where only the day is known, bool[m].

    That event may have come of any list of the day. Leaving out only those that show it would take
    rewarded lists away and leave others of that day.
    """
    owners, moments = served.user[begins], served.time[begins]
    times = served.corpus.times.astype(np.int64)
    last = served.corpus.user_starts[owners] + training[owners] - 1
    learned = (training[owners] > 0) & (times[np.maximum(last, 0)] == moments)
    return np.asarray(learned & (moments % DAY_MICROS == 0))


def _asked(owners: IntArray) -> BoolArray:
    """Which lists are asked about, bool[m]: all, or of each user every second, third, ... one.

    ``owners`` int64[m], sorted. Users are left out only where there are more than ``MOST_LISTS``.
    """
    users, firsts, counts = np.unique(owners, return_index=True, return_counts=True)
    asked = np.zeros(len(users), np.bool_)
    asked[:: -(-len(users) // MOST_LISTS)] = True
    every = max(-(-int(counts[asked].sum()) // MOST_LISTS), 1)
    while int((-(-counts[asked] // every)).sum()) > MOST_LISTS:
        every += 1
    place = np.arange(len(owners)) - np.repeat(firsts, counts)
    chosen: BoolArray = np.repeat(asked, counts) & (place % every == 0)
    return chosen
