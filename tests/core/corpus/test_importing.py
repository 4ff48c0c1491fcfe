from __future__ import annotations

import csv as csv_module
import io
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.corpus.importing import import_files
from core.corpus.options import ImportOptions
from core.corpus.quarantine import EVENTS, read_quarantine
from core.corpus.store import Library
from core.domain import DomainError, Stopped
from core.progress import Progress

T = 1_393_545_600
Write = Callable[[str, str | bytes], Path]
ANYTHING = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20),
    st.lists(st.integers(), max_size=2), st.just({"a": 1}), st.just(T), st.just("9" * 500),
)  # fmt: skip


def table(rows: int, start: int = 0) -> str:
    lines = (f"u{n % 50},i{n % 20},{1 + n % 5},{T + n}" for n in range(start, start + rows))
    return "user_id,item_id,rating,timestamp\n" + "\n".join(lines) + "\n"


def check(path: Path, rows: int | None = None) -> None:
    """A corpus whose counts add up; unless ``rows`` are known, any DomainError will do as well."""
    library = Library.open(path.parent / "library")
    try:
        summary = import_files(library, "shop", [path])
    except DomainError as error:
        assert rows is None or "scientific notation" in error.what
        return
    manifest = summary.manifest
    assert manifest.accepted + manifest.quarantined + manifest.duplicates == manifest.rows_read
    assert rows is None or manifest.rows_read == rows
    refused = [row for row in read_quarantine(summary.quarantine) if row.table == EVENTS]
    assert len(refused) == manifest.quarantined
    corpus = library.corpus("shop")
    assert len(corpus.events) == manifest.accepted
    assert sum(len(corpus.history(user)) for user in corpus.user_ids) == manifest.accepted


@settings(max_examples=30, deadline=None)
@given(
    st.lists(
        st.fixed_dictionaries(
            {}, optional=dict.fromkeys(("item_id", "rating", "text", "title", "user_id"), ANYTHING)
        ),
        max_size=12,
    )
)
def test_any_json_values_end_in_words_or_in_counts_that_add_up(rows: list[dict[str, Any]]) -> None:
    good = {"user_id": "u", "item_id": "i", "timestamp": T, "rating": 3, "text": "x"}
    content = [good, *({"timestamp": T} | row for row in rows)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in content), encoding="utf-8")
        check(path, len(content))


@settings(max_examples=30, deadline=None)
@given(st.lists(st.lists(st.text(max_size=8), min_size=2, max_size=6), max_size=12))
def test_any_csv_cells_end_in_words_or_in_counts_that_add_up(rows: list[list[str]]) -> None:
    text = io.StringIO()
    writer = csv_module.writer(text)
    writer.writerows([["user_id", "item_id", "timestamp", "text"], ["u", "i", T, "x"], *rows])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.csv"
        path.write_bytes(text.getvalue().encode("utf-8", "surrogatepass"))
        check(path)


