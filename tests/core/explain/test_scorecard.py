"""The scorecard: right orders win, one event has nothing to judge, seeds agree or don't."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from core.explain.game import EventGame, Goal, explain_events
from core.explain.scorecard import SEEDS, make_scorecard
from core.progress import Progress
from tests.core.explain.conftest import Toy, history_of


def card_of(n: int, toy: Toy | None = None, **options):
    game = EventGame(toy or Toy(), history_of(n), Goal(4, 7))
    return make_scorecard(game, explain_events(game, seconds=0.3), **options)


def test_for_a_plain_sum_no_order_is_better_than_the_values() -> None:
    card = card_of(8, Toy(bend=0.0, decay=1.0))
    for kind in ("deletion", "insertion"):
        for rival in ("recent-first", "random"):
            assert card.gain(kind, rival) >= -1e-6
    assert card.beats("random")


def test_curves_run_from_the_score_to_the_base_and_back() -> None:
    card = card_of(5)
    game = EventGame(Toy(), history_of(5), Goal(4, 7))
    full, empty = game.values(np.array([[True] * 5, [False] * 5]))
    for curve in card.deletion.values():
        assert (curve[0], curve[-1]) == pytest.approx((full, empty), abs=1e-6)
    for curve in card.insertion.values():
        assert (curve[0], curve[-1]) == pytest.approx((empty, full), abs=1e-6)


def test_an_area_is_the_mean_of_its_curve() -> None:
    card = card_of(4)
    curve = card.deletion["explanation"]
    expected = np.trapezoid(curve, dx=1 / (len(curve) - 1))
    assert card.area("deletion", "explanation") == pytest.approx(expected)


@pytest.mark.parametrize(("n", "stability"), [(0, None), (1, None), (6, 1.0)])
def test_exact_values_are_stable_and_one_event_has_no_rank(n: int, stability: float | None) -> None:
    assert card_of(n).stability == stability


def test_sampled_values_have_a_rank_correlation() -> None:
    stability = card_of(14).stability
    assert stability is not None and 0.5 < stability <= 1
    assert card_of(14, with_stability=False).stability is None


def test_progress_is_told_after_each_round_of_the_seeds() -> None:
    told: list[Progress] = []
    game = EventGame(Toy(), history_of(14), Goal(4, 7))
    events = explain_events(game, enough=0.5)
    make_scorecard(game, events, progress=told.append)
    done = [progress.done for progress in told]
    assert len(done) > 3 and done[0] == 0 and done == sorted(done) and done[-1] >= 6 * SEEDS
    assert {progress.stage for progress in told} == {"explain again with other seeds"}
    assert all(progress.seconds_left is not None for progress in told)


def test_values_that_are_all_equal_have_no_rank() -> None:
    class Deaf(Toy):
        def log_probabilities(self, histories):
            return super().log_probabilities([h.with_events(()) for h in histories])

    assert card_of(12, Deaf()).stability is None


def test_nobody_is_beaten_by_less_than_is_shown() -> None:
    card = card_of(5)
    curves = dict.fromkeys(card.deletion, np.full(6, -3.594))
    close = replace(card, deletion=curves | {"random": np.full(6, -3.586)})
    assert close.gain("deletion", "random") > 0 and not close.beats("random")
    assert replace(card, deletion=curves | {"random": np.full(6, -3.58)}).beats("random")
