"""Files that would be far larger in memory than on disk, and files of very many columns."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.corpus.importing import import_files
from core.corpus.previewing import preview
from core.corpus.store import Library

T = 1_500_000_000
MEGABYTES = 300
MEASURE = """
import json, sys, tempfile
from pathlib import Path
from core.corpus.importing import import_files
from core.corpus.previewing import preview
from core.corpus.store import Library
from core.domain import DomainError

def peak():  # not ru_maxrss: that begins with the peak of the process that started this one
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024

before, said = peak(), {}
for path in map(Path, sys.argv[1:]):
    with tempfile.TemporaryDirectory() as folder:
        for look in (preview, lambda paths: import_files(Library.open(Path(folder)), "x", paths)):
            try:
                look([path])
            except DomainError as error:
                said.setdefault(path.name, []).append(error.what)
print(json.dumps({"said": said, "more": peak() - before}))
"""


def events(n: int, **columns: Any) -> pa.Table:
    usual = {
        "user_id": pa.array([f"u{k % 99}" for k in range(n)]),
        "item_id": pa.array(["i"] * n),
        "timestamp": pa.array(np.arange(n) + T),
    }
    return pa.table(usual | columns)


def repeated(text: str, n: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(n, np.int32)), pa.array([text]))


def constant_rows(path: Path) -> None:
    rows = {"user_id": repeated("u", 2_000_000), "item_id": repeated("i", 2_000_000),
            "timestamp": pa.array(np.full(2_000_000, T))}  # fmt: skip
    table = pa.table(rows)
    with pq.ParquetWriter(path, table.schema, compression="zstd") as writer:
        for _ in range(5):
            writer.write_table(table)


def long_text_in_a_dictionary(path: Path) -> None:
    table = events(5_000, text=repeated("x" * 1_000_000, 5_000))
    pq.write_table(table, path, compression="zstd", dictionary_pagesize_limit=2**30)


def long_texts_in_pages(path: Path) -> None:
    table = events(40, text=["y" * 2_000_000] * 40)
    pq.write_table(table, path, compression="zstd", use_dictionary=False)


def one_long_list(path: Path) -> None:
    lists = [np.zeros(20_000_000, np.int8), np.zeros(3, np.int8)]
    table = events(2, tags=pa.array(lists, pa.list_(pa.int8())))
    pq.write_table(table, path, compression="zstd")


def texts_in_lists(path: Path) -> None:
    texts = pa.ListArray.from_arrays(
        pa.array([0, 1_000, 2_000], pa.int32()), repeated("z" * 1_000_000, 2_000)
    )
    pq.write_table(events(2, text=texts), path, compression="zstd",
                   dictionary_pagesize_limit=2**30)  # fmt: skip


def packed_again(path: Path) -> None:
    long_texts_in_pages(path)
    path.write_bytes(gzip.compress(path.read_bytes()))


BOMBS: tuple[Callable[[Path], None], ...] = (
    constant_rows, long_text_in_a_dictionary, long_texts_in_pages, one_long_list, texts_in_lists,
    packed_again,
)  # fmt: skip


def test_parquet_bombs_are_refused_before_they_are_in_memory(tmp_path: Path) -> None:
    paths = []
    for bomb in BOMBS:
        paths.append(tmp_path / f"{bomb.__name__}.parquet")
        bomb(paths[-1])
    command = [sys.executable, "-c", MEASURE, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    for path in paths:
        whats = found["said"][path.name]
        assert len(whats) == 2 and all("may be a bomb" in what for what in whats)
    assert 0 < found["more"] < MEGABYTES


def test_a_file_of_very_many_columns_is_looked_at_in_a_few_of_its_rows(
    library: Library, tmp_path: Path
) -> None:
    names = ["user_id", "item_id", "timestamp", *(f"gene {n}" for n in range(20_000))]
    rows = (f"u{n},i{n % 3},{T + n}," + ",".join("1" * 20_000) for n in range(50))
    path = tmp_path / "wide.csv"
    path.write_text(",".join(names) + "\n" + "\n".join(rows) + "\n")
    shown = preview([path])
    assert shown.question is None and shown.sampled <= 50
    assert len(shown.unused_columns["wide.csv"]) == 20_000
    manifest = import_files(library, "wide", [path]).manifest
    assert (manifest.accepted, len(manifest.unused_columns["wide.csv"])) == (50, 20_000)


def test_a_long_text_that_repeats_is_cut_and_kept(library: Library, tmp_path: Path) -> None:
    path = tmp_path / "long.parquet"
    text = np.random.default_rng(1).integers(97, 123, 300_000, np.uint8).tobytes().decode()
    pq.write_table(events(60, text=repeated(text, 60)), path)
    manifest = import_files(library, "long", [path]).manifest
    assert manifest.accepted == 60
    assert "60 texts were cut at 100,000 characters" in manifest.notes


@pytest.mark.parametrize("content", ["workbook", "strings"])
def test_a_workbook_that_grows_beyond_measure_is_refused(content: str, tmp_path: Path) -> None:
    import zipfile

    book = openpyxl.Workbook()
    book.active.append(["user", "item", "time"])
    path = tmp_path / "book.xlsx"
    book.save(path)
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"xl/{content}.bin", bytes(70 * 2**20))
    with pytest.raises(Exception, match="workbook grows to") as caught:
        preview([path])
    assert type(caught.value).__name__ == "DomainError"
