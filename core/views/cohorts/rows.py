"""What the Cohorts page shows, as rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd

from core.arrays import BoolArray, DoubleArray, FloatArray, IntArray
from core.cohorts.flow import Flow
from core.cohorts.patterns import SavedPattern
from core.cohorts.traits import LEVEL, Description
from core.cohorts.what_if import CohortWhatIf
from core.language import mark
from core.measure.metrics import Interval
from core.views.wording import minus

TRAITS = {
    ("topic", "figure"): mark("Topics and figures"),
    ("attribute", "measure"): mark("User attributes"),
    ("item",): mark("Items"),
    ("word",): mark("Words of their reviews"),
}
"""What kinds of traits stand together, and how that is called."""


@dataclass(frozen=True, slots=True, eq=False)
class UsersMap:
    """All users at one time: where they stand, and one measure of each."""

    at: datetime | None
    """The time; None for after the last event of each."""
    places: IntArray
    """Which users were seen by then, int64[n] in the corpus's order."""
    user_ids: tuple[str, ...]
    """Their ids."""
    positions: FloatArray
    """Map coordinates, float32[n, 2]."""
    topics: IntArray
    """Leading topic of each, int64[n]."""
    values: DoubleArray
    """The measure, float64[n]: an index of ``names`` where there are any; NaN where unknown."""
    names: tuple[str, ...]
    """What the values 0, 1, 2, ... mean; empty for a measure in numbers."""
    measure: str
    """What the measure is called."""
    by: str
    """Its key in ``MEASURES``."""
    sentence: str
    """How many users, and where most of them are."""
    is_day: bool = False
    """Whether the numbers are days since 1970."""


@dataclass(frozen=True, slots=True, eq=False)
class FlowView:
    """How users move between leading topics."""

    flow: Flow
    """The counts."""
    labels: tuple[str, ...]
    """What each of its times is called."""
    topics: tuple[str, ...]
    """Names of all topics."""
    sentence: str
    """How many moved, and from where to where most of them."""


@dataclass(frozen=True, slots=True)
class GainRow:
    """One topic between the first and the last time of a flow."""

    topic: str
    """The topic."""
    before: int
    """Users whose profile it led at the first time."""
    after: int
    """The same at the last time."""
    came: int
    """Users who came from another topic."""
    went: int
    """Users who went to another one."""
    q: float
    """How likely as uneven a number is by chance, over all topics."""

    COLUMNS = "topic before after came went q"


@dataclass(frozen=True, slots=True)
class TraitRow:
    """One thing that a cohort's users share beyond the average."""

    kind: str
    """Topic, figure, attribute, measure (a number or day of the users file), item or word."""
    id: str
    """An item's id; the name of anything else."""
    name: str
    """What it is called."""
    cohort: str
    """The cohort's share or mean with its 95 % interval, in words."""
    others: str
    """That of the others, in words."""
    users: int
    """How many users of the cohort have it; of a figure or measure, of how many it is the mean."""
    times: float | None
    """The cohort's over the others', where both are shares."""
    q: float
    """False discovery rate at which it counts."""

    COLUMNS = "kind id name cohort others users times q"

    @property
    def chance(self) -> str:
        """``q`` as a table shows it."""
        return "<0.001" if self.q < 0.001 else f"{self.q:.3f}"


def traits_by_label(traits: Sequence[TraitRow]) -> dict[str, list[TraitRow]]:
    """What is shared, as groups of ``TRAITS`` that have anything."""
    groups = {
        label: [row for row in traits if row.kind in kinds] for kinds, label in TRAITS.items()
    }
    return {label: rows for label, rows in groups.items() if rows}


@dataclass(frozen=True, slots=True, eq=False)
class ServedView:
    """How well a cohort is served beside the others."""

    sentence: str
    """Reads both intervals; what is missing where nothing was evaluated."""
    recommender: str
    """Whose lists."""
    cohort: Interval | None
    """Mean NDCG@10 of the cohort's held-out events; None without any."""
    others: Interval | None
    """The same of the others."""


