"""Turning points, marked in the charts of a Timeline."""

from __future__ import annotations

from collections.abc import Sequence

from core.figures.chart import Chart
from core.figures.palette import Palette
from core.figures.style import halo, note, picks, plain
from core.figures.time_scale import TimeScale
from core.language import tr
from core.views.turns.rows import TurnRow
from core.views.turns.sentences import NAMES

MARK = 13
"""Pixels of the glyph on top of a line."""


def mark_times(figure: Chart, turns: Sequence[TurnRow], scale: TimeScale, palette: Palette) -> None:
    """A dashed line where each new episode begins, with the glyph of its kind on top."""
    starts, _ = scale.edges()
    for turn in turns:
        x = float(starts[turn.step - 1])
        if not scale.low <= x <= scale.high:
            continue
        line = {"type": "line", "xref": "x", "yref": "paper", "x0": x, "x1": x, "y0": 0, "y1": 1}
        figure.add_shape(line | {"line": {"color": halo(palette), "width": 3.5}})
        figure.add_shape(line | {"line": {"color": palette.text, "width": 1.2, "dash": "dash"}})
        figure.add_annotation(
            note(
                turn.mark,
                x,
                1,
                palette.text,
                MARK,
                yref="paper",
                yanchor="bottom",
                yshift=-4,
                hovertext=plain(turn.title),
            )
        )


def mark_map(figure: Chart, turns: Sequence[TurnRow], palette: Palette) -> None:
    """A diamond around the first state of each new episode, with the kind beside it."""
    if not turns:
        return
    figure.add_scatter(
        x=[turn.x for turn in turns],
        y=[turn.y for turn in turns],
        mode="markers+text",
        text=[tr(NAMES[turn.kind]) for turn in turns],
        textposition="top center",  # no sentence
        textfont={"size": 11, "color": palette.text},
        marker={
            "symbol": "diamond-open",
            "size": 17,
            "color": palette.text,
            "line": {"width": 1.75, "color": palette.text},
        },
        **picks(
            [turn.step for turn in turns],
            [plain(turn.title) for turn in turns],
            "turning points",  # no sentence
        ),
    )
