"""From no history to the score: a waterfall of events and their parts, words, and curves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from core.explain.parts import PART_NAMES
from core.explain.scorecard import Scorecard
from core.figures.chart import Chart
from core.figures.palette import Palette
from core.figures.style import (
    SIZE,
    SMALL,
    UNFADED,
    at_ends,
    axis,
    bars,
    canvas,
    errors,
    in_full,
    names_above,
    names_axis,
    note,
    picks,
    plain,
    signed_inks,
    title,
)
from core.language import mark, tr
from core.views.explain.rows import LOG_P, AnswerView, EventBar, PartsView, WordsView
from core.views.wording import KIND_WORDS, day, nats, plain_nats, probability, rating
from core.views.wording import SMALL as TINY

ROW, NARROW_ROW = 27, 40
SHOWN = 14
"""Bars drawn one by one; the rest is one bar."""
WATERFALL = (0.0, 0.55)
PANELS = (0.57, 1.0)
"""Shares of the width: the waterfall, and the four panels of parts."""
BARS = 0.42
"""Share of a panel that its bars may take; numbers stand right of them."""
LABEL = 36
WORD_ROW, WORDS_SHOWN = 24, 10
ORDER_WORDS = {
    "explanation": mark("explanation"),
    "recent-first": mark("recent first"),
    "random": mark("random"),
}


@dataclass(frozen=True, slots=True)
class _Row:
    """One line of the waterfall: from where to where it goes, and its parts."""

    label: str
    value: float
    stderr: float
    start: float
    hover: str
    step: int | None
    parts: tuple[float, ...] | None


def waterfall_figure(
    answer: AnswerView,
    parts: PartsView | None,
    palette: Palette,
    chosen: int | None = None,
    *,
    narrow: bool = False,
    extent: tuple[float, float] | None = None,
) -> Chart:
    """Base, the strongest events in order of time, all others, score; parts in panels beside it.

    The four panels share one scale, so that item, rating, text and time can be compared. ``chosen``
    is the step whose row is marked. On a ``narrow`` screen names stand above their bars, and the
    panels are left to the table. ``extent`` is the range of the axis (default: what the bars need).
    """
    rows = _rows(answer, parts)
    n = len(rows)
    figure = (
        canvas(palette, NARROW_ROW * (n + 2) + 64, (8, 8, 8, 44), bargap=0.6)
        if narrow
        else canvas(palette, ROW * (n + 2) + 64, (236, 12, 26, 44), bargap=0.3)
    )
    ys = [n - at for at in range(n)]
    _add_ends(figure, answer, n, palette, narrow=narrow)
    values = [row.value for row in rows]
    figure.add_bar(
        **bars(values, signed_inks(values, palette), y=ys),
        base=[row.start for row in rows],
        error_x=errors([row.stderr for row in rows], palette.text, 1),
        **picks([row.step for row in rows], [row.hover for row in rows], "events"),
    )
    _add_numbers(figure, rows, ys, palette)
    _add_connectors(figure, rows, ys, palette)
    if not narrow:
        _add_panels(figure, rows, ys, palette)
    first, last = tr("no history"), tr("with history")
    names = [first, *(_tick(row, chosen) for row in rows), f"<b>{last}</b>"]
    figure.update_layout(
        xaxis=axis(
            palette,
            domain=[0, 1] if narrow else list(WATERFALL),
            range=extent or _extent(_ends(answer, rows)),
            fixedrange=True,
            nticks=6,
            title=title(tr("{unit} (nats)", unit=plain(answer.unit, 50)), 4),
        ),
        yaxis=names_axis(palette, names, tickvals=[n + 1, *ys, 0], range=[-0.6, n + 1.6]),
    )
    if narrow:
        names_above(figure, names, [n + 1, *ys, 0], palette)
    return figure


def waterfalls(
    pairs: Sequence[tuple[AnswerView, PartsView | None]],
    palette: Palette,
    chosen: int | None = None,
) -> list[Chart]:
    """Waterfalls to stand side by side, names above bars, on one scale.

    ``chosen`` is a step of the first one.
    """
    extent = _extent(
        [end for answer, parts in pairs for end in _ends(answer, _rows(answer, parts))]
    )
    return [
        waterfall_figure(answer, parts, palette, None if at else chosen, narrow=True, extent=extent)
        for at, (answer, parts) in enumerate(pairs)
    ]


def _rows(answer: AnswerView, parts: PartsView | None) -> list[_Row]:
    """The strongest bars in order of time, and what is left."""
    shown = answer.strongest(SHOWN)
    indices = {bar.step: at for at, bar in enumerate(answer.bars)}

    def split(*bars: EventBar) -> tuple[float, ...] | None:
        at = [indices[bar.step] for bar in bars]
        return None if parts is None else tuple(parts.values[at].sum(0).tolist())

    rows: list[_Row] = []
    at = answer.base
    others = [bar for bar in answer.bars if bar not in shown]
    if others:
        value = sum(bar.value for bar in others)
        name = tr("{n} weaker events combined", n=len(others))
        words = f"<b>{name}</b><br>{nats(value)}"
        rows.append(_Row(name, value, 0.0, at, words, None, split(*others)))
        at += value
    for bar in shown:
        rows.append(_Row(bar.label, bar.value, bar.stderr, at, _hover(bar), bar.step, split(bar)))
        at += bar.value
    if abs(answer.residual) > 5e-4:
        name = tr("unexplained")
        rows.append(_Row(name, answer.residual, 0.0, at, name, None, None))
    return rows


def _hover(bar: EventBar) -> str:
    """One event in words."""
    about = [tr(KIND_WORDS[bar.kind])] if bar.kind else []
    if bar.rating is not None:
        about.append(tr("rated {rating}", rating=rating(bar.rating)))
    about.append(day(bar.timestamp))
    value = nats(bar.value) + (f" ± {bar.stderr:.2f}" if bar.stderr else "")
    lines = f"<b>{in_full(bar.full_label)}</b>", " · ".join(about), tr("{n} nats", n=value)
    return "<br>".join(lines)


def _tick(row: _Row, chosen: int | None) -> str:
    text = plain(row.label, LABEL)
    return f"<b>{text}</b>" if chosen is not None and row.step == chosen else text


def _add_ends(figure: Chart, answer: AnswerView, n: int, palette: Palette, *, narrow: bool) -> None:
    """Where it starts and where it ends, as marks with their numbers."""
    figure.add_scatter(
        x=[answer.base, answer.score],
        y=[n + 1, 0],
        mode="markers+text",
        marker={"symbol": "diamond", "size": 11, "color": palette.text},
        text=[_end(answer, value, narrow) for value in (answer.base, answer.score)],
        textposition="middle right",  # no sentence
        textfont={"color": palette.text, "size": SIZE},
        cliponaxis=False,
        hoverinfo="skip",
        name="ends",
        **UNFADED,
    )


def _end(answer: AnswerView, value: float, narrow: bool) -> str:
    """A score, with its probability where there is room; a margin has none."""
    share = f" ({probability(value)})" if answer.is_score and not narrow else ""
    return f" {plain_nats(value)}{share}"


def _add_numbers(figure: Chart, rows: list[_Row], ys: list[int], palette: Palette) -> None:
    """Each row's value beyond the end of its bar and of its error."""
    texts = [f" ▲ {nats(r.value)}" if r.value >= 0 else f"▼ {nats(r.value)} " for r in rows]
    figure.add_scatter(
        x=[row.start + row.value + np.copysign(row.stderr, row.value) for row in rows],
        textposition=[
            "middle right" if row.value >= 0 else "middle left"  # no sentence
            for row in rows
        ],
        name="numbers",
        **_texts(texts, ys, palette.text, SMALL),
    )


