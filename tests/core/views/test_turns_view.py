"""Turning points in words: episodes, changes, evidence, and what is said where there is none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.engine import Engine
from core.figures.chart import Chart
from core.figures.palette import PALETTES
from core.figures.time_scale import time_scale
from core.figures.turns import mark_map, mark_times
from core.turns.stored import Turns, turns_of_user
from core.turns.turning import Kind, UserTurns
from core.views.timeline.build import build_timeline
from core.views.turns import sentences
from core.views.turns.build import build_cards, build_evidence, build_turns
from core.views.turns.rows import TurnsView
from core.views.wording import count


@pytest.fixture(scope="module")
def turned(engine: Engine) -> tuple[UserTurns, TurnsView]:
    """The first user of the demo with a turning point."""
    for user_id in engine.corpus.user_ids:
        turns = turns_of_user(engine, engine.corpus.history(user_id))
        if len(turns.stretches) > 1:
            return turns, build_turns(engine, user_id, None)
    raise AssertionError("nobody turned")


def test_the_episodes_are_the_whole_history(
    engine: Engine, turned: tuple[UserTurns, TurnsView]
) -> None:
    turns, view = turned
    assert [(each.first, each.last) for each in view.episodes] == list(turns.stretches)
    assert view.sentence.startswith(f"{len(view.episodes)} episodes: {view.episodes[0].name} (")
    history = engine.corpus.history(view.user_id)
    assert sum(each.reviews for each in view.episodes) == sum(bool(e.words) for e in history.events)
    for episode in view.episodes:
        assert count(episode.last - episode.first + 1, "event") in episode.label
    assert not view.is_whole


def test_a_turn_says_what_grew_and_which_events_carry_it(
    engine: Engine, turned: tuple[UserTurns, TurnsView]
) -> None:
    _, view = turned
    turn = view.turns[0]
    grew = engine.topics.names[turn.point.grew]
    assert f"step {turn.step}" in turn.title and grew in turn.title
    assert f"{grew} grew from" in turn.sentence
    assert f"p {sentences.chance(turn.point.p)}" in turn.sentence
    shown = build_evidence(engine, view.user_id, turn.point)
    values = [row.value for row in shown.carriers]
    assert values == sorted(values, reverse=True) and values[-1] > 0
    assert grew in shown.sentence


def test_without_a_turn_it_says_why() -> None:
    def said(p: float | None) -> str:
        return sentences.summary(UserTurns("u", 9, p, ()), ())

    assert said(None).startswith("Too few events")
    assert "no difference to the model beyond chance" in said(0.4) and "0.40" in said(0.4)
    assert "no single change" in said(0.03)


def test_the_surest_become_cards(engine: Engine, turned: tuple[UserTurns, TurnsView]) -> None:
    turns, view = turned
    sure = replace(turns, points=tuple(replace(point, q=0.02) for point in turns.points))
    known = Turns(engine.corpus.corpus_id, engine.model_id, (sure,))
    (card,) = build_cards(engine, known)
    assert card.user_id == view.user_id and card.title.startswith(f"{view.user_id}: ")
    assert "2\u202f% of the finds" in card.sentence
    whole = build_turns(engine, view.user_id, known)
    assert whole.is_whole and "q 0.02" in whole.turns[0].sentence


def test_charts_mark_every_turn_and_can_be_picked(
    engine: Engine, turned: tuple[UserTurns, TurnsView]
) -> None:
    _, view = turned
    scale = time_scale(build_timeline(engine, view.user_id), "even")
    figure = Chart({})
    mark_times(figure, view.turns, scale, PALETTES["light"])
    mark_map(figure, view.turns, PALETTES["dark"])
    assert len(figure.layout.shapes) == 2 * len(view.turns)
    assert [note.text for note in figure.layout.annotations] == [turn.mark for turn in view.turns]
    assert list(figure.data[0].customdata) == [turn.step for turn in view.turns]
    assert set(sentences.MARKS) == set(Kind)
