"""Open one file of a person's: decompress, decode and split it into lines, within limits.

What is wrong with the whole file (missing, binary, damaged, a gzip bomb, the wrong encoding) is a
``DomainError`` that names file, place and remedy; what is wrong with one line is a ``BadRow``.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import reprlib
import stat
import tempfile
import zlib
from collections.abc import Callable, Iterator, Sized
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Any

from core.corpus.encodings import BOMS, known_encoding, propose_encoding
from core.corpus.foreign import foreign_kind, is_workbook
from core.corpus.manifest import Source
from core.corpus.questions import Asked
from core.corpus.spoken import form
from core.domain import DomainError
from core.language import mark, tr

MAX_LINE = 8 * 2**20
"""Longest line that is read: bytes, or characters where the encoding is UTF-16 or UTF-32."""
MAX_RATIO = 200
"""A gzip file that grows by more than this, beyond MAX_UNCHECKED bytes, is taken for a bomb."""
MAX_UNCHECKED = 64 * 2**20
MAX_TOTAL = 256 * 2**30
EXCERPT = 120
BINARY_SHARE = 0.05
"""A file with more control characters than this at its start is not text."""
START_BYTES = 2**16
SAMPLE_BYTES = 2**20
LATER_BYTES = 2**16
LATER_BLOCKS = 12
TOO_LONG = form(mark("is over {n} MiB long"))
UNPACKED_BYTES = 2**28
"""How far into a gzip file samples are taken."""
GZIP_MAGIC, PARQUET_MAGIC = b"\x1f\x8b", b"PAR1"


class BadRow(Exception):
    """Why one row cannot be used: the field, the reason, and the start of the value.

    Checks of single fields raise it; what reads whole rows gives it out in place of the row.
    """

    def __init__(self, field: str, reason: str, value: object = "") -> None:
        super().__init__(reason)
        self.field, self.reason = field, reason
        text = value if isinstance(value, str) else _brief(value)
        short = text[:EXCERPT].encode("utf-8", "replace").decode()
        self.value = short + ("…" if len(text) > EXCERPT else "")


_SHORT = reprlib.Repr()
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = EXCERPT + 1


def _brief(value: object) -> str:
    try:
        return _SHORT.repr(value)[: EXCERPT + 1]
    except (ValueError, RecursionError):
        return f"a very large {type(value).__name__}"  # no sentence


@dataclass(frozen=True)
class Sample:
    """Pieces of a file's text: its start, and whole lines from places further on."""

    start: str
    later: tuple[str, ...]
    is_whole: bool
    """Whether ``start`` is all of the file."""


