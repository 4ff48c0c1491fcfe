"""How much two lists have in common: by membership, by rank from the top, and by order."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import numpy as np

PERSISTENCE = 0.9
"""RBO's p: the chance of reading on after each rank; the first ten ranks carry 86 % of the sum."""


def jaccard(first: Sequence[Hashable], second: Sequence[Hashable]) -> float | None:
    """Shared items over all items of both lists, 0 to 1; None where both are empty."""
    union = len(set(first) | set(second))
    return len(set(first) & set(second)) / union if union else None


def rank_biased_overlap(
    first: Sequence[Hashable], second: Sequence[Hashable], p: float = PERSISTENCE
) -> float | None:
    """Extrapolated rank-biased overlap of two lists, 0 to 1; None where both are empty.

    RBO_EXT for lists of uneven length (Webber, Moffat & Zobel 2010, ACM TOIS 28(4), equation 32):
    beyond the shorter list its agreement is assumed to go on, beyond the longer one the agreement
    of both. Lists hold each item once; an empty list shares nothing.
    """
    short, long = sorted((first, second), key=len)
    s, l = len(short), len(long)  # noqa: E741 - the paper's names
    if l == 0:
        return None
    if s == 0:
        return 0.0
    in_short: set[Hashable] = set()
    in_long: set[Hashable] = set()
    common, at_s, total = 0, 0, 0.0
    for depth in range(1, l + 1):
        new = long[depth - 1]
        in_long.add(new)
        common += new in in_short
        if depth <= s:
            in_short.add(short[depth - 1])
            common += short[depth - 1] in in_long
            at_s = common
        assumed = at_s * (depth - s) / s if depth > s else 0.0
        total += (common + assumed) / depth * p**depth
    end = ((common - at_s) / l + at_s / s) * p**l
    return (1 - p) / p * total + end


def kendall(first: Mapping[str, float], second: Mapping[str, float]) -> float | None:
    """Kendall's tau-b of the items that both lists hold, -1 to 1, from scores (higher is better).

    Equal scores are ties (Kendall 1945). None with fewer than two common items, or where one list
    ties them all.
    """
    common = sorted(first.keys() & second.keys())
    if len(common) < 2:
        return None
    from scipy.stats import kendalltau  # half a second, where nothing else needs it

    result = kendalltau([first[item] for item in common], [second[item] for item in common])
    tau = float(result.statistic)
    return None if np.isnan(tau) else min(max(tau, -1.0), 1.0)
