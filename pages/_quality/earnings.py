"""The tab "Served lists": what recommenders would have earned in their place."""

from __future__ import annotations

from typing import Any

import streamlit as st
from streamlit import column_config as col

from core import jobs
from core.engine import Engine
from core.evaluate.served import ListsManifest, rewarded_names
from core.figures.offpolicy import earned_figure
from core.jobs import Work
from core.language import mark, tr, trc
from core.progress import ProgressCallback, StopCallback
from core.views.quality.offpolicy import EarnedRow, about, build_off_policy
from core.views.tables import table
from core.views.wording import joined
from pages._shared import drawing, loaders, notices, working

KIND = "off-policy"
NO_REWARDS = mark(
    "Imported lists with the columns propensity and reward show here what another recommender "
    "would have earned in their place. None of this corpus has both."
)
NO_TIMES = mark(
    "This corpus has no times, so what was known when a list was served isn't known: what another "
    "recommender would have earned can't be estimated."
)


def columns() -> dict[str, Any]:
    """How the estimates are shown."""
    low, high = trc("interval", "from"), trc("interval", "to")
    return {
        "recommender": col.TextColumn(tr("Recommender"), pinned=True),
        **{
            name: col.NumberColumn(label, format="%.4f")
            for name, label in (
                ("dr", "DR"),
                ("dr_low", low),
                ("dr_high", high),
                ("snips", "SNIPS"),
                ("snips_low", low),
                ("snips_high", high),
                ("gain", tr("Gain")),
                ("gain_low", low),
                ("gain_high", high),
            )
        },
        "ess": col.NumberColumn(tr("Effective sample"), format="%.0f"),
        "support": col.NumberColumn(tr("Support"), format="%.2f"),
    }


def names(engine: Engine) -> list[str]:
    """Imported lists that have rewards."""
    return rewarded_names(engine.corpus.name, loaders.library())


def draw(engine: Engine) -> None:
    """Each list's estimates, or a button that makes them."""
    if engine.corpus.manifest.order_as_time:
        notices.say(tr(NO_TIMES))
        return
    held = {lists.name: lists for lists in loaders.served_lists(engine.corpus.name)}
    known = [name for name in names(engine) if name in held]
    if not known:
        notices.say(tr(NO_REWARDS))
        return
    for name in known:
        draw_one(engine, held[name], alone=len(known) == 1)


def draw_one(engine: Engine, lists: ListsManifest, *, alone: bool) -> None:
    if not alone:
        st.subheader(notices.escape(lists.name), anchor=False)
    asked = repr(loaders.fingerprint(engine))
    target = f"{engine.corpus.name} {lists.name} {lists.lists_id} {asked}"
    job = jobs.find(KIND, target)
    if working.is_drawn(KIND, target, tr("Estimating from {name}", name=lists.name)):
        return
    if job is None or job.result is None:
        notices.say(tr("Not estimated yet."))
        takes = tr("It takes seconds and continues if you leave this page.")
        notices.caution(joined(about(), takes))
        work, key = estimating(engine, lists.name), f"start_{KIND}_{lists.name}"
        label = tr("Estimate from {name}", name=lists.name)
        working.offer(KIND, target, label, work, key=key)
        return
    view = build_off_policy(job.result)
    drawing.chart(
        f"earned_{lists.name}",
        earned_figure(view, drawing.palette()),
        view.sentence,
        name=tr("Rewards"),
        below=joined(*view.cautions, about()),
    )
    with st.expander(tr("As a table")):
        drawing.table(table(view.rows, EarnedRow.COLUMNS), view.sentence, columns(), height="auto")


def estimating(engine: Engine, name: str) -> Work[Any]:
    """The estimates for all recommenders, as background work."""
    library = loaders.library()

    def work(progress: ProgressCallback, stop: StopCallback) -> Any:
        from core.evaluate.offpolicy import off_policy
        from core.evaluate.served import load_lists

        served = load_lists(engine.corpus, library, name)
        return off_policy(engine, served, list(engine.recommenders.values()), progress, stop)

    return work
