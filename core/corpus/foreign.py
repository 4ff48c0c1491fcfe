"""Files that are no table of text, told by their first bytes and refused by their name."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

TAR_PLACE = 257
MAX_DOCUMENT = 16 * 2**20
"""A MongoDB document is never longer."""
_TEXT_PICKLE = re.compile(rb"\(?(?:[ld]p\d+\n|c[\w.]+\n\w+\n)")
_MARKUP = re.compile(rb"\s*<(?:!doctype|html|\?xml|table|\w+:\w+)", re.IGNORECASE)
_BSON_NAME = re.compile(rb"[\x01-\x13][^\x00]{1,60}\x00")

UNPACK = "Unpack it and import the file in it"
EXPORT = "Export it as CSV, JSON lines, Parquet or .xlsx"
MAGIC: tuple[tuple[bytes, str, str], ...] = (
    (b"%PDF", "a PDF", EXPORT),
    (b"\x89PNG", "an image", EXPORT),
    (b"\xff\xd8\xff", "an image", EXPORT),
    (b"GIF8", "an image", EXPORT),
    (b"SQLite format 3", "an SQLite database", EXPORT),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook (.xls) or another old Office file",
     "Save it as .xlsx or CSV"),
    (b"7z\xbc\xaf", "a 7z archive", UNPACK),
    (b"Rar!", "a RAR archive", UNPACK),
    (b"BZh", "a bzip2 file", UNPACK),
    (b"\xfd7zXZ", "an xz file", UNPACK),
    (b"\x28\xb5\x2f\xfd", "a zstd file", UNPACK),
    (b"\x04\x22\x4d\x18", "an lz4 file", UNPACK),
    (b"\x89HDF", "an HDF5 file", EXPORT),
    (b"ARROW1", "an Arrow or Feather file", "Write it as Parquet"),
    (b"FEA1", "a Feather file", "Write it as Parquet"),
    (b"Obj\x01", "an Avro file", EXPORT),
    (b"ORC", "an ORC file", "Write it as Parquet"),
    (b"\x93NUMPY", "a NumPy array", EXPORT),
    (b"$FL2", "an SPSS file", EXPORT),
    (b"<stata_dta>", "a Stata file", EXPORT),
    (b"RDX", "an R data file", EXPORT),
)  # fmt: skip


def foreign_kind(start: bytes, path: Path) -> tuple[str, str] | None:
    """What the file is and what to do, in words; None where it may be a table.

    ``start`` are its first bytes, unpacked where it is gzip. An .xlsx workbook is no foreign file.
    """
    for magic, kind, remedy in MAGIC:
        if start.startswith(magic):
            return kind, remedy
    if start.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _zip_kind(path)
    if start[TAR_PLACE : TAR_PLACE + 5] == b"ustar":
        return "a tar archive", UNPACK
    if _is_pickle(start):
        return "a Python pickle", "Open it where it was made and write it as CSV or Parquet"
    if _is_bson(start):
        return "a MongoDB dump (BSON)", "Export it with mongoexport, or convert it with bsondump"
    if _MARKUP.match(start):
        return "an HTML or XML file", EXPORT
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
        return "a binary Excel workbook (.xlsb)", "Save it as .xlsx or CSV"
    if "content.xml" in members and "mimetype" in members:
        return "an OpenDocument spreadsheet (.ods)", "Save it as .xlsx or CSV"
    if any(name.startswith("word/") for name in members):
        return "a Word document", EXPORT
    if any(name.endswith(".npy") for name in members):
        return "a NumPy archive", EXPORT
    return "a zip archive or a damaged spreadsheet", f"{UNPACK}, or export it as CSV"


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
