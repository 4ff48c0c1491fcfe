"""What happened, whether it was expected, and how far it moved: three charts over time.

They share margins and axis with the profile, so all line up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from core.arrays import DoubleArray
from core.domain import Part
from core.figures.chart import MOVING, Chart
from core.figures.palette import KIND_GLYPHS, KIND_SYMBOLS, Palette, mix
from core.figures.style import (
    MARGIN,
    axis,
    canvas,
    halo,
    in_full,
    legend,
    names_axis,
    note,
    picks,
    ring,
    rule,
    stems,
)
from core.figures.time_scale import TimeScale
from core.language import tr, trc
from core.views import wording
from core.views.timeline.rows import StepRow, TimelineView

LANE_HEIGHT = 34
LIFT = 0.24
"""How far a sentiment of one lifts an event above its row's middle, in rows."""
CROWDED = 0.018
"""Share of the axis below which two marks touch."""


def events_figure(view: TimelineView, step: int, scale: TimeScale, palette: Palette) -> Chart:
    """The events: row and shape are the kind, colour and height the sentiment, a number the
    rating."""
    kinds = [kind for kind in KIND_SYMBOLS if any(row.kind == kind for row in view.steps)]
    rows = [kinds.index(row.kind) for row in view.steps]
    xs = scale.fanned(rows)
    ys = np.array(rows) + LIFT * np.array([row.sentiment or 0 for row in view.steps])
    numbers = has_room(view, scale)
    fills = [palette.sentiment(row.sentiment) for row in view.steps]
    figure = canvas(
        palette,
        LANE_HEIGHT * len(kinds) + 46,
        MARGIN | {"t": 20, "b": 28},
        shapes=[rule(palette, scale.x[step - 1])],
        annotations=[*part_labels(view, xs, len(kinds), palette), sentiments(view, palette)],
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
        **picks(np.arange(1, len(xs) + 1), [event_hover(row) for row in view.steps], "events"),
    )
    figure.add_scatter(**ring(xs[step - 1], ys[step - 1], palette.accent, 26, 2, "selected"))
    lane_names = [tr(wording.KIND_WORDS[kind]) for kind in kinds]
    small = axis(palette)["tickfont"]
    figure.update_layout(
        xaxis=axis(palette, **scale.axis(), showticklabels=False),
        yaxis=names_axis(
            palette,
            lane_names,
            range=[-0.6, len(kinds) - 0.4],
            tickfont=small,
            showgrid=True,
            gridcolor=palette.faint,
        ),
    )
    return figure


def sentiments(view: TimelineView, palette: Palette) -> dict[str, Any]:
    """What colours mean, on a mark of the kind that has most text."""
    spoken = Counter(row.kind for row in view.steps if row.sentiment is not None)
    glyph = KIND_GLYPHS[spoken.most_common(1)[0][0]] if spoken else ""
    named = ((1.0, tr("positive")), (0.0, tr("neutral")), (-1.0, tr("negative")))
    marks = [(glyph, palette.sentiment(value), name) for value, name in named if glyph]
    if any(row.sentiment is None for row in view.steps):
        marks.append(("■", palette.sentiment(None), tr("no text")))
    if any(row.rating is not None for row in view.steps):
        marks.append(("", "", tr("number: rating")))
    return legend(marks, palette, below=True)


def _band(low: float, high: float, **more: Any) -> dict[str, Any]:
    """A shape across the whole figure, behind its marks."""
    return {"xref": "paper", "x0": 0, "x1": 1, "y0": low, "y1": high, "layer": "below", **more}


def part_labels(
    view: TimelineView, xs: DoubleArray, rows: int, palette: Palette
) -> list[dict[str, Any]]:
    """Words above the events that the model did not train on, where they are few."""
    held_out = sum(row.part != Part.TRAIN for row in view.steps)
    sides: dict[Part, dict[str, Any]] = {
        Part.VALIDATION: {"xanchor": "right", "xshift": -3},
        Part.TEST: {"xanchor": "left", "xshift": 1},
    }
    return [
        note(tr(wording.PART_WORDS[row.part]), float(xs[at]), rows - 0.42, palette.muted, 11)
        | {"yanchor": "bottom", **sides[row.part]}
        for at, row in enumerate(view.steps)
        if row.part != Part.TRAIN and held_out <= wording.FEW_HELD_OUT
    ]


def has_room(view: TimelineView, scale: TimeScale) -> bool:
    """Whether most neighbouring ratings in sight are far enough apart for a number on each."""
    shown = np.sort([scale.x[at] for at in scale.visible if view.steps[at].rating is not None])
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
    done = [tr(wording.KIND_WORDS[row.kind])]
    if row.rating is not None:
        done.append(tr("rated {rating}", rating=wording.rating(row.rating)))
    head = f"{_when(row)} · {tr(wording.PART_WORDS[row.part])}"
    felt = wording.sentiment_words(row.sentiment)
    return "<br>".join([head, in_full(row.item), " · ".join(done), felt])


def _when(row: StepRow) -> str:
    step = tr("step {step}", step=row.step)
    return f"<b>{step}</b> · {wording.day(row.timestamp)}"


