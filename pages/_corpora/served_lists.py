"""Lists that a person's own system served: what is there of a corpus, and how to bring more."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st
from streamlit import column_config as col

from core import access, jobs
from core.language import tr, trc
from core.views import wording
from core.views.corpora import reasons_table
from pages._corpora import uploads
from pages._shared import drawing, judging, loaders, notices, state, working

if TYPE_CHECKING:
    from core.evaluate.importing_lists import ListsSummary


IMPORTED = "lists_job"
"""The import of lists that this session started last."""


def draw_lists(corpus: str) -> None:
    st.subheader(tr("Lists that your system served"), anchor=False)
    manifests = loaders.served_lists(corpus)
    for caution in judging.cautions_of_lists(corpus):
        notices.caution(caution)
    if manifests:
        drawing.table(
            manifests,
            tr("Imported lists of {corpus}", corpus=corpus),
            {
                "name": col.TextColumn(tr("Name")),
                "lists": col.NumberColumn(tr("Lists"), format="localized"),
                "users": col.NumberColumn(tr("Users"), format="localized"),
                "first": col.DateColumn(trc("list", "First")),
                "last": col.DateColumn(trc("list", "Last")),
                "quarantined": col.NumberColumn(tr("Rows refused"), format="localized"),
                "source": col.TextColumn(tr("File")),
            },
        )
        drawing.link(drawing.QUALITY, tr("Evaluated on Quality"))
    else:
        notices.caution(
            tr(
                "None yet. Imported lists are evaluated beside the recommenders on Quality. "
                "Needed: a table with the columns user_id, timestamp, rank and item_id, as CSV, "
                "TSV, JSON lines or Parquet; also as .gz."
            )
        )
    if working.is_drawn("lists", corpus, tr("Importing lists")):
        return
    job = jobs.find("lists", corpus)
    working.draw_end(job)
    if job is not None and job.result is not None:
        draw_summary(job.result)
    if not access.may_edit():
        return
    with st.container(horizontal=True, vertical_alignment="bottom"):
        file = st.file_uploader(tr("Lists"), key=uploads.key("lists", IMPORTED), width=420)
        label = tr("Name of the lists")
        name = st.text_input(label, value="production", key="lists_name", width=220)
        label = tr("Import the lists")
        pressed = st.button(label, icon=":material/download:", disabled=file is None)
    kept = uploads.keep("lists", [file] if file else [])
    if pressed and kept:
        taken = uploads.Taken()
        work = judging.importing(corpus, taken.take(kept[0]), name.strip())
        state.put(IMPORTED, jobs.start("lists", corpus, taken.until_done(work)))
        st.rerun()


def draw_summary(summary: ListsSummary) -> None:
    manifest = summary.manifest
    st.text(
        tr(
            "Imported {n} of {rows} as {name}: {lists} of {users}.",
            n=wording.number(manifest.accepted),
            rows=wording.count(manifest.rows_read, "row"),
            name=manifest.name,
            lists=wording.count(manifest.lists, "list"),
            users=wording.count(manifest.users, "user"),
        )
    )
    if summary.refused:
        with st.expander(tr("{rows} refused", rows=wording.count(manifest.quarantined, "row"))):
            drawing.table(reasons_table(summary), tr("Why rows were refused"), height="auto")
            fields = dict.fromkeys(("file", "line", "field", "reason", "value"))
            rows = [replace(each, reason=each.said) for each in summary.refused]
            drawing.table(rows, tr("The first refused rows"), fields, height="auto")
