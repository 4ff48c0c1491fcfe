"""Turning points on pages: the episodes of a user, the evidence, and where to look first."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

import streamlit as st

from core.figures.time_scale import TimeScale
from core.figures.turns import mark_map, mark_times
from core.language import tr
from core.turns.stored import Turns, make_turns, read_turns, stored_path
from core.turns.turning import TurningPoint
from core.views.turns import sentences
from core.views.turns.build import build_cards, build_evidence, build_turns
from core.views.turns.rows import EvidenceView, TurnCard, TurnRow, TurnsView
from core.views.wording import count, joined, nats
from pages._shared import controls, drawing, loaders, notices, working
from pages._shared.loaders import Fingerprint, kept

if TYPE_CHECKING:
    from core.engine import Engine

SECONDS = 1.0
"""How long the evidence of one turning point may take."""
OPEN = "turns_open"
JOB = "turns"


def _file(engine: Engine, *rest: object) -> Fingerprint:
    places = loaders.library().places(stored_path(loaders.library(), engine))
    return tuple(map(loaders.stamp, places))


@kept(4, also=_file, speaks=False)
def of_corpus(engine: Engine) -> Turns | None:
    """The turning points of all users, where they were measured; ``Damaged`` if they are."""
    return read_turns(loaders.library(), engine)


@kept(64, also=_file)
def of_user(engine: Engine, user_id: str) -> TurnsView:
    """One user's turning points and episodes; tested alone where the corpus was not."""
    return build_turns(engine, user_id, notices.find(lambda: of_corpus(engine))[0])


@kept(128)
def evidence(engine: Engine, user_id: str, point: TurningPoint) -> EvidenceView:
    """What carries one turning point."""
    return build_evidence(engine, user_id, point, SECONDS)


@kept(4, also=_file)
def cards(engine: Engine) -> tuple[TurnCard, ...]:
    """The surest turning points of the corpus's last year."""
    measured = of_corpus(engine)
    return build_cards(engine, measured) if measured is not None else ()


def say_damage(engine: Engine) -> None:
    """A line where the corpus's turning points are damaged."""
    if problem := notices.find(lambda: of_corpus(engine))[1]:
        notices.caution(joined(problem, tr("This user is tested alone.")))


def draw_episodes(view: TurnsView, step: int) -> None:
    """The episodes in words, and as a strip of buttons that go to their first steps."""
    notices.say(view.sentence)
    if len(view.episodes) < 2:
        return
    with st.container(horizontal=True, gap="xsmall"):
        for episode in view.episodes:
            drawing.button(
                notices.escape(episode.label),
                f"episode{episode.first}",
                controls.choose_step,
                episode.first,
                type="primary" if episode.first <= step <= episode.last else "secondary",
                help=tr("Go to step {step}", step=episode.first),
            )


def draw_turns(engine: Engine, view: TurnsView) -> None:
    """Every turning point with its evidence, below a fold."""
    if not view.turns:
        return
    label = tr("Evidence for {turns}", turns=count(len(view.turns), "turning point"))
    fold = st.expander(label, on_change="rerun", key=OPEN)
    if not fold.open:
        return
    with fold:
        for turn in view.turns:
            draw_turn(engine, view.user_id, turn)
        notices.caution(tr(sentences.ABOUT_Q) if view.is_whole else tr(sentences.ALONE))
        if not view.is_whole and notices.find(lambda: of_corpus(engine))[0] is None:
            offer(engine)


def draw_turn(engine: Engine, user_id: str, turn: TurnRow) -> None:
    """One turning point: what changed, how sure, which events carry it, which words came."""
    shown = evidence(engine, user_id, turn.point)
    with st.container(border=True, gap="xsmall"):
        st.markdown(f"**{turn.mark} {notices.escape(turn.title)}**")
        st.text(turn.sentence)
        notices.caution(shown.sentence)
        with st.container(horizontal=True, gap="xsmall"):
            for row in shown.carriers:
                about = {"step": row.step, "item": row.item, "value": nats(row.value)}
                label = tr("Step {step}: {item} ({value})", **about)
                key = f"carrier{turn.step}_{turn.kind}_{row.step}"
                drawing.button(
                    notices.escape(label), key, controls.choose_step, row.step, type="tertiary"
                )
        if shown.words:
            st.text(sentences.new_words(shown.words))


def mark(drawn: drawing.Charts, view: TurnsView, scale: TimeScale) -> None:
    """Mark the turning points in the charts of a Timeline."""
    ink = drawing.palette()
    for name in ("profile", "events"):
        mark_times(drawn[name][1], view.turns, scale, ink)
    mark_map(drawn["map"][1], view.turns, ink)


def offer(engine: Engine) -> None:
    """A button that tests all users, with progress and Stop."""
    target = f"{engine.corpus.name} {engine.model_id}"
    if working.is_drawn(JOB, target, tr("Testing all users for turning points")):
        return
    work = functools.partial(make_turns, loaders.library(), engine)
    working.offer(JOB, target, tr("Test all users"), work, type="secondary", icon=None)


def draw_cards(engine: Engine) -> None:
    """The surest turning points as places to start, or the way to them."""
    st.subheader(tr("Turning points"), anchor=False)
    measured, problem = notices.find(lambda: of_corpus(engine))
    if measured is None:
        offered = tr(
            "Tests every user's changes of interest against 200 shuffled histories; the result is "
            "stored."
        )
        notices.caution(joined(problem or tr("Not measured for this model yet."), offered))
        offer(engine)
        return
    shown = cards(engine)
    if not shown:
        st.text(tr("No user has a turning point that is sure enough."))
        return
    with st.grid(3, min_column_width=230, gap="small"):
        for card in shown:
            with st.container(border=True, gap="xsmall"):
                st.markdown(f"**{notices.escape(card.title)}**")
                st.text(card.sentence)
                open_user = functools.partial(
                    controls.open_page, drawing.TIMELINE, user=card.user_id, time=card.step
                )
                label = tr("Timeline at step {step}", step=card.step)
                drawing.button(label, f"turn_{card.user_id}", open_user, icon="timeline")
