"""Where every user stood after each event: measured once per model, kept in the library.

Pages about all users need every state's position and leading topic at once. Words are those of the
users' reviews, kept here since reading all reviews takes as long as running all histories.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from core.arrays import FloatArray, IntArray, check_array
from core.corpus.corpus import Corpus
from core.corpus.names import stem, tokens
from core.corpus.store import Library
from core.domain import Columns, review_words
from core.files import first_kept, is_about, kept_or_none, load_arrays, save_arrays
from core.interest_map.projection import FURTHEST
from core.language import mark
from core.model.interest import MANY_EVENTS
from core.model.profile import USERS_AT_ONCE, profile_of
from core.progress import Progress, ProgressCallback, StopCallback, check_stop, report
from core.threads import LARGE_PIECES_EACH, in_threads

if TYPE_CHECKING:
    from core.engine import Engine

FOLDER = "states"
KIND, FORMAT = "states", "1"
"""Changes with the meaning of the file."""
STAGE, READING = mark("follow every user's interest"), mark("read all reviews")
AT_ONCE = 4_096
"""States that are placed together."""
FEWEST_USERS, MOST_SHARE, MOST_WORDS = 5, 0.3, 4_000
"""Words are kept that so many users write, and not more than this share of them; the commonest."""


@dataclass(frozen=True, eq=False)
class States:
    """All states of a corpus under one model; arrays are aligned with ``corpus.events``.

    ``positions`` float32[n_events, 2] on the map; ``topics`` int16[n_events] the largest share of
    the profile; ``sentiments`` float32[n_events] in [-1, 1], NaN without text. ``words`` are those
    that several users write, ``said`` bool[n_users, n_words] who does.
    """

    corpus_id: str
    model_id: str
    positions: FloatArray
    topics: npt.NDArray[np.int16]
    sentiments: FloatArray
    words: tuple[str, ...]
    said: sp.csr_matrix


@dataclass(frozen=True, eq=False)
class Clock:
    """Which state each user of a corpus is in at a calendar time."""

    corpus: Corpus

    @cached_property
    def seconds(self) -> npt.NDArray[np.datetime64]:
        """datetime64[us][n_events], in UTC."""
        times: npt.NDArray[np.datetime64] = self.corpus.times
        return times

    def rows(self, at: datetime | None) -> IntArray:
        """The row of each user's last event at or before a time, int64[n_users]; -1 before any.

        None: the last event.
        """
        starts = self.corpus.user_starts
        if at is None:
            return np.asarray(starts[1:] - 1)
        counts = self.counts(None, at)
        return np.where(counts > 0, starts[:-1] + counts - 1, -1)

    def rows_after(self, share: float) -> IntArray:
        """The row of each user's event at a share of the history: for a corpus without times."""
        starts = self.corpus.user_starts
        sizes = np.diff(starts)
        return np.asarray(starts[:-1] + np.rint((sizes - 1) * share).astype(np.int64))

    def counts(self, after: datetime | None, until: datetime) -> IntArray:
        """How many events each user has after one time up to another, int64[n_users]."""
        inside = self.seconds <= instant(until)
        if after is not None:
            inside &= self.seconds > instant(after)
        sums = np.concatenate([[0], np.cumsum(inside)])
        return np.asarray(np.diff(sums[self.corpus.user_starts]), np.int64)


def instant(time: datetime) -> np.datetime64:
    """A time in UTC as numpy compares it."""
    return np.datetime64(time.replace(tzinfo=None), "us")


