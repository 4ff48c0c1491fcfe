"""What if this history were different?"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import streamlit as st
from pandas import DataFrame
from plotly.graph_objects import Figure

from core.domain import DomainError, History
from core.figures.report import as_html
from core.figures.style import CONFIG
from core.figures.what_if import fork_map, profiles_figure, sizes_figure
from core.scenario.capsule import make_capsule, replay
from core.scenario.edits import find_problems
from core.scenario.fork import Fork
from core.views import wording
from core.views.tables import as_csv
from core.views.what_if.build import (
    ForkView,
    MoveRow,
    ProfileRow,
    build_fork,
    build_lists,
    build_moves,
    build_profile,
    edits_table,
    lists_table,
    moves_table,
    paths_table,
    profile_table,
)
from core.views.what_if.history import (
    DATE,
    DELETE,
    ITEM,
    KIND,
    RATING,
    TEXT,
    Refused,
    TableRow,
    build_table,
    edits_of_cells,
    history_table,
    item_label,
    table_frame,
    try_edits,
    was_brought_back,
)
from core.views.what_if.sentences import CAUTION, edit_words, replay_words
from pages._shared import controls, drafting, history_forms, loaders, notices, sharing, state
from pages._shared import scenario_bar as bar
from pages._shared import whatif_sections as sections
from pages._shared.drafting import Draft

if TYPE_CHECKING:
    from core.engine import Engine

CHOSEN_ITEMS = 2_000
"""Above this many items one is typed into the table instead of chosen from a list."""
TABLE_HEIGHT = 386


def main() -> None:
    """Draw the page."""
    engine = notices.need_engine()
    chosen = state.selection()
    had, asked = state.get(drafting.DRAFT), state.get(state.SCENARIO)
    try:
        draft = drafting.settle(chosen)
    except DomainError as error:
        state.put(bar.ERROR, error)
        st.rerun()
    if state.get(state.SCENARIO) != asked:  # the address must not name what isn't shown
        st.rerun()
    if draft is None:
        st.title("What if this history were different?", anchor=False)
        bar.draw_error()
        notices.need_user(engine.corpus)
        return
    if draft is not had and draft.saved is not None and not draft.of(chosen):
        bar.follow(draft, draft.saved.capsule.recommender)
    loaders.expect_texts(engine)
    workbench(engine)


@st.fragment
def workbench(engine: Engine) -> None:
    """Everything on the page: a change of the table redraws this and nothing else."""
    with notices.guarded():  # Streamlit handles a fragment's exceptions before app.py could
        draw_workbench(engine)


def draw_workbench(engine: Engine) -> None:
    """The bar, the table with its forms, both lists, charts, and what follows from them."""
    draft = drafting.get()
    base = drafting.base_of(engine.corpus, draft)
    head = st.container(horizontal=True, vertical_alignment="center", gap="small")
    with head:
        st.title("What if this history were different?", anchor=False)
        st.space("stretch")
    recommender = bar.draw_bar(engine, draft)
    problems = find_problems(base, draft.edits, engine.corpus)
    if problems:
        draw_problems(engine, draft, base, problems)
        return
    fork = loaders.fork(engine, draft.user_id, len(base), draft.edits, recommender)
    rows = build_table(engine.corpus, fork.edited, draft.refused)
    draw_replay(engine, draft)
    left, right = st.columns([11, 9], gap="medium")
    with right:
        draw_lists(fork)
        causes = st.container()
    with left:
        draw_table(engine, draft, base, rows)
        history_forms.draw_forms(engine, draft, base, fork, rows)
    view, profile = build_fork(fork), build_profile(fork)
    charts = draw_figures(engine, view, profile)
    left, right = st.columns([11, 9], gap="medium")
    with left:
        chart(charts, "map", loaders.interest_map(engine).sentence)
    with right:
        chart(charts, "profile", "Grey: before. Violet: after. Shares of the interest model.")
        chart(charts, "sizes", wording.STEP_SIZE_UNIT)
    moves = build_moves(fork)
    with causes:
        draw_moves(moves)
    sections.draw_search(engine, base, recommender)
    sections.draw_comparison(engine, draft, fork)
    draw_tables(engine, draft, base, view, profile)
    with head:
        sharing.share(
            user=draft.user_id,
            time=draft.step,
            recommender=recommender,
            scenario=draft.saved.scenario_id if draft.saved else None,
        )
        edits = edits_table(engine.corpus, base, draft.edits)
        export(fork, draft, rows, moves, view, profile, edits, charts)


def draw_problems(
    engine: Engine, draft: Draft, base: History, problems: dict[int, DomainError]
) -> None:
    """Edits that don't fit the history as it is now, one by one."""
    with st.container(border=True, gap="xsmall"):
        st.markdown(
            f":material/error: **{wording.count(len(problems), 'edit')} can't be made on this "
            "history.** Nothing is lost: take them out, or go back to the time they were made for."
        )
        for number, problem in problems.items():
            said = edit_words(engine.corpus, base, draft.edits, number)
            st.text(f"{number}. {said}: {problem.what}. {problem.remedy}")
        st.button(
            "Leave these edits out",
            key="leave_out",
            on_click=leave_out,
            args=(problems,),
        )


