"""Work on the nodes of a cluster: the same answers, and nodes that go away."""

from __future__ import annotations

import gc
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch

from core import cluster
from core.cluster import HERE, Machines, machines_at
from core.compare.turnover import ARRAYS, measure_turnover
from core.corpus.split import leave_last_out
from core.corpus.store import Corpus, Library
from core.domain import DomainError, Part, Stopped
from core.encode.cache import CACHE_FILE, VectorCache, open_cache, shipped_sentiment
from core.encode.encoder import TextEncoder
from core.engine import Engine
from core.evaluate.making_lists import make_lists
from core.evaluate.on_nodes import asking
from core.evaluate.protocols import data_of_split, report_key
from core.evaluate.report import evaluate
from core.measure.cases import cases
from core.processes import usable_processors
from core.training.preparing import prepare
from core.training.training import evaluate_model
from core.training.trials import Round, attempt, try_on_node
from core.training.tuning import tune
from core.turns.stored import measure_turns

from .conftest import SMALL

needs_ray = pytest.mark.skipif(
    importlib.util.find_spec("ray") is None,
    reason="Ray is not installed (pip install -r requirements-ray.txt)",
)
HOST, MEMORY = "127.0.0.1", 80_000_000


class Nodes:
    """A head without processors and nodes of one core each, all on the loopback."""

    def __init__(self) -> None:
        from ray.cluster_utils import Cluster

        for name in cluster.JOINING:
            os.environ.pop(name, None)
        head = {"num_cpus": 0, "include_dashboard": False}
        self._cluster = Cluster(initialize_head=True, head_node_args=head | self._place)
        self.nodes: list[Any] = []
        self.address: str = self._cluster.address

    @property
    def _place(self) -> dict[str, Any]:
        return {"node_ip_address": HOST, "object_store_memory": MEMORY}

    def grow(self, size: int) -> None:
        """Begin nodes until there are so many."""
        while len(self.nodes) < size:
            self.nodes.append(self._cluster.add_node(num_cpus=1, **self._place))

    def kill(self, node: int = 0) -> None:
        """Kill a node with all of its processes."""
        self._cluster.remove_node(self.nodes.pop(node), allow_graceful=False)

    def kill_all(self) -> None:
        """Kill every node but the head."""
        while self.nodes:
            self.kill()

    def kill_raylet_of_head(self) -> None:
        """Kill what joins this process to the cluster."""
        for each in self._cluster.head_node.all_processes["raylet"]:
            each.process.kill()

    def end(self) -> None:
        """End all of it."""
        with suppress(Exception):
            self._cluster.shutdown()


@pytest.fixture(scope="module", autouse=True)
def place() -> Iterator[None]:
    """The environment of clusters on the loopback, and a short folder for their sockets."""
    folder = tempfile.mkdtemp(prefix="ray")
    (Path(folder) / "ray").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {
            "RAY_TMPDIR": folder,
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": "0123456789abcdef" * 4,
        }.items():
            patch.setenv(name, value)
        yield
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def nodes() -> Iterator[Nodes]:
    started = Nodes()
    try:
        started.grow(2)
        yield started
    finally:
        started.end()


def doubled(number: int) -> int:
    return 2 * number


def killed_once(folder: Path, number: int) -> int:
    """Doubles a number, but the process of the first one is killed."""
    with suppress(FileExistsError):
        (folder / "killed").touch(exist_ok=False)
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * number


def refused(number: int) -> int:
    raise DomainError("no", where="here", remedy=f"Do {number}")


def broken(number: int) -> int:
    raise ZeroDivisionError(number)


def endless(folder: Path, number: int) -> int:
    """Writes down its process, and never answers."""
    (folder / str(os.getpid())).touch()
    while True:
        time.sleep(1)


def unreadable(number: int) -> int:
    return len(Path("/nowhere/at/all").read_bytes())


def ended(number: int) -> int:
    os._exit(3)


def _of_another_module() -> Callable[[int], int]:
    """A function of a module that this process has, and no node."""
    module = types.ModuleType("lacking")
    exec("def tripled(number): return 3 * number", vars(module))
    sys.modules[module.__name__] = module
    return cast("Callable[[int], int]", vars(module)["tripled"])


def slow(seconds: float, number: int) -> int:
    time.sleep(seconds)
    return 2 * number


def test_this_process_answers_in_order_and_hears_stop_before_each_piece() -> None:
    assert list(HERE.map(doubled, range(4))) == [0, 2, 4, 6]
    heard = iter([False, False, True])
    answers = HERE.map(doubled, range(4), lambda: next(heard))
    assert [next(answers), next(answers)] == [0, 2]
    with pytest.raises(Stopped):
        next(answers)
    with machines_at(None) as machines:
        assert machines is HERE


