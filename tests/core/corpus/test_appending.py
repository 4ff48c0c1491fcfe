"""Files added to a corpus: the same as importing all at once, and nothing is asked twice."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from core.cli import main
from core.corpus.appending import append_files
from core.corpus.importing import import_files
from core.corpus.options import ImportOptions
from core.corpus.quarantine import read_quarantine
from core.corpus.store import Library
from core.domain import DomainError, Stopped

T = 1_393_545_600
Write = Callable[[str, str | bytes], Path]
HEAD = "user_id,item_id,rating,timestamp,text\n"


def table(rows: int, seed: int) -> str:
    """Rows with many ties and repeats, in no order."""
    chance = Random(seed)
    return HEAD + "".join(
        f"u{chance.randrange(12)},i{chance.randrange(9)},{chance.randint(1, 5)},"
        f"{T + chance.randrange(20)},{chance.choice(['', 'good', 'bad'])}\n"
        for _ in range(rows)
    )


def test_an_append_gives_the_corpus_of_one_import(library: Library, write: Write) -> None:
    files = [write(f"{seed}.csv", table(400, seed)) for seed in (1, 2, 3)]
    import_files(library, "shop", files[:1])
    for path in files[1:]:
        grown = append_files(library, "shop", [path]).manifest
    whole = import_files(library, "whole", files).manifest
    assert grown.corpus_id == whole.corpus_id
    counted = ("rows_read", "accepted", "duplicates", "quarantined", "users", "items", "kinds",
               "with_text", "first", "last", "sources")  # fmt: skip
    assert [getattr(grown, name) for name in counted] == [getattr(whole, name) for name in counted]
    assert grown.duplicates > 0
    for append in grown.appends:
        assert append.accepted + append.quarantined + append.duplicates == append.rows_read == 400


def test_the_lineage_says_what_was_added_to_what(
    library: Library, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    first = import_files(library, "shop", [write("a.csv", HEAD + f"u,i,3,{T},\n")]).manifest
    second = append_files(
        library, "shop", [write("b.csv", HEAD + f"new,j,4,{T + 9},\n,j,4,{T},\nu,i,3,{T},\n")]
    ).manifest
    third = append_files(library, "shop", [write("c.csv", HEAD + f"u,j,5,{T + 20},\n")]).manifest
    (added,) = second.appends
    assert (added.corpus_id, added.users, added.items) == (first.corpus_id, 1, 1)
    assert (added.rows_read, added.accepted, added.quarantined, added.duplicates) == (3, 1, 1, 1)
    assert [source.path for source in added.sources] == ["b.csv"]
    assert third.appends_since(first.corpus_id) == third.appends
    assert third.appends_since(second.corpus_id) == third.appends[1:]
    assert third.appends_since(third.corpus_id) == ()
    assert third.appends_since("0" * 16) is None
    assert third.created == first.created
    refused = read_quarantine(library.corpus_folder("shop") / "quarantine.jsonl")
    assert [(row.file, row.line) for row in refused] == [("b.csv", 3)]
    assert main(["corpora", "--json", "--library", str(library.root)]) == 0
    listed = json.loads(capsys.readouterr().out)["corpora"]
    (shop,) = [corpus for corpus in listed if corpus["name"] == "shop"]
    assert [step["accepted"] for step in shop["appends"]] == [1, 1]


def test_users_and_items_keep_their_order(library: Library, write: Write) -> None:
    import_files(library, "shop", [write("a.csv", table(60, 1))])
    old = library.corpus("shop")
    rows = HEAD + f"aa,i10,3,{T},\nzz,i1,3,{T},\nu5,a,1,{T + 99},\n"
    append_files(library, "shop", [write("b.csv", rows)])
    new = library.corpus("shop")
    assert tuple(item for item in new.item_ids if item in old.item_index) == old.item_ids
    assert tuple(user for user in new.user_ids if user in old.user_index) == old.user_ids
    assert new.history("u5").events[:-1] == old.history("u5").events


def test_items_are_corrected_by_a_file_and_only_filled_by_events(
    library: Library, write: Write
) -> None:
    head = "user_id,item_id,timestamp,rating,item_title\n"
    first = head + "".join(f"u{n},i{n % 3},{T + n},4,Lamp {n % 3}\n" for n in range(12))
    import_files(library, "shop", [write("a.csv", first)])
    items = write("items.csv", "item_id,title,category,brand\ni1,Lantern,Light,X\nnew,Cup,,\n")
    corrected = append_files(library, "shop", [], items)
    assert corrected.append is not None
    assert (corrected.append.corrected, corrected.append.items) == (1, 1)
    assert corrected.manifest.accepted == 12
    more = head + "".join(f"u{n},{i},{T + 50 + n},4,Other\n" for n, i in enumerate(("i1", "new2")))
    append_files(library, "shop", [write("b.csv", more)])
    append_files(library, "shop", [], write("more.csv", "item_id,price,size\ni1,3.5,L\n"))
    corpus = library.corpus("shop")
    assert [corpus.title(item) for item in ("i0", "i1", "new", "new2")] == [
        "Lamp 0", "Lantern", "Cup", "Other",
    ]  # fmt: skip
    row = corpus.items[corpus.items.item_id == "i1"].iloc[0]
    assert (row.category, row.price) == ("Light", 3.5)
    assert json.loads(row.extra) == {"brand": "X", "size": "L"}


def test_what_was_answered_is_not_asked_again(library: Library, write: Write) -> None:
    options = ImportOptions(
        header=False, mapping={"user_id": "2", "item_id": "1", "timestamp": "3", "kind": "4"},
        time_format="day-first", kinds={"hover": "view"},
    )  # fmt: skip
    rows = "i1;u1;01/02/2024;hover\ni2;u1;03/02/2024;purchase\n"
    import_files(library, "shop", [write("a.csv", rows)], options=options)
    later = write("b.csv", "i1;u2;04/02/2024;hover\ni3;u2;05/02/2024;purchase\n")
    assert append_files(library, "shop", [later]).manifest.accepted == 4
    asks = write("c.csv", "i1;u3;06/02/2024;ogle\n")
    with pytest.raises(DomainError, match="ogle"):
        append_files(library, "shop", [asks])
    append_files(library, "shop", [asks], options=ImportOptions(kinds={"ogle": "like"}))
    append_files(library, "shop", [write("d.csv", "i1;u3;07/02/2024;ogle\n")])
    corpus = library.corpus("shop")
    assert [event.kind.value for event in corpus.history("u3").events] == ["like", "like"]
    assert corpus.history("u2").events[0].timestamp.isoformat() == "2024-02-04T00:00:00+00:00"


def test_a_column_that_is_missing_now_is_said_and_another_form_is_found(
    library: Library, write: Write
) -> None:
    rows = "who,what,when,stars,words\n" + f"u,i,{T},4,good\nv,i,{T},5,bad\n"
    named = {"user_id": "who", "item_id": "what", "timestamp": "when", "text": "words"}
    import_files(library, "shop", [write("a.csv", rows)], options=ImportOptions(mapping=named))
    fewer = append_files(library, "shop", [write("b.csv", f"who,what,when\nu,j,{T + 5}\n")])
    assert fewer.append is not None
    assert "the files have no column 'words', so they give no text" in fewer.append.notes
    one = json.dumps({"user_id": "w", "item_id": "j", "timestamp": T + 9, "text": "fine"})
    other = append_files(library, "shop", [write("c.jsonl", one)])
    assert other.append is not None and "found anew" in " ".join(other.append.notes)
    assert library.corpus("shop").history("w").events[0].text == "fine"
    half = write("d.csv", f"who,item_id,timestamp\nu,j,{T}\n")
    with pytest.raises(DomainError, match="there is no column 'what' to use as item_id"):
        append_files(library, "shop", [half])


def test_without_times_rows_go_on_where_they_ended(library: Library, write: Write) -> None:
    options = ImportOptions(order_as_time=True)
    first, second = (write(f"{n}.csv", f"user_id,item_id\nu,i{n}\nu,j{n}\n") for n in (1, 2))
    import_files(library, "shop", [first], options=options)
    append_files(library, "shop", [second])
    with pytest.raises(DomainError, match="this file is in the corpus already"):
        append_files(library, "shop", [second])
    events = library.corpus("shop").history("u").events
    assert [event.item_id for event in events] == ["i1", "j1", "i2", "j2"]
    both = import_files(library, "both", [first, second], options=options).manifest
    assert library.manifest("shop").corpus_id == both.corpus_id


def test_nothing_new_changes_nothing(library: Library, write: Write) -> None:
    path = write("a.csv", table(50, 1))
    import_files(library, "shop", [path])
    folder = library.corpus_folder("shop")
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    summary = append_files(library, "shop", [path])
    assert summary.append is None
    assert summary.facts()["duplicates"] == summary.rows_read == 50
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("none", {}, "there is no corpus 'none'"),
        ("demo", {}, "belongs to the shipped corpus"),
        ("shop", {"rating_scale": (1.0, 10.0)}, "the corpus has ratings on 1-5, not 1-10"),
        ("shop", {"order_as_time": True}, "the corpus has times"),
        ("shop", {"mapping": {"user_id": "nobody"}}, "there is no column 'nobody'"),
    ],
)  # fmt: skip
def test_what_can_not_be_added_is_said(
    library: Library, write: Write, name: str, options: dict[str, object], said: str
) -> None:
    path = write("a.csv", table(50, 1))
    old = import_files(library, "shop", [path]).manifest
    with pytest.raises(DomainError, match=said):
        append_files(library, name, [path], options=ImportOptions(**options))
    assert library.manifest("shop") == old
    assert not (library.root / "corpora" / "none").exists()


def test_ratings_outside_the_scale_are_left_out_and_stop_keeps_the_old(
    library: Library, write: Write
) -> None:
    old = import_files(library, "shop", [write("a.csv", table(50, 1))]).manifest
    path = write("b.csv", HEAD + f"u,i,9,{T},\n")
    with pytest.raises(Stopped):
        append_files(library, "shop", [path], stop=lambda: True)
    assert library.manifest("shop") == old
    assert append_files(library, "shop", [path]).manifest.dropped_fields == {"rating": 1}
    assert library.corpus("shop").history("u").events[0].rating is None


def test_the_verb_says_what_was_added(
    library: Library, write: Write, capsys: pytest.CaptureFixture[str]
) -> None:
    old = import_files(library, "shop", [write("a.csv", table(50, 1))]).manifest
    more = str(write("b.csv", HEAD + f"new,i1,3,{T},\n,i1,3,{T},\n"))
    verb = ["import", "--append", more, "--name", "shop", "--library", str(library.root)]
    assert main(verb) == 0
    said = capsys.readouterr().out
    assert "2 rows read: 1 new, 1 quarantined, 0 duplicates" in said
    assert f"1 new user, 0 new items, 0 items corrected; id {old.corpus_id} became" in said
    assert main([*verb, "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["appended"], facts["duplicates"], facts["quarantined"]) == (False, 1, 1)
    assert main(["import", "--append", "--name", "shop", "--library", str(library.root)]) == 2
    assert "no file was named" in capsys.readouterr().err


def test_users_are_not_taken_for_the_one_of_an_earlier_file(tmp_path: Path) -> None:
    library = Library(tmp_path / "library")
    first, second = tmp_path / "mine.csv", tmp_path / "all.csv"
    first.write_text("item_id,time\n" + "".join(f"i{n},{1_600_000_000 + n}\n" for n in range(6)))
    rows = "".join(f"bob{n},i{n},{1_600_000_100 + n}\n" for n in range(6))
    second.write_text("user_id,item_id,time\n" + rows)
    import_files(library, "shop", [first], options=ImportOptions(one_user="me"))
    with pytest.raises(DomainError, match="'user_id' names users"):
        append_files(library, "shop", [second])
    append_files(library, "shop", [second], options=ImportOptions(mapping={"user_id": "user_id"}))
    assert library.corpus("shop").user_ids == ("bob0", "bob1", "bob2", "bob3", "bob4", "bob5", "me")
