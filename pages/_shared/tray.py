"""Jobs on every page: what runs with its time left and Stop, and how others ended."""

from __future__ import annotations

from typing import Any, NamedTuple

import streamlit as st

from core import jobs
from core.jobs import Job
from core.views.corpora import build_job
from pages._shared import controls, drawing, notices, state

POLL_SECONDS = 1.0
MOST_ENDED = 3
"""Ends that are shown at most, newest first."""
OVERVIEW, CORPORA = "pages/overview.py", "pages/corpora.py"


class Kind(NamedTuple):
    """How jobs of a kind are called, by their corpus, and where their result is."""

    title: str
    end: str
    page: str
    values: tuple[str, ...] = ()
    """What the further words of a target are, in the address of that page."""


KINDS = {
    "import": Kind("Import of {}", "The corpus {} is ready", CORPORA),
    "train": Kind("Training on {}", "A model of {} is ready", CORPORA),
    "lists": Kind("Import of lists for {}", "The lists for {} are ready", CORPORA),
    "evaluate": Kind(
        "Evaluation on {}",
        "The evaluation on {} is ready",
        drawing.QUALITY,
        (state.MODEL, state.PROTOCOL),
    ),
    "ablation": Kind(
        "Ablation on {}",
        "The ablation on {} is ready",
        drawing.QUALITY,
        (state.MODEL, state.SUBJECT),
    ),
    "turnover": Kind(
        "Comparing all lists of {}",
        "All lists of {} are compared",
        OVERVIEW,
        (state.MODEL, state.RECOMMENDER),
    ),
    "turns": Kind(
        "Testing all users of {}", "All users of {} are tested", OVERVIEW, (state.MODEL,)
    ),
}


def title(job: Job[Any]) -> str:
    """What a job does, to what."""
    return KINDS[job.kind].title.format(job.target.split(" ")[0])


def draw() -> None:
    """All jobs of the server, at the top of the sidebar; drawn anew while one runs."""
    running = _running()

    @st.fragment(run_every=POLL_SECONDS if running else None)
    def watch() -> None:
        if _running() != running:
            st.rerun()
        with st.container(key="jobs", gap="small"):
            known = jobs.jobs(*KINDS)
            for job in known:
                if job.state == "running":
                    draw_running(job)
            ended = [job for job in known if job.state != "running" and not job.is_put_away]
            for job in ended[:MOST_ENDED]:
                draw_end(job)

    watch()


def _running() -> set[int]:
    return {job.number for job in jobs.jobs(*KINDS) if job.state == "running"}


def draw_running(job: Job[Any]) -> None:
    """One job that goes on: its page, Stop, how far it is and how long it takes yet."""
    now = build_job(job.progress, job.stopping)
    with st.container(border=True, gap="xxsmall"):
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
            draw_name(job, title(job))
            st.space("stretch")
            drawing.button("Stop", f"tray_stop{job.number}", job.stop, disabled=job.stopping)
        st.progress(now.share, text=notices.escape(now.sentence))


def draw_end(job: Job[Any]) -> None:
    """How one ended: the way to what it made, and a button that puts it away."""
    icon, help_ = "check_circle", None
    words = KINDS[job.kind].end.format(job.target.split(" ")[0])
    if job.state != "done":
        icon, ended = ("cancel", "stopped") if job.state == "stopped" else ("error", "failed")
        words = f"{title(job)}: {ended}"
        help_ = notices.escape(job.error.what) if job.error else None
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", border=True):
        draw_name(job, words, icon=icon, help=help_)
        st.space("stretch")
        drawing.button(
            ":material/close:",
            f"tray_away{job.number}",
            job.put_away,
            type="tertiary",
            help="Put away",
        )


def draw_name(job: Job[Any], words: str, **look: Any) -> None:
    """A button that opens the page of a job."""
    drawing.button(
        notices.escape(words), f"tray_open{job.number}", open_job, job, type="tertiary", **look
    )


def open_job(job: Job[Any]) -> None:
    """Go where a job's result is or will be; an end that was looked at is put away."""
    corpus, *rest = job.target.split(" ")
    if job.state != "running":
        job.put_away()
    if job.kind == "train" and job.result is not None:
        controls.choose_model(corpus, job.result.name)
        return
    kind = KINDS[job.kind]
    known = job.kind != "import" or job.state == "done"
    values = {state.CORPUS: corpus} if known else {}
    controls.open_page(kind.page, **values, **dict(zip(kind.values, rest, strict=True)))
