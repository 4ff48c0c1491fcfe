"""What was found, where, and how to get there again?"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import streamlit as st
from plotly.graph_objects import Figure

from core.domain import DomainError
from core.figures.notebook_report import draw_again, notebook_report
from core.language import mark, tr, trc
from core.notebook import LONGEST_NAME, Finding, search
from core.revisions import Conflict
from core.views import notebook as words
from core.views.wording import count
from pages._shared import controls, drawing, in_turn, keeping, loaders, notices, sharing, state
from pages._shared.state import FINDINGS_OF as SCOPE
from pages._shared.state import FINDINGS_PAGE as PAGE
from pages._shared.state import FINDINGS_QUERY as QUERY

EDITED, GONE, ERROR = "notebook_edited", "notebook_gone", "notebook_error"
SCOPES = {(ALL := "all"): mark("All corpora"), (THIS := "this"): mark("This corpus")}
PER_PAGE = 6


@st.fragment
def main() -> None:
    """Everything on the page: typing in the search redraws this and nothing else."""
    state.publish_again()
    # Streamlit handles a fragment's exceptions before app.py could
    with notices.guarded(), in_turn.drawn_alone():
        draw_notebook()


def draw_notebook() -> None:
    head = drawing.head(tr("What was found?"))
    corpus = state.selection().corpus
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        query = st.text_input(
            tr("Search"), key=QUERY, live=True, placeholder=tr("Words, user, item"), width=390
        )
        scope = drawing.choose(trc("findings", "Of"), SCOPE, SCOPES) if corpus else ALL
    store, only = keeping.notebook(), corpus if scope == THIS else None
    findings = store.entries(only)
    found = search(findings, query or "")
    if problem := loaders.problem_of(store):
        notices.caution(problem)
    draw_error()
    draw_undo()
    if not findings:
        notices.empty(
            tr("The notebook is empty"),
            tr(
                "Keep finding, at the top of every page with charts, puts a note here with the "
                "page's address and its chart."
            ),
            page="pages/overview.py",
            label=tr("Overview"),
        )
        return
    if query:
        n = count(len(found), "finding")
        st.text(tr("{findings} of {n}", findings=n, n=len(findings)))
    else:
        st.text(words.summary(found))
    if found:
        with head:
            export(found)
        pages = -(-len(found) // PER_PAGE)
        page = st.pagination(pages, key=PAGE) if pages > 1 else 1
        for finding in found[(page - 1) * PER_PAGE : page * PER_PAGE]:
            draw(finding)


def draw(finding: Finding) -> None:
    """One finding: its words, where it comes from, its chart, and what can be done with it."""
    key = finding.finding_id
    with st.container(border=True, gap="xsmall", key=f"finding_{key}"):
        if state.get(EDITED) == finding.finding_id:
            draw_form(finding)
        else:
            st.subheader(notices.escape(finding.name), anchor=False)
            if finding.notes:
                st.text(finding.notes)
        content, models = words.content(finding, loaders.library().corpora()), models_of(finding)
        about = words.facts(finding), words.kept(finding), finding.owner, content
        outdated = words.model_words(finding, models)
        notices.caution(" · ".join(filter(None, (*about, outdated))))
        figure = figure_of(finding)
        if figure is not None:
            sentence = words.said(finding)
            named = finding.name if sentence else ""
            alt = sentence or finding.name
            drawing.chart(f"chart_{key}", figure, alt, name=named, is_said=bool(sentence))
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            script = Path(__file__).with_name(f"{finding.seen.page or 'overview'}.py")
            if script.is_file():
                title, query = notices.escape(tr(finding.seen.title)), words.query_of(finding)
                draw_link(script, tr("Open {page}", page=title), query)
                if outdated and models:
                    newest = {**query, state.MODEL: models[0]}
                    draw_link(script, tr("Open {page} with the newest model", page=title), newest)
            drawing.button(tr("Edit"), f"edit_{key}", state.put, EDITED, key, icon="edit")
            drawing.button(tr("Delete"), f"delete_{key}", delete, finding, icon="delete")


def draw_link(script: Path, label: str, query: dict[str, str]) -> None:
    st.page_link(f"pages/{script.name}", label=label, icon=drawing.FORWARD, query_params=query)


def models_of(finding: Finding) -> list[str]:
    """Ids of its corpus's models, the newest first."""
    with suppress(DomainError):
        return [folder.name for folder in loaders.library().model_folders(finding.seen.corpus)]
    return []


