"""The interest profile: areas over time, and bars at one moment."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view as windows

from core.arrays import DoubleArray, FloatArray
from core.figures.chart import MOVING, Chart
from core.figures.palette import HUES, Palette
from core.figures.style import (
    MARGIN,
    at_ends,
    axis,
    bars,
    canvas,
    hover,
    names_axis,
    note,
    plain,
    rule,
)
from core.figures.time_scale import TimeScale
from core.language import tr, trc
from core.views import wording
from core.views.timeline.rows import MomentView, StepRow, TimelineView
from core.word_breaks import columns

LARGE = 0.08
"""A topic without a hue is drawn by itself when its share ever reaches this."""
LABEL_COLUMNS = 160
"""Positions tried for a label along the axis."""
NOMINAL_WIDTH = 860
"""Pixels assumed for the chart; a wider one only leaves more room."""
LETTER, LINE = 7.2, 15
"""Pixels of a label's letter and line."""
PLOT_HEIGHT = 134
Area = tuple[str, int, FloatArray]
"""Name, topic (-1 for the rest), and share per step or column, float32[n]."""


def areas(topics: Sequence[str], profile: FloatArray) -> list[Area]:
    """What is stacked: every topic with a hue, every other one that was ever large, and the rest.

    ``profile`` is float32[n, n_topics]. The rest becomes one last area; shares still sum to 1.
    """
    peaks = profile.max(axis=0)
    drawn = [t for t in range(len(topics)) if t < HUES or peaks[t] >= LARGE]
    rest = [t for t in range(len(topics)) if t not in drawn]
    stacked = [(topics[topic], topic, profile[:, topic]) for topic in drawn]
    if not rest:
        return stacked
    return [*stacked, (trc("topics", "other"), -1, profile[:, rest].sum(axis=1))]


def profile_figure(view: TimelineView, step: int, scale: TimeScale, palette: Palette) -> Chart:
    """Interest profile over time, one area per topic with its name on it.

    A state holds until the next event, so areas change in steps, never in slopes.
    """
    stacked = areas(view.topics, view.profile)
    starts, ends = scale.edges()
    corners = np.column_stack([starts, ends]).ravel()
    now = scale.x[step - 1]
    rules = [rule(palette, now, edge=True), rule(palette, now)]
    figure = canvas(palette, 180, MARGIN, barmode="overlay", shapes=rules)
    for name, topic, shares in stacked:
        figure.add_scatter(
            x=corners,
            y=np.repeat(shares, 2),
            name=plain(name),
            stackgroup="profile",
            mode="lines",
            line={"width": 0.8, "color": palette.background},
            fillcolor=palette.topic(topic),
            hoverinfo="skip",
        )
    for at, x, y in label_positions(stacked, starts, ends, (scale.low, scale.high)):
        name, topic, _ = stacked[at]
        ink = palette.text_on(palette.topic(topic))
        figure.add_annotation(note(plain(name, 24), x, y, ink))
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


def label_positions(
    stacked: Sequence[Area], starts: DoubleArray, ends: DoubleArray, shown: tuple[float, float]
) -> list[tuple[int, float, float]]:
    """The roomiest position for each area's name, as (area, x, y); none where it doesn't fit.

    A state covers ``starts`` to ``ends``, ``shown`` is the visible range of the axis; y is 0 at the
    bottom and 1 on top. Pure geometry: a name is a box that must lie inside its area.
    """
    low, high = shown
    grid = low + (np.arange(LABEL_COLUMNS) + 0.5) * (high - low) / LABEL_COLUMNS
    state = np.searchsorted(starts, grid, side="right") - 1
    inside = (state >= 0) & (grid <= ends[-1])
    if not inside.any():
        return []
    profile = np.column_stack([shares for _, _, shares in stacked])
    tops = np.cumsum(profile, axis=1)[state.clip(0)]
    bottoms = tops - profile[state.clip(0)]
    positions = []
    for area, (name, _, _) in enumerate(stacked):
        half = int(np.ceil(min(columns(name), 24) * LETTER / NOMINAL_WIDTH * LABEL_COLUMNS / 2)) + 1
        floors = windows(bottoms[:, area], 2 * half + 1).max(axis=1)
        ceilings = windows(tops[:, area], 2 * half + 1).min(axis=1)
        room = np.where(windows(inside, 2 * half + 1).all(axis=1), ceilings - floors, 0.0)
        best = int(room.argmax())
        if room[best] > LINE / PLOT_HEIGHT:
            middle = (float(floors[best]) + float(ceilings[best])) / 2
            positions.append((area, float(grid[best + half]), middle))
    return positions


def profile_hover(view: TimelineView, row: StepRow) -> str:
    """The largest topics at a step, in words."""
    shares = view.profile[row.step - 1]
    lines = [
        f"{plain(view.topics[topic], 30)} {wording.percent(shares[topic])}"
        for topic in np.argsort(-shares, kind="stable")[:4]
    ]
    step = tr("step {step}", step=row.step)
    return "<br>".join([f"<b>{step}</b> · {wording.day(row.timestamp)}", *lines])


def shares_figure(moment: MomentView, palette: Palette) -> Chart:
    """The largest topics at one step as bars, with the change against the step before."""
    shares = moment.shares[::-1]
    figure = canvas(palette, 20 * len(shares) + 6, (130, 96, 2, 2), bargap=0.35)
    values, inks = [row.share for row in shares], [palette.topic(row.topic) for row in shares]
    numbers = [
        wording.percent(row.share)
        + ("" if row.change is None else f" ({wording.points(row.change)})")
        for row in shares
    ]
    figure.add_bar(**bars(values, inks), **at_ends(numbers, palette.text), meta=MOVING)
    figure.update_xaxes(visible=False, range=[0, max(0.5, *values)])
    names = [plain(share.label, 22) for share in shares]
    figure.update_yaxes(names_axis(palette, names, fixedrange=None))
    return figure
