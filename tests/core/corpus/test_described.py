"""One file with everything in each row: items described beside events, date and clock apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.corpus.catalogue import ItemReader
from core.corpus.importing import import_files
from core.corpus.options import ImportOptions
from core.corpus.previewing import preview
from core.corpus.store import Library
from core.corpus.syntax.protocol import Head
from core.domain import Columns

Write = Callable[[str, str | bytes], Path]
DRUMS = ["Snare", "Tom", "Kick", "Gong"]


def exported(header: str, row: Callable[[int, int], str], n_rows: int = 24) -> str:
    return "\n".join([header, *(row(n, n % len(DRUMS)) for n in range(n_rows))]) + "\n"


def items_of(library: Library) -> dict[str, tuple[object, ...]]:
    items = library.corpus("shop").items
    fields = [Columns.Title, Columns.Category, Columns.Description]
    return {row[0]: row[1:] for row in items[[Columns.Item, *fields]].itertuples(index=False)}


FULL = exported(
    "user_id,product_id,product_name,category,description,rating,date,text",
    lambda n, i: (
        f"u{n % 5},p{i},{DRUMS[i] if n > 3 else ''},Loud > Drums,About {DRUMS[i]},5,"
        f"2024-03-{n + 1:02d},fine {n}"
    ),
)


def test_items_described_beside_events_get_their_titles(library: Library, write: Write) -> None:
    path = write("export.csv", FULL)
    manifest = import_files(library, "shop", [path]).manifest
    assert items_of(library) == {
        f"p{i}": (drum, "Loud", f"About {drum}") for i, drum in enumerate(DRUMS)
    }
    assert manifest.mapping["item.title"] == "product_name"
    assert manifest.unused_columns == {}
    shown = preview([path])
    assert shown.mapping == manifest.mapping
    assert set(shown.item_rows[Columns.Title]) == set(DRUMS)


def test_like_reads_the_next_file_the_same_way(library: Library, write: Write) -> None:
    like = import_files(library, "shop", [write("one.csv", FULL)]).manifest.options
    assert like is not None
    import_files(library, "shop", [write("two.csv", FULL.replace("Snare", "Bell"))], None, like)
    assert items_of(library)["p0"][0] == "Bell"


def test_an_items_file_comes_first_and_the_events_fill_its_gaps(
    library: Library, write: Write
) -> None:
    items = write("items.csv", "item_id,title,category\np0,Side drum,\np9,Triangle,Bright\n")
    import_files(library, "shop", [write("export.csv", FULL)], items)
    found = items_of(library)
    assert found["p0"] == ("Side drum", "Loud", "About Snare")
    assert found["p1"][0] == "Tom" and found["p9"][0] == "Triangle"


@pytest.mark.parametrize("title", ["title", "Title", "headline"])
def test_titles_of_reviews_stay_with_their_reviews(
    library: Library, write: Write, title: str
) -> None:
    content = exported(
        f"user_id,item_id,{title},rating,timestamp,review_text",
        lambda n, i: f"u{n % 5},p{i},Words {n % 7},5,{1_393_545_600 + n},fine {n}",
    )
    import_files(library, "shop", [write("reviews.csv", content)])
    assert library.corpus("shop").events[Columns.Title].notna().all()
    assert {title for title, *_ in items_of(library).values()} == {None}


def test_a_title_that_is_the_same_in_all_rows_of_an_item_is_the_items(
    library: Library, write: Write
) -> None:
    content = exported(
        "user_id,item_id,title,rating,timestamp,review_text",
        lambda n, i: f"u{n % 5},p{i},{DRUMS[i]},5,{1_393_545_600 + n},fine {n}",
    )
    import_files(library, "shop", [write("reviews.csv", content)])
    assert library.corpus("shop").events[Columns.Title].isna().all()
    assert [title for title, *_ in items_of(library).values()] == DRUMS


def test_what_differs_between_the_rows_of_an_item_is_not_its_own(
    library: Library, write: Write
) -> None:
    content = exported(
        "user_id,item_id,name,genre,rating,timestamp",
        lambda n, i: f"u{n % 5},p{i},Person {n % 5},Mood {n % 3},5,{1_393_545_600 + n}",
    )
    manifest = import_files(library, "shop", [write("events.csv", content)]).manifest
    assert manifest.unused_columns == {"events.csv": ("name", "genre")}


def test_a_person_can_name_the_columns(library: Library, write: Write) -> None:
    content = FULL.replace("product_name", "c1").replace("category", "c2")
    said = ImportOptions(mapping={"item.title": "c1", "item.category": "c2"})
    import_files(library, "shop", [write("export.csv", content)], None, said)
    assert items_of(library)["p3"][:2] == ("Gong", "Loud")
    wrong = preview([write("other.csv", FULL)], None, said).question
    assert wrong is not None and wrong.field == "item.title" and "'c1'" in wrong.error.what


@pytest.mark.parametrize(
    ("clocks", "first"),
    [
        (("09:05:07", "21:15:00"), "2024-03-01T09:05:07"),
        (("9:05 AM", "9:15 PM"), "2024-03-01T09:05:00"),
        (("下午3:20", "上午8:05"), "2024-03-01T15:20:00"),
    ],
)
@pytest.mark.parametrize("day", ["2024-03-{:02d}", "{}.3.2024", "3/{}/2024"])
def test_a_clock_beside_the_date_is_read_with_it(
    library: Library, write: Write, clocks: tuple[str, str], first: str, day: str
) -> None:
    content = exported(
        "user,item,date,time,stars",
        lambda n, i: f"u,p{i},{day.format(n + 1)},{clocks[n % 2]},5",
    )
    path = write("visits.csv", content)
    manifest = import_files(library, "shop", [path]).manifest
    assert manifest.mapping["clock"] == "time" and manifest.unused_columns == {}
    assert str(library.corpus("shop").events[Columns.Time].min().isoformat())[:19] == first


def test_a_clock_that_cannot_be_read_leaves_the_day(library: Library, write: Write) -> None:
    content = exported("user,item,date,time", lambda n, i: f"u,p{i},2024-03-{n + 1:02d},10:00")
    content = content.replace("2024-03-05,10:00", "2024-03-05,noonish")
    summary = import_files(library, "shop", [write("visits.csv", content)])
    assert summary.manifest.accepted == 24 and summary.manifest.dropped_fields == {"clock": 1}
    times = library.corpus("shop").events[Columns.Time].astype(str).tolist()
    assert "2024-03-05 00:00:00+00:00" in times


def test_durations_and_times_with_a_clock_of_their_own_take_no_other(
    library: Library, write: Write
) -> None:
    content = exported(
        "user,item,date,duration", lambda n, i: f"u,p{i},2024-03-{n + 1:02d},00:{n + 10}"
    )
    manifest = import_files(library, "shop", [write("a.csv", content)]).manifest
    assert "clock" not in manifest.mapping
    content = exported(
        "user,item,date,time", lambda n, i: f"u,p{i},2024-03-{n + 1:02d} 08:00,10:{n + 10}"
    )
    manifest = import_files(library, "shop", [write("b.csv", content)]).manifest
    assert "clock" not in manifest.mapping


def test_a_wide_table_is_not_searched_for_a_clock_column_by_column(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    n_columns, asked = 2_000, Counter[str]()
    names = ",".join(f"c{n}" for n in range(n_columns))
    numbers = ",".join("7" for _ in range(n_columns))
    path = write(
        "wide.csv",
        exported(f"user,item,date,{names}", lambda n, i: f"u,p{i},2024-03-{n + 1:02d},{numbers}"),
    )
    whole = Head.values

    def values(head: Head, column: str) -> list[Any]:
        asked[column] += 1
        return whole(head, column)

    monkeypatch.setattr(Head, "values", values)
    preview([path])
    assert len(asked) < n_columns / 2


def test_rows_that_say_nothing_new_of_their_item_are_not_read_as_items(
    library: Library, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = Counter[str]()
    whole = ItemReader.read

    def counted(reader: ItemReader, fields: dict[str, Any]) -> Any:
        read[fields["product_id"]] += 1
        return whole(reader, fields)

    monkeypatch.setattr(ItemReader, "read", counted)
    content = exported(
        "user_id,product_id,product_name,category,date",
        lambda n, i: f"u{n % 5},p{i},{DRUMS[i]},{'Loud' if i else ''},2024-03-{n + 1:02d}",
    )
    import_files(library, "shop", [write("export.csv", content)])
    assert read == Counter({f"p{i}": 1 for i in range(len(DRUMS))})
