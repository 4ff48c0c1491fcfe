"""Find the scale of ratings from the ratings themselves, where no format fixes it."""

from __future__ import annotations

from core.arrays import FloatArray
from core.corpus.validate import Scale, scale_words

KNOWN_SCALES: tuple[Scale, ...] = (
    (0, 1), (1, 5), (0.5, 5), (0, 5), (1, 10), (0, 10), (1, 100), (0, 100),
)  # fmt: skip
STRAYS = 0.02


def infer_scale(ratings: FloatArray) -> tuple[Scale | None, str]:
    """The smallest known scale that fits the ratings, and the finding in words.

    ``ratings`` is float32[n] without NaN. A scale fits when 98 % of the ratings lie in it; from
    five ratings on, one rating below it (a 0 that stands for "none") is allowed in any case. The
    scale 0-1 must hold all. Where no known scale fits: lowest to highest.
    """
    n = len(ratings)
    if n == 0:
        return None, "no ratings"
    halves = bool((ratings % 1).any())
    for low, high in KNOWN_SCALES:
        below, above = int((ratings < low).sum()), int((ratings > high).sum())
        strays = int(STRAYS * n) if high > 1 else 0
        fits = above <= strays and below <= max(strays, int(n >= 5 and high > 1))
        if fits and not (halves and low == 1):
            scale = (float(low), float(high))
            how = f"the smallest known scale that fits ({n - below - above:,} of {n:,} ratings)"
            return scale, f"rating scale {scale_words(scale)} inferred: {how}"
    lowest, highest = float(ratings.min()), float(ratings.max())
    if lowest == highest:
        lowest -= 1
    scale = (lowest, highest)
    return scale, f"rating scale {scale_words(scale)}: the lowest and highest rating found"
