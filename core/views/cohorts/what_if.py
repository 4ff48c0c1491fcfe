"""A cohort's what-if: items and topics that win and lose, users, and the answer as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import binomtest, ttest_1samp

from core.arrays import BoolArray, DoubleArray, IntArray
from core.cohorts.opening import ids_of
from core.cohorts.patterns import PatternStore
from core.cohorts.people import People
from core.cohorts.store import members_of
from core.cohorts.traits import wilson
from core.cohorts.what_if import TOO_MANY, CohortWhatIf, read_what_if
from core.corpus.store import Library
from core.domain import DomainError
from core.language import tr
from core.measure.chances import q_values
from core.measure.metrics import Interval, bootstrap, bootstrap_columns
from core.ranking import NO_ITEM
from core.views.cohorts import what_if_sentences as sentences
from core.views.cohorts.rows import ItemRow, ListedTopic, SavedAnswer, WhatIfView
from core.views.cohorts.what_if_sentences import TOLD
from core.views.wording import joined

if TYPE_CHECKING:
    from core.corpus.corpus import Corpus
    from core.engine import Engine

NORMAL = 1.959964
"""Standard errors on each side of a 95 % interval."""


def build_what_if(corpus: Corpus, topics: Sequence[str], found: CohortWhatIf) -> WhatIfView:
    """What the lists say; ``topics`` names the topic of each item of the catalogue."""
    name = sentences.pattern_words(found.pattern, corpus)
    rows = np.flatnonzero(found.affected)
    users = [found.user_ids[at] for at in rows.tolist()]
    n = len(rows)
    changed = change = None
    if n:
        moved = found.changed[rows].astype(np.float64)
        low, high = wilson(np.array([moved.sum()]), n)
        changed = Interval(float(moved.mean()), float(low[0]), float(high[0]))
        known = ~np.isnan(found.change[rows])
        if known.any():
            kept = [user for user, is_known in zip(users, known, strict=True) if is_known]
            change = bootstrap(found.change[rows][known], kept)
    items = _items(corpus, topics, found, n)
    by_topic = _topics(topics, found, rows, users)
    return WhatIfView(
        name,
        found,
        sentences.changes_sentence(found, name, n, changed, change),
        joined(sentences.items_sentence(items), sentences.topics_sentence(by_topic)),
        (*sentences.cautions(found), tr(sentences.CAUTION)),
        changed,
        change,
        items,
        by_topic,
        _users(corpus, found, rows),
    )


def saved_answers(
    library: Library, engine: Engine, people: People, chosen: BoolArray
) -> tuple[list[SavedAnswer], list[DomainError]]:
    """The saved what-ifs of users bool[n_users], the one saved last first, with stored answers.

    Also those of another cohort that has the same users now. Last, why some can't be read.
    """
    corpus, ids = engine.corpus, ids_of(engine.corpus, chosen)
    topics = [engine.topics.names[topic] for topic in engine.topics.item_topic]
    answers: list[SavedAnswer] = []
    problems: list[DomainError] = []
    for entry in PatternStore.open(library).entries(corpus.name):
        try:
            if not np.array_equal(members_of(entry.cohort, people), chosen):
                continue
            entry.pattern.check(engine)
            words = sentences.pattern_words(entry.pattern, corpus)
            about = ids, entry.pattern, entry.recommender, entry.k
            found = read_what_if(library, engine, *about)
        except DomainError as error:
            what = tr(
                "the saved what-if {name!r} is left out: {why}", name=entry.name, why=error.what
            )
            problems.append(DomainError(what, where=error.where, remedy=error.remedy))
            continue
        view = build_what_if(corpus, topics, found) if found is not None else None
        answers.append(SavedAnswer(entry, view, words))
    return answers, problems


def _items(
    corpus: Corpus, topics: Sequence[str], found: CohortWhatIf, n: int
) -> tuple[ItemRow, ...]:
    before, after, entered, left = found.counts(len(corpus.item_ids))
    moving = np.flatnonzero(entered + left)
    pairs = [(int(entered[at]), int(left[at])) for at in moving]
    p = [float(binomtest(a, a + b).pvalue) for a, b in pairs]
    q_of = q_values(p)
    rows = [
        ItemRow(
            corpus.item_ids[at],
            corpus.title(corpus.item_ids[at]),
            topics[at],
            int(before[at]),
            int(after[at]),
            *pair,
            net_of(*pair, n),
            q_of(chance) or 0.0,
        )
        for at, pair, chance in zip(moving.tolist(), pairs, p, strict=True)
    ]
    return tuple(sorted(rows, key=lambda row: (-row.net.mean, row.q, row.item_id)))


def _topics(
    topics: Sequence[str], found: CohortWhatIf, rows: IntArray, users: Sequence[str]
) -> tuple[ListedTopic, ...]:
    if len(rows) < 2:
        return ()
    names = sorted(set(topics))
    of_item = np.array([names.index(topic) for topic in topics] + [len(names)], np.int64)
    counts = []
    for lists in (found.before[rows], found.after[rows]):  # NO_ITEM is the last one
        cells = np.arange(len(rows))[:, None] * (len(names) + 1) + of_item[lists]
        table = np.bincount(cells.ravel(), minlength=len(rows) * (len(names) + 1))
        counts.append(table.reshape(len(rows), -1)[:, :-1].astype(np.float64))
    more = counts[1] - counts[0]
    listed = np.flatnonzero((counts[0] + counts[1]).any(axis=0))
    p = [_chance(more[:, at]) for at in listed]
    q_of, intervals = q_values(p), bootstrap_columns(more[:, listed], users)
    before, after = (each.mean(axis=0) for each in counts)
    made = [
        ListedTopic(names[at], float(before[at]), float(after[at]), mean, q_of(chance) or 0.0)
        for at, mean, chance in zip(listed.tolist(), intervals, p, strict=True)
    ]
    return tuple(sorted(made, key=lambda row: (-row.more.mean, row.topic)))


def _chance(more: DoubleArray) -> float:
    """Of a mean like this of float64[n]: Student's t; a sign test where all are the same."""
    if np.ptp(more):
        return float(ttest_1samp(more, 0.0).pvalue)
    return 0.5 ** (len(more) - 1) if more[0] else 1.0


