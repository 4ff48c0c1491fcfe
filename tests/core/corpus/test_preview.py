from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from core.corpus.importing import import_files
from core.corpus.options import ImportOptions
from core.corpus.previewing import preview
from core.corpus.store import Library
from core.domain import Columns

T = 1_393_545_600
ROWS = "".join(f"u{n % 3},i{n},{1 + n % 5},fine,{T + n}\n" for n in range(30))
CONTENT = "customer,sku,stars,comment,when\n" + ROWS + f",i1,5,fine,{T}\nu1,i1,x,fine,{T}\n"


def test_a_preview_shows_what_an_import_will_do(
    library: Library, write: Callable[[str, str | bytes], Path]
) -> None:
    path = write("shop.csv", CONTENT)
    shown = preview([path])
    manifest = import_files(library, "shop", [path]).manifest
    assert shown.mapping == manifest.mapping
    assert shown.format == manifest.format == "table"
    assert shown.timestamp_unit == manifest.timestamp_unit == "seconds"
    assert shown.rating_scale == manifest.rating_scale == (1, 5)
    assert shown.columns == ("customer", "sku", "stars", "comment", "when")
    assert (shown.sampled, shown.refused) == (32, 1) == (manifest.rows_read, manifest.quarantined)
    assert shown.dropped_fields == {"rating": 1} == manifest.dropped_fields
    assert str(shown.dropped[0]) == "shop.csv, line 33: stars is not a rating: 'x'"
    assert shown.kinds == manifest.kinds == {"review": 31}
    assert len(shown.rows) == 20
    assert tuple(shown.rows.columns) == Columns.EVENTS
    assert shown.rows.iloc[0][Columns.Time].timestamp() == T
    assert [str(problem) for problem in shown.problems] == [
        "shop.csv, line 32: customer is missing",
    ]


def test_a_preview_follows_the_persons_mapping(write: Callable[[str, str | bytes], Path]) -> None:
    path = write("shop.csv", CONTENT)
    shown = preview([path], options=ImportOptions(mapping={"title": "comment", "text": "sku"}))
    assert shown.rows.iloc[0][Columns.Title] == "fine"
    asked = preview([path], options=ImportOptions(mapping={"title": "colour"})).question
    assert asked is not None and asked.option == "mapping" and asked.field == "title"
    assert "no column 'colour'" in str(asked.error) and "comment" in asked.proposals


def test_a_preview_without_a_usable_row_shows_why(
    write: Callable[[str, str | bytes], Path],
) -> None:
    shown = preview([write("shop.csv", f"user,item,time\n,i,{T}\n")])
    assert shown.rows.empty and shown.rating_scale is None
    assert "missing" in shown.problems[0].reason


def test_items_are_mapped_too(write: Callable[[str, str | bytes], Path]) -> None:
    items = write("items.csv", "sku,product,genre\n1,Drum,Loud\n")
    shown = preview(
        [write("shop.csv", CONTENT)], items, ImportOptions(mapping={"item.title": "product"})
    )
    assert shown.item_columns == ("sku", "product", "genre")
    assert shown.mapping["item.title"] == "product"
    assert shown.mapping["item.category"] == "genre"