@pytest.mark.parametrize(
    "address", ["", "nowhere", "a:b", "http://a:1", ":6379", "a:", "a:0", "a:65536", "a:²"]
)
def test_what_is_no_address_is_refused_with_the_form(address: str) -> None:
    with pytest.raises(DomainError, match="is not the HOST:PORT") as problem, machines_at(address):
        pass
    assert "or local" in problem.value.remedy


def test_without_ray_one_line_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(DomainError, match="Ray is not installed") as problem, machines_at("local"):
        pass
    assert "requirements-ray.txt" in problem.value.remedy


@needs_ray
def test_an_address_where_nobody_answers_is_a_mistake() -> None:
    with machines_at(f"{HOST}:9") as machines, pytest.raises(DomainError, match="no Ray cluster"):
        list(machines.map(doubled, [1]))


@needs_ray
def test_a_port_that_says_nothing_is_given_up_soon() -> None:
    code = (
        "import sys; from core.cluster import machines_at\n"
        "with machines_at(sys.argv[1]) as machines: list(machines.map(abs, [1]))"
    )
    with socket.create_server((HOST, 0)) as server:
        ended = _said_by(code, f"{HOST}:{server.getsockname()[1]}")
    assert "no Ray cluster to work on: Timed out" in ended[-1]
    assert "_raylet" not in "".join(ended) and "gcs_client.cc" not in "".join(ended)


def _said_by(code: str, address: str, **environment: str) -> list[str]:
    """What a process says: Ray reads its environment once in each."""
    command = [sys.executable, "-c", code, address]
    told = subprocess.run(
        command, capture_output=True, text=True, timeout=300, env=os.environ | environment
    )
    assert told.stdout == ""
    return told.stderr.splitlines()


@needs_ray
def test_another_token_and_another_machine_are_told(nodes: Nodes) -> None:
    code = (
        "import sys; from core.cluster import machines_at\n"
        "try:\n"
        "    with machines_at(sys.argv[1]) as machines: list(machines.map(abs, [1]))\n"
        "except Exception as error: print(error, file=sys.stderr)"
    )
    said = _said_by(code, nodes.address, RAY_AUTH_TOKEN="f" * 64)
    assert len(said) == 1 and "asks for another token" in said[0] and "RAY_AUTH_TOKEN" in said[0]
    said = _said_by(code, nodes.address, RAY_AUTH_TOKEN="", HOME="/nowhere")
    assert len(said) == 1 and "asks for another token" in said[0]
    elsewhere = "from core import cluster; cluster._is_here = lambda place: False\n"
    said = _said_by(elsewhere + code, nodes.address)
    assert len(said) == 1 and "no node of that Ray cluster" in said[0]


