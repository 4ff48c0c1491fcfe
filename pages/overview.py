"""What is in this corpus, does the model earn trust, where should I look first?"""

from __future__ import annotations

import dataclasses
from typing import Any

import pandas as pd
import streamlit as st

from core.figures.verdict import verdict_figure
from core.views.overview import ListView, ScoreRow, VerdictView
from core.views.tables import table
from pages._shared import controls, judging, loaders, notices, sharing, state, turnover

TIMELINE, QUALITY, COMPARE = "pages/timeline.py", "pages/quality.py", "pages/compare.py"


def main() -> None:
    """Draw the page."""
    st.title("Where should I look first?", anchor=False)
    chosen = state.selection()
    if chosen.corpus is not None:
        notices.say(loaders.facts(chosen.corpus))
    engine = notices.need_engine()
    verdict = loaders.verdict(engine.corpus.name, engine.model_id)
    paired = judging.verdict(engine)
    if paired is not None:
        verdict = dataclasses.replace(verdict, sentence=paired)
    draw_verdict(verdict, engine.corpus.name)
    start = loaders.start(engine)
    grid = st.grid(4, min_column_width=300, gap="medium")
    for name in ("drift", "busiest", "worst"):
        with grid.cell(), st.container(key=f"list_{name}"):
            draw_list(name, getattr(start, name))
    with grid.cell(), st.container(key="list_changed"):
        changed = loaders.changed(engine)
        if changed is not None:
            draw_list("changed", changed)
        else:
            st.subheader("Lists that changed most", anchor=False)
            turnover.offer(engine)


def draw_verdict(verdict: VerdictView, corpus: str) -> None:
    """Whether the model earns trust."""
    with st.container(horizontal=True, vertical_alignment="center"):
        st.subheader("Does the model earn trust?", anchor=False)
        st.space("stretch")
        figure = verdict_figure(verdict, controls.palette()) if verdict.rows else None
        if figure is not None:
            sharing.export(
                f"verdict-{corpus}",
                "Scores (CSV)",
                lambda: table(verdict.rows, ScoreRow.COLUMNS),
                [(verdict.sentence, figure)],
                f"Recommenders on {corpus}",
            )
    notices.say(verdict.sentence)
    st.page_link(
        QUALITY,
        label="Where it is good, where it isn't, and what it uses",
        icon=":material/arrow_forward:",
        query_params=state.link(),
    )
    if figure is None:
        return
    st.plotly_chart(
        figure,
        key="verdict",
        theme=None,
        config={"displayModeBar": False},
        alt=verdict.sentence,
    )
    with st.expander("Scores as a table"):
        scores = table(verdict.rows, ScoreRow.COLUMNS)
        st.dataframe(scores, hide_index=True, height="content", alt="Scores")


def draw_list(name: str, users: ListView) -> None:
    """One list; a user's button opens the Timeline, or Compare where lists changed."""
    st.subheader(users.title, anchor=False)
    notices.caution(users.sentence)
    if not users.rows:
        st.text("No user has 5 events or more.")
        return
    rows = pd.DataFrame([dataclasses.asdict(row) for row in users.rows])
    measure: dict[str, tuple[str, Any]] = {
        "drift": ("drift", st.column_config.NumberColumn("Distance", format="%.2f", width=76)),
        "busiest": ("events", st.column_config.NumberColumn("Events", width=70)),
        "changed": ("change", st.column_config.NumberColumn("Change", format="%.2f", width=70)),
        "worst": ("held_out_rank", st.column_config.NumberColumn("Rank", format="%.0f", width=64)),
    }
    column, config = measure[name]
    st.dataframe(
        rows,
        hide_index=True,
        height="content",
        alt=f"{users.title}. {users.sentence}",
        column_order=(column, "user_id", "topics"),
        column_config={
            "user_id": st.column_config.ButtonColumn(
                "User",
                key=f"open_{name}",
                alignment="left",
                width=min(150, 40 + 8 * max(len(row.user_id) for row in users.rows)),
                on_click=open_user,
                args=(name, [row.user_id for row in users.rows]),
            ),
            column: config,
            "topics": st.column_config.TextColumn("Leading topic"),
        },
    )


def open_user(name: str, user_ids: list[str]) -> None:
    """Open the Timeline of the clicked row; its lists month by month where those changed most."""
    click = state.get(f"open_{name}")
    if click is None:
        return
    user = user_ids[click["row"]]
    if name == "changed":
        controls.open_page(COMPARE, user=user, columns="months")
    else:
        controls.open_page(TIMELINE, user=user)


if __name__ == "__main__":
    controls.run(main)
