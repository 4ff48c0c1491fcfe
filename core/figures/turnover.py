"""How fast lists change: overlap against what lies between them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from core.compare.turnover import Bin
from core.figures.chart import Chart
from core.figures.palette import Palette
from core.figures.style import SIZE, axis, canvas, dotted_line, hover, note, plain, title
from core.language import mark, tr
from core.views.turnover import TurnoverView

BETWEEN = {
    "event": mark("events between the two lists"),
    "day": mark("days between the two lists"),
}
CLOSE, APART = 0.09, 8
NAME = 14
"""Ends of two lines closer than this have their names moved apart, by so many pixels each."""


def turnover_figure(view: TurnoverView, palette: Palette) -> Chart:
    """Mean overlap of two lists by events and by days between.

    All users grey, a cohort in ink, this user in the accent.
    """
    domains = [[0.0, 0.45], [0.55, 1.0]] if "day" in view.curves else [[0.0, 1.0]]
    axes = {
        f"xaxis{at or ''}": _bins_axis(bins, noun, palette, domain)
        for at, (noun, bins), domain in zip((0, 2), view.curves.items(), domains, strict=False)
    }
    figure = canvas(
        palette,
        250,
        (48, 84, 10, 56),
        **axes,
        yaxis=axis(
            palette,
            range=[0, 1.02],
            tickvals=[0, 0.5, 1],
            fixedrange=True,
            title=title(tr("overlap (RBO)")),
        ),
    )
    drawn = (
        (x, bins, ink, name)
        for curves, ink, name in (
            (view.curves, palette.muted, tr("all users")),
            (view.cohort, palette.text, plain(view.cohort_name, NAME)),
            (view.own, palette.accent, tr("this user")),
        )
        for x, bins in zip(("x", "x2"), curves.values(), strict=False)
    )
    names: dict[str, list[dict[str, Any]]] = {}
    for x, bins, ink, name in drawn:
        known = [(at, b) for at, b in enumerate(bins) if b.overlap is not None]
        if not known:
            continue
        figure.add_scatter(
            x=[at for at, _ in known],
            y=[b.overlap for _, b in known],
            xaxis=x,
            yaxis="y",
            **dotted_line(ink, 2, 7),
            name=name,
            **hover([_hover(name, b) for _, b in known]),
        )
        at, last = known[-1]
        named = note(name, at, last.overlap, ink, SIZE, xref=x, xanchor="left", xshift=8)
        names.setdefault(x, []).append(named)
    for ends in names.values():
        spread(ends)
        for named in ends:
            figure.add_annotation(named)
    return figure


def spread(ends: Sequence[dict[str, Any]]) -> None:
    """Move names at the ends of lines apart where their lines end close together."""
    ordered = sorted(ends, key=lambda named: -named["y"])
    groups = [ordered[:1]]
    for named in ordered[1:]:
        if groups[-1][-1]["y"] - named["y"] < CLOSE:
            groups[-1].append(named)
        else:
            groups.append([named])
    for group in groups:
        for at, named in enumerate(group):
            if len(group) > 1:
                named["yshift"] = round(APART * (len(group) - 1 - 2 * at))


def _bins_axis(
    bins: Sequence[Bin], noun: str, palette: Palette, domain: list[float]
) -> dict[str, Any]:
    return axis(
        palette,
        domain=domain,
        tickvals=list(range(len(bins))),
        ticktext=[_tick(b) for b in bins],
        range=[-0.3, len(bins) - 0.4],
        fixedrange=True,
        title=title(tr(BETWEEN[noun])),
    )


def _hover(name: str, between: Bin) -> str:
    return tr(
        "{name}: {overlap:.2f} ({n} users)", name=name, overlap=between.overlap, n=between.users
    )


def _tick(events_or_days: Bin) -> str:
    low, high = events_or_days.low, events_or_days.high
    if high is None:
        return f"{low}+"
    return str(low) if low == high else f"{low}\u2013{high}"
