"""How did the list change between times, recommenders, users or scenarios, and why?"""

from __future__ import annotations

from typing import Any

import streamlit as st
from streamlit import column_config as col

from core.compare.causes import Move
from core.compare.columns import FEWEST
from core.compare.comparison import Comparison
from core.figures.compare import changes_figure, flow_figure, overlap_figure, profiles_figure
from core.figures.compare_report import comparison_report
from core.figures.report import as_html
from core.language import mark, tr, trc
from core.views.compare import sentences as words
from core.views.compare.build import (
    ColumnView,
    CompareView,
    change_bars,
    lists_table,
    models_sentence,
    moves_table,
    overlap_table,
    profiles_table,
    trust_sentence,
    with_names,
)
from core.views.what_if.sentences import model_notes
from core.views.wording import joined
from pages._compare import choosing
from pages._compare.choosing import Choice
from pages._shared import (
    controls,
    drawing,
    judging,
    keeping,
    loaders,
    notices,
    screen,
    sharing,
    state,
    turnover,
)
from pages._shared.drawing import EXPLAIN, TIMELINE
from pages._shared.state import COLUMNS, EVENT, ITEM, RECOMMENDER, TIME, USER

MEASURES = (("jaccard", "Jaccard"), ("rbo", "RBO"), ("kendall", "Kendall"))  # no sentence
TITLE = mark("How did the list change, and why?")
FLOW, CHANGES = "pick_flow", "pick_changes"
FOLLOW, PAIR = "compare_follow", "compare_pair"
About = dict[str, str | int | None]


def main() -> None:
    head = drawing.head(tr(TITLE))
    moment = notices.need_user()
    engine = moment.engine
    choice = choosing.choose(moment)
    if choice.missing is not None:
        notices.empty(*choice.missing)
        return
    choosing.draw_columns(engine, choice)
    comparison, view = loaders.comparing(engine, choice.columns, choice.k)
    shown = {column.recommender for column in view.columns}
    for caution in judging.cautions_of_lists(engine.corpus.name, shown):
        notices.caution(caution)
    for note in model_notes(comparison):
        notices.caution(note)
    picked = picked_item(view)
    draw_flow(view, picked)
    if picked is not None:
        draw_item(comparison, view, picked)
    draw_moves(comparison, view)
    draw_overlap(view)
    draw_profiles(view)
    turnover.draw(engine, moment.user_id, moment.recommender)
    draw_lists(view)
    with head:
        about: About = {
            ITEM: state.get(ITEM),
            COLUMNS: choosing.address(choice.specs, choice.k),
        }
        sharing.share(**about)
        keep(view, picked, about)
        export(comparison, view, choice)


def picked_item(view: CompareView) -> str | None:
    """The item that was picked, where a list holds it."""
    item = state.get(ITEM)
    return item if item in {line.item_id for line in view.lines} else None


def draw_flow(view: CompareView, picked: str | None) -> None:
    """Ranks over the columns; a marker picks its item."""
    with st.container(gap="xxsmall"):
        said = (view.flow_sentence, view.neighbours_sentence, view.next_sentence)
        for sentence in filter(None, said):
            notices.say(sentence)
    drawing.chart(
        FLOW,
        flow_figure(view, drawing.palette(), picked, narrow=screen.is_narrow(), room=screen.room()),
        view.flow_sentence,
        name=tr("Rank flow over {n} columns", n=len(view.columns)),
        is_said=False,
        on_select=pick,
    )
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        draw_follow(view, picked)
        notices.caution(
            tr(
                "Colour: topic. Dotted end: the item leaves the lists. Ring: the actual next item "
                "(known in training, except each user's last two events)."
            )
        )


def draw_follow(view: CompareView, picked: str | None) -> None:
    """Choose an item by name, as a click on its number does."""
    titles = {line.item_id: line.item for line in view.lines}
    state.choose(FOLLOW, picked)
    st.selectbox(
        tr("Follow an item"),
        list(titles),
        index=None,
        key=FOLLOW,
        placeholder=tr("Follow an item, or click its rank"),
        format_func=lambda item: titles.get(item, item),
        on_change=state.acting(follow),
        label_visibility="collapsed",
        width=330,
    )


def follow() -> None:
    state.put(ITEM, state.get(FOLLOW))
    state.put(PAIR, None)


def pick() -> None:
    """Follow the item of the marker that was clicked."""
    data = state.picked_data(FLOW)
    if data is not None:
        state.put(ITEM, str(data[0]))
        state.put(PAIR, int(data[1]))


