"""Whom should I look at?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st
from pandas import DataFrame
from streamlit import column_config as col

from core.arrays import IntArray
from core.corpus.corpus import Corpus
from core.engine import Engine
from core.views import wording
from core.views.users import SEARCHES, SORTS, UsersView, build_view, find_hits
from pages._shared import controls, drawing, loaders, notices, sharing, state
from pages._shared.drawing import TIMELINE
from pages._shared.state import LEAST, SEARCH, SEARCH_IN, SORT, TOPIC

TABLE_HEIGHT = 640


@loaders.kept(32, "Searching …")
def hits(corpus: Corpus, where: str, words: str) -> IntArray:
    return find_hits(corpus, where, words)


def main() -> None:
    head = drawing.head("Whom should I look at?")
    engine = notices.need_engine()
    view = choose_users(engine)
    usual = engine.recommender().id
    if problem := notices.find(lambda: loaders.turnover(engine, usual))[1]:
        notices.caution(problem)
    notices.say(view.sentence)
    with head:
        sharing.share()
        name = f"users-{engine.corpus.name}"
        sharing.export(name, {"Users (CSV)": (".csv", lambda: plain(view.rows))})
    if view.rows.empty:
        notices.empty("No user is like that", "Search something else, or ask for fewer events.")
        return
    draw_users(view, len(engine.corpus.item_ids))
    about = f"Topics: share of a user's events in {wording.listing(view.topics)}, in this order."
    if "path" in view.rows:
        about = "Share of last topic: how much of the interest profile the last leading topic has, "
        about += "0 to 100 %, after events from the first to the last."
    notices.caution(
        f"{about} Drift: cosine distance between the state halfway and the last one. Rank: of the "
        "held-out items in the interest model's list, geometric mean. Prev. user and Next user "
        "walk this list."
    )


def plain(rows: DataFrame) -> DataFrame:
    """The rows without what only a chart can show."""
    return rows.drop(columns=["bars", "path"], errors="ignore")


def choose_users(engine: Engine) -> UsersView:
    """The pickers, and the users that they leave."""
    users = loaders.users(engine, engine.recommender().id)
    sorts = {key: label for key, label in SORTS.items() if not users[key].isna().all()}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        where = drawing.choose("Search in", SEARCH_IN, SEARCHES)
        state.hold(SEARCH, typed=True)
        words = st.text_input(
            "Search", key=SEARCH, persist_state="session", placeholder=SEARCHES[where], width=240
        )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        topic = pick_topic(engine.topics.names)
        state.hold(LEAST)
        least = st.number_input(
            "Events at least", 1, None, key=LEAST, step=1, persist_state="session", width=130
        )
        order = drawing.choose("Sort by", SORT, sorts)
    return build_view(
        users,
        engine.topics.names,
        topic=topic,
        least=int(least or 1),
        sort=order,
        hits=hits(engine.corpus, where, words) if words and words.strip() else None,
    )


def pick_topic(names: Sequence[str]) -> str | None:
    """A topic that leads at the first or the last event."""
    asked = state.get(TOPIC)
    if asked is not None and asked not in names:
        notices.miss(TOPIC, f"There is no topic {asked!r} in this model.")
        state.choose(TOPIC, None)
    state.hold(TOPIC)
    return st.selectbox(
        "Leading topic",
        names,
        index=None,
        key=TOPIC,
        placeholder="Any",
        persist_state="session",
        on_change=state.has_chosen,
        width=220,
    )


def draw_users(view: UsersView, n_items: int) -> None:
    """All rows; a user's button opens the Timeline. The chosen user is marked."""
    rows, chosen = view.rows, state.selection().user_id
    user_ids = rows["user_id"].tolist()
    leading = int(min(120 + 5 * rows["leading"].str.len().max(), 260))
    columns: dict[str, Any] = {
        "user_id": drawing.buttons(
            "User",
            "open_user",
            lambda at: controls.open_listed(user_ids, at, TIMELINE),
            alignment="left",
            width=drawing.id_width(user_ids),
        ),
        "leading": col.TextColumn("Leading topic, first → last", width=leading),
        "path": col.LineChartColumn("Share of last topic", y_min=0, y_max=1, width=110),
        "bars": col.BarChartColumn("Topics", y_min=0, y_max=1, width=110),
        "events": col.NumberColumn("Events", format="localized"),
        "drift": col.ProgressColumn("Drift", format="%.2f", min_value=0, max_value=1.5, width=120),
        "rank": col.NumberColumn(f"Rank of {wording.number(n_items)}", format="%.0f"),
        "change": col.NumberColumn("Change per event", format="percent"),
        "seen": col.DatetimeColumn("Last seen", format="D MMM YYYY"),
        "hits": col.NumberColumn("Hits", format="localized"),
    }
    if rows["seen"].isna().all():
        del columns["seen"]
    if "path" in rows:
        del columns["bars"]
    shown = {name: column for name, column in columns.items() if name in rows}
    drawing.table(
        rows,
        f"Users. {view.sentence}",
        shown,
        height=TABLE_HEIGHT,
        marked=[user == chosen for user in user_ids],
    )


if __name__ == "__main__":
    controls.run(main)
