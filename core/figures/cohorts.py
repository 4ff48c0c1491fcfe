"""All users on the map at one time, and the flow between topics."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from core.arrays import BoolArray, DoubleArray, IntArray
from core.cohorts.area import Area
from core.cohorts.flow import largest_topics
from core.cohorts.rule import KINDS
from core.figures.chart import Chart
from core.figures.palette import Palette, mix, rgba
from core.figures.style import (
    SIZE,
    SMALL,
    UNFADED,
    canvas,
    hover,
    legend,
    note,
    plain,
)
from core.figures.trajectory_map import dot_opacity, dots_image, map_canvas
from core.interest_map.kept import Overlay
from core.language import mark, tr
from core.views.attributes import NO_VALUE
from core.views.cohorts.build import ATTRIBUTE, OTHER_VALUES
from core.views.cohorts.rows import FlowView, UsersMap
from core.views.interest_map import MapView
from core.views.wording import day, minus, short_topic

MOST_DOTS = 1_500
"""Users above which one picture holds their dots: a browser without a graphics card takes seconds
for as many marks as there are users."""
SAMPLE = 800
"""Users who then can be pointed at."""
MOST_LINES = 250
"""Anchors of which a line shows where a second map has them."""
HEIGHTS = 420, 470
FAINT, PLAIN = 0.17, 0.85
"""Opacity of dots outside a cohort, and of all others."""
LEVELS = 9
"""Shades of a measure in numbers."""
LONGEST_VALUE = 18
FREE = "#9AA0A8"
"""Where a measure is unknown."""
LONGEST_ID = 40
FLOW_TOPICS = 7
"""Topics of a flow that have a node of their own; the others share one."""
FLOW_HEIGHT = 460
EPOCH = datetime(1970, 1, 1)
FIRST_DAY, LAST_DAY = (datetime.min - EPOCH).days, (datetime.max - EPOCH).days
OTHER = mark("other topics")
MOVE = mark("%{source.customdata} to %{target.customdata}")


def users_map(
    view: UsersMap,
    map_view: MapView,
    palette: Palette,
    chosen: BoolArray | None = None,
    area: Area | None = None,
    second: Overlay | None = None,
) -> Chart:
    """A dot per user, coloured by the view's measure; a region can be drawn around some.

    ``second`` adds lines from positions on the map to those on another seed's.
    ``chosen`` bool[n_users] of the corpus fades all others; ``area`` is outlined. Above
    ``MOST_DOTS`` users all dots are one picture, and a sample of them can be pointed at: the region
    says who is inside, so nobody needs a mark of his own.
    """
    n = len(view.places)
    figure = map_canvas(map_view, None, np.zeros((0, 2), np.float32), palette, HEIGHTS, top=22)
    figure.update_layout(dragmode="lasso", clickmode="none", uirevision="users")
    figure.update_layout(modebar={"activecolor": palette.accent})
    groups, inks = _coloured(view, palette)
    inside = np.ones(n, np.bool_) if chosen is None else chosen[view.places]
    is_picture = n > MOST_DOTS
    shown = np.linspace(0, n - 1, SAMPLE).round().astype(np.int64) if is_picture else np.arange(n)
    if is_picture:
        full = dot_opacity(n)
        parts = ((~inside, full * FAINT), (inside, full if inside.all() else PLAIN))
        images = [
            dots_image(view.positions[part], groups[part], inks, opacity, view.positions)
            for part, opacity in parts
            if part.any()
        ]
        figure.update_layout(images=images)
    size = float(np.interp(len(shown), [100, MOST_DOTS], [10, 5]))
    for is_inside in (False, True):
        rows = shown[inside[shown] == is_inside]
        if len(rows):
            opacity = 0.0 if is_picture else PLAIN if is_inside else FAINT
            figure.add_scatter(**_dots(view, rows, groups, inks, size, opacity))
    if second is not None:
        figure.add_scatter(**_moves(second, palette))
    if area is not None:
        figure.add_shape(outline(area, palette))
    figure.add_annotation(legend(_meanings(view, palette, inks), palette))
    return figure


def _moves(second: Overlay, palette: Palette) -> dict[str, Any]:
    """Lines from a sample of the anchors to where the second map has them."""
    n = len(second.here)
    shown = np.linspace(0, n - 1, min(n, MOST_LINES)).round().astype(np.int64)
    gaps = np.full((len(shown), 2), np.nan, np.float32)
    ends = np.stack([second.here[shown], second.positions[shown], gaps], axis=1).reshape(-1, 2)
    x, y = (
        [None if value != value else round(value, 3) for value in ends[:, axis].tolist()]
        for axis in (0, 1)
    )
    return {
        "x": x,
        "y": y,
        "mode": "lines",
        "line": {"width": 1, "color": rgba(palette.muted, 0.45)},
        "name": "second map",  # no sentence
        "hoverinfo": "skip",
    }


def _dots(
    view: UsersMap,
    rows: IntArray,
    groups: IntArray,
    inks: Sequence[str],
    size: float,
    opacity: float,
) -> dict[str, Any]:
    # Marks that fade would blink between a lasso and its answer.
    looks = {name: {"marker": {"opacity": opacity}} for name in UNFADED}
    return {
        "x": view.positions[rows, 0].astype(np.float64).round(3),
        "y": view.positions[rows, 1].astype(np.float64).round(3),
        "mode": "markers",
        "marker": {
            "size": size,
            "opacity": opacity,
            "line": {"width": 0},
            "color": [inks[group] for group in groups[rows].tolist()],
        },
        "name": "users",
        **looks,
        **hover([_words(view, at) for at in rows.tolist()]),
    }


def _words(view: UsersMap, at: int) -> str:
    value = view.values[at]
    said = "–" if not np.isfinite(value) else _tick(view, value) if view.is_day else f"{value:.3g}"
    if view.names:
        said = plain(_called(view, int(value)), 24) if np.isfinite(value) else tr(NO_VALUE)
    return tr("{name}: {said}", name=plain(view.user_ids[at], LONGEST_ID), said=said)


def _called(view: UsersMap, value: int) -> str:
    """What a value is called."""
    name = view.names[value]
    return tr(name) if view.by == ATTRIBUTE and name == OTHER_VALUES else name


def _coloured(view: UsersMap, palette: Palette) -> tuple[IntArray, list[str]]:
    """The colour of each user, int64[n], as an index of the colours; the last one is for none."""
    known = np.isfinite(view.values)
    if view.names:
        inks = list(palette.topics)
        groups = np.where(known, np.nan_to_num(view.values), len(inks)).astype(np.int64)
        if view.by == "kind":
            groups[groups >= len(KINDS)] = len(inks)
        if view.by == ATTRIBUTE:
            if view.names[-1] == OTHER_VALUES:
                groups[groups == len(view.names) - 1] = len(inks)
            groups[~known] = len(inks) + 1
            return groups, [*inks, palette.other, mix(palette.background, palette.other, 0.45)]
        return np.minimum(groups, len(inks)), [*inks, palette.other]
    low, high = scale_of(view)
    share = np.clip((_scaled(view, view.values) - low) / max(high - low, 1e-9), 0, 1)
    groups = np.where(known, np.nan_to_num(share) * (LEVELS - 1), LEVELS).round().astype(np.int64)
    return groups, [*(_shade(view, at / (LEVELS - 1), palette) for at in range(LEVELS)), FREE]


def _shade(view: UsersMap, share: float, palette: Palette) -> str:
    """The colour at a share of a measure's scale."""
    if view.by == "sentiment":
        end = palette.negative if share < 0.5 else palette.positive
        return mix(palette.faint, end, abs(2 * share - 1))
    return mix(mix(palette.background, palette.accent, 0.25), palette.accent, share)