@needs_ray
def test_this_machine_alone_listens_to_itself_and_leaves_nothing(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    long = tmp_path / ("long" * 20)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    monkeypatch.setattr(cluster, "RETRIES", 1)
    with machines_at("local") as machines:
        assert list(machines.map(doubled, range(40))) == [2 * n for n in range(40)]
        assert machines.size == usable_processors()
        assert _listening() == {HOST}
        with pytest.raises(DomainError, match=r"no \(here\)\. Do 1"):
            list(machines.map(refused, [1]))
        with pytest.raises(ZeroDivisionError):
            list(machines.map(broken, [1]))
        with pytest.raises(DomainError, match=r"a node can't read .*nowhere/at/all") as problem:
            list(machines.map(unreadable, [1]))
        assert "mounts the library" in problem.value.remedy
        with pytest.raises(DomainError, match=r"a node lacks .*No module named 'lacking'"):
            list(machines.map(_of_another_module(), [1]))
        with pytest.raises(DomainError, match="ended its process 2 times"):
            list(machines.map(ended, [1]))
        folder = Path(vars(machines)["_folder"])
        assert folder.stat().st_mode & 0o077 == 0
        assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
    assert not folder.exists()
    assert capfd.readouterr().out == ""


def _listening() -> set[str]:
    """Hosts at which this process and those that it began wait for connections."""
    psutil = pytest.importorskip("psutil", reason="it comes with Ray")

    hosts = set()
    for process in (psutil.Process(), *psutil.Process().children(recursive=True)):
        with suppress(psutil.Error):
            hosts |= {
                each.laddr.ip.removeprefix("::ffff:")
                for each in process.net_connections("tcp")
                if each.status == psutil.CONN_LISTEN
            }
    return hosts


@needs_ray
def test_answers_of_nodes_are_those_of_this_process(
    nodes: Nodes,
    demo_engine: Engine,
    shelf: Library,
    shop_corpus: Corpus,
    model_folder: Path,
    tmp_path: Path,
) -> None:
    with machines_at(nodes.address) as machines:
        assert machines.size == 2
        _same_vectors(machines)
        _same_evaluation(machines, shelf, shop_corpus, model_folder)
        engine = Engine.open(shop_corpus, model_folder, shelf)
        _same_lists(machines, engine, tmp_path)
        _same_turnover(machines, engine)
        _same_turns(machines, engine)
        _same_trials(machines, shop_corpus, shelf)
        _same_demo(machines, demo_engine)


def _same_vectors(machines: Machines) -> None:
    texts = [f"A sturdy stand, number {number}, that holds my bass" for number in range(1100)]
    here, there = TextEncoder(precision="fp32"), TextEncoder(precision="fp32")
    there.machines = machines
    told: list[tuple[int, int]] = []
    vectors = VectorCache(None).vectors(
        texts, there, lambda progress: told.append((progress.done, progress.total))
    )
    assert np.abs(vectors - VectorCache(None).vectors(texts, here)).max() < 1e-6
    assert told == [(512, 1100), (1024, 1100), (1100, 1100)]


def _same_evaluation(machines: Machines, library: Library, corpus: Corpus, folder: Path) -> None:
    on_nodes = evaluate_model(corpus, library, folder, k=7, machines=machines)
    report_key(corpus, folder, "leave-last-out", 7).path(library).unlink()
    here = evaluate_model(corpus, library, folder, k=7)
    for ours, theirs in zip(here.results, on_nodes.results, strict=True):
        assert np.array_equal(ours.lists, theirs.lists)
        assert np.array_equal(ours.rank, theirs.rank)
        for name in ("log_probability", "promised", "novelty", "diversity", "popularity_bias"):
            assert np.allclose(
                getattr(ours, name), getattr(theirs, name), rtol=0, atol=1e-6, equal_nan=True
            )


def _same_lists(machines: Machines, engine: Engine, folder: Path) -> None:
    here, there = folder / "here.csv", folder / "there.csv"
    make_lists(engine, here, 5)
    make_lists(engine, there, 5, machines=machines)
    assert here.read_bytes() == there.read_bytes()


def _same_turnover(machines: Machines, engine: Engine) -> None:
    here, there = measure_turnover(engine), measure_turnover(engine, machines=machines)
    for name in ARRAYS:
        assert np.array_equal(getattr(here, name), getattr(there, name), equal_nan=True)


def _same_turns(machines: Machines, engine: Engine) -> None:
    assert measure_turns(engine).users == measure_turns(engine, machines=machines).users


def _same_trials(machines: Machines, corpus: Corpus, library: Library) -> None:
    """Trials are those of this process; with the default as many others as there are nodes."""
    encoder, cache = TextEncoder(precision="fp32"), open_cache(library)
    parts, sentiment = leave_last_out(corpus.events), shipped_sentiment(library)
    prepared = prepare(corpus, parts, encoder, cache, sentiment)
    cache.settle()
    settings: list[dict[str, Any]] = [{}, {"dropout": 0.3}]
    asked = [(setting, replace(SMALL, epochs=3, **setting)) for setting in settings]
    round_ = Round.of(prepared, library, encoder, 3600.0)
    there = list(machines.map(partial(try_on_node, round_), asked))
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as a node has
    here = [attempt(*each, prepared, lambda values: None, lambda: False) for each in asked]
    torch.set_num_threads(threads)
    for ours, theirs in zip(here, there, strict=True):
        assert (ours.state, ours.epochs, ours.setting) == ("done", theirs.epochs, theirs.setting)
        assert theirs.state == "done" and ours.ndcg == pytest.approx(theirs.ndcg, abs=1e-6)
    tuning = tune(corpus, library, 0.01, base=SMALL, machines=machines)
    assert len(tuning.trials) == 2
    assert tuning.trials[0].setting == {} and tuning.trials[1].setting
    assert {trial.state for trial in tuning.trials} <= {"done", "cut"}


def _same_demo(machines: Machines, engine: Engine) -> None:
    """The shipped demo, which a node opens by the path of its own packages."""
    assert engine.library is not None
    parts = leave_last_out(engine.corpus.events)
    data = data_of_split(engine.corpus, parts, engine.library, engine.folder)
    about = list(engine.model_recommenders.values()), cases(engine.corpus, parts, Part.TEST), data
    here = evaluate(*about, k=5)
    there = evaluate(*about, k=5, ask=asking(machines, engine, 5))
    for ours, theirs in zip(here.results, there.results, strict=True):
        assert np.array_equal(ours.lists, theirs.lists)
        assert np.abs(ours.log_probability - theirs.log_probability).max() < 1e-6


@needs_ray
def test_a_killed_process_and_a_killed_node_cost_time_alone(
    nodes: Nodes, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with machines_at(nodes.address) as machines:
        answers = list(machines.map(partial(killed_once, tmp_path), range(8)))
        assert answers == [2 * number for number in range(8)]
        told = []
        for answer in machines.map(partial(slow, 0.4), range(12)):
            told.append(answer)
            if len(told) == 2:
                nodes.kill()
        assert told == [2 * number for number in range(12)]
    assert capfd.readouterr().out == ""


@needs_ray
@pytest.mark.parametrize(
    ("lost", "said"),
    [(Nodes.kill_all, "no processor is left"), (Nodes.kill_raylet_of_head, "refused")],
)
def test_a_cluster_that_is_lost_is_told_with_the_way_out(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch, lost: Callable[[Nodes], None], said: str
) -> None:
    monkeypatch.setattr(cluster, "IDLE", 3.0)
    with (
        machines_at(nodes.address) as machines,
        pytest.raises(DomainError, match=f"the Ray cluster was lost: .*{said}") as problem,
    ):
        for number, _ in enumerate(machines.map(partial(slow, 0.4), range(1000))):
            if number == 1:
                lost(nodes)
    assert "without --ray" in problem.value.remedy


@needs_ray
def test_stop_is_heard_while_nodes_work_and_their_processes_end(
    nodes: Nodes, tmp_path: Path
) -> None:
    def are_all_begun() -> bool:
        return len(list(tmp_path.iterdir())) == len(nodes.nodes)

    with machines_at(nodes.address) as machines, pytest.raises(Stopped):
        list(machines.map(partial(endless, tmp_path), range(4), are_all_begun))
    for path in tmp_path.iterdir():
        while _is_alive(int(path.name)):
            time.sleep(0.1)


def _is_alive(process: int) -> bool:
    with suppress(OSError):
        return "Z" not in Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    return False


@needs_ray
def test_after_a_mistake_of_the_asker_no_ray_is_left_or_begun(nodes: Nodes) -> None:
    import ray

    answers: Iterator[int] = iter(())
    with (
        pytest.raises(ZeroDivisionError),
        machines_at(nodes.address) as machines,
    ):
        answers = machines.map(partial(slow, 0.01), range(200))
        broken(next(answers))
    assert not ray.is_initialized()
    answers.close()  # type: ignore[attr-defined]
    del answers
    gc.collect()
    assert not ray.is_initialized()


def test_nodes_write_no_vectors(
    tmp_path: Path, encoder: TextEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    library = Library(tmp_path)
    cache = open_cache(library)
    cache.vectors(["A loud drum"], encoder)
    cache.settle()
    content = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert len(content[CACHE_FILE]) > 4096 and not content.get(f"{CACHE_FILE}-wal")
    monkeypatch.setattr(cluster, "_is_node", True)
    known = open_cache(library)
    monkeypatch.setattr(TextEncoder, "encode", _no_encoding)
    assert np.abs(known.vectors(["A loud drum"], encoder)).max() > 0
    assert content == {path.name: path.read_bytes() for path in tmp_path.iterdir()}


def test_a_node_encodes_what_it_cannot_read(
    tmp_path: Path, encoder: TextEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a file that another machine writes meanwhile it may see the half."""
    (tmp_path / CACHE_FILE).write_bytes(b"SQLite format 3\x00" + bytes(5000))
    with pytest.raises(DomainError, match="the vector cache is damaged"):
        VectorCache(tmp_path / CACHE_FILE).vectors(["A loud drum"], encoder)
    monkeypatch.setattr(cluster, "_is_node", True)
    vectors = open_cache(Library(tmp_path)).vectors(["A loud drum"], encoder)
    assert np.abs(vectors).max() > 0


@pytest.mark.parametrize("is_same", [True, False])
def test_a_node_reads_beside_one_who_writes(
    tmp_path: Path, encoder: TextEncoder, monkeypatch: pytest.MonkeyPatch, is_same: bool
) -> None:
    """On the same machine with its log; on another one the file as it was settled."""
    writer = open_cache(Library(tmp_path))
    writer.vectors(["A loud drum"], encoder)
    writer.settle()
    with monkeypatch.context() as on_node:
        on_node.setattr(cluster, "_is_node", True)
        on_node.setattr(cluster, "_is_same_machine", is_same)
        reader = open_cache(Library(tmp_path))
        reader.vectors(["A loud drum"], encoder)
    writer.vectors(["A soft drum"], encoder)
    monkeypatch.setattr(cluster, "_is_node", True)
    asked: list[str] = []
    encode = TextEncoder.encode

    def counted(self: TextEncoder, texts: Sequence[str], *rest: Any) -> Any:
        asked.extend(texts)
        return encode(self, texts, *rest)

    monkeypatch.setattr(TextEncoder, "encode", counted)
    reader.vectors(["A loud drum", "A soft drum"], encoder)
    assert asked == ([] if is_same else ["A soft drum"])


def _no_encoding(*asked: object) -> Callable[..., object]:
    raise AssertionError("encoded")
