"""Two one-core nodes against one: ``python -m benchmarks.ray_nodes [LIBRARY]``; Ray is needed.

A head without processors and the nodes are processes of this machine, on the loopback, each node in
a session of its own. Encodes 20,000 texts and evaluates music. Both clusters, each with a process
of its own that asks it, wait side by side and do a portion by turns, so that other work on the
machine takes from both alike; the processor seconds of the busiest node stand beside the seconds.
What nodes open (torch, encoder, model) is opened before and told by itself. Then a node is killed
midway. A library that has the corpus music with a model saves the minutes of import and training.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.device import texts_of
from benchmarks.lists import library_of_music
from benchmarks.measuring import PROJECT, Line, record, show
from core.cluster import HERE, Machines, machines_at
from core.corpus.split import leave_last_out
from core.corpus.store import Library
from core.domain import Part
from core.encode.cache import open_encoder
from core.encode.encoder import TextEncoder
from core.encode.on_nodes import encode_each
from core.engine import Engine
from core.evaluate.on_nodes import asking
from core.evaluate.protocols import data_of_split
from core.evaluate.report import EvaluationReport, Result, evaluate
from core.files import load_arrays, save_arrays
from core.measure.cases import cases

TEXTS, TOKENS, CHUNK = 20_000, 16, 512
PORTION, EVALUATIONS = 8, 10
"""Chunks of texts that a cluster encodes before it is the other one's turn; evaluations."""
PLACE: dict[str, Any] = {"node_ip_address": "127.0.0.1", "object_store_memory": 80_000_000}
BARS = {"encode": 1.7, "evaluate": 1.6}
INTEGERS = ("rank", "lists")
UP = "up"
Kill = Callable[[], None]


@contextmanager
def cluster_of(size: int) -> Iterator[tuple[Machines, Kill]]:
    """So many nodes, and how one of them is killed."""
    folder = tempfile.mkdtemp(prefix="ray")
    (Path(folder) / "ray").mkdir()
    os.environ |= {
        "RAY_TMPDIR": folder,
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": secrets.token_hex(32),
    }
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 0, "include_dashboard": False, **PLACE}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    nodes: list[subprocess.Popen[str]] = []
    try:
        while len(nodes) < size:  # one after the other: Ray names their sockets by counting
            nodes.append(begin_node(cluster.address))
        with machines_at(cluster.address) as machines:
            yield machines, lambda: end(nodes[0])
    finally:
        for node in nodes:
            end(node)
        cluster.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


def begin_node(address: str) -> subprocess.Popen[str]:
    """A node in a process and session of its own, once it is there."""
    command = [sys.executable, "-m", "benchmarks.ray_nodes", "node", address]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    node = subprocess.Popen(command, cwd=PROJECT, start_new_session=True, **pipes)
    assert node.stdout is not None
    while (line := node.stdout.readline().strip()) != UP:
        if not line and node.poll() is not None:
            raise RuntimeError("a node did not start")
    return node


def be_node(address: str) -> None:
    """A node of one core until standard input ends; then it is killed.

    As a session of its own: Linux gives each session the same share of the processors, however many
    processes it has, so that two nodes of one session would get no more than one.
    """
    from ray._private.node import Node
    from ray._private.parameter import RayParams

    about = {"num_cpus": 1, "num_gpus": 0, "include_log_monitor": False, **PLACE}
    ports = {"min_worker_port": 0, "max_worker_port": 0, "node_manager_port": 0}
    params = RayParams(gcs_address=address, dashboard_agent_listen_port=None, **about, **ports)
    node = Node(params, head=False, shutdown_at_exit=True, spawn_reaper=True)
    print(UP, flush=True)
    sys.stdin.read()
    node.kill_all_processes(check_alive=False, allow_graceful=False, wait=True)


def end(node: subprocess.Popen[str]) -> None:
    """Kill a node, and wait until it is gone."""
    assert node.stdin is not None
    node.stdin.close()
    node.wait(60)