def leave_out(problems: dict[int, DomainError]) -> None:
    """Go on without some edits; all of them are kept aside. For callbacks."""
    draft = drafting.get()
    drafting.put_aside(draft)
    state.put(drafting.DRAFT, draft.leave_out(problems))


def draw_replay(engine: Engine, draft: Draft) -> None:
    """Whether a capsule, or a scenario of another model or corpus, still gives its list."""
    capsule = draft.capsule
    if capsule is None or draft.edits != capsule.changes or draft.step != capsule.steps:
        return
    same = (engine.corpus.corpus_id, engine.model_id) == (capsule.corpus_id, capsule.model_id)
    if draft.saved is not None and same:
        return
    try:
        found = replay(engine, capsule)
    except DomainError as error:
        notices.show_error(error)
        return
    icon = ":material/check_circle:" if found.matches else ":material/warning:"
    name = "This scenario" if draft.saved else "The capsule"
    with st.container(border=True, gap="xsmall"):
        st.markdown(f"{icon} {notices.escape(replay_words(found, name))}")
        if found.differences:
            with st.expander("What differs"):
                st.dataframe(
                    DataFrame(
                        [
                            {"what": d.what, "saved": str(d.expected), "now": str(d.found)}
                            for d in found.differences
                        ]
                    ),
                    hide_index=True,
                )


def draw_table(engine: Engine, draft: Draft, base: History, rows: tuple[TableRow, ...]) -> None:
    """The history: every cell can be changed, the last row adds an event."""
    corpus = engine.corpus
    by_id = len(corpus.item_ids) <= CHOSEN_ITEMS
    key = f"history_{draft.table}"
    scale = corpus.manifest.rating_scale
    gone = sum(row.removed for row in rows)
    deleted = f", {gone} deleted" if gone else ""
    st.markdown(f"**History** · {wording.count(len(rows) - 1 - gone, 'event')}{deleted}")
    st.data_editor(
        table_frame(rows, by_id=by_id),
        key=key,
        hide_index=True,
        height=TABLE_HEIGHT,
        num_rows="fixed",
        placeholder="–",
        disabled=["step", "change"],
        on_change=change_cells,
        args=(engine, base, rows, key),
        alt=f"History of {draft.user_id}, {len(rows) - 1} events; each cell can be changed",
        column_order=("step", "change", ITEM, RATING, DELETE, TEXT, DATE, KIND),
        column_config={
            "step": st.column_config.TextColumn("#", width=40),
            "change": st.column_config.TextColumn("Change", width=88),
            ITEM: st.column_config.SelectboxColumn(
                "Item",
                options=corpus.item_ids,
                format_func=lambda item: item_label(corpus, str(item)),
                width=166,
            )
            if by_id
            else st.column_config.TextColumn("Item", width=166),
            KIND: st.column_config.SelectboxColumn("Kind", options=history_forms.KINDS, width=80),
            RATING: st.column_config.NumberColumn(
                "Rating",
                width=74,
                help=f"{scale[0]:g} to {scale[1]:g}" if scale else "This corpus has no ratings",
            ),
            TEXT: st.column_config.TextColumn("Text", width=220),
            DATE: st.column_config.DatetimeColumn(
                "Date (UTC)", format="YYYY-MM-DD HH:mm", timezone="UTC", width=140
            ),
            DELETE: st.column_config.CheckboxColumn("Delete", width=72),
        },
    )
    for one in draft.refused:
        name = next((row.name for row in rows if row.handle == one.handle), str(one.handle))
        said = f"{'New event' if one.handle == 'new' else name}: {one.problem.what}."
        remedy = f" {one.problem.remedy}." if one.problem.remedy else ""
        st.markdown(f":material/error: {notices.escape(said + remedy)}")


