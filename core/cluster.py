"""Work in pieces: in this process, or on the processors of a Ray cluster.

Ray is an extra, and no other module imports it. What is sent to a node is a function of a module,
a few words that say what it opens there by its path, and one piece after the other; libraries and
models lie where every node reads them. How pieces and answers travel is Ray's matter, which
pickles them: whoever reaches a cluster runs code on it, so it belongs to a network of one's own.
"""

from __future__ import annotations

import hashlib
import importlib.util
import ipaddress
import logging
import os
import secrets
import shutil
import socket
import sqlite3
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, Protocol, TypeVar

from core import access, language
from core.access import Actor
from core.domain import DomainError
from core.files import reason_of
from core.language import tr
from core.processes import usable_processors
from core.progress import StopCallback, check_stop
from core.records import boot_id

Piece = TypeVar("Piece")
Answer = TypeVar("Answer")

LOCAL, LAST_PORT = "local", 65_535
INSTALL = "pip install -r requirements-ray.txt"  # no sentence
STATUS, JOIN = "ray status", "ray start --address"  # no sentence
LOOK, PROBE = 0.1, 2.0
"""Seconds between looks whether the work was stopped, and whether the cluster is there."""
ANSWERS = 5.0
"""Seconds that a cluster has to answer before it is joined."""
HEAD, NODE, IDLE = 30.0, 4.0, 60.0
"""Seconds before a cluster counts as lost: without its head, its node on this machine, a processor.

Ray itself ends this process without a word, a minute after the head and 15 seconds after the node.
"""
RETRIES = 5
"""Times that a piece is begun anew after its process or its node was lost."""
AHEAD, FEWEST_AHEAD = 4, 16
"""Pieces that are asked for before the first one is answered: for each processor, and at least."""
STORE = 200_000_000
"""Bytes of shared memory of a cluster on this machine; answers are small."""
UNKNOWN_NAMES = ("No module named", "Can't get attribute", "cannot import name")  # no sentence
"""How Python says that code isn't there, in words that Ray hands on."""
JOINING = {
    "RAY_py_gcs_connect_timeout_s": f"{ANSWERS:.0f}",
    "RAY_gcs_rpc_server_connect_timeout_s": "2",  # no sentence
    "RAY_BACKEND_LOG_LEVEL": "fatal",
}
SHORT = "/tmp" if os.name == "posix" else None
"""Where Ray's sockets are made, whose paths have at most 107 bytes: TMPDIR may be long."""
QUIET: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.CRITICAL}
"""Nothing of the nodes' output comes to this terminal."""


class Machines(Protocol):
    """What works on pieces."""

    @property
    def size(self) -> int:
        """How many pieces are worked on at once."""
        ...

    def map(
        self,
        work: Callable[[Piece], Answer],
        pieces: Iterable[Piece],
        stop: StopCallback | None = None,
    ) -> Iterator[Answer]:
        """The answers to the pieces, in their order.

        ``stop`` is asked before and between them. What a piece raises is raised here.
        """
        ...


class Here:
    """This process, one piece after the other."""

    size = 1

    def map(
        self,
        work: Callable[[Piece], Answer],
        pieces: Iterable[Piece],
        stop: StopCallback | None = None,
    ) -> Iterator[Answer]:
        """As ``Machines``; ``work`` is any function."""
        for piece in pieces:
            check_stop(stop)
            yield work(piece)


HERE = Here()
_is_node = _is_same_machine = False


def is_node() -> bool:
    """Whether this process works for another one, maybe of another machine: it writes nothing."""
    return _is_node


def is_same_machine() -> bool:
    """Whether the process that this one works for runs on this machine, too."""
    return _is_same_machine


@contextmanager
def machines_at(address: str | None) -> Iterator[Machines]:
    """This process where no address is given, ``local`` processes of this machine, or a cluster.

    ``local`` begins processes that only this machine reaches, and ends them. An address is one of a
    running cluster, of which this machine is a node. Nothing is begun or joined before there is
    work. DomainError where Ray is not installed, and for what is no address.
    """
    if address is None:
        yield HERE
        return
    cluster = Cluster(address)
    try:
        yield cluster
    finally:
        cluster.close()


