"""How did this user's interest evolve?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st
from plotly.graph_objects import Figure

from core.figures.profile import profile_figure, shares_figure
from core.figures.style import CONFIG
from core.figures.time_scale import Spacing, TimeScale, time_scale
from core.figures.timeline import events_figure, ranks_figure, step_sizes_figure
from core.figures.trajectory_map import trajectory_map
from core.views import wording
from core.views.tables import table
from core.views.timeline.build import timeline_table
from core.views.timeline.rows import ListRow, MomentView, TimelineView
from pages._shared import controls, loaders, notices, sharing, state

if TYPE_CHECKING:
    from core.engine import Engine

REAL = "Real time"
SPACINGS: dict[str, Spacing] = {REAL: "time", "Evenly spaced": "even"}
WHOLE, NEAR = "Whole history", "Around now"
EXPLAIN, WHY = "pages/explain.py", "open_explain"
LISTED_BY = "interest"
"""The recommender of this page's list and ranks (core.views.timeline)."""
LONG_TEXT = 900
"""Reviews with more characters scroll in a box."""
ALT = {
    "profile": "Interest profile by topic over time",
    "events": "Events over time by kind, with sentiment and rating",
    "ranks": "Rank of the next item at each step",
    "map": "Path on the interest map",
    "step_sizes": "Real step size at each event",
}


Drawn = dict[str, tuple[str, Figure]]
"""Charts by name, each with the sentence that reads it."""


def main() -> None:
    """Draw the page."""
    engine = notices.need_engine()
    chosen = state.selection()
    head = st.container(horizontal=True, vertical_alignment="center", gap="small")
    with head:
        st.title("How did this user's interest evolve?", anchor=False)
        st.space("stretch")
    if chosen.user_id is None or chosen.step is None:
        notices.need_user(engine.corpus)
        return
    view = loaders.timeline(engine, chosen.user_id)
    now = loaders.moment(engine, view, chosen.step)
    scale = draw_head(view, chosen.step)
    drawn = draw_figures(engine, view, now, scale)
    with head:
        sharing.share(user=view.user_id, time=chosen.step)
        sharing.export(
            f"timeline-{view.user_id}",
            "All steps (CSV)",
            lambda: timeline_table(view),
            list(drawn.values()),
            f"Timeline of {view.facts}",
        )
    for name in ("profile", "events", "ranks"):
        chart(drawn, name)
    left, right = st.columns([11, 9], gap="medium")
    with left:
        chart(drawn, "map")
        notices.caution(f"{wording.MAP_NUMBERS} {loaders.interest_map(engine).sentence}")
        chart(drawn, "step_sizes")
        notices.caution(wording.STEP_SIZE_UNIT)
    with right:
        draw_moment(now)
        draw_list(now)
        draw_shares(now)
    draw_table(view)
    loaders.expect_explaining()
    controls.play(len(view.steps))


def draw_figures(engine: Engine, view: TimelineView, now: MomentView, scale: TimeScale) -> Drawn:
    """All charts of the page with their sentences."""
    ink = controls.palette()
    step, items = now.row.step, len(engine.corpus.item_ids)
    behind, crowd = loaders.interest_map(engine), loaders.crowd(engine, ink.name)
    return {
        "profile": (view.profile_sentence, profile_figure(view, step, scale, ink)),
        "events": (view.events_sentence, events_figure(view, step, scale, ink)),
        "ranks": (
            f"Was it right? {view.ranks_sentence}",
            ranks_figure(view, step, items, scale, ink),
        ),
        "map": (view.map_sentence, trajectory_map(behind, crowd, view, now, ink)),
        "step_sizes": (view.step_sizes_sentence, step_sizes_figure(view, step, scale, ink)),
    }