def change_cells(engine: Engine, base: History, rows: tuple[TableRow, ...], key: str) -> None:
    """Turn what was typed into edits; what can't be is said at its row. For callbacks."""
    typed: dict[int, dict[str, Any]] = (state.get(key) or {}).get("edited_rows", {})
    cells = {int(at): values for at, values in typed.items()}
    draft = drafting.get()
    for handle in was_brought_back(rows, cells):
        draft = draft.bring_back(handle)
    refused = []
    for handle, found in edits_of_cells(engine.corpus, rows, cells):
        if isinstance(found, DomainError):
            refused.append(Refused(handle, found))
            continue
        try:
            try_edits(base, draft.edits, found, engine.corpus)
        except DomainError as problem:
            refused.append(Refused(handle, problem))
        else:
            stays = all(edit.op in ("rate", "edit") for edit in found)
            draft = draft.with_edits(found, keep_table=stays)
    drafting.put(draft.with_refused(refused) if refused else draft)


def draw_lists(fork: Fork) -> None:
    """The list beside the original list, every move marked."""
    view = build_lists(fork)
    notices.say(view.sentence)
    st.dataframe(
        lists_table(view),
        hide_index=True,
        height="content",
        alt=f"Both lists by {view.recommender}. {view.sentence}",
        column_order=("rank", "before", "move", "after"),
        column_config={
            "rank": st.column_config.NumberColumn("#", width=30),
            "before": st.column_config.TextColumn("Before", width=128),
            "move": st.column_config.TextColumn("Move", width=74),
            "after": st.column_config.TextColumn("After", width=134),
        },
    )
    notices.caution(f"By {view.recommender}. {CAUTION}")


def draw_figures(
    engine: Engine, view: ForkView, profile: tuple[ProfileRow, ...]
) -> dict[str, tuple[str, Figure]]:
    """All charts with their sentences."""
    ink = controls.palette()
    behind, crowd = loaders.interest_map(engine), loaders.crowd(engine, ink.name)
    largest = max(profile, key=lambda row: abs(row.after - row.before))
    change = largest.after - largest.before
    profile_sentence = (
        f"The profile changes most in {largest.label}: {wording.points(change)} points."
        if abs(change) >= 0.005
        else "The interest profile stays as it is."
    )
    return {
        "map": (
            f"{view.sentence} {view.felt_sentence}".strip(),
            fork_map(behind, crowd, view, ink),
        ),
        "sizes": (view.sizes_sentence, sizes_figure(view, ink)),
        "profile": (profile_sentence, profiles_figure(profile, ink)),
    }


