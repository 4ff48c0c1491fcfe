"""Which items win and lose lists under a cohort's what-if."""

from __future__ import annotations

from core.figures.chart import Chart
from core.figures.intervals import ROW, add_interval, add_number, set_measure
from core.figures.palette import Palette
from core.figures.style import canvas, in_full, names_above, names_axis, plain
from core.language import tr
from core.views.cohorts.rows import WhatIfView

SHOWN = 6
"""Items that win, and as many that lose."""
NAME, ROOM = 34, 0.04
"""Letters of a name; free share of the axis beyond the longest intervals."""


def items_figure(view: WhatIfView, palette: Palette, *, narrow: bool = False) -> Chart:
    """Lists more or fewer than before, with their 95 % intervals; the largest gain on top."""
    gains = [row for row in view.items if row.net.mean > 0][:SHOWN]
    losses = [row for row in view.items[::-1] if row.net.mean < 0][:SHOWN]
    rows = [*losses, *gains[::-1]]
    height, margin = (44, (8, 20, 20, 40)) if narrow else (ROW, (250, 56, 4, 40))
    figure = canvas(palette, height * len(rows) + 64, margin)
    rule = {"type": "line", "x0": 0, "x1": 0, "y0": 0, "y1": 1, "yref": "paper", "layer": "below"}
    figure.add_shape(rule | {"line": {"width": 1, "color": palette.faint}})
    for at, row in enumerate(rows):
        counts = tr("{before} lists before, {after} after", before=row.before, after=row.after)
        words = f"{in_full(row.item)}<br>{counts}"
        ink = palette.accent if row.net.mean > 0 else palette.muted
        add_interval(figure, row.net, at, ink, palette, words=words)
        add_number(figure, row.gain.split(" ")[0], row.net.high, at, palette)
    names = [plain(row.item, NAME) for row in rows]
    set_measure(figure, palette, tr("lists more than before, with 95 % interval"), rangemode=None)
    low = min((row.net.low for row in rows), default=0.0)
    high = max((row.net.high for row in rows), default=0.0)
    room = (high - low or 1.0) * ROOM
    figure.update_layout(xaxis={"range": [low - room, high + room]})
    figure.update_layout(yaxis=names_axis(palette, names, range=[-0.6, len(names) - 0.4]))
    if narrow:
        names_above(figure, names, range(len(names)), palette)
    return figure
