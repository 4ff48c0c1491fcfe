"""NDCG in calendar windows of a model left alone, updated and trained anew."""

from __future__ import annotations

from core.evaluate.windows import RETRAINED, STALE, UPDATED
from core.figures.chart import Chart
from core.figures.palette import Palette
from core.figures.style import axis, canvas, dotted_line, hover, note, plain, title
from core.language import mark, tr
from core.views.quality.ageing import AgeingView
from core.views.wording import between

NAMES = {STALE: mark("first model"), UPDATED: mark("updated"), RETRAINED: mark("trained anew")}
BESIDE = {STALE: -0.12, UPDATED: 0.0, RETRAINED: 0.12}
"""Where a regime's mark stands beside the window's tick."""


def ageing_figure(view: AgeingView, palette: Palette) -> Chart:
    """A line for each regime with 95 % intervals; the updated model in the accent colour."""
    inks = {STALE: palette.muted, UPDATED: palette.accent, RETRAINED: palette.text}
    figure = canvas(palette, 300, (56, 16, 24, 40))
    for regime, intervals in view.lines.items():
        known = [at for at, each in enumerate(intervals) if each.mean == each.mean]
        means = [intervals[at].mean for at in known]
        figure.add_scatter(
            x=[at + BESIDE[regime] for at in known],
            y=means,
            **dotted_line(inks[regime], 1.25, 8),
            error_y={
                "array": [intervals[at].high - intervals[at].mean for at in known],
                "arrayminus": [intervals[at].mean - intervals[at].low for at in known],
                "thickness": 1.25,
                "width": 0,
                "color": inks[regime],
            },
            **hover(
                [
                    tr(
                        "{name}, {window}: {ndcg}, {n} targets",
                        name=tr(NAMES[regime]),
                        window=plain(view.rows[at].window),
                        ndcg=between(intervals[at]),
                        n=view.rows[at].targets,
                    )
                    for at in known
                ]
            ),
            name=NAMES[regime],
        )
    words = (
        f"<span style='color:{inks[name]}'>■</span> {tr(NAMES[name])}"  # no sentence
        for name in view.lines
    )
    place = {"xref": "paper", "yref": "paper", "xanchor": "left", "yanchor": "bottom"}
    figure.add_annotation(note("   ".join(words), 0, 1, palette.text) | place)
    ticks = list(range(len(view.rows)))
    figure.update_layout(
        xaxis=axis(
            palette,
            tickvals=ticks,
            ticktext=[plain(row.window) for row in view.rows],
            range=[-0.5, len(ticks) - 0.5],
            fixedrange=True,
        ),
        yaxis=axis(
            palette, title=title(f"NDCG@{view.k}"), rangemode="tozero", nticks=5, fixedrange=True
        ),
    )
    return figure
