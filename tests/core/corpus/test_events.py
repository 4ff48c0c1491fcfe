"""A stored corpus says the same as its events in memory, and reads them as they were written."""

from __future__ import annotations

import gc
import os
import shutil
import sys
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from threading import Event
from unittest.mock import patch

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.corpus import events as stored
from core.corpus import folder as folders
from core.corpus import sorting, tables
from core.corpus.corpus import Corpus
from core.corpus.folder import load_corpus, load_tables, save_corpus
from core.corpus.split import leave_last_out
from core.domain import Columns, DomainError
from core.files import SUMS, Damaged
from tests.core.corpus.test_store import CREATED, EVENT, SHOP, frames


def save(folder: Path, events: list[tuple], **how: object) -> str:
    """Write a corpus; its id."""
    saved = save_corpus(
        folder, "shop", *frames(events), rating_scale=(1, 5), created=CREATED, **how
    )
    return saved.corpus_id


@settings(max_examples=25, deadline=None)
@given(st.lists(EVENT, min_size=1, max_size=40), st.integers(1, 5))
def test_a_stored_corpus_says_what_its_frame_says(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple], rows_per_group: int
) -> None:
    folder = tmp_path_factory.mktemp("corpus")
    with patch.object(tables, "ROWS_PER_GROUP", rows_per_group):
        save(folder, events)
    groups = pq.ParquetFile(folder / tables.EVENTS_FILE).num_row_groups
    assert groups >= load_tables(folder)[0].accepted / rows_per_group
    corpus = load_corpus(folder)
    frame = tables.frame_from_table(load_tables(folder)[1])
    known = Corpus(corpus.name, corpus.corpus_id, frame, corpus.items, corpus.manifest)
    with patch.object(stored, "BYTES_KEPT", 0):
        histories = [corpus.history(user) for user in reversed(corpus.user_ids)]
    assert histories == [known.history(user) for user in reversed(known.user_ids)]
    pd.testing.assert_frame_equal(corpus.events, frame)
    assert corpus.user_ids == known.user_ids == tuple(sorted({event[0] for event in events}))
    assert corpus.n_events == known.n_events == len(frame)
    for name in ("user_starts", "times", "ratings", "event_items", "parts"):
        np.testing.assert_array_equal(getattr(corpus, name), getattr(known, name), name)
    assert [corpus.item_ids[at] for at in corpus.event_items] == frame[Columns.Item].tolist()
    assert corpus.parts.tolist() == leave_last_out(frame).tolist()


@settings(max_examples=25, deadline=None)
@given(st.lists(EVENT, min_size=1, max_size=40), st.integers(1, 4))
def test_sorting_a_part_of_the_users_at_a_time_changes_no_byte(
    tmp_path_factory: pytest.TempPathFactory, events: list[tuple], rows: int
) -> None:
    whole, parts = (tmp_path_factory.mktemp(name) for name in ("whole", "parts"))
    save(whole, events)
    with patch.object(sorting, "ROWS_OF_PART", rows):
        save(parts, events)
    assert sorted(path.name for path in parts.iterdir()) == sorted(
        path.name for path in whole.iterdir()
    )
    for path in whole.iterdir():
        assert (parts / path.name).read_bytes() == path.read_bytes(), path.name


def test_parts_of_long_texts_give_the_bytes_of_a_whole(tmp_path: Path) -> None:
    letters = Random(7)
    events = [
        (f"u{at % 40:02}", f"i{at}", at % 4, "review", 3, letters.randbytes(6_000).hex())
        for at in range(400)
    ]  # 4.8 MB: Parquet's writer looks at what it has after each chunk, and ends pages at 1 MB
    for name, rows in {"whole": 1_000, "parts": 70}.items():
        (tmp_path / name).mkdir()
        with patch.object(sorting, "ROWS_OF_PART", rows):
            save(tmp_path / name, events)
    whole, parts = (tmp_path / name / tables.EVENTS_FILE for name in ("whole", "parts"))
    assert parts.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("rows_of_part", [2, 1_000])
def test_progress_ends_at_all_rows_also_where_some_repeat_others(
    tmp_path: Path, rows_of_part: int
) -> None:
    events, items = frames([*SHOP, *SHOP, *SHOP])
    told: list[tuple[int, int]] = []
    with patch.object(sorting, "ROWS_OF_PART", rows_of_part):
        folders.save_tables(
            tmp_path,
            tables.table_from_frame(events, tables.EVENTS_SCHEMA),
            tables.table_from_frame(items, tables.ITEMS_SCHEMA),
            rows_read=len(events),
            rating_scale=(1.0, 5.0),
            facts={"name": "shop", "format": "tables", "created": CREATED},
            tick=lambda done, total: told.append((done, total)),
        )
    assert told[0] == (0, 9) and told[-1] == (9, 9) and told == sorted(told)


