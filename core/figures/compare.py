"""Lists side by side: the rank flow, the profiles, and what each event contributed to one item."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.compare.comparison import Overlap
from core.figures.chart import Chart
from core.figures.palette import Palette, rgba
from core.figures.profile import areas
from core.figures.style import (
    SIZE,
    SMALL,
    axis,
    bars,
    canvas,
    errors,
    halo,
    hover,
    in_full,
    names_above,
    names_axis,
    note,
    picks,
    plain,
    signed_inks,
    title,
)
from core.language import tr
from core.views.compare.build import ChangeBar, ColumnView, CompareView, FlowLine
from core.views.compare.sentences import rank_words
from core.views.wording import SMALL as SMALL_CHANGE
from core.views.wording import nats, percent, signed
from core.word_breaks import lines

ROW = 30
SIDES = {2: 256, 3: 230, 4: 190}
SIDE, NARROW_SIDE = 160, 116
"""Least pixels for a title beside the outer columns, by number of columns."""
INNER = {2: 260, 3: 460, 4: 580}
INNER_OF_MANY = 720
"""Pixels between the outer columns that titles leave free, by number of columns."""
BESIDE, LETTER = 24, 7.2
"""Pixels between a marker and its title, and of a letter."""
MOST_LABELLED = 4
"""Columns up to which items of inner columns only are labelled too; above, when they are chosen."""
STUB = 0.2
"""How far a line reaches towards a neighbour whose list lacks the item, in columns."""
MOST_STUB_LABELS = 3
"""Columns up to which a stub says the rank that it leads to."""
TAU = "Kendall"  # no sentence
BEND = np.linspace(0, 1, 17)
SEGMENT = 85
"""Characters that fit into a whole bar of the profile."""
SHOWN_BARS = 12
HEAD_LINES = 3


def flow_figure(
    view: CompareView,
    palette: Palette,
    chosen: str | None = None,
    *,
    narrow: bool = False,
    room: int = 0,
) -> Chart:
    """Ranks over the columns: one line per item in its topic's hue, its title at the ends.

    Markers carry ``[item_id, column]`` as customdata. A dotted stub says where an item comes from
    or goes to outside the lists. A ring marks the actual next item; ``chosen`` stands out. On a
    ``narrow`` screen titles are short, and only the outer columns have a head; with more ``room``,
    the figure's pixels, they are longer.
    """
    n = len(view.columns)
    rows = max((r for line in view.lines for r in line.ranks if r is not None), default=1)
    depth = max(rows, 3)
    side = NARROW_SIDE if narrow else _side(view, room)
    characters = int((side - BESIDE) / LETTER)
    figure = canvas(palette, ROW * (depth + 1) + 92, (side, side, 54, 8), hovermode="closest")
    for line in view.lines:
        _add_line(figure, line, palette, chosen in (None, line.item_id))
    _add_next(figure, view, depth, palette, narrow)
    _add_markers(figure, view, palette, chosen)
    for at, column in enumerate(view.columns):
        if not narrow or at in (0, n - 1):
            _add_head(figure, at, column, 6 if narrow else n, palette)
    for line in view.lines:
        _add_labels(figure, line, n, characters, palette, chosen)
        if n <= MOST_STUB_LABELS and not narrow:
            _add_stub_labels(figure, line, palette)
    figure.update_xaxes(visible=False, range=[-0.1, n - 0.9], fixedrange=True)
    figure.update_yaxes(visible=False, range=[depth + 1.5, 0.4], fixedrange=True)
    return figure


def _side(view: CompareView, room: int) -> int:
    """Pixels beside the outer columns: what titles need, as far as there is room for it."""
    n = len(view.columns)
    least, free = SIDES.get(n, SIDE), (room - INNER.get(n, INNER_OF_MANY)) // 2
    longest = max((len(line.item) for line in view.lines), default=0)
    return max(least, min(free, int(BESIDE + LETTER * (longest + 1))))


def _add_line(figure: Chart, line: FlowLine, palette: Palette, strong: bool) -> None:
    xs: list[float | None] = []
    ys: list[float | None] = []
    stubs_x: list[float | None] = []
    stubs_y: list[float | None] = []
    for at, (left, right) in enumerate(zip(line.ranks, line.ranks[1:], strict=False)):
        if left is not None and right is not None:
            bend = BEND * BEND * (3 - 2 * BEND)
            xs += [*(at + BEND), None]
            ys += [*(left + (right - left) * bend), None]
        elif left is not None or right is not None:
            end, near = (at, at + STUB) if left is not None else (at + 1, at + 1 - STUB)
            stubs_x += [near, end, None]
            stubs_y += [left or right, left or right, None]
    ink = rgba(palette.topic(line.topic), 0.9 if strong else 0.22)
    for x, y, width, dash in ((xs, ys, 3.0, "solid"), (stubs_x, stubs_y, 1.6, "dot")):
        if x:
            style = {"width": width, "color": ink, "dash": dash}
            figure.add_scatter(
                x=x, y=y, mode="lines", line=style, hoverinfo="skip", cliponaxis=False
            )


def _add_markers(figure: Chart, view: CompareView, palette: Palette, chosen: str | None) -> None:
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
        **hover([_hover(view, line, at) for at, _, line in marks]),
        selected={"marker": {"opacity": 1}},
        unselected={"marker": {"opacity": 1 if chosen is None else 0.6}},
        cliponaxis=False,
        name="ranks",
    )


def _hover(view: CompareView, line: FlowLine, at: int) -> str:
    topic = view.topics[line.topic] if 0 <= line.topic < len(view.topics) else tr("other")
    ranks = [
        tr("{column}: {rank}", column=plain(column.name, 40), rank=_rank_or_outside(rank, full))
        for column, rank, full in zip(view.columns, line.ranks, line.full_ranks, strict=True)
    ]
    marked = [tr("actual next item")] if line.is_next[at] else []
    return "<br>".join([f"<b>{in_full(line.item)}</b>", plain(topic, 40), *ranks, *marked])


def _rank_or_outside(rank: int | None, full: int | None) -> str:
    """A rank in a list, or the one outside it."""
    if rank is not None:
        return str(rank)
    return rank_words(full) if full is None else tr("{rank} (outside)", rank=rank_words(full))


def _add_next(figure: Chart, view: CompareView, depth: int, palette: Palette, narrow: bool) -> None:
    """Rings around the actual next item; below a column whose list lacks it, its rank."""
    rings = {
        at: rank
        for line in view.lines
        for at, rank in enumerate(line.ranks)
        if line.is_next[at] and rank is not None
    }
    line = {"width": 2.5, "color": palette.accent}
    figure.add_scatter(
        x=list(rings),
        y=list(rings.values()),
        mode="markers",
        marker={"size": 31, "color": "rgba(0,0,0,0)", "line": line},
        hoverinfo="skip",
        cliponaxis=False,
        name="next",
    )
    for at, column in enumerate(view.columns):
        if column.next_item is None:
            continue
        said = tr("next: {rank}", rank=rank_words(column.next_rank))
        if narrow:
            said = "" if column.next_rank is None else f"{column.next_rank}"
        if at in rings:
            said = tr("◎ actual next item") if len(view.columns) < 4 else tr("◎ next")
            said = "◎" if narrow else said
        words = note(said, at, depth + 1, palette.accent, hovertext=in_full(column.next_item))
        figure.add_annotation(words)


def _add_head(figure: Chart, at: int, column: ColumnView, n: int, palette: Palette) -> None:
    width = 30 if n < 4 else 22 if n == 4 else 17
    head = lines(column.name, width)
    if len(head) > HEAD_LINES:
        head[HEAD_LINES - 1 :] = [f"{head[HEAD_LINES - 1]}…"]
    text, size = "<br>".join(map(plain, head)), SMALL if n > 3 else SIZE
    figure.add_annotation(note(text, at, 1, palette.text, size, yref="paper", yanchor="bottom"))


def _add_labels(
    figure: Chart, line: FlowLine, n: int, characters: int, palette: Palette, chosen: str | None
) -> None:
    """Titles beside the outer columns; inside, where an item is in no outer one."""
    ink = palette.text if chosen in (None, line.item_id) else rgba(palette.text, 0.4)
    first, last = line.ranks[0], line.ranks[-1]
    text = plain(line.item, characters)
    for x, rank, anchor, shift in ((0, first, "right", -22), (n - 1, last, "left", 22)):
        if rank is not None:
            figure.add_annotation(note(text, x, rank, ink, SIZE, xanchor=anchor, xshift=shift))
    labelled = n <= MOST_LABELLED or chosen == line.item_id
    if first is None and last is None and labelled:
        at = max(i for i, rank in enumerate(line.ranks) if rank is not None)
        text = plain(line.item, 60 // n + 4 if chosen != line.item_id else 40)
        beside: dict[str, Any] = {"xanchor": "left", "xshift": 14, "borderpad": 1}
        words = note(text, at, line.ranks[at], ink, bgcolor=halo(palette), **beside)
        figure.add_annotation(words)


def _add_stub_labels(figure: Chart, line: FlowLine, palette: Palette) -> None:
    """Beside a stub, the item's rank over the catalogue in the neighbouring column."""
    for at, (left, right) in enumerate(zip(line.ranks, line.ranks[1:], strict=False)):
        if (left is None) == (right is None):
            continue
        leaves = right is None
        if leaves and line.ranks[0] is None and line.ranks[-1] is None:
            continue  # its title stands there
        words = rank_words(line.full_ranks[at + 1 if leaves else at])
        figure.add_annotation(
            note(
                f"→ {words}" if leaves else f"{words} →",
                at + STUB if leaves else at + 1 - STUB,
                left if leaves else right,
                palette.muted,
                SMALL - 1,
                xanchor="left" if leaves else "right",
                bgcolor=halo(palette),
                borderpad=1,
            )
        )


