"""What threads share is made once, and a slow one holds up no other."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

from core.threads import once_each


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
