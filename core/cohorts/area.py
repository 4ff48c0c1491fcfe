"""A region of the map, drawn by hand: who stands inside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite

import numpy as np

from core.arrays import BoolArray, FloatArray
from core.domain import DomainError
from core.language import tr

MOST_CORNERS = 60
"""Corners of a region that are kept; a hand draws hundreds."""


@dataclass(frozen=True, slots=True)
class Area:
    """A polygon in map coordinates, its corners in order."""

    corners: tuple[tuple[float, float], ...]

    @classmethod
    def drawn(cls, xs: Sequence[float], ys: Sequence[float]) -> Area | None:
        """The region of a drawn line, with fewer corners; None for what encloses nothing."""
        points = [(float(x), float(y)) for x, y in zip(xs, ys, strict=False)]
        if len(points) > MOST_CORNERS:
            kept = np.linspace(0, len(points) - 1, MOST_CORNERS).round().astype(int)
            points = [points[at] for at in kept]
        rounded = list(dict.fromkeys((round(x, 2), round(y, 2)) for x, y in points))
        return cls(tuple(rounded)) if len(rounded) > 2 else None

    def to_text(self) -> str:
        """As an address holds it: ``1.25,3.4 2,3 ...``."""
        return " ".join(f"{x:g},{y:g}" for x, y in self.corners)

    @classmethod
    def from_text(cls, text: str) -> Area:
        """Read ``to_text``; DomainError for any other text."""
        corners = []
        for pair in text.split()[: 2 * MOST_CORNERS]:
            x, comma, y = pair.partition(",")
            try:
                corner = float(x), float(y)
            except ValueError:
                comma = ""
            if not comma or not all(map(isfinite, corner)):
                raise DomainError(
                    tr("{text!r} is no point of the map", text=pair[:40]), where=tr("area")
                )
            corners.append(corner)
        if len(corners) < 3:
            raise DomainError(tr("a region needs three corners"), where=tr("area"))
        return cls(tuple(corners))

    def holds(self, positions: FloatArray) -> BoolArray:
        """Which positions float32[n, 2] are inside, bool[n]: edges to the right are odd."""
        inside = np.zeros(len(positions), np.bool_)
        corners = np.array(self.corners, np.float64)
        low, high = corners.min(axis=0), corners.max(axis=0)
        near = np.flatnonzero(((positions >= low) & (positions <= high)).all(axis=1))
        x, y = positions[near, 0].astype(np.float64), positions[near, 1].astype(np.float64)
        odd = np.zeros(len(near), np.bool_)
        for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            crosses = (y0 > y) != (y1 > y)
            with np.errstate(divide="ignore", invalid="ignore"):
                odd ^= crosses & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
        inside[near] = odd
        return inside
