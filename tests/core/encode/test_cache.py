"""The vector cache: a text is encoded once in its life."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from core.domain import DomainError, Stopped
from core.encode.cache import VectorCache
from core.encode.encoder import TextEncoder
from core.progress import Progress


class Counting(TextEncoder):
    """The real encoder, which also remembers what it was asked to encode."""

    def __init__(self) -> None:
        super().__init__(precision="fp32")
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str], progress=None, stop=None):  # type: ignore[no-untyped-def]
        self.asked.extend(texts)
        return super().encode(texts, progress, stop)


@pytest.fixture
def encoder() -> Counting:
    return Counting()


def test_a_second_process_and_corpus_reuse_vectors(tmp_path: Path, encoder: Counting) -> None:
    first = VectorCache(tmp_path / "v.sqlite").vectors(["a hat", "a coat", "a hat", ""], encoder)
    assert sorted(encoder.asked) == ["a coat", "a hat"]
    assert np.array_equal(first[0], first[2])
    assert not first[3].any()
    second = VectorCache(tmp_path / "v.sqlite").vectors(["a coat", "a scarf"], encoder)
    assert encoder.asked.count("a coat") == 1
    assert np.array_equal(second[0], first[1])


def test_a_fresh_vector_equals_its_cached_self(tmp_path: Path, encoder: Counting) -> None:
    cache = VectorCache(tmp_path / "v.sqlite")
    fresh = cache.vectors(["a hat"], encoder)
    assert np.array_equal(fresh, VectorCache(tmp_path / "v.sqlite").vectors(["a hat"], encoder))


def test_stopped_work_goes_on_where_it_ended(
    tmp_path: Path, encoder: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.encode.cache._CHUNK", 2)
    texts = [f"hat number {number}" for number in range(6)]
    calls = iter([False, False, True])
    with pytest.raises(Stopped):
        VectorCache(tmp_path / "v.sqlite").vectors(texts, encoder, stop=lambda: next(calls, True))
    done = list(encoder.asked)
    assert 0 < len(done) < len(texts)
    VectorCache(tmp_path / "v.sqlite").vectors(texts, encoder)
    assert sorted(encoder.asked) == sorted(texts)


def test_the_time_left_counts_characters_and_ends_at_none(
    tmp_path: Path, encoder: Counting
) -> None:
    told: list[Progress] = []
    texts = ["a long text of a hat " * 20, *(f"hat {number}" for number in range(600))]
    VectorCache(tmp_path / "v.sqlite").vectors(texts, encoder, told.append)
    assert {report.total for report in told} == {601}
    left = [report.seconds_left for report in told]
    assert None not in left and left[0] > 0 and left[-1] == pytest.approx(0.0)


def test_a_pack_serves_without_encoding(tmp_path: Path, encoder: Counting) -> None:
    cache = VectorCache(None)
    vectors = cache.vectors(["a hat", "a coat"], encoder)
    cache.write_pack(tmp_path / "pack.safetensors", ["a coat", "a hat", ""], encoder)
    encoder.asked.clear()
    served = VectorCache(None, [tmp_path / "pack.safetensors"]).vectors(
        ["a hat", "a coat"], encoder
    )
    assert encoder.asked == []
    assert np.array_equal(served, vectors)


def test_a_pack_has_the_same_bytes_whatever_the_order(tmp_path: Path, encoder: Counting) -> None:
    cache = VectorCache(None)
    cache.write_pack(tmp_path / "one", ["a hat", "a coat"], encoder)
    cache.write_pack(tmp_path / "two", ["a coat", "a hat", "a hat"], encoder)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_threads_share_a_cache(tmp_path: Path, encoder: Counting) -> None:
    cache = VectorCache(tmp_path / "v.sqlite")
    results: list[np.ndarray] = []
    threads = [
        threading.Thread(target=lambda: results.append(cache.vectors(["a", "b"], encoder)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    assert all(np.array_equal(result, results[0]) for result in results)


def test_a_damaged_cache_is_named(tmp_path: Path, encoder: Counting) -> None:
    (tmp_path / "v.sqlite").write_bytes(b"not a database" * 100)
    with pytest.raises(DomainError, match=r"v\.sqlite"):
        VectorCache(tmp_path / "v.sqlite").vectors(["a hat"], encoder)


def test_what_cannot_be_settled_is_said(
    tmp_path: Path,
    encoder: Counting,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A reader in the midst of it keeps the log from being emptied."""
    monkeypatch.setattr("core.encode.cache.PATIENCE", 0.01)
    path = tmp_path / "vectors.sqlite"
    cache = VectorCache(path)
    cache.vectors(["a hat"], encoder)
    with closing(sqlite3.connect(path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT COUNT(*) FROM vectors").fetchone()
        cache.vectors(["a coat"], encoder)
        cache.settle()
    assert "nodes encode anew" in caplog.text
    caplog.clear()
    cache.settle()
    assert not caplog.text


def test_a_check_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "vectors.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE other (x)")
        connection.commit()
    before = path.read_bytes()
    VectorCache(path).check()
    assert path.read_bytes() == before and list(tmp_path.iterdir()) == [path]
    path.write_bytes(b"SQLite format 3\x00" + bytes(200))
    with pytest.raises(DomainError, match="vector cache"):
        VectorCache(path).check()
