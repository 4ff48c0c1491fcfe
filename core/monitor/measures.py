"""What is watched: measures of events by period. These need no model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.arrays import BoolArray, DoubleArray, IntArray
from core.corpus.corpus import Corpus
from core.domain import Columns, EventKind
from core.language import mark, tr
from core.model.profile import CATEGORY_SHARE, NO_CATEGORY
from core.monitor.periods import Calendar

SOON = np.timedelta64(1, "h")
"""A user's event of the same kind about the same item so soon after another one repeats it."""
MOST_TOPICS = 20
"""Topics with a measure of their own, the most frequent ones; the rest is one more."""
OTHERS = mark("other topics")


class Group(StrEnum):
    """What a measure is about."""

    TRAFFIC = "traffic"
    KINDS = "kinds"
    TOPICS = "topics"
    OPINIONS = "opinions"
    LISTS = "lists"
    QUALITY = "quality"


class Scale(StrEnum):
    """How values are written: a number of things, a share of them, or a mean of values."""

    COUNT = "count"
    SHARE = "share"
    MEAN = "mean"


@dataclass(frozen=True, eq=False)
class Measure:
    """One thing that is watched in every period.

    ``values`` makes float64[n], one value per row: a period's value is their sum (COUNT), or their
    mean over the rows that count (SHARE, MEAN). ``rows`` int64[n] are rows of ``corpus.events``
    (None: all); ``counts`` bool[n] says which count (None: all).
    """

    id: str
    name: str
    group: Group
    scale: Scale
    values: Callable[[], DoubleArray]
    counts: Callable[[], BoolArray] | None = None
    rows: IntArray | None = None
    topic: int | None = None
    """The topic that it is about."""
    within: tuple[float, float] = (-np.inf, np.inf)
    """What a mean can be."""

    @property
    def limits(self) -> tuple[float, float]:
        """What a value can be."""
        return {Scale.COUNT: (0.0, np.inf), Scale.SHARE: (0.0, 1.0)}.get(self.scale, self.within)


@dataclass(frozen=True, eq=False)
class Watched:
    """The events of a corpus as the measures need them; rows are those of ``corpus.events``.

    ``users`` bool[n_users]: whose events count; None for everybody's.
    """

    corpus: Corpus
    calendar: Calendar
    users: BoolArray | None = None

    @cached_property
    def is_counted(self) -> BoolArray:
        """Which events are of users who count, bool[n_events]."""
        if self.users is None:
            return np.ones(len(self.user), bool)
        return np.asarray(self.users[self.user])

    @cached_property
    def user(self) -> IntArray:
        """Each event's user, int64[n_events]."""
        users = np.arange(len(self.corpus.user_ids), dtype=np.int64)
        return np.asarray(np.repeat(users, np.diff(self.corpus.user_starts)))

    @cached_property
    def block(self) -> IntArray:
        """Each event's block, int64[n_events]: a user's events of one period, by period."""
        place = self.calendar.of_event * len(self.corpus.user_ids) + self.user
        return np.asarray(np.unique(place, return_inverse=True)[1], np.int64)

    @cached_property
    def block_period(self) -> IntArray:
        """Each block's period, int64[n_blocks]."""
        period = np.zeros(int(self.block.max()) + 1, np.int64)
        period[self.block] = self.calendar.of_event
        return period

    @cached_property
    def item(self) -> IntArray:
        """Each event's catalogue index, int64[n_events]."""
        return self.corpus.event_items.astype(np.int64)

    @cached_property
    def time(self) -> npt.NDArray[Any]:
        """Each event's time, datetime64[us][n_events]."""
        return np.asarray(self.corpus.times)

    @cached_property
    def kind(self) -> npt.NDArray[Any]:
        """Each event's kind, object[n_events]."""
        words, codes = self.corpus.source.codes(Columns.Kind)
        return np.array([*words, None], object)[codes]

    @cached_property
    def rating(self) -> DoubleArray:
        """Each event's rating, float64[n_events] with NaN for none."""
        return self.corpus.ratings.astype(np.float64)

    @cached_property
    def has_text(self) -> BoolArray:
        """Which events have words, bool[n_events]."""
        if not self.corpus.has_text:
            return np.zeros(self.corpus.n_events, bool)
        texts = self.corpus.events[[Columns.Title, Columns.Text]]
        return np.asarray(texts.fillna("").ne("").any(axis=1).to_numpy(bool))

    @cached_property
    def is_first_of_item(self) -> BoolArray:
        """Which events are the first with their item, bool[n_events]."""
        order = np.lexsort((self.user, self.time))
        _, first = np.unique(self.item[order], return_index=True)
        is_first = np.zeros(len(order), bool)
        is_first[order[first]] = True
        return is_first

    @cached_property
    def is_first_of_user(self) -> BoolArray:
        """Which events are the first of their user, bool[n_events]."""
        is_first = np.zeros(len(self.user), bool)
        is_first[self.corpus.user_starts[:-1]] = True
        return is_first

    @cached_property
    def is_on_new_item(self) -> BoolArray:
        """Which events are about an item that was first met in the same period, bool[n_events]."""
        first = np.zeros(len(self.corpus.item_ids), np.int64)
        first[self.item[self.is_first_of_item]] = self.calendar.of_event[self.is_first_of_item]
        return np.asarray(first[self.item] == self.calendar.of_event)

    @cached_property
    def repeats(self) -> BoolArray:
        """Which events repeat an earlier one of the user within an hour, bool[n_events]."""
        codes = pd.Index([kind.value for kind in EventKind]).get_indexer(self.kind)
        order = np.lexsort((self.time, codes, self.item, self.user))
        again = np.zeros(len(order), bool)
        if len(order) < 2:
            return again
        alike = np.ones(len(order) - 1, bool)
        for column in (self.user, self.item, codes):
            alike &= column[order][1:] == column[order][:-1]
        alike &= np.diff(self.time[order]) <= SOON
        again[order[1:]] = alike
        return again


