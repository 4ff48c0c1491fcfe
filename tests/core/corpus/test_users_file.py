"""A users file: read whole, odd cases said, kept beside the corpus and out of its id."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from core.cli import main
from core.corpus.appending import append_files
from core.corpus.importing import import_files
from core.corpus.options import ImportOptions
from core.corpus.quarantine import read_quarantine
from core.corpus.questions import Asked
from core.corpus.store import Library
from core.corpus.users_file import preview_users
from core.files import Damaged

Write = Callable[[str, str | bytes], Path]
EVENTS = "user_id,item_id,timestamp\n" + "".join(
    f"u{at % 6},i{at % 4},{1_600_000_000 + at * 9_000}\n" for at in range(48)
)


@pytest.fixture
def shop(library: Library, write: Write) -> Callable[..., Library]:
    """A function that imports six users, with a users file of these lines."""

    def make(users: str | None, **options: object) -> Library:
        path = write("users.csv", users) if users is not None else None
        import_files(
            library,
            "shop",
            [write("e.csv", EVENTS)],
            options=ImportOptions(**options),  # type: ignore[arg-type]
            users=path,
        )
        return library

    return make


def attributes(library: Library):
    found = library.corpus("shop").attributes
    assert found is not None
    return found


def test_attributes_are_kept_beside_the_corpus_and_never_change_its_id(shop) -> None:
    plain = shop(None).manifest("shop").corpus_id
    library = shop("user_id,plan,age,joined\nu1,pro,34,2020-03-05\nu0,free,,1979-12-31\n")
    corpus = library.corpus("shop")
    assert corpus.corpus_id == plain
    found = attributes(library)
    assert [(c.name, c.kind, c.known) for c in found.facts.columns] == [
        ("plan", "text", 2), ("age", "number", 1), ("joined", "day", 2),
    ]  # fmt: skip
    assert found.values("plan").tolist() == ["free", "pro", None, None, None, None]
    assert found.numbers("age")[1] == 34 and np.isnan(found.numbers("age")[0])
    assert found.of_user("u0") == {"plan": "free", "joined": datetime(1979, 12, 31)}
    assert found.of_user("nobody") == {}


@pytest.mark.parametrize(
    ("lines", "kind", "value", "said"),
    [
        ("x\nu1,7\nu2,08\nu3,9\nu4,10\nu5,11\n", "text", "7", "such as '08'"),
        ("x\nu1,7\nu2,8\nu3,9\nu4,10\nu5,unclear\n", "text", "7", "1 of its 5 values are no num"),
        ('x\nu1,"7,25"\nu2,"8,5"\n', "number", 7.25, ""),
        ('x\nu1,"7,250"\nu2,"1,048,576"\n', "text", "7,250", ""),
        ("x\nu1,03/04/2024\nu2,05/06/2024\n", "text", "03/04/2024", "can be read as day/month"),
        ("x\nu1,03/04/2024\nu2,25/06/2024\n", "day", datetime(2024, 4, 3), ""),
        ("x\nu1,9999-12-31T23:59:59-12:00\n", "text", "9999-12-31T23:59:59-12:00", ""),
        ("x\nu1,2024年3月5日\n", "day", datetime(2024, 3, 5), ""),
        ("x\nu1,12345678901234567890\n", "text", "12345678901234567890", ""),
        (f"x\nu1,{'wide ' * 90}\n", "text", None, "values cut at 200 characters: 1, of x"),
        ("城市\nu1,北京\n", "text", "北京", ""),
        ("events\nu1,9\n", "number", 9.0, "pages say 'events (users file)'"),
        ("x,y\nu1,a,\nu2,b,NULL\n", "text", "a", "without a value, left out: y"),
    ],
)  # fmt: skip
def test_odd_columns_are_read_whole_and_said(shop, lines, kind, value, said) -> None:
    found = attributes(shop("user_id," + lines))
    (column,) = found.facts.columns
    got = found.of_user("u1")[column.name]
    assert column.kind == kind
    assert got == value or (value is None and len(str(got)) == 200)
    assert said in " ".join(found.facts.notes)


def test_odd_users_are_counted_and_said(shop, library: Library) -> None:
    shop("user_id,plan\nu1,a\nu1,b\nu2,\nu2,c\n,d\nstranger,e\nu3,f\n")
    facts = attributes(library).facts
    assert (facts.rows_read, facts.users, facts.unknown) == (7, 3, 1)
    assert (facts.repeated, facts.refused) == (2, 1)
    assert "those of u1 differ, and the first values count" in " ".join(facts.notes)
    assert attributes(library).of_user("u1") == {"plan": "a"}
    assert attributes(library).of_user("u2") == {"plan": "c"}
    refused = read_quarantine(library.corpus_folder("shop") / "quarantine.jsonl")
    assert [(row.table, row.line) for row in refused] == [("users", 6)]


def test_two_hundred_columns_and_an_unnamed_id(shop, write: Write) -> None:
    head = ",".join(f"c{at}" for at in range(200))
    row = ",".join(str(at) for at in range(200))
    with pytest.raises(Asked, match="no column was found for user_id") as problem:
        shop(f"wer,{head}\nu1,{row}\n")
    assert problem.value.question.field == "user.user_id"
    found = attributes(shop(f"wer,{head}\nu1,{row}\n", mapping={"user.user_id": "wer"}))
    assert len(found.names) == 200 and found.of_user("u1")["c199"] == 199


def test_an_append_corrects_fills_and_keeps(shop, write: Write, library: Library) -> None:
    shop("user_id,plan,age\nu1,free,34\nu2,pro,51\nlater,team,20\n")
    before = library.manifest("shop")
    summary = append_files(library, "shop", [], users=write("v.csv", "id,plan\nu1,pro\nu2,\n"))
    assert summary.append is None and summary.users_changed
    assert library.manifest("shop").corpus_id == before.corpus_id
    assert attributes(library).of_user("u1") == {"plan": "pro", "age": 34.0}
    assert attributes(library).of_user("u2") == {"plan": "pro", "age": 51.0}
    more = write("more.csv", "user_id,item_id,timestamp\nlater,i1,1700000000\n")
    append_files(library, "shop", [more])
    found = attributes(library)
    assert (found.facts.users, found.facts.unknown) == (3, 0)
    assert found.of_user("later") == {"plan": "team", "age": 20.0}
    append_files(library, "shop", [], users=write("w.csv", "user_id,age\nu1,unclear\n"))
    assert "the column age was number before and is text" in " ".join(
        attributes(library).facts.notes
    )
    assert attributes(library).of_user("u2")["age"] == "51"
    again = append_files(library, "shop", [], users=write("w.csv", "user_id,age\nu1,unclear\n"))
    assert not again.users_changed


def test_the_verb_answers_with_the_attributes(write: Write, library: Library, capsys) -> None:
    events, users = write("e.csv", EVENTS), write("u.csv", "user_id,plan\nu1,pro\nstranger,x\n")
    arguments = ["import", str(events), "--name", "shop", "--users", str(users)]
    assert main([*arguments, "--library", str(library.root), "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)["attributes"]
    assert (facts["users"], facts["unknown"]) == (1, 1)
    assert facts["columns"] == [{"name": "plan", "kind": "text", "known": 1, "values": 1}]


def test_a_changed_users_table_is_damaged(shop, library: Library) -> None:
    shop("user_id,plan\nu1,pro\n")
    path = library.corpus_folder("shop") / "users.parquet"
    path.write_bytes(path.read_bytes()[:-9] + b"123456789")
    with pytest.raises(Damaged, match=r"users\.parquet was changed"):
        library.corpus("shop")


def test_a_preview_says_how_the_first_rows_are_read(write: Write) -> None:
    path = write("u.csv", "user_id,plan,age\nu1,pro,3\nu2,free,4\n")
    seen = preview_users(path, ImportOptions())
    assert (seen.user_column, seen.sampled) == ("user_id", 2)
    assert seen.rows == (("plan", "text", 2, "pro, free"), ("age", "number", 2, "3, 4"))
