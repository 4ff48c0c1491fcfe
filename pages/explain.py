"""Why this item, for this user, at this time, and what would change it?"""

from __future__ import annotations

import json
from typing import Any

import streamlit as st
from plotly.graph_objects import Figure
from streamlit import column_config as col

from core.explain.parts import PART_NAMES
from core.figures.explain import curves_figure, waterfall_figure
from core.figures.explain_report import explain_report
from core.language import mark, tr
from core.scenario.unsaved import Unsaved
from core.views.compare.sentences import made_with, step_phrase
from core.views.explain import sentences as wording
from core.views.explain.build import events_table
from core.views.explain.explaining import PARTS, Explaining
from core.views.tables import words_in_language
from core.views.what_if.history_table import item_label
from core.views.wording import count, joined
from pages._explain import beside, sections
from pages._explain.beside import Beside
from pages._explain.sections import PICKED, event_link, is_stopped, state_of
from pages._shared import (
    controls,
    drawing,
    keeping,
    loaders,
    notices,
    reading,
    screen,
    sharing,
    speaking,
    state,
)
from pages._shared.notices import Moment
from pages._shared.state import EVENT, ITEM, MEASURE, WORDS_OF

QUESTION = "explain_question"
MEASURES = {"score": mark("Score"), (MARGIN := "margin"): mark("Margin over rank 10")}
POLL_SECONDS = 0.6


def main() -> None:
    head = drawing.head(tr("Why this item, and what would change it?"))
    moment = notices.need_user()
    picked = pick(moment)
    if picked is None:
        return
    item_id, margin = picked
    engine, user_id, step, recommender = moment
    question = (engine.corpus.corpus_id, engine.model_id, user_id, step, item_id, recommender)
    if state.get(QUESTION) != question:  # the review to read was the last question's
        state.put(QUESTION, question)
        if not state.is_asked(WORDS_OF):
            chosen = state.get(EVENT)
            state.put(WORDS_OF, chosen if chosen is not None and chosen <= step else None)
        state.put(PICKED, state.get(WORDS_OF))
    explaining = loaders.explaining(engine, user_id, step, item_id, recommender, margin)
    second = beside.find(moment, item_id, margin)
    sections.draw_way_back()
    draw_pieces(explaining, second)
    with head:
        sharing.share(item=item_id)
        keep(explaining)
        export(explaining, second)
    sections.draw_receivers(engine, explaining)


def pick(moment: Moment) -> tuple[str, bool] | None:
    """Which item, and whether its margin is explained; None where the list is empty."""
    engine, user_id, step, recommender = moment
    corpus = engine.corpus
    listed = loaders.list_after(engine, user_id, step, recommender).items
    ranks = {item.item_id: item.rank for item in listed}
    asked = state.get(ITEM)
    if asked is not None and asked not in corpus.item_index:
        said = tr("There is no item {item!r} in this corpus; this is rank 1.", item=asked)
        notices.miss(ITEM, said)
        asked = None
    if asked is None:
        if not listed:
            notices.empty(
                tr("The list is empty"),
                tr("The user already has every item, so there is nothing to explain."),
            )
            return None
        state.put(ITEM, listed[0].item_id)
    typed = len(corpus.item_ids) > controls.LISTED_ITEMS
    state.hold(ITEM, typed=typed)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        options: dict[str, Any] = {"key": ITEM, "persist_state": "session", "width": 390}
        options["on_change"] = state.has_chosen
        if typed:
            item_id = st.text_input(tr("Item id"), **options)
        else:
            item_id = st.selectbox(
                tr("Item: from the list, or any other (why not?)"),
                [*ranks, *(item for item in corpus.item_ids if item not in ranks)],
                format_func=lambda item: (
                    f"{ranks[item]} · {corpus.title(item)}"
                    if item in ranks
                    else item_label(corpus, item)
                ),
                **options,
            )
        measure = drawing.choose(tr("Explain"), MEASURE, MEASURES)
        beside.pick(moment)
    return str(item_id), measure == MARGIN


def draw_sentences(explaining: Explaining) -> None:
    answer = explaining.answer
    with st.container(gap="xxsmall"):
        notices.say(answer.standing)
        if answer.ignoring:
            notices.say(answer.ignoring)
        notices.say(answer.summary)
        if answer.components:
            notices.caution(answer.components)
        notices.caution(joined(answer.trust, tr(wording.CAUTION)))
    if explaining.earlier:
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            notices.caution(explaining.earlier)
            name, item = tr("Why? Compare both models"), explaining.answer.item_id
            drawing.link(drawing.COMPARE, name, item=item, columns="models")


