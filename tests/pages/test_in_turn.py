"""Pages are made one after the other, in the order in which they were asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest

from core import jobs
from core.corpus.store import Library
from pages._shared import in_turn, working
from pages._shared.in_turn import Turns
from pages._shared.loaders import OPENED, kept

WAIT = 30.0


def started(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_pages_are_made_one_at_a_time_in_their_order() -> None:
    turns, done, together = Turns(long=WAIT), list[int](), list[int]()
    running = 0

    def page(number: int) -> None:
        nonlocal running
        with turns.turn():
            running += 1
            together.append(running)
            done.append(number)
            running -= 1

    with turns.turn():
        threads = []
        for number in range(8):
            threads.append(started(lambda number=number: page(number)))
            until(lambda number=number: len(turns._waiting) == number + 1)
        assert not done
    for thread in threads:
        ended(thread)
    assert done == list(range(8))
    assert set(together) == {1}


def test_a_page_that_takes_long_or_waits_holds_up_nobody() -> None:
    long, waits = Turns(long=0.01), Turns(long=WAIT)
    made = threading.Event()

    def page(turns: Turns) -> None:
        with turns.turn():
            made.set()

    with long.turn():
        thread = started(lambda: page(long))
        assert made.wait(WAIT)
    ended(thread)
    made.clear()
    with waits.turn():
        thread = started(lambda: page(waits))
        with waits.away():
            assert made.wait(WAIT)
    ended(thread)
    with waits.turn():  # and the next one has its turn
        pass


def test_a_turn_within_a_turn_waits_for_nobody_and_ends_nothing() -> None:
    turns, made = Turns(long=WAIT), threading.Event()

    def page() -> None:
        with turns.turn():
            made.set()

    with turns.turn():
        with turns.turn():
            thread = started(page)
            until(lambda: len(turns._waiting) == 1)
        assert not made.is_set()
    ended(thread)
    assert made.is_set()


def test_who_is_interrupted_while_waiting_holds_up_nobody() -> None:
    class Gone(BaseException):
        pass

    turns, made = Turns(long=WAIT), threading.Event()
    interrupted = threading.Event()

    def clock() -> float:
        if threading.current_thread() is gone:
            interrupted.set()
            raise Gone
        return 0.0

    def leaves() -> None:
        with pytest.raises(Gone), turns.turn():
            pass

    def page() -> None:
        with turns.turn():
            made.set()

    with turns.turn():
        turns._clock = clock
        gone = threading.Thread(target=leaves, daemon=True)
        gone.start()
        ended(gone)
        assert interrupted.is_set() and not turns._waiting
        thread = started(page)
        until(lambda: len(turns._waiting) == 1)
    ended(thread)
    assert made.is_set()


def test_pages_that_wait_for_what_is_opened_or_a_job_let_others_go_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    turns = Turns(long=WAIT)
    go, begun = threading.Event(), threading.Event()
    waited, gone = list[str](), list[int]()

    @contextmanager
    def away() -> Iterator[None]:
        with turns.away():
            gone.append(1)
            yield

    monkeypatch.setattr(in_turn, "turn", turns.turn)
    monkeypatch.setattr(in_turn, "away", away)

    @kept(OPENED, "Opening ...")
    def model(name: str) -> str:
        begun.set()
        assert go.wait(WAIT)
        return name

    def page() -> None:
        with in_turn.turn():
            waited.append(model("waited for"))

    opens = started(page)
    assert begun.wait(WAIT)
    threads = [opens, *(started(page) for _ in range(3))]
    until(lambda: len(gone) == len(threads))
    with in_turn.turn():  # though all of them wait
        assert not waited
        job = jobs.Job("search", "x", lambda progress, stop: go.wait(WAIT))
        threads.append(started(go_after(turns, go)))
        until(lambda: len(turns._waiting) == 1)
        assert working.has_ended(job)
    for thread in threads:
        ended(thread)
    assert waited == ["waited for"] * 4


def go_after(turns: Turns, go: threading.Event) -> Callable[[], None]:
    def page() -> None:
        with turns.turn():
            go.set()

    return page


def test_the_app_is_made_in_a_turn(
    open_app: Callable[..., object], shop: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_front = list[int]()

    @contextmanager
    def spy() -> Iterator[None]:
        in_front.append(jobs._front.in_this_thread)
        yield

    monkeypatch.setattr(in_turn, "turn", spy)
    open_app("pages/overview.py", corpus="shop")
    assert set(in_front) == {0}  # a page that waits for its turn is not in front


@pytest.mark.parametrize(("fragments", "turns"), [(["a"], [0]), (None, [])])
def test_a_part_of_a_page_takes_a_turn_where_it_is_drawn_alone(
    monkeypatch: pytest.MonkeyPatch, fragments: list[str] | None, turns: list[int]
) -> None:
    taken = list[int]()

    @contextmanager
    def spy() -> Iterator[None]:
        taken.append(jobs._front.in_this_thread)
        yield

    context = SimpleNamespace(fragment_ids_this_run=fragments)
    monkeypatch.setattr(in_turn, "get_script_run_ctx", lambda: context)
    monkeypatch.setattr(in_turn, "turn", spy)
    with in_turn.drawn_alone():
        assert jobs._front.in_this_thread == len(turns)
    assert taken == turns


def ended(thread: threading.Thread) -> None:
    thread.join(WAIT)
    assert not thread.is_alive()


def until(holds: Callable[[], bool]) -> None:
    waiting = threading.Event()
    for _ in range(round(WAIT / 0.001)):
        if holds():
            return
        waiting.wait(0.001)
    raise AssertionError("it never held")