def profiles_figure(view: CompareView, palette: Palette) -> Chart:
    """The interest profile of every column as one bar of topic shares, names on the segments."""
    columns = view.columns[::-1]
    names = [plain(column.name, 28) for column in columns]
    if len({column.profile.tobytes() for column in columns}) == 1:
        columns, names = columns[:1], [tr("all columns")]
    n = len(columns)
    figure = canvas(palette, 34 * n + 30, (190, 16, 2, 24), barmode="stack", bargap=0.22)
    profile = np.array([column.profile for column in columns])
    for name, topic, shares in areas(view.topics, profile):
        ink = palette.topic(topic)
        room = [int(share * SEGMENT) for share in shares]
        figure.add_bar(
            x=shares,
            y=list(range(n)),
            orientation="h",
            name=plain(name),
            marker={"color": ink, "line": {"width": 1, "color": palette.background}},
            text=[plain(name, characters) if characters >= 5 else "" for characters in room],
            textposition="inside",
            insidetextanchor="middle",
            textangle=0,
            constraintext="none",
            textfont={"size": SMALL, "color": palette.text_on(ink)},
            **hover([f"{plain(name, 40)} {percent(float(share))}" for share in shares]),
        )
    figure.update_xaxes(
        axis(palette, range=[0, 1], tickvals=[0, 0.5, 1], tickformat=".0%", fixedrange=True)
    )
    figure.update_yaxes(names_axis(palette, names))
    return figure


