"""How did the list change between times, recommenders, users or scenarios, and why?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.compare.columns import FEWEST
from core.figures.compare import changes_figure, flow_figure, profiles_figure
from core.figures.report import as_html
from core.figures.style import CONFIG
from core.views.compare import sentences as words
from core.views.compare import tables
from core.views.compare.build import CompareView, MoveRow
from core.views.tables import as_csv
from pages._shared import choosing, controls, judging, loaders, notices, sharing, state, turnover
from pages._shared.choosing import Choice
from pages._shared.state import COLUMNS, ITEM, RECOMMENDER, TIME, USER

if TYPE_CHECKING:
    from core.engine import Engine
    from pages._shared.comparing import Comparing

EXPLAIN, TIMELINE = "pages/explain.py", "pages/timeline.py"
MEASURES = (("jaccard", "Jaccard"), ("rbo", "RBO"), ("kendall", "Kendall"))
FLOW, FOLLOW, PAIR = "pick_flow", "compare_follow", "compare_pair"


def main() -> None:
    """Draw the page."""
    engine = notices.need_engine()
    chosen = state.selection()
    head = st.container(horizontal=True, vertical_alignment="center", gap="small")
    with head:
        st.title("How did the list change, and why?", anchor=False)
        st.space("stretch")
    if chosen.user_id is None or chosen.step is None:
        notices.need_user(engine.corpus)
        return
    choice = choosing.choose(engine, chosen.user_id, chosen.step)
    if choice.missing is not None:
        notices.empty(*choice.missing)
        return
    loaders.expect_explaining()
    choosing.draw_columns(engine, choice)
    asked = loaders.comparing(engine, choice.specs, choice.k)
    shown = {column.recommender for column in asked.view.columns}
    for caution in judging.cautions_of_lists(engine.corpus.name, shown):
        notices.caution(caution)
    picked = picked_item(asked.view)
    draw_flow(asked.view, picked)
    if picked is not None:
        draw_item(asked, picked)
    draw_moves(asked)
    draw_overlap(asked.view)
    draw_profiles(asked.view)
    turnover.draw(engine, chosen.user_id)
    draw_lists(asked.view)
    with head:
        share(choice)
        export(engine, asked, choice)


def picked_item(view: CompareView) -> str | None:
    """The item that was picked, where a list holds it."""
    item = state.get(ITEM)
    return item if item in {line.item_id for line in view.lines} else None


def draw_flow(view: CompareView, picked: str | None) -> None:
    """Ranks over the columns; a marker picks its item."""
    with st.container(gap="xxsmall"):
        notices.say(view.flow_sentence)
        if view.next_sentence:
            notices.say(view.next_sentence)
        st.plotly_chart(
            flow_figure(view, controls.palette(), picked),
            key=FLOW,
            on_select=pick,
            selection_mode="points",
            theme=None,
            config=CONFIG,
            alt=f"Rank flow over {len(view.columns)} columns. {view.flow_sentence}",
        )
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            draw_follow(view, picked)
            notices.caution(
                "Colour is the topic. A dotted end leads out of the lists, a ring marks what the "
                "user really took next (seen in training, but for each user's last two events)."
            )


def draw_follow(view: CompareView, picked: str | None) -> None:
    """Choose an item by name, as a click on its number does."""
    titles = {line.item_id: line.item for line in view.lines}
    state.choose_nothing(FOLLOW)
    if picked is not None:
        state.put(FOLLOW, picked)
    st.selectbox(
        "Follow an item",
        list(titles),
        index=None,
        key=FOLLOW,
        placeholder="Follow an item, or click its number",
        format_func=lambda item: titles.get(item, item),
        on_change=follow,
        label_visibility="collapsed",
        width=330,
    )


def follow() -> None:
    """Follow the item that was chosen by name."""
    state.put(ITEM, state.get(FOLLOW))
    state.put(PAIR, None)


def pick() -> None:
    """Follow the item of the marker that was clicked."""
    data = state.picked_data(FLOW)
    if data is not None:
        state.put(ITEM, str(data[0]))
        state.put(PAIR, int(data[1]))


def draw_item(asked: Comparing, item_id: str) -> None:
    """One item over all columns: its places, what each event gave it, and where to go on."""
    view = asked.view
    line = next(line for line in view.lines if line.item_id == item_id)
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{notices.escape(line.item)}**")
            st.space("stretch")
            st.button("Close", key="close_item", type="tertiary", on_click=state.put,
                      args=(ITEM, None))  # fmt: skip
        names = [column.name for column in view.columns]
        notices.say(words.item_sentence(line.item, list(zip(names, line.full_ranks, strict=True))))
        a = pair_of(asked, item_id)
        bars = asked.bars(a, item_id)
        if bars:
            total = sum(bar.value for bar in bars)
            sentence = words.bars_sentence(names[a], names[a + 1], total, bars[0].label)
            notices.say(sentence)
            st.plotly_chart(
                changes_figure(bars, controls.palette()),
                key="compare_changes",
                theme=None,
                config={"displayModeBar": False},
                alt=sentence,
            )
        links(view, item_id, bars[0].step if bars else None, a)


def pair_of(asked: Comparing, item_id: str) -> int:
    """The left column of the pair to explain: before the picked one, else where it moved most."""
    last = len(asked.view.columns) - 2
    picked = state.get(PAIR)
    if picked is not None:
        return int(min(max(picked - 1, 0), last))
    changes = {row.a: abs(row.change or 0.0) for row in asked.view.moves if row.item_id == item_id}
    return max(changes, key=lambda a: changes[a]) if changes else 0


def links(view: CompareView, item_id: str, step: int | None, a: int) -> None:
    """Ways to Explain and Timeline."""
    with st.container(horizontal=True, gap="small"):
        for column in view.columns[a : a + 2]:
            if column.explains:
                st.page_link(
                    EXPLAIN,
                    label=notices.escape(f"Explain at {column.name}"),
                    icon=":material/rule:",
                    query_params=address_of(column.user_id, column.step, item_id,
                                            column.recommender),
                )  # fmt: skip
        if step is not None:
            st.page_link(
                TIMELINE,
                label=f"Step {step} on the Timeline",
                icon=":material/timeline:",
                query_params=address_of(view.columns[a].user_id, step, item_id),
            )


def address_of(user: str, step: int, item: str, recommender: str | None = None) -> dict[str, str]:
    """A page about a user at a step; the columns stay in the address for the way back."""
    return state.link(
        **{USER: user, TIME: step, ITEM: item, RECOMMENDER: recommender,
           COLUMNS: state.get(COLUMNS)}
    )  # fmt: skip


def draw_moves(asked: Comparing) -> None:
    """Entered, left, moved, each with its cause."""
    st.subheader("What entered, left or moved, and what caused it?", anchor=False)
    view = asked.view
    if not view.moves:
        st.text("Nothing: the lists are the same.")
        return
    with st.spinner("Asking without each event …"):
        rows = asked.moves
    notices.caution(asked.trust)
    table = tables.moves_table(view, rows)
    two = len(view.columns) == FEWEST
    table["to"] = [view.columns[row.b].short for row in rows]
    table["explain"] = ["Explain" if explained(view, row) else None for row in rows]
    table["timeline"] = [
        f"step {row.cause_step}" if row.cause_step is not None else None for row in rows
    ]
    st.dataframe(
        table,
        hide_index=True,
        height="content" if len(rows) <= 24 else 720,
        alt=f"Moves and their causes. {view.flow_sentence}",
        column_order=(
            *(() if two else ("to",)),
            "move", "item", "change",
            *(("cause", "explain", "timeline") if any(row.cause for row in rows) else ("explain",)),
        ),
        column_config={
            "to": st.column_config.TextColumn("To", width=84),
            "move": st.column_config.TextColumn("Move", width=84),
            "item": st.column_config.TextColumn("Item", width=210 if two else 190),
            "change": st.column_config.NumberColumn(
                "Score", format="%+.2f", width=64, help="Change of log p, in nats"
            ),
            "cause": st.column_config.TextColumn("Cause", width=330 if two else 270),
            "explain": button("Explain", "moves_explain", open_explain, view, rows),
            "timeline": button("Timeline", "moves_timeline", open_timeline, view, rows),
        },
    )  # fmt: skip
    if any(row.cause for row in rows):
        notices.caution(words.CAUTION)


def button(
    label: str,
    key: str,
    action: Callable[..., None],
    view: CompareView,
    rows: Sequence[MoveRow],
) -> Any:
    """A column of buttons that open another page."""
    return st.column_config.ButtonColumn(
        label, key=key, width=76, type="tertiary", on_click=action, args=(key, view, rows)
    )  # fmt: skip


def explained(view: CompareView, row: MoveRow) -> bool:
    """Whether Explain can open a move: at its cause, else in a column that holds the item."""
    return at_explain(view, row) is not None


def at_explain(view: CompareView, row: MoveRow) -> tuple[str, int, str] | None:
    """User, step and recommender that explain a move."""
    pair = (row.b, row.a) if row.after is not None else (row.a, row.b)
    column = next((view.columns[at] for at in pair if view.columns[at].explains), None)
    if column is None:
        return None
    step = row.cause_step if row.cause_step is not None else column.step
    return column.user_id, step, column.recommender


def open_explain(key: str, view: CompareView, rows: Sequence[MoveRow]) -> None:
    """Open Explain for the clicked move, at the event that caused it."""
    click = state.get(key)
    found = at_explain(view, rows[click["row"]]) if click is not None else None
    if click is not None and found is not None:
        user, step, recommender = found
        st.switch_page(
            EXPLAIN,
            query_params=address_of(user, step, rows[click["row"]].item_id, recommender),
        )


def open_timeline(key: str, view: CompareView, rows: Sequence[MoveRow]) -> None:
    """Open the Timeline at the event that caused the clicked move."""
    click = state.get(key)
    row = rows[click["row"]] if click is not None else None
    if row is not None and row.cause_step is not None:
        user = view.columns[row.a].user_id
        st.switch_page(TIMELINE, query_params=address_of(user, row.cause_step, row.item_id))


def draw_overlap(view: CompareView) -> None:
    """How alike the lists are, each measure explained in one line."""
    st.subheader("How alike are the lists?", anchor=False)
    notices.say(view.overlaps[0].sentence)
    left, right = st.columns([6, 5], gap="large")
    with left:
        table = tables.overlap_table(view)
        pair = ("one", "other") if len(view.overlaps) > 1 else ()
        table["one"] = [view.columns[row.a].short for row in view.overlaps]
        table["other"] = [view.columns[row.b].short for row in view.overlaps]
        st.dataframe(
            table,
            hide_index=True,
            height="content",
            alt=f"Overlap of each pair. {view.overlaps[0].sentence}",
            column_order=(*pair, "jaccard", "rbo", "kendall"),
            column_config={
                "one": st.column_config.TextColumn("One", width=120),
                "other": st.column_config.TextColumn("Other", width=120),
                **{
                    name: st.column_config.NumberColumn(label, format="%.2f", width=66)
                    for name, label in MEASURES
                },
            },
        )
    with right:
        for line in (words.JACCARD, words.RBO, words.KENDALL):
            notices.caution(line)


def draw_profiles(view: CompareView) -> None:
    """The interest profile behind every list."""
    st.subheader("Which interests stand behind them?", anchor=False)
    notices.say(view.profile_sentence)
    st.plotly_chart(
        profiles_figure(view, controls.palette()),
        key="compare_profiles",
        theme=None,
        config={"displayModeBar": False},
        alt=f"Interest profile of each column. {view.profile_sentence}",
    )
    notices.caution("The interest model's profile after the same events, whoever made the list.")


def draw_lists(view: CompareView) -> None:
    """The table twin of the rank flow."""
    with st.expander("All lists as a table"):
        st.dataframe(
            tables.lists_table(view),
            hide_index=True,
            height="content",
            alt=f"Ranks of every item in every column. {view.flow_sentence}",
        )


def share(choice: Choice) -> None:
    """A permalink to exactly these columns."""
    first = choice.specs[0]
    chosen = state.selection()
    sharing.share(
        **{
            USER: chosen.user_id if chosen.user_id else first.user,
            TIME: chosen.step,
            ITEM: state.get(ITEM),
            COLUMNS: choice.address,
        }
    )


def export(engine: Engine, asked: Comparing, choice: Choice) -> None:
    """Tables as CSV, charts as HTML, and everything as a report."""
    view = asked.view
    name = f"compare-{choice.specs[0].user}"
    downloads = (
        ("Report (HTML)", "html", lambda: report(engine, asked)),
        ("Charts (HTML)", "charts.html", lambda: charts(view)),
        ("Moves and causes (CSV)", "moves.csv",
         lambda: as_csv(tables.moves_table(view, asked.moves))),
        ("Lists (CSV)", "lists.csv", lambda: as_csv(tables.lists_table(view))),
        ("Overlap (CSV)", "overlap.csv", lambda: as_csv(tables.overlap_table(view))),
        ("Profiles (CSV)", "profiles.csv", lambda: as_csv(tables.profiles_table(view))),
    )  # fmt: skip
    with st.popover("Export", icon=":material/download:"):
        for label, ending, make in downloads:
            st.download_button(
                label,
                make,
                file_name=f"{name}.{ending}" if ending == "html" else f"{name}-{ending}",
                mime="text/html" if ending.endswith("html") else "text/csv",
                on_click="ignore",
                width="stretch",
            )


def charts(view: CompareView) -> str:
    """The rank flow and the profiles as one HTML file."""
    ink = controls.palette()
    figures = [
        (view.flow_sentence, flow_figure(view, ink)),
        (view.profile_sentence, profiles_figure(view, ink)),
    ]
    return as_html(figures, ink, "Lists side by side")


def report(engine: Engine, asked: Comparing) -> str:
    """The comparison as one file to read without the app."""
    from core.figures.compare_report import comparison_report

    return comparison_report(asked.comparison, controls.palette())


if __name__ == "__main__":
    controls.run(main)
