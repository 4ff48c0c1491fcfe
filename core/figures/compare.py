"""Lists side by side: the rank flow, the profiles, and what each event gave one item."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap

import numpy as np
import plotly.graph_objects as go

from core.figures.palette import HUES, Palette, rgba
from core.figures.style import SIZE, SMALL, axis, halo, layout, plain
from core.views.compare.build import ChangeBar, ColumnView, CompareView, FlowLine
from core.views.compare.sentences import SMALL as SMALL_CHANGE
from core.views.compare.sentences import nats
from core.views.wording import percent, signed

ROW = 30
SIDES = {2: (256, 34), 3: (230, 30), 4: (190, 25)}
SIDE = (160, 20)
"""Pixels beside the outer columns and characters of a title there, by number of columns."""
MOST_LABELLED = 4
"""Columns up to which items of inner columns only are labelled too; above, when they are chosen."""
STUB = 0.2
"""How far a line reaches towards a neighbour whose list lacks the item, in columns."""
MOST_STUB_LABELS = 3
"""Columns up to which a stub says the rank that it leads to."""
BEND = np.linspace(0, 1, 17)
SEGMENT = 85
"""Characters that fit into a whole bar of the profile."""
LARGE = 0.08
"""A topic without a hue gets a segment of its own from this share on."""
SHOWN_BARS = 12


def flow_figure(view: CompareView, palette: Palette, chosen: str | None = None) -> go.Figure:
    """Ranks over the columns: one line per item in its topic's hue, its title at the ends.

    Markers carry ``[item_id, column]`` as customdata. A dotted stub says where an item comes from
    or goes to outside the lists. A ring marks what the user really took next; ``chosen`` stands
    out.
    """
    n = len(view.columns)
    rows = max((r for line in view.lines for r in line.ranks if r is not None), default=1)
    depth = max(rows, 3)
    side, title = SIDES.get(n, SIDE)
    figure = go.Figure(
        layout=layout(
            palette,
            height=ROW * (depth + 1) + 92,
            margin={"l": side, "r": side, "t": 54, "b": 8},
            hovermode="closest",
        )
    )
    for line in view.lines:
        _add_line(figure, line, palette, chosen in (None, line.item_id))
    _add_next(figure, view, depth, palette)
    _add_markers(figure, view, palette, chosen)
    for at, column in enumerate(view.columns):
        _add_head(figure, at, column, n, palette)
    for line in view.lines:
        _add_labels(figure, line, n, title, palette, chosen)
        if n <= MOST_STUB_LABELS:
            _add_stub_labels(figure, line, palette)
    figure.update_xaxes(visible=False, range=[-0.1, n - 0.9], fixedrange=True)
    figure.update_yaxes(visible=False, range=[depth + 1.5, 0.4], fixedrange=True)
    return figure


def _add_line(figure: go.Figure, line: FlowLine, palette: Palette, strong: bool) -> None:
    xs: list[float | None] = []
    ys: list[float | None] = []
    stubs_x: list[float | None] = []
    stubs_y: list[float | None] = []
    for at in range(len(line.ranks) - 1):
        one, other = line.ranks[at], line.ranks[at + 1]
        if one is not None and other is not None:
            bend = BEND * BEND * (3 - 2 * BEND)
            xs += [*(at + BEND), None]
            ys += [*(one + (other - one) * bend), None]
        elif one is not None or other is not None:
            end = at if one is not None else at + 1
            near = end + STUB if one is not None else end - STUB
            stubs_x += [near, end, None]
            stubs_y += [one or other, one or other, None]
    ink = rgba(palette.topic(line.topic), 0.9 if strong else 0.22)
    for x, y, width, dash in ((xs, ys, 3.0, "solid"), (stubs_x, stubs_y, 1.6, "dot")):
        if x:
            figure.add_scatter(
                x=x,
                y=y,
                mode="lines",
                line={"width": width, "color": ink, "dash": dash},
                hoverinfo="skip",
                cliponaxis=False,
            )


def _add_markers(
    figure: go.Figure, view: CompareView, palette: Palette, chosen: str | None
) -> None:
    marks = [
        (at, rank, line)
        for line in view.lines
        for at, rank in enumerate(line.ranks)
        if rank is not None
    ]
    inks = [palette.topic(line.topic) for _, _, line in marks]
    opacity = [1.0 if chosen in (None, line.item_id) else 0.35 for _, _, line in marks]
    figure.add_scatter(
        x=[at for at, _, _ in marks],
        y=[rank for _, rank, _ in marks],
        mode="markers+text",
        marker={"size": 22, "color": inks, "opacity": opacity, "line": {"width": 0}},
        text=[str(rank) for _, rank, _ in marks],
        textfont={"size": SMALL, "color": [palette.text_on(ink) for ink in inks]},
        customdata=[[line.item_id, at] for at, _, line in marks],
        hovertext=[_hover(view, line, at) for at, _, line in marks],
        hovertemplate="%{hovertext}<extra></extra>",
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1 if chosen is None else 0.6}},
        cliponaxis=False,
        name="ranks",
    )


def _hover(view: CompareView, line: FlowLine, at: int) -> str:
    topic = view.topics[line.topic] if 0 <= line.topic < len(view.topics) else "other"
    places = [
        f"{plain(column.name, 40)}: {place_words(line.ranks[i], line.full_ranks[i])}"
        for i, column in enumerate(view.columns)
    ]
    marked = "<br>really taken next" if line.is_next[at] else ""
    return "<br>".join([f"<b>{plain(line.item, 60)}</b>", plain(topic, 40), *places]) + marked


def place_words(rank: int | None, full: int | None) -> str:
    """``3``, ``outside (rank 37)``, ``can't be listed``."""
    if rank is not None:
        return str(rank)
    return "can't be listed" if full is None else f"outside (rank {full})"


