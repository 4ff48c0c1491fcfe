"""Simulated shops of any size: who had what and when, without text.

Items have a long tail and belong to topics; an item has a few that tend to follow it; a user stays
with a topic for a while. So there is something to learn from co-occurrence, from order and from
popularity, and NDCG means something.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv

from core.arrays import BoolArray, IntArray

ITEMS_OF_A_TOPIC = 100
FOLLOWERS = 4
FOLLOWS, STAYS, SWITCHES = 0.35, 0.5, 0.12
"""Chances that the next item is a follower of the last one, and that it is one of the topic's; that
the topic changes first. What is left is drawn from all items."""
SHORTEST, LONGEST = 3, 300
TAIL = 0.8
"""An item of rank r is drawn in proportion to (r + 5) ** -TAIL."""
FIRST_DAY, DAYS = 1_500_000_000, 900
"""Seconds since 1970, and how many days all events span."""


@dataclass(frozen=True, eq=False)
class Shop:
    """Events by user and time: indices ``user`` and ``item``, ``second`` since 1970, int64[n]."""

    user: IntArray
    item: IntArray
    second: IntArray

    def write_csv(self, path: Path) -> None:
        """One row per event: user_id, item_id, timestamp."""
        users, items = (
            pa.array(prefix + numbers.astype(str).astype(object))
            for prefix, numbers in (("u", self.user), ("i", self.item))
        )
        columns = {"user_id": users, "item_id": items, "timestamp": pa.array(self.second)}
        pa_csv.write_csv(pa.table(columns), str(path))


def simulate(n_events: int, n_users: int, n_items: int, seed: int = 0) -> Shop:
    """A shop of about so many events; nobody has an item twice."""
    rng = np.random.default_rng(seed)
    topics = max(n_items // ITEMS_OF_A_TOPIC, 2)
    topic_of = rng.permutation(n_items) % topics
    by_topic = np.argsort(topic_of, kind="stable")
    starts = np.searchsorted(topic_of[by_topic], np.arange(topics + 1))
    weight = (rng.permutation(n_items) + 5.0) ** -TAIL
    in_topic, overall = np.cumsum(weight[by_topic]), np.cumsum(weight)
    ends = np.concatenate([[0.0], in_topic])[starts]
    total = np.cumsum(np.diff(ends))

    def of_topic(topic: IntArray) -> IntArray:
        low, high = ends[topic], ends[topic + 1]
        at = np.searchsorted(in_topic, low + rng.random(len(topic)) * (high - low), side="right")
        return np.asarray(by_topic[np.minimum(at, n_items - 1)])

    def of_all(count: int) -> IntArray:
        at = np.searchsorted(overall, rng.random(count) * overall[-1], side="right")
        return np.asarray(np.minimum(at, n_items - 1))

    followers = np.stack([of_topic(topic_of) for _ in range(FOLLOWERS)], axis=1)
    lengths = _lengths(rng, n_users, n_events)
    drawn = np.minimum(np.ceil(lengths * 1.3).astype(np.int64) + 2, 2 * LONGEST)
    topic = np.searchsorted(total, rng.random(n_users) * total[-1]).clip(max=topics - 1)
    last = of_topic(topic)
    users, items = [np.arange(n_users)], [last]
    for step in range(1, int(drawn.max())):
        who = np.flatnonzero(drawn > step)
        moves = rng.random(len(who)) < SWITCHES
        topic[who[moves]] = np.searchsorted(total, rng.random(int(moves.sum())) * total[-1]).clip(
            max=topics - 1
        )
        how = rng.random(len(who))
        chosen = of_all(len(who))
        follows, stays = how < FOLLOWS, (how >= FOLLOWS) & (how < FOLLOWS + STAYS)
        after = followers[last[who], rng.integers(0, FOLLOWERS, len(who))]
        chosen[follows] = after[follows]
        chosen[stays] = of_topic(topic[who[stays]])
        last[who] = chosen
        users.append(who)
        items.append(chosen)
    user, item = np.concatenate(users), np.concatenate(items)
    order = np.argsort(user, kind="stable")
    user, item = user[order], item[order]
    fresh = _first_of_each(user, item, n_items)
    user, item = user[fresh], item[fresh]
    place = np.arange(len(user)) - np.searchsorted(user, np.arange(n_users))[user]
    kept = place < lengths[user]
    user, item, place = user[kept], item[kept], place[kept]
    return Shop(user, item, _seconds(rng, user, place, n_users))


def _lengths(rng: np.random.Generator, n_users: int, n_events: int) -> IntArray:
    """Events of each user: a long tail from SHORTEST to LONGEST that adds up to about n_events."""
    raw = rng.lognormal(0.0, 0.9, n_users)
    mean = n_events / n_users
    low, high = 0.0, 10.0 * mean
    for _ in range(60):
        middle = (low + high) / 2
        lengths = np.clip(np.rint(SHORTEST + raw * middle), SHORTEST, LONGEST)
        low, high = (middle, high) if lengths.sum() < n_events else (low, middle)
    return np.asarray(lengths, np.int64)


def _first_of_each(user: IntArray, item: IntArray, n_items: int) -> BoolArray:
    """Which events are the first of their user and item, bool[n]."""
    _, first = np.unique(user * n_items + item, return_index=True)
    fresh = np.zeros(len(user), np.bool_)
    fresh[first] = True
    return fresh


def _seconds(rng: np.random.Generator, user: IntArray, place: IntArray, n_users: int) -> IntArray:
    """Times that rise within each user: visits on several days, a few minutes within a visit."""
    begin = rng.integers(0, DAYS // 2, n_users) * 86_400 + rng.integers(0, 86_400, n_users)
    pause = np.where(
        rng.random(len(user)) < 0.5,
        rng.integers(60, 1_800, len(user)),
        rng.integers(1, 25, len(user)) * 86_400,
    )
    pause[place == 0] = 0
    passed = np.cumsum(pause)
    since = passed - passed[np.flatnonzero(place == 0)][user]
    return np.asarray(FIRST_DAY + begin[user] + since, np.int64)
