"""The tab "Strategy": what refitted weights gain, what re-ranking costs, and saved strategies."""

from __future__ import annotations

from functools import partial
from typing import Any

import streamlit as st
from streamlit import column_config as col

from core import access, jobs
from core.compare.columns import ColumnSpec
from core.domain import DomainError
from core.engine import Engine
from core.figures.strategy import price_figure
from core.jobs import Work
from core.language import mark, tr, trc
from core.strategy.adjusted import MOST_DIVERSITY, MOST_SHARE, Settings
from core.strategy.store import Strategy, delete_strategy, save_strategy
from core.views.quality.strategy import (
    PriceRow,
    StrategyRow,
    StrategyView,
    WeightRow,
    about_prices,
    build_strategy,
    strategy_rows,
)
from core.views.tables import table
from core.views.wording import joined
from pages._shared import drawing, loaders, notices, state, working
from pages._shared.state import COLUMNS

KIND = "strategy"
NAME, WHY, WEIGHTS = "strategy_name", "strategy_why", "strategy_weights"
NEW, DIVERSE = "strategy_new_share", "strategy_diversity"
ANSWER = "strategy_answer"
"""What became of the last click: the strategy and what else it changed, or why it wasn't saved."""
WAITING = mark(
    "Refits the joint's weights on the newest validation cases, and measures what diversity and a "
    "share for new items cost. It takes seconds and continues if you leave this page."
)


def price_columns() -> dict[str, Any]:
    """How the points of a curve are shown."""
    return {
        "setting": col.NumberColumn(tr("Setting"), format="%.1f", pinned=True),
        "ndcg": col.NumberColumn("NDCG@10", format="%.4f"),
        "price": col.NumberColumn(tr("Change"), format="%+.4f"),
        "low": col.NumberColumn(trc("interval", "from"), format="%+.4f"),
        "high": col.NumberColumn(trc("interval", "to"), format="%+.4f"),
        "diversity": col.NumberColumn(
            tr("Diversity"),
            format="%.2f",
            help=tr("Mean cosine distance of item vectors within a list"),
        ),
        "new": col.NumberColumn(tr("New items"), format="%.1f %%"),
    }


def draw(engine: Engine) -> None:
    """The tab's content: what was measured, a form, and what is saved."""
    view = draw_measured(engine)
    draw_form(engine, view)
    draw_saved(engine)


def measuring(engine: Engine) -> Work[Any]:
    """The measurement, as background work."""
    from core.evaluate.strategies import measure_strategy

    return partial(measure_strategy, engine, loaders.library())


def draw_measured(engine: Engine) -> StrategyView | None:
    """Sentences and curves, or a button that measures them."""
    target = f"{engine.corpus.name} {engine.model_id}"
    job = jobs.find(KIND, target)
    if working.is_drawn(KIND, target, tr("Measuring gains and prices")):
        return None
    if job is None or job.result is None:
        notices.say(tr("Not measured yet."))
        notices.caution(tr(WAITING))
        working.offer(KIND, target, tr("Measure it"), measuring(engine))
        return None
    proposal, prices = job.result
    refit = str(proposal) if isinstance(proposal, DomainError) else proposal
    view = build_strategy(refit, prices)
    notices.say(view.weights_sentence)
    notices.say(view.price_sentence)
    curves = (
        (mark("Diversity"), view.diversity),
        (mark("Share for new items"), view.new_share),
    )
    places = st.columns(2, gap="medium") if view.diversity else ()
    for place, (setting, rows) in zip(places, curves, strict=False):
        with place:
            figure = price_figure(rows, setting, drawing.palette())
            said = joined(tr("{clauses}.", clauses=tr(setting)), view.price_sentence)
            drawing.chart(f"price_{setting}", figure, said, name=tr("Price"), is_said=False)
            with st.expander(tr("As a table")):
                drawing.table(table(rows, PriceRow.COLUMNS), said, price_columns(), height="auto")
    notices.caution(about_prices())
    if view.weights:
        with st.expander(tr("Weights, old and proposed")):
            columns = {
                "component": col.TextColumn(tr("Component")),
                "old": col.NumberColumn(tr("Now"), format="%+.3f"),
                "new": col.NumberColumn(tr("Refitted"), format="%+.3f"),
            }
            rows = table(view.weights, WeightRow.COLUMNS)
            drawing.table(rows, view.weights_sentence, columns, height="auto")
    return view