def _add_next(figure: go.Figure, view: CompareView, depth: int, palette: Palette) -> None:
    """Rings around what came next; below a column whose list lacks it, its rank."""
    rings = [
        (at, rank)
        for line in view.lines
        for at, rank in enumerate(line.ranks)
        if line.is_next[at] and rank is not None
    ]
    figure.add_scatter(
        x=[at for at, _ in rings],
        y=[rank for _, rank in rings],
        mode="markers",
        marker={
            "size": 31,
            "color": "rgba(0,0,0,0)",
            "line": {"width": 2.5, "color": palette.accent},
        },
        hoverinfo="skip",
        cliponaxis=False,
        name="next",
    )
    ringed = {at for at, _ in rings}
    for at, column in enumerate(view.columns):
        if column.next_item is None:
            said = ""
        elif at in ringed:
            said = "◎ really taken next" if len(view.columns) < 4 else "◎ next"
        elif column.next_rank is None:
            said = "next: already had"
        else:
            said = f"next: rank {column.next_rank}"
        if said:
            figure.add_annotation(
                x=at,
                y=depth + 1,
                text=said,
                showarrow=False,
                font={"size": SMALL, "color": palette.accent},
                hovertext=plain(column.next_item or "", 60),
            )


def _add_head(figure: go.Figure, at: int, column: ColumnView, n: int, palette: Palette) -> None:
    width = 30 if n < 4 else 22 if n == 4 else 17
    lines = wrap(column.name, width, max_lines=3, placeholder="…") or [""]
    figure.add_annotation(
        x=at,
        y=1,
        yref="paper",
        yanchor="bottom",
        text="<br>".join(plain(line) for line in lines),
        showarrow=False,
        font={"size": SMALL if n > 3 else SIZE, "color": palette.text},
    )


