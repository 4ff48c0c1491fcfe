"""Whom and what a case is about: the groups that a single mean would hide."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from core.arrays import BoolArray, IntArray
from core.measure.cases import Case

NEW_USER_EVENTS = 5
HEAVY_USER_EVENTS = 20
UNSEEN = "unseen item"
HEAD_SHARE = 0.2
"""The head is the most popular fifth of the items seen in training; the rest is the long tail."""


def cohorts_of(
    cases: Sequence[Case], target_counts: IntArray, item_counts: IntArray
) -> dict[str, BoolArray]:
    """Cohorts by name, each bool[n_cases]; one case may be in several.

    *new user*: at most 5 known events; *heavy user*: at least 20. *unseen item*: the target has no
    training event; *long-tail item*: it has some but is outside the most popular fifth; *popular
    item*: inside. ``target_counts`` int64[n_cases] and ``item_counts`` int64[n_items] count
    training events.
    """
    known = np.fromiter((len(case.history) for case in cases), np.int64, len(cases))
    seen = np.sort(item_counts[item_counts > 0])[::-1]
    head = seen[max(int(np.ceil(HEAD_SHARE * len(seen))) - 1, 0)] if len(seen) else 1
    return {
        "new user": known <= NEW_USER_EVENTS,
        "heavy user": known >= HEAVY_USER_EVENTS,
        "popular item": target_counts >= head,
        "long-tail item": (target_counts > 0) & (target_counts < head),
        UNSEEN: target_counts == 0,
    }


def months_of(cases: Sequence[Case]) -> npt.NDArray[np.str_]:
    """Calendar month (UTC) of each target, ``2014-03``."""
    return np.array([case.target_time.strftime("%Y-%m") for case in cases], dtype=np.str_)
