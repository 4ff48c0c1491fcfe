"""Lists that a person's own system served: what is there of a corpus, and how to bring more."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, cast

import pandas as pd
import streamlit as st

from core import jobs
from core.views import wording
from pages._corpora import uploads
from pages._shared import judging, notices, working

if TYPE_CHECKING:
    from core.evaluate.importing_lists import ListsSummary

QUALITY = "pages/quality.py"


def draw_lists(corpus: str) -> None:
    """The section of the page Data and models."""
    st.subheader("Lists that your system served", anchor=False)
    held = judging.lists(corpus)
    for caution in judging.cautions_of_lists(corpus):
        notices.caution(caution)
    if held:
        st.dataframe(
            pd.DataFrame([dataclasses.asdict(lists) for lists in held]),
            hide_index=True,
            height="content",
            alt=f"Imported lists of {corpus}",
            column_order=("name", "lists", "users", "first", "last", "quarantined", "source"),
            column_config={
                "name": st.column_config.TextColumn("Name"),
                "lists": st.column_config.NumberColumn("Lists", format="localized"),
                "users": st.column_config.NumberColumn("Users", format="localized"),
                "first": st.column_config.DateColumn("First"),
                "last": st.column_config.DateColumn("Last"),
                "quarantined": st.column_config.NumberColumn("Rows refused", format="localized"),
                "source": st.column_config.TextColumn("File"),
            },
        )
        st.page_link(QUALITY, label="Judged on Quality", icon=":material/arrow_forward:")
    else:
        notices.caution(
            "None yet. They are judged beside the recommenders on Quality. A table with the "
            "columns user_id, timestamp, rank and item_id: CSV, TSV, JSON lines or Parquet, also "
            "as .gz."
        )
    job = working.find_job("lists", corpus)
    if job is not None and job.state == "running":
        working.draw_job(job, "Import of lists")
        return
    draw_report(job)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        file = st.file_uploader("Lists", key="lists_file", width=420)
        name = st.text_input("Name of the lists", value="production", key="lists_name", width=220)
        pressed = st.button("Import the lists", icon=":material/download:", disabled=file is None)
    if pressed and file is not None:
        jobs.start("lists", corpus, judging.importing(corpus, uploads.keep(file), name.strip()))
        st.rerun()


def draw_report(job: jobs.Job | None) -> None:
    """How the latest import ended."""
    if job is None or job.state != "done":
        working.draw_end(job)
        return
    summary = cast("ListsSummary", job.result)
    manifest = summary.manifest
    st.text(
        f"Took {wording.number(manifest.accepted)} of {wording.count(manifest.rows_read, 'row')} "
        f"as {manifest.name}: {wording.count(manifest.lists, 'list')} of "
        f"{wording.count(manifest.users, 'user')}."
    )
    if summary.refused:
        with st.expander(f"{wording.count(manifest.quarantined, 'row')} refused"):
            st.dataframe(
                pd.DataFrame(list(summary.reasons.items()), columns=["reason", "rows"]),
                hide_index=True,
                alt="Why rows were refused",
            )
            st.dataframe(
                pd.DataFrame([dataclasses.asdict(row) for row in summary.refused]),
                hide_index=True,
                alt="The first refused rows",
                column_order=("file", "line", "field", "reason", "value"),
            )
