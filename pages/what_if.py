"""What if this history were different?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st
from pandas import DataFrame
from streamlit import column_config as col

from core.compare.columns import ColumnSpec
from core.compare.fork import Fork
from core.compare.models import standing
from core.compare.replay import make_capsule, replay, say_difference
from core.corpus.corpus import Corpus
from core.domain import DomainError, EventKind, History
from core.engine import Engine
from core.figures import chosen
from core.figures.compare_report import fork_report
from core.figures.what_if import EDITED, ORIGINAL, fork_map, profiles_figure, sizes_figure
from core.language import mark, tr, trc
from core.scenario.capsule import Capsule
from core.scenario.draft import Draft, Refused
from core.scenario.edits import find_problems
from core.views import wording
from core.views.compare.build import moves_table, trust_sentence
from core.views.tables import table
from core.views.what_if import build as views
from core.views.what_if import history_table as history
from core.views.what_if.edits import edit_words
from core.views.what_if.sentences import CAUTION, lists_sentence, replay_words
from pages._shared import (
    controls,
    drawing,
    in_turn,
    keeping,
    loaders,
    notices,
    screen,
    sharing,
    state,
)
from pages._shared.drawing import Charts
from pages._what_if import bar, drafting, forms, sections

TITLE = mark("What if this history were different?")
CHOSEN_ITEMS = 2_000
"""Above this many items one is typed into the table instead of chosen from a list."""
TABLE_HEIGHT = 318
RING = mark("Ring: the chosen event or item.")
CHARTS = {"map": mark("map"), "sizes": mark("sizes"), "profile": mark("profile")}
"""What begins the charts' text alternatives, and names them among findings."""
FILES = {
    "lists": mark("Lists (CSV)"),
    "moves": mark("Moves (CSV)"),
    "edits": mark("Edits (CSV)"),
    "history": mark("History (CSV)"),
    "paths": mark("Paths (CSV)"),
    "profile": mark("Profile (CSV)"),
}
"""The tables by the end of their files' names, each with what the menu says."""
SHOWN = {"edits": mark("Edits"), "paths": mark("Paths"), "profile": mark("Profile")}
"""Those that the page shows too."""
LISTS = 0.6
"""Share of the page that both lists have beside the forms, where their titles fit in it."""
RANK, MOVE, WHY = 30, 62, 56
"""Pixels of the lists' narrow columns."""
SAMPLE = 200
"""Titles that say how wide those of a corpus are."""
Rows = tuple[history.TableRow, ...]
Profile = tuple[views.ProfileRow, ...]
Tables = dict[str, Callable[[], DataFrame]]


def main() -> None:
    engine = notices.need_engine()
    selected = state.selection()
    draft_before = state.get(drafting.DRAFT)
    try:
        draft = drafting.settle(selected)
    except DomainError as error:
        state.put(bar.ERROR, error)
        st.rerun()
    if draft is None:
        drawing.head(tr(TITLE))
        bar.draw_error()
        notices.offer_users(engine.corpus)
        return
    if draft is not draft_before and draft.saved is not None:
        follow(draft, draft.saved.capsule.recommender)
    loaders.expect_texts(engine)
    workbench(engine, selected.recommender or engine.recommender().id)


def follow(draft: Draft, recommender: str) -> None:
    """Open the page anew where the URL's scenario is about another user, time or recommender."""
    selected = state.selection()
    if state.is_asked(state.RECOMMENDER):
        recommender = selected.recommender or recommender
    shown = (selected.corpus, selected.user_id, selected.step, selected.recommender)
    if shown != (draft.corpus, draft.user_id, draft.step, recommender):
        controls.open_page(drawing.WHAT_IF, **bar.where(draft, recommender))


@st.fragment
def workbench(engine: Engine, recommender: str) -> None:
    """Everything on the page: a change of the table redraws this and nothing else."""
    # Streamlit handles a fragment's exceptions before app.py could
    with notices.guarded(), in_turn.drawn_alone():
        draw_workbench(engine, recommender)