def topics_of(corpus: Corpus) -> tuple[tuple[str, ...], IntArray] | None:
    """Categories as topics, most events first, and each item's; None where too few items have one.

    The topics of a model are taken where there is one.
    """
    categories = corpus.items[Columns.Category]
    if categories.notna().mean() < CATEGORY_SHARE:
        return None
    labels = categories.fillna(NO_CATEGORY)
    events = labels.reindex(corpus.event_items)
    counts = events.value_counts().to_dict()
    names = sorted(set(labels), key=lambda name: (-counts.get(name, 0), name))
    return tuple(names), pd.Index(names).get_indexer(labels).astype(np.int64)


def corpus_measures(
    watched: Watched, topics: tuple[Sequence[str], IntArray] | None
) -> Iterator[Measure]:
    """Everything that needs no model. ``topics``: names, and each item's topic int64[n_items]."""
    yield from _traffic(watched)
    yield from _kinds(watched)
    if topics is not None:
        yield from _topics(watched, *topics)
    yield from _opinions(watched)


def _traffic(watched: Watched) -> Iterator[Measure]:
    def each(marked: Callable[[], BoolArray]) -> Callable[[], DoubleArray]:
        return lambda: marked().astype(np.float64)

    n = len(watched.user)

    def first_in_period() -> BoolArray:
        is_first = np.zeros(n, bool)
        is_first[np.unique(watched.block, return_index=True)[1]] = True
        return is_first

    counted = (
        ("events", tr("Events"), lambda: np.ones(n, bool)),
        ("users", tr("Active users"), first_in_period),
        ("new-users", tr("New users"), lambda: watched.is_first_of_user),
        ("new-items", tr("Items met first"), lambda: watched.is_first_of_item),
    )
    for name, label, marked in counted:
        yield Measure(name, label, Group.TRAFFIC, Scale.COUNT, each(marked))
    shares = (
        ("of-new-users", tr("Events of new users"), lambda: _of_new_users(watched)),
        ("on-new-items", tr("Events on new items"), lambda: watched.is_on_new_item),
        ("repeats", tr("Repeated events"), lambda: watched.repeats),
    )
    for name, label, marked in shares:
        yield Measure(name, label, Group.TRAFFIC, Scale.SHARE, each(marked))


def _of_new_users(watched: Watched) -> BoolArray:
    first = watched.calendar.of_event[watched.corpus.user_starts[:-1]]
    return np.asarray(first[watched.user] == watched.calendar.of_event)


def _kinds(watched: Watched) -> Iterator[Measure]:
    known = [kind for kind in EventKind if watched.corpus.manifest.kinds.get(kind.value)]
    if len(known) < 2:
        return

    def share(kind: str) -> Callable[[], DoubleArray]:
        return lambda: (watched.kind == kind).astype(np.float64)

    for kind in known:
        name = tr("Kind: {kind}", kind=tr(kind.value))
        yield Measure(f"kind:{kind.value}", name, Group.KINDS, Scale.SHARE, share(kind.value))


def _topics(watched: Watched, names: Sequence[str], item_topic: IntArray) -> Iterator[Measure]:
    if len(names) < 2:
        return

    def share(begin: int, end: int) -> Callable[[], DoubleArray]:
        def values() -> DoubleArray:
            topic = item_topic[watched.item]
            return ((topic >= begin) & (topic < end)).astype(np.float64)

        return values

    for at, name in enumerate(names[:MOST_TOPICS]):
        values = share(at, at + 1)
        yield Measure(f"topic:{name}", name, Group.TOPICS, Scale.SHARE, values, topic=at)
    if len(names) > MOST_TOPICS:
        values = share(MOST_TOPICS, len(names))
        yield Measure("topics:other", tr(OTHERS), Group.TOPICS, Scale.SHARE, values)


def _opinions(watched: Watched) -> Iterator[Measure]:
    rated = ~np.isnan(watched.rating)
    group = Group.OPINIONS
    if rated.any():
        yield Measure(
            "rating",
            tr("Mean rating"),
            group,
            Scale.MEAN,
            lambda: np.nan_to_num(watched.rating),
            counts=lambda: rated,
            within=watched.corpus.manifest.rating_scale or (-np.inf, np.inf),
        )
        if not rated.all():
            values: Callable[[], DoubleArray] = lambda: rated.astype(np.float64)  # noqa: E731
            yield Measure("rated", tr("Events with a rating"), group, Scale.SHARE, values)
    if watched.has_text.any() and not watched.has_text.all():
        texts: Callable[[], DoubleArray] = lambda: watched.has_text.astype(np.float64)  # noqa: E731
        yield Measure("with-text", tr("Events with text"), group, Scale.SHARE, texts)