def net_of(entered: int, left: int, n: int) -> Interval:
    """Lists more than before among n users, with a 95 % interval (Agresti & Min 2005)."""
    a, b, size = entered + 0.5, left + 0.5, n + 2
    share = (a - b) / size
    half = NORMAL * sqrt(max(a + b - (a - b) ** 2 / size, 0.0)) / size
    return Interval(float(entered - left), n * (share - half), n * (share + half))


def _users(corpus: Corpus, found: CohortWhatIf, rows: IntArray) -> pd.DataFrame:
    order = sorted(
        rows.tolist(), key=lambda at: (-np.nan_to_num(found.change[at]), found.user_ids[at])
    )

    def first(lists: npt.NDArray[np.int32], at: int) -> str:
        item = int(lists[at, 0])
        return "" if item == NO_ITEM else corpus.title(corpus.item_ids[item])

    return pd.DataFrame(
        {
            "user_id": [found.user_ids[at] for at in order],
            "edits": [int(found.edits[at]) for at in order],
            "change": [float(found.change[at]) for at in order],
            "new": [
                len(set(found.after[at].tolist()) - set(found.before[at].tolist()) - {NO_ITEM})
                for at in order
            ],
            "first_before": [first(found.before, at) for at in order],
            "first_after": [first(found.after, at) for at in order],
        }
    )


def what_if_facts(view: WhatIfView, cohort: str) -> dict[str, Any]:
    """A cohort's what-if as JSON (docs/contracts.md)."""
    found = view.found
    users = view.users.head(TOLD)

    def mean(interval: Interval | None) -> dict[str, Any] | None:
        if interval is None:
            return None
        return {"mean": interval.mean, "ci": [interval.low, interval.high]}

    return {
        "cohort": cohort,
        "pattern": found.pattern.to_text(),
        "recommender": found.recommender,
        "k": found.k,
        "users": len(found.user_ids),
        "affected": int(found.affected.sum()),
        "left_out": int((found.edits == TOO_MANY).sum()),
        "changed": int(found.changed.sum()),
        "share": mean(view.changed),
        "change": mean(view.change),
        "items": [
            {
                "item_id": row.item_id,
                "before": row.before,
                "after": row.after,
                "entered": row.entered,
                "left": row.left,
                "net": row.net.mean,
                "ci": [row.net.low, row.net.high],
                "q": row.q,
            }
            for row in view.items
        ],
        "topics": [
            {
                "topic": row.topic,
                "before": row.before,
                "after": row.after,
                "more": row.more.mean,
                "ci": [row.more.low, row.more.high],
                "q": row.q,
            }
            for row in view.topics
        ],
        "most_changed": [
            {"user_id": user, "edits": edits, "change": change}
            for user, edits, change in zip(
                users["user_id"], users["edits"], users["change"], strict=True
            )
        ],
    }
