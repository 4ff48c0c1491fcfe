"""The interest profile: areas over time, and bars at one moment."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from core.arrays import FloatArray
from core.figures.area_labels import place_labels
from core.figures.palette import HUES, Palette
from core.figures.style import MARGIN, axis, canvas, hover, names_axis, note, plain, rule
from core.figures.time_scale import TimeScale
from core.views import wording
from core.views.timeline.rows import MomentView, StepRow, TimelineView

LARGE = 0.08
"""A topic without a hue is drawn by itself when its share ever reaches this."""


@dataclass(frozen=True, slots=True)
class Area:
    """One area of the stacked profile."""

    label: str
    """Its name."""
    topic: int
    """Index of the topic, which gives its hue; -1 for the rest."""
    shares: FloatArray
    """Its share per step, float32[n_steps]."""


def areas(view: TimelineView) -> list[Area]:
    """What is stacked: every topic with a hue, every other one that was ever large, and the rest.

    The rest becomes one last area; shares still sum to 1 at every step.
    """
    peaks = view.profile.max(axis=0)
    drawn = [t for t in range(len(view.topics)) if t < HUES or peaks[t] >= LARGE]
    rest = [t for t in range(len(view.topics)) if t not in drawn]
    stacked = [Area(view.topics[topic], topic, view.profile[:, topic]) for topic in drawn]
    if rest:
        stacked.append(Area("other", -1, view.profile[:, rest].sum(axis=1)))
    return stacked


def profile_figure(view: TimelineView, step: int, scale: TimeScale, palette: Palette) -> go.Figure:
    """Interest profile over time, one area per topic with its name on it.

    A state holds until the next event, so areas change in steps, never in slopes.
    """
    stacked = areas(view)
    starts, ends = scale.edges()
    corners = np.column_stack([starts, ends]).ravel()
    now = scale.x[step - 1]
    rules = [rule(palette, now, edge=True), rule(palette, now)]
    figure = canvas(palette, 240, MARGIN, barmode="overlay", shapes=rules)
    for area in stacked:
        figure.add_scatter(
            x=corners,
            y=np.repeat(area.shares, 2),
            name=plain(area.label),
            stackgroup="profile",
            mode="lines",
            line={"width": 0.8, "color": palette.background},
            fillcolor=palette.topic(area.topic),
            hoverinfo="skip",
        )
    labels = [area.label for area in stacked]
    shares = np.column_stack([area.shares for area in stacked])
    for place in place_labels(shares, starts, ends, (scale.low, scale.high), labels):
        ink = palette.text_on(palette.topic(stacked[place.topic].topic))
        figure.add_annotation(note(plain(labels[place.topic], 24), place.x, place.y, ink))
    figure.add_bar(
        x=(starts + ends) / 2,
        width=ends - starts,
        y=np.ones(len(starts)),
        marker={"color": palette.text, "opacity": 0},
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
        customdata=np.arange(1, len(view.steps) + 1),
        name="pick",
        **hover([profile_hover(view, row) for row in view.steps]),
    )
    figure.update_layout(
        xaxis=axis(palette, **scale.axis()),
        yaxis=axis(palette, range=[0, 1], tickvals=[0, 0.5, 1], tickformat=".0%", fixedrange=True),
    )
    return figure


def profile_hover(view: TimelineView, row: StepRow) -> str:
    """The largest topics at a step, in words."""
    shares = view.profile[row.step - 1]
    lines = [
        f"{plain(view.topics[topic], 30)} {wording.percent(shares[topic])}"
        for topic in np.argsort(-shares, kind="stable")[:4]
    ]
    return "<br>".join([f"<b>step {row.step}</b> · {wording.day(row.timestamp)}", *lines])


def shares_figure(moment: MomentView, palette: Palette) -> go.Figure:
    """The largest topics at one step as bars, with the change against the step before."""
    shares = moment.shares[::-1]
    figure = canvas(palette, 26 * len(shares) + 8, (130, 96, 2, 2), bargap=0.35)
    figure.add_bar(
        x=[share.share for share in shares],
        y=list(range(len(shares))),
        orientation="h",
        marker={"color": [palette.topic(share.topic) for share in shares]},
        text=[
            wording.percent(share.share)
            + ("" if share.change is None else f" ({wording.points(share.change)})")
            for share in shares
        ],
        textposition="outside",
        textfont={"color": palette.text},
        cliponaxis=False,
        hoverinfo="skip",
    )
    figure.update_xaxes(visible=False, range=[0, max(0.5, *(share.share for share in shares))])
    names = [plain(share.label, 22) for share in shares]
    figure.update_yaxes(names_axis(palette, names, fixedrange=None))
    return figure
