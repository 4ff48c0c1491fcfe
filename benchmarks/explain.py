"""The figures of Explain: ``python -m benchmarks.explain [SECTION...]``.

Sections: exact, events, words, planted, turns, deletion, counterfactual, long. All with the default
recommender, on the shipped demo; deletion also on ``music`` with its newest model of
``$TASTELINES_LIBRARY``, or a model of few epochs made for it. ``TASTELINES_SAMPLE=0.1`` takes a
tenth of the cases and records nothing.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import combinations, product
from math import comb
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.engines import demo_engine, demo_truth, music_engine
from benchmarks.explain_words import planted, words
from benchmarks.measuring import SAMPLE, Line, cases, record, show
from core.domain import Columns, Event, History
from core.engine import Engine
from core.explain.explanation import Explanation
from core.explain.game import EventGame, Goal, explain_events
from core.explain.over_corpus import judge_corpus
from core.ranking import ranks_of
from core.shapley.engine import ENOUGH

K = 10
AFTER_A_TURN = 3
"""A turn counts when the user had so many events after it."""
MOST_ENUMERATED = 70_000


def exact() -> list[Line]:
    """Exact values against the definition, coalition by coalition, over 50 histories."""
    engine = demo_engine()
    worst = 0.0
    histories = _histories(engine, 10, cases(50))
    for history in histories:
        game = _game(engine, history)
        difference, span = _against_definition(engine, history, game)
        worst = max(worst, difference / span)
    what = f"exact against enumeration, {len(histories)} histories of 10 events, of the range"
    return [show(Line(what, "1e-5", f"{worst:.1e}", worst <= 1e-5))]


def _against_definition(engine: Engine, history: History, game: EventGame) -> tuple[float, float]:
    """The largest difference to Shapley's formula, and the range of the coalitions' values."""
    n, players = len(history), range(1, len(history) + 1)
    sets = [s for size in range(n + 1) for s in combinations(players, size)]
    asked = engine.recommender().log_probabilities([history.keeping(steps) for steps in sets])
    worth = dict(zip(sets, game.goal.of(asked).tolist(), strict=True))
    values = np.zeros(n)
    for steps, value in worth.items():
        for step in players:
            if step not in steps:
                more = worth[tuple(sorted((*steps, step)))]
                values[step - 1] += (more - value) / (n * comb(n - 1, len(steps)))
    found = explain_events(game).values
    span = max(worth.values()) - min(worth.values())
    return float(np.abs(found - values).max()), span


def events() -> list[Line]:
    """Time to the stated error at 50 events, and to exact values at 10."""
    engine = demo_engine()
    long = _histories(engine, 50, cases(20))
    short = _histories(engine, 10, cases(20))
    _game(engine, long[0]).values(np.ones((1, 50), np.bool_))  # opens the models
    taken, errors = [], []
    for history in long:
        game = _game(engine, history)
        began = time.perf_counter()
        found = explain_events(game, seconds=10.0)
        taken.append(time.perf_counter() - began)
        errors.append(found.error)
    seconds, worst = statistics.median(taken), max(taken)
    exactly = []
    for history in short:
        game = _game(engine, history)
        began = time.perf_counter()
        explain_events(game)
        exactly.append(time.perf_counter() - began)
    ten = statistics.median(exactly)
    by = engine.recommender().id
    return [
        show(Line(f"50 events to an error of {ENOUGH:.0%}, {by}, median of {len(long)}", "0.7 s",
                  f"{seconds:.2f} s (slowest {worst:.2f} s, largest error {max(errors):.1%})",
                  seconds <= 0.7)),
        show(Line(f"10 events exact, {by}, median of {len(short)}", "0.2 s", f"{ten:.2f} s",
                  ten <= 0.2)),
    ]  # fmt: skip


def turns() -> list[Line]:
    """After an abrupt turn: does the top event belong to the interest that was planted last?"""
    engine, truth = demo_engine(), demo_truth()
    corpus = engine.corpus
    category = dict(zip(corpus.items[Columns.Item], corpus.items[Columns.Category], strict=True))
    held, chance = [], []
    after = truth.turns.sort_values(Columns.User)
    for user, start, target in after[[Columns.User, "start", "target"]].itertuples(index=False):
        history = corpus.history(user)
        if sum(event.timestamp >= start for event in history.events) < AFTER_A_TURN:
            continue
        first = engine.recommend(history, 1).items[0].item_id
        explanation = Explanation(engine, history, first, seconds=2.0)
        steps = explanation.game.players[int(explanation.events.values.argmax())]
        own = [category[event.item_id] == target for event in history.events]
        held.append(all(own[step - 1] for step in steps))
        chance.append(float(np.mean(own)))
        if len(held) == cases(1_000):
            break
    share = float(np.mean(held))
    return [
        show(Line(f"top event of the planted current interest, {len(held)} users after a turn",
                  "80 %", f"{share:.1%} (a random event {np.mean(chance):.1%})", share >= 0.8))
    ]  # fmt: skip


def deletion() -> list[Line]:
    """Deletion by the explanation against most recent first, over users with 8 or more events."""
    lines = []
    for name, engine in (("music", music_engine()), ("demo", demo_engine())):
        facts: dict[str, Any] = judge_corpus(engine, cases(200)).facts()
        gain, share = facts["gain_over_recent_first"], facts["better_than_recent_first"]
        low, high = gain["ci"]
        lines.append(
            show(Line(f"{name}: deletion better than most recent first, {facts['users']} users",
                      "70 %", f"{share:.1%}, gain {gain['mean']:+.3f} nats [{low:+.3f}, "
                      f"{high:+.3f}]; better than random {facts['better_than_random']:.1%}",
                      share >= 0.7))
        )  # fmt: skip
    return lines


def counterfactual() -> list[Line]:
    """The smallest change against enumeration by other code; every answer asked once more."""
    engine = demo_engine()
    wanted, minimal, verified, found, largest = cases(100), 0, 0, 0, 0
    rng = np.random.default_rng(0)
    compared = 0
    for user in rng.permutation(engine.corpus.user_ids).tolist():
        history = engine.corpus.history(user)
        if len(history) > 10:
            history = history.up_to(int(rng.integers(3, 11)))
        listed = engine.recommend(history, K).items
        item = listed[int(rng.integers(len(listed)))].item_id
        explanation = Explanation(engine, history, item)
        answer = explanation.counterfactual
        smallest = _enumerated(explanation)
        compared += 1
        minimal += smallest == (len(answer.edits) if answer.found else None)
        if answer.found:
            found += 1
            largest = max(largest, len(answer.edits))
            changed = {edit.step: edit.rating for edit in answer.edits}
            verified += _rank(explanation, [changed])[0] == answer.verified_rank
        if compared == wanted:
            break
    return [
        show(Line(f"true minimum found, {compared} cases with up to 10 events", "100 %",
                  f"{minimal / compared:.0%} ({found} have one, of up to {largest} edits)",
                  minimal == compared)),
        show(Line("verified by asking again", "100 %", f"{verified / max(found, 1):.0%}",
                  verified == found)),
    ]  # fmt: skip


def _enumerated(explanation: Explanation) -> int | None:
    """Size of the smallest change that exists, by trying all; None where none exists."""
    history, scale = explanation.history, explanation.engine.corpus.manifest.rating_scale
    choices: dict[int, list[float | None]] = {}
    for step, event in enumerate(history.events, start=1):
        ends = scale if scale is not None and event.rating is not None else ()
        choices[step] = [None, *(end for end in ends if end != event.rating)]
    for size in range(1, len(history) + 1):
        sets = [
            dict(zip(steps, chosen, strict=True))
            for steps in combinations(choices, size)
            for chosen in product(*(choices[step] for step in steps))
        ]
        if len(sets) > MOST_ENUMERATED:
            raise SystemExit(f"{len(sets)} sets of {size} edits are too many to enumerate")
        if (_rank(explanation, sets) > K).any():
            return size
    return None


def _rank(
    explanation: Explanation, changes: Sequence[dict[int, float | None]]
) -> npt.NDArray[np.int64]:
    """Rank of the item after each change (by step: a rating, or None for removed), int64[n]."""
    ranks: list[int] = []
    for begin in range(0, len(changes), 2_000):
        histories = []
        for change in changes[begin : begin + 2_000]:
            events: list[Event] = []
            for step, event in enumerate(explanation.history.events, start=1):
                if step not in change:
                    events.append(event)
                elif change[step] is not None:
                    events.append(replace(event, rating=change[step]))
            histories.append(explanation.history.same_moment(events))
        scores = explanation.recommender.log_probabilities(histories)
        ranks += ranks_of(explanation.item, scores, explanation.excluded).tolist()
    return np.array(ranks, np.int64)


def long() -> list[Line]:
    """A history of 2,000 events, put together from many users."""
    engine = demo_engine()
    corpus = engine.corpus
    gathered: list[Event] = []
    for user in corpus.user_ids:
        gathered += corpus.history(user).events
        if len(gathered) >= 2_000:
            break
    history = History("many", tuple(sorted(gathered[:2_000], key=lambda e: e.timestamp)))
    item = engine.recommend(history, 1).items[0].item_id
    explanation = Explanation(engine, history, item, seconds=5.0)
    began = time.perf_counter()
    found = explanation.events
    seconds = time.perf_counter() - began
    return [
        show(Line("a history of 2,000 events, answer with its error", "6 s",
                  f"{seconds:.1f} s, error {found.error:.1%}, {len(found.values)} groups",
                  seconds <= 6))
    ]  # fmt: skip


def _game(engine: Engine, history: History) -> EventGame:
    """The game about the first item of the list."""
    first = engine.recommend(history, 1).items[0].item_id
    goal = Goal(engine.corpus.item_index[first])
    return EventGame(engine.recommender(), history, goal)


def _histories(engine: Engine, events: int, most: int) -> list[History]:
    """Users' histories cut to so many events, in an order drawn by seed."""
    order = np.random.default_rng(0).permutation(engine.corpus.user_ids).tolist()
    found = (engine.corpus.history(user) for user in order)
    return [h.up_to(events) for h in found if len(h) >= events][:most]


SECTIONS: dict[str, Callable[[], list[Line]]] = {
    "exact": exact,
    "events": events,
    "words": words,
    "planted": planted,
    "turns": turns,
    "deletion": deletion,
    "counterfactual": counterfactual,
    "long": long,
}


def main() -> None:
    """Measure the sections named on the command line, or all."""
    for name in sys.argv[1:] or SECTIONS:
        lines = SECTIONS[name]()
        if SAMPLE >= 1:
            record("explain", {name: lines})


if __name__ == "__main__":
    main()
