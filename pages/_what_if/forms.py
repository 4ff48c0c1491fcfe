"""Forms beside the table of What-if: a long text, a new event, and the order of equal times."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Literal

import streamlit as st

from core.compare.fork import Fork
from core.corpus.corpus import Corpus
from core.domain import DomainError, EventKind, History
from core.engine import Engine
from core.explain.word_values import open_review
from core.language import mark, tr
from core.scenario.draft import Draft, Refused
from core.scenario.edits import Edit, Handle, Op, check_values, read_time
from core.scenario.opposite import FoundReview, opposite_review
from core.views import wording
from core.views.what_if.build import equal_times
from core.views.what_if.history_table import (
    NEW,
    TableRow,
    find_item,
    item_label,
    next_minute,
    try_edits,
)
from pages._shared import controls, drawing, notices, state
from pages._shared.state import FORM
from pages._what_if import drafting

EVENT, WORDS, SOURCE = "whatif_event", "whatif_words", "whatif_source"
SHOWN = "whatif_words_of"
ADD_ITEM, ADD_KIND, ADD_RATING = "whatif_add_item", "whatif_add_kind", "whatif_add_rating"
ADD_WHEN, ADD_TEXT = "whatif_add_when", "whatif_add_text"
ADD_WRONG = "whatif_add_wrong"
"""What was wrong with the new event, by field."""
FORMS = {(TEXT := "text"): mark("Text of an event"), "add": mark("Add an event")}
ADD_FOR = "whatif_add_for"


def draw_forms(
    engine: Engine, draft: Draft, base: History, fork: Fork, rows: tuple[TableRow, ...]
) -> None:
    """One of the two forms; a message keeps it open."""
    if drawing.choose(tr("Form"), FORM, FORMS, hides_label=True) == TEXT:
        draw_text(engine, draft, base, fork, rows)
    else:
        draw_add(engine, base)


def draw_text(
    engine: Engine, draft: Draft, base: History, fork: Fork, rows: tuple[TableRow, ...]
) -> None:
    """A long text, with a real review of the opposite sentiment as a start; and order."""
    live = {row.handle: row for row in rows if not row.removed and row.handle != NEW}
    if not live:
        st.text(tr("No events are left."))
        return
    handles = list(live)
    if state.get(EVENT) not in live:
        chosen = state.get(state.EVENT)
        texts = (key for key in handles if live[key].text)
        state.put(EVENT, chosen if chosen in live else next(texts, handles[0]))
    state.hold(EVENT)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.selectbox(
            tr("Event"),
            handles,
            key=EVENT,
            on_change=choose_event,
            format_func=lambda key: live[key].name,
            width=360,
        )
        handle: Handle = state.get(EVENT)
        draw_order(engine, base, fork, handle)
    row = live[handle]
    stamp = f"{draft.user_id} {handle} {row.text}"
    if state.get(SHOWN) != stamp:  # another event, or its text changed elsewhere
        state.put(SHOWN, stamp)
        state.put(WORDS, row.text)
        state.put(SOURCE, None)
    st.text_area(tr("Text of the event"), key=WORDS, height=130, label_visibility="collapsed")
    for refused in draft.refused:
        if refused.at_form and refused.handle == handle:
            notices.wrong(refused.problem)
    if row.sentiment_words:
        said = row.sentiment_words
        notices.caution(tr("Predicted sentiment: {sentiment} (\u22121 to +1).", sentiment=said))
    draw_unread(engine, row.text)
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        about = (engine, base, handle)
        drawing.button(tr("Use this text"), "use_text", use_text, *about, icon="check")
        act, question = start_from_opposite, (engine, draft.user_id, row)
        label = tr("Start from the opposite review")
        drawing.button(label, "opposite", act, *question, icon="swap_vert")
        if isinstance(handle, int):
            label = tr("Step {step} on the Timeline", step=handle)
            drawing.link(drawing.TIMELINE, label, time=handle)
    source = state.get(SOURCE)
    if isinstance(source, FoundReview):
        title = engine.corpus.title(source.item_id)
        notices.caution(
            tr(
                "A review by {user} of {item}, {day}, {sentiment}. Use it as it is or change it.",
                user=source.user_id,
                item=tr("the same item") if source.same_item else title,
                day=wording.day(source.timestamp),
                sentiment=wording.sentiment_words(source.sentiment),
            )
        )
    elif source:
        notices.caution(str(source))


def choose_event() -> None:
    """Make the form's event the chosen one of all pages, where it has a step. For callbacks."""
    handle = state.get(EVENT)
    state.put(state.EVENT, handle if isinstance(handle, int) else None)