def draw_pieces(explaining: Explaining, second: Beside | None) -> None:
    """What is there by now; the page is drawn anew when more has come."""
    step = want(explaining, second)
    draw_sentences(explaining)
    if explaining.ladder is not None:
        sections.draw_ladder(explaining.ladder)
    wait_for_more(explaining, second)
    for question in questions(explaining, second):
        if (error := question.error()) is not None:
            notices.show_error(error)
    if second is not None:
        beside.draw(explaining, second, state.get(EVENT) or step)
    else:
        draw_waterfall(explaining, step)
    left, right = st.columns([11, 9], gap="medium")
    with left:
        sections.draw_words(explaining, step)
    with right:
        draw_change(explaining)
        draw_scorecard(explaining)
    draw_table(explaining)


def questions(explaining: Explaining, second: Beside | None) -> tuple[Explaining, ...]:
    """Both, where there are two."""
    return (explaining,) if second is None else (explaining, second.other)


def wait_for_more(explaining: Explaining, second: Beside | None) -> None:
    """Look for news beside the page while pieces arrive; a look draws no chart.

    It asks too: another session may have stopped what this one waits for.
    """
    asked = questions(explaining, second)

    def is_busy() -> bool:
        is_other = second is not None and second.other.busy and not is_stopped(explaining)
        return is_working(explaining) or is_other

    known, waits = [each.arrived for each in asked], is_busy()

    @st.fragment(run_every=POLL_SECONDS if waits else None)
    def look() -> None:
        speaking.adopt()
        want(explaining, second)
        if [each.arrived for each in asked] != known or is_busy() != waits:
            st.rerun()
        draw_progress(*asked)

    look()


def want(explaining: Explaining, second: Beside | None) -> int | None:
    """Ask for all pieces that can be made by now; the step whose review is read, once known.

    Of the second question the parts are enough: they refine its events too.
    """
    if not is_stopped(explaining):
        asked = questions(explaining, second)
        for question in asked:
            question.ask(PARTS, reader=reading.reader(*asked))
    step = sections.chosen_step(explaining)
    if explaining.parts is not None and not is_stopped(explaining):
        explaining.ask_all(step)
    return step


def is_working(explaining: Explaining) -> bool:
    if is_stopped(explaining):
        return False
    return explaining.busy or (explaining.parts is None and explaining.error() is None)


def draw_progress(*asked: Explaining) -> None:
    stopped = is_stopped(asked[0])
    if not stopped and not any(each.busy for each in asked):
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        if stopped:
            st.caption(tr("Stopped. Finished results are shown."))
            drawing.button(tr("Continue"), "go_on", sections.go_on)
        else:
            said = tr("Computing parts, words, changes and scorecard …")
            st.caption(f":material/hourglass_top: {said}")  # no sentence
            drawing.button(tr("Stop"), "stop_explaining", sections.stop, *asked)


def pick_event() -> None:
    """Read the review of the bar that was picked, or have the page say that it has none."""
    step = state.picked_step("waterfall")
    state.put(PICKED, step)
    if step is not None:
        state.put(WORDS_OF, step)
        state.put(EVENT, step)


def draw_waterfall(explaining: Explaining, step: int | None) -> None:
    answer, parts = explaining.answer, explaining.parts
    if not answer.bars:
        return
    if parts is not None:
        notices.say(parts.sentence)
    picked = state.get(EVENT) or state.get(PICKED) or step
    figure = waterfall_figure(answer, parts, drawing.palette(), picked, narrow=screen.is_narrow())
    drawing.chart(
        "waterfall",
        figure,
        answer.summary,
        name=tr("Waterfall of events"),
        is_said=False,
        on_select=pick_event,
    )
    with st.container(horizontal=True, gap="small"):
        event_link(state.picked_step("waterfall") or answer.strongest(1)[0].step)
        notices.caution(
            tr(
                "In nats: +0.69 doubles the probability. To the right of a bar are its parts, on "
                "the same scale. Click a bar to read its review."
            )
        )


