"""Jobs on every page: what runs with its time left and Stop, and how others ended."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple

import streamlit as st

from core import jobs
from core.domain import DomainError
from core.jobs import Job
from core.language import mark, tr
from core.views.corpora import build_job
from pages._shared import controls, drawing, loaders, notices, state

POLL_SECONDS = 1.0
MOST_ENDED = 3
"""Ends that are shown at most, newest first."""
TRAININGS = ("train", "update")
"""Kinds whose result is a model."""
OVERVIEW, CORPORA, MONITOR = "pages/overview.py", "pages/corpora.py", "pages/monitor.py"


class Kind(NamedTuple):
    """How jobs of a kind are called (marked), by their corpus, and where their result is."""

    title: str
    end: str
    page: str
    values: tuple[str, ...] = ()
    """What the further words of a target are, in the address of that page."""


KINDS = {
    "import": Kind(mark("Import of {}"), mark("The corpus {} is ready"), CORPORA),
    "train": Kind(mark("Training on {}"), mark("A model of {} is ready"), CORPORA),
    "update": Kind(
        mark("Update of the model of {}"), mark("An updated model of {} is ready"), CORPORA
    ),
    "lists": Kind(mark("Import of lists for {}"), mark("The lists for {} are ready"), CORPORA),
    "evaluate": Kind(
        mark("Evaluation on {}"),
        mark("The evaluation on {} is ready"),
        drawing.QUALITY,
        (state.MODEL, state.PROTOCOL),
    ),
    "windows": Kind(
        mark("Judging the model of {} over time"),
        mark("The windows of {} are judged"),
        drawing.QUALITY,
        (state.MODEL,),
    ),
    "ablation": Kind(
        mark("Ablation on {}"),
        mark("The ablation on {} is ready"),
        drawing.QUALITY,
        (state.MODEL, state.SUBJECT),
    ),
    "turnover": Kind(
        mark("Comparing all lists of {}"),
        mark("All lists of {} are compared"),
        OVERVIEW,
        (state.MODEL, state.RECOMMENDER),
    ),
    "states": Kind(
        mark("Following all users of {}"),
        mark("All users of {} are on the map"),
        drawing.COHORTS,
        (state.MODEL,),
    ),
    "what_if": Kind(
        mark("What-if of a cohort of {}"),
        mark("The what-if of a cohort of {} is ready"),
        drawing.COHORTS,
        (state.MODEL, state.RECOMMENDER, state.COHORTS_PATTERN),
    ),
    "second_map": Kind(
        mark("Fitting the map of {} with another seed"),
        mark("A second map of {} is ready"),
        drawing.COHORTS,
        (state.MODEL,),
    ),
    "atlas": Kind(
        mark("Writing all states of {}"),
        mark("The file of all states of {} is ready"),
        drawing.COHORTS,
        (state.MODEL,),
    ),
    "monitor": Kind(
        mark("Watching {}"),
        mark("{} was watched"),
        MONITOR,
        (state.MODEL, state.MONITOR_PERIOD, state.MONITOR_SINCE),
    ),
    "turns": Kind(
        mark("Testing all users of {}"),
        mark("All users of {} are tested"),
        OVERVIEW,
        (state.MODEL,),
    ),
}


def title(job: Job[Any]) -> str:
    """What a job does, to what."""
    return tr(KINDS[job.kind].title).format(job.target.split(" ")[0])


def draw() -> None:
    """All jobs of the server, at the top of the sidebar; drawn anew while one runs."""
    hear()
    running = _running()

    @st.fragment(run_every=POLL_SECONDS if running else None)
    def watch() -> None:
        hear()
        if _running() != running:
            st.rerun()
        with st.container(key="jobs", gap="small"):
            known = jobs.jobs(*KINDS)
            for job in known:
                if job.state == "running":
                    draw_running(job)
            latest: dict[tuple[str, str], Job[Any]] = {}
            for job in known:
                latest.setdefault((job.kind, job.target), job)
            ended = [job for job in latest.values() if job.state != "running"]
            for job in [job for job in ended if not job.is_put_away][:MOST_ENDED]:
                draw_end(job)

    watch()


def hear() -> None:
    """Know what other servers of the library do; where there is none, the page says so."""
    with suppress(DomainError):
        jobs.hear(loaders.library().root)


def _running() -> set[int]:
    return {job.number for job in jobs.jobs(*KINDS) if job.state == "running"}


def draw_running(job: Job[Any]) -> None:
    """One job that goes on: its page, Stop, how far it is and how long it takes yet."""
    now = build_job(job.progress, job.stopping)
    with st.container(gap="xxsmall"):
        is_off = job.stopping or not job.may_stop
        draw_line(job, title(job), "stop", tr("Stop"), job.stop, disabled=is_off)
        st.progress(now.share, text=notices.escape(now.sentence))


def draw_end(job: Job[Any]) -> None:
    """How one ended: the way to what it made, and a button that puts it away."""
    words = tr(KINDS[job.kind].end).format(job.target.split(" ")[0])
    if job.state == "stopped":
        words = tr("Stopped: {job}", job=title(job))
    elif job.state != "done":
        words = tr("Failed: {job}", job=title(job))
    is_off = not job.may_stop
    draw_line(job, words, "close", tr("Put away"), job.put_away, disabled=is_off)


def draw_line(
    job: Job[Any], words: str, icon: str, help: str, act: Callable[[], None], **look: Any
) -> None:
    """What it is, which opens its page, and one button beside it."""
    why = words
    if job.error:
        why = tr("{words}. {problem}", words=words, problem=job.error.what)
    left, right = st.columns([6, 1], gap="xxsmall", vertical_alignment="center")
    with left:
        options = {"type": "tertiary", "help": notices.escape(why)}
        drawing.button(notices.escape(words), f"tray_open{job.number}", open_job, job, **options)
    with right:
        key = f"tray_{icon}{job.number}"
        drawing.button(f":material/{icon}:", key, act, type="tertiary", help=help, **look)


def open_job(job: Job[Any]) -> None:
    """Go where a job's result is or will be; an end that was looked at is put away."""
    corpus, *rest = job.target.split(" ")
    if job.state != "running" and job.may_stop:
        job.put_away()
    if job.kind in TRAININGS and job.result is not None:
        controls.choose_model(corpus, job.result.name)
        return
    kind = KINDS[job.kind]
    known = job.kind != "import" or job.state == "done"
    values = {state.CORPUS: corpus} if known else {}
    further = dict(zip(kind.values, (word or None for word in rest), strict=False))
    controls.open_page(kind.page, **(values | further | job.link))
