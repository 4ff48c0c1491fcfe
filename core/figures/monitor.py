"""Small multiples: each watched measure over calendar periods, with the band of shuffled ones."""

from __future__ import annotations

from collections.abc import Sequence

from core.figures import intervals
from core.figures.chart import Chart
from core.figures.palette import Palette
from core.figures.style import SIZE, axis, canvas, hover, names_axis, note, plain
from core.language import mark, tr
from core.monitor.measures import Scale
from core.views.monitor.rows import AgeRow, Panel

ROW = 164
"""Pixels of a row of panels."""
MARGIN = (44, 12, 26, 40)
NAME = 34
"""Letters of a panel's name."""
GAP_X, GAP_Y = 0.07, 62
"""Between columns as a share of the width, between rows in pixels."""


def monitor_figure(panels: Sequence[Panel], palette: Palette, columns: int) -> Chart:
    """The panels in rows of ``columns``; a measure that left its band is in the accent colour."""
    rows = -(-len(panels) // columns)
    left, right, top, bottom = MARGIN
    inner = ROW * rows - GAP_Y
    figure = canvas(palette, inner + top + bottom, (left, right, top, bottom), dragmode=False)
    ticks = [{"dtickrange": [low, high], "value": tr(value)} for low, high, value in TICKS]
    width = (1 - GAP_X * (columns - 1)) / columns
    for at, panel in enumerate(panels):
        row, column = divmod(at, columns)
        begin = column * (width + GAP_X)
        upper = 1 - row * ROW / inner
        lower = upper - (ROW - GAP_Y) / inner
        name = str(at + 1) if at else ""
        _draw(figure, panel, name, palette)
        share = panel.scale is Scale.SHARE
        is_flat = share and not any(panel.values) and not any(panel.high)
        figure.update_layout(
            **{
                f"xaxis{name}": axis(
                    palette,
                    domain=[begin, min(begin + width, 1)],
                    anchor=f"y{name}",
                    type="date",
                    nticks=4,
                    tickformatstops=ticks,
                    fixedrange=True,
                ),
                f"yaxis{name}": axis(
                    palette,
                    domain=[max(lower, 0), upper],
                    anchor=f"x{name}",
                    nticks=4,
                    tickformat=".0~%" if share else "",
                    range=[0, 0.1] if is_flat else None,
                    rangemode="tozero" if panel.scale is not Scale.MEAN else "normal",
                    fixedrange=True,
                ),
            }
        )
        ink = palette.accent if panel.alarmed else palette.text
        words = plain(panel.name, NAME)
        place = {"xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom"}
        title = f"<b>{words}</b>" if panel.alarmed else words
        figure.add_annotation(note(title, begin, upper, ink, SIZE, yshift=3, **place))
    return figure


TICKS = (
    (None, "M1", mark("%-d %b\n%Y")),
    ("M1", "M12", mark("%b\n%Y")),
    ("M12", None, "%Y"),
)


def _draw(figure: Chart, panel: Panel, name: str, palette: Palette) -> None:
    """Band, line and marks of one panel on its own axes."""
    axes = {"xaxis": f"x{name}", "yaxis": f"y{name}"}
    banded = [at for at, low in enumerate(panel.low) if low is not None]
    if banded:
        there = [panel.days[at] for at in banded]
        figure.add_scatter(
            x=[*there, *reversed(there)],
            y=[*(panel.high[at] for at in banded), *(panel.low[at] for at in reversed(banded))],
            mode="lines",
            fill="toself",
            fillcolor=palette.faint,
            line={"width": 0},
            hoverinfo="skip",
            name="band",
            **axes,
        )
    finished = [at for at in range(len(panel.days)) if at not in panel.unfinished]
    figure.add_scatter(
        x=[panel.days[at] for at in finished],
        y=[panel.values[at] for at in finished],
        mode="lines",
        line={"width": 1.5, "color": palette.muted},
        name=plain(panel.name),
        **hover([plain(panel.texts[at]) for at in finished]),
        **axes,
    )
    usual = tuple(at for at in panel.current if at not in panel.alarmed)
    for which, ink, hollow, size, label, said in (
        (panel.unfinished, palette.muted, True, 7, mark("not over"), mark("{text}, not over")),
        (usual, palette.text, False, 7, "current", "{text}"),
        (panel.alarmed, palette.accent, False, 11, "alarm", mark("{text}, alarm")),
    ):
        known = [at for at in which if panel.values[at] is not None]
        if not known:
            continue
        figure.add_scatter(
            x=[panel.days[at] for at in known],
            y=[panel.values[at] for at in known],
            mode="markers",
            marker={
                "size": size,
                "symbol": "diamond" if label == "alarm" else "circle",
                "color": palette.background if hollow else ink,
                "line": {"width": 1.5, "color": ink if hollow else palette.background},
            },
            cliponaxis=False,
            name=label,
            **hover([plain(tr(said, text=panel.texts[at])) for at in known]),
            **axes,
        )


def ages_figure(rows: Sequence[AgeRow], palette: Palette) -> Chart:
    """NDCG by age of the model, with intervals; the youngest on top."""
    upward = rows[::-1]
    figure = canvas(palette, intervals.ROW * len(upward) + 62, intervals.WIDE)
    for at, row in enumerate(upward):
        intervals.add_interval(figure, row.ndcg, at, palette.accent, palette)
        intervals.add_number(figure, f"{row.ndcg.mean:.3f}", row.ndcg.high, at, palette)
    intervals.set_measure(figure, palette, tr("NDCG@10 with 95 % interval"))
    names = [tr("{age}, n = {n:,}", age=row.age, n=row.targets) for row in upward]
    figure.update_yaxes(names_axis(palette, names, range=[-0.6, len(upward) - 0.4]))
    return figure