def _scaled(view: UsersMap, values: DoubleArray) -> DoubleArray:
    """Logarithms where a few users have very many."""
    if view.by in ("rank", "activity"):
        return np.log10(np.maximum(values, 1))
    return values


def scale_of(view: UsersMap) -> tuple[float, float]:
    """The ends of a measure's scale; outliers share them."""
    every = _scaled(view, view.values[np.isfinite(view.values)])
    if not len(every):
        return 0.0, 1.0
    low, high = (float(end) for end in np.quantile(every, [0.02, 0.98]))
    if view.by == "sentiment":
        high = max(abs(low), abs(high), 0.1)
        low = -high
    return low, high


def outline(area: Area, palette: Palette) -> dict[str, Any]:
    """The line around a region."""
    first, *rest = (f"{x:g},{y:g}" for x, y in area.corners)
    path = f"M {first} " + " ".join(f"L {corner}" for corner in rest) + " Z"
    look = {"line": {"color": palette.accent, "width": 2}, "fillcolor": "rgba(0,0,0,0)"}
    return {"type": "path", "path": path, **look}


def _meanings(view: UsersMap, palette: Palette, inks: Sequence[str]) -> list[tuple[str, str, str]]:
    if view.by == "topic":
        return [("", "", tr("Colour: leading topic"))]
    if view.names:
        present = np.unique(view.values[np.isfinite(view.values)]).astype(int).tolist()
        if view.by == ATTRIBUTE:
            last = inks[len(palette.topics)]
            rows = [
                ("●", last if view.names[at] == OTHER_VALUES else inks[at],
                 plain(_called(view, at), LONGEST_VALUE))
                for at in present
            ]  # fmt: skip
            return (
                rows if np.isfinite(view.values).all() else [*rows, ("●", inks[-1], tr(NO_VALUE))]
            )
        return [
            ("●", inks[at] if at < len(KINDS) else palette.other, view.names[at]) for at in present
        ]
    low, high = scale_of(view)
    ends = [10**end if view.by in ("rank", "activity") else end for end in (low, high)]
    ticks = [_tick(view, end) for end in ends]
    marks = [("●", inks[0], f"{view.measure} {ticks[0]}"), ("●", inks[LEVELS // 2], "")]
    return [*marks, ("●", inks[LEVELS - 1], ticks[1])]


def _tick(view: UsersMap, value: float) -> str:
    if view.is_day:
        days = min(max(float(value), FIRST_DAY), LAST_DAY)
        return day(EPOCH + timedelta(days=days))
    return minus(f"{value:.0f}" if abs(value) >= 10 else f"{value:.2g}")


def flow_figure(view: FlowView, palette: Palette) -> Chart:
    """Users from topic to topic, a column per time."""
    figure = canvas(palette, FLOW_HEIGHT, (8, 8, 26, 8))
    moves = view.flow.moves
    own = largest_topics(moves, FLOW_TOPICS)
    folded = np.stack([_folded(part, own) for part in moves])
    names = [*(plain(short_topic(view.topics[topic]), 20) for topic in own), tr(OTHER)]
    inks = [*(palette.topic(topic) for topic in own), palette.other]
    move = tr("{name}: {said}", name=tr(MOVE), said="%{value:,}")
    users = tr("%{customdata}: %{value:,} users")
    at: dict[tuple[int, int], int] = {}
    links: list[tuple[int, int, int, str]] = []
    for column, part in enumerate(folded):
        for start, end in zip(*np.nonzero(part), strict=True):
            ends = ((column, int(start)), (column + 1, int(end)))
            first, last = (at.setdefault(node, len(at)) for node in ends)
            links.append((first, last, int(part[start, end]), rgba(inks[int(start)], 0.35)))
    starts, stops, counts, colours = zip(*links, strict=True) if links else ((), (), (), ())
    figure.add_sankey(
        arrangement="snap",
        node={
            "label": [names[t] if column in (0, len(moves)) else "" for column, t in at],
            "customdata": [names[topic] for _, topic in at],
            "color": [inks[topic] for _, topic in at],
            "pad": 10,
            "thickness": 12,
            "line": {"width": 0},
            "hovertemplate": f"{users}<extra></extra>",
        },
        link={
            "source": list(starts),
            "target": list(stops),
            "value": list(counts),
            "color": list(colours),
            "hovertemplate": f"{move}<extra></extra>",
        },
        textfont={"size": SMALL, "color": palette.text},
    )
    last = len(view.labels) - 1
    for column, label in enumerate(view.labels):
        side = "left" if column == 0 else "right" if column == last else "center"
        place = {"xref": "paper", "yref": "paper", "xanchor": side, "yanchor": "bottom"}
        figure.add_annotation(
            note(label, column / max(last, 1), 1.01, palette.muted, SIZE, **place)
        )
    return figure


def _folded(part: IntArray, own: Sequence[int]) -> IntArray:
    """Counts between ``own`` topics and all others as one, int64[n + 1, n + 1]."""
    group = np.full(len(part), len(own))
    group[list(own)] = np.arange(len(own))
    folded = np.zeros((len(own) + 1,) * 2, np.int64)
    np.add.at(folded, (group[:, None], group[None, :]), part)
    return folded