class SourceFile:
    """One file on disk, gzip or not: text, Parquet, or an Excel workbook.

    ``encoding`` is the one asked for, else that of the byte order mark, else strict UTF-8
    ("parquet" and "xlsx" for files that are no text). ``text_read`` counts what ``lines`` gave
    out: bytes, or characters of UTF-16 and UTF-32. ``can_ask``: whether a person may name the
    encoding.
    """

    def __init__(self, path: Path, encoding: str | None = None, *, can_ask: bool = True) -> None:
        self.path = path
        self._can_ask = can_ask
        self.name = path.name
        self.size = _checked_size(path)
        self.text_read = 0
        self._counted: _CountedFile | None = None
        self._share_read = 0.0
        with self._opened() as stream:
            start = stream.read(START_BYTES)
        if not start.strip(b" \t\r\n"):
            raise DomainError(
                tr("the file is empty"), where=str(path), remedy=tr("Choose another file")
            )
        self.is_parquet = start.startswith(PARQUET_MAGIC)
        self.is_sheet = start.startswith(b"PK") and is_workbook(path)
        self._start = start
        if self.is_parquet or self.is_sheet:
            self.encoding = "parquet" if self.is_parquet else "xlsx"
        else:
            self.encoding = self._found_encoding(start, encoding)
        self._wide = self.is_text and "\n".encode(self.encoding) != b"\n"

    @property
    def is_text(self) -> bool:
        """Whether it is read line by line."""
        return not (self.is_parquet or self.is_sheet)

    @property
    def bytes_read(self) -> int:
        """Bytes of the file itself that the latest reading consumed: 0 to ``size``."""
        return self._counted.count if self._counted else int(self._share_read * self.size)

    def note_share(self, share: float) -> None:
        """Say how much of a file read through ``seekable`` is done, from 0 to 1."""
        self._share_read = share

    def facts(self) -> Source:
        """Name, sha256 and size, without reading again what was read to its end."""
        if self._counted is None or self._counted.count < self.size:
            with _CountedFile(self.path) as self._counted:
                while self._counted.readinto(bytearray(2**20)):
                    pass
        return Source(
            path=self.name, sha256=self._counted.hash.hexdigest(), bytes=self._counted.count
        )

    def lines(self) -> Iterator[tuple[int, str | BadRow]]:
        """Lines numbered from 1, without their ends; a line beyond MAX_LINE is a BadRow.

        Lines end in any number of CR before a LF; in a CR alone only where the file has no LF.
        """
        number = self.text_read = 0
        with self._opened(lambda: number + 1) as binary:
            source: IO[Any] = binary
            as_text = self._wide or (b"\r" in self._start and b"\n" not in self._start)
            if as_text:
                source = io.TextIOWrapper(binary, self.encoding, newline="")
            ends = ("\n", "\r", b"\n")
            while line := source.readline(MAX_LINE + 1):
                number += 1
                self._count(line)
                if len(line) > MAX_LINE:
                    while line[-1:] not in ends and (line := source.readline(MAX_LINE)):
                        self._count(line)
                    yield number, BadRow("line", TOO_LONG.format(n=MAX_LINE // 2**20))
                    continue
                text = line if as_text else self._decoded(line, number)
                if number == 1:
                    text = text.removeprefix("\ufeff")
                yield number, text.rstrip("\r\n")

    def blocks(self) -> Iterator[str]:
        """The text in pieces of about 256 KiB, line ends as LF."""
        self.text_read = 0
        number = 1
        with self._opened(lambda: number) as binary:
            first = True
            with io.TextIOWrapper(binary, self.encoding, newline=None) as source:
                while block := source.read(2**18):
                    self._count(block)
                    yield block.removeprefix("\ufeff") if first else block
                    number += block.count("\n")
                    first = False

    @cached_property
    def sample(self) -> Sample:
        """The start of the text, and lines from its middle and end; read once."""
        start, later, is_whole = self._sample_bytes()
        if not is_whole:
            cut = max(start.rfind(b"\n"), start.rfind(b"\r")) + 1
            start = start[: cut if cut and not self._wide else len(start) // 4 * 4]
        try:
            errors = "ignore" if self._wide and not is_whole else "strict"
            text = start.decode(self.encoding, errors).removeprefix("\ufeff")
        except UnicodeDecodeError as error:
            number = start.count(b"\n", 0, error.start) + 1
            raise self._undecodable(error, number) from None
        pieces = (piece.decode(self.encoding, "replace") for piece in later)
        return Sample(text, tuple(pieces), is_whole)

    def _sample_bytes(self) -> tuple[bytes, list[bytes], bool]:
        later: list[bytes] = []
        with self._opened() as stream:
            start = stream.read(SAMPLE_BYTES)
            if self._wide or len(start) < SAMPLE_BYTES:
                return start, [], len(start) < SAMPLE_BYTES
            if not isinstance(stream, gzip.GzipFile):
                step = max((self.size - SAMPLE_BYTES) // LATER_BLOCKS, LATER_BYTES)
                for place in range(SAMPLE_BYTES, self.size - LATER_BYTES, step):
                    stream.seek(place)
                    later.append(stream.read(LATER_BYTES))
                stream.seek(max(self.size - LATER_BYTES, SAMPLE_BYTES))
                later.append(stream.read(LATER_BYTES))
            else:
                later = self._unpacked_blocks(stream)
        whole = (piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n") for piece in later)
        lines = [piece.partition(b"\n")[2].rpartition(b"\n")[0] for piece in whole]
        return start, [piece for piece in lines if piece], False

    def _unpacked_blocks(self, stream: IO[bytes]) -> list[bytes]:
        """Blocks of a stream that cannot be searched: ever fewer of ever more."""
        kept: list[bytes] = []
        block, number, stride = b"", 0, 1
        self.text_read = SAMPLE_BYTES
        while self.text_read < UNPACKED_BYTES and (read := stream.read(LATER_BYTES)):
            block = read
            self._count(block)
            if number % stride == 0:
                kept.append(block)
            if len(kept) > 2 * LATER_BLOCKS:
                kept, stride = kept[::2], 2 * stride
            number += 1
        return [*kept, block] if block else kept

    @contextmanager
    def seekable(self) -> Iterator[IO[bytes]]:
        """The uncompressed bytes as a file that can be searched (Parquet needs that)."""
        copy: IO[bytes] | None = None
        with self._opened() as stream:
            if isinstance(stream, gzip.GzipFile):
                copy = tempfile.TemporaryFile()  # noqa: SIM115
                self.text_read = 0
                while block := stream.read(2**20):
                    self._count(block)
                    copy.write(block)
                copy.seek(0)
        self._counted = None
        with copy or self.path.open("rb") as whole:
            yield whole

    @contextmanager
    def _opened(self, line: Callable[[], int] = lambda: 0) -> Iterator[IO[bytes]]:
        """The uncompressed bytes; what goes wrong while reading them becomes a DomainError."""
        try:
            self._counted = _CountedFile(self.path)
            with io.BufferedReader(self._counted, 2**17) as raw:
                if raw.peek(2)[:2] != GZIP_MAGIC:
                    yield raw
                else:
                    with gzip.GzipFile(fileobj=raw) as stream:
                        yield stream  # type: ignore[misc]
        except UnicodeError as error:
            raise self._undecodable(error, line(), near=True) from None
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            what = tr("the gzip file is damaged")
            if isinstance(error, EOFError):
                what = tr("the gzip file ends in the middle")
            place = tr("{path}, line {line}", path=self.path, line=line()) if line() else ""
            raise DomainError(
                what, where=place or str(self.path), remedy=tr("Fetch or compress it again")
            ) from None
        except OSError as error:
            raise _unreadable(self.path, error) from None

    def _count(self, content: Sized) -> None:
        self.text_read += len(content)
        total = self.text_read
        if total > MAX_UNCHECKED and total > min(MAX_TOTAL, MAX_RATIO * self.bytes_read):
            raise DomainError(
                tr(
                    "the file grows to more than {total} MiB from {size} KiB; it may be a gzip "
                    "bomb",
                    total=total // 2**20,
                    size=self.bytes_read // 2**10,
                ),
                where=str(self.path),
                remedy=tr("If it is genuine, unpack it and import the unpacked file"),
            )

    def _decoded(self, line: bytes, number: int) -> str:
        try:
            marked = self.encoding == "utf-8-sig" and number > 1
            return line.decode("utf-8" if marked else self.encoding)
        except UnicodeError as error:
            raise self._undecodable(error, number) from None

    def _undecodable(self, error: UnicodeError, line: int, *, near: bool = False) -> DomainError:
        remedy, proposals = tr("Save it as UTF-8"), tuple[str, ...]()
        what = tr("the text is not {encoding}", encoding=self.encoding)
        if isinstance(error, UnicodeDecodeError):
            byte = f"0x{error.object[error.start]:02x}"
            what = tr("the text is not {encoding} (byte {byte})", encoding=self.encoding, byte=byte)
        if self._can_ask:
            remedy = tr("Name its encoding, for example --encoding cp1252, or save it as UTF-8")
            proposal = propose_encoding(error, self._start)
            if proposal is not None:
                name, excerpt = proposal
                proposals = (name,)
                remedy = tr(
                    "It could be {name} (it would read {excerpt!r}): add --encoding {name}",
                    name=name,
                    excerpt=excerpt,
                )
        where = tr("{path}, line {line}", path=self.path, line=line)
        if near:
            where = tr("{path}, near line {line}", path=self.path, line=line)
        return Asked(what, "encoding", where=where, remedy=remedy, proposals=proposals)

    def _found_encoding(self, start: bytes, name: str | None) -> str:
        foreign = foreign_kind(start, self.path)
        if foreign is not None:
            kind, remedy = foreign
            what = tr("the file is {kind}, not a table of events", kind=kind)
            raise DomainError(what, where=str(self.path), remedy=remedy)
        for bom, encoding in BOMS:
            if start.startswith(bom):
                return encoding
        if name is not None:
            return known_encoding(name)
        zeros = start[0::2].count(0), start[1::2].count(0)
        if max(zeros) > 0.4 * len(start) / 2 and min(zeros) < 0.05 * len(start) / 2:
            return "utf-16-be" if zeros[0] > zeros[1] else "utf-16-le"
        unusual = sum(byte < 32 and byte not in b"\t\r\n\x01\x1f" for byte in start)
        if unusual > len(start) * BINARY_SHARE:
            remedy = tr("If it is UTF-16, save it as UTF-8; else export it as CSV")
            if self._can_ask:
                remedy = tr(
                    "If it is UTF-16, say so with --encoding utf-16-le; else export it as CSV"
                )
            what = tr("the file is binary, not text")
            raise DomainError(what, where=str(self.path), remedy=remedy)
        return "utf-8"


class _CountedFile(io.FileIO):
    """A file that counts and hashes the bytes that ``readinto`` (all of io's buffers) reads."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.hash = hashlib.sha256()
        self.count = 0

    def readinto(self, buffer: Any) -> int:
        size = super().readinto(buffer) or 0
        self.hash.update(memoryview(buffer)[:size])
        self.count += size
        return size


def is_folder(path: Path) -> bool:
    """Whether the path is a folder; DomainError when that may not be known."""
    try:
        return path.is_dir()
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None


def _checked_size(path: Path) -> int:
    if is_folder(path):
        what = tr("this is a folder, not a file")
        raise DomainError(what, where=str(path), remedy=tr("Name the file in it"))
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from None
    if not stat.S_ISREG(status.st_mode):
        raise DomainError(tr("this is not a regular file"), where=str(path))
    return status.st_size


def _unreadable(path: Path, error: Exception) -> DomainError:
    if isinstance(error, FileNotFoundError):
        what, remedy = tr("there is no such file"), tr("Check the path")
        return DomainError(what, where=str(path), remedy=remedy)
    if isinstance(error, PermissionError):
        what, remedy = tr("the file may not be read"), tr("Change its permissions")
        return DomainError(what, where=str(path), remedy=remedy)
    reason = getattr(error, "strerror", None) or str(error)
    return DomainError(tr("the file cannot be read: {reason}", reason=reason), where=str(path))
