"""What threads share is made once, and a slow one holds up no other."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from core import threads
from core.jobs import Job
from core.threads import once_each, share_torch, take_share


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
