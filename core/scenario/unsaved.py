"""Unsaved edits in an address: a short code, the same for the same edits everywhere.

A code is its version, ``1``, and base64url of deflated JSON. One that is too long for an address is
a file of the library, and the address names it by its content: ``~`` and 20 hex digits.
"""

from __future__ import annotations

import binascii
import hashlib
import json
import re
import zlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import access
from core.corpus.store import Library
from core.domain import DomainError
from core.files import reason_of, replace_text
from core.language import mark, tr
from core.revisions import MAKE_WRITABLE
from core.scenario.capsule import LARGEST, check_number
from core.scenario.edits import Edit, edits_from_json

VERSION = "1"
LONGEST = 1_500
"""Characters of a code that an address carries; servers and mail programs cut longer ones."""
FOLDER, KEPT = "drafts", 1_000
"""Where longer ones are, and how many; the oldest go first."""
ASK_AGAIN = mark("Ask for the link again, or for the scenario's capsule")
_NAME = re.compile(r"~[0-9a-f]{20}")
_COMMON = (
    b'{"edits":[{"op":"delete","step":1},{"op":"rate","step":1,"rating":5.0},{"op":"edit",'
    b'"step":"a1","text":"","timestamp":"2024-01-01T00:00:00+00:00","op":"date","op":"move",'
    b'"to":1,"op":"add","item_id":"B00","kind":"review","undone":[],"name":"","notes":"",'
    b'"revision":1}'
)
"""What most codes contain: it costs no bytes. Another text here is another version."""


@dataclass(frozen=True, slots=True)
class Unsaved:
    """What a draft holds beyond its user, step and saved scenario."""

    edits: tuple[Edit, ...] = ()
    undone: tuple[Edit, ...] = ()
    """Edits that were undone, the last one last."""
    name: str = ""
    notes: str = ""
    revision: int = 0
    """The saved revision that it changes; 0 without one."""

    def to_code(self) -> str:
        """The code; ``read_code`` reads it back."""
        facts: dict[str, Any] = {
            "edits": [edit.to_json() for edit in self.edits],
            "undone": [edit.to_json() for edit in self.undone],
            "name": self.name,
            "notes": self.notes,
            "revision": self.revision,
        }
        text = json.dumps({k: v for k, v in facts.items() if v}, separators=(",", ":"))
        deflate = zlib.compressobj(9, zlib.DEFLATED, -15, zdict=_COMMON)
        packed = deflate.compress(text.encode()) + deflate.flush()
        return VERSION + urlsafe_b64encode(packed).decode().rstrip("=")


def read_code(code: str) -> Unsaved:
    """What ``to_code`` wrote; DomainError for any other text."""
    if code[:1] != VERSION and code[:1].isdigit():
        raise _unreadable(
            tr("the edits in the address were written by another version of Tastelines"),
            tr("Use that version"),
        )
    with _translated():
        if code[:1] != VERSION:
            raise ValueError(code)
        packed = urlsafe_b64decode(code[1:].encode("ascii") + b"=" * (-len(code[1:]) % 4))
        inflate = zlib.decompressobj(-15, zdict=_COMMON)
        text = inflate.decompress(packed, LARGEST)
        if not inflate.eof:
            raise ValueError("cut, or too large")
        facts = json.loads(text)
        known = {"edits": [], "undone": [], "name": "", "notes": "", "revision": 0}
        values = known | facts
        if values.keys() != known.keys() or any(
            type(values[key]) is not type(usual) for key, usual in known.items()
        ):
            raise ValueError(code)
    edits, undone = (edits_from_json(values[key]) for key in ("edits", "undone"))
    check_number(len(edits) + len(undone), tr("address"))
    return Unsaved(edits, undone, values["name"], values["notes"], values["revision"])


def to_address(unsaved: Unsaved, library: Library) -> str:
    """The code, or the name of the file in the library that holds a long one.

    DomainError where that can't be written, and for viewers without a name.
    """
    code = unsaved.to_code()
    if len(code) <= LONGEST:
        return code
    access.need_owner(tr("keeping edits too long for an address"), access.current().name)
    name = _name_of(code)
    folder = library.root / FOLDER
    try:
        if not (folder / name).exists():
            replace_text(folder / name, code)
            files = sorted(folder.glob("~*"), key=lambda path: path.stat().st_mtime_ns)
            for path in files[:-KEPT]:
                path.unlink(missing_ok=True)
    except OSError as error:
        raise DomainError(
            tr(
                "these edits are too long for an address and can't be kept: {reason}",
                reason=error.strerror or error,
            ),
            where=str(folder),
            remedy=tr(MAKE_WRITABLE),
        ) from None
    return name


def from_address(address: str, library: Library) -> Unsaved:
    """What ``to_address`` gave; DomainError for any other text, and where the file is gone."""
    if not address.startswith("~"):
        return read_code(address)
    path = library.root / FOLDER / address
    if not _NAME.fullmatch(address) or not path.exists():
        raise _unreadable(tr("the edits in the address are not in this library"), tr(ASK_AGAIN))
    return read_draft(path)


def read_draft(path: Path) -> Unsaved:
    """The edits in a file that ``to_address`` made; DomainError where it was changed."""
    try:
        code = path.read_text(encoding="utf-8")
        if _name_of(code) != path.name:
            raise ValueError(tr("its content was changed after it was written"))
        return read_code(code)
    except (OSError, ValueError) as error:
        problem = tr(
            "the kept edits {name} are damaged: {reason}", name=path.name, reason=reason_of(error)
        )
        raise DomainError(problem, where=str(path), remedy=tr(ASK_AGAIN)) from None


def _name_of(code: str) -> str:
    return f"~{hashlib.sha256(code.encode()).hexdigest()[:20]}"


def _unreadable(problem: str, remedy: str) -> DomainError:
    return DomainError(problem, where="edits=…", remedy=remedy)


@contextmanager
def _translated() -> Iterator[None]:
    """Whatever a damaged code is, in words."""
    try:
        yield
    except (ValueError, TypeError, RecursionError, binascii.Error, zlib.error):
        raise _unreadable(
            tr("the edits in the address can't be read"), tr("Copy the whole link")
        ) from None