def chart(charts: dict[str, tuple[str, Figure]], name: str, below: str) -> None:
    """One chart under its sentence."""
    sentence, figure = charts[name]
    with st.container(gap="xxsmall"):
        notices.say(sentence)
        st.plotly_chart(
            figure, key=f"pick_{name}", theme=None, config=CONFIG, alt=f"{name}. {sentence}"
        )
        if below:
            notices.caution(below)


def draw_moves(moves: tuple[MoveRow, ...]) -> None:
    """What caused each move."""
    if not moves:
        return
    st.markdown("**Why did they move?**")
    st.dataframe(
        moves_table(moves),
        hide_index=True,
        height="content" if len(moves) <= 6 else 246,
        alt=f"Cause of each of {len(moves)} moves",
        column_order=("move", "item", "because", "value", "score_change"),
        column_config={
            "move": st.column_config.TextColumn("Move", width=78),
            "item": st.column_config.TextColumn("Item", width=130),
            "because": st.column_config.TextColumn("Most of it by", width=230),
            "value": st.column_config.NumberColumn("Its share", format="%+.2f", width=66),
            "score_change": st.column_config.NumberColumn("of Δ log p", format="%+.2f", width=74),
        },
    )
    notices.caution("The edit that changed most the item's lead over those it passed (Shapley).")


def draw_tables(
    engine: Engine, draft: Draft, base: History, view: ForkView, profile: tuple[ProfileRow, ...]
) -> None:
    """The table twins of all charts, and the edits in their order."""
    expander = st.expander("Edits, paths and profiles as tables", on_change="rerun", key="tables")
    if expander.open:
        with expander:
            for name, table in (
                ("Edits", edits_table(engine.corpus, base, draft.edits)),
                ("Paths", paths_table(view)),
                ("Profile", profile_table(profile)),
            ):
                st.markdown(f"**{name}**")
                st.dataframe(table, hide_index=True, alt=name)


def export(
    fork: Fork,
    draft: Draft,
    rows: tuple[TableRow, ...],
    moves: tuple[MoveRow, ...],
    view: ForkView,
    profile: tuple[ProfileRow, ...],
    edits: DataFrame,
    charts: dict[str, tuple[str, Figure]],
) -> None:
    """Everything to take away, made when asked for."""
    name = f"what-if-{draft.user_id}-{draft.step}"
    title = f"What if: {draft.name or 'a changed history'} of {draft.user_id}"
    ink = controls.palette()
    files: list[tuple[str, str, str, Callable[[], str]]] = [
        ("Report (HTML)", "report.html", "text/html", lambda: report(fork, draft.name)),
        ("Capsule (JSON)", "capsule.json", "application/json",
         lambda: make_capsule(fork, draft.name).to_text()),
        ("Lists (CSV)", "lists.csv", "text/csv", lambda: as_csv(lists_table(build_lists(fork)))),
        ("Moves (CSV)", "moves.csv", "text/csv", lambda: as_csv(moves_table(moves))),
        ("Edits (CSV)", "edits.csv", "text/csv", lambda: as_csv(edits)),
        ("History (CSV)", "history.csv", "text/csv", lambda: as_csv(history_table(rows))),
        ("Paths (CSV)", "paths.csv", "text/csv", lambda: as_csv(paths_table(view))),
        ("Profile (CSV)", "profile.csv", "text/csv", lambda: as_csv(profile_table(profile))),
        ("Charts (HTML)", "charts.html", "text/html",
         lambda: as_html(list(charts.values()), ink, title)),
    ]  # fmt: skip
    with st.popover("Export", icon=":material/download:"):
        for label, ending, mime, make in files:
            st.download_button(
                label,
                make,
                file_name=f"{name}-{ending}",
                mime=mime,
                on_click="ignore",
                width="stretch",
            )


def report(fork: Fork, name: str) -> str:
    """Both lists, their moves and what caused them, as one file to read without the app."""
    from core.figures.compare_report import fork_report

    return fork_report(fork, name, controls.palette())


if __name__ == "__main__":
    controls.run(main)
