"""What threads share is made once, and a slow one holds up no other."""

from __future__ import annotations

import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from core import threads
from core.domain import Stopped
from core.jobs import Job
from core.threads import in_threads, once_each, share_torch, side_by_side, take_share


class Answer:
    def __init__(self) -> None:
        self.may_end, self.began, self.made = threading.Event(), threading.Event(), 0

    @once_each
    def value(self) -> int:
        self.began.set()
        assert self.may_end.wait(30)
        self.made += 1
        return self.made


def test_a_value_is_made_once_and_waits_for_no_other_instances() -> None:
    slow, quick = Answer(), Answer()
    quick.may_end.set()
    with ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(lambda: slow.value) for _ in range(2)]
        assert slow.began.wait(30)
        assert quick.value == 1
        assert slow.made == 0
        slow.may_end.set()
        assert [one.result() for one in waiting] == [1, 1]


def test_work_takes_the_share_of_torch_that_was_said_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_share", None)
    alone, has_begun, may_go_on = torch.get_num_threads(), threading.Event(), threading.Event()

    def reused() -> tuple[int, int, int]:
        share_torch(3)
        first = torch.get_num_threads()
        has_begun.set()
        assert may_go_on.wait(30)
        later = torch.get_num_threads()
        take_share()
        return first, later, torch.get_num_threads()

    def page() -> int:
        assert has_begun.wait(30)
        share_torch(1)
        return Job("search", "x", lambda progress, stop: torch.get_num_threads()).future.result(30)

    try:
        with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
            counts = one.submit(reused)
            assert other.submit(page).result(30) == 1
            may_go_on.set()
            assert counts.result(30) == (3, 3, 1)  # a thread goes on with what it has taken
    finally:
        torch.set_num_threads(alone)


@pytest.mark.parametrize("processors", [1, 2])
def test_works_answer_in_their_order_with_one_thread_of_torch_each(
    processors: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "at_once", lambda: processors)
    first_may_end = threading.Event()

    def first() -> tuple[int, int]:
        assert processors == 1 or first_may_end.wait(30)
        return 1, torch.get_num_threads()

    def second() -> tuple[int, int]:
        first_may_end.set()
        return 2, torch.get_num_threads()

    usual = torch.get_num_threads()
    assert side_by_side([first, second]) == [(1, 1), (2, 1)]
    assert torch.get_num_threads() == usual
    assert side_by_side([]) == []


def test_what_a_work_raises_is_raised_and_nothing_is_begun_after_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(threads, "at_once", lambda: 1)
    begun: list[int] = []

    def failing() -> None:
        raise ValueError("first")

    works = [failing, lambda: begun.append(1)]
    with pytest.raises(ValueError, match="first"):
        side_by_side(works)
    assert begun == []


def test_ctrl_c_is_raised_when_all_threads_have_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "at_once", lambda: 2)
    both, ended = threading.Barrier(2), threading.Event()
    usual = torch.get_num_threads()

    def work() -> None:
        both.wait(30)
        if threading.current_thread() is not threading.main_thread():
            time.sleep(0.1)  # the main thread waits for this one
            signal.raise_signal(signal.SIGINT)
            time.sleep(0.2)
            ended.set()

    usual_handler = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            side_by_side([work, work])
    finally:
        signal.signal(signal.SIGINT, usual_handler)
    assert ended.is_set()
    assert torch.get_num_threads() == usual


def test_as_many_works_run_at_once_as_processors_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "usable_processors", lambda: 4)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(threads, "_share", None)
    assert threads.at_once() == 4
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert threads.at_once() == 3
    monkeypatch.setattr(threads, "_share", 1)
    assert threads.at_once() == 1


@pytest.mark.parametrize("processors", [1, 3])
def test_many_pieces_are_answered_in_their_order_until_somebody_stops(
    processors: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "at_once", lambda: processors)
    assert list(in_threads(lambda piece: piece * piece, range(200))) == [k * k for k in range(200)]
    assert list(in_threads(str, [])) == []
    taken: list[int] = []
    answers = in_threads(lambda piece: taken.append(piece) or piece, iter(range(10_000)))
    assert [next(answers), next(answers)] == [0, 1] and len(taken) < 200
    seen: list[int] = []
    with pytest.raises(Stopped):
        list(in_threads(seen.append, range(10_000), lambda: len(seen) >= 7))
    assert 7 <= len(seen) < 20