def _add_labels(
    figure: go.Figure, line: FlowLine, n: int, title: int, palette: Palette, chosen: str | None
) -> None:
    """Titles beside the outer columns; inside, where an item is in no outer one."""
    ink = palette.text if chosen in (None, line.item_id) else rgba(palette.text, 0.4)
    first, last = line.ranks[0], line.ranks[-1]
    text = plain(line.item, title)
    for x, rank, anchor, shift in ((0, first, "right", -22), (n - 1, last, "left", 22)):
        if rank is not None:
            figure.add_annotation(
                x=x, y=rank, text=text, showarrow=False, xanchor=anchor, xshift=shift,
                font={"size": SIZE, "color": ink},
            )  # fmt: skip
    labelled = n <= MOST_LABELLED or chosen == line.item_id
    if first is None and last is None and labelled:
        at = max(i for i, rank in enumerate(line.ranks) if rank is not None)
        figure.add_annotation(
            x=at,
            y=line.ranks[at],
            text=plain(line.item, 60 // n + 4 if chosen != line.item_id else 40),
            showarrow=False,
            xanchor="left",
            xshift=14,
            bgcolor=halo(palette),
            borderpad=1,
            font={"size": SMALL, "color": ink},
        )


def _add_stub_labels(figure: go.Figure, line: FlowLine, palette: Palette) -> None:
    """Beside a stub, the item's rank over the catalogue in the neighbouring column."""
    for at in range(len(line.ranks) - 1):
        one, other = line.ranks[at], line.ranks[at + 1]
        if (one is None) == (other is None):
            continue
        leaves = other is None
        if leaves and line.ranks[0] is None and line.ranks[-1] is None:
            continue  # its title stands there
        full = line.full_ranks[at + 1 if leaves else at]
        words = "already had" if full is None else f"rank {full}"
        figure.add_annotation(
            x=at + STUB if leaves else at + 1 - STUB,
            y=one if leaves else other,
            text=f"→ {words}" if leaves else f"{words} →",
            showarrow=False,
            xanchor="left" if leaves else "right",
            bgcolor=halo(palette),
            borderpad=1,
            font={"size": SMALL - 1, "color": palette.muted},
        )


def profiles_figure(view: CompareView, palette: Palette) -> go.Figure:
    """The interest profile of every column as one bar of topic shares, names on the segments."""
    columns = view.columns[::-1]
    names = [plain(column.name, 28) for column in columns]
    if len({column.profile.tobytes() for column in columns}) == 1:
        columns, names = columns[:1], ["all columns"]
    n = len(columns)
    figure = go.Figure(
        layout=layout(
            palette,
            height=34 * n + 30,
            margin={"l": 190, "r": 16, "t": 2, "b": 24},
            barmode="stack",
            bargap=0.22,
        )
    )
    profile = np.array([column.profile for column in columns])
    peaks = profile.max(axis=0)
    drawn = [t for t in range(len(view.topics)) if t < HUES or peaks[t] >= LARGE]
    rest = 1.0 - profile[:, drawn].sum(axis=1)
    segments = [(view.topics[t], t, profile[:, t]) for t in drawn]
    if len(drawn) < len(view.topics):
        segments.append(("other", -1, rest))
    for name, topic, shares in segments:
        ink = palette.topic(topic)
        figure.add_bar(
            x=shares,
            y=list(range(n)),
            orientation="h",
            name=plain(name),
            marker={"color": ink, "line": {"width": 1, "color": palette.background}},
            text=[
                plain(name, int(share * SEGMENT)) if share * SEGMENT >= 5 else ""
                for share in shares
            ],
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            constraintext="none",
            textfont={"size": SMALL, "color": palette.text_on(ink)},
            hovertext=[f"{plain(name, 40)} {percent(float(share))}" for share in shares],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    figure.update_xaxes(
        **axis(palette, range=[0, 1], tickvals=[0, 0.5, 1], tickformat=".0%", fixedrange=True)
    )
    figure.update_yaxes(
        **axis(
            palette,
            tickvals=list(range(n)),
            ticktext=names,
            ticks="",
            tickfont={"size": SIZE, "color": palette.text},
            fixedrange=True,
        )
    )
    return figure


def changes_figure(bars: Sequence[ChangeBar], palette: Palette) -> go.Figure:
    """What each event between two times gave an item: bars with signs, largest first.

    Beyond a dozen the rest is one bar. Bars carry their step as customdata.
    """
    shown = list(bars[:SHOWN_BARS])
    if len(bars) > SHOWN_BARS:
        rest = bars[SHOWN_BARS:]
        total = sum(bar.value for bar in rest)
        shown.append(ChangeBar(None, f"{len(rest)} smaller ones", total, 0.0))
    shown = shown[::-1]
    values = [bar.value for bar in shown]
    figure = go.Figure(
        layout=layout(
            palette,
            height=26 * len(shown) + 44,
            margin={"l": 330, "r": 64, "t": 4, "b": 40},
            bargap=0.35,
        )
    )
    figure.add_bar(
        x=values,
        y=list(range(len(shown))),
        orientation="h",
        marker={"color": [palette.positive if v >= 0 else palette.negative for v in values]},
        error_x={
            "array": [bar.stderr for bar in shown],
            "visible": any(bar.stderr for bar in shown),
            "color": palette.muted,
            "thickness": 1.2,
            "width": 3,
        },
        customdata=[bar.step for bar in shown],
        hovertext=[f"{plain(bar.label, 70)}: {signed(bar.value)} nats" for bar in shown],
        hovertemplate="%{hovertext}<extra></extra>",
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1}},
        name="changes",
    )
    for at, bar in enumerate(shown):
        up, small = bar.value >= 0, abs(bar.value) < SMALL_CHANGE
        figure.add_annotation(
            x=bar.value + (bar.stderr if up else -bar.stderr),
            y=at,
            text=nats(bar.value) if small else f"{'▲' if up else '▼'} {signed(bar.value)}",
            showarrow=False,
            xanchor="left" if up else "right",
            xshift=6 if up else -6,
            font={"size": SMALL, "color": palette.text},
        )
    reach = max((abs(v) for v in values), default=1.0) or 1.0
    figure.update_xaxes(
        **axis(
            palette,
            range=[min(0.0, *values) - 0.28 * reach, max(0.0, *values) + 0.28 * reach],
            zeroline=True,
            zerolinecolor=palette.faint,
            fixedrange=True,
            nticks=5,
            title={"text": "change of the score, nats", "font": {"size": SMALL}, "standoff": 6},
        )
    )
    figure.update_yaxes(
        **axis(
            palette,
            tickvals=list(range(len(shown))),
            ticktext=[plain(bar.label, 50) for bar in shown],
            ticks="",
            tickfont={"size": SMALL, "color": palette.text},
            fixedrange=True,
        )
    )
    return figure
