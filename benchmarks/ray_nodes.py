"""Two one-core nodes against one: ``python -m benchmarks.ray_nodes [LIBRARY]``; Ray is needed.

A head without processors and the nodes are processes of this machine, on the loopback. Encodes
20,000 texts and evaluates music, with one node and with two by turns, each in a process of its own;
what nodes open (torch, encoder, model) is opened before the clock starts, and told by itself. Other
work on the machine takes from both, most from two: so the processor seconds of the busiest node
stand beside the seconds. Then a node is killed midway. A library that has the corpus music with a
model saves the minutes of import and training.
"""

from __future__ import annotations

import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.device import texts_of
from benchmarks.measuring import CORPORA, PROJECT, Line, record, show
from core.cluster import HERE, Machines, machines_at
from core.corpus.importing import import_files
from core.corpus.split import leave_last_out
from core.corpus.store import Library
from core.domain import Part
from core.encode.cache import open_encoder
from core.encode.on_nodes import encode_each
from core.engine import Engine
from core.evaluate.on_nodes import asking
from core.evaluate.protocols import data_of_split
from core.evaluate.report import EvaluationReport, Result, evaluate
from core.files import load_arrays, save_arrays
from core.measure.cases import cases
from core.model.config import InterestConfig
from core.training.training import train

TEXTS, TOKENS, CHUNK = 20_000, 30, 512
ROUNDS, EVALUATIONS = 2, 3
HOST, STORE = "127.0.0.1", 80_000_000
BARS = {"encode": 1.7, "evaluate": 1.6}
INTEGERS = ("rank", "lists")
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

    place = {"node_ip_address": HOST, "object_store_memory": STORE}
    head = {"num_cpus": 0, "include_dashboard": False, **place}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    try:
        nodes = [cluster.add_node(num_cpus=1, **place) for _ in range(size)]
        with machines_at(cluster.address) as machines:
            yield machines, lambda: cluster.remove_node(nodes[0], allow_graceful=False)
    finally:
        cluster.shutdown()


def spent(number: int) -> tuple[int, float]:
    """Process and its processor seconds so far; slow enough that every node is asked."""
    time.sleep(0.2)
    return os.getpid(), time.process_time()


def processor(machines: Machines) -> dict[int, float]:
    """Processor seconds of each node's process."""
    return dict(machines.map(spent, range(6 * machines.size)))


def timed(machines: Machines, work: Callable[[], object]) -> dict[str, float]:
    """Seconds of some work, and processor seconds of the busiest node."""
    before, started = processor(machines), time.perf_counter()
    work()
    seconds, after = time.perf_counter() - started, processor(machines)
    busiest = max(after[node] - before.get(node, 0.0) for node in after)
    return {"seconds": seconds, "busiest": busiest}


def encoded(library: Library, machines: Machines, between: Kill | None = None) -> np.ndarray:
    """The texts' vectors in half precision, as they are kept; ``between`` is called midway."""
    encoder = open_encoder(library)
    encoder.machines = machines
    texts = sorted(texts_of(TOKENS, TEXTS), key=len, reverse=True)
    chunks = [texts[start : start + CHUNK] for start in range(0, TEXTS, CHUNK)]
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


def measure(size: int, library: Library, target: Path) -> dict[str, Any]:
    """Both works on so many nodes; the answers go to a file."""
    with cluster_of(size) as (machines, _):
        evaluation = Evaluation(library)
        encoder = open_encoder(library)
        encoder.machines = machines
        started = time.perf_counter()
        list(encode_each(encoder, [["one"], ["two"]] * size))
        report = evaluation.on(machines)
        opening = time.perf_counter() - started
        made: list[np.ndarray] = []
        told = {"encode": timed(machines, lambda: made.append(encoded(library, machines)))}
        told["evaluate"] = timed(
            machines, lambda: [evaluation.on(machines) for _ in range(EVALUATIONS)]
        )
        save_arrays(target, arrays_of(made[0], report), {})
        return {**told, "opening": opening}


