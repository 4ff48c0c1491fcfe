"""The time left of work that doesn't tell it, and the parts of a longer work."""

from __future__ import annotations

import pytest

from core.progress import Pace, Progress, part_of


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_time_left_follows_from_the_count() -> None:
    clock = Clock()
    pace = Pace(clock)
    assert pace.timed(Progress("compare", 0, 100)).seconds_left is None
    clock.now = 1.0
    assert pace.timed(Progress("compare", 20, 100)).seconds_left is None  # too soon to tell
    clock.now = 5.0
    assert pace.timed(Progress("compare", 50, 100)).seconds_left == pytest.approx(5.0)
    assert pace.timed(Progress("of other words", 100, 100)).seconds_left == 0.0


def test_a_new_stage_begins_anew_and_what_is_told_stays() -> None:
    clock = Clock()
    pace = Pace(clock)
    pace.timed(Progress("one", 0, 10))
    clock.now = 100.0
    assert pace.timed(Progress("one", 10, 10)).seconds_left == 0.0
    assert pace.timed(Progress("two", 0, 10)).seconds_left is None
    clock.now = 104.0
    assert pace.timed(Progress("two", 1, 10)).seconds_left == pytest.approx(36.0)
    assert pace.timed(Progress("two", 2, 10, 7.0)).seconds_left == 7.0


def test_a_part_is_named_before_its_stages() -> None:
    told: list[Progress] = []
    part_of(told.append, "Fold 1 of 3")(Progress("Encoding texts", 1, 2, 3.0))
    assert told == [Progress("Fold 1 of 3 · Encoding texts", 1, 2, 3.0)]
    part_of(None, "Fold 1 of 3")(Progress("Encoding texts", 1, 2))
