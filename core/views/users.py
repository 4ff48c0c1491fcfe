"""The Users page: every user as a row, to sort, to filter and to search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from core.arrays import FloatArray, IntArray
from core.compare.turnover import Turnover
from core.corpus.attributes import Attributes, Condition, label_of
from core.corpus.corpus import Corpus
from core.corpus.finding import holding
from core.domain import Columns
from core.language import mark, tr
from core.measure.cases import Sample
from core.views.attributes import attribute_words
from core.views.wording import count, joined, listing, number, sample_sentence, short

if TYPE_CHECKING:
    from core.engine import Engine

SORTS = {
    "drift": mark("Drift"),
    "events": mark("Events"),
    "rank": mark("Rank of held-out items"),
    "change": mark("Change of the list"),
    "seen": mark("Last seen"),
    "user_id": mark("User id"),
}
"""What users can be sorted by, and how it is called; ids rise, all else falls."""
ATTRIBUTE = "attribute"
"""The order by one of the users' attributes: numbers and days fall, text rises."""
ATTRIBUTES_SHOWN = 6
"""Attributes that the table has; the others are shown one by one, and exported."""
LISTED = 5_000
"""Users that the table has at most: a browser is sent all of its rows."""
SEARCHES = {"id": mark("User id"), "item": mark("Item had"), "word": mark("Word in a review")}
"""Where words are looked for."""


@dataclass(frozen=True, slots=True, eq=False)
class UsersView:
    """What the page shows."""

    sentence: str
    """How many users were found, in which order, and how many of them are listed."""
    rows: pd.DataFrame
    """One row per listed user: ``build_users``, with ``hits`` where something was searched."""
    topics: tuple[str, ...]
    """The topics in the order of ``bars``."""
    attributes: tuple[str, ...]
    """The attributes that the rows have, each in the column ``attribute_key``."""
    everybody: Callable[[], pd.DataFrame]
    """Makes the rows of all users that were found."""


def build_users(engine: Engine, turnover: Turnover | None) -> pd.DataFrame:
    """One row per user of the corpus, by user id.

    Columns: user_id; leading, the leading topic at the first and the last event; bars, the share of
    the user's events in each topic; path, the share of the last leading topic in the profile from
    the first event to the last (None from models of earlier versions); events; drift, cosine
    distance between the state halfway and the last one; rank, geometric mean of the ranks of the
    held-out items (NaN without any); seen, time of the last event (NaT in a corpus without times);
    change, how much of the list one event changes (NaN unless measured); measured, whether it was,
    only where a sample of the users was.
    """
    corpus, names = engine.corpus, np.array(engine.topics.names, object)
    known = engine.users.set_index(Columns.User).reindex(list(corpus.user_ids))
    first, last = (names[known[f"{at}_topic"].to_numpy(int)] for at in ("first", "last"))
    moved = first != last
    leading = np.where(moved, first + " → " + last, last)
    ends = corpus.user_starts[1:] - 1
    sampled = turnover is not None and turnover.sample is not None
    return pd.DataFrame(
        {
            Columns.User: list(corpus.user_ids),
            "leading": leading,
            "bars": list(topic_shares(engine)),
            "path": list(known["path"]) if "path" in known else None,
            "events": np.diff(corpus.user_starts),
            "drift": known["drift"].to_numpy(float),
            "rank": known["held_out_rank"].to_numpy(float),
            "seen": pd.NaT
            if corpus.manifest.order_as_time
            else pd.DatetimeIndex(corpus.times[ends], tz="UTC"),
            "change": np.nan if turnover is None else turnover.change.astype(float),
            **({"measured": turnover.lists > 0} if turnover is not None and sampled else {}),
        }
    )


def topic_shares(engine: Engine) -> FloatArray:
    """The share of each user's events in each topic, float32[n_users, n_topics]; rows sum to 1."""
    corpus, n = engine.corpus, len(engine.topics.names)
    topic = engine.topics.item_topic[corpus.event_items].astype(np.int64)
    counts = np.diff(corpus.user_starts)
    user = np.repeat(np.arange(len(counts)), counts)
    cells = np.bincount((user * n + topic)[topic >= 0], minlength=len(counts) * n)
    shares = cells.reshape(-1, n) / np.maximum(counts, 1)[:, None]
    return np.asarray(shares.round(3), np.float32)


def find_hits(corpus: Corpus, where: str, words: str) -> IntArray:
    """How often each user answers to words, int64[n_users]; ``where`` is a key of ``SEARCHES``.

    Case does not matter. Items are found by id and by any part of their title.
    """
    query = words.strip().casefold()
    if where == "id":
        return holding(corpus.user_ids, query).astype(np.int64)
    if where == "item":
        found = np.array(
            [item.casefold() == query or query in corpus.title(item).casefold()
             for item in corpus.item_ids]
        )  # fmt: skip
        is_hit = found[corpus.event_items]
    elif not corpus.has_text:
        return np.zeros(len(corpus.user_ids), np.int64)
    else:
        texts = (
            corpus.events[name].fillna("").str.casefold() for name in (Columns.Title, Columns.Text)
        )
        is_hit = np.any([text.str.contains(query, regex=False) for text in texts], axis=0)
    sums = np.concatenate([[0], np.cumsum(is_hit)])
    return np.asarray(np.diff(sums[corpus.user_starts]), np.int64)