@dataclass(frozen=True, slots=True, eq=False)
class CohortView:
    """One cohort: who it is, what it shares, how it is served, how it moves."""

    name: str
    """What it is called."""
    chosen: BoolArray
    """Its users, bool[n_users]."""
    against: str
    """Whom it is held against."""
    sentence: str
    """How many users, and what they share first of all."""
    traits: tuple[TraitRow, ...]
    """What they share beyond the average."""
    found: Description
    """The same as numbers."""
    about_traits: str
    """How many tests were made, and what they mean."""
    served: ServedView
    """How well it is served."""
    flow: FlowView
    """How it moves."""
    users: pd.DataFrame
    """Its users: user_id, topic, events, drift, sentiment_trend, held_out_rank, last_seen."""
    until: datetime | None = None
    """The last time of its flow; None for after the last events."""


@dataclass(frozen=True, slots=True)
class ItemRow:
    """One item that enters or leaves lists."""

    item_id: str
    """Which item."""
    item: str
    """Its title."""
    topic: str
    """Its topic."""
    before: int
    """Lists that held it, of the users whom the pattern changes."""
    after: int
    """Lists that hold it then."""
    entered: int
    """Lists that it entered."""
    left: int
    """Lists that it left."""
    net: Interval
    """Lists more than before, with the 95 % interval for as many users like these."""
    q: float
    """How likely as uneven a number is by chance, over all items that move."""

    COLUMNS = (
        "item_id item topic before after entered left net=net.mean low=net.low high=net.high q"
    )

    @property
    def gain(self) -> str:
        """``+34 [26, 42]``."""
        return minus(f"{self.net.mean:+.0f} [{self.net.low:.0f}, {self.net.high:.0f}]")

    @property
    def chance(self) -> str:
        """``q`` as a table shows it."""
        return "<0.001" if self.q < 0.001 else f"{self.q:.3f}"


@dataclass(frozen=True, slots=True)
class ListedTopic:
    """One topic's part of the lists."""

    topic: str
    """The topic."""
    before: float
    """Items of it in a list before, on average over the users whom the pattern changes."""
    after: float
    """The same after."""
    more: Interval
    """Items more than before, with its 95 % interval."""
    q: float
    """How likely so large a mean is by chance (paired t), over all topics."""

    COLUMNS = "topic before after more=more.mean low=more.low high=more.high q"

    @property
    def chance(self) -> str:
        """``q`` as a table shows it."""
        return "<0.001" if self.q < 0.001 else f"{self.q:.3f}"

    @property
    def words(self) -> str:
        """``+0.31 [0.22, 0.40]``."""
        return minus(f"{self.more.mean:+.2f} [{self.more.low:.2f}, {self.more.high:.2f}]")


@dataclass(frozen=True, slots=True, eq=False)
class WhatIfView:
    """What a pattern does to the lists of a cohort."""

    name: str
    """What the pattern is called."""
    found: CohortWhatIf
    """The lists."""
    sentence: str
    """How many histories and lists change, and by how much."""
    items_sentence: str
    """Which items win and lose."""
    cautions: tuple[str, ...]
    """Users who were left out, and how to read it."""
    changed: Interval | None
    """Share of the lists that change, of those whose history does; None without any."""
    change: Interval | None
    """Their mean 1 - RBO; None without any."""
    items: tuple[ItemRow, ...]
    """All items that enter or leave lists, the largest gain first."""
    topics: tuple[ListedTopic, ...]
    """All topics of their lists, the largest gain first."""
    users: pd.DataFrame
    """Users whom it changes, most changed first: user_id, edits, change (1 - RBO), new (items of
    the list that are new), first_before and first_after (titles of the first items)."""

    @property
    def winners(self) -> tuple[ItemRow, ...]:
        """Items that gain beyond chance, most first."""
        return beyond_chance(self.items)

    @property
    def losers(self) -> tuple[ItemRow, ...]:
        """Items that lose beyond chance, most first."""
        return beyond_chance(self.items, -1)


@dataclass(frozen=True, slots=True, eq=False)
class SavedAnswer:
    """A saved what-if of a cohort, or one that is not saved, and its answer."""

    entry: SavedPattern | None
    """As it was saved; None where it was not."""
    view: WhatIfView | None
    """What is known of it; None where it was not asked of this content and model."""
    words: str = ""
    """What the pattern is called."""


def beyond_chance(items: Sequence[ItemRow], sign: int = 1) -> tuple[ItemRow, ...]:
    """Items that gain (or with -1 lose) beyond chance, most first; ``items`` by falling gain."""
    return tuple(row for row in items[::sign] if sign * row.net.mean > 0 and row.q <= LEVEL)