def spent(number: int) -> tuple[int, float]:
    """Process and its processor seconds so far; slow enough that every node is asked."""
    time.sleep(0.2)
    return os.getpid(), time.process_time()


def processor(machines: Machines) -> dict[int, float]:
    """Processor seconds of each node's process."""
    return dict(machines.map(spent, range(6 * machines.size)))


def chunks_of_texts() -> list[list[str]]:
    """All texts, longest first."""
    texts = sorted(texts_of(TOKENS, TEXTS), key=len, reverse=True)
    return [texts[start : start + CHUNK] for start in range(0, TEXTS, CHUNK)]


def encoded(
    encoder: TextEncoder, chunks: list[list[str]], between: Kill | None = None
) -> np.ndarray:
    """Vectors in half precision, as they are kept; ``between`` is called after a quarter."""
    vectors = []
    for number, some in enumerate(encode_each(encoder, chunks)):
        vectors.append(some.astype(np.float16))
        if between is not None and number == len(chunks) // 4:
            between()
    return np.concatenate(vectors)


class Evaluation:
    """All of a model's recommenders on the test events of music."""

    def __init__(self, library: Library) -> None:
        corpus = library.corpus("music")
        self.engine = Engine.open(corpus, library.model_folder("music"), library)
        parts = leave_last_out(corpus.events)
        self.cases = cases(corpus, parts, Part.TEST)
        self.data = data_of_split(corpus, parts, library, self.engine.folder)

    def on(self, machines: Machines) -> EvaluationReport:
        """The report."""
        recommenders = list(self.engine.model_recommenders.values())
        ask = asking(machines, self.engine, 10)
        return evaluate(recommenders, self.cases, self.data, ask=ask)


def arrays_of(vectors: np.ndarray, report: EvaluationReport) -> dict[str, np.ndarray]:
    """All that is compared, by name."""
    figures = {
        f"{result.recommender}/{field.name}": np.asarray(getattr(result, field.name))
        for result in report.results
        for field in fields(Result)[1:]
    }
    return {"vectors": vectors, **figures}


def serve(size: int, library: Library, target: Path) -> None:
    """Do what standard input says on so many nodes, a line for a portion, and tell the seconds."""
    with cluster_of(size) as (machines, kill):
        evaluation, encoder = Evaluation(library), open_encoder(library)
        encoder.machines, chunks = machines, chunks_of_texts()
        vectors: dict[int, np.ndarray] = {}

        def encode(number: int) -> None:
            vectors[number] = encoded(encoder, chunks[number : number + PORTION])

        def lose_one(number: int) -> None:
            made = encoded(encoder, chunks[number : number + 2 * PORTION], kill)
            vectors[number], vectors[number + PORTION] = np.split(made, 2)

        def open_all(number: int) -> None:
            list(encode_each(encoder, [["one"], ["two"]] * size))
            evaluation.on(machines)

        works: dict[str, Callable[[int], object]] = {
            "open": open_all,
            "encode": encode,
            "evaluate": lambda number: evaluation.on(machines),
            "kill": lose_one,
            "spent": lambda number: processor(machines),
            "save": lambda number: save_arrays(
                target,
                arrays_of(np.concatenate(list(vectors.values())), evaluation.on(machines)),
                {},
            ),
        }
        for line in sys.stdin:
            what, number = line.split()
            started = time.perf_counter()
            made = works[what](int(number))
            told = {"seconds": time.perf_counter() - started}
            print(json.dumps({**told, "spent": made if what == "spent" else None}), flush=True)