class Cluster:
    """The processors of a Ray cluster, a piece each. Made by ``machines_at``.

    A piece whose process or node is lost is begun anew elsewhere. DomainError where no cluster is
    there, where it is lost, and where it has no processor any more.
    """

    def __init__(self, address: str) -> None:
        self._address, self._folder = address, ""
        self._probed = 0.0
        self._missed: dict[float, float] = {}
        """Since when something is gone, by how long that is borne."""
        if address != LOCAL:
            _parsed(address)
        if importlib.util.find_spec("ray") is None:
            raise DomainError(
                tr("Ray is not installed"),
                where=self._where,
                remedy=tr("Install it: {command}", command=INSTALL),
            )

    @property
    def _where(self) -> str:
        return f"--ray {self._address}"  # no sentence

    @cached_property
    def _ray(self) -> Any:
        """The package, once this process is a driver of the cluster."""
        ray = _imported(self._address)
        try:
            if self._address == LOCAL:
                self._folder = tempfile.mkdtemp(prefix="tl-ray-", dir=SHORT)
                ray.init(**_of_its_own(self._folder))
            else:
                self._look(ray)
                ray.init(self._address, **QUIET)
        except ray.exceptions.AuthenticationError:
            raise DomainError(
                tr("the Ray cluster asks for another token"),
                where=self._where,
                remedy=tr("Set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN to the cluster's token"),
            ) from None
        except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            raise DomainError(
                tr("no Ray cluster to work on: {reason}", reason=reason_of(error)),
                where=self._where,
                remedy=tr(
                    "Give the HOST:PORT of a running cluster that this machine is a node of, or "
                    "local"
                ),
            ) from None
        return ray

    def _look(self, ray: Any) -> None:
        """Whether there is a cluster that this machine is a node of; else Ray ends this process."""
        socket.create_connection(_parsed(self._address), ANSWERS).close()
        ray._private.worker.ensure_token_if_auth_enabled(create_token_if_missing=False)
        with _silent():
            nodes = ray._raylet.GcsClient(address=self._address).get_all_node_info(timeout=ANSWERS)
        alive = (node for node in nodes.values() if node.state == node.ALIVE)
        if not any(_is_here(node.raylet_socket_name) for node in alive):
            raise DomainError(
                tr("this machine is no node of that Ray cluster"),
                where=self._where,
                remedy=tr("Run: {command}", command=f"{JOIN} {self._address}"),
            )

    @cached_property
    def _places(self) -> tuple[tuple[str, int], ...]:
        """Where this machine's node and the head answer."""
        context = self._ray.get_runtime_context()
        own = next(each for each in self._ray.nodes() if each["NodeID"] == context.get_node_id())
        node = own["NodeManagerAddress"], own["NodeManagerPort"]
        return node, _parsed(context.gcs_address)

    def close(self) -> None:
        """Leave the cluster; one of this machine's own ends."""
        if "_ray" in vars(self):
            with suppress(Exception):  # of a cluster that is gone
                self._ray.shutdown()
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def size(self) -> int:
        """Processors of all nodes, at least one."""
        return max(int(self._ray.cluster_resources().get("CPU", 0)), 1)

    def map(
        self,
        work: Callable[[Piece], Answer],
        pieces: Iterable[Piece],
        stop: StopCallback | None = None,
    ) -> Iterator[Answer]:
        """As ``Machines``; ``work`` is a function of a module, or a ``partial`` of one.

        Pieces that nobody waits for any more end with the cluster's use: to cancel one that
        has just been answered would abort this process.
        """
        about = _code_id(), _machine_id(), language.current(), access.current()
        ray = self._ray
        task = ray.remote(num_cpus=1, max_retries=RETRIES)(_answered)
        asked: deque[Any] = deque()
        waiting = iter(pieces)
        try:
            check_stop(stop)
            while not self._is_there():
                check_stop(stop)
                time.sleep(LOOK)
            told, most = ray.put((work, *about)), max(AHEAD * self.size, FEWEST_AHEAD)
            while True:
                while len(asked) < most and (piece := next(waiting, self)) is not self:
                    asked.append(task.remote(told, piece))
                if not asked:
                    return
                answer, problem = self._wait_for(asked.popleft(), stop)
                if problem is not None:
                    raise self._of_a_node(problem)
                yield answer
        except ray.exceptions.RayTaskError as error:
            raise self._of_a_node(error.cause or error) from None
        except ray.exceptions.RaySystemError as error:
            is_import = any(sign in str(error) for sign in UNKNOWN_NAMES)
            raise (self._lacking if is_import else self._lost)(reason_of(error)) from None
        except (ray.exceptions.WorkerCrashedError, ray.exceptions.OutOfMemoryError) as error:
            raise self._killed(isinstance(error, ray.exceptions.OutOfMemoryError)) from None
        except ray.exceptions.RayError as error:
            raise self._lost(reason_of(error)) from None

    def _wait_for(self, task: Any, stop: StopCallback | None) -> Any:
        """What a task answers, once it does."""
        is_there = False
        while not is_there:
            is_there = bool(self._ray.wait([task], timeout=LOOK)[0])
            check_stop(stop)
            if time.monotonic() - self._probed > PROBE:
                self._is_there()
        return self._ray.get(task)

    def _is_there(self) -> bool:
        """Whether own node and head answer; DomainError where one, or all processors, stay away."""
        node, head = self._places
        reason, patience, answers = "", NODE, False
        try:
            socket.create_connection(node, PROBE).close()
            patience = HEAD
            socket.create_connection(head, PROBE).close()
            answers = True
            if not self._ray.cluster_resources().get("CPU", 0):
                reason, patience = tr("no processor is left"), IDLE
        except OSError as error:
            reason = reason_of(error)
        self._probed = time.monotonic()
        self._missed = {patience: self._missed.get(patience, self._probed)} if reason else {}
        if reason and self._probed - self._missed[patience] > patience:
            raise self._lost(reason)
        return answers

    def _of_a_node(self, problem: tuple[str, str, str] | Exception) -> Exception:
        """What a piece ended with."""
        if isinstance(problem, tuple):
            what, where, remedy = problem
            return DomainError(what, where=where, remedy=remedy)
        if isinstance(problem, ImportError) or any(sign in str(problem) for sign in UNKNOWN_NAMES):
            return self._lacking(reason_of(problem))
        return problem

    def _lacking(self, reason: str) -> DomainError:
        return DomainError(
            tr("a node lacks what the work needs: {reason}", reason=reason),
            where=self._where,
            remedy=tr("Install the same packages on every node"),
        )

    def _killed(self, for_memory: bool) -> DomainError:
        if for_memory:
            what = tr("a node has no memory left for the work")
        else:
            what = tr("the same piece of work ended its process {n} times", n=RETRIES + 1)
        return DomainError(
            what,
            where=self._where,
            remedy=tr("Begin nodes with fewer processors (--num-cpus), or work without --ray"),
        )

    def _lost(self, reason: str) -> DomainError:
        return DomainError(
            tr("the Ray cluster was lost: {reason}", reason=reason),
            where=self._where,
            remedy=tr(
                "See what {command} says, then give the same command again, or without --ray",
                command=STATUS,
            ),
        )


