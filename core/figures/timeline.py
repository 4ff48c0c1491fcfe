"""The Timeline's four charts over time. They share margins and axis, so they line up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from core.domain import Part
from core.figures.area_labels import place_labels
from core.figures.palette import HUES, KIND_SYMBOLS, Palette, mix, rgba
from core.figures.style import SIZE, SMALL, axis, halo, layout, plain, rule
from core.figures.time_scale import TimeScale
from core.views import wording
from core.views.timeline import MomentView, StepRow, TimelineView

FloatArray = npt.NDArray[np.float32]

LARGE = 0.08
"""A topic without a hue is drawn by itself when its share ever reaches this."""
PROFILE_HEIGHT = 240
LANE_HEIGHT = 38
RANKS_HEIGHT = 128
STEP_SIZES_HEIGHT = 130
MARGIN = {"l": 72, "r": 24, "t": 6, "b": 36}
LIFT = 0.24
"""How far a sentiment of one lifts an event above its row's middle, in rows."""
CROWDED = 0.018
"""Share of the axis below which two marks touch."""
UNFADED = {"marker": {"opacity": 1}}
"""A pick must not fade the other marks."""


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
    rest = [t for t in range(len(view.topics)) if t not in set(drawn)]
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
    corners = [scale.draw(x) for pair in zip(starts, ends, strict=True) for x in pair]
    figure = go.Figure(
        layout=layout(
            palette,
            height=PROFILE_HEIGHT,
            margin=MARGIN,
            barmode="overlay",
            shapes=[rule(palette, scale.draw(scale.x[step - 1]))],
        )
    )
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
        figure.add_annotation(
            x=scale.draw(place.x),
            y=place.y,
            text=plain(labels[place.topic], 24),
            showarrow=False,
            font={
                "size": SMALL,
                "color": palette.text_on(palette.topic(stacked[place.topic].topic)),
            },
        )
    figure.add_bar(
        x=[scale.draw((a + b) / 2) for a, b in zip(starts, ends, strict=True)],
        width=[b - a for a, b in zip(starts, ends, strict=True)],
        y=np.ones(len(starts)),
        marker={"color": palette.text, "opacity": 0},
        selected={"marker": {"opacity": 0}},
        unselected={"marker": {"opacity": 0}},
        customdata=[row.step for row in view.steps],
        hovertext=[profile_hover(view, row) for row in view.steps],
        hovertemplate="%{hovertext}<extra></extra>",
        name="pick",
    )
    figure.update_xaxes(**axis(palette, **scale.axis()))
    figure.update_yaxes(
        **axis(palette, range=[0, 1], tickvals=[0, 0.5, 1], tickformat=".0%", fixedrange=True)
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
    figure = go.Figure(
        layout=layout(
            palette,
            height=26 * len(shares) + 8,
            margin={"l": 150, "r": 96, "t": 2, "b": 2},
            bargap=0.35,
        )
    )
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
    figure.update_yaxes(
        **axis(
            palette,
            tickvals=list(range(len(shares))),
            ticktext=[plain(share.label, 22) for share in shares],
            ticks="",
            tickfont={"size": SIZE, "color": palette.text},
        )
    )
    return figure


def events_figure(view: TimelineView, step: int, scale: TimeScale, palette: Palette) -> go.Figure:
    """The events: row and shape are the kind, colour and height the sentiment, a number the
    rating."""
    kinds = [kind for kind in KIND_SYMBOLS if any(row.kind == kind for row in view.steps)]
    rows = [kinds.index(row.kind) for row in view.steps]
    xs = scale.fanned(rows)
    ys = [at + LIFT * (row.sentiment or 0) for at, row in zip(rows, view.steps, strict=True)]
    numbers = has_room(scale)
    fills = [palette.sentiment(row.sentiment) for row in view.steps]
    figure = go.Figure(
        layout=layout(
            palette,
            height=LANE_HEIGHT * len(kinds) + 44,
            margin=MARGIN | {"t": 20, "b": 10},
            shapes=[rule(palette, scale.draw(scale.x[step - 1])), *lane_lines(palette, kinds)],
            annotations=part_labels(view, xs, len(kinds), palette),
        )
    )
    figure.add_scatter(
        x=xs,
        y=ys,
        mode="markers+text" if numbers else "markers",
        marker={
            "symbol": [KIND_SYMBOLS[row.kind] for row in view.steps],
            "size": marker_sizes(view, numbers),
            "color": fills,
            "line": {"width": 1, "color": palette.background},
            "opacity": 1,
        },
        text=[wording.rating(row.rating) for row in view.steps],
        textfont={"size": 10, "color": [palette.text_on(fill) for fill in fills]},
        selected=UNFADED,
        unselected=UNFADED,
        customdata=[row.step for row in view.steps],
        hovertext=[event_hover(row) for row in view.steps],
        hovertemplate="%{hovertext}<extra></extra>",
        name="events",
    )
    figure.add_scatter(
        x=[xs[step - 1]],
        y=[ys[step - 1]],
        mode="markers",
        marker={
            "symbol": "circle-open",
            "size": 26,
            "color": palette.accent,
            "line": {"width": 2, "color": palette.accent},
        },
        hoverinfo="skip",
        name="selected",
    )
    figure.update_xaxes(**axis(palette, **scale.axis(), showticklabels=False))
    figure.update_yaxes(
        **axis(
            palette,
            range=[-0.6, len(kinds) - 0.4],
            tickvals=list(range(len(kinds))),
            ticktext=[kind.value for kind in kinds],
            ticks="",
            fixedrange=True,
        )
    )
    return figure


def lane_lines(palette: Palette, kinds: Sequence[Any]) -> list[dict[str, Any]]:
    """A thin line through the middle of every row: neutral."""
    return [
        {
            "type": "line",
            "xref": "paper",
            "x0": 0,
            "x1": 1,
            "y0": at,
            "y1": at,
            "line": {"color": palette.faint, "width": 1},
            "layer": "below",
        }
        for at in range(len(kinds))
    ]


def part_labels(
    view: TimelineView, xs: Sequence[Any], rows: int, palette: Palette
) -> list[dict[str, Any]]:
    """Words above the events that the model did not train on."""
    held_out = [at for at, row in enumerate(view.steps) if row.part != Part.TRAIN]
    return [
        {
            "x": xs[at],
            "y": rows - 0.42,
            "text": wording.PART_WORDS[view.steps[at].part],
            "showarrow": False,
            "xanchor": "right" if view.steps[at].part == Part.VALIDATION else "left",
            "xshift": -3 if view.steps[at].part == Part.VALIDATION else 1,
            "yanchor": "bottom",
            "font": {"size": 11, "color": palette.muted},
        }
        for at in held_out
    ]


def has_room(scale: TimeScale) -> bool:
    """Whether most neighbouring events in sight are far enough apart for a number on each."""
    shown = np.sort([scale.x[at] for at in scale.visible])
    gaps = np.diff(shown)
    return len(gaps) == 0 or bool((gaps[gaps > 0] < CROWDED * scale.width).mean() < 0.3)


def marker_sizes(view: TimelineView, numbers: bool) -> list[float]:
    """Marker sizes in pixels: even where the number is written, by rating where it is not."""
    if numbers:
        return [19.0 if row.rating is not None else 13.0 for row in view.steps]
    top = view.rating_top or 1
    return [7.0 if row.rating is None else 6 + 8 * max(row.rating, 0) / top for row in view.steps]


def event_hover(row: StepRow) -> str:
    """One event in words."""
    rated = f" · rated {wording.rating(row.rating)}" if row.rating is not None else ""
    return (
        f"<b>step {row.step}</b> · {wording.day(row.timestamp)} · "
        f"{wording.PART_WORDS[row.part]}<br>{plain(row.item, 60)}<br>{row.kind.value}{rated}<br>"
        f"{wording.sentiment_words(row.sentiment)}"
    )


def ranks_figure(
    view: TimelineView, step: int, items: int, scale: TimeScale, palette: Palette
) -> go.Figure:
    """Rank of the next event's item in the list at each step; 1 is on top, the axis is a log one.

    Filled marks lie in the top 10; marks of events that were held out are darker and named.
    """
    rows = [row for row in view.steps if row.next_rank is not None]
    xs = scale.drawn()
    held_out = [row.next_part != Part.TRAIN for row in rows]
    pale = mix(palette.muted, palette.background, 0.25)
    inks = [palette.text if held else pale for held in held_out]
    figure = go.Figure(
        layout=layout(
            palette,
            height=RANKS_HEIGHT,
            margin=MARGIN | {"b": 10},
            annotations=held_out_labels(rows, xs, palette),
            shapes=[
                rule(palette, scale.draw(scale.x[step - 1])),
                {
                    "type": "rect",
                    "xref": "paper",
                    "x0": 0,
                    "x1": 1,
                    "y0": 0.6,
                    "y1": wording.TOP + 0.5,
                    "fillcolor": rgba(palette.accent, 0.09),
                    "line": {"width": 0},
                    "layer": "below",
                },
            ],
        )
    )
    figure.add_scatter(
        x=[xs[row.step - 1] for row in rows],
        y=[row.next_rank for row in rows],
        mode="markers",
        marker={
            "symbol": [
                "circle" if (row.next_rank or 0) <= wording.TOP else "circle-open" for row in rows
            ],
            "size": 10,
            "color": inks,
            "line": {"width": 1.5, "color": inks},
            "opacity": 1,
        },
        selected=UNFADED,
        unselected=UNFADED,
        customdata=[row.step for row in rows],
        hovertext=[rank_hover(view, row) for row in rows],
        hovertemplate="%{hovertext}<extra></extra>",
        name="ranks",
    )
    ticks = [tick for tick in (1, 10, 100, 1_000, 10_000, 100_000) if tick * 4 < items]
    figure.update_xaxes(**axis(palette, **scale.axis(), showticklabels=False))
    figure.update_yaxes(
        **axis(
            palette,
            type="log",
            range=[np.log10(max(items, 20) * 1.3), np.log10(0.6)],
            tickvals=[*ticks, items],
            ticktext=[*(wording.number(tick) for tick in ticks), wording.number(items)],
            fixedrange=True,
        )
    )
    return figure


def held_out_labels(
    rows: Sequence[StepRow], xs: Sequence[Any], palette: Palette
) -> list[dict[str, Any]]:
    """Part and rank beside the marks of events that the model did not train on."""
    return [
        {
            "x": xs[row.step - 1],
            "y": np.log10(row.next_rank),
            "text": f"{wording.PART_WORDS[row.next_part]} {row.next_rank:.0f}",
            "showarrow": False,
            "xanchor": "right",
            "xshift": -8,
            "yshift": 9 if row.next_part == Part.VALIDATION else -9,
            "font": {"size": 11, "color": palette.text},
            "bgcolor": halo(palette),
            "borderpad": 0,
        }
        for row in rows
        if row.next_rank and row.next_part is not None and row.next_part != Part.TRAIN
    ]


def rank_hover(view: TimelineView, row: StepRow) -> str:
    """What the model expected after a step, in words."""
    following = view.steps[row.step]
    trained = following.part == Part.TRAIN
    seen = "seen in training" if trained else wording.PART_WORDS[following.part]
    return (
        f"<b>after step {row.step}</b> · {wording.day(row.timestamp)}<br>"
        f"next: {plain(following.item, 60)}<br>rank {row.next_rank:.0f} · {seen}"
    )


def step_sizes_figure(
    view: TimelineView, step: int, scale: TimeScale, palette: Palette
) -> go.Figure:
    """How far each event moved the state in the model's own space (cosine distance)."""
    rows = [row for row in view.steps if row.step_size is not None]
    xs = scale.drawn()
    sizes = [row.step_size or 0.0 for row in rows]
    inks = [palette.accent if row.step == step else palette.muted for row in rows]
    figure = go.Figure(
        layout=layout(
            palette,
            height=STEP_SIZES_HEIGHT,
            margin=MARGIN,
            shapes=[rule(palette, scale.draw(scale.x[step - 1]))],
        )
    )
    figure.add_scatter(
        x=[xs[row.step - 1] for row in rows],
        y=sizes,
        mode="markers",
        marker={"size": 7, "color": inks, "opacity": 1},
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [0] * len(rows),
            "arrayminus": sizes,
            "color": mix(palette.muted, palette.background, 0.35),
            "thickness": 1.5,
            "width": 0,
        },
        selected=UNFADED,
        unselected=UNFADED,
        customdata=[row.step for row in rows],
        hovertext=[
            f"<b>step {row.step}</b> · {wording.day(row.timestamp)}<br>moved {row.step_size:.2f}"
            for row in rows
        ],
        hovertemplate="%{hovertext}<extra></extra>",
        name="step sizes",
    )
    figure.update_xaxes(**axis(palette, **scale.axis()))
    figure.update_yaxes(
        **axis(
            palette,
            range=[0, max([*sizes, 0.1]) * 1.15],
            nticks=4,
            fixedrange=True,
        )
    )
    return figure
