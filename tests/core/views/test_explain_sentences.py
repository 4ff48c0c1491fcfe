"""Explain's sentences say what the numbers say, and nothing without one."""

from __future__ import annotations

import numpy as np

from core.explain.scorecard import Scorecard
from core.explain.word_values import Method, WordValues
from core.scenario.edits import Edit, Op
from core.scenario.search import SmallestChange, Tried
from core.shapley.engine import ShapleyValues
from core.views.explain import sentences


def events(stderr: float = 0.0, rounds: int = 0, residual: float = 0.0) -> ShapleyValues:
    values, errors = np.array([[0.5], [0.5 - residual]]), np.array([[stderr], [0.0]])
    return ShapleyValues(np.array([-2.0]), np.array([-1.0]), values, errors, rounds).output(0)


def words(method: Method, stderr: float = 0.0, fit: float | None = None) -> WordValues:
    values = np.array([0.001, -0.5, 0.3])
    return WordValues(method, values, 0.0, -0.189, np.full(3, stderr), fit, 1874)


def card(own: float, recent: float, random: float) -> Scorecard:
    areas = {"explanation": own, "recent-first": recent, "random": random}
    curves = {order: np.full(6, area) for order, area in areas.items()}
    return Scorecard(curves, curves, 0.8)


def change(
    edits: tuple[Edit, ...] = (),
    complete: int = 0,
    among: tuple[int, ...] = (),
    *,
    replacement: str | None = None,
    events: int = 60,
) -> str:
    found = SmallestChange(
        "lamp",
        "out",
        10,
        2,
        bool(edits),
        edits,
        14 if edits else None,
        tried=Tried(99, complete, among),
    )
    named = [(edit.step, f"Item {edit.step}", edit.rating) for edit in edits]
    return sentences.change("Lamp", found, named, replacement, events)


LABELS = ["so", "bad", "good"]
LEADERS = [("step 1 · A", 2.5), ("step 2 · B", 1.0), ("step 3 · C", -0.5)]
NONE = np.zeros(0)
EDITS = (Edit(Op.DELETE, 12), Edit(Op.RATE, 15, rating=1.0))


def test_sentences(snapshot) -> None:
    told = sentences.words
    snapshot(
        "explain",
        {
            "listed": sentences.standing("Lamp", 3, 10, False, -3.44),
            "not listed": sentences.standing("Lamp", 14, 10, False, -8.2),
            "excluded": sentences.standing("Lamp", 2, 10, True, -2.0),
            "two events": sentences.summary(-2.0, -5.0, LEADERS),
            "one event": sentences.leaders([("step 30 · A", 2.92)]),
            "some events": sentences.leaders([("step 1", 1.0), ("step 2", 0.4), ("step 3", 0.9)]),
            "many events": sentences.summary(-1.0, -2.0, [(f"step {n}", 0.1) for n in range(10)]),
            "margin": sentences.summary(1.2, -0.3, LEADERS, "Vase (rank 10)"),
            "small change": sentences.summary(-5.0, -5.01, [("step 1", 0.01)]),
            "less likely": sentences.summary(-6.0, -5.0, [("step 1", -1.0)]),
            "no events": sentences.summary(-5.0, -5.0, []),
            "exact": sentences.trust(events(), 0),
            "sampled": sentences.trust(events(0.04, 12), 1940),
            "badly sampled": sentences.trust(events(0.2, 12, 0.1), 0),
            "components": sentences.components(
                {"interest": 1.5, "ease": -0.4, "content": 0.01, "item-knn": 0.3}, None
            ),
            "popularity": sentences.ignoring("popularity"),
            "others read events": sentences.ignoring("joint"),
            "sum of the sentiment": sentences.sentiment_sum(words("shap")),
            "no sum of the sentiment": sentences.sentiment_sum(words("leave-one-out")),
            "no component": sentences.components({"interest": 0.01}, "Vase"),
            "parts": sentences.parts({"item": 0.2, "text": -0.6, "time": 0.0}, "step 2 · B"),
            "no part": sentences.parts({"item": 0.0}, "step 2 · B"),
            "words left out": told("its sentiment", LABELS, words("leave-one-out"), 0),
            "first words": told("Lamp", LABELS, words("quick", 0.001), 0),
            "words": told("Lamp", LABELS, words("shap", 0.021, 0.4), 40),
            "no words": told("Lamp", [], WordValues("shap", NONE, 0, 0, NONE), 0),
            "smallest change": change(EDITS, 2, replacement="Vase"),
            "perhaps smaller": change(EDITS, 0, (60, 20)),
            "no change": change((), 3, (3, 3, 3), events=3),
            "no chain": change((), 1, (60, 20)),
            "nothing complete": change((), 0, (20,)),
            "good explanation": sentences.scorecard(card(-2, -1, 0), 5),
            "beaten by recent": sentences.scorecard(card(-1, -2, 0), 5),
            "beaten by random": sentences.scorecard(card(-2, -1, -3), 5),
            "nothing to order": sentences.scorecard(card(0, 0, 0), 1),
            "stable": sentences.stability(0.93, False),
            "unstable": sentences.stability(0.5, False),
            "no stability": sentences.stability(None, False),
            "exact stability": sentences.stability(1.0, True),
            "receivers": sentences.receivers("Lamp", 12, 1700, 10, 3),
            "no receiver": sentences.receivers("Lamp", 0, 1700, 10, 0),
            "corpus": " ".join(
                sentences.corpus_scorecard(
                    {
                        "users": 40,
                        "recommender": "joint",
                        "better_than_recent_first": 0.8,
                        "equal_to_recent_first": 0.05,
                        "better_than_random": 0.9,
                        "equal_to_random": 0.0,
                        "gain_over_recent_first": {"mean": 1.2, "ci": [0.8, 1.5]},
                        "stability": 0.95,
                    }
                )
            ),
        },
    )


def test_words_that_round_to_zero_are_not_named() -> None:
    said = sentences.words("Lamp", LABELS, words("shap"), 0)
    assert "bad \u22120.50, good +0.30" in said and "so " not in said


def test_a_small_bound_is_stated_instead_of_the_standard_error() -> None:
    assert "every value is within 3.9\u202f% of the change" in sentences.trust(events(0.02, 12), 0)


def test_a_large_error_warns() -> None:
    assert "care" in sentences.trust(events(0.2, 12), 0)
    assert "care" not in sentences.trust(events(0.04, 12), 0)
