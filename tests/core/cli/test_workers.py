"""Several servers of one library: they are kept running, end together, and a proxy shares them."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from core import access
from core.cli import main, workers

PROJECT = Path(__file__).resolve().parents[3]
SERVER = """
import os, sys, time
open(os.path.join(sys.argv[1], str(os.getpid())), "w").close()
time.sleep(60)
"""


def wait_for(folder: Path, n: int) -> list[int]:
    """Process ids of the servers that were started, once there are so many."""
    while len(list(folder.iterdir())) < n:
        time.sleep(0.02)
    return sorted(int(path.name) for path in folder.iterdir())


def is_running(pid: int) -> bool:
    """Whether a process is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_server_that_ends_is_replaced_and_a_signal_ends_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "REST", 0)
    monkeypatch.setattr(workers, "LOOK", 0.02)
    started: list[int] = []

    def watch() -> None:
        first = wait_for(tmp_path, 2)
        os.kill(first[0], signal.SIGKILL)
        started.extend(wait_for(tmp_path, 3))
        os.kill(os.getpid(), signal.SIGTERM)

    thread = threading.Thread(target=watch)
    thread.start()
    before = signal.getsignal(signal.SIGTERM)
    command = [sys.executable, "-S", "-c", SERVER, str(tmp_path)]
    assert workers.keep_running([command] * 2, os.environ) == 0
    thread.join()
    assert len(started) == 3 and not any(map(is_running, started))
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_server_that_refuses_to_start_ends_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workers, "LOOK", 0.02)
    refusal = [sys.executable, "-S", "-c", "raise SystemExit(2)"]
    command = [sys.executable, "-S", "-c", SERVER, str(tmp_path)]
    assert workers.keep_running([command, refusal], os.environ) == 2
    assert not any(map(is_running, wait_for(tmp_path, 0)))


def test_a_server_that_keeps_ending_ends_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(workers, "REST", 0)
    monkeypatch.setattr(workers, "LOOK", 0.02)
    failure = [sys.executable, "-S", "-c", "raise SystemExit(3)"]
    command = [sys.executable, "-S", "-c", SERVER, str(tmp_path)]
    assert workers.keep_running([command, failure], os.environ) == 1
    assert not any(map(is_running, wait_for(tmp_path, 0)))
    assert "5 times" in capsys.readouterr().err
    with pytest.raises(OSError):
        workers.keep_running([command, ["/nowhere/python"]], os.environ)
    assert not any(map(is_running, wait_for(tmp_path, 0)))


def test_the_verb_starts_them_beside_a_proxy_s_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ran: list[tuple[list[list[str]], dict[str, str]]] = []
    monkeypatch.setattr(workers, "keep_running", lambda *all_of: ran.append(all_of) or 0)
    monkeypatch.setenv("STREAMLIT_SERVER_ALLOWED_HOSTS", "localhost taste.example.com")
    monkeypatch.setenv(access.SECRETS, str(tmp_path / "secrets.toml"))
    asked = ["app", "--workers", "3", "--port", "9000", "--library", str(tmp_path / "library")]
    assert main(asked) == 0
    commands, environment = ran[0]
    assert [words[-1] for words in commands] == [f"--server.port={9000 + at}" for at in (1, 2, 3)]
    assert f"--secrets.files={tmp_path / 'secrets.toml'}" in commands[0]
    assert len(environment["STREAMLIT_SERVER_COOKIE_SECRET"]) == 64
    text = (tmp_path / "library/nginx.conf").read_text()
    assert re.findall(r"server 127\.0\.0\.1:(\d+);", text) == ["9001", "9002", "9003"]
    assert "server_name localhost taste.example.com;" in text and text.count("{") == text.count("}")
    monkeypatch.setenv("STREAMLIT_SERVER_ALLOWED_HOSTS", "")
    assert workers.allowed_names() == ["127.0.0.1", "localhost"]
    workers.write_proxy(tmp_path / "any.conf", 9000, 1, ["*"])
    assert "server_name _;" in (tmp_path / "any.conf").read_text()
    monkeypatch.setenv(access.READ_ONLY, "1")
    assert main(asked) == 2
    assert "Say with --proxy where it goes" in capsys.readouterr().err
    monkeypatch.delenv(access.READ_ONLY)
    for wrong, problem in (
        (["app", "--workers", "65"], "equal to 64"),
        (["app", "--workers", "9", "--port", "65530"], "no 9 ports above 65530"),
        (["app", "--proxy", "x"], "for several workers"),
        ([*asked, "--proxy", "/dev/null/x"], "configuration can't be written"),
    ):
        assert main(wrong) == 2
        assert problem in capsys.readouterr().err
    assert len(ran) == 1


def test_files_of_services_name_what_is_there() -> None:
    """What a machine without a registry can say of them."""
    docker = (PROJECT / "deploy/Dockerfile").read_text()
    for line in re.findall(r"^COPY (.*)$", docker, re.MULTILINE):
        assert all((PROJECT / name).exists() for name in line.split()[:-1]), line
    assert "USER tastelines" in docker and "HEALTHCHECK" in docker
    variables = {"TASTELINES_LIBRARY", "TASTELINES_ACCESS", access.SECRETS}
    unit = (PROJECT / "deploy/tastelines.service").read_text()
    compose = (PROJECT / "deploy/compose.yaml").read_text()
    assert variables <= set(re.findall(r"\bTASTELINES_\w+", docker)) & set(
        re.findall(r"\bTASTELINES_\w+", unit)
    )
    assert "read_only: true" in compose and "/run/tastelines/access.toml:ro" in compose
    if shutil.which("systemd-analyze"):
        words = ["systemd-analyze", "verify", str(PROJECT / "deploy/tastelines.service")]
        said = subprocess.run(words, capture_output=True, text=True).stderr
        problems = [line for line in said.splitlines() if "tastelines.service" in line]
        assert all("is not executable" in line for line in problems), problems