class Asked:
    """A cluster of so many nodes in a process of its own."""

    def __init__(self, size: int, library: Library, folder: Path) -> None:
        self.target = folder / f"{size}.safetensors"
        words = [str(library.root), str(size), str(self.target)]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.ray_nodes", *words],
            cwd=PROJECT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def do(self, what: str, number: int = 0) -> dict[str, Any]:
        """Have one thing done, and hear the seconds."""
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(f"{what} {number}\n")
        self._process.stdin.flush()
        told: dict[str, Any] = json.loads(self._process.stdout.readline())
        return told

    def busiest(self, before: dict[str, Any]) -> float:
        """Processor seconds of the busiest node since ``do("spent")``."""
        after, known = self.do("spent")["spent"], before["spent"]
        return max(after[node] - known.get(node, 0.0) for node in after)

    def end(self) -> None:
        """End the cluster."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(60)


def apart(here: dict[str, np.ndarray], there: dict[str, np.ndarray]) -> tuple[int, float]:
    """How many integers differ, and by how much other numbers do at most."""
    integers, others = 0, 0.0
    for name, values in there.items():
        if name.rpartition("/")[2] in INTEGERS:
            integers += int((here[name] != values).sum())
        else:
            differ = np.abs(np.nan_to_num(here[name]) - np.nan_to_num(values))
            others = max(others, float(differ.max()))
    return integers, others


def run(library: Library) -> list[Line]:
    """Measure by turns, compare, and show what was found."""
    lines: list[Line] = []
    chunks = chunks_of_texts()
    portions = {"encode": range(0, len(chunks), PORTION), "evaluate": range(EVALUATIONS)}
    about = {"encode": f"encoding {TEXTS:,} texts", "evaluate": "evaluation of music"}
    with tempfile.TemporaryDirectory() as folder:
        asked = [Asked(size, library, Path(folder)) for size in (1, 2)]
        opening = [each.do("open")["seconds"] for each in asked]
        for what, bar in BARS.items():
            before = [each.do("spent") for each in asked]
            seconds = np.array([
                [each.do(what, number)["seconds"] for each in asked] for number in portions[what]
            ])  # fmt: skip
            busiest = [each.busiest(own) for each, own in zip(asked, before, strict=True)]
            one, two = seconds.sum(axis=0) / (len(seconds) if what == "evaluate" else 1)
            ratio = one / two
            measured = (
                f"{ratio:.2f} times ({one:.1f} s and {two:.1f} s; median of portions "
                f"{np.median(seconds[:, 0] / seconds[:, 1]):.2f}; by processor seconds of the "
                f"busiest node {busiest[0] / busiest[1]:.2f} times; load "
                f"{os.getloadavg()[0]:.0f} on {os.cpu_count()} cores)"
            )
            title = f"two one-core nodes against one: {about[what]}"
            lines.append(show(Line(title, f"{bar} times", measured, ratio >= bar)))
        said = " and ".join(f"{each:.1f} s" for each in opening)
        lines.append(show(Line("what one and two nodes open first", "none", said, True)))
        encoder = open_encoder(library)
        here = arrays_of(encoded(encoder, chunks), Evaluation(library).on(HERE))
        differ = []
        for each in asked:
            each.do("save")
            differ.append(apart(here, load_arrays(each.target)[0]))
        killed = asked[1].do("kill")["seconds"]
        asked[1].do("save")
        differ_killed = apart(here, load_arrays(asked[1].target)[0])
        for each in asked:
            each.end()
    integers, others = max(each[0] for each in differ), max(each[1] for each in differ)
    lines.append(show(Line(
        "answers of nodes and of this process: integers that differ; other numbers at most",
        "0; 1e-6", f"{integers}; {others:.1e}", integers == 0 and others <= 1e-6,
    )))  # fmt: skip
    integers, others = differ_killed
    said = f"{integers}; {others:.1e} ({2 * PORTION} chunks of texts in {killed:.1f} s)"
    is_same = integers == 0 and others <= 1e-6
    lines.append(show(Line("a node killed midway: the same", "0; 1e-6", said, is_same)))
    return lines


def main() -> int:
    """Use the library that is named, or make one; with further words be one part of it."""
    if sys.argv[1:2] == ["node"]:
        be_node(sys.argv[2])
        return 0
    if len(sys.argv) > 3:
        serve(int(sys.argv[2]), Library.open(Path(sys.argv[1])), Path(sys.argv[3]))
        return 0
    with library_of_music() as library:
        lines = run(library)
    record("ray_nodes", {"two nodes against one": lines})
    return int(not all(line.met for line in lines))


if __name__ == "__main__":
    sys.exit(main())