def test_an_open_corpus_outlives_its_folder_and_sees_no_changed_byte(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    save(tmp_path / "one", SHOP)
    gone = load_corpus(tmp_path / "one")
    shutil.rmtree(tmp_path / "one")
    assert len(gone.history("ann")) == 2 and len(gone.events) == 3
    (tmp_path / "two").mkdir()
    save(tmp_path / "two", SHOP)
    changed = load_corpus(tmp_path / "two")
    path = tmp_path / "two" / tables.EVENTS_FILE
    damage(path)
    with pytest.raises(Damaged, match="was changed after it was written"):
        changed.history("ann")
    with pytest.raises(DomainError):
        _ = changed.events


def damage(path: Path) -> None:
    """Change a byte in place, as a failing disk or a stranger would."""
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    with path.open("r+b") as file:
        file.write(content)


@pytest.mark.parametrize("listed", [True, False], ids=["with hashes", "of an older version"])
@pytest.mark.parametrize("then", ["stays", "goes", "is restored"])
def test_a_changed_file_is_noticed_whatever_its_path_names_since(
    tmp_path: Path, listed: bool, then: str
) -> None:
    folder = tmp_path / "corpus"
    folder.mkdir()
    save(folder, SHOP)
    if not listed:
        (folder / SUMS).unlink()
    shutil.copytree(folder, tmp_path / "backup")
    corpus = load_corpus(folder)
    damage(folder / tables.EVENTS_FILE)
    if then != "stays":
        folder.rename(tmp_path / "moved")
    if then == "is restored":
        (tmp_path / "backup").rename(folder)
    for _ in range(2):
        with pytest.raises(Damaged, match="was changed after it was written"):
            corpus.history("ann")
    with pytest.raises(Damaged):
        _ = corpus.events
    if then == "is restored":
        assert len(load_corpus(folder).history("ann")) == 2


def test_an_open_file_is_hashed_once_while_it_stays(tmp_path: Path) -> None:
    save(tmp_path, SHOP)
    corpus = load_corpus(tmp_path)
    with patch.object(os, "pread", side_effect=AssertionError):
        assert len(corpus.history("ann")) == 2 and len(corpus.events) == 3


def test_decoded_rows_weigh_what_they_take(tmp_path: Path) -> None:
    """Equal texts are one object; what is kept stays below the limit as Python counts it."""
    events = [
        (f"u{at:03}", "a", at % 4, "review", 3, f"{'好' * 3_000} {at}" if at % 2 else "好" * 3_000)
        for at in range(200)
    ]
    with patch.object(tables, "ROWS_PER_GROUP", 10):
        save(tmp_path, events)
    corpus = load_corpus(tmp_path)
    limit = 200_000
    with patch.object(stored, "BYTES_KEPT", limit):
        for user in corpus.user_ids:
            corpus.history(user)
    kept = corpus.source._groups
    assert len(kept) > 1
    lists = [column for columns in kept.values() for column in columns]
    objects = {id(value): value for column in lists for value in column}
    taken = sum(map(sys.getsizeof, [*objects.values(), *lists]))
    assert limit / 3 < taken <= limit
    for columns in kept.values():
        same = [text for text in columns[-1] if not text[-1].isdigit()]
        assert len({id(text) for text in same}) == 1


def test_a_corpus_nobody_refers_to_closes_its_file_without_a_collection(tmp_path: Path) -> None:
    save(tmp_path, SHOP)
    gc.disable()
    try:
        corpus = load_corpus(tmp_path)
        assert len(corpus.history("ann")) == 2 and corpus.title("a") and corpus.n_events == 3
        source, descriptor = weakref.ref(corpus.source), corpus.source._bytes.fileno()
        del corpus
        assert source() is None
        with pytest.raises(OSError):
            os.fstat(descriptor)
    finally:
        gc.enable()


def test_rows_that_are_kept_do_not_wait_for_a_column(tmp_path: Path) -> None:
    save(tmp_path, SHOP)
    events = load_corpus(tmp_path).source
    known, begun, ends = events.rows(0, 2), Event(), Event()

    def slowly(*about: object, **how: object) -> None:
        begun.set()
        ends.wait(60)
        raise OSError("stopped")

    with ThreadPoolExecutor(2) as threads, patch.object(pq.ParquetFile, "read", slowly):
        try:
            column = threads.submit(events.codes, Columns.Kind)
            assert begun.wait(60)
            assert threads.submit(events.rows, 0, 2).result(timeout=30) == known
            assert not column.done()
        finally:
            ends.set()


def test_what_is_forgotten_is_read_again(tmp_path: Path) -> None:
    save(tmp_path, SHOP)
    stored_corpus = load_corpus(tmp_path)
    plain = Corpus("shop", "", stored_corpus.events, stored_corpus.items, stored_corpus.manifest)
    for corpus in (stored_corpus, plain):
        history = corpus.history("ann")
        assert corpus.history("ann") is history
        corpus.forget()
        assert corpus.history("ann") is not history and corpus.history("ann") == history
    assert stored_corpus.source._groups
    stored_corpus.forget()
    assert not stored_corpus.source._groups


def test_opening_reads_no_event(tmp_path: Path) -> None:
    save(tmp_path, SHOP)
    read = patch.object(pq.ParquetFile, "read", side_effect=AssertionError)
    with read, patch.object(folders, "load_tables", side_effect=AssertionError):
        corpus = load_corpus(tmp_path)
        assert len(corpus.history("ann")) == 2 and corpus.n_events == 3
