"""Long work: it reports, it stops when asked, it fails in words, and it runs once at a time."""

from __future__ import annotations

import threading
import time

from core import jobs
from core.domain import DomainError
from core.pool import Pool
from core.progress import Progress, check_stop


def finished(job: jobs.Job) -> jobs.Job:
    job.future.exception(timeout=10)
    return job


def test_a_job_reports_its_progress_and_keeps_its_result() -> None:
    def work(progress, stop):
        progress(Progress("reading", 1, 2, figures={"rows": 10}))
        progress(Progress("writing", 2, 2))
        return "made"

    job = finished(jobs.start("import", "reports", work))
    assert (job.state, job.result) == ("done", "made")
    assert job.progress == Progress("writing", 2, 2)
    assert job.curve == [{"done": 1.0, "rows": 10}]


def test_stop_is_heard_and_shown_while_the_work_ends() -> None:
    ended = threading.Event()

    def work(progress, stop):
        while True:
            if stop():
                ended.wait(10)
            check_stop(stop)
            time.sleep(0.005)

    job = jobs.start("train", "stops", work)
    job.stop()
    assert job.stopping
    ended.set()
    assert finished(job).state == "stopped"
    assert not job.stopping


def test_a_domain_error_is_kept_as_it_is() -> None:
    error = DomainError("no rows", where="a.csv", remedy="Choose another file")

    def work(progress, stop):
        raise error

    job = finished(jobs.start("import", "fails", work))
    assert (job.state, job.error) == ("failed", error)


def test_a_defect_becomes_words_without_a_traceback() -> None:
    def work(progress, stop):
        raise ZeroDivisionError("secret detail")

    job = finished(jobs.start("train", "breaks", work))
    assert job.state == "failed"
    assert "ZeroDivisionError" in str(job.error)
    assert "secret" not in str(job.error)


def test_the_same_work_does_not_start_twice() -> None:
    go = threading.Event()
    first = jobs.start("train", "twice", lambda progress, stop: go.wait(10))
    assert jobs.start("train", "twice", lambda progress, stop: None) is first
    assert jobs.start("import", "twice", lambda progress, stop: None) is not first
    go.set()
    finished(first)
    second = finished(jobs.start("train", "twice", lambda progress, stop: None))
    assert second is not first


def test_work_after_a_stop_begins_when_the_stopped_work_has_ended() -> None:
    ended, order = threading.Event(), []

    def slow(progress, stop):
        ended.wait(10)
        order.append("first")
        check_stop(stop)

    first = jobs.start("import", "again", slow)
    first.stop()
    second = jobs.start("import", "again", lambda progress, stop: order.append("second"))
    assert second is not first
    assert jobs.start("import", "again", lambda progress, stop: None) is second
    second.stop()
    third = jobs.start("import", "again", lambda progress, stop: order.append("third"))
    assert finished(second).state == "stopped"
    assert third.state == "running" and order == []
    ended.set()
    assert (finished(first).state, finished(third).state) == ("stopped", "done")
    assert order == ["first", "third"]


def test_a_pool_has_no_more_threads_than_its_size_and_none_when_idle() -> None:
    pool, go, names = Pool(2), threading.Event(), set()
    before = threading.active_count()

    def work(progress, stop):
        names.add(threading.get_ident())
        go.wait(10)

    asked = [jobs.Job("piece", str(number), work, pool=pool) for number in range(20)]
    assert threading.active_count() == before + 2
    asked[-1].stop()
    go.set()
    assert {finished(job).state for job in asked[:-1]} == {"done"}
    assert finished(asked[-1]).state == "stopped"
    while threading.active_count() > before:
        time.sleep(0.005)
    assert len(names) <= 2


def test_whoever_asks_for_many_holds_up_nobody_for_longer_than_one_work() -> None:
    pool, go, order = Pool(1), threading.Event(), []

    def named(name: str):
        return lambda progress, stop: order.append(name)

    first = jobs.Job("piece", "first", lambda progress, stop: go.wait(10), pool=pool)
    asked = [jobs.Job("piece", "a", named("a"), pool=pool, whose="a") for _ in range(50)]
    asked += [jobs.Job("piece", "b", named("b"), pool=pool, whose="b") for _ in range(2)]
    asked += [jobs.Job("piece", "c", named("c"), pool=pool, whose="c")]
    go.set()
    assert {finished(job).state for job in (first, *asked)} == {"done"}
    assert "".join(order) == "abcab" + "a" * 48


def test_work_gives_way_while_a_page_is_made(monkeypatch) -> None:
    monkeypatch.setattr(jobs, "COURTESY", 60)
    begun, looked = threading.Event(), threading.Event()

    def work(progress, stop):
        begun.set()
        stop()
        looked.set()

    with jobs.in_front(), jobs.in_front():
        job = jobs.Job("piece", "waits", work, after=())
        assert not begun.wait(0.1) and not looked.is_set()
    assert finished(job).state == "done" and looked.is_set()
    with jobs.in_front():  # for which it has no reason to give way
        waited = jobs.Job("piece", "waited for", lambda progress, stop: stop())
        assert jobs.wait_for(waited, 10) and waited.state == "done"
        assert jobs._front.pages == 1
    go = threading.Event()
    slow = jobs.Job("piece", "slow", lambda progress, stop: go.wait(10))
    assert not jobs.wait_for(slow, 0)
    go.set()
    monkeypatch.setattr(jobs, "COURTESY", 0)
    with jobs.in_front():
        assert finished(jobs.Job("piece", "goes on", work)).state == "done"


def test_work_gives_way_at_most_half_the_time(monkeypatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(jobs, "COURTESY", 60)
    monkeypatch.setattr(jobs._front.free, "wait_for", lambda _, seconds: waits.append(seconds))

    def work(progress, stop):
        for _ in range(1000):
            stop()

    with jobs.in_front():
        finished(jobs.Job("piece", "looks often", work))
    assert waits == [60]


def test_a_finished_job_can_be_forgotten_and_a_running_one_cannot() -> None:
    go = threading.Event()
    job = jobs.start("import", "forgotten", lambda progress, stop: go.wait(10))
    jobs.forget(job.number)
    assert job in jobs.jobs()
    go.set()
    jobs.forget(finished(job).number)
    assert job not in jobs.jobs()


def test_only_the_latest_finished_jobs_of_a_kind_are_remembered() -> None:
    report = finished(jobs.start("train", "kept", lambda progress, stop: "report"))
    for number in range(jobs.KEPT + 5):
        finished(jobs.start("import", f"many{number}", lambda progress, stop: None))
    assert len([job for job in jobs.jobs("import") if job.state != "running"]) <= jobs.KEPT + 1
    assert jobs.find("train", "kept") is report
    assert jobs.find("import", "many0") is None
