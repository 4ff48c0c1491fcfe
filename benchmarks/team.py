"""Several people at once: ``python -m benchmarks.team``, or with some of these names.

``explain``: Timeline's reruns of one session, alone and while another one's question about a review
of 80 words is computed. ``training``: the same while a model is trained. ``sessions``: 25 and 50
sessions on mixed pages of the demo, with a second of thought between two reruns, and the server's
memory before, with them and after they have gone. ``workers``: the same sessions on two servers of
one library, as ``tastelines app --workers 2`` starts them, half of them on each. ``cold``: whole
commands about the demo, each in a process of its own. A session is a websocket that speaks
Streamlit's protocol: a rerun lasts from the request to the message that the script has ended; what
a browser draws is not in it.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection

from benchmarks.measuring import PROJECT, Line, record, show
from benchmarks.serving import Server, busiest_user, served
from core import jobs
from core.corpus.store import Library
from core.scenario.own import keep_own
from tests.browser.test_guard import next_message, session

HOST = "127.0.0.1"
BLOCKS, RERUNS = 3, 30
"""How often Timeline is rerun so many times without and then with work beside it."""
PAUSE = 0.2
"""Seconds between two of them."""
THOUGHT, ROUNDS = 1.0, 12
GONE, LOOKS_EVERY = 600, 15
"""Seconds after which the memory of sessions that have gone has to be back, and between looks."""
BARS: dict[str | int, float] = {
    "explain": 1.5, "training": 2.0, 5: 1.5, 25: 1.5, 50: 4.0, "cold": 6.0,
}  # fmt: skip
COLD = 3
"""Times that a cold command is run; the quickest counts, as others only slow it."""
ASKED = 6
"""How often one question is asked, a second apart, before the next one."""
WORDS, LONG = 80, 10
"""Words of each review of the question, and its events."""
PAGES = (
    "timeline",
    "timeline",
    "timeline",
    "explain",
    "what_if",
    "compare",
    "users",
    "quality",
    "",
)


def ask(channel: ClientConnection, page: str, query: dict[str, object]) -> tuple[float, bool]:
    """Seconds of one rerun, and whether it ended as it should."""
    asked, began = BackMsg(), time.perf_counter()
    asked.rerun_script.query_string = urlencode(query)
    asked.rerun_script.page_name = page
    channel.send(asked.SerializeToString())
    is_whole = True
    while True:
        message = next_message(channel)
        if message.WhichOneof("type") == "delta" and message.delta.new_element.WhichOneof(
            "type") == "exception":  # fmt: skip
            is_whole = False
        if message.WhichOneof("type") == "script_finished":
            ended = message.script_finished
            if ended == ForwardMsg.FINISHED_SUCCESSFULLY:
                return time.perf_counter() - began, is_whole
            if ended == ForwardMsg.FINISHED_WITH_COMPILE_ERROR:
                return time.perf_counter() - began, False


@contextmanager
def opened(server: Server, page: str, query: dict[str, object]) -> Iterator[ClientConnection]:
    """A session that has seen a page."""
    with session(server.address, HOST, server.address, page, urlencode(query)) as channel:
        ask(channel, page, query)
        yield channel


def timelines(server: Server, times: int, user: str, events: int) -> list[float]:
    """Seconds of Timeline's reruns, between steps that were shown before."""
    about = {"corpus": "demo", "user": user}
    with opened(server, "timeline", about | {"time": events}) as channel:
        steps = [events - 1, events - 2, events - 3]
        for step in steps:
            ask(channel, "timeline", about | {"time": step})
        took = []
        for at in range(times):
            took.append(ask(channel, "timeline", about | {"time": steps[at % 3]})[0])
            time.sleep(PAUSE)
        return took


def beside(
    server: Server, name: str, begin: Callable[[ExitStack, Server], object], blocks: int = BLOCKS
) -> Line:
    """Timeline's p95 with some work running, against without."""
    user, events = busiest_user()
    alone: list[float] = []
    busy: list[float] = []
    used: list[float] = []
    used_alone: list[float] = []
    for _ in range(blocks):  # by turns, as other work on the machine comes and goes
        before, began = server.seconds(), time.perf_counter()
        alone += timelines(server, RERUNS, user, events)
        used_alone.append((server.seconds() - before) / (time.perf_counter() - began))
        with ExitStack() as stack:
            begin(stack, server)
            before, began = server.seconds(), time.perf_counter()
            busy += timelines(server, RERUNS, user, events)
            used.append((server.seconds() - before) / (time.perf_counter() - began))
    low, high = np.percentile(alone, 95), np.percentile(busy, 95)
    ratio, middle = high / low, np.median(busy) / np.median(alone)
    measured = f"{ratio:.2f} times ({low:.3f} s alone, {high:.3f} s; medians {middle:.2f} times)"
    blocks_of = (", ".join(f"{each:.2f}" for each in some) for some in (used_alone, used))
    measured += "; processors that the server used in the blocks: {} alone, {}".format(*blocks_of)
    what = f"p95 of others' Timeline with {name} running; {load()}"
    return Line(what, f"{BARS[name]:g} times", measured, bool(ratio <= BARS[name]))