def overlap_figure(view: CompareView, palette: Palette) -> Chart:
    """How alike every two lists are: a cell per pair, RBO as its shade and number."""
    names = [plain(column.short, 28) for column in view.columns]
    n = len(names)
    cells = {(pair.b, pair.a): pair for pair in view.overlaps}
    grid = [[cells.get((row, at)) for at in range(n - 1)] for row in range(1, n)]
    figure = canvas(palette, 38 * (n - 1) + 40, (150, 16, 4, 34))
    figure.add_heatmap(
        z=[[pair.rbo if pair else None for pair in row] for row in grid],
        x=names[:-1],
        y=names[1:],
        text=[[pair_words(view, pair) if pair else "" for pair in row] for row in grid],
        hovertemplate="%{text}<extra></extra>",
        colorscale=[[0, rgba(palette.accent, 0.06)], [1, rgba(palette.accent, 0.85)]],
        zmin=0,
        zmax=1,
        showscale=False,
        xgap=2,
        ygap=2,
        hoverongaps=False,
        name="overlap",
    )
    for (row, at), pair in cells.items():
        if pair.rbo is not None:
            ink = palette.background if pair.rbo > 0.55 else palette.text
            figure.add_annotation(
                note(f"{pair.rbo:.2f}", names[at], names[row], ink, xanchor="center")
            )
    category = {"type": "category", "fixedrange": True, "showgrid": False}
    small_type = {"size": SMALL, "color": palette.text}
    figure.update_xaxes(axis(palette, tickfont=small_type, **category))
    figure.update_yaxes(axis(palette, tickfont=small_type, autorange="reversed", **category))
    return figure


