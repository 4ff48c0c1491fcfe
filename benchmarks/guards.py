"""Bars of safety, each printed: ``python -m benchmarks.guards``, or with some of these names.

``hosts``: foreign Host and Origin over HTTP and a real websocket, and paths outside the folders of
the path box, typed in Chromium. ``bombs``: Parquet files far larger in memory than on disk.
``uploads``: files of any name dropped on Data and models. ``dtypes``: a model opened 700 times
while two threads load the encoder in bf16. ``threads``: those of the server 10 s after 50 sessions
have asked Explain and closed. ``numbers``: 200 changed numbers in a model's files, and 100 whose
hashes were made to fit, by hypothesis, in a process of its own. ``explain``: the verb, twice in new
processes. The cases are those of the tests.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import numpy as np
from playwright.sync_api import Page
from websockets.exceptions import InvalidStatus

from benchmarks.measuring import PROJECT, Line, record, show
from benchmarks.serving import IDLE, Server, looking, served

OPENINGS, LOADS = 700, 4
WARM, SESSIONS, PAUSE, PATIENCE = 3, 50, 10, 300
"""Sessions before the first count and after it, the seconds between their end and a count, and the
most seconds for one to begin.
"""
MEGABYTES = 300


def hosts() -> list[Line]:
    """Foreign names and pages, and the path box."""
    from tests.browser.test_guard import NAMES, PAGES, PATHS, ask, first_message, foreign_sockets

    def opens(host: str, origin: str | None) -> bool:
        with suppress(InvalidStatus):
            return first_message(server.address, host, origin) == "new_session"
        return False

    with tempfile.TemporaryDirectory() as folder:
        paths, tried = Path(folder), []
        for name in ("mine", "mine-too"):
            (paths / name).mkdir()
            (paths / name / "rows.csv").write_text("who,what,moment\nu,i,1700000000\n")
        (paths / "mine/link.csv").symlink_to(paths / "mine-too/rows.csv")
        outside = ["mine-too/rows.csv", "mine/../mine-too/rows.csv", "mine/link.csv", "."]
        os.environ["TASTELINES_FOLDERS"] = str(paths / "mine")
        with served() as server:
            own = server.address.removeprefix("http://")
            port = own.rpartition(":")[2]
            names = [host for name in NAMES for host in (name, f"{name}:{port}")]
            asked = [(path, host, f"http://{host}") for path in PATHS for host in names]
            asked += [("/_stcore/health", own, origin) for origin in PAGES]
            entered = [case for case in asked if ask(server.address, *case)[0] != 403]
            sockets = foreign_sockets(server.address)
            opened = [socket for socket in sockets if opens(*socket)]
            answers = opens("127.0.0.1", server.address) and ask(server.address, "/", own)[0] == 200
            with looking() as page:
                reads = reads_path(page, server, str(paths / "mine/rows.csv"))
                tried = [str(paths / path) for path in outside] + ["/etc/passwd", "~/x"]
                read = [path for path in tried if reads_path(page, server, path)]
    own_page = "the app's own page is answered" if answers else "ITS OWN PAGE IS REFUSED"
    inside = "a file inside is read" if reads else "A FILE INSIDE IS REFUSED"
    return [
        Line(f"requests with a foreign Host or Origin answered, of {len(asked)}; {own_page}", "0",
             str(len(entered)), not entered and answers),
        Line(f"websockets with a foreign Host or Origin opened, of {len(sockets)}", "0",
             str(len(opened)), not opened),
        Line(f"paths outside its folders that the path box read, of {len(tried)}; {inside}", "0",
             str(len(read)), not read and reads),
    ]  # fmt: skip


def reads_path(page: Page, server: Server, path: str) -> bool:
    """Whether Data and models reads a typed path; anything but a refusal counts as reading."""
    page.goto(f"{server.address}/corpora")
    page.get_by_text("Path on this machine").click(timeout=120_000)
    box = page.get_by_label("Path of the events file or folder")
    box.fill(path)
    box.press("Enter")
    said = page.get_by_text(re.compile("may not read files|Which column holds|can't be read"))
    said.first.wait_for(timeout=120_000)
    page.wait_for_selector(IDLE, timeout=120_000)
    return page.get_by_text("may not read files there").count() == 0


def bombs() -> list[Line]:
    """Preview and import of each bomb, in one process of its own."""
    from tests.core.corpus.test_limits import BOMBS, MEASURE

    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{bomb.__name__}.parquet" for bomb in BOMBS]
        for bomb, path in zip(BOMBS, paths, strict=True):
            bomb(path)
        found = json.loads(output_of(sys.executable, "-c", MEASURE, *map(str, paths)))
    refused = [path for path in paths if len(found["said"].get(path.name, ())) == 2]
    kinds = f"{len(paths)} kinds of Parquet bombs, {len(refused)} refused by preview and import"
    more = float(found["more"])
    is_met = more < MEGABYTES and len(refused) == len(paths)
    return [
        Line(f"memory beyond before, {kinds}", f"< {MEGABYTES} MB", f"{more:.0f} MB", is_met),
    ]


def output_of(*command: str, **environment: str) -> str:
    """Standard output of a command that has to succeed."""
    done = subprocess.run(
        command, cwd=PROJECT, env=os.environ | environment, stdout=subprocess.PIPE, check=True
    )
    return done.stdout.decode()


def uploads() -> list[Line]:
    """A file of each name on disk, and on the page where it can come over the wire (no surrogates):
    its columns are asked for.
    """
    from tests.pages.test_corpora_page import NAMES, ROWS, is_stored
    from tests.reliability import damaging

    failed, dropped = [], 0
    with tempfile.TemporaryDirectory() as folder:
        damaging.drive_pages(Path(folder))
        for name in NAMES:
            if not is_stored(name, Path(folder)):
                failed.append(name)
            if any("\ud800" <= character <= "\udfff" for character in name):
                continue
            dropped += 1
            app = damaging.open_page("pages/corpora.py")
            app.file_uploader(key="import_events").upload(name, ROWS.encode()).run()
            asked = any("Which column holds user_id?" in text.value for text in app.text)
            if app.exception or not asked:
                failed.append(name)
    names = f": {sorted(set(failed))!r}" if failed else ""
    what = f"failures of {len(NAMES)} kinds of names of uploads, {dropped} of them on the page"
    return [Line(what, "0", f"{len(failed)}{names}", not failed)]


def dtypes() -> list[Line]:
    """A model opened beside two threads that load the encoder."""
    from benchmarks.engines import demo_engine
    from tests.core.encode.test_encoder import openings_beside_loading

    failed = openings_beside_loading(demo_engine(), OPENINGS, LOADS)
    what = f"failures of {OPENINGS} openings of the demo's model, two threads load the encoder"
    return [Line(what, "0", f"{len(failed)}{failed[:1] or ''}", not failed)]


def threads() -> list[Line]:
    """The server's threads before and after many sessions, each with a question of its own."""
    from core.corpus.store import Library
    from tests.browser.test_guard import next_message, session

    corpus = Library.open().corpus("demo")
    long = [user for user in corpus.user_ids if len(corpus.history(user)) >= 20][: WARM + SESSIONS]

    def open_explain(user: str, stack: ExitStack) -> None:
        query = f"corpus=demo&user={user}"
        options = (server.address, "127.0.0.1", server.address, "explain", query)
        channel = stack.enter_context(session(*options))
        end = time.monotonic() + PATIENCE
        while next_message(channel).WhichOneof("type") != "script_finished":
            assert time.monotonic() < end, "a session does not begin"

    def count() -> int:
        return len(list(Path(f"/proc/{server.pid}/task").iterdir()))

    with served() as server:
        with ExitStack() as stack:  # what all sessions share is made: pools of native libraries
            for user in long[:WARM]:
                open_explain(user, stack)
            time.sleep(2 * PAUSE)
        time.sleep(PAUSE)
        before = count()
        with ExitStack() as stack:
            for user in long[WARM:]:
                open_explain(user, stack)
            during = count()
        time.sleep(PAUSE)
        after = count()
    what = f"threads {PAUSE} s after {SESSIONS} sessions of Explain closed ({during} while open)"
    return [Line(what, f"{before}, as before them", str(after), after <= before)]