def figure_of(finding: Finding) -> Figure | None:
    """Its chart; None where it was kept without one, or it can't be read, which is said."""
    with notices.guarded():
        return kept_figure(finding)
    return None


@loaders.kept(4 * PER_PAGE)
def kept_figure(finding: Finding) -> Figure | None:
    drawn = keeping.notebook().figure(finding)
    return draw_again(drawn) if drawn else None


def draw_form(finding: Finding) -> None:
    key = finding.finding_id
    with st.form(f"form_{key}", border=False):
        st.text_input(tr("Finding"), finding.name, key=f"name_{key}", max_chars=LONGEST_NAME)
        st.text_area(tr("Notes"), finding.notes, key=f"notes_{key}")
        with st.container(horizontal=True, gap="small"):
            st.form_submit_button(tr("Save"), type="primary", on_click=save, args=(finding,))
            st.form_submit_button(tr("Cancel"), on_click=close)


def save(finding: Finding) -> None:
    """Save what the form holds. For callbacks."""
    key = finding.finding_id
    mine = replace(
        finding, name=state.get(f"name_{key}") or "", notes=state.get(f"notes_{key}") or ""
    )
    write(mine)


def write(finding: Finding) -> None:
    """Save a finding and close its form, or keep what went wrong. For callbacks."""
    try:
        keeping.notebook().save(finding)
    except DomainError as error:
        state.put(ERROR, error)
        return
    close()


def delete(finding: Finding) -> None:
    """Take a finding off the list; it can be brought back. For callbacks."""
    try:
        state.put(GONE, keeping.notebook().delete(finding))
        close()
    except DomainError as error:
        state.put(ERROR, error)


def close() -> None:
    """Close the form and forget what went wrong. For callbacks."""
    state.put(EDITED, None)
    state.put(ERROR, None)


def bring_back(finding: Finding) -> None:
    """Undo a delete. For callbacks."""
    state.put(GONE, None)
    write(replace(finding, deleted=False))


def draw_undo() -> None:
    gone = state.get(GONE)
    if isinstance(gone, Finding):
        with st.container(horizontal=True, gap="small", vertical_alignment="center"):
            st.text(tr("Deleted: {name}", name=gone.name))
            drawing.button(tr("Undo"), "undo_delete", bring_back, gone, icon="undo")


def draw_error() -> None:
    """Why the last click did nothing; a conflict offers both versions."""
    error = state.get(ERROR)
    if not isinstance(error, DomainError):
        return
    notices.show_error(error)
    if isinstance(error, Conflict):
        copy = replace(error.mine, finding_id="", revision=0, saved=None, deleted=False, owner="")
        with st.container(horizontal=True, gap="small"):
            drawing.button(tr("Keep mine as a copy"), "keep_mine", write, copy, type="primary")
            drawing.button(tr("Take theirs"), "take_theirs", close)


def export(found: list[Finding]) -> None:
    """The findings that are listed, as one file to read without the app."""
    base = (st.context.url or "").split("?")[0].rpartition("/")[0]

    def report() -> str:
        figures = {each.finding_id: figure_of(each) for each in found}
        charts = {key: figure for key, figure in figures.items() if figure is not None}
        return notebook_report(found, charts, base, drawing.palette())

    files: dict[str, sharing.File] = {
        tr("Report (HTML)"): (".html", report),
        tr("Report (Markdown)"): (".md", lambda: words.markdown(found, base)),
    }
    sharing.export("findings", files)


if __name__ == "__main__":
    controls.run(main)
