"""Figures of Explain: the sum holds, every mark has a second cue, names are never markup."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from core.domain import EventKind
from core.explain.scorecard import Scorecard
from core.figures.explain import SHOWN, curves_figure, waterfall_figure, words_figure
from core.figures.palette import DARK, LIGHT
from core.views.explain.rows import (
    AnswerView,
    EventBar,
    MarkedWord,
    PartsView,
    WordsView,
)


def answer_of(n: int, residual: float = 0.0, stderr: float = 0.1) -> AnswerView:
    values = np.random.default_rng(n).normal(0, 1, n)
    bars = tuple(
        EventBar(
            step=at + 1,
            first_step=at + 1,
            timestamp=datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=at),
            item=f"<b>Item</b> & {at}",
            item_id=f"I{at}",
            kind=EventKind.REVIEW,
            rating=4.0,
            value=float(value),
            stderr=stderr,
        )
        for at, value in enumerate(values)
    )
    score = -6.0 + float(values.sum()) + residual
    return AnswerView("I", "", "", "", "joint", "log p", -6.0, score, residual, bars)


def parts_of(answer: AnswerView) -> PartsView:
    values = np.array(
        [[bar.value * share for share in (0.5, 0.25, 0.25, 0)] for bar in answer.bars]
    )
    values = values.reshape(-1, 4)
    return PartsView("", values)


def trace(figure, name: str):
    return next(one for one in figure.data if one.name == name)


@pytest.mark.parametrize("n", [1, 5, SHOWN, SHOWN + 20])
@pytest.mark.parametrize("residual", [0.0, 0.3])
def test_bars_walk_from_the_base_to_the_score(n: int, residual: float) -> None:
    answer = answer_of(n, residual)
    bars = trace(waterfall_figure(answer, None, LIGHT), "events")
    assert bars.base[0] == pytest.approx(answer.base)
    for at in range(1, len(bars.x)):
        assert bars.base[at] == pytest.approx(bars.base[at - 1] + bars.x[at - 1])
    assert bars.base[-1] + bars.x[-1] == pytest.approx(answer.score)


def test_many_events_become_the_strongest_and_the_rest() -> None:
    answer = answer_of(SHOWN + 20)
    bars = trace(waterfall_figure(answer, parts_of(answer), LIGHT), "events")
    steps = [step for step in bars.customdata if step is not None]
    assert len(steps) == SHOWN and steps == sorted(steps)
    weakest = min(abs(answer.bars[step - 1].value) for step in steps)
    left = [bar for bar in answer.bars if bar.step not in steps]
    assert all(abs(bar.value) <= weakest for bar in left)
    assert bars.x[0] == pytest.approx(sum(bar.value for bar in left))


def test_numbers_stand_clear_of_bars_and_errors_and_name_the_sign() -> None:
    answer = answer_of(6)
    figure = waterfall_figure(answer, None, LIGHT)
    bars, numbers = trace(figure, "events"), trace(figure, "numbers")
    for at, bar in enumerate(answer.bars):
        end = bars.base[at] + bar.value
        assert abs(numbers.x[at] - end) == pytest.approx(bar.stderr)
        assert ("▲" in numbers.text[at]) == (bar.value >= 0)
        assert ("▼" in numbers.text[at]) == (bar.value < 0)


def test_parts_share_one_scale_and_add_up() -> None:
    answer = answer_of(5)
    figure = waterfall_figure(answer, parts_of(answer), DARK)
    ranges = {tuple(figure.layout[f"xaxis{at}"].range) for at in (2, 3, 4, 5)}
    assert len(ranges) == 1
    total = sum(np.array(trace(figure, name).x) for name in ("item", "rating", "text", "time"))
    np.testing.assert_allclose(total, [bar.value for bar in answer.bars], atol=2e-4)  # 4 decimals


def test_before_the_parts_are_there_their_panels_say_so() -> None:
    heads = [note.text for note in waterfall_figure(answer_of(3), None, LIGHT).layout.annotations]
    assert heads == ["item …", "rating …", "text …", "time …"]


def test_names_of_items_are_no_markup() -> None:
    figure = waterfall_figure(answer_of(3), None, LIGHT, chosen=2)
    labels = figure.layout.yaxis.ticktext
    assert all("<b>Item" not in label for label in labels)
    assert "<b>step 2" in labels[2]


def test_no_event_draws_only_the_ends() -> None:
    figure = waterfall_figure(answer_of(0), parts_of(answer_of(0)), LIGHT)
    assert list(trace(figure, "ends").x) == [-6.0, -6.0]


def words_of(n: int) -> WordsView:
    values = np.random.default_rng(1).normal(0, 0.2, n)
    words = tuple(
        MarkedWord(f"<i>{at} ", f"<i>{at}", float(v), float(-v)) for at, v in enumerate(values)
    )
    return WordsView(3, "", words, "", "", "")


def test_the_ten_strongest_words_either_way() -> None:
    view = words_of(30)
    for of_score in (True, False):
        bars = words_figure(view, of_score, LIGHT).data[0]
        values = sorted((abs(word.score) for word in view.words), reverse=True)[:10]
        np.testing.assert_allclose(sorted(map(abs, bars.x), reverse=True), values)
        assert all((text[0] == "▲") == (x >= 0) for text, x in zip(bars.text, bars.x, strict=True))
    ticks = words_figure(view, True, LIGHT).layout.yaxis.ticktext
    assert all(tick.startswith("&lt;i&gt;") for tick in ticks)


def test_no_word_is_an_empty_figure() -> None:
    assert len(words_figure(words_of(0), True, LIGHT).data[0].x) == 0


def test_curves_are_told_apart_by_line_and_by_name() -> None:
    curves = {order: np.linspace(-1, -at, 6) for at, order in enumerate(
        ("explanation", "recent-first", "random"), start=2)}  # fmt: skip
    figure = curves_figure(Scorecard(curves, curves, None), LIGHT)
    assert len(figure.data) == 6
    styles = {(line.line.color, line.line.width, line.line.dash) for line in figure.data}
    assert len(styles) == 3
    said = " ".join(note.text for note in figure.layout.annotations)
    assert all(name in said for name in ("explanation", "recent first", "random"))
    axes = figure.layout.xaxis, figure.layout.xaxis2, figure.layout.yaxis
    assert [one.title.text for one in axes] == ["events removed", "events added", "log p (nats)"]


def test_a_group_of_events_is_one_bar_with_its_steps() -> None:
    answer = answer_of(3)
    group = replace(answer.bars[0], first_step=1, step=40, item="40 events", kind=None)
    figure = waterfall_figure(replace(answer, bars=(group, *answer.bars[1:])), None, LIGHT)
    assert any("steps 1–40" in label for label in figure.layout.yaxis.ticktext)
