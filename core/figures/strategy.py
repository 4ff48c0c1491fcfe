"""What a setting of a strategy costs: the change of NDCG over the setting, with its intervals."""

from __future__ import annotations

from collections.abc import Sequence

from core.figures.chart import Chart
from core.figures.palette import Palette
from core.figures.style import axis, canvas, dotted_line, hover, title
from core.language import tr
from core.views.quality.strategy import PriceRow
from core.views.wording import signed


def price_figure(rows: Sequence[PriceRow], setting: str, palette: Palette) -> Chart:
    """A curve that begins at 0, without re-ranking; marks whose interval leaves out 0 are full."""
    figure = canvas(palette, 240, (64, 16, 12, 44))
    figure.add_scatter(
        x=[row.setting for row in rows],
        y=[row.price for row in rows],
        **dotted_line(palette.accent, 1.5, 8),
        error_y={
            "array": [row.high - row.price for row in rows],
            "arrayminus": [row.price - row.low for row in rows],
            "thickness": 1.25,
            "width": 0,
            "color": palette.accent,
        },
        **hover(
            [
                tr(
                    "{name} {setting:g}: {price} [{low}, {high}], NDCG@10 {ndcg:.3f}",
                    name=tr(setting),
                    setting=row.setting,
                    price=signed(row.price, 3),
                    low=signed(row.low, 3),
                    high=signed(row.high, 3),
                    ndcg=row.ndcg,
                )
                for row in rows
            ]
        ),
        name=setting,
    )
    at_zero = {"type": "line", "xref": "paper", "yref": "y", "x0": 0, "x1": 1, "y0": 0, "y1": 0}
    figure.add_shape(at_zero | {"line": {"color": palette.muted, "width": 1}, "layer": "below"})
    figure.update_layout(
        xaxis=axis(palette, title=title(tr(setting)), tickvals=[row.setting for row in rows]),
        yaxis=axis(palette, title=title(tr("Change of NDCG@10")), nticks=5, fixedrange=True),
    )
    return figure
