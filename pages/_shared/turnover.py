"""How fast lists change, wherever a page shows it: measured when asked for, then kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core import jobs
from core.figures.turnover import turnover_figure
from core.views.corpora import build_job
from core.views.turnover import build_turnover
from pages._shared import controls, loaders, notices

if TYPE_CHECKING:
    from core.engine import Engine

WATCH_SECONDS = 0.7


def draw(engine: Engine, user_id: str) -> None:
    """The curves of the corpus and of one user, or the way to them."""
    st.subheader("How fast do lists change?", anchor=False)
    found = loaders.turnover(engine)
    if found is None:
        offer(engine)
        return
    view = build_turnover(found, user_id)
    notices.say(view.sentence)
    st.plotly_chart(
        turnover_figure(view, controls.palette()),
        key="turnover",
        theme=None,
        config={"displayModeBar": False},
        alt=f"Overlap of two lists by events and days between. {view.sentence}",
    )
    notices.caution(
        f"Lists of {found.k} by {found.recommender}, after each of a user's newest events; every "
        "user counts once. What a user took since can't be on the later list."
    )


def offer(engine: Engine) -> None:
    """A button that compares all lists of the corpus, with progress and stop."""
    mine = [job for job in jobs.jobs() if (job.kind, job.target) == ("turnover", target_of(engine))]
    job = mine[0] if mine else None
    if job is None or job.state != "running":
        if job is not None and job.error is not None:
            notices.show_error(job.error)
        notices.caution(
            "Not measured yet for this model: all users' lists are compared once and kept."
        )
        st.button("Compare all lists", key="measure_turnover", on_click=begin, args=(engine,))
        return
    watch(job)


def begin(engine: Engine) -> None:
    """Start the comparison in the background."""
    jobs.start("turnover", target_of(engine), loaders.measuring_turnover(engine))


def target_of(engine: Engine) -> str:
    """What the measurement is about: another model's is another one."""
    return f"{engine.corpus.name}/{engine.model_id}"


def watch(job: jobs.Job) -> None:
    """Progress and Stop, redrawn until the work ends."""

    @st.fragment(run_every=WATCH_SECONDS)
    def progress() -> None:
        if job.state != "running":
            st.rerun()
        now = build_job(job.progress, job.stopping)
        st.progress(now.share, text=notices.escape(now.sentence))
        st.button("Stop", key="stop_turnover", on_click=job.stop, disabled=job.stopping)

    progress()
