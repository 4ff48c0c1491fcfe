"""Words of a review as bars, strongest first."""

from __future__ import annotations

import plotly.graph_objects as go

from core.explain import wording
from core.figures.palette import Palette
from core.figures.style import SIZE, axis, layout, plain
from core.views.explain import WordsView

SHOWN = 10
ROW = 24


def words_figure(view: WordsView, of_score: bool, palette: Palette) -> go.Figure:
    """The ten words that count most, for the sentiment or for the item's score."""
    pairs = [(word.word, word.score if of_score else word.sentiment) for word in view.words]
    top = sorted(pairs, key=lambda pair: -abs(pair[1]))[:SHOWN][::-1]
    widest = max((abs(value) for _, value in top), default=1.0) or 1.0
    figure = go.Figure(
        layout=layout(
            palette,
            height=ROW * len(top) + 16,
            margin={"l": 120, "r": 10, "t": 4, "b": 4},
            bargap=0.3,
        )
    )
    figure.add_bar(
        x=[value for _, value in top],
        y=list(range(len(top))),
        orientation="h",
        marker={"color": [palette.positive if v >= 0 else palette.negative for _, v in top]},
        text=[f"{'▲' if v >= 0 else '▼'} {wording.nats(v)}" for _, v in top],
        textposition="outside",
        textfont={"color": palette.text},
        cliponaxis=False,
        hoverinfo="skip",
        name="words",
    )
    figure.update_xaxes(
        **axis(
            palette,
            range=[-1.7 * widest, 1.7 * widest],
            tickvals=[0],
            ticktext=[""],
            ticks="",
            showgrid=True,
            gridcolor=palette.faint,
            fixedrange=True,
        )
    )
    figure.update_yaxes(
        **axis(
            palette,
            tickvals=list(range(len(top))),
            ticktext=[plain(word, 16) for word, _ in top],
            ticks="",
            tickfont={"size": SIZE, "color": palette.text},
            fixedrange=True,
        )
    )
    return figure