def find_outside(corpus: Corpus, words: str) -> list[str]:
    """Users outside of the sample of the corpus whose id holds words; the id itself first."""
    if corpus.sample is None or not words.strip():
        return []
    query, ids = words.strip().casefold(), corpus.whole.user_ids
    found = [ids[at] for at in np.flatnonzero(holding(ids, query)) if corpus.leaves_out(ids[at])]
    return sorted(found, key=lambda user: user.casefold() != query)


def attribute_key(name: str) -> str:
    """The column of the rows that holds an attribute."""
    return f"{ATTRIBUTE}:{name}"


def attributes_shown(attributes: Attributes, chosen: str | None) -> tuple[str, ...]:
    """The chosen attribute and the first others of the file."""
    names = dict.fromkeys([*([chosen] if chosen else []), *attributes.names])
    return tuple(names)[:ATTRIBUTES_SHOWN]


def with_attributes(
    users: pd.DataFrame, attributes: Attributes, names: tuple[str, ...]
) -> pd.DataFrame:
    """The users of a corpus, all in its order, with a column for each of some attributes."""
    return users.assign(**{attribute_key(name): attributes.values(name) for name in names})


def plain(rows: pd.DataFrame, attributes: Attributes | None) -> pd.DataFrame:
    """The rows as a file: without what only a chart can show, with all attributes by name."""
    kept = [name for name in rows if name not in ("bars", "path")]
    kept = [name for name in kept if not str(name).startswith(f"{ATTRIBUTE}:")]
    made = rows[kept].reset_index(drop=True)
    if attributes is None:
        return made
    place = {user: at for at, user in enumerate(attributes.user_ids)}
    at = [place[user] for user in rows[Columns.User]]
    further = {label_of(name): attributes.values(name)[at] for name in attributes.names}
    further = {
        f"{name} (users file)" if name in kept else name: values  # no sentence
        for name, values in further.items()
    }
    return pd.concat([made, pd.DataFrame(further)], axis=1)


def build_view(
    users: pd.DataFrame,
    topics: tuple[str, ...],
    *,
    topic: str | None = None,
    least: int = 1,
    sort: str = "drift",
    hits: IntArray | None = None,
    attributes: Attributes | None = None,
    attribute: str | None = None,
    conditions: Sequence[Condition] = (),
) -> UsersView:
    """Some of the rows of ``build_users`` in an order.

    ``topic`` leads at the first or the last event; ``least`` is the smallest number of events;
    ``conditions`` are about ``attributes``, of which ``attribute`` is chosen: what the sort
    ``ATTRIBUTE`` goes by. Equal users stand by id. DomainError for a condition that can't be.
    """
    some = None
    if "measured" in users:
        some = Sample(int(users["measured"].sum()), len(users))
        users = users.drop(columns="measured")
    keep = users["events"] >= least
    shown = attributes_shown(attributes, attribute) if attributes is not None else ()
    if attributes is not None:
        users = with_attributes(users, attributes, shown)
        for condition in conditions:
            keep &= condition.holds(attributes)
    if topic is not None:
        ends = users["leading"].str.split(" → ", regex=False)
        keep &= ends.str[0].eq(topic) | ends.str[-1].eq(topic)
    if hits is not None:
        users, keep = users.assign(hits=hits), keep & (hits > 0)
    by, rises = sort, sort == Columns.User
    if sort == ATTRIBUTE:
        by = attribute_key(attribute) if attribute is not None else Columns.User
        rises = users[by].dtype.kind not in "fiuM"
    order = (
        users.loc[keep, by].sort_values(ascending=rises, kind="stable", na_position="last").index
    )
    rows = _taken(users, order[:LISTED])
    found = tr("{n} of {users}", n=number(len(order)), users=count(len(users), "user"))
    filters = [tr("{n} or more events", n=least)] if least > 1 else []
    filters += [tr("{topic} leading", topic=topic)] if topic is not None else []
    filters += attribute_words(conditions)
    if filters:
        found = tr("{found} with {filters}", found=found, filters=listing(filters))
    said = tr("{found}, {order}.", found=found, order=_order_words(sort, attribute, rises))
    if len(order) > LISTED:
        listed = tr("The first {n} are listed; the file of Export has all.", n=number(LISTED))
        said = joined(said, listed)
    if some is not None and "change" in rows:
        about, sample = tr(SORTS["change"]), sample_sentence(some, "user")
        said = joined(said, tr("{about}: {problem}", about=about, problem=sample))
    return UsersView(said, rows, topics, shown, lambda: _taken(users, order))


def _taken(users: pd.DataFrame, order: pd.Index) -> pd.DataFrame:
    """Users in an order, without columns that say nothing of any of them."""
    rows = users.loc[order]
    empty = [name for name in ("change", "path") if rows[name].isna().all()]
    return rows.drop(columns=empty).reset_index(drop=True)


def _order_words(sort: str, attribute: str | None, rises: bool) -> str:
    if sort == ATTRIBUTE and attribute is not None:
        by = short(label_of(attribute), 40)
        if rises:
            return tr("by {measure}", measure=by)
        return tr("by {measure}, largest first", measure=by)
    if sort in SORTS and sort not in (Columns.User, "seen"):
        return tr("{measure}, largest first", measure=tr(SORTS[sort]).lower())
    return tr("last seen first") if sort == "seen" else tr("by id")
