"""A job on a page: its progress with Stop, and how it ended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from core import jobs
from core.jobs import Job, Work
from core.views.corpora import build_job
from pages._shared import drawing, notices

POLL_SECONDS = 0.7


def draw_job(job: Job[Any], title: str, draw_more: Callable[[], None] | None = None) -> None:
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
                drawing.button(
                    "Stop", f"stop{job.number}", job.stop, icon="stop", disabled=job.stopping
                )
            st.progress(now.share, text=notices.escape(now.sentence))
            if draw_more is not None:
                draw_more()

    watch()


def is_drawn(kind: str, target: str, title: str) -> bool:
    """Draw the latest job of a kind about a target, where it is running."""
    job = jobs.find(kind, target)
    if job is None or job.state != "running":
        return False
    draw_job(job, title)
    return True


def offer(kind: str, target: str, label: str, work: Work[Any], **button: Any) -> None:
    """How the latest job ended, and a button that starts one."""
    draw_end(jobs.find(kind, target))
    options = {"type": "primary", "icon": ":material/play_arrow:"} | button
    if st.button(label, key=f"start_{kind}", **options):
        jobs.start(kind, target, work)
        st.rerun()


def draw_end(job: Job[Any] | None) -> None:
    """How a job ended that left no result."""
    if job is not None and job.error is not None:
        notices.show_error(job.error)
    elif job is not None and job.state == "stopped":
        st.text("Stopped. Nothing incomplete was kept.")
