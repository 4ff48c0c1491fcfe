"""Words of a review as bars, strongest first."""

from __future__ import annotations

import plotly.graph_objects as go

from core.figures.palette import Palette
from core.figures.style import axis, canvas, names_axis, plain, signed_ink
from core.views.explain.rows import WordsView
from core.views.wording import nats

SHOWN = 10
ROW = 24


def words_figure(view: WordsView, of_score: bool, palette: Palette) -> go.Figure:
    """The ten words that contribute most, to the sentiment or to the item's score."""
    pairs = [(word.word, word.score if of_score else word.sentiment) for word in view.words]
    top = sorted(pairs, key=lambda pair: -abs(pair[1]))[:SHOWN][::-1]
    widest = max((abs(value) for _, value in top), default=1.0) or 1.0
    figure = canvas(palette, ROW * len(top) + 16, (120, 10, 4, 4), bargap=0.3)
    figure.add_bar(
        x=[value for _, value in top],
        y=list(range(len(top))),
        orientation="h",
        marker={"color": [signed_ink(value, palette) for _, value in top]},
        text=[f"{'▲' if value >= 0 else '▼'} {nats(value)}" for _, value in top],
        textposition="outside",
        textfont={"color": palette.text},
        cliponaxis=False,
        hoverinfo="skip",
        name="words",
    )
    reach = [-1.7 * widest, 1.7 * widest]
    zero = axis(palette, range=reach, tickvals=[0], ticktext=[""], ticks="", fixedrange=True)
    figure.update_layout(
        xaxis=zero | {"showgrid": True, "gridcolor": palette.faint},
        yaxis=names_axis(palette, [plain(word, 16) for word, _ in top]),
    )
    return figure
