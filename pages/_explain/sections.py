"""Sections of Explain: one review word by word, who gets an item, and what all sections share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st
from streamlit import column_config as col

from core.figures.explain import words_figure
from core.figures.ladder import ladder_figure
from core.language import mark, tr
from core.views.explain.build import event_title
from core.views.explain.explaining import Explaining
from core.views.explain.ladder import LadderView
from core.views.explain.rows import MarkedWord, ReceiversView, WordsView
from core.views.wording import capital, event_label, joined
from pages._shared import controls, drawing, loaders, notices, screen, state
from pages._shared.state import EDITS, EVENT, ITEM, SCENARIO, TARGET, WORDS_OF

if TYPE_CHECKING:
    from core.engine import Engine

STOPPED = "explain_stopped"
PICKED = "explain_picked"
"""The step of the bar that was picked last, with or without a review."""
TARGETS = {(OF_SCORE := "score"): mark("Score"), "sentiment": mark("Sentiment")}
LONG_TEXT = 900
"""Reviews with more characters scroll in a box."""
FAINT, STRONG = 0.12, 0.5
"""Shares of the strongest word from which a word is marked, and marked bold; a word within the
error is not marked at all."""


def stop(explaining: Explaining, *beside: Explaining) -> None:
    """Drop what isn't finished, and ask for nothing more in this session."""
    state.put(STOPPED, explaining)
    for each in (explaining, *beside):
        each.stop()


def go_on() -> None:
    state.put(STOPPED, None)


def is_stopped(explaining: Explaining) -> bool:
    """Whether this session has stopped it; others go on with theirs."""
    return state.get(STOPPED) is explaining


def state_of(explaining: Explaining, waits: str, missing: str) -> str:
    """Why a piece isn't there: it comes, it was stopped, or it failed."""
    if is_stopped(explaining):
        return tr("{missing}: stopped.", missing=missing)
    if explaining.error() is None or explaining.busy:
        return waits
    return tr("{missing}: see the error above.", missing=missing)


def chosen_step(explaining: Explaining) -> int | None:
    """The event whose review is read: picked in the chart or below it, else the most telling.

    None while the most telling one isn't known, and where the picked bar has no review.
    """
    if silent_step(explaining) is not None:
        return None
    picked = state.get(WORDS_OF)
    return picked if picked in steps_with_text(explaining) else explaining.default_step


def silent_step(explaining: Explaining) -> int | None:
    """The step of the picked bar where it has no review: no other one is read in its place."""
    picked = state.get(PICKED)
    bar = next((bar for bar in explaining.answer.bars if bar.step == picked), None)
    if bar is None or (bar.first_step == bar.step and picked in steps_with_text(explaining)):
        return None
    return bar.step


def read_another() -> None:
    """Read a review that was chosen below the chart, or the most telling one. For callbacks."""
    if state.get(PICKED) == state.get(WORDS_OF):
        state.put(WORDS_OF, None)
    state.put(PICKED, None)
    state.put(EVENT, None)


def steps_with_text(explaining: Explaining) -> list[int]:
    """Steps that have a review, newest first."""
    events = explaining.explanation.history.events
    return [step for step in range(len(events), 0, -1) if events[step - 1].words]


def draw_way_back() -> None:
    """Where What-if holds edits of this history: that they aren't explained, and the way back."""
    if state.get(EDITS) is None and state.get(SCENARIO) is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        notices.caution(
            tr("What-if has edits of this history. They are not part of this explanation.")
        )
        drawing.link(drawing.WHAT_IF, tr("Back to What-if"), item=state.get(ITEM))


def draw_ladder(view: LadderView) -> None:
    """Why the item is not in the list, above what makes its score."""
    st.subheader(tr("Why not?"), anchor=False)
    if not view.has_components:
        notices.say(view.sentence)
        return
    figure = ladder_figure(view, drawing.palette(), narrow=screen.is_narrow())
    name, over = tr("Rank at each step"), tr("Margin over rank {k} (nats)", k=view.k)
    drawing.chart("ladder", figure, view.sentence, name=name, below=view.below)
    with st.expander(tr("Steps as a table")):
        drawing.table(
            view.table,
            joined(tr("Rank at each step."), view.sentence),
            {
                "step": col.TextColumn(tr("Step"), width=240),
                "own_rank": col.NumberColumn(tr("Rank in its own list"), format="%d"),
                "margin": col.NumberColumn(over, format="%+.2f"),
                "rank_without": col.NumberColumn(tr("Rank without it"), format="%d"),
            },
            height="auto",
            shows_all=True,
        )


