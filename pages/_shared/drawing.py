"""What every page draws alike: its head, charts under a sentence, tables, links to other pages."""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from math import inf
from typing import Any, TypeVar

import streamlit as st
from pandas import DataFrame
from plotly.graph_objects import Figure
from streamlit import column_config
from streamlit.delta_generator import DeltaGenerator

from core import language
from core.figures.palette import PALETTES, Palette
from core.figures.style import CONFIG, REGIONS
from core.language import ENGLISH, mark, tr
from pages._shared import notices, state

TIMELINE, EXPLAIN, COMPARE = "pages/timeline.py", "pages/explain.py", "pages/compare.py"
WHAT_IF, QUALITY, USERS = "pages/what_if.py", "pages/quality.py", "pages/users.py"
COHORTS = "pages/cohorts.py"
ICONS = {
    TIMELINE: ":material/timeline:",
    EXPLAIN: ":material/rule:",
    COMPARE: ":material/compare_arrows:",
    WHAT_IF: ":material/call_split:",
}
Name = TypeVar("Name", bound=str)
Charts = dict[str, tuple[str, Figure]]
"""Charts by name, each with the sentence that reads it."""
CHOSEN = "chosen"
"""The column that marks the rows of what is chosen."""
MARK = 28
"""Pixels of that column."""
LEAST, PADDING, LETTER, WIDE_LETTER = 150, 20, 5.8, 14.0
"""Pixels: of a column that grows, beside a cell's text, of its letters, of a Chinese one."""
_FIXED = re.compile(r"%\+?\.(\d)f")
NO_TOOLS = {"displayModeBar": False}
FORWARD = ":material/arrow_forward:"
"""The icon of a link to any other page."""


def palette() -> Palette:
    """The colours of the theme that the browser shows."""
    return PALETTES["dark" if st.context.theme.type == "dark" else "light"]


def head(title: str) -> DeltaGenerator:
    """The page's title; what is drawn into the container stands at its right."""
    row = st.container(horizontal=True, vertical_alignment="center", gap="small")
    with row:
        st.title(title, anchor=False)
        st.space("stretch")
    return row


def chart(
    key: str,
    figure: Figure,
    sentence: str,
    *,
    name: str = "",
    below: str = "",
    is_said: bool = True,
    has_tools: bool = False,
    on_select: Callable[[], None] | None = None,
    is_lasso: bool = False,
) -> None:
    """A chart under the sentence that reads it; ``name`` begins its text alternative.

    ``on_select`` is called when a point is picked, or a region drawn where it ``is_lasso``.
    """
    options: dict[str, Any] = {}
    if on_select is not None:
        mode = ("lasso", "box") if is_lasso else "points"
        options = {"on_select": state.acting(on_select), "selection_mode": mode}
    with st.container(gap="xxsmall"):
        if is_said:
            notices.say(sentence)
        st.plotly_chart(
            figure,
            key=key,
            theme=None,
            config=REGIONS if is_lasso else CONFIG if has_tools or on_select else NO_TOOLS,
            alt=tr("{name}. {sentence}", name=name, sentence=sentence) if name else sentence,
            **options,
        )
        if below:
            notices.caution(below)


def button(
    label: str, key: str, act: Callable[..., object], *args: object, icon: str = "", **more: Any
) -> None:
    """A button that calls ``act`` with ``args``; ``icon`` names a Material icon."""
    more |= {
        "icon": f":material/{icon}:" if icon else None,
        "on_click": state.acting(act),
        "args": args,
    }
    st.button(label, key=key, **more)


def settle(
    key: str, options: Sequence[str], usual: str, missing: str, *args: str, says_now: bool = False
) -> bool:
    """Make a choice that the URL may have asked for one of ``options``, else ``usual``.

    ``missing`` (marked) says what does not exist, formatted with the wish and ``args``;
    ``says_now`` where the notices above the page are already drawn. True unless a wish was not met.
    What stands where nobody chose is no wish.
    """
    asked = state.get(key)
    if asked not in options and state.is_old_name(key, asked):
        asked = state.held()[key].value
        state.put(key, asked)
    unasked = None if key not in state.KEYS else state.KEYS[key].usual
    is_met = asked in options or asked in (None, unasked)
    if not is_met:
        (notices.miss if says_now else state.add_notice)(key, tr(missing).format(asked, *args))
    if asked not in options:
        state.put(key, usual)
    state.hold(key)
    return is_met


def choose(
    label: str,
    key: str,
    options: Mapping[Name, str],
    *,
    hides_label: bool = False,
    is_list: bool = False,
) -> Name:
    """One of a few options, what is usual unless another is picked; kept over page switches.

    ``options`` are named as the address says, each with what the button says; that and ``label``
    are marked. Where there are too many for buttons in a row it ``is_list``.
    """
    usual = state.KEYS[key].usual if key in state.KEYS else next(iter(options))
    label, missing = tr(label), mark("{1}: there is no {0!r}; this is {2}.")
    settle(key, list(options), usual, missing, label, tr(options[usual]).lower(), says_now=True)
    look: dict[str, Any] = {
        "key": key,
        "format_func": lambda name: tr(options[name]),
        "persist_state": "session",
        "on_change": state.has_chosen,
        "label_visibility": "collapsed" if hides_label else "visible",
    }
    if is_list:
        chosen: Name | None = st.selectbox(label, list(options), width=220, **look)
        return chosen or usual
    picked = st.segmented_control(label, list(options), required=True, **look)
    return picked or usual


