"""Files that are no table of text, told by their first bytes and refused by their name."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from core.language import mark, tr

TAR_PLACE = 257
MAX_DOCUMENT = 16 * 2**20
"""A MongoDB document is never longer."""
_TEXT_PICKLE = re.compile(rb"\(?(?:[ld]p\d+\n|c[\w.]+\n\w+\n)")
_MARKUP = re.compile(rb"\s*<(?:!doctype|html|\?xml|table|\w+:\w+)", re.IGNORECASE)
_BSON_NAME = re.compile(rb"[\x01-\x13][^\x00]{1,60}\x00")

UNPACK = mark("Unpack it and import the file in it")
EXPORT = mark("Export it as CSV, JSON lines, Parquet or .xlsx")
SAVE_SHEET = mark("Save it as .xlsx or CSV")
AS_PARQUET = mark("Write it as Parquet")
MAGIC: tuple[tuple[bytes, str, str], ...] = (
    (b"%PDF", mark("a PDF"), EXPORT),
    (b"\x89PNG", mark("an image"), EXPORT),
    (b"\xff\xd8\xff", mark("an image"), EXPORT),
    (b"GIF8", mark("an image"), EXPORT),
    (b"SQLite format 3", mark("an SQLite database"), EXPORT),
    (b"\xd0\xcf\x11\xe0", mark("an old Excel workbook (.xls) or another old Office file"),
     SAVE_SHEET),
    (b"7z\xbc\xaf", mark("a 7z archive"), UNPACK),
    (b"Rar!", mark("a RAR archive"), UNPACK),
    (b"BZh", mark("a bzip2 file"), UNPACK),
    (b"\xfd7zXZ", mark("an xz file"), UNPACK),
    (b"\x28\xb5\x2f\xfd", mark("a zstd file"), UNPACK),
    (b"\x04\x22\x4d\x18", mark("an lz4 file"), UNPACK),
    (b"\x89HDF", mark("an HDF5 file"), EXPORT),
    (b"ARROW1", mark("an Arrow or Feather file"), AS_PARQUET),
    (b"FEA1", mark("a Feather file"), AS_PARQUET),
    (b"Obj\x01", mark("an Avro file"), EXPORT),
    (b"ORC", mark("an ORC file"), AS_PARQUET),
    (b"\x93NUMPY", mark("a NumPy array"), EXPORT),
    (b"$FL2", mark("an SPSS file"), EXPORT),
    (b"<stata_dta>", mark("a Stata file"), EXPORT),
    (b"RDX", mark("an R data file"), EXPORT),
)  # fmt: skip


def foreign_kind(start: bytes, path: Path) -> tuple[str, str] | None:
    """What the file is and what to do, in words; None where it may be a table.

    ``start`` are its first bytes, unpacked where it is gzip. An .xlsx workbook is no foreign file.
    """
    for magic, kind, remedy in MAGIC:
        if start.startswith(magic):
            return tr(kind), tr(remedy)
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_kind(path)
    if start[TAR_PLACE : TAR_PLACE + 5] == b"ustar":
        return tr("a tar archive"), tr(UNPACK)
    if _is_pickle(start):
        remedy = tr("Open it where it was made and write it as CSV or Parquet")
        return tr("a Python pickle"), remedy
    if _is_bson(start):
        remedy = tr("Export it with mongoexport, or convert it with bsondump")
        return tr("a MongoDB dump (BSON)"), remedy
    if _MARKUP.match(start):
        return tr("an HTML or XML file"), tr(EXPORT)
    return None


def is_workbook(path: Path) -> bool:
    """Whether the file is an Excel workbook as Excel writes it since 2007 (.xlsx, .xlsm)."""
    return "xl/workbook.xml" in _members(path)


def _members(path: Path) -> set[str]:
    try:
        with zipfile.ZipFile(path) as archive:
            return set(archive.namelist()[:10_000])
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError):
        return set()


def _zip_kind(path: Path) -> tuple[str, str] | None:
    members = _members(path)
    if "xl/workbook.xml" in members:
        return None
    if "xl/workbook.bin" in members:
        return tr("a binary Excel workbook (.xlsb)"), tr(SAVE_SHEET)
    if "content.xml" in members and "mimetype" in members:
        return tr("an OpenDocument spreadsheet (.ods)"), tr(SAVE_SHEET)
    if any(name.startswith("word/") for name in members):
        return tr("a Word document"), tr(EXPORT)
    if any(name.endswith(".npy") for name in members):
        return tr("a NumPy archive"), tr(EXPORT)
    remedy = tr("Unpack it and import the file in it, or export it as CSV")
    return tr("a zip archive or a damaged spreadsheet"), remedy


def _is_pickle(start: bytes) -> bool:
    framed = len(start) > 2 and start[0] == 0x80 and 2 <= start[1] <= 5
    return framed or _TEXT_PICKLE.match(start) is not None


def _is_bson(start: bytes) -> bool:
    """A document: its length, then a type, a name and a value, and a zero at the end."""
    length = int.from_bytes(start[:4], "little")
    if (
        not 12 <= length <= MAX_DOCUMENT
        or not _BSON_NAME.match(start, 4)
        or b"\x00" not in start[:4]
    ):
        return False
    return length > len(start) or start[length - 1] == 0
