"""Keep finding: a note about what is on the screen, with its address and a chart."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from urllib.parse import urlencode

import streamlit as st
from plotly.graph_objects import Figure

from core.domain import DomainError
from core.figures.notebook_report import picture
from core.language import mark, tr, trc
from core.notebook import LONGEST_NAME, Finding, Notebook, Seen
from pages._shared import drawing, loaders, notices, state
from pages._shared.state import ITEM, SCENARIO

NOTEBOOK = "pages/notebook.py"
ANSWER = "keep_answer"
"""What became of the last click: the finding, or why it could not be kept."""
NONE = mark("No chart")
Offered = Mapping[str, tuple[str, Figure | Callable[[], Figure]]]
"""Charts by name, each with its sentence, and the figure or what draws it."""


def notebook() -> Notebook:
    """The notebook of the library."""
    return Notebook.open(loaders.library())


def keep(charts: Offered, about: str = "", /, **values: str | int | None) -> None:
    """A menu that keeps a finding; ``about`` is what is suggested as its name.

    ``values`` belong to the address, as for Share; the first chart is the suggested one.
    """
    query = state.link(**values)
    address = urlencode(query)
    place = hashlib.blake2b(address.encode(), digest_size=6).hexdigest()
    suggested = about or next((sentence for sentence, _ in charts.values()), "")
    with st.popover(tr("Keep finding"), icon=":material/bookmark_add:", key="keep_popover"):
        answer = state.get(ANSWER)
        if isinstance(answer, DomainError):
            notices.show_error(answer)
        elif isinstance(answer, Finding) and answer.seen.query == address:
            kept = tr("Kept: {name}", name=notices.escape(answer.name))
            st.markdown(f":material/check_circle: {kept}")  # no sentence
            st.page_link(NOTEBOOK, label=tr("Open the notebook"), icon=":material/bookmarks:")
        with st.form(f"keep_{place}", border=False):
            st.text_input(
                tr("Finding"),
                suggested[:LONGEST_NAME],
                key=f"keep_name_{place}",
                max_chars=LONGEST_NAME,
            )
            st.text_area(tr("Notes"), key=f"keep_notes_{place}", height=90)
            names, key = [*charts, NONE], f"keep_chart_{place}"
            st.selectbox(tr("Chart"), names, key=key, format_func=called)
            st.form_submit_button(
                tr("Keep"), type="primary", on_click=keep_it, args=(place, address, charts)
            )


def called(chart: str) -> str:
    """What a chart is called, by its name."""
    labels = {
        NONE: tr(NONE),
        "events": trc("chart", "Events"),
        "age": tr("Age"),
        "calibration": tr("Calibration"),
        "cohorts": tr("Cohorts"),
        "flow": tr("Flow"),
        "kinds": tr("Kinds"),
        "lists": tr("Lists"),
        "map": tr("Map"),
        "opinions": tr("Opinions"),
        "periods": tr("Periods"),
        "profile": tr("Profile"),
        "profiles": tr("Profiles"),
        "quality": tr("Quality"),
        "ranks": tr("Ranks"),
        "recommenders": tr("Recommenders"),
        "sizes": tr("Sizes"),
        "step_sizes": tr("Step sizes"),
        "topics": tr("Topics"),
        "traffic": tr("Traffic"),
        "waterfall": tr("Waterfall"),
        "what_if": tr("What if"),
    }
    return labels.get(chart) or chart.replace("_", " ").capitalize()


def keep_it(place: str, address: str, charts: Offered) -> None:
    """Save what the menu holds. For callbacks."""
    chart = state.get(f"keep_chart_{place}")
    sentence, figure = charts.get(chart, ("", None))
    try:
        finding = Finding(
            state.get(f"keep_name_{place}") or "",
            seen_now(address, sentence),
            state.get(f"keep_notes_{place}") or "",
        )
        drawn = figure() if callable(figure) else figure
        kept = notebook().keep(finding, picture(drawn, drawing.palette()) if drawn else "")
    except DomainError as error:
        state.put(ANSWER, error)
        return
    state.put(ANSWER, kept)


def seen_now(address: str, sentence: str) -> Seen:
    """What is on the screen, as the notebook keeps it."""
    chosen, (page, title) = state.selection(), state.get(state.PAGE)
    manifest = loaders.library().manifest(chosen.corpus) if chosen.corpus else None
    item = str(state.get(ITEM) or "") if chosen.user_id else ""
    corpus = loaders.corpus(chosen.corpus) if chosen.corpus else None
    is_known = corpus is not None and item in corpus.item_index
    return Seen(
        page=page,
        title=title,
        query=address,
        corpus=chosen.corpus or "",
        corpus_id=manifest.corpus_id if manifest else "",
        model_id=chosen.model_id or "",
        user_id=chosen.user_id or "",
        step=chosen.step,
        item_id=item,
        item=corpus.title(item) if corpus is not None and is_known else "",
        recommender=chosen.recommender or "",
        scenario=scenario_name(),
        sentence=sentence,
    )


def scenario_name() -> str:
    """The open scenario's name; its id where it can't be read."""
    scenario_id = str(state.get(SCENARIO) or "")
    try:
        return loaders.scenario_store().load(scenario_id).name if scenario_id else ""
    except DomainError:
        return scenario_id