def draw_form(engine: Engine, view: StrategyView | None) -> None:
    """Settings and a name; what is saved is a recommender at once."""
    st.subheader(tr("Save a strategy"), anchor=False)
    answer = state.get(ANSWER)
    if isinstance(answer, DomainError):
        notices.show_error(answer)
    if not access.may_edit():
        notices.caution(tr("Saving a strategy: for editors."))
        return
    with st.form("strategy_form", border=False):
        with st.container(horizontal=True, gap="medium"):
            st.text_input(tr("Name"), key=NAME, max_chars=64, placeholder="diverse", width=220)
            st.slider(tr("Diversity"), 0.0, MOST_DIVERSITY, 0.0, 0.1, key=DIVERSE, width=220)
            most = round(100 * MOST_SHARE)
            st.slider(tr("Places for new items (%)"), 0, most, 0, 10, key=NEW, width=220)
        if view is not None and view.pool is not None:
            label = tr("Refitted weights (no significant gain); unticked: the model's own")
            if view.is_better:
                label = tr("Refitted weights; unticked: the model's own")
            st.checkbox(label, value=view.is_better, key=f"{WEIGHTS}_{engine.model_id}")
        st.text_input(tr("Why"), key=WHY, max_chars=500, placeholder=tr("for the log"), width=460)
        st.form_submit_button(tr("Save"), type="primary", on_click=save, args=(engine, view))


def save(engine: Engine, view: StrategyView | None) -> None:
    """Keep the form's settings; weights where the form had no box for them. For callbacks."""
    from core.evaluate.served import served_names

    name, library = str(state.get(NAME) or "").strip(), loaders.library()
    refitted = view.pool if view is not None else None
    pool = refitted if state.get(f"{WEIGHTS}_{engine.model_id}") else None
    try:
        known = loaders.strategy_store().named(engine.corpus.name, name)
        if refitted is None and known is not None and known.model_id == engine.model_id:
            pool = known.weights
        settings = Settings(int(state.get(NEW) or 0) / 100, float(state.get(DIVERSE) or 0))
        kept = save_strategy(
            *(library, engine.corpus.name, name, engine.model_id, settings, pool),
            str(state.get(WHY) or ""),
            taken=served_names(engine.corpus.name, library),
        )
    except DomainError as problem:
        state.put(ANSWER, problem)
        return
    state.put(ANSWER, (kept, _what_else(known, kept)))


def _what_else(known: Strategy | None, kept: Strategy) -> str:
    """What a save changed besides the form's settings."""
    if known is None:
        return ""
    if known.model_id != kept.model_id:
        before = tr("It adjusted the model {model} before.", model=known.model_id)
        if not known.weights or kept.weights:
            return before
        return joined(before, tr("Its refitted weights were that model's and are not kept."))
    if known.weights and not kept.weights:
        return tr("It has the model's own weights now, no longer refitted ones.")
    keeps = kept.weights is not None and kept.weights == known.weights
    return tr("It keeps its refitted weights.") if keeps else ""


def delete(corpus: str, name: str) -> None:
    """Take a strategy off the list. For callbacks."""
    try:
        delete_strategy(loaders.library(), corpus, name, "")
    except DomainError as problem:
        state.put(ANSWER, problem)
        return
    state.put(ANSWER, None)


def draw_saved(engine: Engine) -> None:
    """The corpus's strategies, and the way to use one of this model."""
    store = loaders.strategy_store()
    if problem := loaders.problem_of(store):
        notices.caution(problem)
    corpus = engine.corpus.name
    saved = store.strategies(corpus)
    if not saved:
        notices.caution(tr("No strategy is saved for this corpus. Without one the joint is used."))
        return
    answer = state.get(ANSWER)
    if isinstance(answer, tuple) and answer[0].name in {each.name for each in saved}:
        kept, more = answer
        name = notices.escape(kept.name)
        said = tr("Saved: {name}. It is a recommender on every page now.", name=name)
        st.markdown(f":material/check_circle: {joined(said, notices.escape(more))}")  # no sentence
    names = [each.name for each in saved]

    def remove(at: int) -> None:
        delete(corpus, names[at])

    columns = {
        "name": col.TextColumn(tr("Strategy")),
        "settings": col.TextColumn(tr("Settings")),
        "model": col.TextColumn(tr("Model")),
        "saved": col.DatetimeColumn(tr("Saved"), format=tr("D MMM YYYY HH:mm")),
        "who": col.TextColumn(tr("By")),
        "why": col.TextColumn(tr("Why")),
        "delete": drawing.buttons("", "strategy_delete", remove),
    }
    rows = table(strategy_rows(saved), StrategyRow.COLUMNS)
    if access.may_edit():
        rows["delete"] = tr("Delete")
    else:
        del columns["delete"]
    drawing.table(rows, tr("Saved strategies"), columns)
    draw_ways(engine, [each.name for each in saved if each.model_id == engine.model_id])


def draw_ways(engine: Engine, names: list[str]) -> None:
    """Links to Compare for the chosen user, each strategy beside the joint."""
    chosen = state.selection()
    if not names:
        notices.caution(tr("None of them adjusts the open model."))
        return
    if chosen.user_id is None:
        notices.caution(tr("Choose a user in the sidebar to see a strategy beside the joint."))
        return
    at = None if chosen.step is None else str(chosen.step)
    usual = engine.recommender().id
    with st.container(horizontal=True, gap="small"):
        for name in names:
            columns = (ColumnSpec(chosen.user_id, at, each) for each in (usual, name))
            label = tr("{name} beside the joint", name=name)
            drawing.link(drawing.COMPARE, label, **{COLUMNS: ";".join(map(str, columns))})
