"""Work in a process of its own: followed by every server, stopped by any, said where it is killed.

Another server is this process with an empty registry, or one that has ended.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from core import jobs, processes, records
from core.access import EVERYTHING, Actor, Refused, Role, acting
from core.child import OOM
from core.domain import DomainError, Stopped
from core.processes import NICE, Task
from core.progress import Progress
from core.records import FOLDER, Facts, Process, Record, turn
from tests.core import told

PROJECT = Path(__file__).resolve().parents[2]
ANN, VIC = Actor(Role.EDITOR, "ann@x.org"), Actor(Role.VIEWER, "vic@x.org")
SERVER = """
import sys, time
from pathlib import Path
from core import jobs
from core.processes import Task
from tests.core import told
job = jobs.start("train", "shop", Task(told.wait, Path(sys.argv[1]), {}), link={"x": "1"})
while job.progress is None:
    time.sleep(0.02)
"""


@pytest.fixture
def another_server(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """A function that forgets all jobs, as a server that has just begun."""

    def begin() -> None:
        monkeypatch.setattr(jobs, "_jobs", {})
        monkeypatch.setattr(jobs, "_heard", {})

    begin()
    return begin


def begin(root: Path, target: str = "shop") -> Record:
    """The record of a job whose process is this one."""
    return Record.begin(root, Facts(kind="train", target=target, role=Role.EDITOR, since=1.0))


def start(root: Path, function: Callable[..., Path | None], target: str = "shop", **facts: object):
    return jobs.start("train", target, Task(function, root, facts))


def heard(root: Path, target: str = "shop") -> jobs.Job:
    """The job as a server that did not start it knows it."""
    jobs.hear(root)
    job = jobs.find("train", target)
    assert job is not None
    return job


def ended(job: jobs.Job) -> jobs.Job:
    job.future.exception(timeout=60)
    return job


def begun(job: jobs.Job) -> jobs.Job:
    while job.progress is None and job.state == "running":
        time.sleep(0.02)
    return job


def left(root: Path) -> set[str]:
    """Files of the folder of records, locks aside."""
    return {path.name for path in (root / FOLDER).iterdir() if path.name[0] != "."}


def test_a_task_has_a_process_that_leaves_room_and_acts_as_who_asked(
    tmp_path: Path, another_server: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    (elsewhere / "core").mkdir(parents=True)
    (elsewhere / "core/__init__.py").write_text("raise ImportError")
    monkeypatch.setenv("PYTHONPATH", str(elsewhere))
    with acting(ANN):
        job = ended(start(tmp_path, told.look_around, name="made"))
    assert (job.state, job.result, job.error) == ("done", tmp_path / "made", None)
    facts = json.loads((tmp_path / "made").read_text())
    assert (facts["role"], facts["name"]) == (ANN.role, ANN.name)
    assert facts["pid"] != os.getpid() and facts["session"] == facts["pid"]
    assert ANN.name not in job.record.path.read_text()
    if sys.platform == "linux":
        own = int(Path("/proc/self/oom_score_adj").read_text())
        assert facts["killed_first"] == min(own + OOM, 1000)
    assert facts["nice"] == min(os.nice(0) + NICE, 19) and int(facts["threads"]) >= 1
    assert job.progress is not None and job.progress.done == 2
    assert job.curve == [{"done": 1.0, "loss": 1.0}, {"done": 2.0, "loss": 0.5}]
    another_server()
    other = heard(tmp_path)
    assert (other.state, other.result, other.curve) == (job.state, job.result, job.curve)
    assert other.seconds == pytest.approx(job.seconds)
    other.put_away()
    jobs.hear(tmp_path)
    another_server()
    jobs.hear(tmp_path)
    assert jobs.find("train", "shop") is None and len(left(tmp_path)) == 1


def test_a_job_survives_its_server_and_the_next_one_follows_and_stops_it(
    tmp_path: Path, another_server: Callable[[], None]
) -> None:
    server = [sys.executable, "-c", SERVER, str(tmp_path)]
    subprocess.run(server, cwd=PROJECT, check=True, timeout=60)
    job = heard(tmp_path)
    assert job.state == "running" and job.link == {"x": "1"} and not job.stopping
    assert begun(job).progress.stage == "Waiting"
    assert start(tmp_path, told.refuse) is job  # no second one beside it
    with acting(VIC), pytest.raises(Refused):
        job.stop()
    process = job.record.process
    assert process.is_alive and process.pid != os.getpid()
    job.stop()
    assert job.stopping
    assert ended(job).state == "stopped" and not process.is_alive
    assert job.record.path.read_text().count("Waiting") == 1  # what is nothing new isn't said
    jobs.forget(job.number)
    assert left(tmp_path) == set()


def test_a_killed_process_is_a_failure_everywhere_and_leaves_nobody_behind(
    tmp_path: Path, another_server: Callable[[], None]
) -> None:
    job = begun(start(tmp_path, told.wait))
    os.kill(job.record.process.pid, signal.SIGKILL)
    assert ended(job).state == "failed"
    assert "killed or crashed (signal 9)" in job.error.what and "again" in job.error.remedy
    with pytest.raises(ChildProcessError):  # reaped
        os.waitpid(job.record.process.pid, os.WNOHANG)
    another_server()
    other = heard(tmp_path)
    assert (other.state, str(other.error)) == ("failed", str(job.error))
    assert start(tmp_path, told.refuse) is not other
    jobs.forget(other.number)
    ended(jobs.find("train", "shop"))


def test_a_process_is_known_by_ps_too() -> None:
    with subprocess.Popen(["sleep", "60"]) as process:
        began = records._told_by_ps(process.pid, 1)
        assert began and records._told_by_ps(process.pid, 2) == began
        process.kill()
        process.wait()
    assert records._told_by_ps(process.pid, 3) == ""


def test_a_record_whose_number_went_to_another_process_is_a_failure(
    tmp_path: Path, another_server: Callable[[], None]
) -> None:
    record = begin(tmp_path)
    record.append(process=Process(os.getpid(), "long ago"))
    assert Process.of(os.getpid()).is_alive
    assert ended(heard(tmp_path)).state == "failed"
    record.look()
    assert record.end is not None and record.end.state == "failed"


def test_a_copied_library_has_no_part_in_the_job_of_the_original(
    tmp_path: Path, another_server: Callable[[], None]
) -> None:
    original, copy = tmp_path / "original", tmp_path / "copy"
    with subprocess.Popen(["sleep", "60"]) as process:
        try:
            record = begin(original)
            record.append(process=Process.of(process.pid))
            shutil.copytree(original, copy)
            job = ended(heard(copy))
            assert job.state == "failed" and "was copied" in job.error.what
            jobs.forget(job.number)
            assert left(copy) == set() and process.poll() is None
            record.look()
            assert record.end is None and heard(original).state == "running"
        finally:
            process.kill()


def test_who_does_not_end_is_killed_also_where_stop_cannot_be_told(
    tmp_path: Path, another_server: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Record, **facts: object) -> None:
        raise OSError(errno.ENOSPC, "no space left")

    own = begun(start(tmp_path, told.wait, "own"))
    with subprocess.Popen(["sleep", "60"]) as process:
        begin(tmp_path, "other").append(process=Process.of(process.pid))
        adopted = heard(tmp_path, "other")
        os.kill(own.record.process.pid, signal.SIGSTOP)
        monkeypatch.setattr(processes, "DEAF", 0.3)
        monkeypatch.setattr(Record, "append", full)
        for job in (own, adopted):
            job.stop()
        assert ended(own).state == ended(adopted).state == "stopped"
        assert process.wait(60) == -signal.SIGKILL and not own.record.process.is_alive


def test_ended_jobs_are_heard_at_once_while_pages_are_made(
    tmp_path: Path, another_server: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "COURTESY", 60)
    for number in range(5):
        begin(tmp_path, str(number)).close(Stopped(), 1.0)
    made, drawn = threading.Event(), threading.Event()

    def draw() -> None:
        with jobs.in_front():
            made.set()
            drawn.wait(60)

    threading.Thread(target=draw).start()
    made.wait(60)
    try:
        jobs.hear(tmp_path)
        assert [job.state for job in jobs.jobs("train")] == ["stopped"] * 5
    finally:
        drawn.set()


def test_errors_cross_as_they_are_and_defects_as_words_with_the_trace_in_the_log(
    tmp_path: Path, another_server: Callable[[], None]
) -> None:
    error = ended(start(tmp_path, told.refuse, "refused")).error
    assert error is not None and str(error) == "no rows (a.csv). Choose another file."
    job = ended(start(tmp_path, told.break_down, "broken"))
    assert "ZeroDivisionError" in str(job.error) and "secret" not in str(job.error)
    assert str(job.record.log) in job.error.remedy
    assert "ZeroDivisionError: secret detail" in job.record.log.read_text()
    another_server()
    same = heard(tmp_path, "refused").error
    assert same is not None and (same.what, same.where, same.remedy) == (
        error.what,
        error.where,
        error.remedy,
    )


def test_work_that_hears_no_stop_is_ended_and_so_is_work_whose_record_is_gone(
    tmp_path: Path, another_server: Callable[[], None]
) -> None:
    deaf, gone = start(tmp_path, told.hear_nothing), start(tmp_path, told.wait, "gone")
    begun(deaf).stop()
    begun(gone).record.path.unlink()
    assert ended(deaf).state == ended(gone).state == "stopped"
    for job in (deaf, gone):
        assert not job.record.process.is_alive


def test_trainings_of_a_library_wait_for_each_other(tmp_path: Path) -> None:
    said: list[str] = []

    def stop() -> bool:
        return bool(said)

    def tell(progress: Progress) -> None:
        said.append(progress.stage)

    first, second = (turn("training", tmp_path, tell, stop) for _ in range(2))
    with first, pytest.raises(Stopped), second:
        raise AssertionError("two at once")
    assert said == ["Waiting for another training"]
    with turn("training", tmp_path, tell, stop):
        assert len(said) == 1
    said.clear()
    evaluations = [turn("evaluation", tmp_path, tell, stop) for _ in range(3)]
    with evaluations[0], evaluations[1], pytest.raises(Stopped), evaluations[2]:
        raise AssertionError("three at once")
    assert said == ["Waiting for another evaluation"]


def test_what_was_made_is_kept_where_the_rest_is_cut_off(
    tmp_path: Path, another_server: Callable[[], None]
) -> None:
    stopped, killed = (start(tmp_path, told.make_and_go_on, each) for each in ("stop", "kill"))
    begun(stopped).stop()
    while begun(killed).progress.done == 0:
        time.sleep(0.02)
    os.kill(killed.record.process.pid, signal.SIGKILL)
    another_server()
    for job in (stopped, killed, heard(tmp_path, "stop"), heard(tmp_path, "kill")):
        assert (ended(job).state, job.result) == ("done", tmp_path / "made")
    assert 1 <= len(stopped.curve) <= 20 and stopped.curve[-1]["done"] == 40


def test_an_end_that_cannot_be_written_is_no_crash(
    tmp_path: Path, another_server: Callable[[], None]
) -> None:
    error = ended(start(tmp_path, told.fill_the_disk)).error
    assert error is not None and "can't be written" in error.what and "Make space" in error.remedy


def test_lines_that_are_none_are_passed_over(
    tmp_path: Path, another_server: Callable[[], None]
) -> None:
    with acting(EVERYTHING):
        job = ended(start(tmp_path, told.refuse))
    with job.record.path.open("ab") as file:
        file.write(b'{"end": {"state": "done", "seconds": 0}}\n[1]\n{"stop": 7}\n\xff\n')
        for damaged in (
            b'{"progress": {"stage": "s", "done": -3, "total": 4}}',
            b'{"progress": {"stage": "s", "done": 3, "total": 1%s}}' % (b"0" * 400),
            b'{"progress": {"stage": "s", "done": 3, "total": 4, "seconds_left": NaN}}',
            b'{"curve": [{"loss": 1.0}]}',
        ):
            file.write(damaged + b"\n")
        file.write(b'{"a')
    (tmp_path / FOLDER / "other.jsonl").write_bytes(b"[" * 100_000 + b"\n")
    another_server()
    assert heard(tmp_path).state == "failed" and len(jobs.jobs()) == 1
    assert heard(tmp_path).progress is None and heard(tmp_path).curve == []


def test_a_folder_of_no_utf_8_has_jobs_too(
    tmp_path: Path, another_server: Callable[[], None]
) -> None:
    root = tmp_path / os.fsdecode(b"caf\xe9")
    root.mkdir()
    job = ended(start(root, told.look_around, name="made"))
    assert (job.state, job.result) == ("done", root / "made")
    another_server()
    assert heard(root).result == root / "made"


def test_where_no_process_can_be_started_the_job_says_so(
    tmp_path: Path, another_server: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "gone"))
    error = ended(start(tmp_path, told.wait)).error
    assert error is not None and "can't be started" in error.what and error.remedy


def test_where_no_record_can_be_written_nothing_starts(tmp_path: Path) -> None:
    (tmp_path / FOLDER).write_text("a file")
    with pytest.raises(DomainError, match="record can't be written"):
        start(tmp_path, told.wait, "unwritable")
    jobs.hear(tmp_path)
