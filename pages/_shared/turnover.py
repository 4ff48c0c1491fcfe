"""How fast lists change, wherever a page shows it: measured when asked for, then kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.figures.turnover import turnover_figure
from core.language import tr
from core.views.turnover import build_turnover
from core.views.wording import joined
from pages._shared import cohorts, controls, drawing, loaders, notices, working

if TYPE_CHECKING:
    from core.engine import Engine


def draw(engine: Engine, user_id: str, recommender: str) -> None:
    """The curves of the corpus and of one user, or the way to them."""
    st.subheader(tr("How fast do lists change?"), anchor=False)
    measured, problem = notices.find(lambda: loaders.turnover(engine, recommender))
    if measured is None:
        offer(engine, recommender, problem)
        return
    found = cohorts.picked(engine, "cohort_of_turnover")
    cohort = None if found is None else (found[0].name, cohorts.ids(engine, found[1]))
    is_outside = engine.corpus.leaves_out(user_id)
    view = build_turnover(measured, user_id, cohort, is_outside=is_outside)
    drawing.chart(
        "turnover",
        turnover_figure(view, drawing.palette()),
        view.sentence,
        name=tr("Overlap of two lists by events and days between them"),
        below=tr(
            "{recommender}: top {k} after each of a user's newest events; each user has the same "
            "weight. Items of events in between are excluded from the later list.",
            recommender=controls.recommender_label(recommender),
            k=measured.k,
        ),
    )


def offer(engine: Engine, recommender: str, problem: str = "") -> None:
    """A button that compares all lists of the corpus, with progress and Stop.

    ``problem``: what is wrong with what was measured before.
    """
    target = f"{engine.corpus.name} {engine.model_id} {recommender}"
    if working.is_drawn("turnover", target, tr("Comparing all users' lists")):
        return
    by = controls.recommender_label(recommender)
    why = tr("{recommender}: {problem}", recommender=by, problem=problem or tr("Not measured yet."))
    costs = tr("Compares the lists of all users; the result is stored.")
    notices.caution(joined(why, costs))
    work = loaders.measuring_turnover(engine, recommender)
    working.offer("turnover", target, tr("Compare all lists"), work, type="secondary", icon=None)