def numbers() -> list[Line]:
    """The property-based test of changed numbers; a segfault ends its process, not this one."""
    from tests.reliability.test_changed_numbers import EXAMPLES

    test = "tests/reliability/test_changed_numbers.py"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", test]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    failed = re.search(r"(\d+) failed", done.stdout)
    wrong = int(failed[1]) if failed else int(done.returncode != 0)
    is_killed = done.returncode < 0
    cases = f"{EXAMPLES} changed numbers in model files, {EXAMPLES // 2} more that no hash protects"
    return [
        Line(f"crashes, {cases}", "0", str(int(is_killed)), not is_killed),
        Line(f"tests that found an accepted number, {cases}", "0", str(wrong), not wrong),
    ]


def explain() -> list[Line]:
    """The verb in two new processes, and its values against all coalitions."""
    from benchmarks.engines import demo_engine
    from core.explain.game import EventGame, Goal, explain_events
    from core.shapley.engine import ENOUGH

    engine, lines = demo_engine(), []
    for length in (12, 13):  # exact; sampled
        histories = map(engine.corpus.history, engine.corpus.user_ids)
        history = next(each for each in histories if len(each) > length).up_to(length)
        item = engine.recommend(history, 1).items[0].item_id
        about = ["--user", history.user_id, "--at", str(length), "--item", item]
        command = (sys.executable, "-m", "core", "explain", "demo", *about, "--json")
        answers, seconds = [], []
        for seed in ("1", "2"):
            began = time.monotonic()
            answers.append(json.loads(output_of(*command, PYTHONHASHSEED=seed)))
            seconds.append(time.monotonic() - began)
        game = EventGame(engine.recommender(), history, Goal(engine.corpus.item_index[item]))
        true = explain_events(game, seconds=np.inf, exact_up_to=length)
        values = np.array([event["value"] for event in answers[0]["events"]])
        off = float(np.abs(values - true.values).max() / abs(true.whole - true.base))
        stated, is_equal = float(answers[0]["error"]), answers[0] == answers[1]
        within = off <= stated + 1e-4  # rounding, where the answer is exact
        said = f"stated {stated:.1%}, largest true error {off:.2%}"
        same = "equal" if is_equal else "NOT equal"
        what = f"explain of {length} events, new process, twice; {max(seconds):.0f} s each at most"
        bar = f"error {ENOUGH:.0%}, values within it and equal"
        is_met = stated <= ENOUGH and within and is_equal
        lines.append(Line(what, bar, f"{said}, {same}", is_met))
    return lines


GUARDS = {
    each.__name__: each for each in (hosts, bombs, uploads, dtypes, threads, numbers, explain)
}

if __name__ == "__main__":
    is_met = True
    for name in sys.argv[1:] or GUARDS:
        lines = [show(line) for line in GUARDS[name]()]
        record("guards", {name: lines})
        is_met &= all(line.met for line in lines)
    sys.exit(not is_met)
