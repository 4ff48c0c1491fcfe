"""What if every user of a cohort had another history? One edit pattern, the lists before and after.

Users whom the pattern changes are asked for in batches; each gets the list that What-if gives for
the same edits. What was measured is kept in the library, by whom, what and which model.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from core.arrays import BoolArray, DoubleArray, IntArray, check_array
from core.cohorts.pattern import Editor, Pattern
from core.compare.overlap import rank_biased_overlap
from core.corpus.store import Library
from core.domain import History
from core.evaluate.making_lists import lists_after
from core.files import first_kept, is_about, kept_or_none, load_arrays, save_arrays
from core.language import mark
from core.progress import Progress, ProgressCallback, StopCallback, check_stop, report
from core.ranking import NO_ITEM
from core.recommend.protocol import CELLS_PER_BATCH
from core.scenario.capsule import MOST_EDITS
from core.scenario.edits import apply_edits

if TYPE_CHECKING:
    from core.engine import Engine

K = 10
FOLDER = "cohort_what_ifs"
KIND, FORMAT = "what-if", "1"
"""Changes with the meaning of the file."""
STAGE = mark("ask for the lists of each user")
FEWEST, MOST = 4, 16
"""Users who are asked for together; Stop is heard between two batches."""
TOO_MANY = -1
"""Stands for the number of edits of a user who would need more than ``MOST_EDITS``."""
ARRAYS = ("edits", "before", "after")


@dataclass(frozen=True, eq=False)
class CohortWhatIf:
    """The lists of a cohort's n users before and after a pattern.

    ``edits`` int32[n]: how many edits it makes of each history; 0 where it changes nothing,
    ``TOO_MANY`` where it would make more than a scenario may have. ``before`` and ``after``
    int32[n, k]: catalogue indices, best first, filled up with ``NO_ITEM``; all of it for users
    without edits, who aren't asked for.
    """

    corpus_id: str
    model_id: str
    recommender: str
    k: int
    pattern: Pattern
    user_ids: tuple[str, ...]
    edits: npt.NDArray[np.int32]
    before: npt.NDArray[np.int32]
    after: npt.NDArray[np.int32]

    @property
    def affected(self) -> BoolArray:
        """Whose history the pattern changes, bool[n]."""
        return self.edits > 0

    @cached_property
    def changed(self) -> BoolArray:
        """Whose list is another one, bool[n]."""
        return np.asarray((self.before != self.after).any(axis=1))

    @cached_property
    def change(self) -> DoubleArray:
        """How much of each list is another, 1 - RBO, float64[n]; NaN without edits or lists."""
        values = np.full(len(self.edits), np.nan)
        for at in np.flatnonzero(self.affected).tolist():
            lists = [row[row != NO_ITEM].tolist() for row in (self.before[at], self.after[at])]
            overlap = rank_biased_overlap(*lists)
            values[at] = np.nan if overlap is None else 1.0 - overlap
        return values

    def counts(self, n_items: int) -> tuple[IntArray, IntArray, IntArray, IntArray]:
        """Lists before and after, entered and left by each item, int64[n_items] each."""
        rows = np.flatnonzero(self.affected)
        inside = []
        for lists in (self.before[rows], self.after[rows]):
            at, _ = np.nonzero(lists != NO_ITEM)
            inside.append(at * n_items + lists[lists != NO_ITEM])
        cells = (
            *inside,
            np.setdiff1d(inside[1], inside[0]),
            np.setdiff1d(inside[0], inside[1]),
        )
        before, after, entered, left = (
            np.bincount(np.asarray(each, np.int64) % n_items, minlength=n_items) for each in cells
        )
        return before, after, entered, left

    @property
    def digest(self) -> str:
        """What stands for all lists, as 16 hex digits."""
        content = hashlib.sha256()
        for name in ARRAYS:
            content.update(np.ascontiguousarray(getattr(self, name)).tobytes())
        return content.hexdigest()[:16]


def measure_what_if(
    engine: Engine,
    user_ids: Sequence[str],
    pattern: Pattern,
    recommender: str | None = None,
    k: int = K,
    *,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> CohortWhatIf:
    """Edit the history of each user and ask for both lists, those of ``compare.fork.run``.

    ``stop`` is asked between users and between batches. DomainError for an unknown user or
    recommender, and for a pattern that the corpus can't have.
    """
    corpus, chosen = engine.corpus, engine.recommender(recommender)
    editor, n = Editor(engine, pattern), len(user_ids)
    size = min(max(CELLS_PER_BATCH // (2 * len(corpus.item_ids)), FEWEST), MOST)
    edits = np.zeros(n, np.int32)
    before, after = (np.full((n, k), NO_ITEM, np.int32) for _ in range(2))
    waiting: list[tuple[int, History, History]] = []

    def ask() -> None:
        check_stop(stop)
        places, bases, edited = zip(*waiting, strict=True)
        for lists, histories in ((before, bases), (after, edited)):
            made = lists_after(engine, histories, k, chosen)
            for at, (items, _) in zip(places, made, strict=True):
                lists[at, : len(items)] = items
        waiting.clear()

    for at, user in enumerate(user_ids):
        check_stop(stop)
        report(progress, Progress(STAGE, at, n))
        base = corpus.history(user)
        made = editor.edits(base)
        edits[at] = len(made) if len(made) <= MOST_EDITS else TOO_MANY
        if edits[at] > 0:
            waiting.append((at, base, apply_edits(base, made, corpus).history))
        if len(waiting) == size:
            ask()
    if waiting:
        ask()
    report(progress, Progress(STAGE, n, n))
    return CohortWhatIf(
        corpus.corpus_id,
        engine.model_id,
        chosen.id,
        k,
        pattern,
        tuple(user_ids),
        edits,
        before,
        after,
    )


def stored_path(
    library: Library,
    engine: Engine,
    user_ids: Sequence[str],
    pattern: Pattern,
    recommender: str,
    k: int = K,
) -> Path:
    """Where the answer to one question lies."""
    facts = json.dumps(_facts(engine, user_ids, pattern, recommender, k), sort_keys=True)
    name = hashlib.sha256(facts.encode()).hexdigest()[:20]
    return library.root / FOLDER / engine.corpus.corpus_id / f"{name}.safetensors"


def read_what_if(
    library: Library,
    engine: Engine,
    user_ids: Sequence[str],
    pattern: Pattern,
    recommender: str | None = None,
    k: int = K,
) -> CohortWhatIf | None:
    """What was measured before; None where nothing was, ``Damaged`` where it is damaged."""
    name, n = engine.recommender(recommender).id, len(user_ids)

    def read(path: Path) -> CohortWhatIf | None:
        arrays, header = load_arrays(path)
        if not is_about(header, _facts(engine, user_ids, pattern, name, k)):
            return None
        most = len(engine.corpus.item_ids) - 1
        edits = check_array("edits", arrays["edits"], np.int32, (n,), low=TOO_MANY)
        before, after = (
            check_array(each, arrays[each], np.int32, (n, k), low=NO_ITEM, high=most)
            for each in ("before", "after")
        )
        about = engine.corpus.corpus_id, engine.model_id, name, k, pattern
        return CohortWhatIf(*about, tuple(user_ids), edits, before, after)

    path = stored_path(library, engine, user_ids, pattern, name, k)
    return first_kept(library.places(path), read, mark("what-if of a cohort"))


def make_what_if(
    library: Library,
    engine: Engine,
    user_ids: Sequence[str],
    pattern: Pattern,
    recommender: str | None = None,
    k: int = K,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> CohortWhatIf:
    """Read the answer, or measure it and store it whole or not at all."""
    known = kept_or_none(lambda: read_what_if(library, engine, user_ids, pattern, recommender, k))
    if known is not None:
        return known
    found = measure_what_if(engine, user_ids, pattern, recommender, k, progress=progress, stop=stop)
    facts = {"facts": json.dumps(_facts(engine, user_ids, pattern, found.recommender, k))}
    arrays = {name: getattr(found, name) for name in ARRAYS}
    path = stored_path(library, engine, user_ids, pattern, found.recommender, k)
    library.keep(path, lambda place: save_arrays(place, arrays, facts, sealed=True))
    return found


def _facts(
    engine: Engine, user_ids: Sequence[str], pattern: Pattern, recommender: str, k: int
) -> dict[str, Any]:
    users = hashlib.sha256(json.dumps(list(user_ids)).encode()).hexdigest()
    return {
        "kind": KIND,
        "format": FORMAT,
        "corpus_id": engine.corpus.corpus_id,
        "model_id": engine.fingerprint(recommender),
        "recommender": recommender,
        "k": k,
        "users": users,
        "pattern": pattern.to_text(),
    }