def draw_words(explaining: Explaining, step: int | None) -> None:
    st.subheader(tr("Which words?"), anchor=False)
    steps = steps_with_text(explaining)
    if not steps:
        st.text(tr("None of these events has a review."))
        return
    silent = silent_step(explaining)
    if silent is not None:
        bar = next(bar for bar in explaining.answer.bars if bar.step == silent)
        st.text(tr("{event} has no review.", event=capital(bar.label)))
        state.put(WORDS_OF, silent)  # for the address
        drawing.button(tr("Read the most telling review"), "read_another", read_another)
        return
    if step is None:
        waits = tr("Finding the review that contributes most …")
        st.caption(state_of(explaining, waits, tr("No review chosen")))
        return
    if state.get(WORDS_OF) not in steps:
        state.put(WORDS_OF, step)
    state.hold(WORDS_OF)
    engine, events = explaining.explanation.engine, explaining.explanation.history.events
    titles = {number: event_title(engine, events[number - 1]) for number in steps}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.selectbox(
            tr("Review of"),
            steps,
            key=WORDS_OF,
            on_change=state.acting(read_another),
            format_func=lambda number: event_label(number, number, titles[number]),
            width=330,
        )
        target = drawing.choose(tr("Contribution to"), TARGET, TARGETS)
    of_score = target == OF_SCORE
    view, error = explaining.words(step), explaining.error(step)
    if error is not None:
        notices.show_error(error)
        return
    if view is None:
        text = explaining.explanation.event(step).words
        with st.container(border=True, height=260 if len(text) > LONG_TEXT else "content"):
            st.text(text)
        st.caption(state_of(explaining, tr("Reading it word by word …"), tr("Not read")))
        return
    sentence = view.score_sentence if of_score else view.sentiment_sentence
    notices.say(sentence)
    with st.container(border=True, height=260 if view.is_longer_than(LONG_TEXT) else "content"):
        st.markdown(marked(view, of_score))
    figure = words_figure(view, of_score, drawing.palette())
    below = view.sum_sentence if of_score else view.sentiment_sum
    drawing.chart("words", figure, sentence, is_said=False, below=below)
    event_link(step)


def marked(view: WordsView, of_score: bool) -> str:
    """The review as Markdown of escaped words: ▲ on blue pushes up, ▼ on orange down."""
    values = [word.score if of_score else word.sentiment for word in view.words]
    strongest = max((abs(value) for value in values), default=0.0)
    doubt = view.score_doubt if of_score else view.sentiment_doubt
    pieces = [notices.escape(view.head)]
    pieces += [
        mark_word(word, value / strongest if strongest and abs(value) >= doubt else 0.0)
        for word, value in zip(view.words, values, strict=True)
    ]
    return "".join(pieces)


def mark_word(word: MarkedWord, strength: float) -> str:
    """One word with what follows it; ``strength`` is -1 to 1."""
    rest = notices.escape(word.text[len(word.word) :])
    text = notices.escape(word.word)
    if abs(strength) < FAINT:
        return text + rest
    sign, color = ("▲", "blue") if strength > 0 else ("▼", "orange")
    inner = f"**{sign}{text}**" if abs(strength) >= STRONG else f"{sign}{text}"
    return f":{color}-background[{inner}]{rest}"


def event_link(step: int) -> None:
    label = tr("Step {step} on the Timeline", step=step)
    drawing.link(drawing.TIMELINE, label, time=step, item=state.get(ITEM))


def draw_receivers(engine: Engine, explaining: Explaining) -> None:
    st.subheader(tr("Who gets this item now?"), anchor=False)
    answer = explaining.answer
    key = f"receivers {answer.item_id} {answer.recommender}"  # no sentence  # no sentence
    if not state.get(key):
        label = tr("Look through all users' lists")
        drawing.button(label, "find_receivers", state.put, key, True, icon="group")
        return
    view = loaders.receivers(engine, answer.item_id, answer.recommender)
    notices.say(view.sentence)
    draw_receiver_rows(view, answer.item_id)


def draw_receiver_rows(view: ReceiversView, item_id: str) -> None:
    """A table to sort, one row per user; each leads to that user's explanation."""

    def explain(row: int) -> None:
        controls.open_page(drawing.EXPLAIN, user=view.rows[row].user_id, item=item_id)

    drawing.table(
        view.table.assign(explain=tr("Why?")),
        view.sentence,
        {
            "rank": col.NumberColumn(tr("Rank"), width=60),
            "user": col.TextColumn(tr("User"), width=160),
            "probability": col.NumberColumn(tr("Probability"), format="%.2g %%", width=100),
            "cause": col.TextColumn(tr("Main cause")),
            "contribution": col.NumberColumn(tr("Contribution (nats)"), format="%+.2f", width=140),
            "share": col.NumberColumn(tr("Of positive contributions"), format="%.0f %%", width=170),
            "explain": drawing.buttons("", "explain_receiver", explain, width=64),
        },
        grows=("cause",),
        room=screen.room(),
    )
