"""One contract for every format: the same few events, however they are written."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from core.corpus.importing import ImportSummary, import_files
from core.corpus.quarantine import read_quarantine
from core.corpus.readers import READERS
from core.corpus.store import Library
from core.domain import Columns

START = 1_393_545_600  # 2014-02-28T00:00:00Z
DAY = 86_400
EVENTS = [
    ("ann", "7", START + 2 * DAY, 5.0, "Lovely", "Warm tone, and it stays in tune."),
    ("ann", "9", START, 2.0, "Hm", "Too bright for me"),
    ("bob", "7", START + DAY, 4.0, "Fine", "Does what it should"),
    ("bob", "8", START + 3 * DAY, 3.0, "So so", "Strings rust, “quickly”, in\nthe damp"),
    ("cyd", "9", START + 4 * DAY, 1.0, "No", "Broke after a week"),
]
Rows = list[dict[str, Any]]
JsonLines = Callable[[Iterable[Mapping[str, Any]]], str]


def amazon2014(bad: bool) -> Rows:
    rows: Rows = [
        {
            "reviewerID": user, "asin": item, "reviewerName": "Someone Secret", "helpful": [0, 0],
            "reviewText": text, "overall": rating, "summary": title, "unixReviewTime": at,
        }
        for user, item, at, rating, title, text in EVENTS
    ]  # fmt: skip
    return [*rows, {**rows[0], "reviewerID": None}] if bad else rows


def amazon2023(bad: bool) -> Rows:
    rows: Rows = [
        {
            "rating": rating, "title": title, "text": text.replace("\n", "<br />"), "images": [],
            "asin": "variant" + item, "parent_asin": item, "user_id": user, "timestamp": at * 1000,
        }
        for user, item, at, rating, title, text in EVENTS
    ]  # fmt: skip
    return [*rows, {**rows[0], "user_id": None}] if bad else rows


def table(bad: bool) -> Rows:
    rows: Rows = [
        {
            "User": user, "Product ID": item, "stars": rating, "headline": title, "review": text,
            "date": datetime.fromtimestamp(at, UTC).isoformat(), "shop": "north",
        }
        for user, item, at, rating, title, text in EVENTS
    ]  # fmt: skip
    return [*rows, {**rows[0], "User": None}] if bad else rows


def movielens(bad: bool) -> Rows:
    rows: Rows = [
        {"userId": user, "movieId": item, "rating": rating, "timestamp": at}
        for user, item, at, rating, _, _ in EVENTS
    ]
    return [*rows, {**rows[0], "userId": None}] if bad else rows


def as_csv(rows: Rows, delimiter: str = ",") -> str:
    text = io.StringIO()
    pd.DataFrame(rows).to_csv(text, index=False, sep=delimiter)
    return text.getvalue()


def as_parquet(rows: Rows) -> bytes:
    return pd.DataFrame(rows).to_parquet(index=False)


CASES = {
    "amazon2014.json": ("amazon2014", amazon2014, "json"),
    "amazon2014.json.gz": ("amazon2014", amazon2014, "json"),
    "amazon2023.jsonl": ("amazon2023", amazon2023, "json"),
    "amazon2023.jsonl.gz": ("amazon2023", amazon2023, "json"),
    "ratings.csv": ("movielens", movielens, "csv"),
    "ratings.csv.gz": ("movielens", movielens, "csv"),
    "table.csv": ("table", table, "csv"),
    "table.csv.gz": ("table", table, "csv"),
    "table.tsv": ("table", table, "tsv"),
    "table.jsonl": ("table", table, "json"),
    "table.jsonl.gz": ("table", table, "json"),
    "table.parquet": ("table", table, "parquet"),
    "table.parquet.gz": ("table", table, "parquet"),
}


@pytest.fixture(params=CASES, ids=str)
def case(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def import_case(
    case: str, library: Library, write: Callable[[str, str | bytes], Path], json_lines: JsonLines
) -> Callable[..., ImportSummary]:
    def run(bad: bool = False, reverse: bool = False) -> ImportSummary:
        rows = CASES[case][1](bad)
        rows = rows[::-1] if reverse else rows
        content: str | bytes = {
            "json": json_lines,
            "csv": as_csv,
            "tsv": lambda rows: as_csv(rows, "\t"),
            "parquet": as_parquet,
        }[CASES[case][2]](rows)
        return import_files(library, "shop", [write(case, content)])

    return run


def test_format_and_events_come_out_the_same(
    case: str, import_case: Callable[..., ImportSummary], library: Library
) -> None:
    summary = import_case()
    assert summary.manifest.format == CASES[case][0]
    corpus = library.corpus("shop")
    assert corpus.user_ids == ("ann", "bob", "cyd")
    assert corpus.item_ids == ("7", "8", "9")
    has_words = CASES[case][1] is not movielens
    for user in corpus.user_ids:
        expected = sorted((event for event in EVENTS if event[0] == user), key=lambda e: e[2])
        history = corpus.history(user)
        assert [
            (e.item_id, e.timestamp, e.rating, e.title, e.text, e.kind) for e in history.events
        ] == [
            (
                item,
                datetime.fromtimestamp(at, UTC),
                rating,
                title if has_words else None,
                text if has_words else None,
                "review" if has_words else "rating",
            )
            for _, item, at, rating, title, text in expected
        ]


def test_a_row_without_a_user_is_quarantined_with_its_place(
    case: str, import_case: Callable[..., ImportSummary], library: Library
) -> None:
    summary = import_case(bad=True)
    manifest = summary.manifest
    assert (manifest.rows_read, manifest.accepted, manifest.quarantined) == (6, 5, 1)
    (refusal,) = read_quarantine(summary.quarantine)
    assert refusal.file == case
    assert refusal.field == Columns.User
    assert refusal.column == manifest.mapping[Columns.User]
    assert "missing" in refusal.reason
    expected_line = {"json": 6, "parquet": 6}.get(CASES[case][2])
    assert refusal.line == expected_line or (expected_line is None and refusal.line >= 7)


def test_the_order_of_rows_does_not_change_the_corpus(
    import_case: Callable[..., ImportSummary],
) -> None:
    assert import_case().manifest.corpus_id == import_case(reverse=True).manifest.corpus_id


def test_the_manifest_says_what_was_read(
    case: str, import_case: Callable[..., ImportSummary], library: Library
) -> None:
    manifest = import_case().manifest
    (source,) = manifest.sources
    assert source.path == case
    assert source.bytes > 0 and len(source.sha256) == 64
    assert manifest.timestamp_unit
    assert set(manifest.mapping) >= {Columns.User, Columns.Item, Columns.Time}
    assert manifest.rating_scale == ((0.5, 5) if case.startswith("ratings") else (1, 5))
    assert library.manifest("shop") == manifest


def test_no_reader_keeps_a_reviewers_name(
    import_case: Callable[..., ImportSummary], library: Library
) -> None:
    import_case(bad=True)
    folder = library.corpus_folder("shop")
    assert all(b"Someone Secret" not in path.read_bytes() for path in folder.iterdir())
    assert "Secret" not in library.corpus("shop").events.to_csv()


def test_every_format_is_in_the_contract() -> None:
    assert {reader.format for reader in READERS} == {case[0] for case in CASES.values()}
