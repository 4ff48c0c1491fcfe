"""One corpus in memory, as the rest of the code sees it."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from difflib import get_close_matches
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from core.arrays import FloatArray, IntArray, PartArray
from core.corpus.attributes import Attributes
from core.corpus.events import CodeArray, EventSource, FrameEvents, TimeArray
from core.corpus.manifest import Manifest
from core.corpus.names import are_titles, derived_title, read_names, short_name
from core.corpus.own import NO_ITEM, is_own, read_own
from core.corpus.sampling import UserSample
from core.corpus.split import parts_of
from core.corpus.timestamps import EPOCH
from core.domain import Columns, DomainError, Event, EventKind, History
from core.language import tr
from core.threads import once_each

CACHED_HISTORIES = 512
OWN_TITLE = 40
LEAST_TITLE = 8
"""Letters of a review's title that stand for its item."""


@dataclass(frozen=True, eq=False)
class Corpus:
    """One corpus: events, items and what is known about them. Treat it as read-only.

    ``events`` has ``Columns.EVENTS`` with users sorted and each user's events in contract order
    (timestamp datetime64[us, UTC], rating float32 with NaN for none, the rest str or None).
    ``items`` has ``Columns.ITEMS`` sorted by item_id (price float64 with NaN, the rest str or
    None): the whole catalogue; an item's row number is its catalogue index everywhere. ``folder``
    is where it was read from; None for a corpus made in memory.

    The frame ``events`` is made when it is first asked for, and large where the corpus is: who
    needs a history or a column takes ``history``, ``times``, ``ratings``, ``event_items``,
    ``parts``.
    """

    name: str
    corpus_id: str
    events: pd.DataFrame
    items: pd.DataFrame
    manifest: Manifest
    folder: Path | None = None
    library: Path | None = None
    """The library's folder, where own histories are; None for a corpus made in memory."""
    attributes: Attributes | None = None
    """What a users file says of the users; None without one. No model reads it."""
    sample: UserSample | None = None
    """Which users are in this corpus, where that is a sample (``core.corpus.sampling``)."""
    drawn_from: Corpus | None = field(default=None, repr=False)
    """The corpus of all users, where this one has a sample of them."""

    def leaves_out(self, user_id: str) -> bool:
        """Whether a user of the whole corpus is not in the sample."""
        return user_id not in self.user_index and user_id in self.whole.user_index

    @property
    def whole(self) -> Corpus:
        """The corpus of all users: itself, unless it has a sample of them."""
        return self.drawn_from or self

    @property
    def attributes_id(self) -> str:
        """What stands for the user attributes; empty without any."""
        return "" if self.attributes is None else self.attributes.facts.attributes_id

    @cached_property
    def item_ids(self) -> tuple[str, ...]:
        """Item ids in catalogue order."""
        return tuple(self.items[Columns.Item])

    @cached_property
    def item_index(self) -> Mapping[str, int]:
        """Catalogue index of each item id."""
        return {item: index for index, item in enumerate(self.item_ids)}

    @property
    def source(self) -> EventSource:
        """Where the events come from."""
        source: EventSource = vars(self)["source"]
        return source

    @property
    def user_ids(self) -> tuple[str, ...]:
        """User ids, sorted; aligned with ``user_starts``."""
        return self.source.user_ids

    @cached_property
    def user_index(self) -> Mapping[str, int]:
        """Place of each user id in ``user_ids``."""
        return {user: index for index, user in enumerate(self.user_ids)}

    @property
    def user_starts(self) -> IntArray:
        """int64[n_users + 1]: row of each user's first event, then the number of rows."""
        return self.source.user_starts

    @property
    def n_events(self) -> int:
        """How many events there are."""
        return int(self.user_starts[-1])

    @property
    def has_text(self) -> bool:
        """Whether an event may have words: False only where the manifest of its files says so."""
        return self.folder is None or self.manifest.with_text > 0

    @property
    def times(self) -> TimeArray:
        """When each event happened, datetime64[us][n_events] in UTC."""
        return self.source.times

    @property
    def ratings(self) -> FloatArray:
        """The rating of each event, float32[n_events], NaN for none."""
        return self.source.ratings

    @cached_property
    def event_items(self) -> CodeArray:
        """Catalogue index of each event's item, int32[n_events]."""
        words, codes = self.source.codes(Columns.Item)
        places = np.array([self.item_index.get(word, -1) for word in words], np.int32)[codes]
        places.setflags(write=False)
        return places

    @cached_property
    def parts(self) -> PartArray:
        """``leave_last_out`` of all events, int8[n_events] of ``Part``."""
        parts = parts_of(self.user_starts)
        parts.setflags(write=False)
        return parts

    def user_rows(self, user_id: str) -> slice:
        """The rows of ``events`` that are this user's; DomainError for an unknown user."""
        index = self.user_index.get(user_id)
        if index is None:
            raise DomainError(
                tr("there is no user {user!r}", user=user_id),
                where=tr("corpus {name}", name=self.name),
                remedy=tr("List them with: python -m core users {name}", name=self.name),
            )
        return slice(int(self.user_starts[index]), int(self.user_starts[index + 1]))

    def history(self, user_id: str) -> History:
        """All events of a user, or of an own history (``core.corpus.own``).

        Of a user who is not in the sample, too. DomainError for an unknown user.
        """
        if self.drawn_from is not None and user_id not in self.user_index:
            return self.drawn_from.history(user_id)
        return self._history(user_id)

    def forget(self) -> None:
        """Give back the memory of histories and rows that were read; they are read again."""
        vars(self).pop("_history", None)
        self.source.forget()
        if self.drawn_from is not None:
            self.drawn_from.forget()

    def knows(self, user_id: str) -> bool:
        """Whether there is a history of that id."""
        if self.drawn_from is not None:
            return self.drawn_from.knows(user_id)
        if user_id in self.user_index:
            return True
        with suppress(DomainError):
            return is_own(user_id) and self.history(user_id) is not None
        return False

    def index_of(self, item_id: str, where: str = "") -> int:
        """Catalogue index of an item; DomainError with similar ids for an unknown one."""
        index = self.item_index.get(item_id)
        if index is None:
            close = get_close_matches(item_id[:80], self.item_ids[:50_000], n=3)
            raise DomainError(
                tr("there is no item {item!r}", item=item_id[:80]),
                where=where or tr("corpus {name}", name=self.name),
                remedy=tr("Did you mean {names}?", names=", ".join(close))
                if close
                else tr("Choose an item of the corpus"),
            )
        return index

    def title(self, item_id: str) -> str:
        """What an item is called everywhere: its title; else a derived name with its id.

        The id alone where training reviews say nothing of it (``core.corpus.names``). Items of
        one title (editions, say) are told apart by their ids.
        """
        index = self.item_index.get(item_id)
        title = self._titles[index] if index is not None else None
        if title and item_id in self._of_one_title:
            return f"{title} ({item_id})"
        return title or derived_title(self._derived.get(item_id), item_id)

    def short_title(self, item_id: str, limit: int) -> str:
        """The title in at most ``limit`` characters.

        An id that tells it apart stays, where LEAST_TITLE characters of the title do beside it.
        """
        room = limit - len(item_id) - 3
        if item_id in self._of_one_title and room >= LEAST_TITLE:
            title = self._titles[self.item_index[item_id]] or ""
            return f"{short_name(title, room)} ({item_id})"
        return short_name(self.title(item_id), limit)

    def short_event_title(self, event: Event, limit: int) -> str:
        """``event_title`` in at most ``limit`` characters, as in ``short_title``."""
        if event.item_id in self._of_one_title:
            return self.short_title(event.item_id, limit)
        return short_name(self.event_title(event), limit)

    def event_title(self, event: Event) -> str:
        """What an event's item is called beside that event.

        Where the item has no title, the event's own review title takes the place of the details
        in its derived name. Words of a person.
        """
        own = (event.title or "").strip()
        if not event.item_id:
            if not own:
                return tr(NO_ITEM)
            return tr("{name} ({note})", name=short_name(own, OWN_TITLE), note=tr(NO_ITEM))
        title = self.title(event.item_id)
        if not own or self.has_title(event.item_id):
            return title
        quoted = f"“{short_name(own, OWN_TITLE)}”"
        return derived_title(self._derived.get(event.item_id), event.item_id, quoted)

    def label(self, item_id: str) -> str:
        """The title with the id beside it, by both of which a person may search."""
        title = self.title(item_id)
        has_id = item_id in self._of_one_title or not self.has_title(item_id)
        return title if has_id else f"{title} ({item_id})"

    def has_title(self, item_id: str) -> bool:
        """Whether the corpus itself names the item."""
        index = self.item_index.get(item_id)
        return index is not None and bool(self._titles[index])

    @cached_property
    def has_derived_titles(self) -> bool:
        """Whether some items are called by what their reviews say."""
        return bool(self._derived)

    @cached_property
    def _titles(self) -> list[str | None]:
        return list(self.items[Columns.Title])

    @cached_property
    def _of_one_title(self) -> frozenset[str]:
        """Items whose title another item has, too."""
        titles = self.items[Columns.Title]
        shared = titles.duplicated(keep=False) & titles.notna()
        return frozenset(self.items[Columns.Item][shared])

    @once_each
    def _derived(self) -> dict[str, tuple[str, str]]:
        """Words from training reviews of the items without a title, whichever users count."""
        if self.drawn_from is not None:
            return self.drawn_from._derived
        pairs = zip(self.item_ids, self._titles, strict=True)
        nameless = [item_id for item_id, title in pairs if not title]
        if not nameless or not self.has_text or are_titles(nameless):
            return {}
        return read_names(self.folder, self.corpus_id, lambda: self.events, nameless)

    @cached_property
    def _history(self) -> Callable[[str], History]:
        kinds = {str(kind): kind for kind in EventKind}
        timed = not self.manifest.order_as_time
        # The corpus is asked only while it is there. It must not hold itself: one that nobody
        # refers to closes its file at once, not with a garbage collection (``gc.freeze``).
        corpus: Corpus = weakref.proxy(self)

        def build(user_id: str) -> History:
            if is_own(user_id) and user_id not in corpus.user_index:
                own = read_own(corpus.library, corpus.name, user_id, timed=timed)
                for event in own.events:
                    if event.item_id:
                        corpus.index_of(event.item_id, tr("user {user}", user=user_id))
                return own
            rows = corpus.user_rows(user_id)
            events = tuple(
                Event(
                    item,
                    EPOCH + timedelta(microseconds=at),
                    kinds[kind],
                    rating,
                    title,
                    text,
                    timed,
                )
                for item, at, kind, rating, title, text in corpus.source.rows(rows.start, rows.stop)
            )
            return History(user_id, events)

        return lru_cache(CACHED_HISTORIES)(build)


class _Events:
    """The field ``events``: given as a frame or an ``EventSource``, read as a frame."""

    def __get__(self, corpus: Corpus, owner: type) -> pd.DataFrame:
        return corpus.source.frame

    def __set__(self, corpus: Corpus, given: pd.DataFrame | EventSource) -> None:
        is_frame = isinstance(given, pd.DataFrame)
        vars(corpus)["source"] = FrameEvents(given) if is_frame else given


Corpus.events = _Events()
