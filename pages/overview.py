"""What is in this corpus, does the model earn trust, where should I look first?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st
from streamlit import column_config as col

from core.compare.columns import FEWEST, month_by_month
from core.engine import Engine
from core.language import mark, tr
from core.views.overview import (
    NOT_EVALUATED,
    Card,
    ListView,
    build_cards,
    build_facts,
    build_unknown,
    lists_table,
)
from core.views.starting import ServedGroup, Starts, TopicMove, build_moves
from core.views.tables import table
from core.views.wording import joined
from pages._shared import (
    controls,
    drawing,
    judging,
    loaders,
    notices,
    screen,
    sharing,
    state,
    turning,
    turnover,
)

if TYPE_CHECKING:
    from streamlit.elements.lib.column_types import ColumnConfig

MEASURES: dict[str, tuple[str, ColumnConfig]] = {
    "drift": ("drift", col.NumberColumn(mark("Distance"), format="%.2f", width=76)),
    "busiest": ("events", col.NumberColumn(mark("Events"), width=70)),
    "changed": ("change", col.NumberColumn(mark("Change"), format="%.2f", width=70)),
    "worst": ("held_out_rank", col.NumberColumn(mark("Rank"), format="%.0f", width=64)),
}
"""The column that orders each list."""
EMPTY = dict.fromkeys(("drift", "busiest"), mark("No user has 5 events or more.")) | {
    "changed": mark("No user has events enough to compare lists."),
    "worst": mark("No held-out item of a user with 5 or more events has a rank."),
}
"""What each list says where it holds nobody."""
LISTS, LIST_WIDTH = 4, 330
"""How many lists there are, and the least pixels of one."""


@loaders.kept(4)
def cards(engine: Engine, lists: dict[str, ListView]) -> tuple[Card, ...]:
    return build_cards(engine, lists)


@loaders.kept(4)
def moves(engine: Engine) -> Starts:
    return build_moves(engine)


def main() -> None:
    head = drawing.head(tr("Where should I look first?"))
    chosen = state.selection()
    if chosen.corpus is not None:
        notices.say(build_facts(loaders.library().manifest(chosen.corpus)))
    engine = notices.need_engine()
    notices.say_sample(engine)
    if engine.corpus.manifest.with_text:
        notices.caution(build_unknown(*loaders.unknown_to(engine)))
    usual = engine.recommender().id
    changed, unmeasured = notices.find(lambda: loaders.changed(engine, usual))
    lists = loaders.start(engine)
    if changed is not None:
        lists = lists | {"changed": changed}
    topics, served = moves(engine), notices.find(lambda: judging.groups(engine))
    with head:
        files: dict[str, sharing.File] = {tr("Lists (CSV)"): (".csv", lambda: lists_table(lists))}
        if topics.moves:
            files[tr("Topics (CSV)")] = (".csv", lambda: table(topics.moves, TopicMove.COLUMNS))
        if served[0] is not None and served[0].groups:
            rows = served[0].groups
            files[tr("Groups (CSV)")] = (".csv", lambda: table(rows, ServedGroup.COLUMNS))
        sharing.export(f"overview-{engine.corpus.name}", files, has_charts=False)
    shown = cards(engine, lists)
    with st.grid(3, min_column_width=230, gap="small"):
        for card in shown[: len(shown) // 3 * 3 or None]:
            draw_card(engine, card, lists[card.list_name])
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        verdict, problem = notices.find(lambda: judging.verdict(engine))
        st.text(verdict or problem or tr(NOT_EVALUATED))
        drawing.link(drawing.QUALITY, tr("See full evaluation"))
        drawing.link(drawing.USERS, tr("All users"))
    turning.draw_cards(engine)
    pair = st.grid(2, min_column_width=LIST_WIDTH, gap="medium")
    with pair.cell(), st.container(key="starts_topics"):
        draw_moves(topics)
    with pair.cell(), st.container(key="starts_groups"):
        draw_groups(*served)
    grid = st.grid(abreast(), min_column_width=LIST_WIDTH, gap="medium")
    for name, users in lists.items():
        with grid.cell(), st.container(key=f"list_{name}"):
            draw_list(engine, name, users)
    if changed is None:
        with grid.cell(), st.container(key="list_changed"):
            st.subheader(tr("Lists that changed most"), anchor=False)
            turnover.offer(engine, usual, unmeasured)


def abreast() -> int:
    """How many lists stand beside each other at most: all, or half, so that none stands alone."""
    return LISTS if screen.room() >= LISTS * (LIST_WIDTH + screen.GAP) - screen.GAP else LISTS // 2


def draw_moves(found: Starts) -> None:
    """Topics that rise and fall; each opens Cohorts with the users whom it leads."""
    st.subheader(tr("Topics that rise and fall"), anchor=False)
    notices.caution(found.sentence)
    if not found.moves:
        return
    rules = [row.rule for row in found.moves]
    columns = {
        "topic": rule_buttons(tr("Topic"), "open_topic", rules),
        "before": col.NumberColumn(tr("Before"), format="percent", width=62),
        "now": col.NumberColumn(tr("Now"), format="percent", width=62),
        "moved": col.TextColumn(tr("Points [95 %]"), width=124),
        "chance": col.TextColumn("q", width=52, alignment="right"),
    }
    rows = table(found.moves, TopicMove.COLUMNS)
    drawing.table(
        rows, joined(tr("Topics that rise and fall."), found.sentence), columns, grows=("topic",),
        room=screen.cell(2, LIST_WIDTH),
    )  # fmt: skip


def draw_groups(found: Starts | None, problem: str) -> None:
    """Groups of users that are served worst; each opens Cohorts with its description."""
    st.subheader(tr("Groups served worst"), anchor=False)
    if found is None:
        notices.caution(problem)
        return
    notices.caution(found.sentence)
    if not found.groups:
        return
    rules = [row.rule for row in found.groups]
    columns = {
        "name": rule_buttons(tr("Users"), "open_group", rules),
        "ndcg": col.NumberColumn("NDCG", format="%.3f", width=58),
        "apart_words": col.TextColumn(tr("To the others [95 %]"), width=166),
        "chance": col.TextColumn("q", width=52, alignment="right"),
    }
    rows = table(found.groups, ServedGroup.COLUMNS)
    drawing.table(
        rows, joined(tr("Groups served worst."), found.sentence), columns, grows=("name",),
        room=screen.cell(2, LIST_WIDTH),
    )  # fmt: skip


def rule_buttons(label: str, key: str, rules: Sequence[str]) -> Any:
    """A column of buttons that open Cohorts with the rule of their row."""

    def act(row: int) -> None:
        controls.open_page(drawing.COHORTS, **state.cohort_of(state.COHORTS_RULE, rules[row]))

    return drawing.buttons(label, key, act, alignment="left")


def draw_card(engine: Engine, card: Card, users: ListView) -> None:
    """Why to look at a user; the button opens the page that shows it."""
    with st.container(border=True, gap="xsmall"):
        st.markdown(f"**{notices.escape(card.title)}**")
        st.text(card.sentence)
        label, icon = tr("Timeline"), "timeline"
        if card.list_name == "changed":
            _, label = lists_of(engine, users.rows[card.at].user_id)
            icon = "compare_arrows"
        elif card.step is not None:
            label = tr("Timeline at step {step}", step=card.step)
        key = f"card_{card.list_name}_{card.at}"
        act = (card.list_name, users, card.at, card.step)
        drawing.button(label, key, open_user, engine, *act, icon=icon)


def draw_list(engine: Engine, name: str, users: ListView) -> None:
    """One list; a user's button opens the Timeline, or Compare where lists changed."""
    st.subheader(users.title, anchor=False)
    if not users.rows:
        st.text(tr(EMPTY[name]))
        return
    notices.caution(users.sentence)
    column, measure = MEASURES[name]
    button = drawing.buttons(
        tr("User"),
        f"open_{name}",
        lambda row: open_user(engine, name, users, row),
        alignment="left",
        width=drawing.id_width(row.user_id for row in users.rows),
    )
    drawing.table(
        users.rows,
        joined(tr("{clauses}.", clauses=users.title), users.sentence),
        {
            column: measure | {"label": tr(str(measure["label"]))},
            "user_id": button,
            "topics": col.TextColumn(tr("Leading topic")),
        },
        grows=("topics",),
        room=screen.cell(abreast(), LIST_WIDTH),
    )


def lists_of(engine: Engine, user_id: str) -> tuple[str, str]:
    """Which of a user's lists Compare shows, as its address says, and what the button says."""
    months = month_by_month(engine, user_id, len(engine.corpus.history(user_id)))
    if len(months) < FEWEST:  # all in one month, or no times
        return "event", tr("Compare before and after the last event")
    return "months", tr("Compare month by month")


def open_user(engine: Engine, name: str, users: ListView, at: int, step: int | None = None) -> None:
    """Open a user's Timeline; Compare where lists changed most."""
    user_ids = [row.user_id for row in users.rows]
    page, columns = drawing.TIMELINE, None
    if name == "changed":
        page, columns = drawing.COMPARE, lists_of(engine, user_ids[at])[0]
    controls.open_listed(user_ids, at, page, time=step, columns=columns)


if __name__ == "__main__":
    controls.run(main)