def draw_item(comparison: Comparison, view: CompareView, item_id: str) -> None:
    """One item over all columns: its ranks, what each event contributed, and where to go on."""
    line = next(line for line in view.lines if line.item_id == item_id)
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{notices.escape(line.item)}**")
            st.space("stretch")
            drawing.button(tr("Close"), "close_item", state.put, ITEM, None, type="tertiary")
        names, places = zip(*((column.name, column.place) for column in view.columns), strict=True)
        ranks = list(zip(places, line.full_ranks, strict=True))
        notices.say(words.item_sentence(line.item, ranks))
        a = pair_of(view, item_id)
        bars = change_bars(comparison, a, item_id)
        if bars:
            total = sum(bar.value for bar in bars)
            sentence = words.bars_sentence(names[a], names[a + 1], total, bars[0].label)
            figure = changes_figure(
                bars, drawing.palette(), narrow=screen.is_narrow(), event=state.get(EVENT)
            )
            drawing.chart(CHANGES, figure, sentence, on_select=pick_event)
        links(view, item_id, bars[0].step if bars else None, a)


def pick_event() -> None:
    """Make the event of the bar that was clicked the chosen one. For callbacks."""
    if (step := state.picked_step(CHANGES)) is not None:
        state.put(EVENT, step)


def pair_of(view: CompareView, item_id: str) -> int:
    """The left column of the pair to explain: before the picked one, else where it moved most."""
    picked = state.get(PAIR)
    if picked is not None:
        return int(min(max(picked - 1, 0), len(view.columns) - 2))
    changes = {row.a: abs(row.score_change or 0.0) for row in view.moves if row.item_id == item_id}
    return max(changes, key=lambda a: changes[a]) if changes else 0


def links(view: CompareView, item_id: str, step: int | None, a: int) -> None:
    with st.container(horizontal=True, gap="small"):
        for column in view.columns[a : a + 2]:
            if column.explains:
                about = to(column, item_id, column.step)
                drawing.link(EXPLAIN, tr("Explain at {column}", column=column.name), **about)
        if step is not None:
            about = to(view.columns[a], item_id, step)
            drawing.link(TIMELINE, tr("Step {step} on the Timeline", step=step), **about)


def to(column: ColumnView, item: str, step: int) -> About:
    """What a link is about; the columns stay in the address for the way back."""
    return {
        USER: column.user_id,
        TIME: step,
        ITEM: item,
        RECOMMENDER: column.recommender,
        COLUMNS: state.get(COLUMNS),
    }


def draw_moves(comparison: Comparison, view: CompareView) -> None:
    st.subheader(tr("What entered, left or moved, and what caused it?"), anchor=False)
    if not view.moves:
        st.text(tr("Nothing: the lists are identical."))
        return
    with st.spinner(tr("Computing contributions …")):
        rows = comparison.moves()
        between = models_sentence(comparison)
    if between:
        notices.say(between)
    notices.caution(trust_sentence(comparison))
    table = moves_table(comparison, rows)
    two = len(view.columns) == FEWEST
    has_causes = any(row.cause for row in rows)
    table["to"] = [view.columns[row.b].short for row in rows]
    explain = tr("Explain")
    table["explain"] = [explain if explained_by(view, row) else None for row in rows]
    table["timeline"] = [
        None if row.cause_step is None else tr("step {step}", step=row.cause_step) for row in rows
    ]
    look = {"width": 63, "type": "tertiary"}
    columns = {
        "to": col.TextColumn(trc("column", "To"), width=90),
        "move": col.TextColumn(tr("Move"), width=62),
        "item": col.TextColumn(tr("Item")),
        "change": col.NumberColumn(
            tr("Score"), format="%+.2f", width=54, help=tr("Change of log p, in nats")
        ),
        "cause": col.TextColumn(tr("Main cause")),
        "contribution": col.NumberColumn(
            tr("Contribution"),
            format="%+.2f",
            width=88,
            help=tr("To the change of log p, in nats"),
        ),
        "explain": drawing.buttons(
            tr("Explain"), "moves_explain", lambda at: open_explain(view, rows[at]), **look
        ),
        "timeline": drawing.buttons(
            tr("Timeline"), "moves_timeline", lambda at: open_timeline(view, rows[at]), **look
        ),
    }
    hidden = {"to"} if two else set()
    hidden |= set() if has_causes else {"cause", "contribution"}
    hidden |= set() if any(row.cause_step is not None for row in rows) else {"timeline"}
    drawing.table(
        table,
        joined(tr("Moves and their causes."), view.flow_sentence),
        {name: column for name, column in columns.items() if name not in hidden},
        height="content" if len(rows) <= 24 else 720,
        marked=[
            row.item_id == state.get(ITEM)
            or (row.cause_step is not None and row.cause_step == state.get(EVENT))
            for row in rows
        ],
        grows=("item", "cause") if has_causes else ("item",),
        room=screen.room(),
    )
    if has_causes:
        notices.caution(tr(words.CAUTION))