def draw_head(view: TimelineView, step: int) -> TimeScale:
    """The facts, and how time is drawn."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.text(view.facts)
        st.space("stretch")
        spacing = st.segmented_control(
            "Time axis",
            list(SPACINGS),
            default=REAL,
            required=True,
            key="spacing",
            persist_state="session",
            label_visibility="collapsed",
        )
        extent = st.segmented_control(
            "Extent",
            [WHOLE, NEAR],
            default=WHOLE,
            required=True,
            key="extent",
            persist_state="session",
            label_visibility="collapsed",
        )
    return time_scale(view, SPACINGS[spacing or REAL], around=step if extent == NEAR else None)


def chart(drawn: Drawn, name: str) -> None:
    """One chart under its sentence; its points select the time."""
    sentence, figure = drawn[name]
    key = f"pick_{name}"
    with st.container(gap="xxsmall"):
        notices.say(sentence)
        st.plotly_chart(
            figure,
            key=key,
            on_select=lambda: controls.pick(key),
            selection_mode="points",
            theme=None,
            config=CONFIG,
            alt=f"{ALT[name]}. {sentence}",
        )


def draw_moment(now: MomentView) -> None:
    """The event at the selected time, its words, the profile and the list after it."""
    row = now.row
    with st.container(border=True, gap="xsmall"):
        st.text(now.sentence)
        st.markdown(f"**{notices.escape(row.item)}**")
        st.caption(notices.escape(f"{row.item_id} · {wording.PART_WORDS[row.part]} event"))
        st.text(now.sentiment)
        if now.title:
            st.text(now.title)
        if now.text:
            long = len(now.text) > LONG_TEXT
            with st.container(height=200 if long else "content", border=False):
                st.text(now.text)
        with st.container(horizontal=True, gap="small"):
            if now.items:
                st.page_link(
                    EXPLAIN,
                    label="Explain number 1 of the list",
                    icon=":material/rule:",
                    query_params=state.link(**why(now.items[0].item_id)),
                )
            st.page_link(
                "pages/what_if.py",
                label="What if it were different?",
                icon=":material/call_split:",
                query_params=state.link(time=row.step),
            )
            st.page_link(
                "pages/compare.py",
                label="The list before and after",
                icon=":material/compare_arrows:",
                query_params=state.link(time=row.step, columns="event"),
            )


def why(item_id: str) -> dict[str, str | int | None]:
    """What a link to Explain says: the item, and the recommender whose list this page shows."""
    return {state.ITEM: item_id, state.RECOMMENDER: LISTED_BY}


def open_explain(item_ids: list[str], step: int) -> None:
    """Explain the item of the clicked row."""
    click = state.get(WHY)
    if click is not None:
        controls.open_page(EXPLAIN, **{state.TIME: step}, **why(item_ids[click["row"]]))


def draw_list(now: MomentView) -> None:
    """The top of the list at this step, with its moves."""
    st.markdown(f"**Top {len(now.items)} after this event**")
    notices.caution(now.list_sentence)
    st.dataframe(
        table(now.items, ListRow.COLUMNS).assign(why="Why?"),
        hide_index=True,
        height="content",
        alt=f"List at step {now.row.step}. {now.list_sentence}",
        column_order=("rank", "move", "item", "score", "why"),
        column_config={
            "rank": st.column_config.NumberColumn("#", width=36),
            "move": st.column_config.TextColumn("Move", width=64),
            "item": st.column_config.TextColumn("Item", width=150),
            "score": st.column_config.NumberColumn("log p", format="%.2f", width=58),
            "why": st.column_config.ButtonColumn(
                "",
                key=WHY,
                width=60,
                on_click=open_explain,
                args=([item.item_id for item in now.items], now.row.step),
            ),
        },
    )
    came_true = [item for item in now.items if item.came_true]
    if came_true:
        notices.caution(f"Number {came_true[0].rank} is what the user did next.")


def draw_shares(now: MomentView) -> None:
    """The profile at this step in numbers."""
    st.markdown("**Interest profile after this event**")
    st.plotly_chart(
        shares_figure(now, controls.palette()),
        key="shares",
        theme=None,
        config={"displayModeBar": False},
        alt="Largest topics: "
        + ", ".join(f"{share.label} {wording.percent(share.share)}" for share in now.shares),
    )


def draw_table(view: TimelineView) -> None:
    """The table twin of all charts."""
    expander = st.expander("All steps as a table", on_change="rerun", key="table")
    if expander.open:
        with expander:
            st.dataframe(
                timeline_table(view),
                hide_index=True,
                height=420,
                alt=f"All steps of user {view.user_id}",
                column_config={
                    "timestamp": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
                    "sentiment": st.column_config.NumberColumn(format="%+.2f"),
                    "step_size": st.column_config.NumberColumn(format="%.3f"),
                },
            )


if __name__ == "__main__":
    controls.run(main)