def load() -> str:
    return f"load {os.getloadavg()[0]:.1f}"


def long_review(folder: Path) -> tuple[str, int]:
    """A history of one's own on the demo whose reviews have so many words; its user and length."""
    library = Library.open(folder)
    corpus = library.corpus("demo")
    history = corpus.history(busiest_user()[0])
    said = " ".join(event.text for event in history.events if event.text).split()
    events = [
        replace(event, text=" ".join(said[at * 7 :][:WORDS]), title=None)
        for at, event in enumerate(history.events[-LONG:])
    ]
    return keep_own(library, corpus.name, events), len(events)


def explaining(user: str, length: int) -> Callable[[ExitStack, Server], object]:
    """Another session that asks one question after the other about long reviews.

    A block goes on where the one before has ended: what was asked already is kept.
    """
    asked = itertools.count()

    def begin(stack: ExitStack, server: Server) -> None:
        about: dict[str, object] = {"corpus": "demo", "user": user}
        channel = stack.enter_context(opened(server, "explain", about | {"time": length}))
        ended = threading.Event()

        def go_on() -> None:
            while not ended.is_set():
                step = length - next(asked) // ASKED % (length - 1)
                ask(channel, "explain", about | {"time": step, "words_of": step})
                ended.wait(1)

        thread = threading.Thread(target=go_on)
        thread.start()
        stack.callback(thread.join)
        stack.callback(ended.set)

    return begin


def sessions(servers: Sequence[Server], n: int) -> Line:
    """Reruns of so many sessions at once, shared out over the servers."""
    corpus = Library.open().corpus("demo")
    took: list[float] = []
    wrong: list[str] = []
    lock, start = threading.Lock(), threading.Barrier(n)

    def one(number: int) -> None:
        draw = random.Random(number)
        try:
            user = draw.choice(corpus.user_ids[:200])
            events = len(corpus.history(user))
            about: dict[str, object] = {"corpus": "demo", "user": user, "time": events}
            with opened(servers[number % len(servers)], "", about) as channel:
                start.wait(300)
                time.sleep(draw.random() * THOUGHT)
                for _ in range(ROUNDS):
                    about["time"] = draw.randint(1, events)
                    seconds, is_whole = ask(channel, draw.choice(PAGES), about)
                    with lock:
                        took.append(seconds)
                        wrong.extend([] if is_whole else ["exception"])
                    time.sleep(THOUGHT)
        except Exception as error:
            wrong.append(type(error).__name__)
            start.abort()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(n)]
    before = sum(server.seconds() for server in servers)
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    wall = time.perf_counter() - began
    if not took:
        return Line(f"p95 of {n} sessions", f"{BARS[n]:g} s", f"none ended: {wrong[:3]}", False)
    p50, p95 = np.percentile(took, [50, 95])
    spent = sum(server.seconds() for server in servers) - before
    errors = f"{len(wrong)} errors {', '.join(sorted(set(wrong)))}".strip()
    measured = (
        f"{p95:.2f} s (median {p50:.2f}, worst {max(took):.2f}; {len(took)} reruns, {errors}; "
        f"{spent / len(took):.3f} s of processor each, {spent / wall:.2f} used)"
    )
    of = f" on {len(servers)} servers" if len(servers) > 1 else ""
    thought = f"{THOUGHT:g} s of thought"
    what = f"p95 of a rerun, {n} sessions{of} with {thought}, mixed pages; {load()}"
    return Line(what, f"{BARS[n]:g} s, 0 errors", measured, bool(p95 <= BARS[n] and not wrong))


def open_everything(server: Server) -> None:
    """Have what is opened once opened: every page, and the text encoder for a review's words."""
    user, events = busiest_user()
    about: dict[str, object] = {"corpus": "demo", "user": user, "time": events}
    with opened(server, "", about) as channel:
        for page in PAGES:
            ask(channel, page, about)
        for _ in range(LOOKS_EVERY):
            ask(channel, "explain", about)
            time.sleep(THOUGHT)