def _texts(texts: list[str], ys: list[int], color: str, size: int) -> dict[str, Any]:
    """A trace of numbers that a pick does not fade."""
    return {
        "y": ys,
        "mode": "text",
        "text": texts,
        "textfont": {"color": color, "size": size},
        "cliponaxis": False,
        "hoverinfo": "skip",
        "selected": {"textfont": {"color": color}},
        "unselected": {"textfont": {"color": color}},
    }


def _add_connectors(figure: Chart, rows: list[_Row], ys: list[int], palette: Palette) -> None:
    """Thin lines that carry the sum from bar to bar."""
    ends = [(rows[0].start, len(rows) + 1)] if rows else []
    ends += [(row.start + row.value, y) for row, y in zip(rows, ys, strict=True)]
    figure.add_scatter(
        x=[x for end, _ in ends for x in (end, end, None)],
        y=[y for _, top in ends for y in (top + 0.0, top - 1.0, None)],
        mode="lines",
        line={"color": palette.other, "width": 1},
        hoverinfo="skip",
        name="sum",
    )


def _add_panels(figure: Chart, rows: list[_Row], ys: list[int], palette: Palette) -> None:
    """Item, rating, text and time of each row: bars on one scale, their numbers at its edge."""
    known = [row for row in rows if row.parts is not None]
    values = [_beyond_rounding(value) for row in known for value in row.parts or ()]
    low, high = min([0.0, *values]), max([0.0, *values])
    width = (PANELS[1] - PANELS[0]) / len(PART_NAMES)
    edge = low + ((high - low) or 1.0) / BARS
    marks = {"range": [low, edge], "tickvals": [0], "ticktext": [""], "ticks": "", "anchor": "y"}
    grid = axis(palette, showgrid=True, gridcolor=palette.faint, fixedrange=True) | marks
    above = {"xref": "paper", "yref": "paper", "xanchor": "right", "yanchor": "bottom"}
    for at, name in enumerate(PART_NAMES):
        left = PANELS[0] + at * width
        values = [_beyond_rounding(row.parts[at]) if row.parts else 0.0 for row in rows]
        words = [
            f"{plain(row.label, 60)}<br>{tr(name)} {nats(value)}"  # no sentence
            for row, value in zip(rows, values, strict=True)
        ]
        figure.add_bar(
            **bars(values, signed_inks(values, palette), y=ys),
            xaxis=f"x{at + 2}",
            **picks([row.step for row in rows], words, name),
        )
        numbers = ["" if abs(value) < TINY else nats(value) for value in values]
        figure.add_scatter(
            x=[edge] * len(rows),
            xaxis=f"x{at + 2}",
            textposition="middle left",  # no sentence
            name=f"{name} numbers",  # no sentence
            **_texts(numbers, ys, palette.muted, 11),
        )
        panel = grid | {"domain": [left + 0.012, left + width]}
        figure.update_layout(**{f"xaxis{at + 2}": panel})
        head = tr(name) if known else f"{tr(name)} …"
        figure.add_annotation(note(head, left + width, 1.0, palette.muted) | above)


