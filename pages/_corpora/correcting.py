"""Everything about a file's reading that a person can put right by a click."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import streamlit as st

from core.corpus.described import ABOUT_ITEMS
from core.corpus.options import (
    FIELDS,
    ITEM_PREFIX,
    MEANINGS,
    NO_QUOTE,
    TIME_WORDS,
    ImportOptions,
    parse_delimiter,
    parse_scale,
)
from core.corpus.options import NONE as NO_EVENT
from core.corpus.previewing import Preview
from core.corpus.questions import Question
from core.corpus.readers import FORMATS
from core.domain import Columns
from core.language import mark, tr
from core.views.imports import FIRST_LINE, column_examples, spoken_delimiter
from pages._corpora import said, uploads
from pages._shared import drawing, notices, state

UNUSED = mark("not used")
FIRST_LINES = {
    False: mark("The first line is data"),
    True: mark("The first line names the columns"),
}
ENCODINGS = (
    "utf-8", "utf-16", "cp1252", "latin-1", "cp1250", "cp1251", "gb18030", "big5", "shift_jis",
    "euc-kr",
)  # fmt: skip
DELIMITERS = (",", ";", "\t", "|", "::", " ")
PATTERNS = ("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y-%m-%d %H:%M:%S")
SEPARATORS = (NO_QUOTE, ",", "|", ">", ";", "/")
KIND_NAMES = {str(kind): str(kind) for kind in MEANINGS} | {NO_EVENT: mark("no event")}
NONE = mark("none")
FOUND = ""
"""An option that nobody has said."""
PROPOSALS_SHOWN = 8
ONE_USER = "me"
WIDTH = 190


def draw_question(question: Question, preview: Preview | None) -> None:
    """What must be said before anything can be imported, with its answers as buttons."""
    error = question.error
    with st.container(border=True, key="question"):
        what = notices.escape(error.what[:1].upper() + error.what[1:])
        st.markdown(f":material/help: **{tr('{what}.', what=what)}**")  # no sentence
        if error.where:
            st.caption(notices.escape(uploads.without_folder(error.where)))
        if question.values and question.option not in ("kinds", "header"):
            examples = tr(", ").join(question.values[:5])
            st.text(tr("For example: {examples}", examples=examples))
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            ANSWERS[question.option](question, preview)


def _answer_header(question: Question, preview: Preview | None) -> None:
    for value in (False, True):
        _answer(tr(FIRST_LINES[value]), "header", value)


def _answer_mapping(question: Question, preview: Preview | None) -> None:
    if preview is None:
        return
    field = question.field
    of_items = field.startswith(ITEM_PREFIX)
    columns = preview.item_columns if of_items else preview.columns
    likely = dict.fromkeys([*question.proposals, *columns])
    st.text(tr("Which column holds {field}?", field=field))
    examples = column_examples(preview)
    for column in list(likely)[:PROPOSALS_SHOWN]:
        key = f"answer_{field}_{column}"
        label = notices.escape(examples.get(column, column))
        drawing.button(label, key, said.say_in, "mapping", field, column)
    if field == Columns.Time:
        _answer_order(question, preview)
    if field == Columns.User:
        _answer(tr("No column does: all rows are one user's"), "one_user", ONE_USER)


def _answer_kinds(question: Question, preview: Preview | None) -> None:
    st.text(tr("What does each word stand for?"))
    _draw_kinds(dict.fromkeys(question.values))


def _answer_order(question: Question, preview: Preview | None) -> None:
    _answer(tr("There is no time: take the order of the rows"), "order_as_time", True)


def _answer_by(option: str, label: str) -> Callable[[Question, Preview | None], None]:
    def draw(question: Question, preview: Preview | None) -> None:
        for value in question.proposals[:PROPOSALS_SHOWN]:
            name = spoken_delimiter(value) if option == "delimiter" else tr(value)
            _answer(tr(label, name=name), option, value)
        if not question.proposals:
            st.text(tr("Choose or type it below."))

    return draw


def _answer(label: str, option: str, value: Any) -> None:
    drawing.button(label, f"answer_{option}_{value}", said.say, option, value)


ANSWERS: dict[str, Callable[[Question, Preview | None], None]] = {
    "header": _answer_header,
    "mapping": _answer_mapping,
    "kinds": _answer_kinds,
    "order_as_time": _answer_order,
    "delimiter": _answer_by("delimiter", mark("Delimiter: {name}")),
    "encoding": _answer_by("encoding", mark("Encoding: {name}")),
    "time_format": _answer_by("time_format", mark("Times are {name}")),
}
"""How each option of a question is answered."""


def draw_columns(preview: Preview, said_mapping: dict[str, str]) -> None:
    """One picker per field, set to the column that it has."""
    examples = column_examples(preview)
    has_items = any(file.table == "items" for file in preview.files)
    of_events = [ITEM_PREFIX + field for field in ABOUT_ITEMS]
    for field in FIELDS:
        of_items = field.startswith(ITEM_PREFIX)
        if of_items and not has_items and field not in of_events:
            continue
        known = preview.item_columns if of_items else preview.columns
        taken = preview.mapping.get(field, said_mapping.get(field))
        can_be_unused = taken is None or field in said_mapping
        options = [*([UNUSED] if can_be_unused else []), *known]
        key = f"map_{field}"
        state.choose(key, taken if taken in options else options[0] if options else None)
        act = (said.said_in, ("mapping", key, field, UNUSED))
        st.selectbox(
            field,
            options,
            key=key,
            format_func=lambda column: (
                tr(UNUSED) if column == UNUSED else examples.get(column, column)
            ),
            on_change=act[0],
            args=act[1],
        )


def draw_reading(options: ImportOptions, preview: Preview | None) -> None:
    """One picker per option, set to what was said or found."""
    file = preview.files[0] if preview is not None and preview.files else None
    found = preview.options if preview is not None else options
    header = file.header if file is not None else options.header
    delimiter = file.delimiter if file is not None else options.delimiter
    quote = file.quote if file is not None else options.quote
    encoding = (file.encoding if file is not None else options.encoding) or FOUND
    _pick(tr("Format"), "format", FORMATS, found.format)
    _pick(tr("Encoding"), "encoding", ENCODINGS, encoding, adds=True)
    _pick(
        tr("First line"),
        "header",
        (True, False),
        header,
        words=lambda value: tr(FIRST_LINE.get(value, str(value))),
    )
    _pick(
        tr("Delimiter"),
        "delimiter",
        DELIMITERS,
        delimiter,
        adds=True,
        words=spoken_delimiter,
        read=lambda sign: parse_delimiter(str(sign)) if sign else None,
    )
    _pick(tr("Quotes"), "quote", ('"', "'", NO_QUOTE), quote, words=_or_none)
    _pick(tr("Decimal mark"), "decimal", (".", ","), found.decimal)
    times = (*TIME_WORDS, *PATTERNS)
    _pick(tr("Times"), "time_format", times, found.time_format, adds=True, words=tr)
    label, separator = tr("Categories are separated by"), found.category_separator
    _pick(label, "category_separator", SEPARATORS, separator, words=_or_none)
    scale = preview.rating_scale if preview is not None else options.rating_scale
    if scale is not None:
        key = f"{said.KEY}rating_scale"
        state.choose(key, f"{scale[0]:g}-{scale[1]:g}")
        args: tuple[Any, ...] = (
            "rating_scale",
            key,
            lambda text: parse_scale(text) if text else None,
        )
        st.text_input(tr("Rating scale"), key=key, width=WIDTH, on_change=said.said_by, args=args)
    with st.container(width=WIDTH):
        if scale is not None:
            above_zero = (max(scale[0], min(1.0, scale[1] / 2)), scale[1])
            label, with_zero = tr("0 means no rating"), (0.0, scale[1])
            _check(label, scale[0] > 0, "rating_scale", above_zero, with_zero)
        _check(tr("Order of rows is time"), options.order_as_time, "order_as_time", True, None)
        if options.one_user:
            _check(tr("All rows are one user's"), True, "one_user", options.one_user, None)


def _or_none(sign: str) -> str:
    return tr(NONE) if sign == NO_QUOTE else sign


def draw_kinds(preview: Preview) -> None:
    """What each word of the kind column stands for."""
    _draw_kinds(preview.kind_words)


def _draw_kinds(words: dict[str, str | None]) -> None:
    for word, kind in words.items():
        key = f"kind_of_{word}"
        chosen = said.all_said().get("kinds", {}).get(word, kind)
        known = [kind for kind in KIND_NAMES if word or kind != NO_EVENT]
        state.choose(key, chosen if chosen in known else None)
        st.selectbox(
            word or tr("Events without a kind"),
            known,
            key=key,
            index=None,
            format_func=lambda kind: tr(KIND_NAMES[kind]),
            placeholder=tr("kind …"),
            width=170,
            on_change=said.said_in,
            args=("kinds", key, word, FOUND),
        )


def _pick(
    label: str,
    option: str,
    values: Sequence[Any],
    now: Any,
    *,
    adds: bool = False,
    words: Callable[[Any], str] = str,
    read: Callable[[Any], Any] = lambda value: value,
) -> None:
    """A picker of an option; a value that is not among ``values`` becomes one of them."""
    key = f"{said.KEY}{option}"
    now = None if now in (None, FOUND) else now
    options = list(values) if now is None or now in values else [now, *values]
    state.choose(key, now)
    st.selectbox(
        label,
        options,
        key=key,
        index=None,
        format_func=words,
        placeholder=tr("as found"),
        accept_new_options=adds,
        width=WIDTH,
        on_change=said.said_by,
        args=(option, key, read),
    )


def _check(label: str, now: bool, option: str, yes: Any, no: Any) -> None:
    key = f"{said.KEY}{option}_checked"
    state.choose(key, now)
    choose = partial(_by_check, key, option, yes, no)
    st.checkbox(label, key=key, on_change=choose)


def _by_check(key: str, option: str, yes: Any, no: Any) -> None:
    said.say(option, yes if state.get(key) else no)
