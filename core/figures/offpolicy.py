"""What recommenders would have earned, beside what the served lists did."""

from __future__ import annotations

from core.figures.chart import Chart
from core.figures.intervals import ROW, WIDE, add_interval, add_number, set_measure
from core.figures.palette import Palette
from core.figures.style import axis, canvas, plain
from core.language import tr
from core.views.quality.offpolicy import OffPolicyView


def earned_figure(view: OffPolicyView, palette: Palette) -> Chart:
    """Rows of doubly robust estimates with their intervals; the served lists first, hollow."""
    rows = [(view.name, view.earned, True)]
    rows += [(row.recommender, row.dr, False) for row in view.rows if row.dr.mean == row.dr.mean]
    figure = canvas(palette, ROW * len(rows) + 60, WIDE)
    for at, (_, interval, is_served) in enumerate(rows):
        ink = palette.text if is_served else palette.accent
        add_interval(figure, interval, at, ink, palette, hollow=is_served, bold=is_served)
        add_number(figure, f"{interval.mean:.3f}", interval.high, at, palette)
    set_measure(figure, palette, tr("Reward per item shown"))
    figure.update_yaxes(
        axis(
            palette,
            tickvals=list(range(len(rows))),
            ticktext=[plain(name, 24) for name, _, _ in rows],
            range=[len(rows) - 0.5, -0.5],
            fixedrange=True,
        )
    )
    return figure