def table(
    rows: DataFrame | Sequence[Any],
    alt: str,
    columns: Mapping[str, Any] | None = None,
    *,
    height: int | str = "content",
    row_height: int | None = None,
    shows_all: bool = False,
    marked: Sequence[bool] = (),
    grows: Sequence[str] = (),
    room: int = 0,
) -> None:
    """A frame or dataclasses as a table; ``columns`` chooses, orders and configures its columns.

    ``shows_all`` keeps the table's own columns and order, and only configures some. ``marked`` says
    of each row whether it is about what is chosen: those get a dot. Columns that ``grows`` names
    share what the others leave of ``room`` pixels. Columns without a label are named in the
    reader's language, as ``core.views.tables.COLUMN_NAMES`` has them.
    """
    frame = rows if isinstance(rows, DataFrame) else DataFrame(map(dataclasses.asdict, rows))
    if any(marked):
        frame = frame.copy()
        frame.insert(0, CHOSEN, ["●" if is_marked else "" for is_marked in marked])
        columns = {CHOSEN: column_config.TextColumn("", width=MARK), **(columns or {})}
        shows_all = shows_all or len(columns) == 1
    if grows and columns is not None:
        columns = fit(columns, room, {name: frame[name].astype(str) for name in grows})
    st.dataframe(
        _without_minus_zero(frame, columns or {}),
        hide_index=True,
        height=height,  # type: ignore[arg-type]
        row_height=row_height,
        placeholder="–",
        alt=alt,
        column_order=None if columns is None or shows_all else tuple(columns),
        column_config=_in_language(frame, columns or {}) or None,
    )


def _without_minus_zero(frame: DataFrame, columns: Mapping[str, Any]) -> DataFrame:
    """Numbers that their column's digits show as nothing, as 0: without a sign."""
    shown = frame
    for name, config in columns.items():
        kind = config.get("type_config") if isinstance(config, dict) else None
        written = (kind or {}).get("format")
        digits = _FIXED.fullmatch(str(written))
        if digits is None or name not in frame or frame[name].dtype.kind != "f":
            continue
        hidden = frame[name].abs() < 0.5 * 10.0 ** -int(digits[1])
        shown = shown.assign(**{name: shown[name].mask(hidden, 0.0)})
    return shown


def _in_language(frame: DataFrame, columns: Mapping[str, Any]) -> Mapping[str, Any]:
    """Columns with a label in the reader's language where they have none of their own."""
    if language.current() == ENGLISH:
        return columns
    named = dict(columns)
    for name in map(str, frame.columns):
        look = named.get(name)
        if look is None:
            named[name] = column_config.Column(tr(name))
        elif isinstance(look, Mapping) and look.get("label") is None:
            named[name] = {**look, "label": tr(name)}
    return named


def fit(
    columns: Mapping[str, Any], room: int, grows: Mapping[str, Iterable[str] | None]
) -> dict[str, Any]:
    """Columns of which some share what the others' widths leave of ``room`` pixels.

    Left to itself a table gives each column, narrow or not, an equal part of what is free.
    ``grows`` holds what those columns say, and none gets more than that needs; None where it may
    change.
    """
    looks = {name: getattr(column, "config", column) for name, column in columns.items()}
    fixed = sum(look.get("width") or LEAST for name, look in looks.items() if name not in grows)
    left, widths = room - fixed - 2, {}
    needs = {name: inf if texts is None else need(texts) for name, texts in grows.items()}
    for at, name in enumerate(sorted(needs, key=lambda name: needs[name])):
        widths[name] = int(max(min(needs[name], left / (len(needs) - at)), LEAST))
        left -= widths[name]
    return {**columns, **{name: _as_wide(columns[name], widths[name]) for name in widths}}


def _as_wide(column: Any, width: int) -> Any:
    """A column with a width; one of buttons keeps what they do beside its look."""
    if not hasattr(column, "config"):
        return column | {"width": width}
    return dataclasses.replace(column, config=column.config | {"width": width})


def need(texts: Iterable[str]) -> float:
    """Pixels that the longest of some texts takes in a table, a little more rather than less."""
    return PADDING + max(map(_length, texts), default=0.0)


def _length(text: str) -> float:
    if text.isascii():
        return LETTER * len(text)
    return sum(WIDE_LETTER if unicodedata.east_asian_width(c) in "FW" else LETTER for c in text)


def id_width(ids: Iterable[str]) -> int:
    """Pixels of a column of ids; very long ones are cut."""
    return min(150, 30 + 8 * max(map(len, ids), default=0))


def buttons(label: str, key: str, act: Callable[[int], None], **look: Any) -> Any:
    """A table's column of buttons; ``act`` is called with the row that was clicked."""

    def click() -> None:
        picked = state.get(key)
        if picked is not None:
            act(int(picked["row"]))

    return column_config.ButtonColumn(label, key=key, on_click=state.acting(click), **look)


def link(page: str, label: str, **values: str | int | None) -> None:
    """A way to another page, about the same user, time and recommender unless told otherwise."""
    st.page_link(
        page,
        label=notices.escape(label),
        icon=ICONS.get(page, FORWARD),
        query_params=state.link(page, **values),
    )
