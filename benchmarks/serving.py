"""A Streamlit script served in a process of its own, and Chromium to look at it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from benchmarks.measuring import PROJECT
from core.corpus.store import Library

IDLE = '[data-testid=stApp][data-test-script-state="notRunning"]'


@dataclass(frozen=True)
class Server:
    """Where a script is served, and the process that does it."""

    address: str
    pid: int

    def seconds(self) -> float:
        """Processor time of the process so far, all its threads."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def seconds_below(pid: int) -> float:
    """Processor time of all processes below one that are still alive."""
    children: dict[int, list[tuple[int, float]]] = {}
    for file in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = file.read_text().rpartition(")")[2].split()
        except OSError:  # ended meanwhile
            continue
        seconds = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        children.setdefault(int(fields[1]), []).append((int(file.parent.name), seconds))
    total, ahead = 0.0, [pid]
    while ahead:
        for child, seconds in children.get(ahead.pop(), ()):
            total += seconds
            ahead.append(child)
    return total


@contextmanager
def served(script: Path = PROJECT / "app.py", library: Path | None = None) -> Iterator[Server]:
    """Serve a script beside a library, by default an empty one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        server = subprocess.Popen(
            [sys.executable, "-m", "streamlit", "run", str(script), "--server.headless=true",
             f"--server.port={port}"],
            cwd=PROJECT, env=os.environ | {"TASTELINES_LIBRARY": str(library or folder)},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            wait_until_healthy(address)
            yield Server(address, server.pid)
        finally:
            server.terminate()
            server.wait()


@contextmanager
def looking(width: int = 1920, height: int = 1000) -> Iterator[Page]:
    """A tab of Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        yield browser.new_page(viewport={"width": width, "height": height})
        browser.close()


def wait_until_healthy(address: str) -> None:
    """Return when the server answers."""
    for _ in range(300):
        try:
            urllib.request.urlopen(f"{address}/_stcore/health", timeout=2).close()
            return
        except OSError:
            time.sleep(0.2)
    raise AssertionError("the app did not start")


def busiest_user() -> tuple[str, int]:
    """The user of the demo with most events, and how many."""
    corpus = Library.open().corpus("demo")
    counts = corpus.user_starts[1:] - corpus.user_starts[:-1]
    return corpus.user_ids[int(counts.argmax())], int(counts.max())
