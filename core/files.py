"""Files are replaced whole or not at all, and read only as they were written.

A folder of a corpus or a model lists the sha256 of its files in ``SHA256SUMS``, as the command
``sha256sum`` writes it: ``sha256sum -c SHA256SUMS`` checks it, too. A single file of arrays holds
the sha256 of its own content in its header.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from core.domain import DomainError
from core.language import tr

SUMS = "SHA256SUMS"
SEAL, SEALED = "sha256", "sealed"
"""Key of a file's own hash, and of the header that holds it."""
HEADER = "header"
"""Key of a header of several entries, as one."""

Kept = TypeVar("Kept")


class Damaged(DomainError):
    """What is on disk is not what was written there."""


def replace_file(target: Path, write: Callable[[Path], object]) -> None:
    """Let ``write`` fill a temporary file beside ``target``, then move it into place.

    A reader sees the old file or the new one; a killed writer leaves the old one.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.", suffix=".tmp")
    os.close(handle)
    temporary = Path(name)
    try:
        write(temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o644)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def replace_text(target: Path, text: str) -> None:
    """Replace ``target`` with UTF-8 text."""
    replace_file(target, lambda path: path.write_text(text, encoding="utf-8"))


def read_object(path: Path) -> dict[str, Any]:
    """The JSON object in a file; OSError or ValueError where there is none."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise ValueError(tr("the JSON is nested too deeply")) from None
    if not isinstance(value, dict):
        raise ValueError(tr("not a JSON object"))
    return value


def sealed(facts: dict[str, Any]) -> dict[str, Any]:
    """A JSON object with the sha256 of its content, for a file that no ``SHA256SUMS`` lists."""
    content = json.dumps(facts, sort_keys=True)
    return {**facts, SEAL: hashlib.sha256(content.encode()).hexdigest()}


def unsealed(facts: dict[str, Any]) -> dict[str, Any]:
    """The object without its seal; ValueError where the content was changed since."""
    rest = {name: value for name, value in facts.items() if name != SEAL}
    if SEAL in facts and sealed(rest)[SEAL] != facts[SEAL]:
        raise ValueError(tr("its content was changed after it was written"))
    return rest


def save_arrays(
    target: Path,
    arrays: Mapping[str, npt.NDArray[Any]],
    header: Mapping[str, str] | None = None,
    *,
    sealed: bool = False,
) -> None:
    """Replace ``target`` with a safetensors file of arrays and a header of strings.

    ``sealed`` adds the content's sha256 to the header, for a file that no ``SHA256SUMS`` lists.
    """
    tensors = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    facts = None if header is None else dict(header)
    # One entry in all: safetensors writes several in an order that changes from run to run.
    if sealed:
        whole = {HEADER: facts or {}, SEAL: _seal(tensors, facts or {})}
        facts = {SEALED: json.dumps(whole)}
    elif facts is not None and len(facts) > 1:
        facts = {HEADER: json.dumps(facts, sort_keys=True)}

    def write(path: Path) -> None:
        try:
            save_file(tensors, path, facts)
        except SafetensorError as error:  # how it reports a full disk
            raise OSError(str(error)) from error

    replace_file(target, write)