@settings(max_examples=80, deadline=None)
@given(
    st.binary(max_size=300),
    st.sampled_from([b"", b"user_id,item_id,timestamp\nu,i,1393545600\n", b"PAR1", b"\x1f\x8b",
                     b"\xff\xfe", b"\xef\xbb\xbf", b'{"user_id": 1}\n']),
)  # fmt: skip
def test_any_bytes_end_in_words(noise: bytes, start: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "noise.csv"
        path.write_bytes(start + noise)
        check(path)


def test_duplicates_are_found_across_files_and_do_not_depend_on_their_order(
    library: Library, write: Write
) -> None:
    one = write("one.csv", "user,item,stars,text,time\nu,i,2,same,1393545600\n")
    two = write("two.csv", "user,item,stars,text,time\nu,i,4,same,1393545600\nu,i,4,,1393545600\n")
    first = import_files(library, "shop", [one, two]).manifest
    second = import_files(library, "shop", [two, one]).manifest
    assert (first.rows_read, first.accepted, first.duplicates) == (3, 2, 1)
    assert first.corpus_id == second.corpus_id
    ratings = sorted(event.rating or 0 for event in library.corpus("shop").history("u").events)
    assert ratings == [4, 4]


def test_progress_runs_to_the_end_and_stop_keeps_the_old_corpus(
    library: Library, write: Write
) -> None:
    seen: list[Progress] = []
    path = write("a.csv", table(12_000))
    old = import_files(library, "shop", [path], progress=seen.append)
    reading = [report for report in seen if report.stage == "reading"]
    assert len(reading) >= 3
    assert [report.done for report in reading] == sorted(report.done for report in reading)
    assert (
        reading[-1].done
        == reading[-1].total
        == (Path(library.root).parent / "files" / "a.csv").stat().st_size
    )
    assert reading[-1].figures["rows"] == 12_000
    new = write("b.csv", table(12_000, start=7))
    for answers in ([True], [False, True], [False, False, False, True]):
        with pytest.raises(Stopped):
            import_files(library, "shop", [new], stop=iter(answers).__next__)
        assert library.manifest("shop") == old.manifest
    assert not list((library.root / "corpora" / "shop").glob(".importing-*"))


def test_a_failing_import_keeps_the_old_corpus(library: Library, write: Write) -> None:
    old = import_files(library, "shop", [write("a.csv", table(20))]).manifest
    new = write("b.csv", table(20) + f"café,i,5,{T}\n")
    with pytest.raises(DomainError, match="not ascii"):
        import_files(library, "shop", [new], options=ImportOptions(encoding="ascii"))
    assert library.manifest("shop") == old


def test_importing_again_refreshes_the_manifest_of_the_same_content(
    library: Library, write: Write
) -> None:
    first = import_files(library, "shop", [write("a.csv", table(20))]).manifest
    second = import_files(library, "shop", [write("b.csv", table(20) + "bad\n")]).manifest
    assert first.corpus_id == second.corpus_id
    assert library.manifest("shop").quarantined == 1
    assert len(read_quarantine(library.corpus_folder("shop") / "quarantine.jsonl")) == 1


def test_a_mapping_overrides_the_guess_and_is_recorded(library: Library, write: Write) -> None:
    path = write("a.csv", "user,alias,item,time,note\nu,ann,i,2024-01-01,hello\n")
    mapping = {"user": "alias", "text": "note"}
    manifest = import_files(
        library, "shop", [path], options=ImportOptions(mapping=mapping)
    ).manifest
    assert manifest.mapping == {
        "user_id": "alias", "item_id": "item", "timestamp": "time", "text": "note"
    }  # fmt: skip
    assert library.corpus("shop").history("ann").events[0].text == "hello"
    assert manifest.timestamp_unit == "ISO dates"


def test_a_title_without_a_text_is_left_to_the_items(library: Library, write: Write) -> None:
    path = write("a.csv", f"user,item,title,time\nu,i,Guitar,{T}\n")
    import_files(library, "shop", [path])
    event = library.corpus("shop").history("u").events[0]
    assert (event.title, event.kind) == (None, "view")


def test_formats_cannot_be_mixed_nor_files_named_twice(library: Library, write: Write) -> None:
    one = write("a.csv", table(3))
    two = write("r.csv", f"userId,movieId,rating,timestamp\n1,2,3,{T}\n")
    with pytest.raises(DomainError, match="different formats: movielens, table"):
        import_files(library, "shop", [one, two])
    with pytest.raises(DomainError, match="named twice"):
        import_files(library, "shop", [one, one])


def test_a_known_folder_needs_no_file_names(library: Library, write: Write) -> None:
    ratings = write("ratings.csv", f"userId,movieId,rating,timestamp\n1,2,3.5,{T}\n")
    write(
        "movies.csv", "movieId,title,genres\n2,Heat (1995),Action|Crime\n3,X,(no genres listed)\n"
    )
    tags = write("tags.csv", f"userId,movieId,tag,timestamp\n1,3,slow burn,{T + 5}\n")
    manifest = import_files(library, "films", [ratings.parent, tags]).manifest
    assert manifest.kinds == {"rating": 1, "review": 1}
    corpus = library.corpus("films")
    heat, other = corpus.items.to_dict("records")
    assert (heat["title"], heat["category"], heat["description"]) == (
        "Heat (1995)", "Action", "Action, Crime"
    )  # fmt: skip
    assert other["category"] is None
    assert corpus.history("1").events[1].text == "slow burn"


def test_amazon_items_have_titles_categories_and_prices(library: Library, write: Write) -> None:
    events = write(
        "reviews_X.json",
        json.dumps({"reviewerID": "u", "asin": "1", "unixReviewTime": T, "overall": 5}) + "\n",
    )
    write(
        "meta_X.json",
        "{'asin': '1', 'title': 'Axe &amp; Amp', 'price': 9.5, 'categories': [['Music', 'Amps']]}\n"
        + json.dumps({"asin": "2", "title": "T", "category": ["Music"], "price": "$1.00"})
        + "\n",
    )
    import_files(library, "music", [events.parent])
    first, second = library.corpus("music").items.to_dict("records")
    assert (first["title"], first["category"], first["price"]) == ("Axe & Amp", "Amps", 9.5)
    assert (second["category"], second["price"]) == ("Music", 1.0)
    assert library.manifest("music").kinds == {"rating": 1}