def ranks_figure(
    view: TimelineView, step: int, items: int, scale: TimeScale, palette: Palette
) -> Chart:
    """Rank of the next event's item in the list at each step; 1 is on top, the axis is a log one.

    Filled marks lie in the top 10; marks of events that were held out are darker and named.
    """
    rows = [row for row in view.steps if row.next_rank is not None]
    steps = np.array([row.step for row in rows], np.int64)
    pale = mix(palette.muted, palette.background, 0.25)
    inks = [pale if row.next_part == Part.TRAIN else palette.text for row in rows]
    symbols = ["circle" if (r.next_rank or 0) <= wording.TOP else "circle-open" for r in rows]
    fill = mix(palette.background, palette.accent, 0.16)
    top = _band(0.6, wording.TOP + 0.5, type="rect", fillcolor=fill, line={"width": 0})
    figure = canvas(
        palette,
        140,
        MARGIN | {"t": 8, "b": 28},
        annotations=[
            *held_out_labels(rows, scale.x, palette),
            legend(
                [
                    ("■", fill, tr("top {n}", n=wording.TOP)),
                    ("●", pale, tr("in it")),
                    ("○", pale, trc("rank", "below")),
                    ("●", palette.text, tr("held out")),
                ],
                palette,
                below=True,
            ),
        ],
        shapes=[rule(palette, scale.x[step - 1]), top],
    )
    figure.add_scatter(
        x=scale.x[steps - 1],
        y=np.array([row.next_rank for row in rows]),
        mode="markers",
        marker={
            "symbol": symbols,
            "size": 10,
            "color": inks,
            "line": {"width": 1.5, "color": inks},
            "opacity": 1,
        },
        **picks(steps, [rank_hover(view, row) for row in rows], "ranks"),
    )
    ticks = [tick for tick in (1, 10, 100, 1_000, 10_000, 100_000) if tick * 4 < items] + [items]
    figure.update_layout(
        xaxis=axis(palette, **scale.axis(), showticklabels=False),
        yaxis=axis(
            palette,
            type="log",
            range=[np.log10(max(items, 20) * 1.3), np.log10(0.6)],
            tickvals=ticks,
            ticktext=[wording.number(tick) for tick in ticks],
            fixedrange=True,
        ),
    )
    return figure


def held_out_labels(
    rows: Sequence[StepRow], xs: DoubleArray, palette: Palette
) -> list[dict[str, Any]]:
    """Part and rank beside the marks of events that the model did not train on, where they are few.

    They stand close together in time, so the better rank's words go up and the other's down.
    """
    held_out = [
        (float(xs[row.step - 1]), row.next_rank, tr(wording.PART_WORDS[row.next_part]))
        for row in rows
        if row.next_rank and row.next_part is not None and row.next_part != Part.TRAIN
    ]
    if len(held_out) > wording.FEW_HELD_OUT:
        return []
    best = min((rank for _, rank, _ in held_out), default=0)
    return [
        note(f"{part} {rank:.0f}", x, np.log10(rank), palette.text, 11)
        | {
            "xanchor": "right",
            "xshift": -8,
            "yshift": 11 if rank == best else -11,
            "bgcolor": halo(palette),
            "borderpad": 0,
        }
        for x, rank, part in held_out
    ]


def rank_hover(view: TimelineView, row: StepRow) -> str:
    """What the model expected after a step, in words."""
    following = view.steps[row.step]
    trained = following.part == Part.TRAIN
    seen = tr("seen in training") if trained else tr(wording.PART_WORDS[following.part])
    after = tr("after step {step}", step=row.step)
    rank = tr("rank {rank:.0f}", rank=row.next_rank)
    lines = [
        f"<b>{after}</b> · {wording.day(row.timestamp)}",
        tr("next: {item}", item=in_full(following.item)),
        f"{rank} · {seen}",
    ]
    return "<br>".join(lines)


def step_sizes_figure(view: TimelineView, step: int, scale: TimeScale, palette: Palette) -> Chart:
    """How far each event moved the state in the model's own space (cosine distance)."""
    rows = [row for row in view.steps if row.step_size is not None]
    steps = np.array([row.step for row in rows], np.int64)
    sizes = np.array([row.step_size or 0.0 for row in rows])
    words = ["<br>".join((_when(row), tr("moved {size:.2f}", size=row.step_size))) for row in rows]
    figure = canvas(palette, 130, MARGIN, shapes=[rule(palette, scale.x[step - 1])])
    figure.add_scatter(
        x=scale.x[steps - 1],
        y=sizes,
        mode="markers",
        marker={"size": 7, "color": palette.muted, "opacity": 1},
        error_y=stems(sizes, mix(palette.muted, palette.background, 0.35)),
        **picks(steps, words, "step sizes"),  # no sentence
    )
    figure.add_scatter(
        x=scale.x[steps[steps == step] - 1],
        y=sizes[steps == step],
        mode="markers",
        marker={"size": 8, "color": palette.accent},
        hoverinfo="skip",
        name="selected",
        meta=MOVING,
    )
    top = sizes.max(initial=0.1) * 1.15
    figure.update_layout(
        xaxis=axis(palette, **scale.axis()),
        yaxis=axis(palette, range=[0, top], nticks=4, fixedrange=True),
    )
    return figure