def draw_workbench(engine: Engine, recommender: str) -> None:
    """The bar, the table with its forms, both lists, charts, and what follows from them."""
    state.publish_again()
    draft = drafting.get()
    base = draft.base(engine.corpus)
    head = drawing.head(tr(TITLE))
    bar.draw_bar(engine, draft, recommender)
    problems = find_problems(base, draft.edits, engine.corpus)
    if problems:
        draw_problems(engine, draft, base, problems)
        return
    fork = loaders.fork(engine, draft.user_id, len(base), draft.edits, recommender)
    feelings = fork.path_before.sentiment, fork.path_after.sentiment
    rows = history.build_table(engine.corpus, fork.edited, draft.refused, feelings)
    draw_replay(engine, draft)
    draw_table(engine, draft, base, rows)
    share = share_of_lists(engine.corpus)
    left, right = st.columns([share, 1 - share], gap="medium") if share < 1 else st.columns(1) * 2
    with left:
        draw_lists(fork, share)
    with right:
        forms.draw_forms(engine, draft, base, fork, rows)
    view, profile = views.build_fork(fork), views.build_profile(fork)
    causes = st.container()
    moves = moves_table(fork, fork.moves())
    charts = draw_figures(engine, view, profile)
    left, right = st.columns([11, 9], gap="medium")
    with left:
        chart(charts, "map", wording.joined(loaders.interest_map(engine).sentence, tr(RING)))
    with right:
        about_profile = tr("Grey: before. Violet: after. Shares of the interest model.")
        chart(charts, "profile", about_profile)
        chart(charts, "sizes", tr(wording.STEP_SIZE_UNIT))
    with causes:
        draw_moves(fork, moves)
    sections.draw_search(engine, base, recommender)
    sections.draw_comparison(engine, draft, fork)
    sections.draw_patterns(engine, draft)
    tables: Tables = {
        "lists": lambda: views.lists_table(fork),
        "moves": lambda: moves,
        "edits": lambda: views.edits_table(engine.corpus, base, draft.edits),
        "history": lambda: history.history_table(rows),
        "paths": lambda: views.paths_table(view),
        "profile": lambda: table(profile, views.ProfileRow.COLUMNS),
    }
    draw_tables(tables)
    with head:
        about: dict[str, str | int | None] = {"user": draft.user_id, "time": draft.step}
        sharing.share(**about)
        keeping.keep(charts, **about)
        export(fork, draft, tables, charts)


def draw_problems(
    engine: Engine, draft: Draft, base: History, problems: dict[int, DomainError]
) -> None:
    with st.container(border=True, gap="xsmall"):
        edits = wording.count(len(problems), "edit")
        said = tr(
            "**{edits} can't be applied to this history.** Nothing is lost: leave them out, or go "
            "back to the time they were made for.",
            edits=edits,
        )
        st.markdown(f":material/error: {said}")  # no sentence
        for number, problem in problems.items():
            edit = edit_words(engine.corpus, base, draft.edits, number)
            what = tr("{edit}: {problem}.", edit=edit, problem=problem.what)
            said = tr("{first} {then}", first=what, then=problem.remedy)
            st.text(f"{number}. {said}")
        drawing.button(tr("Leave these edits out"), "leave_out", leave_out, problems)


def leave_out(problems: dict[int, DomainError]) -> None:
    """Go on without some edits; all of them are kept aside. For callbacks."""
    draft = drafting.get()
    drafting.put_aside(draft)
    drafting.show(draft.leave_out(problems))


