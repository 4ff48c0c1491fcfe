"""The chosen event and the chosen item, marked alike in every chart whose marks can be picked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from core.figures.chart import MOVING, Chart
from core.figures.palette import Palette
from core.figures.style import legend, ring
from core.language import tr

EVENT_OR_ITEM = "chosen event or item"  # no sentence
"""What a ring means where it may be either."""
SIZE = 24
"""Pixels of the ring: wider than any mark, narrower than the one at the selected time."""


def mark(
    figure: Chart,
    traces: str | Sequence[str],
    is_chosen: Callable[[Any], bool],
    palette: Palette,
    words: str,
    *,
    below: bool = False,
) -> bool:
    """Ring the marks of ``traces`` whose customdata ``is_chosen``, and say what the ring means.

    The ``words``, if any, stand above the chart's right end, or ``below`` it.
    Whether there were any. Like all that ``MOVING`` names it costs a browser no new chart.
    """
    names = [traces] if isinstance(traces, str) else traces
    marks = [(x, y) for name in names for data, x, y in figure.marks(name) if is_chosen(data)]
    if not marks:
        return False
    for x, y in marks:
        figure.add_scatter(**ring(x, y, palette.text, SIZE, 2, "chosen"))
    if words:
        words = tr("chosen event or item") if words == EVENT_OR_ITEM else tr(words)
        said = legend([("◯", palette.text, words)], palette, below=below)
        figure.add_annotation(said | {"name": MOVING, "x": 1, "xanchor": "right"})
    return True
