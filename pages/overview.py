"""What is in this corpus, does the model earn trust, where should I look first?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st
from streamlit import column_config as col

from core.figures.quality import verdict_figure
from core.views.overview import ListView, ScoreRow, VerdictView, build_facts, build_verdict
from core.views.tables import table
from pages._shared import controls, drawing, judging, loaders, notices, sharing, state, turnover

if TYPE_CHECKING:
    from streamlit.elements.lib.column_types import ColumnConfig

MEASURES: dict[str, tuple[str, ColumnConfig]] = {
    "drift": ("drift", col.NumberColumn("Distance", format="%.2f", width=76)),
    "busiest": ("events", col.NumberColumn("Events", width=70)),
    "changed": ("change", col.NumberColumn("Change", format="%.2f", width=70)),
    "worst": ("held_out_rank", col.NumberColumn("Rank", format="%.0f", width=64)),
}
"""The column that orders each list."""


def main() -> None:
    st.title("Where should I look first?", anchor=False)
    chosen = state.selection()
    if chosen.corpus is not None:
        notices.say(build_facts(loaders.library().manifest(chosen.corpus)))
    engine = notices.need_engine()
    verdict = build_verdict(notices.metrics_of(engine), judging.verdict(engine))
    draw_verdict(verdict, engine.corpus.name)
    usual = engine.recommender().id
    grid = st.grid(4, min_column_width=300, gap="medium")
    for name, users in loaders.start(engine).items():
        with grid.cell(), st.container(key=f"list_{name}"):
            draw_list(name, users)
    with grid.cell(), st.container(key="list_changed"):
        changed = loaders.changed(engine, usual)
        if changed is not None:
            draw_list("changed", changed)
        else:
            st.subheader("Lists that changed most", anchor=False)
            turnover.offer(engine, usual)


def draw_verdict(verdict: VerdictView, corpus: str) -> None:
    figure = verdict_figure(verdict, drawing.palette()) if verdict.rows else None
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader("Does the model earn trust?", anchor=False)
        st.space("stretch")
        if figure is not None:
            files: dict[str, sharing.File] = {
                "Scores (CSV)": (".csv", lambda: table(verdict.rows, ScoreRow.COLUMNS)),
                "Charts (HTML)": sharing.charts(
                    [(verdict.sentence, figure)], f"Recommenders on {corpus}"
                ),
            }
            sharing.export(f"verdict-{corpus}", files)
    notices.say(verdict.sentence)
    drawing.link(drawing.QUALITY, "See full evaluation")
    if figure is not None:
        drawing.chart("verdict", figure, verdict.sentence, is_said=False)
        with st.expander("Scores as a table"):
            drawing.table(table(verdict.rows, ScoreRow.COLUMNS), "Scores")


def draw_list(name: str, users: ListView) -> None:
    """One list; a user's button opens the Timeline, or Compare where lists changed."""
    st.subheader(users.title, anchor=False)
    notices.caution(users.sentence)
    if not users.rows:
        st.text("No user has 5 events or more.")
        return
    column, measure = MEASURES[name]
    user_ids = [row.user_id for row in users.rows]
    button = drawing.buttons(
        "User",
        f"open_{name}",
        lambda row: open_user(name, user_ids[row]),
        alignment="left",
        width=min(150, 40 + 8 * max(map(len, user_ids))),
    )
    drawing.table(
        users.rows,
        f"{users.title}. {users.sentence}",
        {column: measure, "user_id": button, "topics": col.TextColumn("Leading topic")},
    )


def open_user(name: str, user_id: str) -> None:
    """Open a user's Timeline; Compare month by month where lists changed most."""
    page, columns = (drawing.COMPARE, "months") if name == "changed" else (drawing.TIMELINE, None)
    controls.open_page(page, user=user_id, columns=columns)


if __name__ == "__main__":
    controls.run(main)
