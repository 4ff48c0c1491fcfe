"""Sections of Explain: one review word by word, who gets an item, and what all sections share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.figures.explain import words_figure
from core.views.explain.build import event_title
from core.views.explain.explaining import Explaining
from core.views.explain.rows import MarkedWord, ReceiversView, WordsView
from core.views.wording import nats, percent
from pages._shared import drawing, loaders, notices, state
from pages._shared.state import ITEM, TARGET, WORDS_OF

if TYPE_CHECKING:
    from core.engine import Engine

STOPPED = "explain_stopped"
TARGETS = {"sentiment": "Sentiment", (OF_SCORE := "score"): "Score"}
LONG_TEXT = 900
"""Reviews with more characters scroll in a box."""
FAINT, STRONG = 0.12, 0.5
"""Shares of the strongest word from which a word is marked, and marked bold; a word within the
error is not marked at all."""


def stop(explaining: Explaining) -> None:
    """Drop what isn't finished, and ask for nothing more in this session."""
    state.put(STOPPED, explaining)
    explaining.stop()


def go_on() -> None:
    state.put(STOPPED, None)


def is_stopped(explaining: Explaining) -> bool:
    """Whether this session has stopped it; others go on with theirs."""
    return state.get(STOPPED) is explaining


def state_of(explaining: Explaining, waits: str, missing: str) -> str:
    """Why a piece isn't there: it comes, it was stopped, or it failed."""
    if is_stopped(explaining):
        return f"{missing}: stopped."
    if explaining.error() is None or explaining.busy:
        return waits
    return f"{missing}: see the error above."


def chosen_step(explaining: Explaining) -> int | None:
    """The event whose review is read: picked in the chart or below it, else the most telling."""
    picked = state.get(WORDS_OF)
    return picked if picked in steps_with_text(explaining) else explaining.default_step


def steps_with_text(explaining: Explaining) -> list[int]:
    """Steps that have a review, newest first."""
    events = explaining.explanation.history.events
    return [step for step in range(len(events), 0, -1) if events[step - 1].words]


def draw_words(explaining: Explaining, step: int | None) -> None:
    st.subheader("Which words?", anchor=False)
    steps = steps_with_text(explaining)
    if not steps:
        st.text("None of these events has a review.")
        return
    if step is None:
        waits = "Finding the review that contributes most …"
        st.caption(state_of(explaining, waits, "No review chosen"))
        return
    if state.get(WORDS_OF) not in steps:
        state.put(WORDS_OF, step)
    state.hold(WORDS_OF)
    engine, events = explaining.explanation.engine, explaining.explanation.history.events
    titles = {number: event_title(engine, events[number - 1]) for number in steps}
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.selectbox(
            "Review of",
            steps,
            key=WORDS_OF,
            format_func=lambda number: f"step {number} · {titles[number]}",
            width=330,
        )
        target = drawing.choose("Contribution to", TARGET, TARGETS)
    of_score = target == OF_SCORE
    view, error = explaining.words(step), explaining.error(step)
    if error is not None:
        notices.show_error(error)
        return
    if view is None:
        text = explaining.explanation.event(step).words
        with st.container(border=True, height=260 if len(text) > LONG_TEXT else "content"):
            st.text(text)
        st.caption(state_of(explaining, "Reading it word by word …", "Not read"))
        return
    sentence = view.score_sentence if of_score else view.sentiment_sentence
    notices.say(sentence)
    with st.container(border=True, height=260 if view.is_longer_than(LONG_TEXT) else "content"):
        st.markdown(marked(view, of_score))
    figure = words_figure(view, of_score, drawing.palette())
    drawing.chart("words", figure, sentence, is_said=False, below=view.sum_sentence)
    event_link(step)


def marked(view: WordsView, of_score: bool) -> str:
    """The review as Markdown of escaped words: ▲ on blue pushes up, ▼ on orange down."""
    values = [word.score if of_score else word.sentiment for word in view.words]
    strongest = max((abs(value) for value in values), default=0.0)
    doubt = view.score_doubt if of_score else view.sentiment_doubt
    pieces = [notices.escape(view.head)]
    pieces += [
        mark(word, value / strongest if strongest and abs(value) >= doubt else 0.0)
        for word, value in zip(view.words, values, strict=True)
    ]
    return "".join(pieces)


def mark(word: MarkedWord, strength: float) -> str:
    """One word with what follows it; ``strength`` is -1 to 1."""
    rest = notices.escape(word.text[len(word.word) :])
    text = notices.escape(word.word)
    if abs(strength) < FAINT:
        return text + rest
    sign, color = ("▲", "blue") if strength > 0 else ("▼", "orange")
    inner = f"**{sign}{text}**" if abs(strength) >= STRONG else f"{sign}{text}"
    return f":{color}-background[{inner}]{rest}"


def event_link(step: int) -> None:
    label = f"Step {step} on the Timeline"
    drawing.link(drawing.TIMELINE, label, time=step, item=state.get(ITEM))


def draw_receivers(engine: Engine, explaining: Explaining) -> None:
    st.subheader("Who gets this item now?", anchor=False)
    answer = explaining.answer
    key = f"receivers {answer.item_id} {answer.recommender}"
    if not state.get(key):
        drawing.button(
            "Look through all users' lists", "find_receivers", state.put, key, True, icon="group"
        )
        return
    view = loaders.receivers(engine, answer.item_id, answer.recommender)
    notices.say(view.sentence)
    draw_receiver_rows(view, answer.item_id)


def draw_receiver_rows(view: ReceiversView, item_id: str) -> None:
    """One line per user, each leading to that user's explanation."""
    for row, event in zip(view.rows, view.brought_by, strict=True):
        said = "no event contributes positively"
        if event:
            share = f"{percent(row.share)} of the positive contributions"
            said = f"main cause: {event} ({nats(row.value)}, {share})"
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.page_link(
                drawing.EXPLAIN,
                label=notices.escape(f"{row.user_id} · rank {row.rank}"),
                icon=":material/person:",
                query_params=state.link(drawing.EXPLAIN, user=row.user_id, time=None, item=item_id),
                width=200,
            )
            st.text(said)