def measure_states(
    engine: Engine,
    *,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> States:
    """Run all histories; ``stop`` is asked between two users.

    Those of many events run in batches of users, side by side.
    """
    corpus, n = engine.corpus, len(engine.corpus.user_ids)
    if corpus.n_events > MANY_EVENTS:
        starts = range(0, n, USERS_AT_ONCE)
        batches = (corpus.user_ids[first : first + USERS_AT_ONCE] for first in starts)
        found = []
        run = partial(_states_of, engine, stop=stop)
        for done, some in enumerate(in_threads(run, batches, stop, LARGE_PIECES_EACH)):
            report(progress, Progress(STAGE, done * USERS_AT_ONCE, n))
            found.append(some)
        positions, topics, sentiments = map(np.concatenate, zip(*found, strict=True))
    else:
        positions, topics, sentiments = _states_of(engine, corpus.user_ids, progress, stop)
    words, said = words_of(corpus, progress, stop)
    return States(corpus.corpus_id, engine.model_id, positions, topics, sentiments, words, said)


def _states_of(
    engine: Engine,
    user_ids: Sequence[str],
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> tuple[FloatArray, npt.NDArray[np.int16], FloatArray]:
    """Positions, topics and sentiments of some users' states, as in ``States``."""
    corpus, dim = engine.corpus, engine.config.settings.dim
    rows = [corpus.user_rows(user) for user in user_ids]
    n = sum(own.stop - own.start for own in rows)
    positions = np.zeros((n, 2), np.float32)
    topics = np.zeros(n, np.int16)
    sentiments = np.zeros(n, np.float32)
    waiting: list[FloatArray] = []
    first = last = 0

    def place() -> None:
        nonlocal first, waiting
        queries = np.concatenate(waiting) if waiting else np.zeros((0, dim), np.float32)
        positions[first:last] = engine.map.place(queries)
        profile = profile_of(engine.interest, engine.topics, queries)
        topics[first:last] = profile.argmax(axis=1)
        first, waiting = last, []

    histories = map(corpus.history, user_ids)
    for done, states in enumerate(engine.interest.states_of(histories, corpus.n_events)):
        check_stop(stop)
        report(progress, Progress(STAGE, done, len(user_ids)))
        waiting.append(states.queries)
        sentiments[last : last + len(states.queries)] = states.sentiments
        last += len(states.queries)
        if last - first >= AT_ONCE:
            place()
    place()
    return positions, topics, sentiments


def words_of(
    corpus: Corpus, progress: ProgressCallback | None = None, stop: StopCallback | None = None
) -> tuple[tuple[str, ...], sp.csr_matrix]:
    """Words that several users write, and who does, bool[n_users, n_words].

    Forms of a word that differ by an ``s`` count as one and are called by the commonest.
    """
    n = len(corpus.user_ids)
    if not corpus.has_text:  # and no frame of all events is made
        return (), _matrix(np.zeros(n + 1, np.int64), np.zeros(0, np.int32), 0)
    titles, texts = (corpus.events[name].tolist() for name in (Columns.Title, Columns.Text))
    forms: dict[str, Counter[str]] = defaultdict(Counter)
    of_users: list[set[str]] = []
    for at in range(n):
        check_stop(stop)
        report(progress, Progress(READING, at, n))
        rows = range(int(corpus.user_starts[at]), int(corpus.user_starts[at + 1]))
        reviews = (review_words(titles[row], texts[row]) for row in rows)
        own = {word for text in reviews if text for word in tokens(text.casefold())}
        own = {word for word in own if len(word) > 1}
        for word in own:
            forms[stem(word)][word] += 1
        of_users.append({stem(word) for word in own})
    spread = Counter(word for own in of_users for word in own)
    most = MOST_SHARE * sum(bool(own) for own in of_users)
    usable = [word for word, users in spread.items() if FEWEST_USERS <= users <= most]
    usable = sorted(sorted(usable), key=lambda word: -spread[word])[:MOST_WORDS]
    places = {word: at for at, word in enumerate(usable)}
    columns = [sorted(places[word] for word in own if word in places) for own in of_users]
    starts = np.concatenate([[0], np.cumsum([len(own) for own in columns])]).astype(np.int64)
    flat = np.array([column for own in columns for column in own], np.int32)
    shown = tuple(min(forms[word], key=lambda form: (-forms[word][form], form)) for word in usable)
    return shown, _matrix(starts, flat, len(shown))


def _matrix(starts: IntArray, columns: npt.NDArray[np.int32], n: int) -> sp.csr_matrix:
    ones = np.ones(len(columns), np.float32)
    return sp.csr_matrix((ones, columns, starts), shape=(len(starts) - 1, n))


def stored_path(library: Library, engine: Engine) -> Path:
    """Where the states of a corpus lie."""
    return library.root / FOLDER / engine.corpus.corpus_id / f"{engine.model_id}.safetensors"


def read_states(library: Library, engine: Engine) -> States | None:
    """What was measured before; None where nothing was, ``Damaged`` where it is damaged."""

    def read(path: Path) -> States | None:
        arrays, header = load_arrays(path)
        if not is_about(header, _facts(engine)):
            return None
        return _from_arrays(engine, arrays, json.loads(header["words"]))

    return first_kept(library.places(stored_path(library, engine)), read, mark("table of states"))


def make_states(
    library: Library,
    engine: Engine,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> States:
    """Read the states of a corpus, or measure them and store them whole or not at all."""
    known = kept_or_none(lambda: read_states(library, engine))
    if known is not None:
        return known
    states = measure_states(engine, progress=progress, stop=stop)
    arrays: dict[str, npt.NDArray[np.generic]] = {
        "positions": states.positions,
        "topics": states.topics,
        "sentiments": states.sentiments,
        "said_starts": np.asarray(states.said.indptr, np.int64),
        "said": np.asarray(states.said.indices, np.int32),
    }
    facts = {"facts": json.dumps(_facts(engine)), "words": json.dumps(states.words)}
    path = stored_path(library, engine)
    library.keep(path, lambda place: save_arrays(place, arrays, facts, sealed=True))
    return states


def _facts(engine: Engine) -> dict[str, str]:
    return {
        "kind": KIND,
        "format": FORMAT,
        "corpus_id": engine.corpus.corpus_id,
        "model_id": engine.model_id,
    }


def _from_arrays(
    engine: Engine, arrays: Mapping[str, npt.NDArray[np.generic]], words: Sequence[str]
) -> States:
    """The states of these arrays; ValueError where they can't be the corpus's."""
    corpus = engine.corpus
    n, users, known = corpus.n_events, len(corpus.user_ids), len(words)
    if not all(isinstance(word, str) for word in words):
        raise ValueError("a word is no text")
    said = check_array("said", arrays["said"], np.int32, (None,), low=0, high=known - 1)
    starts = check_array(
        "said_starts",
        arrays["said_starts"],
        np.int64,
        (users + 1,),
        low=0,
        high=len(said),
        ascending=True,
    )
    if starts[0] != 0 or starts[-1] != len(said):
        raise ValueError("the words of users don't begin and end with the array")
    most = len(engine.topics.names) - 1
    positions = check_array(
        "positions", arrays["positions"], np.float32, (n, 2), low=-FURTHEST, high=FURTHEST
    )
    topics = check_array("topics", arrays["topics"], np.int16, (n,), low=0, high=most)
    felt = check_array("sentiments", arrays["sentiments"], np.float32, (n,), nan=True)
    return States(
        corpus.corpus_id,
        engine.model_id,
        positions,
        topics,
        felt,
        tuple(words),
        _matrix(starts, said, known),
    )