def load_arrays(path: Path) -> tuple[dict[str, npt.NDArray[Any]], dict[str, str]]:
    """Arrays and header of a safetensors file; OSError or ValueError where it can't be read.

    A sealed file that was changed is a ValueError.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            names = file.keys()
            arrays = {name: file.get_tensor(name) for name in names}
            header = dict(file.metadata() or {})
    except OSError:
        raise
    except Exception as error:  # SafetensorError, and what an unknown dtype or name raises
        raise ValueError(reason_of(error)) from None
    if SEALED in header:
        whole = json.loads(header[SEALED])
        if not isinstance(whole, dict) or whole.get(SEAL) != _seal(arrays, whole.get(HEADER, {})):
            raise ValueError(tr("its content was changed after it was written"))
        header = whole[HEADER]
    elif HEADER in header:
        header = json.loads(header[HEADER])
        if not isinstance(header, dict) or not all(isinstance(v, str) for v in header.values()):
            raise ValueError(tr("its header is not one of strings"))
    return arrays, header


def _seal(arrays: Mapping[str, npt.NDArray[Any]], header: Mapping[str, str]) -> str:
    """sha256 over header, names, types, shapes and bytes."""
    content = hashlib.sha256(json.dumps(sorted(header.items())).encode())
    for name in sorted(arrays):
        array = arrays[name]
        content.update(f"{name}\0{array.dtype.str}\0{array.shape}\0".encode())
        content.update(array.tobytes())
    return content.hexdigest()


def write_sums(folder: Path) -> None:
    """List the sha256 of every file in a folder and below it.

    Without hidden ones, and without folders that have a list of their own.
    """
    listed: dict[str, str] = {}

    def visit(inner: Path) -> None:
        for path in sorted(inner.iterdir()):
            if path.name[0] == "." or path.name == SUMS:
                continue
            if path.is_dir():
                if not (path / SUMS).is_file():
                    visit(path)
            else:
                listed[path.relative_to(folder).as_posix()] = sha256_of(path)

    visit(folder)
    replace_text(folder / SUMS, "".join(f"{listed[name]}  {name}\n" for name in listed))


def read_sums(folder: Path) -> dict[str, str] | None:
    """The listed sha256 by name; None for a folder of an older version, which has no list.

    ``Damaged`` where the list can't be read.
    """
    path = folder / SUMS
    try:
        lines = path.read_text(encoding="ascii").removesuffix("\n").split("\n")
        found = [re.fullmatch(r"([0-9a-f]{64})  (\S.*)", line) for line in lines]
        if all(found):
            return {match[2]: match[1] for match in found if match}
        problem = tr("not a list of hashes")
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        problem = getattr(error, "strerror", None) or tr("not a list of hashes")
    said = tr("{file} is damaged: {reason}", file=SUMS, reason=problem)
    raise Damaged(said, where=str(path))


def verify(folder: Path, names: Iterable[str] | None = None, *, remedy: str = "") -> None:
    """``Damaged`` where a listed file is missing or changed; None means every listed file.

    Files that are not listed pass, so do folders without a list. A file that was found whole is not
    read again in this process until its size, time or inode changes.
    """
    try:
        sums = read_sums(folder)
        for name in (sums or {}) if names is None else names:
            if sums and name in sums and sha256_of(folder / name) != sums[name]:
                said = tr("{file} was changed after it was written", file=name)
                raise Damaged(said, where=str(folder / name))
    except OSError as error:
        name = Path(str(error.filename)).name
        said = tr("{file} is missing", file=name)
        if not isinstance(error, FileNotFoundError):
            said = tr("{file} can't be read: {reason}", file=name, reason=reason_of(error))
        raise Damaged(said, where=str(error.filename), remedy=remedy) from None
    except Damaged as error:
        raise Damaged(error.what, where=error.where, remedy=remedy) from None


def first_kept(
    paths: Iterable[Path], read: Callable[[Path], Kept | None], what: str
) -> Kept | None:
    """The first result that ``read`` finds in a file; None where no file holds one.

    ``Damaged`` where none does, and one that is there can't be read: ``what``, a marked noun, was
    changed.
    """
    damaged: Damaged | None = None
    for path in paths:
        try:
            kept = read(path)
        except FileNotFoundError:
            continue
        except (Damaged, OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            reason = error.what if isinstance(error, Damaged) else reason_of(error)
            problem = tr("the stored {what} is damaged: {reason}", what=tr(what), reason=reason)
            damaged = damaged or Damaged(problem, where=str(path))
            continue
        if kept is not None:
            return kept
    if damaged is not None:
        raise damaged
    return None


def is_about(header: Mapping[str, str], facts: Mapping[str, Any]) -> bool:
    """Whether a file's facts are these; False for another format of them, ValueError for others.

    Its name says what it is about, so other facts mean that it was exchanged.
    """
    known = json.loads(header["facts"])
    if known | {"format": facts["format"]} != facts:
        raise ValueError(tr("it holds another result than its name says"))
    return bool(known["format"] == facts["format"])


def kept_or_none(find: Callable[[], Kept | None]) -> Kept | None:
    """What ``find`` gives; None, and a warning, where it is damaged and will be made again."""
    try:
        return find()
    except Damaged as error:
        logging.getLogger(__name__).warning("%s It is made again.", error)  # no sentence
        return None


def is_held(folder: Path, name: str) -> bool:
    """Whether a folder has a file of this name, or had it when its hashes were listed."""
    return os.path.lexists(folder / name) or name in (read_sums(folder) or {})


def sha256_of(path: Path) -> str:
    """Hex sha256 of a file, computed once per process while its size, times and inode stay."""
    facts = path.stat()
    changed = (facts.st_mtime_ns, facts.st_ctime_ns)
    return _sha256(path, facts.st_size, changed, facts.st_ino)


@lru_cache(10_000)
def _sha256(path: Path, size: int, changed: tuple[int, int], inode: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_only_address(path: Path) -> str:
    """Address of a SQLite file where nothing can be written, not even the index of its log."""
    log = path.with_name(path.name + "-wal")
    has_log = log.exists() and log.stat().st_size > 0
    return path.absolute().as_uri() + ("?mode=ro" if has_log else "?immutable=1")


def need_space(folder: Path, n_bytes: int, what: str) -> None:
    """DomainError where ``folder``, or where it will be made, can't take so many bytes more.

    To be asked before long work, whose result would find no place. ``what`` is a marked noun.
    """
    place = next(path for path in (folder, *folder.parents) if path.exists())
    problem = ""
    if not os.access(place, os.W_OK | os.X_OK):
        problem = tr("its folder can't be written")
    else:
        free = shutil.disk_usage(place).free
        if free < n_bytes:
            needed = _megabytes(n_bytes)
            problem = tr("it needs {needed}, {free} are free", needed=needed, free=_megabytes(free))
    if problem:
        raise DomainError(
            tr("there is no place for the {what}: {problem}", what=tr(what), problem=problem),
            where=str(place),
            remedy=tr("Make space or give write rights, or choose another --library"),
        )


def _megabytes(n_bytes: int) -> str:
    return f"{n_bytes / 1e6:,.1f} MB"  # no sentence


def reason_of(error: BaseException) -> str:
    """What went wrong with a file, on one line."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    said = (str(error).splitlines() or [""])[0][:200]
    if isinstance(error, KeyError):
        return tr("{file} is missing", file=said)
    return said or type(error).__name__