def explained_by(view: CompareView, row: Move) -> ColumnView | None:
    """The column in which Explain can explain a move: where the item is listed, else the other."""
    pair = (row.b, row.a) if row.after is not None else (row.a, row.b)
    return next((view.columns[at] for at in pair if view.columns[at].explains), None)


def open_explain(view: CompareView, row: Move) -> None:
    """Open Explain for a move, at the event that caused it."""
    if (column := explained_by(view, row)) is not None:
        step = column.step if row.cause_step is None else row.cause_step
        controls.open_page(EXPLAIN, **to(column, row.item_id, step))


def open_timeline(view: CompareView, row: Move) -> None:
    """Open the Timeline at the event that caused a move."""
    if row.cause_step is not None:
        controls.open_page(TIMELINE, **to(view.columns[row.a], row.item_id, row.cause_step))


def draw_overlap(view: CompareView) -> None:
    st.subheader(tr("How alike are the lists?"), anchor=False)
    alt = joined(tr("Overlap of each pair."), view.overlap_sentence)
    table = overlap_table(view)
    table["one"] = [view.columns[row.a].short for row in view.overlaps]
    table["other"] = [view.columns[row.b].short for row in view.overlaps]
    columns: dict[str, Any] = {
        "one": col.TextColumn(trc("of a pair", "One")),
        "other": col.TextColumn(trc("of a pair", "Other")),
    }
    for name, label in MEASURES:
        columns[name] = col.NumberColumn(label, format="%.2f", width=80)
    left, right = st.columns([6, 5], gap="large")
    with left:
        if len(view.overlaps) > 1:
            figure = overlap_figure(view, drawing.palette())
            name = tr("Overlap (RBO)")
            drawing.chart("compare_overlap", figure, view.overlap_sentence, name=name)
            with st.expander(tr("Every pair as a table")):
                drawing.table(table, alt, columns)
        else:
            notices.say(view.overlap_sentence)
            drawing.table(table, alt, {name: columns[name] for name, _ in MEASURES})
    with right:
        for line in (words.JACCARD, words.RBO, words.KENDALL):
            notices.caution(tr(line))


def draw_profiles(view: CompareView) -> None:
    st.subheader(tr("Interest profiles"), anchor=False)
    drawing.chart(
        "compare_profiles",
        profiles_figure(view, drawing.palette()),
        view.profile_sentence,
        name=tr("Interest profile of each column"),
        below=tr("The interest model's profile after the same events, for any recommender's list."),
    )


def draw_lists(view: CompareView) -> None:
    with st.expander(tr("All lists as a table")):
        alt = joined(tr("Ranks of every item in every column."), view.flow_sentence)
        marked = [line.item_id == state.get(ITEM) for line in view.lines]
        drawing.table(with_names(view, lists_table(view)), alt, marked=marked)


def keep(view: CompareView, picked: str | None, about: About) -> None:
    ink = drawing.palette()
    charts: keeping.Offered = {
        "ranks": (view.flow_sentence, lambda: flow_figure(view, ink, picked)),
        "profiles": (view.profile_sentence, lambda: profiles_figure(view, ink)),
    }
    keeping.keep(charts, **about)


def export(comparison: Comparison, view: CompareView, choice: Choice) -> None:
    ink = drawing.palette()

    def charts() -> str:
        flow = (view.flow_sentence, flow_figure(view, ink))
        profiles = (view.profile_sentence, profiles_figure(view, ink))
        return as_html([flow, profiles], ink, tr("Lists side by side"))

    files: dict[str, sharing.File] = {
        tr("Report (HTML)"): (".html", lambda: comparison_report(comparison, ink)),
        tr("Charts (HTML)"): ("-charts.html", charts),
        tr("Moves and causes (CSV)"): (
            "-moves.csv",
            lambda: moves_table(comparison, comparison.moves()),
        ),
        tr("Lists (CSV)"): ("-lists.csv", lambda: lists_table(view)),
        tr("Overlap (CSV)"): ("-overlap.csv", lambda: overlap_table(view)),
        tr("Profiles (CSV)"): ("-profiles.csv", lambda: profiles_table(view)),
    }
    sharing.export(f"compare-{choice.specs[0].user}", files)


if __name__ == "__main__":
    controls.run(main)