def draw_unread(engine: Engine, text: str) -> None:
    """That the end of a long text is not read, where it isn't."""
    encoder = engine.encoder
    if len(text) < encoder.max_tokens:  # a token has at least one character
        return
    unread = open_review(text, encoder).unread
    if unread:
        said = wording.count(unread, "word")
        notices.caution(
            tr("Too long for the model: it does not read the last {words}.", words=said)
        )


def draw_order(engine: Engine, base: History, fork: Fork, handle: Handle) -> None:
    """Buttons that move an event among those of the same instant, where there are any."""
    at = (fork.edited.step_of(handle) or 1) - 1
    events, origins = fork.edited.history.events, fork.edited.origins
    earlier, later = equal_times(events, at) if events else (False, False)
    for key, name, can, other in (
        ("move_earlier", tr("Earlier"), earlier, at - 1),
        ("move_later", tr("Later"), later, at + 1),
    ):
        if can:
            edit = Edit(Op.MOVE, step=handle, to=origins[other])
            drawing.button(name, key, make, engine, base, handle, edit)


def start_from_opposite(engine: Engine, user_id: str, row: TableRow) -> None:
    """Fill in a real review with the opposite sentiment. For callbacks."""
    words = str(state.get(WORDS) or row.text)
    sentiment = 0.0
    try:
        if words:
            vectors = engine.vectors.vectors([words], engine.encoder)
            sentiment = float(engine.sentiment.predict(vectors)[0])
        review = opposite_review(engine, row.item_id, sentiment, but_not_by=user_id)
    except DomainError as error:
        state.put(SOURCE, tr("The search for a review failed: {problem}", problem=error))
        return
    if review is None:
        said = tr("No review of this item or its topic has the opposite sentiment.")
        state.put(SOURCE, said)
        return
    state.put(WORDS, review.text)
    state.put(SOURCE, review)


def use_text(engine: Engine, base: History, handle: Handle) -> None:
    """Make the text of the form the event's. For callbacks."""
    make(engine, base, handle, Edit(Op.EDIT, step=handle, text=str(state.get(WORDS) or "")))


def make(engine: Engine, base: History, handle: Handle, *edits: Edit) -> bool:
    """Add edits to the draft, or say at the row why not. For callbacks."""
    draft = drafting.get()
    try:
        try_edits(base, draft.edits, edits, engine.corpus)
    except DomainError as problem:
        drafting.put(draft.with_refused([Refused(handle, problem, at_form=True)]))
        return False
    drafting.put(draft.with_edits(edits))
    return True


