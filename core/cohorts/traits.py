"""What the users of a cohort share beyond the average of others, with chance and interval.

Items and words are had or not. Who has more events has more of everything, so a cohort is held
against others as active: both are cut into five groups by their numbers of events, and the cohort's
share is held against the one that its users would have at the shares of each group (Mantel &
Haenszel 1959). The number of users who have a trait is then a sum of hypergeometric counts; its
chance is that of a binomial one with the same mean and variance (Sandiford 1960). Topics and
figures are means, compared by Welch's t. All tests of a description are one family.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import scipy.sparse as sp
from scipy.special import betainc
from scipy.stats import t as student

from core.arrays import BoolArray, DoubleArray, IntArray
from core.corpus.attributes import TEXT
from core.measure.chances import q_values
from core.measure.metrics import Interval

if TYPE_CHECKING:
    from core.cohorts.people import People

Kind = Literal["topic", "figure", "attribute", "measure", "item", "word"]
"""``attribute``: a value of the users file that users have; ``measure``: a number or day of it."""
LEVEL = 0.05
"""False discovery rate of a description."""
FEWEST = 5
"""Users who need to have an item or a word for it to be tested."""
GROUPS = 5
SHOWN: dict[Kind, int] = {
    "topic": 5,
    "figure": 6,
    "attribute": 10,
    "measure": 6,
    "item": 10,
    "word": 10,
}
HAD = ("item", "word", "attribute")
"""Kinds that users have or lack."""
"""Traits of each kind that are named at most, the largest first."""
FIGURES = ("events", "rating", "sentiment", "sentiment_trend", "drift", "held_out_rank")
"""Columns of ``People.users`` that are compared."""


@dataclass(frozen=True, slots=True)
class Trait:
    """One thing in which a cohort differs from others.

    Of an item or a word: ``users`` of ``known`` in the cohort have it, ``share`` is that with its
    95 % interval, ``usual`` the share of others who are as active. Of a topic (share of a user's
    events) or a figure: means over the ``known`` users who have one; ``usual`` that of the others,
    ``share`` the cohort's with an interval that is as wide as that of the difference.
    """

    kind: Kind
    name: str
    users: int
    known: int
    share: Interval
    usual: float
    p: float
    q: float


@dataclass(frozen=True, eq=False)
class Description:
    """What a cohort shares beyond the average; ``tests`` were made in all."""

    size: int
    others: int
    tests: int
    traits: tuple[Trait, ...]

    def of(self, kind: Kind) -> tuple[Trait, ...]:
        """The traits of one kind, most distinct first."""
        return tuple(trait for trait in self.traits if trait.kind == kind)


@dataclass(frozen=True, eq=False)
class Having:
    """Who has what: ``table`` sparse [n_users, n], 1 where the user has it; a name per column.

    ``known`` bool[n_users]: of whom it is known, None for all; ``attribute``: whose values.
    """

    kind: Kind
    names: Sequence[str]
    table: sp.csr_matrix
    known: BoolArray | None = None
    attribute: str = ""


def describe(
    people: People,
    topic_shares: DoubleArray,
    having: Sequence[Having],
    chosen: BoolArray,
    others: BoolArray,
    asked: Collection[str] = (),
) -> Description:
    """Hold a cohort bool[n_users] against others bool[n_users], who may not be in it.

    ``topic_shares`` float[n_users, n_topics] of each user's events. ``asked`` are the attributes
    that the cohort was chosen by, which it shares for that reason alone: they are no trait.
    """
    found: list[Trait] = []
    for at, topic in enumerate(people.topics):
        found += _mean("topic", topic, topic_shares[:, at].astype(np.float64), chosen, others)
    for name in FIGURES:
        values = people.users[name].to_numpy(np.float64)
        found += _mean("figure", name, values, chosen, others)
    attributes = people.corpus.attributes
    for column in attributes.facts.columns if attributes is not None else ():
        if attributes is not None and column.kind != TEXT and column.name not in asked:
            numbers = attributes.numbers(column.name)
            found += _mean("measure", column.name, numbers, chosen, others)
    strata = groups_of(people.users["events"].to_numpy(np.int64), chosen | others)
    for each in having:
        if not each.attribute or each.attribute not in asked:
            found += _shares(each, strata, chosen, others)
    q_of = q_values([trait.p for trait in found])
    traits: list[Trait] = []
    for kind, most in SHOWN.items():
        own = [trait for trait in found if trait.kind == kind]
        sure = [(trait, q_of(trait.p) or 0.0) for trait in own]
        sure = [(trait, q) for trait, q in sure if q <= LEVEL]
        if kind in HAD:
            sure.sort(key=lambda each: (each[0].p, -each[0].share.mean, each[0].name))
        elif kind == "topic":
            sure = [(trait, q) for trait, q in sure if trait.share.mean > trait.usual]
            sure.sort(key=lambda each: each[0].usual - each[0].share.mean)
        traits += [
            Trait(
                trait.kind,
                trait.name,
                trait.users,
                trait.known,
                trait.share,
                trait.usual,
                trait.p,
                q,
            )
            for trait, q in sure[:most]
        ]
    return Description(int(chosen.sum()), int(others.sum()), len(found), tuple(traits))


def groups_of(events: IntArray, among: BoolArray) -> IntArray:
    """Which fifth by number of events each user is in, int64[n_users]; -1 outside ``among``."""
    edges = np.unique(np.quantile(events[among], np.linspace(0, 1, GROUPS + 1)[1:-1]))
    return np.where(among, np.searchsorted(edges, events), -1)


def excess(
    holders: DoubleArray, inside: DoubleArray, sizes: DoubleArray, cohort: DoubleArray
) -> tuple[DoubleArray, DoubleArray]:
    """Mean of each trait's count in the cohort by chance, and the chance of at least as many.

    ``holders`` float64[n, groups] who have it in each group, ``inside`` float64[n] of the cohort,
    ``sizes`` float64[groups] users and ``cohort`` float64[groups] those of the cohort. Returns
    float64[n] each.
    """
    share = cohort / np.maximum(sizes, 1)
    mean = (holders * share).sum(axis=1)
    rest = (sizes - holders) / np.maximum(sizes - 1, 1)
    variance = (holders * share * (1 - share) * rest).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        trials = np.maximum(mean**2 / np.maximum(mean - variance, 1e-12), inside)
        chance = np.clip(mean / trials, 0, 1)
        p = betainc(np.maximum(inside, 1e-9), trials - inside + 1, chance)
    return mean, np.where(inside <= 0, 1.0, np.where(variance > 1e-12, p, 1.0))


def _shares(each: Having, strata: IntArray, chosen: BoolArray, others: BoolArray) -> list[Trait]:
    if each.known is not None:
        strata, chosen = np.where(each.known, strata, -1), chosen & each.known
    count = int(strata.max()) + 1
    if not count or not chosen.any() or not each.names:
        return []
    among = np.flatnonzero(strata >= 0)
    member = sp.csr_matrix(
        (np.ones(len(among), np.float64), (strata[among], among)), (count, len(strata))
    )
    held = np.asarray((member @ each.table).todense(), np.float64).T
    inside = np.asarray(each.table[chosen].sum(axis=0), np.float64).ravel()
    sizes = np.bincount(strata[among], minlength=count).astype(np.float64)
    cohort = np.bincount(strata[chosen], minlength=count).astype(np.float64)
    tested = np.flatnonzero(held.sum(axis=1) >= FEWEST)
    _, p = excess(held[tested], inside[tested], sizes, cohort)
    # What others as active have: the share of each group's others, weighed as the cohort is.
    own = np.asarray(
        (member[:, np.flatnonzero(chosen)] @ each.table[chosen]).todense(), np.float64
    ).T[tested]
    other = np.maximum(sizes - cohort, 0)
    rates = np.where(other > 0, (held[tested] - own) / np.maximum(other, 1), np.nan)
    weight = np.where(other > 0, cohort, 0.0)
    usual = np.nansum(rates * weight, axis=1) / max(weight.sum(), 1)
    n = int(chosen.sum())
    low, high = wilson(inside[tested], n)
    return [
        Trait(
            each.kind,
            each.names[column],
            int(inside[column]),
            n,
            Interval(float(inside[column] / max(n, 1)), float(low[at]), float(high[at])),
            float(usual[at]),
            float(p[at]),
            1.0,
        )
        for at, column in enumerate(tested.tolist())
    ]


def wilson(counts: DoubleArray, n: int) -> tuple[DoubleArray, DoubleArray]:
    """95 % interval of the shares of counts float64[k] among n (Wilson 1927)."""
    z, n = 1.959964, max(n, 1)
    share = counts / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return np.maximum(centre - half, 0), np.minimum(centre + half, 1)


def _mean(
    kind: Kind, name: str, values: DoubleArray, chosen: BoolArray, others: BoolArray
) -> list[Trait]:
    known = np.isfinite(values)
    first, second = values[chosen & known], values[others & known]
    compared = difference(first, second)
    if compared is None:
        return []
    apart, p = compared
    usual = float(second.mean())
    share = Interval(float(first.mean()), usual + apart.low, usual + apart.high)
    return [Trait(kind, name, int((first > 0).sum()), len(first), share, usual, p, 1.0)]


def difference(first: DoubleArray, second: DoubleArray) -> tuple[Interval, float] | None:
    """How far the mean of one group float64[n] is above another's, and its p, by Welch's t.

    None where a group has fewer than two, or both are the same constant.
    """
    if min(len(first), len(second)) < 2:
        return None
    parts = np.array([group.var(ddof=1) / len(group) for group in (first, second)])
    error = float(np.sqrt(parts.sum()))
    apart = float(first.mean() - second.mean())
    if error < 1e-12:
        return None
    freedom = parts.sum() ** 2 / sum(
        part**2 / (len(group) - 1) for part, group in zip(parts, (first, second), strict=True)
    )
    half = float(student.ppf(0.975, freedom)) * error
    p = 2 * float(student.sf(abs(apart) / error, freedom))
    return Interval(apart, apart - half, apart + half), p