def pair_words(view: CompareView, pair: Overlap) -> str:
    """All measures of a pair, for its hover text."""
    a, b = (plain(view.columns[at].name, 60) for at in (pair.a, pair.b))
    measures = ((tr("shared"), pair.jaccard), ("RBO", pair.rbo), (TAU, pair.kendall))
    said = [f"{name} {value:.2f}" for name, value in measures if value is not None]
    return "<br>".join([tr("{one} and {other}", one=a, other=b), *said])


def changes_figure(
    changes: Sequence[ChangeBar],
    palette: Palette,
    *,
    narrow: bool = False,
    event: int | None = None,
) -> Chart:
    """What each event between two times contributed to an item: signed bars, largest first.

    Beyond a dozen the rest is one bar. Bars carry their step as customdata; the one of the chosen
    ``event`` has a bold name.
    """
    shown = list(changes[:SHOWN_BARS])
    if len(changes) > SHOWN_BARS:
        rest = changes[SHOWN_BARS:]
        total = sum(bar.value for bar in rest)
        label = tr("{n} smaller ones", n=len(rest))
        shown.append(ChangeBar(None, label, total, 0.0))
    shown = shown[::-1]
    values = [bar.value for bar in shown]
    figure = (
        canvas(palette, 40 * len(shown) + 60, (8, 64, 20, 40), bargap=0.6)
        if narrow
        else canvas(palette, 26 * len(shown) + 44, (330, 64, 4, 40), bargap=0.35)
    )
    words = [
        tr("{name}: {nats} nats", name=in_full(bar.label), nats=signed(bar.value)) for bar in shown
    ]
    figure.add_bar(
        **bars(values, signed_inks(values, palette)),
        error_x=errors([bar.stderr for bar in shown], palette.muted, 1.2),
        **picks([bar.step for bar in shown], words, "changes"),
    )
    for at, bar in enumerate(shown):
        up, small = bar.value >= 0, abs(bar.value) < SMALL_CHANGE
        text = nats(bar.value) if small else f"{'▲' if up else '▼'} {signed(bar.value)}"
        end = bar.value + (bar.stderr if up else -bar.stderr)
        side, shift = ("left", 6) if up else ("right", -6)
        figure.add_annotation(note(text, end, at, palette.text, xanchor=side, xshift=shift))
    reach = max((abs(value) for value in values), default=1.0) or 1.0
    low, high = min(0.0, *values) - 0.28 * reach, max(0.0, *values) + 0.28 * reach
    zero = {"zeroline": True, "zerolinecolor": palette.faint, "fixedrange": True, "nticks": 5}
    name = title(tr("change of the score, nats"), 6)
    figure.update_xaxes(axis(palette, range=[low, high], title=name, **zero))
    small_type = {"size": SMALL, "color": palette.text}
    labels = [plain(bar.label, 50) for bar in shown]
    labels = [
        f"<b>● {name}</b>" if bar.step is not None and bar.step == event else name
        for bar, name in zip(shown, labels, strict=True)
    ]
    figure.update_yaxes(names_axis(palette, labels, tickfont=small_type))
    if narrow:
        names_above(figure, labels, range(len(labels)), palette)
    return figure
