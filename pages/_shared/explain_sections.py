"""Sections of Explain: one review word by word, who gets an item, and what all sections share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from core.figures.explain_words import words_figure
from core.views.explain.build import title
from core.views.explain.rows import MarkedWord, ReceiversView, WordsView
from core.views.wording import nats
from pages._shared import controls, loaders, notices, state
from pages._shared.explaining import Explaining
from pages._shared.state import ITEM, RECOMMENDER

if TYPE_CHECKING:
    from core.engine import Engine

TIMELINE = "pages/timeline.py"
WORDS_OF, TARGET, STOPPED = "words_of", "words_target", "explain_stopped"
FEELING, WORTH = "Its sentiment", "The item's score"
LONG_TEXT = 900
"""Reviews with more characters scroll in a box."""
FAINT, STRONG = 0.12, 0.5
"""Shares of the strongest word from which a word is marked, and marked bold; a word within the
error is not marked at all."""


def stop(asked: Explaining) -> None:
    """Drop what isn't finished, and ask for nothing more in this session."""
    state.put(STOPPED, asked)
    asked.stop()


def go_on() -> None:
    """Ask again."""
    state.put(STOPPED, None)


def is_stopped(asked: Explaining) -> bool:
    """Whether this session has stopped it; others go on with theirs."""
    return state.get(STOPPED) is asked


def state_of(asked: Explaining, waits: str, missing: str) -> str:
    """Why a piece isn't there: it comes, it was stopped, or it failed."""
    if is_stopped(asked):
        return f"{missing}: stopped."
    return waits if asked.error() is None or asked.busy else f"{missing}: see the error above."


def chosen_step(asked: Explaining) -> int | None:
    """The event whose review is read: picked in the chart or below it, else the most telling."""
    steps = steps_with_text(asked)
    picked = state.get(WORDS_OF)
    return picked if picked in steps else asked.default_step


def steps_with_text(asked: Explaining) -> list[int]:
    """Steps that have a review, newest first."""
    events = asked.explanation.history.events
    return [step for step in range(len(events), 0, -1) if events[step - 1].words]


def draw_words(asked: Explaining, step: int | None) -> None:
    """One review with its words marked."""
    st.subheader("Which words?", anchor=False)
    steps = steps_with_text(asked)
    if not steps:
        st.text("None of these events has a review.")
        return
    if step is None:
        st.caption(state_of(asked, "Finding the review that counts most …", "Not read"))
        return
    if state.get(WORDS_OF) not in steps:
        state.put(WORDS_OF, step)
    state.hold(WORDS_OF)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.selectbox(
            "Review of",
            steps,
            key=WORDS_OF,
            format_func=lambda one: step_label(asked, one),
            width=330,
        )
        target = st.segmented_control(
            "Words for",
            [FEELING, WORTH],
            default=FEELING,
            required=True,
            key=TARGET,
            persist_state="session",
        )
    of_score = target == WORTH
    view, error = asked.words(step), asked.error(step)
    if error is not None:
        notices.show_error(error)
        return
    if view is None:
        text = asked.explanation.event(step).words
        with st.container(border=True, height=260 if len(text) > LONG_TEXT else "content"):
            st.text(text)
        st.caption(state_of(asked, "Reading it word by word …", "Not read"))
        return
    notices.say(view.score_sentence if of_score else view.sentiment_sentence)
    with st.container(border=True, height=260 if view.is_longer_than(LONG_TEXT) else "content"):
        st.markdown(marked(view, of_score))
    st.plotly_chart(
        words_figure(view, of_score, controls.palette()),
        key="words",
        theme=None,
        config={"displayModeBar": False},
        alt=view.score_sentence if of_score else view.sentiment_sentence,
    )
    notices.caution(view.sum_sentence)
    event_link(step)


def step_label(asked: Explaining, step: int) -> str:
    """``step 12 · Title``."""
    event = asked.explanation.event(step)
    return f"step {step} · {title(asked.explanation.engine, event.item_id)}"


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
    """A way to the Timeline at one event."""
    st.page_link(
        TIMELINE,
        label=f"Step {step} on the Timeline",
        icon=":material/timeline:",
        query_params=state.link(
            time=step, item=state.get(ITEM), recommender=state.get(RECOMMENDER)
        ),
    )


def draw_receivers(engine: Engine, asked: Explaining) -> None:
    """The same item over all users."""
    st.subheader("Who gets this item now?", anchor=False)
    key = f"receivers {asked.answer.item_id} {asked.answer.recommender}"
    if not state.get(key):
        st.button(
            "Look through all users' lists",
            key="find_receivers",
            icon=":material/group:",
            on_click=state.put,
            args=(key, True),
        )
        return
    view = loaders.receivers(engine, asked.answer.item_id, asked.answer.recommender)
    notices.say(view.sentence)
    draw_receiver_rows(view, asked.answer.item_id)


def draw_receiver_rows(view: ReceiversView, item_id: str) -> None:
    """One line per user, each leading to that user's explanation."""
    for row, event in zip(view.rows, view.brought_by, strict=True):
        said = (
            f"brought by {event} ({nats(row.value)}, "
            f"{row.share * 100:.0f}\u202f% of what speaks for it)"
            if event
            else "no event speaks for it"
        )
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.page_link(
                "pages/explain.py",
                label=notices.escape(f"{row.user_id} · number {row.rank}"),
                icon=":material/person:",
                query_params=state.link(user=row.user_id, time=None, item=item_id),
                width=200,
            )
            st.text(said)
