"""Why an item is not in a list: its rank at each step, beside the end of the list."""

from __future__ import annotations

from math import log10

from core.figures.chart import Chart
from core.figures.palette import Palette
from core.figures.style import (
    axis,
    canvas,
    hover,
    legend,
    names_above,
    names_axis,
    note,
    plain,
    rule,
    title,
)
from core.language import mark, tr
from core.views.explain.ladder import LadderStep, LadderView
from core.views.wording import capital, nats, number

ROW, NARROW_ROW = 28, 42
OWN, WITHOUT = mark("rank in its own list"), mark("rank in the list without it")


def ladder_figure(view: LadderView, palette: Palette, *, narrow: bool = False) -> Chart:
    """One row per step on a logarithmic axis of ranks; the step that cost the place in bold."""
    steps, n = view.steps, len(view.steps)
    margin = (12, 24, 30, 44) if narrow else (236, 24, 30, 44)
    figure = canvas(palette, (NARROW_ROW if narrow else ROW) * n + 78, margin)
    ys = [n - 1 - at for at in range(n)]
    inks = [palette.negative if step.costs else palette.text for step in steps]
    for step, y in zip(steps, ys, strict=True):
        if step.own_rank is not None and step.rank_without is not None:
            figure.add_scatter(
                x=[step.own_rank, step.rank_without],
                y=[y, y],
                mode="lines",
                line={"color": palette.faint, "width": 2},
                hoverinfo="skip",
                name="from own list to without",  # no sentence
            )
    for field, symbol, right in (("own_rank", "circle", 1), ("rank_without", "circle-open", 0)):
        rows = [at for at in range(n) if getattr(steps[at], field) is not None]
        figure.add_scatter(
            x=[getattr(steps[at], field) for at in rows],
            y=[ys[at] for at in rows],
            mode="markers",
            marker={"symbol": symbol, "size": 10, "color": [inks[at] for at in rows]},
            cliponaxis=False,
            name=field,
            **hover([_words(steps[at]) for at in rows]),
        )
        for at in rows:
            rank = getattr(steps[at], field)
            other = steps[at].rank_without if right else steps[at].own_rank
            is_right = other is None or rank > other or (rank == other and right == 1)
            place = {"xanchor": "left" if is_right else "right", "xshift": 8 if is_right else -8}
            if rank == other and right == 0:
                continue
            figure.add_annotation(note(number(rank), log10(rank), ys[at], inks[at]) | place)
    ranks = [r for s in steps for r in (s.own_rank, s.rank_without) if r is not None]
    names = [_tick(step) for step in steps]
    marks = [("●", palette.text, tr(OWN)), ("○", palette.text, tr(WITHOUT))]
    figure.add_annotation(legend([*marks, ("│", palette.accent, tr("end of the list"))], palette))
    figure.update_layout(
        shapes=[rule(palette, view.k + 0.5)],
        xaxis=axis(
            palette,
            type="log",
            range=[-0.12, log10(max([*ranks, view.k])) + 0.25],
            tickvals=[1, 10, 100, 1_000, 10_000, 100_000, 1_000_000],
            ticktext=["1", "10", "100", *map(number, (1e3, 1e4, 1e5, 1e6))],
            fixedrange=True,
            title=title(tr("rank (logarithmic)"), 4),
        ),
        yaxis=names_axis(palette, names, tickvals=ys, range=[-0.6, n - 0.3]),
    )
    if narrow:
        names_above(figure, names, ys, palette)
    return figure


def _tick(step: LadderStep) -> str:
    name = plain(capital(step.step), 36)
    return f"<b>{name}</b>" if step.costs else name


def _words(step: LadderStep) -> str:
    said = [f"<b>{plain(capital(step.step))}</b>"]
    if step.own_rank is not None:
        said.append(tr("rank {rank}", rank=number(step.own_rank)))
    if step.rank_without is not None:
        said.append(tr("without it rank {rank}", rank=number(step.rank_without)))
    if step.margin is not None:
        said.append(tr("margin {value} nats", value=nats(step.margin)))
    return "<br>".join(said)