def draw_replay(engine: Engine, draft: Draft) -> None:
    """Whether a capsule, or a scenario of another model or corpus, still gives its list."""
    capsule = draft.capsule
    if capsule is None or draft.edits != capsule.changes or draft.step != capsule.steps:
        return
    same = (engine.corpus.corpus_id, engine.model_id) == (capsule.corpus_id, capsule.model_id)
    if draft.saved is not None and same:
        return
    with notices.guarded(), st.container(border=True, gap="xsmall"):
        again = replay(engine, capsule)
        icon = ":material/check_circle:" if again.matches else ":material/warning:"
        name = tr("This scenario") if draft.saved else tr("The capsule")
        saved = draft.saved.saved if draft.saved else None
        st.markdown(f"{icon} {notices.escape(replay_words(again, name, saved))}")
        if again.is_of_other_model:
            draw_own_model(engine, draft, capsule)
        if again.differences:
            rows = [
                (say_difference(row.what), str(row.expected), str(row.found))
                for row in again.differences
            ]
            frame = DataFrame(rows, columns=["what", "saved", "now"])
            with st.expander(tr("What differs")):
                drawing.table(frame, tr("What differs"), height="auto")


def draw_own_model(engine: Engine, draft: Draft, capsule: Capsule) -> None:
    """The ways to the model that a scenario was made with, as far as it is there."""
    corpus, model = engine.corpus, capsule.model_id
    can = standing(loaders.library(), corpus.manifest, model)
    if can == "gone":
        said = tr("Model {model} is not in this library any more.", model=model[:8])
        notices.caution(said)
        return
    about = (capsule.user, str(capsule.steps), capsule.recommender, draft.scenario_id)
    edits = state.get(state.EDITS) if draft.saved is None else None
    specs = [ColumnSpec(*about, edits, which) for which in (model, None)]
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if can == "opens":
            drawing.link(drawing.WHAT_IF, tr("Open with its own model"), model=model)
        else:
            notices.caution(tr("Its model is of earlier content, so it can only be compared."))
        columns = ";".join(map(str, specs))
        drawing.link(drawing.COMPARE, tr("Why? Compare both models"), columns=columns)


def draw_table(engine: Engine, draft: Draft, base: History, rows: Rows) -> None:
    """The history: every cell can be changed, the first row adds an event."""
    corpus = engine.corpus
    by_id = len(corpus.item_ids) <= CHOSEN_ITEMS
    key = f"history_{draft.table}"
    scale = corpus.manifest.rating_scale
    deleted = sum(row.removed for row in rows)
    events = wording.count(len(rows) - 1 - deleted, "event")
    if deleted:
        events = tr("{events}, {n} deleted", events=events, n=deleted)
    title = tr("History")
    st.markdown(f"**{title}** · {events}")
    item = col.TextColumn(tr("Item"))
    if by_id:
        deleted_ids = sorted({history.struck(row.item_id) for row in rows if row.removed})
        item = col.SelectboxColumn(
            tr("Item"),
            options=[*corpus.item_ids, *deleted_ids],
            format_func=lambda item: item_words(corpus, str(item)),
        )
    columns = {
        "step": col.TextColumn("#", width=40),
        history.DELETE: col.CheckboxColumn("✕", width=44, help=tr("Delete the event")),
        history.ITEM: item,
        history.KIND: col.SelectboxColumn(
            tr("Kind"),
            options=[kind.value for kind in corpus.manifest.known_kinds],
            format_func=kind_words,
            width=80,
        ),
        history.RATING: col.NumberColumn(
            tr("Rating"),
            width=72,
            help=tr("{low:g} to {high:g}", low=scale[0], high=scale[1])
            if scale
            else tr("This corpus has no ratings"),
        ),
        history.DATE: col.DatetimeColumn(
            tr("Date (UTC)"), format="YYYY-MM-DD HH:mm", timezone="UTC", width=128
        ),
        history.TEXT: col.TextColumn(tr("Text")),
        "sentiment": col.TextColumn(
            tr("Sentiment"),
            width=96,
            help=tr("What the model reads from the text, \u22121 to +1"),
        ),
        "change": col.TextColumn(trc("edits", "Change"), width=84),
    }
    if corpus.manifest.order_as_time:
        del columns[history.DATE]
    columns = drawing.fit(columns, screen.room(), {history.ITEM: None, history.TEXT: None})
    frame = history.table_frame(rows, by_id=by_id)
    is_chosen = [
        row.handle == state.get(state.EVENT) or row.item_id == state.get(state.ITEM) for row in rows
    ]
    frame["step"] = frame["step"].mask(is_chosen, "● " + frame["step"])
    st.data_editor(
        frame,
        key=key,
        hide_index=True,
        height=TABLE_HEIGHT,
        num_rows="fixed",
        placeholder="–",
        disabled=["step", "sentiment", "change"],
        on_change=change_cells,
        args=(engine, base, rows, key),
        alt=tr(
            "History of {user}, {n} events; each cell can be changed",
            user=draft.user_id,
            n=len(rows) - 1,
        ),
        column_order=tuple(columns),
        column_config=columns,
    )
    names = {row.handle: row.name for row in rows} | {history.NEW: tr("New event")}
    for refused in draft.refused:
        if not refused.at_form:
            notices.wrong(refused.problem, names.get(refused.handle, str(refused.handle)))