def _beyond_rounding(value: float) -> float:
    """A part, or 0 for what is only float noise: panels without anything else would scale it up."""
    return value if abs(value) > 1e-5 else 0.0


def _ends(answer: AnswerView, rows: list[_Row]) -> list[float]:
    """Where its bars begin and end."""
    points = [answer.base, answer.score]
    return points + [row.start + row.value for row in rows] + [row.start for row in rows]


def _extent(points: Sequence[float]) -> tuple[float, float]:
    """The range of the waterfall's axis, with room for the numbers."""
    low, high = float(np.min(points)), float(np.max(points))
    room = max(high - low, 0.2)
    return low - 0.2 * room, high + 0.24 * room


def words_figure(view: WordsView, of_score: bool, palette: Palette) -> Chart:
    """The ten words that contribute most, to the sentiment or to the item's score."""
    pairs = [(word.word, word.score if of_score else word.sentiment) for word in view.words]
    top = sorted(pairs, key=lambda pair: -abs(pair[1]))[:WORDS_SHOWN][::-1]
    values = [value for _, value in top]
    widest = max(map(abs, values), default=1.0) or 1.0
    figure = canvas(palette, WORD_ROW * len(top) + 16, (120, 10, 4, 4), bargap=0.3)
    numbers = [f"{'▲' if value >= 0 else '▼'} {nats(value)}" for value in values]
    figure.add_bar(
        **bars(values, signed_inks(values, palette), name="words"),
        **at_ends(numbers, palette.text),
    )
    reach = [-1.7 * widest, 1.7 * widest]
    zero = axis(palette, range=reach, tickvals=[0], ticktext=[""], ticks="", fixedrange=True)
    figure.update_layout(
        xaxis=zero | {"showgrid": True, "gridcolor": palette.faint},
        yaxis=names_axis(palette, [plain(word, 16) for word, _ in top]),
    )
    return figure


def curves_figure(card: Scorecard, palette: Palette, unit: str = LOG_P) -> Chart:
    """How fast the score falls when events are removed, and rises when they are added, by order."""
    figure = canvas(palette, 236, (62, 92, 10, 48))
    where = tr("%{y:.2f} at %{x:.0%}")
    styles: dict[str, dict[str, Any]] = {
        "explanation": {"color": palette.accent, "width": 2.5},
        "recent-first": {"color": palette.text, "width": 1.5},
        "random": {"color": palette.muted, "width": 1.5, "dash": "dash"},
    }
    for x, name, curves in (
        ("x", "events removed", card.deletion),  # no sentence
        ("x2", "events added", card.insertion),  # no sentence
    ):
        for order, line in styles.items():
            curve, said = curves[order], tr(ORDER_WORDS[order])
            figure.add_scatter(
                x=np.linspace(0, 1, len(curve)),
                y=curve,
                mode="lines",
                line=line,
                xaxis=x,
                hovertemplate=f"{said} {where}<extra></extra>",  # no sentence
                name=f"{name} {order}",
            )
    ranked = sorted(styles, key=lambda order: -float(card.insertion[order].mean()))
    beside = {"xref": "paper", "yref": "paper", "xanchor": "left", "xshift": 6}
    for at, order in enumerate(ranked):
        name = f"{'┄' if order == 'random' else '━'} {tr(ORDER_WORDS[order])}"
        figure.add_annotation(note(name, 1.0, 0.85 - 0.22 * at, styles[order]["color"]) | beside)
    shared = axis(palette, range=[0, 1], tickvals=[0, 0.5, 1], tickformat=".0%", fixedrange=True)
    removed, added = title(tr("events removed"), 4), title(tr("events added"), 4)
    height = title(tr("{unit} (nats)", unit=LOG_P if unit == LOG_P else tr("margin")), 4)
    figure.update_layout(
        xaxis=shared | {"domain": [0, 0.45], "title": removed},
        xaxis2=shared | {"domain": [0.58, 1.0], "anchor": "y", "title": added},
        yaxis=axis(palette, nticks=4, fixedrange=True, title=height),
    )
    return figure
