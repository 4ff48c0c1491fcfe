"""A running job on a page: its progress, Stop, and how it ended."""

from __future__ import annotations

import streamlit as st

from core import jobs
from core.views.corpora import build_job
from pages._shared import notices

POLL_SECONDS = 0.8


def find_job(kind: jobs.Kind, target: str) -> jobs.Job | None:
    """The latest job of this kind about this."""
    return next((job for job in jobs.jobs() if (job.kind, job.target) == (kind, target)), None)


def draw_job(job: jobs.Job, title: str) -> None:
    """A running job with Stop; the page is drawn anew when it ends."""

    @st.fragment(run_every=POLL_SECONDS)
    def watch() -> None:
        if job.state != "running":
            st.rerun()
        now = build_job(job.progress, job.stopping)
        with st.container(border=True, gap="xsmall"):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"**{notices.escape(title)}**")
                st.space("stretch")
                st.button(
                    "Stop",
                    key=f"stop{job.number}",
                    icon=":material/stop:",
                    on_click=job.stop,
                    disabled=job.stopping,
                )
            st.progress(now.share, text=notices.escape(now.sentence))

    watch()


def draw_end(job: jobs.Job | None) -> None:
    """How the latest job ended where it left no result."""
    if job is not None and job.state == "failed" and job.error is not None:
        notices.show_error(job.error)
    elif job is not None and job.state == "stopped":
        st.text("Stopped; nothing was left half-made.")