def draw_change(explaining: Explaining) -> None:
    st.subheader(tr("Smallest change"), anchor=False)
    view = explaining.change
    if view is None:
        waits = tr("Searching for the smallest change …")
        st.caption(state_of(explaining, waits, tr("Not searched")))
        return
    item = explaining.answer.item_id
    with st.container(border=True, gap="xsmall"):
        st.text(view.sentence)
        for line in view.made:
            st.text(line)
        if view.goal == "out":
            tried = count(view.tried, "variant")
            notices.caution(
                tr("Verified with the recommender on {variants} of this history.", variants=tried)
            )
        with st.container(horizontal=True, gap="small"):
            for step in view.steps:
                event_link(step)
            drawing.link(
                drawing.WHAT_IF,
                tr("Try it in What-if") if view.edits else tr("Try other edits in What-if"),
                item=item,
                goal=view.goal,
                edits=Unsaved(view.edits).to_code() if view.edits else None,
                scenario=None,
            )
            drawing.link(
                drawing.COMPARE,
                tr("The list before and after the last event"),
                item=item,
                columns="event",
            )


def draw_scorecard(explaining: Explaining) -> None:
    st.subheader(tr("How reliable is this explanation?"), anchor=False)
    view = explaining.scorecard
    if view is None:
        st.caption(state_of(explaining, tr("Testing the explanation …"), tr("Not tested")))
        return
    if len(view.card.deletion["explanation"]) <= 2:
        st.text(view.sentence)
    else:
        icon = "check_circle" if view.card.beats("recent-first") else "warning"
        st.markdown(f":material/{icon}: {notices.escape(view.sentence)}")  # no sentence
        figure = curves_figure(view.card, drawing.palette(), explaining.answer.unit)
        name = tr("Deletion and insertion curves")
        drawing.chart("curves", figure, view.sentence, name=name, is_said=False)
    notices.caution(view.stability)


def draw_table(explaining: Explaining) -> None:
    signed = col.NumberColumn(format="%+.3f")
    rows = events_table(explaining.answer, explaining.parts)
    item, event = explaining.answer.item_id, state.get(EVENT)
    with st.expander(tr("All events as a table")):
        drawing.table(
            words_in_language(rows),
            joined(tr("Contribution of each event."), explaining.answer.summary),
            {
                "timestamp": col.DatetimeColumn(format="YYYY-MM-DD HH:mm"),
                "value": signed,
                **{f"{part}_part": signed for part in PART_NAMES},
                "stderr": col.NumberColumn(format="%.3f"),
            },
            height="auto",
            shows_all=True,
            marked=list(rows["step"].eq(event) | rows["item_id"].eq(item)),
        )


def keep(explaining: Explaining) -> None:
    """A finding about the item, with the waterfall as far as it is known."""
    answer, ink = explaining.answer, drawing.palette()

    def waterfall() -> Figure:
        return waterfall_figure(answer, explaining.parts, ink, None)

    charts = {"waterfall": (answer.summary, waterfall)} if answer.bars else {}
    keeping.keep(charts, answer.standing, item=answer.item_id)


def export(explaining: Explaining, second: Beside | None) -> None:
    """The explanation as HTML, JSON and CSV; what isn't computed yet is computed then."""
    history = explaining.explanation.history

    def everything() -> str:
        more = {} if second is None else {"beside": second.facts(explaining)}
        return json.dumps(explaining.facts() | more, ensure_ascii=False, indent=1)

    facts: sharing.File = ".json", everything
    table: sharing.File = ".csv", lambda: events_table(explaining.answer, explaining.parts)
    name = f"explain-{history.user_id}-{len(history)}-{explaining.answer.item_id}"
    ink = drawing.palette()
    corpus, model = explaining.explanation.engine.corpus, explaining.explanation.engine.model_id
    about = (
        made_with(corpus.name, model, corpus.manifest.simulated),
        tr(
            "{user}, {step}, {recommender}",
            user=history.user_id,
            step=step_phrase(len(history)),
            recommender=explaining.answer.recommender,
        ),
    )

    def written() -> str:
        other = None if second is None else second.report(explaining)
        return explain_report(explaining.report(), about, ink, other)

    report: sharing.File = ".html", written
    files = {
        tr("Report (HTML)"): report,
        tr("Everything (JSON)"): facts,
        tr("Events (CSV)"): table,
    }
    sharing.export(name, files)


if __name__ == "__main__":
    controls.run(main)