def megabytes(server: Server) -> float:
    """Memory of the server's process."""
    text = Path(f"/proc/{server.pid}/status").read_text()
    return int(text.partition("VmRSS:")[2].split()[0]) / 1024


def run(names: list[str]) -> Iterator[Line]:
    """Everything that was asked for."""
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "library"
        library.mkdir()
        asker = long_review(library) if "explain" in names else ("", 0)
        with served(library=library) as server:
            if "explain" in names:
                yield beside(server, "explain", explaining(*asker))
            if "training" in names:
                yield beside(server, "training", partial(training, library), 1)
            if "sessions" in names:
                open_everything(server)
                sessions([server], 5)
                before = megabytes(server)
                yield sessions([server], 25)
                yield sessions([server], 50)
                full, gone, after = megabytes(server), 0, np.inf
                while gone < GONE and after > 1.15 * before:
                    time.sleep(LOOKS_EVERY)
                    gone, after = gone + LOOKS_EVERY, megabytes(server)
                measured = (
                    f"{before:.0f} MB before, {full:.0f} with them, {after:.0f} after {gone} s"
                )
                what = "memory of the server, before and after 75 sessions"
                yield Line(what, f"within 15 % in {GONE} s", measured, after <= 1.15 * before)
            if "workers" in names:
                with served(library=library) as second:
                    servers = [server, second]
                    for each in servers:
                        open_everything(each)
                    sessions(servers, 5)
                    yield sessions(servers, 25)
                    yield sessions(servers, 50)
        if "cold" in names:
            yield from cold(Path(folder))


def cold(folder: Path) -> Iterator[Line]:
    """Whole commands about the demo's median user by events; the what-if has a review read anew."""
    corpus = Library.open().corpus("demo")
    counts = corpus.user_starts[1:] - corpus.user_starts[:-1]
    user = corpus.user_ids[int(np.argsort(counts, kind="stable")[len(counts) // 2])]
    history = corpus.history(user)
    events = len(history)
    with_text = max(step for step, event in enumerate(history.events, start=1) if event.words)
    edits = folder / "edits.json"
    changes = [
        {"op": "delete", "step": 1},
        {"op": "edit", "step": with_text, "text": "It broke after a week, what a pity"},
    ]
    edits.write_text(json.dumps(changes))
    item = next(each for each in corpus.item_ids if each not in history.excluded_items())
    verbs = {
        "whatif": ["--user", user, "--edits", str(edits)],
        "explain": ["--user", user, "--item", item],
        "compare": ["--user", user, "--at", str(events // 2), "--at", str(events)],
    }
    for verb, words in verbs.items():
        command = [sys.executable, "-m", "core", verb, "demo", *words, "--json"]
        walls, spent = [], []
        for _ in range(COLD):
            began, before = time.perf_counter(), children_seconds()
            subprocess.run(command, cwd=PROJECT, check=True, stdout=subprocess.DEVNULL)
            walls.append(time.perf_counter() - began)
            spent.append(children_seconds() - before)
        measured = f"{min(walls):.2f} s ({min(spent):.2f} s of processor)"
        what = f"cold {verb} of {events} events, quickest of {COLD}; {load()}"
        yield Line(what, f"{BARS['cold']:g} s", measured, min(walls) <= BARS["cold"])


def children_seconds() -> float:
    """Processor time of the processes that were waited for."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


def training(library: Path, stack: ExitStack, server: Server) -> None:
    """A training that a third session starts by the button, until the end of the block."""
    from benchmarks.serving import looking

    page = stack.enter_context(looking())
    page.goto(f"{server.address}/corpora?corpus=demo")
    page.get_by_role("button", name="Train a model").click(timeout=120_000)
    page.get_by_role("button", name="Stop", exact=True).first.wait_for(timeout=120_000)
    page.goto("about:blank")  # the job goes on; a page would ask for its progress
    stack.callback(end_training, library)


def end_training(library: Path) -> None:
    """Stop the training, which has to have gone on until now."""
    jobs.hear(library)
    job = jobs.find("train", "demo")
    assert job is not None and job.state == "running", "it was no training that went on"
    job.stop()
    jobs.wait_for(job, 60)


SECTIONS = ["explain", "training", "sessions", "workers", "cold"]

if __name__ == "__main__":
    asked = sys.argv[1:] or SECTIONS
    lines = [show(line) for line in run(asked)]
    if asked == SECTIONS:
        record("team", {"team": lines})
    sys.exit(not all(line.met for line in lines))