def _answered(
    task: tuple[Callable[[Piece], Answer], str, str, str, Actor], piece: Piece
) -> tuple[Answer | None, tuple[str, str, str] | Exception | None]:
    """On a node: the answer to a piece, or why there is none in the asker's language.

    Nothing is raised: Ray prints what a task raises, and keeps it in words of its own.
    """
    global _is_node, _is_same_machine
    work, code, machine, spoken, actor = task
    _is_node, _is_same_machine = True, machine == _machine_id()
    with language.speaking(spoken), access.acting(actor):
        try:
            if _code_id() != code:
                raise DomainError(
                    tr("a node runs another version of Tastelines"),
                    where=str(Path(__file__).parent),
                    remedy=tr("Install the same version on every node"),
                )
            return work(piece), None
        except DomainError as error:
            return None, (error.what, error.where, error.remedy)
        except (OSError, sqlite3.Error) as error:
            what = tr("a node can't read what the work needs: {reason}", reason=reason_of(error))
            where = str(getattr(error, "filename", None) or socket.gethostname())
            return None, (what, where, tr("See that every node mounts the library at one path"))
        except Exception as error:
            return None, error


def _machine_id() -> str:
    return f"{socket.gethostname()} {boot_id()}"  # no sentence


@lru_cache(1)
def _code_id() -> str:
    """Fingerprint of this package's code."""
    content = hashlib.sha256()
    folder = Path(__file__).parent
    for path in sorted(folder.rglob("*.py")):
        content.update(path.relative_to(folder).as_posix().encode())
        content.update(path.read_bytes())
    return content.hexdigest()


def _imported(address: str) -> Any:
    """The package; it tells nobody that it is used, and begins or joins nothing by itself."""
    os.environ["RAY_ENABLE_AUTO_CONNECT"] = "0"
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    if address == LOCAL or _is_loopback(address):  # else Ray asks the system for an outer address
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    if address == LOCAL:
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))  # Ray reads it once
    else:  # Ray tries for a quarter of an hour, and says on the terminal what we say
        os.environ |= JOINING
    import ray
    import ray._private.worker

    # Ray prints what happens to nodes on standard output, which belongs to a verb's answer.
    ray._private.worker._worker_logs_enabled = False
    return ray


@contextmanager
def _silent() -> Iterator[None]:
    """Without what Ray's own code says on the terminal before it knows a level."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def _is_here(node: str) -> bool:
    """Whether a node that is joined at this socket runs on this machine."""
    if not node.startswith("/"):  # where sockets have no paths
        with suppress(OSError, DomainError):
            socket.create_connection(_parsed(node.removeprefix("tcp://")), ANSWERS).close()
            return True
        return False
    with suppress(OSError), socket.socket(socket.AF_UNIX) as own:
        own.settimeout(ANSWERS)
        own.connect(node)
        return True
    return False


def _is_loopback(address: str) -> bool:
    host, _ = _parsed(address)
    with suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost"


def _parsed(address: str) -> tuple[str, int]:
    """Host and port; DomainError for what is no address."""
    host, _, port = address.rpartition(":")
    is_port = port.isascii() and port.isdecimal() and 0 < int(port[:6]) <= LAST_PORT
    if not host or not is_port or "/" in address:
        raise DomainError(
            tr("{address!r} is not the HOST:PORT of a cluster", address=address),
            where="--ray",
            remedy=tr("Give for example 10.0.0.5:6379, or local"),
        )
    return host.strip("[]"), int(port)


def _of_its_own(folder: str) -> dict[str, Any]:
    """How Ray begins processes that only this machine and user reach."""
    return {
        "address": LOCAL,
        "num_cpus": usable_processors(),
        "num_gpus": 0,
        "include_dashboard": False,
        "object_store_memory": STORE,
        "_temp_dir": f"{folder}/r",  # Ray opens it to everybody; a socket's path must be short
        **QUIET,
    }