def kind_words(kind: object) -> str:
    """A kind of event in the reader's language."""
    return tr(wording.KIND_WORDS[EventKind(str(kind))])


def item_words(corpus: Corpus, item: str) -> str:
    """An item in the table's list to choose from; that of a deleted event struck out."""
    item_id = history.unstruck(item)
    if item != item_id and item not in corpus.item_index:
        return history.struck(corpus.title(item_id))
    return history.item_label(corpus, item)


def change_cells(engine: Engine, base: History, rows: Rows, key: str) -> None:
    """Turn what was typed into edits; what can't be is said at its row. For callbacks."""
    typed: dict[int, dict[str, Any]] = (state.get(key) or {}).get("edited_rows", {})
    cells = {int(at): values for at, values in typed.items()}
    draft = drafting.get()
    for handle in history.was_brought_back(rows, cells):
        draft = draft.bring_back(handle)
    refused = []
    for handle, edits in history.edits_of_cells(engine.corpus, rows, cells):
        if isinstance(edits, DomainError):
            refused.append(Refused(handle, edits))
            continue
        try:
            history.try_edits(base, draft.edits, edits, engine.corpus)
        except DomainError as problem:
            refused.append(Refused(handle, problem))
        else:
            stays = all(edit.op in ("rate", "edit") for edit in edits)
            draft = draft.with_edits(edits, keep_table=stays)
    drafting.put(draft.with_refused(refused) if refused else draft)


