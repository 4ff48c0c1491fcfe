"""Whom should I look at?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st
from pandas import Series
from streamlit import column_config as col

from core.arrays import IntArray
from core.corpus.attributes import FORMS, TEXT, Attributes, Condition, Op, label_of
from core.corpus.corpus import Corpus
from core.domain import DomainError
from core.engine import Engine
from core.language import mark, tr
from core.views import wording
from core.views.attributes import NO_VALUE
from core.views.users import (
    ATTRIBUTE,
    SEARCHES,
    SORTS,
    UsersView,
    attribute_key,
    build_view,
    find_hits,
    find_outside,
    plain,
)
from pages._shared import controls, drawing, loaders, notices, screen, sharing, state
from pages._shared.attributes import pick_attribute, say_missing
from pages._shared.drawing import TIMELINE
from pages._shared.state import (
    ATTRIBUTE_IS,
    ATTRIBUTE_LEAST,
    ATTRIBUTE_MOST,
    LEAST,
    SEARCH,
    SEARCH_IN,
    SORT,
    TOPIC,
    USER,
)

TABLE_HEIGHT = 640
MOST_OUTSIDE = 5
"""Users outside of a sample that a search leads to; a longer id finds the others."""
MOST_VALUES = 200
"""Values of a text attribute that can be picked; any other is found by a rule on Cohorts."""


@loaders.kept(32, mark("Searching …"), speaks=False)
def hits(corpus: Corpus, where: str, words: str) -> IntArray:
    return find_hits(corpus, where, words)


@loaders.kept(32, speaks=False)
def outside(corpus: Corpus, words: str) -> list[str]:
    return find_outside(corpus, words)


def main() -> None:
    head = drawing.head(tr("Whom should I look at?"))
    engine = notices.need_engine()
    view = choose_users(engine)
    usual = engine.recommender().id
    if problem := notices.find(lambda: loaders.turnover(engine, usual))[1]:
        notices.caution(problem)
    notices.say(view.sentence)
    notices.say_sample(engine)
    with head:
        sharing.share()
        name = f"users-{engine.corpus.name}"
        attributes = engine.corpus.attributes
        sharing.export(
            name, {tr("Users (CSV)"): (".csv", lambda: plain(view.everybody(), attributes))}
        )
    is_found = draw_outside(engine.corpus)
    if view.rows.empty and is_found:
        return
    if view.rows.empty:
        more = tr("Search something else, or ask for fewer events.")
        notices.empty(tr("No user is like that"), more)
        return
    draw_users(view, len(engine.corpus.item_ids))
    about = tr(
        "Topics: share of a user's events in {topics}, in this order.",
        topics=wording.listing(view.topics),
    )
    if "path" in view.rows:
        about = tr(
            "Share of last topic: how much of the interest profile the last leading topic has, "
            "0 to 100 %, after events from the first to the last."
        )
    columns = tr(
        "Drift: cosine distance between the state halfway and the last one. Rank: of the held-out "
        "items in the interest model's list, geometric mean. Prev. user and Next user walk this "
        "list."
    )
    notices.caution(wording.joined(about, columns))


def draw_outside(corpus: Corpus) -> bool:
    """Ways to the users who are found by id outside of the sample; whether there are any."""
    words = state.get(SEARCH)
    if not words or state.get(SEARCH_IN) not in (None, "id"):
        return False
    found = outside(corpus, words)
    if not found:
        return False
    notices.say(
        tr(
            "{users} found outside of the sample that the model was trained on: they are not "
            "listed, but have a Timeline.",
            users=wording.count(len(found), "user"),
        )
    )
    with st.container(horizontal=True, gap="small"):
        for user in found[:MOST_OUTSIDE]:
            drawing.link(TIMELINE, user, **{USER: user})
    return True


def choose_users(engine: Engine) -> UsersView:
    """The pickers, and the users that they leave."""
    users = loaders.users(engine, engine.recommender().id)
    sorts = {key: label for key, label in SORTS.items() if not users[key].isna().all()}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        where = drawing.choose(tr("Search in"), SEARCH_IN, SEARCHES)
        state.hold(SEARCH, typed=True)
        words = st.text_input(
            tr("Search"),
            key=SEARCH,
            persist_state="session",
            placeholder=tr(SEARCHES[where]),
            width=240,
        )
    attributes, attribute, conditions = engine.corpus.attributes, None, list[Condition]()
    if attributes is not None and attributes.names:
        with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
            attribute = pick_attribute(tr("User attribute"), state.ATTRIBUTE, attributes)
            if attribute is not None:
                sorts[ATTRIBUTE] = notices.escape(wording.short(label_of(attribute), 20))
                conditions = pick_values(attributes, attribute)
    else:
        say_missing(state.ATTRIBUTE)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        topic = pick_topic(engine.topics.names)
        state.hold(LEAST)
        least = st.number_input(
            tr("Events at least"), 1, None, key=LEAST, step=1, persist_state="session", width=130
        )
        order = drawing.choose(tr("Sort by"), SORT, sorts)
    asked: dict[str, Any] = {
        "topic": topic,
        "least": int(least or 1),
        "sort": order,
        "hits": hits(engine.corpus, where, words) if words and words.strip() else None,
        "attributes": attributes,
        "attribute": attribute,
    }
    names = engine.topics.names
    try:
        return build_view(users, names, conditions=conditions, **asked)
    except DomainError as problem:
        notices.wrong(problem)
        return build_view(users, names, **asked)


def pick_values(attributes: Attributes, name: str) -> list[Condition]:
    """What the chosen attribute has to be: a value of a text, at least and at most otherwise."""
    label = notices.escape(wording.short(label_of(name), 30))
    if attributes.column(name).kind == TEXT:
        values = ["", *attributes.groups(name)[0][:MOST_VALUES]]
        asked = state.get(ATTRIBUTE_IS)
        if asked is not None and asked not in values:
            values.append(asked)
        state.hold(ATTRIBUTE_IS)
        picked = st.selectbox(
            tr("{name} is", name=label),
            values,
            index=None,
            key=ATTRIBUTE_IS,
            placeholder=tr("Any"),
            format_func=lambda value: value or tr(NO_VALUE),
            persist_state="session",
            on_change=state.has_chosen,
            width=200,
        )
        return [Condition("is", name, picked)] if picked is not None else []
    conditions = []
    ends: tuple[tuple[str, Op, str], ...] = (
        (ATTRIBUTE_LEAST, "least", tr("{name} at least", name=label)),
        (ATTRIBUTE_MOST, "most", tr("{name} at most", name=label)),
    )
    for key, op, words in ends:
        state.hold(key, typed=True)
        typed = st.text_input(
            words,
            key=key,
            persist_state="session",
            placeholder=tr(FORMS[attributes.column(name).kind]),
            on_change=state.has_chosen,
            width=170,
        )
        if typed and typed.strip():
            conditions.append(Condition(op, name, typed.strip()))
    return conditions


def pick_topic(names: Sequence[str]) -> str | None:
    """A topic that leads at the first or the last event."""
    asked = state.get(TOPIC)
    if asked is not None and asked not in names:
        notices.miss(TOPIC, tr("There is no topic {topic!r} in this model.", topic=asked))
        state.choose(TOPIC, None)
    state.hold(TOPIC)
    return st.selectbox(
        tr("Leading topic"),
        names,
        index=None,
        key=TOPIC,
        placeholder=tr("Any"),
        persist_state="session",
        on_change=state.has_chosen,
        width=220,
    )


def draw_users(view: UsersView, n_items: int) -> None:
    """All rows; a user's button opens the Timeline. The chosen user is marked."""
    rows, chosen = view.rows, state.selection().user_id
    is_chosen = state.get(state.ATTRIBUTE) is not None
    user_ids = rows["user_id"].tolist()
    rank = tr("Rank of {items}", items=wording.number(n_items))
    columns: dict[str, Any] = {
        "user_id": drawing.buttons(
            tr("User"),
            "open_user",
            lambda at: controls.open_listed(user_ids, at, TIMELINE),
            alignment="left",
            width=drawing.id_width(user_ids),
        ),
        "leading": col.TextColumn(tr("Leading topic, first → last")),
        "path": col.LineChartColumn(tr("Share of last topic"), y_min=0, y_max=1, width=110),
        "bars": col.BarChartColumn(tr("Topics"), y_min=0, y_max=1, width=110),
        "events": col.NumberColumn(tr("Events"), format="localized", width=66),
        "drift": col.ProgressColumn(
            tr("Drift"), format="%.2f", min_value=0, max_value=1.5, width=120
        ),
        "rank": col.NumberColumn(rank, format="%.0f", width=int(drawing.need([rank]))),
        "change": col.NumberColumn(tr("Change per event"), format="%.0f %%", width=118),
        "seen": col.DatetimeColumn(tr("Last seen"), format=tr("D MMM YYYY"), width=100),
        "hits": col.NumberColumn(tr("Hits"), format="localized", width=60),
    }
    if rows["seen"].isna().all():
        del columns["seen"]
    if "path" in rows:
        del columns["bars"]
    of_users = {
        attribute_key(name): attribute_column(name, rows[attribute_key(name)])
        for name in view.attributes
    }
    first, *rest = columns.items()
    columns = dict([first, *list(of_users.items())[:is_chosen], *rest]) | of_users
    shown = {name: column for name, column in columns.items() if name in rows}
    drawing.table(
        rows.assign(change=rows["change"] * 100) if "change" in rows else rows,
        wording.joined(tr("{clauses}.", clauses=tr("Users")), view.sentence),
        shown,
        height=TABLE_HEIGHT,
        marked=[user == chosen for user in user_ids],
        grows=("leading",),
        room=screen.room(),
    )


def attribute_column(name: str, values: Series) -> Any:
    """How the table shows an attribute."""
    label = notices.escape(wording.short(label_of(name), 24))
    about = tr("From the users file; no model reads it.")
    width = min(int(drawing.need([label, "10 Mar 2024"])), 150)
    if values.dtype.kind == "M":
        return col.DatetimeColumn(label, format=tr("D MMM YYYY"), width=width, help=about)
    if values.dtype.kind == "f":
        return col.NumberColumn(label, width=width, help=about)
    return col.TextColumn(label, width=width, help=about)


if __name__ == "__main__":
    controls.run(main)
