"""Why this item, for this user, at this time, and what would change it?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import streamlit as st

from core.explain.parts import PART_NAMES
from core.figures.explain import waterfall_figure
from core.figures.explain_curves import curves_figure
from core.figures.style import CONFIG
from core.views.explain import sentences as wording
from core.views.explain.build import events_table
from core.views.tables import as_csv
from core.views.wording import count
from pages._shared import controls, loaders, notices, sharing, state
from pages._shared.explain_sections import (
    WORDS_OF,
    chosen_step,
    draw_receivers,
    draw_words,
    event_link,
    go_on,
    is_stopped,
    state_of,
    stop,
)
from pages._shared.explaining import PARTS, Explaining
from pages._shared.state import ITEM, RECOMMENDER

if TYPE_CHECKING:
    from core.engine import Engine

MEASURE, QUESTION = "explain_measure", "explain_question"
SCORE, LEAD = "Score", "Lead over number 10"
LISTED_ITEMS = 20_000
"""Above this many items an id is typed instead of chosen."""
POLL_SECONDS = 0.6


def main() -> None:
    """Draw the page."""
    engine = notices.need_engine()
    chosen = state.selection()
    head = st.container(horizontal=True, vertical_alignment="center", gap="small")
    with head:
        st.title("Why this item, and what would change it?", anchor=False)
        st.space("stretch")
    if chosen.user_id is None or chosen.step is None:
        notices.need_user(engine.corpus)
        return
    picked = pick(engine, chosen.user_id, chosen.step)
    if picked is None:
        return
    item_id, recommender, margin = picked
    begin((engine.corpus.corpus_id, engine.model_id, chosen.user_id, chosen.step, *picked[:2]))
    asked = loaders.explaining(engine, chosen.user_id, chosen.step, item_id, recommender, margin)
    draw_pieces(asked)
    with head:
        sharing.share(user=chosen.user_id, time=chosen.step, item=item_id, recommender=recommender)
        export(asked)
    draw_receivers(engine, asked)


def begin(question: tuple[object, ...]) -> None:
    """At another question the review to read is no longer the one of the last."""
    if state.get(QUESTION) != question:
        state.put(QUESTION, question)
        state.put(WORDS_OF, None)


def pick(engine: Engine, user_id: str, step: int) -> tuple[str, str, bool] | None:
    """Which item, by which recommender, and what of it; None where the list is empty."""
    names = list(engine.recommenders)
    wished = state.get(RECOMMENDER)
    if wished not in names:
        if wished is not None:
            miss(
                RECOMMENDER,
                f"There is no recommender {wished!r} in this model; this is {names[0]}.",
            )
        state.put(RECOMMENDER, names[0])
    state.hold(RECOMMENDER)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        slot = st.container(width=390)
        recommender = str(
            st.selectbox("Recommender", names, key=RECOMMENDER, persist_state="session", width=160)
        )
        measure = st.segmented_control(
            "Explain its",
            [SCORE, LEAD],
            default=SCORE,
            required=True,
            key=MEASURE,
            persist_state="session",
        )
    listed = loaders.list_after(engine, user_id, step, recommender).items
    ranks = {item.item_id: item.rank for item in listed}
    asked = state.get(ITEM)
    if asked is not None and asked not in engine.corpus.item_index:
        miss(ITEM, f"There is no item {asked!r} in this corpus; this is number 1 of the list.")
        asked = None
    if asked is None:
        if not listed:
            notices.empty(
                "The list is empty",
                "The user already has every item, so there is nothing to explain.",
            )
            return None
        state.put(ITEM, listed[0].item_id)
    typed = len(engine.corpus.item_ids) > LISTED_ITEMS
    state.hold(ITEM, typed=typed)
    with slot:
        if typed:
            item_id = st.text_input(
                "Item id", key=ITEM, persist_state="session", on_change=state.clear_notices
            )
        else:
            others = [item for item in engine.corpus.item_ids if item not in ranks]
            item_id = st.selectbox(
                "Item: of the list, or any other (why not?)",
                [*ranks, *others],
                key=ITEM,
                persist_state="session",
                on_change=state.clear_notices,
                format_func=lambda item: item_label(engine, item, ranks),
            )
    return str(item_id), recommender, measure == LEAD


def miss(about: str, text: str) -> None:
    """A wish of the URL that could not be met, said until something is chosen."""
    state.add_notice(about, text)
    st.info(notices.escape(text), icon=":material/link_off:")


def item_label(engine: Engine, item_id: str, ranks: dict[str, int]) -> str:
    """``3 · Title`` in the list, ``Title`` outside."""
    name = engine.corpus.title(item_id)
    return f"{ranks[item_id]} · {name}" if item_id in ranks else f"{name} ({item_id})"


def draw_sentences(asked: Explaining) -> None:
    """The answer in plain language."""
    answer = asked.answer
    with st.container(gap="xxsmall"):
        notices.say(answer.standing)
        notices.say(answer.summary)
        if answer.components:
            notices.caution(answer.components)
        notices.caution(f"{answer.trust} {wording.CAUTION}")


def draw_pieces(asked: Explaining) -> None:
    """What is there by now; the page is drawn anew when more has come."""
    step = want(asked)
    draw_sentences(asked)
    wait_for_more(asked)
    if (error := asked.error()) is not None:
        notices.show_error(error)
    draw_waterfall(asked, step)
    left, right = st.columns([11, 9], gap="medium")
    with left:
        draw_words(asked, step)
    with right:
        draw_change(asked)
        draw_scorecard(asked)
    draw_table(asked)


def wait_for_more(asked: Explaining) -> None:
    """Look for news beside the page while pieces arrive; a look draws no chart.

    It asks too: another session may have stopped what this one waits for.
    """
    known, waits = asked.arrived, is_working(asked)

    @st.fragment(run_every=POLL_SECONDS if waits else None)
    def look() -> None:
        want(asked)
        if asked.arrived != known or is_working(asked) != waits:
            st.rerun()
        draw_progress(asked)

    look()


def want(asked: Explaining) -> int | None:
    """Ask for all pieces that can be made by now; the step whose review is read, once known."""
    if not is_stopped(asked):
        asked.ask(PARTS)
    step = chosen_step(asked)
    if asked.parts is not None and not is_stopped(asked):
        asked.ask_all(step)
    return step


def is_working(asked: Explaining) -> bool:
    """Whether anything is still to come."""
    return not is_stopped(asked) and (asked.busy or (asked.parts is None and asked.error() is None))


def draw_progress(asked: Explaining) -> None:
    """Stop while pieces arrive; go on after a stop."""
    if is_stopped(asked):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption("Stopped. What was ready is shown.")
            st.button("Go on", key="go_on", on_click=go_on)
    elif asked.busy:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.caption(":material/hourglass_top: Parts, words, changes and scorecard arrive …")
            st.button("Stop", key="stop_explaining", on_click=stop, args=(asked,))


def pick_event() -> None:
    """Read the review of the event that was picked in the waterfall."""
    step = state.picked_step("waterfall")
    if step is not None:
        state.put(WORDS_OF, step)


def draw_waterfall(asked: Explaining, step: int | None) -> None:
    """From no history to the score, event by event, each split into its parts."""
    if not asked.answer.bars:
        return
    if asked.parts is not None:
        notices.say(asked.parts.sentence)
    st.plotly_chart(
        waterfall_figure(asked.answer, asked.parts, controls.palette(), step),
        key="waterfall",
        on_select=pick_event,
        selection_mode="points",
        theme=None,
        config=CONFIG,
        alt=f"Waterfall of events. {asked.answer.summary}",
    )
    picked = state.picked_step("waterfall") or asked.answer.strongest(1)[0].step
    with st.container(horizontal=True, gap="small"):
        event_link(picked)
        notices.caution(
            "nats: +0.69 doubles the probability. A bar's parts stand to its right, on one scale. "
            "Click a bar to read its review."
        )


def draw_change(asked: Explaining) -> None:
    """The smallest change that takes the item out of the list."""
    st.subheader("What would have to be different?", anchor=False)
    view = asked.change
    if view is None:
        st.caption(state_of(asked, "Searching the smallest change …", "Not searched"))
        return
    with st.container(border=True, gap="xsmall"):
        st.text(view.sentence)
        notices.caution(
            f"Asked of the recommender itself, {count(view.tried, 'variant')} of this history."
        )
        with st.container(horizontal=True, gap="small"):
            for step in view.steps:
                event_link(step)
            st.page_link(
                "pages/what_if.py",
                label="Try it in What-if",
                icon=":material/call_split:",
                query_params=state.link(recommender=state.get(RECOMMENDER)),
            )
            st.page_link(
                "pages/compare.py",
                label="The list before and after the last event",
                icon=":material/compare_arrows:",
                query_params=state.link(item=state.get(ITEM), columns="event"),
            )


def draw_scorecard(asked: Explaining) -> None:
    """Whether to trust the explanation on screen."""
    st.subheader("Is this explanation any good?", anchor=False)
    view = asked.scorecard
    if view is None:
        st.caption(state_of(asked, "Judging it …", "Not judged"))
        return
    if len(view.deletion["explanation"]) <= 2:
        st.text(view.sentence)
    else:
        icon = ":material/check_circle:" if view.beats_recent else ":material/warning:"
        st.markdown(f"{icon} {notices.escape(view.sentence)}")
        st.plotly_chart(
            curves_figure(view, controls.palette()),
            key="curves",
            theme=None,
            config={"displayModeBar": False},
            alt=f"Deletion and insertion curves. {view.sentence}",
        )
    notices.caution(view.stability)


def draw_table(asked: Explaining) -> None:
    """The table twin of the waterfall."""
    with st.expander("All events as a table"):
        st.dataframe(
            events_table(asked.answer, asked.parts),
            hide_index=True,
            alt=f"Contribution of each event. {asked.answer.summary}",
            column_config={
                "timestamp": st.column_config.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
                **{
                    name: st.column_config.NumberColumn(format="%+.3f")
                    for name in ("value", *(f"{part}_part" for part in PART_NAMES))
                },
                "stderr": st.column_config.NumberColumn(format="%.3f"),
            },
        )


def export(asked: Explaining) -> None:
    """The explanation as JSON and CSV; what isn't computed yet is computed then."""
    explanation = asked.explanation
    name = (
        f"explain-{explanation.history.user_id}-{len(explanation.history)}-{asked.answer.item_id}"
    )
    with st.popover("Export", icon=":material/download:"):
        st.download_button(
            "Everything (JSON)",
            lambda: as_json(asked),
            file_name=f"{name}.json",
            mime="application/json",
            on_click="ignore",
            width="stretch",
        )
        st.download_button(
            "Events (CSV)",
            lambda: as_csv(events_table(asked.answer, asked.parts)),
            file_name=f"{name}.csv",
            mime="text/csv",
            on_click="ignore",
            width="stretch",
        )


def as_json(asked: Explaining) -> str:
    """The JSON of the verb ``explain``."""
    return json.dumps(asked.facts(), ensure_ascii=False, indent=1)


if __name__ == "__main__":
    controls.run(main)
