"""Model folders of a library: found, put in place whole, and recovered after a kill.

``models/CORPUS/MODEL_ID/`` is a model; names with a leading dot are models on their way: one that
is being written (``.training-``) and one that is being replaced (``.former-``). Whoever moves them
holds the lock of ``models/CORPUS``, so one of them without a lock is what a killed training left.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from core.corpus.sampling import UserSample
from core.domain import DomainError
from core.files import Damaged, read_object, reason_of, verify, write_sums
from core.language import mark, tr

CONFIG = "config.json"
TRAINING, FORMER, LOCK = ".training-", ".former-", ".lock"
REMEDY = mark("Train again, or remove the folder")


@dataclass(frozen=True)
class Models:
    """Model folders with a readable config, and why others are damaged, by their names."""

    folders: tuple[Path, ...]
    damaged: dict[str, DomainError]


def find_models(roots: Iterable[Path], corpus_id: str | None) -> Models:
    """The models of a corpus: those of its content ``corpus_id`` first, then the newest first."""
    dated: list[tuple[bool, str, str, Path]] = []
    damaged: dict[str, DomainError] = {}
    for root in roots:
        for folder in _folders(root):
            try:
                facts = read_model_facts(folder)
            except Damaged as error:
                damaged[folder.name] = error
                continue
            is_of_content = corpus_id in (None, facts.get("corpus_id"))
            dated.append((is_of_content, str(facts.get("created", "")), folder.name, folder))
    return Models(tuple(folder for *_, folder in sorted(dated, reverse=True)), damaged)


def read_model_facts(folder: Path) -> dict[str, object]:
    """The JSON of a model's config; ``Damaged`` where it is missing or was changed."""
    verify(folder, (CONFIG,), remedy=tr(REMEDY))
    path = folder / CONFIG
    try:
        return read_object(path)
    except (OSError, ValueError) as error:
        raise Damaged(
            tr("the model's config.json can't be read: {reason}", reason=reason_of(error)),
            where=str(path),
            remedy=tr(REMEDY),
        ) from None


def sample_of(folder: Path) -> UserSample | None:
    """The users whom a model was trained on; None for all, and where its config is damaged."""
    with suppress(Damaged, TypeError, ValueError):
        facts = read_model_facts(folder).get("sample")
        return UserSample(**facts).checked() if isinstance(facts, dict) else None
    return None


@contextmanager
def staging(home: Path) -> Iterator[Path]:
    """A fresh folder to write a model in; gone afterwards unless it was put in place.

    Waits while another training writes into the same ``home``. OSError where nothing can be
    written.
    """
    home.mkdir(parents=True, exist_ok=True)
    with (home / LOCK).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _recover(home)
        folder = Path(tempfile.mkdtemp(prefix=TRAINING, dir=home))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def put_in_place(folder: Path, place: Path) -> None:
    """Make a finished folder the model at ``place``, with the hashes of its files.

    A kill at any moment leaves the old model or the new one, at the latest when the next process
    looks for models.
    """
    write_sums(folder)
    folder.chmod(0o755)
    former = place.with_name(f"{FORMER}{place.name}")
    if place.exists():
        shutil.rmtree(former, ignore_errors=True)
        os.replace(place, former)  # noqa: PTH105
    os.replace(folder, place)  # noqa: PTH105
    shutil.rmtree(former, ignore_errors=True)


def _folders(root: Path) -> list[Path]:
    """Folders that are models, or were."""
    with suppress(OSError):
        if any(root.glob(f"{FORMER}*")) or any(root.glob(f"{TRAINING}*")):
            with (root / LOCK).open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _recover(root)
    with suppress(OSError):
        return sorted(path for path in root.iterdir() if path.is_dir() and path.name[0] != ".")
    return []


def _recover(home: Path) -> None:
    """Put back what a killed training had moved away, and remove what it left half-written."""
    for former in home.glob(f"{FORMER}*"):
        model_id = former.name.removeprefix(FORMER).partition("-")[0]
        if (home / model_id).exists():
            shutil.rmtree(former, ignore_errors=True)
        else:
            os.replace(former, home / model_id)  # noqa: PTH105
    for half in home.glob(f"{TRAINING}*"):
        shutil.rmtree(half, ignore_errors=True)
