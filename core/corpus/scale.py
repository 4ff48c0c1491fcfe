"""Find the scale of ratings from the ratings themselves, where no format fixes it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from core.corpus.validate import Scale, scale_words

KNOWN_SCALES: tuple[Scale, ...] = ((0, 1), (1, 5), (0.5, 5), (0, 5), (1, 10), (0, 10), (1, 100))
KNOWN_SCALES += ((0, 100),)
STRAYS = 0.02


def infer_scale(ratings: npt.NDArray[np.float32]) -> tuple[Scale | None, str]:
    """The smallest known scale that holds 98 % of the ratings, and the finding in words.

    ``ratings`` is float32[n] without NaN. One single stray is always allowed, so that one 0 among
    a few stars does not stretch their scale. Where no known scale fits: lowest to highest.
    """
    if len(ratings) == 0:
        return None, "no ratings"
    allowed = max(1 if len(ratings) > 4 else 0, int(STRAYS * len(ratings)))
    halves = bool((ratings % 1).any())
    for low, high in KNOWN_SCALES:
        if halves and low == 1:
            continue
        strays = int(((ratings < low) | (ratings > high)).sum())
        if strays <= allowed:
            found = (float(low), float(high))
            how = f"the smallest known scale that holds {len(ratings) - strays} of {len(ratings)}"
            return found, f"rating scale {scale_words(found)} inferred: {how} ratings"
    lowest, highest = float(ratings.min()), float(ratings.max())
    if lowest == highest:
        return (lowest - 1, highest), f"all ratings are {lowest:g}"
    found = (lowest, highest)
    return found, f"rating scale {scale_words(found)}: the lowest and highest rating found"
