"""Lists that a person's own system served: what is there of a corpus, and how to bring more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st
from streamlit import column_config as col

from core import access, jobs
from core.views import wording
from core.views.corpora import reasons_table
from pages._corpora import uploads
from pages._shared import drawing, judging, loaders, notices, state, working

if TYPE_CHECKING:
    from core.evaluate.importing_lists import ListsSummary


IMPORTED = "lists_job"
"""The import of lists that this session started last."""


def draw_lists(corpus: str) -> None:
    st.subheader("Lists that your system served", anchor=False)
    manifests = loaders.served_lists(corpus)
    for caution in judging.cautions_of_lists(corpus):
        notices.caution(caution)
    if manifests:
        drawing.table(
            manifests,
            f"Imported lists of {corpus}",
            {
                "name": col.TextColumn("Name"),
                "lists": col.NumberColumn("Lists", format="localized"),
                "users": col.NumberColumn("Users", format="localized"),
                "first": col.DateColumn("First"),
                "last": col.DateColumn("Last"),
                "quarantined": col.NumberColumn("Rows refused", format="localized"),
                "source": col.TextColumn("File"),
            },
        )
        drawing.link(drawing.QUALITY, "Evaluated on Quality")
    else:
        notices.caution(
            "None yet. Imported lists are evaluated beside the recommenders on Quality. Needed: a "
            "table with the columns user_id, timestamp, rank and item_id, as CSV, TSV, JSON lines "
            "or Parquet; also as .gz."
        )
    if working.is_drawn("lists", corpus, "Importing lists"):
        return
    job = jobs.find("lists", corpus)
    working.draw_end(job)
    if job is not None and job.result is not None:
        draw_summary(job.result)
    if not access.may_edit():
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        file = st.file_uploader("Lists", key=uploads.key("lists", IMPORTED), width=420)
        name = st.text_input("Name of the lists", value="production", key="lists_name", width=220)
        pressed = st.button("Import the lists", icon=":material/download:", disabled=file is None)
    kept = uploads.keep("lists", [file] if file else [])
    if pressed and kept:
        taken = uploads.Taken()
        work = judging.importing(corpus, taken.take(kept[0]), name.strip())
        state.put(IMPORTED, jobs.start("lists", corpus, taken.until_done(work)))
        st.rerun()


def draw_summary(summary: ListsSummary) -> None:
    manifest = summary.manifest
    st.text(
        f"Imported {wording.number(manifest.accepted)} of "
        f"{wording.count(manifest.rows_read, 'row')} as {manifest.name}: "
        f"{wording.count(manifest.lists, 'list')} of {wording.count(manifest.users, 'user')}."
    )
    if summary.refused:
        with st.expander(f"{wording.count(manifest.quarantined, 'row')} refused"):
            drawing.table(reasons_table(summary), "Why rows were refused", height="auto")
            fields = dict.fromkeys(("file", "line", "field", "reason", "value"))
            drawing.table(summary.refused, "The first refused rows", fields, height="auto")