def draw_add(engine: Engine, base: History) -> None:
    """A new event: its item by title, kind, rating, time and text; what is wrong stands below it.

    The time is typed: a calendar would replace one that it doesn't offer by another.
    """
    corpus = engine.corpus
    clock = next_minute(base) or datetime.now(UTC)
    scale = corpus.manifest.rating_scale
    stamp = f"{base.user_id} {clock.isoformat()}"
    if state.get(ADD_FOR) != stamp:  # another history: not the time after the last one
        state.put(ADD_FOR, stamp)
        state.put(ADD_WHEN, f"{clock:%Y-%m-%d %H:%M}")
        state.put(ADD_WRONG, None)
    wrong: dict[str, DomainError] = state.get(ADD_WRONG) or {}

    def say(field: str) -> None:
        if field in wrong:
            notices.wrong(wrong[field])

    with st.form("add_event", border=False):
        pick_item(corpus, ADD_ITEM)
        say(ADD_ITEM)
        with st.container(horizontal=True, gap="small"):
            kinds = [kind.value for kind in corpus.manifest.known_kinds]
            st.selectbox(
                tr("Kind"),
                kinds,
                index=kinds.index("review"),
                key=ADD_KIND,
                format_func=lambda kind: tr(wording.KIND_WORDS[EventKind(kind)]),
                width=120,
            )
            if scale is not None:
                label = tr("Rating ({low:g} to {high:g})", low=scale[0], high=scale[1])
                st.number_input(label, value=None, key=ADD_RATING, width=130)
            if not corpus.manifest.order_as_time:  # else it comes last
                st.text_input(tr("Date and time (UTC)"), key=ADD_WHEN, width=180)
        say(ADD_RATING)
        say(ADD_WHEN)
        st.text_area(tr("Text (optional)"), key=ADD_TEXT, height=80)
        say(ADD_TEXT)
        look: dict[str, Any] = {"icon": ":material/add:", "args": (engine, base)}
        st.form_submit_button(tr("Add the event"), on_click=add_event, **look)


def pick_item(
    corpus: Corpus, key: str, width: int | Literal["stretch"] = "stretch", **change: Any
) -> None:
    """An item, chosen by its title; typed where there are too many to list."""
    if len(corpus.item_ids) > controls.LISTED_ITEMS:
        st.text_input(tr("Item: id, or words of the title"), key=key, width=width, **change)
        return
    st.selectbox(
        tr("Item"),
        corpus.item_ids,
        index=None,
        key=key,
        format_func=lambda item: item_label(corpus, item),
        placeholder=tr("Search a title"),
        width=width,
        **change,
    )


def add_event(engine: Engine, base: History) -> None:
    """Add what the form says, or say at each field what is wrong with it. For callbacks."""
    corpus = engine.corpus
    item, kind, rating, when, text = map(
        state.get, (ADD_ITEM, ADD_KIND, ADD_RATING, ADD_WHEN, ADD_TEXT)
    )
    last = next_minute(base) if corpus.manifest.order_as_time else None
    wrong: dict[str, DomainError] = {}

    def read(field: str, make_part: Callable[[], Edit]) -> Edit:
        try:
            part = make_part()
            check_values(part, corpus)
        except DomainError as problem:
            wrong[field] = problem
            return Edit(Op.ADD)
        return part

    def read_item() -> Edit:
        if not item:
            raise DomainError(tr("the new event has no item"), remedy=tr("Search one by its title"))
        return Edit(Op.ADD, item_id=find_item(corpus, str(item)))

    edit = Edit(
        Op.ADD,
        item_id=read(ADD_ITEM, read_item).item_id,
        timestamp=read(
            ADD_WHEN, lambda: Edit(Op.ADD, timestamp=last or read_time(str(when or ""), ""))
        ).timestamp,
        kind=EventKind(kind) if kind else None,
        rating=read(
            ADD_RATING, lambda: Edit(Op.ADD, rating=rating, kind=EventKind(kind) if kind else None)
        ).rating,
        text=read(ADD_TEXT, lambda: Edit(Op.ADD, text=text or None)).text,
    )
    if not wrong:
        try:
            try_edits(base, drafting.get().edits, [edit], corpus)
        except DomainError as problem:
            wrong[ADD_TEXT] = problem
    state.put(ADD_WRONG, wrong or None)
    if not wrong:
        drafting.put(drafting.get().with_edits([edit]))
        for key in (ADD_ITEM, ADD_RATING, ADD_TEXT):
            state.put(key, None)