def measure_kill(library: Library, target: Path) -> dict[str, Any]:
    """Texts on two nodes of which one is killed midway."""
    with cluster_of(2) as (machines, kill):
        started = time.perf_counter()
        vectors = encoded(library, machines, kill)
        seconds = time.perf_counter() - started
        save_arrays(target, {"vectors": vectors}, {})
        return {"seconds": seconds}


def in_a_process(what: str, library: Library, target: Path) -> dict[str, Any]:
    """What a process of its own measures."""
    command = [sys.executable, "-m", "benchmarks.ray_nodes", str(library.root), what, str(target)]
    done = subprocess.run(command, cwd=PROJECT, check=True, stdout=subprocess.PIPE, text=True)
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return told


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
    runs: dict[int, list[dict[str, Any]]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "answers.safetensors"
        here = arrays_of(encoded(library, HERE), Evaluation(library).on(HERE))
        differ = []
        for number in range(ROUNDS):
            for size in (1, 2) if number % 2 == 0 else (2, 1):
                runs[size].append(in_a_process(str(size), library, target))
                differ.append(apart(here, load_arrays(target)[0]))
                print(f"        {size} nodes: {runs[size][-1]}, load {os.getloadavg()[0]:.1f}")
        killed = in_a_process("kill", library, target)
        differ_killed = apart(here, load_arrays(target)[0])
    load = f"load {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores"
    about = {"encode": f"encoding {TEXTS:,} texts", "evaluate": "evaluation of music"}
    for what, bar in BARS.items():
        one, two = (
            {
                key: statistics.median(each[what][key] for each in runs[size])
                for key in ("seconds", "busiest")
            }
            for size in (1, 2)
        )
        ratio, processor_ratio = (one[key] / two[key] for key in ("seconds", "busiest"))
        repeats = EVALUATIONS if what == "evaluate" else 1
        measured = (
            f"{ratio:.2f} times ({one['seconds'] / repeats:.1f} s and "
            f"{two['seconds'] / repeats:.1f} s; by processor seconds of the busiest node "
            f"{processor_ratio:.2f} times; {load})"
        )
        title = f"two one-core nodes against one: {about[what]}"
        lines.append(show(Line(title, f"{bar} times", measured, ratio >= bar)))
    opening = statistics.median(each["opening"] for each in runs[2])
    lines.append(show(Line("what two nodes open first", "none", f"{opening:.1f} s", True)))
    integers, others = max(each[0] for each in differ), max(each[1] for each in differ)
    lines.append(show(Line(
        "answers of nodes and of this process: integers that differ; other numbers at most",
        "0; 1e-6", f"{integers}; {others:.1e}", integers == 0 and others <= 1e-6,
    )))  # fmt: skip
    lines.append(show(Line(
        "a node killed midway: the same vectors", "1e-6",
        f"{differ_killed[1]:.1e} apart, in {killed['seconds']:.1f} s", differ_killed[1] <= 1e-6,
    )))  # fmt: skip
    return lines


def main() -> int:
    """Use the library that is named, or make one; with further words measure one thing of it."""
    if len(sys.argv) > 3:
        library, target = Library.open(Path(sys.argv[1])), Path(sys.argv[3])
        told = (
            measure_kill(library, target)
            if sys.argv[2] == "kill"
            else measure(int(sys.argv[2]), library, target)
        )
        print(json.dumps(told))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        library = Library.open(Path(sys.argv[1] if len(sys.argv) > 1 else folder))
        if len(sys.argv) < 2:
            paths, items = CORPORA["music"]
            import_files(library, "music", paths, items)
            train(library.corpus("music"), library, replace(InterestConfig(), epochs=2))
        lines = run(library)
    record("ray_nodes", {"two nodes against one": lines})
    return int(not all(line.met for line in lines))


if __name__ == "__main__":
    sys.exit(main())
