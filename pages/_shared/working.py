"""A job on a page: its progress with Stop, and how it ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from core import access, jobs
from core.jobs import Job, Work
from core.language import tr
from core.views.corpora import build_job
from pages._shared import drawing, in_turn, notices

POLL_SECONDS = 0.7
PATIENCE = 1.0
"""Seconds that a page waits for a job that may be quick."""


def draw_job(
    job: Job[Any],
    title: str,
    draw_more: Callable[[], None] | None = None,
    *,
    shows_result: bool = False,
) -> None:
    """A running job with Stop; the page is drawn anew when it ends.

    ``shows_result``: the page shows it itself, so the tray need not.
    """

    @st.fragment(run_every=POLL_SECONDS)
    def watch() -> None:
        if job.state != "running":
            if shows_result:
                is_read(job)
            st.rerun()
        now = build_job(job.progress, job.stopping)
        with st.container(border=True, gap="xsmall"):
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f"**{notices.escape(title)}**")
                st.space("stretch")
                drawing.button(
                    tr("Stop"),
                    f"stop{job.number}",
                    job.stop,
                    icon="stop",
                    disabled=job.stopping or not job.may_stop,
                )
            st.progress(now.share, text=notices.escape(now.sentence))
            if draw_more is not None:
                draw_more()

    watch()


def has_ended(job: Job[Any]) -> bool:
    """Whether a job ended at once, so that a page can go on without showing it."""
    with in_turn.away():
        return jobs.wait_for(job, PATIENCE)


def is_read(job: Job[Any]) -> None:
    """A page shows how a job ended: nobody else need be told, as far as one may say so."""
    if job.may_stop:
        jobs.forget(job.number)


def is_drawn(kind: str, target: str, title: str) -> bool:
    """Draw the latest job of a kind about a target, where it is running."""
    job = jobs.find(kind, target)
    if job is None or job.state != "running":
        return False
    draw_job(job, title)
    return True


def offer(
    kind: str,
    target: str,
    label: str,
    work: Work[Any],
    key: str = "",
    link: Mapping[str, str | None] | None = None,
    **button: Any,
) -> None:
    """How the latest job ended, and for editors a button that starts one.

    ``key``: the button's own, where a page offers several of a kind; ``link``: as ``jobs.start``.
    """
    draw_end(jobs.find(kind, target))
    if not access.may_edit():
        notices.caution(tr("{label}: for editors.", label=label))
        return
    options = {"type": "primary", "icon": ":material/play_arrow:"} | button
    if st.button(label, key=key or f"start_{kind}", **options):
        jobs.start(kind, target, work, link=link)
        st.rerun()


def draw_end(job: Job[Any] | None) -> None:
    """How a job ended that left no result."""
    if job is not None and job.error is not None:
        notices.show_error(job.error)
    elif job is not None and job.state == "stopped":
        st.text(tr("Stopped. Nothing incomplete was kept."))