def share_of_lists(corpus: Corpus) -> float:
    """Both lists leave room for the forms beside them unless that would cut most titles.

    By the corpus's titles, not by those listed: an edit must not move the forms.
    """
    ids = corpus.item_ids[:: max(len(corpus.item_ids) // SAMPLE, 1)]
    needs = sorted(drawing.need([corpus.title(item)]) for item in ids)
    free = screen.room(LISTS) - RANK - MOVE - WHY - drawing.MARK
    return LISTS if screen.is_narrow() or 2 * needs[len(needs) * 9 // 10] <= free else 1.0


def draw_lists(fork: Fork, share: float) -> None:
    """Both lists rank by rank, on a ``share`` of the page."""
    sentence, by = lists_sentence(fork), controls.recommender_label(fork.recommender.id)
    notices.say(sentence)
    frame = views.lists_table(fork)

    def explain(row: int) -> None:
        controls.open_page(drawing.EXPLAIN, item=frame["after_id"][row], time=state.get(state.TIME))

    drawing.table(
        frame.assign(explain=tr("Why?")),
        wording.joined(tr("Both lists by {by}.", by=by), sentence),
        {
            "rank": col.NumberColumn("#", width=RANK),
            "before": col.TextColumn(trc("edits", "Before")),
            "after": col.TextColumn(trc("edits", "After")),
            "move": col.TextColumn(tr("Move"), width=MOVE),
            "explain": drawing.buttons("", "explain_after", explain, width=WHY),
        },
        marked=list((frame[["before_id", "after_id"]] == state.get(state.ITEM)).any(axis=1)),
        grows=("before", "after"),
        room=screen.room(share),
    )
    notices.caution(wording.joined(tr("By {by}.", by=by), tr(CAUTION)))


def draw_figures(engine: Engine, view: views.ForkView, profile: Profile) -> Charts:
    ink = drawing.palette()
    behind, crowd = loaders.interest_map(engine), loaders.crowd(engine, ink.name)
    largest = max(profile, key=lambda row: abs(row.change))
    profile_sentence = (
        tr(
            "The profile changes most in {topic}: {change} points.",
            topic=largest.label,
            change=wording.points(largest.change),
        )
        if abs(largest.change) >= 0.005
        else tr("The interest profile does not change.")
    )
    both, sizes = fork_map(behind, crowd, view, ink), sizes_figure(view, ink)
    event, item = state.get(state.EVENT), state.get(state.ITEM)
    for figure, kind in ((both, " states"), (sizes, "")):
        traces = [f"{path}{kind}" for path in (ORIGINAL, EDITED)]
        chosen.mark(
            figure,
            traces,
            lambda mark: event == mark[0] or item == mark[1],
            ink,
            "",
        )
    return {
        "map": (wording.joined(view.sentence, view.effect_sentence), both),
        "sizes": (view.sizes_sentence, sizes),
        "profile": (profile_sentence, profiles_figure(profile, ink)),
    }


def chart(charts: Charts, name: str, below: str) -> None:
    sentence, figure = charts[name]
    called = tr(CHARTS[name])
    drawing.chart(f"pick_{name}", figure, sentence, name=called, below=below, has_tools=True)


def draw_moves(fork: Fork, moves: DataFrame) -> None:
    if moves.empty:
        return
    title = tr("Why did they move?")
    st.markdown(f"**{title}**")
    drawing.table(
        moves,
        tr("Cause of each of {n} moves", n=len(moves)),
        {
            "move": col.TextColumn(tr("Move"), width=78),
            "item": col.TextColumn(tr("Item")),
            "cause": col.TextColumn(tr("Main cause")),
            "contribution": col.NumberColumn(tr("Contribution"), format="%+.2f", width=104),
            "change": col.NumberColumn("Δ log p", format="%+.2f", width=74),
        },
        height="content" if len(moves) <= 6 else 246,
        marked=list(moves["item_id"] == state.get(state.ITEM)),
        grows=("item", "cause"),
        room=screen.room(),
    )
    cause = tr(
        "Main cause: the edit with the largest Shapley contribution (nats) to the item's margin "
        "over the items it passed."
    )
    notices.caution(wording.joined(cause, trust_sentence(fork)))


def draw_tables(tables: Tables) -> None:
    label = tr("Edits, paths and profiles as tables")
    expander = st.expander(label, on_change="rerun", key="tables")
    if expander.open:
        with expander:
            for key, name in SHOWN.items():
                st.markdown(f"**{tr(name)}**")
                drawing.table(tables[key](), tr(name), height="auto")


def export(fork: Fork, draft: Draft, tables: Tables, charts: Charts) -> None:
    ink = drawing.palette()
    name = draft.name or tr("a changed history")
    title = tr("What if: {name} of {user}", name=name, user=draft.user_id)
    files: dict[str, sharing.File] = {
        tr("Report (HTML)"): ("-report.html", lambda: fork_report(fork, draft.name, ink)),
        tr("Capsule (JSON)"): ("-capsule.json", lambda: make_capsule(fork, draft.name).to_text()),
    }
    for key, label in FILES.items():
        files[tr(label)] = f"-{key}.csv", tables[key]
    files[tr("Charts (HTML)")] = sharing.charts(list(charts.values()), title, "-charts.html")
    sharing.export(f"what-if-{draft.user_id}-{draft.step}", files)


if __name__ == "__main__":
    controls.run(main)
