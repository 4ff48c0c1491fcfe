"""Files as people have them: each is either refused as a whole or row by row, in words."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from core.corpus.importing import import_files
from core.corpus.options import ImportOptions
from core.corpus.previewing import preview
from core.corpus.quarantine import EVENTS, FIELDS, read_quarantine
from core.corpus.store import Library
from core.domain import DomainError

T = 1_393_545_600
HEADER = "user_id,item_id,rating,timestamp\n"
GOOD = [f"u{n},i{n % 3},{1 + n % 5},{T + n}" for n in range(9)]


def csv(*rows: str, header: str = HEADER, good: int = 9) -> str:
    return header + "\n".join([*GOOD[:good], *rows]) + "\n"


def review(**changes: Any) -> str:
    row = {"reviewerID": "u", "asin": "i", "overall": 5.0, "unixReviewTime": T, "reviewText": "ok"}
    return json.dumps(row | changes) + "\n"


def reviews(*bad: str) -> str:
    return "".join(review(reviewerID=f"u{n}") for n in range(9)) + "".join(bad)


def parquet(**changes: Any) -> bytes:
    columns = {"user_id": ["a", "b"], "item_id": ["x", "y"], "timestamp": [T, T + 1]}
    return pd.DataFrame(columns | changes).to_parquet(index=False)


def far_times() -> bytes:
    sink = pa.BufferOutputStream()
    times = pa.array([10**15, T], pa.timestamp("s", tz="UTC"))
    pq.write_table(pa.table({"user_id": ["a", "b"], "item_id": ["x", "y"], "time": times}), sink)
    return bytes(sink.getvalue())


@dataclass(frozen=True)
class Refused:
    """The whole file cannot be used: words of the message, words of the remedy."""

    what: str
    remedy: str
    where: str = ""


@dataclass(frozen=True)
class Taken:
    """Rows accepted, and for each quarantined row its line and words of the reason."""

    accepted: int
    quarantined: tuple[tuple[int, str], ...] = ()
    duplicates: int = 0
    note: str = ""
    dropped: tuple[tuple[int, str], ...] = ()
    """For each value that was dropped from a row that stayed: its line and words of the reason."""


@dataclass(frozen=True)
class Case:
    file: str
    content: str | bytes
    expected: Refused | Taken
    options: dict[str, Any] = field(default_factory=dict)


CASES = {
    # whole files
    "empty file": Case("e.csv", "", Refused("empty", "another file")),
    "only blank lines": Case("e.csv", "\n \r\n\n", Refused("empty", "another file")),
    "empty gzip": Case("e.csv.gz", "", Refused("empty", "another file")),
    "header only": Case("h.csv", HEADER, Refused("no row", "header line")),
    "image": Case("x.csv", b"\x89PNG\r\n\x1a\n" + bytes(99), Refused("an image", "Export")),
    "spreadsheet": Case("x.csv", b"PK\x03\x04" + bytes(99), Refused("spreadsheet", "export")),
    "binary": Case("x.csv", bytes(range(256)) * 9, Refused("binary", "utf-16")),
    "truncated gzip": Case(
        "t.csv.cut", gzip.compress(os.urandom(5000))[:900], Refused("ends in the middle", "again")
    ),
    "damaged gzip": Case(
        "d.csv.cut", gzip.compress(csv().encode())[:-8] + bytes(8), Refused("damaged", "again")
    ),
    "gzip bomb in one line": Case(
        "b.csv.gz", HEADER + " " * (90 * 2**20), Refused("gzip bomb", "unpack")
    ),
    "gzip bomb in many lines": Case(
        "b.csv.gz", "user_id,item_id,timestamp,text\n" + f"u,i,{T},{'x' * 10**6}\n" * 80,
        Refused("gzip bomb", "unpack"),
    ),
    "truncated parquet": Case("p.parquet", parquet()[:-40], Refused("damaged", "Write it again")),
    "parquet without rows": Case(
        "p.parquet", pd.DataFrame(columns=["user_id"]).to_parquet(), Refused("no row", "Parquet")
    ),
    "no header": Case("n.csv", "1,31,2.5,1260759144\n", Refused("not like column", "--no-header")),
    "no time column": Case(
        "c.csv", "user_id,item_id\nu,i\n", Refused("timestamp", "--order-as-time", "user_id")
    ),
    "a time column of another name": Case(
        "c.csv", "user_id,item_id,x\nu,i,\n", Refused("timestamp", "--map timestamp=", "user_id")
    ),
    "a field a line": Case(
        "c.csv", "user_id item_id\nu i\n", Refused("no column", "--delimiter", "user_id")
    ),
    "no columns known": Case(
        "c.csv", "a,b,c\n1,2,3\n", Refused("user_id and item_id and timestamp", "--map user_id=")
    ),
    "forced format without its columns": Case(
        "c.csv", csv(), Refused("no column", "--map"), {"format": "amazon2014"}
    ),
    "unknown format": Case("c.csv", csv(), Refused("no format", "auto"), {"format": "parket"}),
    "mapping to an unknown column": Case(
        "c.csv", csv(), Refused("'author'", "Map", "item_id"), {"mapping": {"user_id": "author"}}
    ),
    "mapping of an unknown field": Case(
        "c.csv", csv(), Refused("no field 'usr'", "user_id"), {"mapping": {"usr": "user_id"}}
    ),
    "latin-1 bytes": Case(
        "l.csv", csv("zoë,i1,5,1393545999").encode("latin-1"),
        Refused("not utf-8 (byte 0xeb)", "--encoding", "line 11"),
    ),
    "a wrong encoding asked for": Case(
        "l.csv", csv("zoë,i1,5,1393545999"),
        Refused("not ascii", "--encoding", "line 11"), {"encoding": "ascii"},
    ),
    "an unknown encoding": Case(
        "l.csv", csv(), Refused("no text encoding 'klingon'", "utf-8"), {"encoding": "klingon"}
    ),
    "an encoding that is none": Case(
        "l.csv", csv(), Refused("no text encoding", "utf-8"), {"encoding": "base64"}
    ),
    "half a UTF-16 character": Case(
        "u.csv", csv().encode("utf-16")[:-1], Refused("not utf-16", "--encoding", "line 10")
    ),
    "times that are none": Case(
        "t.csv", "user_id,item_id,timestamp\nu,i,1\nu,i,2\n", Refused("no value is a time", "--map")
    ),
    "dates that can be read two ways": Case(
        "t.csv", "user_id,item_id,date\nu,i,03/04/2013\n", Refused("month/day", "--time-format")
    ),
    "items named as events": Case(
        "movies.csv", "movieId,title,genres\n1,A,B\n", Refused("lists items", "--items movies.csv")
    ),
    "no row usable": Case(
        "n.csv", f"user_id,item_id,timestamp\n,i,{T}\n,j,{T}\n", Refused("none of 2 rows", "--map")
    ),
    "unknown kinds": Case(
        "k.csv", f"user_id,item_id,event,timestamp\nu,i,view,{T}\nu,i,Bought,{T}\nu,i,hug,{T}\n",
        Refused("hug", "--kind hug=view", "column event"),
    ),
    "ids that lost their digits": Case(
        "k.csv", f"user_id,item_id,timestamp\n7.6E+16,i,{T}\n7.6E+16,j,{T}\n",
        Refused("7.6E+16", "as text", "user_id"),
    ),
    # rows
    "rating 0 on a 1-5 scale": Case(
        "r.json", reviews(review(overall=0)), Taken(10, note="mean that no rating was given")
    ),
    "rating 0 among stars of a table": Case(
        "r.csv", csv(f"x,i,0,{T}"), Taken(10, note="1 ratings of 0 mean that no rating")
    ),
    "rating above the scale asked for": Case(
        "r.csv", csv(f"x,i,9,{T}"), Taken(10, dropped=((11, "outside the scale 1-5"),)),
        {"rating_scale": (1.0, 5.0)},
    ),
    "rating above the scale found": Case(
        "r.csv", csv(*(f"x{n},i,{1 + n % 5},{T}" for n in range(99)), f"y,i,99,{T}"),
        Taken(109, dropped=((110, "outside the scale 1-5, inferred"),)),
    ),
    "NaN and infinity": Case(
        "r.json", reviews(review(overall=float("nan"), asin="j"), review(overall=float("-inf"))),
        Taken(11, dropped=((11, "out of all bounds"),)),
    ),
    "ratings in words": Case(
        "r.csv", csv(f"x,i,great,{T}", f"y,i,nan,{T}", f"z,i,1_0,{T}"),
        Taken(12, dropped=((11, "not a rating"), (13, "not a rating"))),
    ),
    "ratings that are no numbers at all": Case(
        "r.json",
        reviews(review(overall=True), review(overall=[5], asin="j"), review(overall={}, asin="k")),
        Taken(12, dropped=((10, "not a rating"), (11, "not a rating"), (12, "not a rating"))),
    ),
    "huge integers": Case(
        "h.json",
        reviews(
            review(overall=10**400), review(unixReviewTime=10**30), review(asin=10**400),
            '{"reviewerID": "u", "asin": "i", "overall": ' + "9" * 5000 + "}\n",
        ),
        Taken(10, ((11, "1970 to 2100"), (12, "not an id"), (13, "not JSON")),
              dropped=((10, "out of all bounds"),)),
    ),
    "times out of range": Case(
        "t.csv", csv("x,i,1,0", "x,i,1,-5", "x,i,1,99999999999999", "x,i,1,", "x,i,1,soon"),
        Taken(9, ((11, "1970 to 2100"), (12, "1970 to 2100"), (13, "1970 to 2100"),
                  (14, "missing"), (15, "not a time"))),
    ),
    "seconds among milliseconds": Case(
        "t.csv", HEADER + "".join(f"u{n},i,5,{T}000\n" for n in range(5)) + f"u,i,5,{T}\n",
        Taken(5, ((7, "too small for milliseconds"),)),
    ),
    "empty and blank ids": Case(
        "i.csv", csv(f",i,5,{T}", f"x,   ,5,{T}", f"\x00\x01,i,5,{T}"),
        Taken(9, ((11, "missing"), (12, "missing"), (13, "missing"))),
    ),
    "ids that are no ids": Case(
        "i.json", reviews(review(asin=["i"]), review(asin=True), review(asin=1.5),
                          review(asin="x" * 900), review(asin=None)),
        Taken(9, ((10, "not an id"), (11, "not an id"), (12, "not an id"), (13, "more than 200"),
                  (14, "missing"))),
    ),
    "text that is no text": Case(
        "x.json", reviews(review(reviewText={"a": 1}), review(summary=[1], asin="j")),
        Taken(11, dropped=((10, "not text"), (11, "not text"))),
    ),
    "lines that are no JSON": Case(
        "x.json", reviews("{oops}\n", "[1, 2]\n", "\n", "null\n", "{" * 5000 + "\n",
                          '{"reviewerID": "u", "asin": "i"' + "\n"),
        Taken(9, ((10, "not JSON"), (11, "not a JSON object"), (13, "not a JSON object"),
                  (14, "not JSON"), (15, "not JSON"))),
    ),
    "nesting without end": Case(
        "x.json", reviews('{"a": ' + "[" * 100_000 + "\n"), Taken(9, ((10, "not JSON"),))
    ),
    "a line of 9 MB": Case(
        "x.json", reviews(review(reviewText="x" * (9 * 2**20)), review(reviewerID="last")),
        Taken(10, ((10, "over 8 MiB"),)),
    ),
    "a field of 9 MB in a CSV": Case(
        "x.csv", csv("x" * (9 * 2**20), f"last,i,5,{T}"), Taken(10, ((11, "over 8 MiB"),))
    ),
    "ragged rows": Case(
        "r.csv", csv("x,i,5", f"x,i,5,{T},extra", f"x,i,5,{T}"),
        Taken(10, ((11, "3 fields where the header has 4"), (12, "has 5 fields"))),
    ),
    "a row of commas": Case("r.csv", csv(",,,"), Taken(9, ((11, "missing"),))),
    "a quote that never closes": Case(
        "q.csv", csv(f'"x,i,5,{T}', f"y,i,5,{T}", f"z,i,5,{T}"),
        Taken(11, ((11, "does not close properly"),)),
    ),
    "text after a closing quote": Case(
        "q.csv", csv(f'"x"y,i,5,{T}', f"z,i,5,{T}"), Taken(10, ((11, "does not close properly"),))
    ),
    "an open quote before thousands of rows": Case(
        "q.csv", HEADER + f'"x,i,5,{T}\n' + "".join(f"y{n},i,5,{T}\n" for n in range(5000)),
        Taken(5000, ((2, "does not close properly"),)),
    ),
    "kinds that are missing, and a rating without one": Case(
        "k.csv", f"user_id,item_id,event,timestamp\nu,i,view,{T}\nu,i,Bought,{T}\nu,j,,{T}\n"
        f"u,k,rating,{T}\nu,i,add to cart,{T}\n",
        Taken(5),
    ),
    "repeated rows": Case("d.csv", csv(*GOOD[:4], *GOOD[:2]), Taken(9, (), 6)),
    "parquet with lists and nulls": Case(
        "p.parquet", parquet(user_id=[["a"], None], item_id=["x", "y"], text=["ok", "ok"]),
        Refused("none of 2 rows", "--map"),
    ),
    "parquet times beyond all calendars": Case(
        "p.parquet", far_times(), Taken(1, ((1, "outside 1970 to 2100"),))
    ),
    # unusual, and right
    "JSON array": Case(
        "a.json", json.dumps([json.loads(review()), json.loads(review(asin="j"))]), Taken(2)
    ),
    "JSON over several lines": Case(
        "a.json", json.dumps(json.loads(review()), indent=1) * 2, Taken(1, (), 1)
    ),
    "header twice the same": Case(
        "h.csv", f"user_id,item_id,rating,rating,time\nu,i,1,2,{T}\n",
        Taken(1, note="occurs more than once"),
    ),
    "header with an open quote": Case("h.csv", f'user_id,"item_id,time\nu,i,{T}\n', Taken(1)),
    "lone surrogates and control characters": Case(
        "s.json", reviews(review(summary="a\ud800b", reviewText="x\x00\x1b[31my\x85")), Taken(10)
    ),
    "a review of 1 MB": Case(
        "m.json", reviews(review(reviewText="word " * 200_000)),
        Taken(10, (), 0, "1 texts were cut at 100,000 characters"),
    ),
    "ids that are numbers": Case(
        "n.json", "".join(review(reviewerID=n, asin=float(n)) for n in range(9)), Taken(9)
    ),
    "ids with spaces around": Case("w.csv", csv(f"  x y ,i,5,{T}"), Taken(10)),
    "UTF-8 with a mark": Case("u.csv", csv().encode("utf-8-sig"), Taken(9)),
    "UTF-16 by its mark": Case("u.csv", csv().encode("utf-16"), Taken(9)),
    "UTF-16 of JSON, compressed": Case("u.json.gz", reviews().encode("utf-16"), Taken(9)),
    "an encoding asked for": Case(
        "l.csv", csv("zoë,i1,5,1393545999").encode("cp1252"), Taken(10), {"encoding": "cp1252"}
    ),
    "Windows line ends": Case("c.csv", csv().replace("\n", "\r\n"), Taken(9)),
    "line breaks in quotes": Case(
        "q.csv", f'user_id,item_id,text,timestamp\nu,i,"one\ntwo, ""three""",{T}\n', Taken(1)
    ),
    "gzip without the name": Case("g.csv", gzip.compress(csv().encode()), Taken(9)),
    "a name that says gzip without being it": Case("g.csv.gz.txt", csv(), Taken(9)),
    "semicolons": Case("s.csv", csv().replace(",", ";"), Taken(9)),
    "a first JSON line that is broken": Case(
        "f.json", "oops {\n" + reviews(), Taken(9, ((1, "not JSON"),))
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_bad_input_has_its_expected_outcome(
    name: str, library: Library, write: Callable[[str, str | bytes], Path]
) -> None:
    case = CASES[name]
    path = write(case.file, case.content)
    expected = case.expected
    if isinstance(expected, Refused):
        with pytest.raises(DomainError) as caught:
            import_files(library, "shop", [path], options=ImportOptions(**case.options))
        assert expected.what in caught.value.what
        assert expected.remedy in caught.value.remedy
        assert expected.where in caught.value.where
        assert library.corpora() == [] or library.corpora()[0].name == "demo"
        return
    summary = import_files(library, "shop", [path], options=ImportOptions(**case.options))
    manifest = summary.manifest
    assert (manifest.accepted, manifest.duplicates) == (expected.accepted, expected.duplicates)
    assert manifest.accepted + manifest.quarantined + manifest.duplicates == manifest.rows_read
    refused = sorted(
        (refusal.line, refusal.reason)
        for refusal in read_quarantine(summary.quarantine)
        if refusal.table == EVENTS
    )
    assert [line for line, _ in refused] == [line for line, _ in expected.quarantined]
    for (_, reason), (_, words) in zip(refused, expected.quarantined, strict=True):
        assert words in reason
    dropped = [row for row in read_quarantine(summary.quarantine) if row.table == FIELDS]
    assert len(dropped) == sum(manifest.dropped_fields.values())
    for row, (line, words) in zip(dropped, expected.dropped, strict=True):
        assert row.line == line and words in row.reason
    assert expected.note in " ".join(manifest.notes)
    assert len(library.corpus("shop").events) == expected.accepted


def test_there_are_at_least_25_files() -> None:
    assert len(CASES) >= 25


def test_paths_that_are_no_files(library: Library, tmp_path: Path) -> None:
    fifo = tmp_path / "pipe"
    os.mkfifo(fifo)
    for path, what in (
        (tmp_path / "nothing.csv", "no such file"),
        (tmp_path, "no known layout"),
        (fifo, "not a regular file"),
        (Path("/proc/self/mem/x"), "cannot be read"),
    ):
        with pytest.raises(DomainError, match=what):
            import_files(library, "shop", [path])
    with pytest.raises(DomainError, match="no file was named"):
        import_files(library, "shop", [])


def test_a_file_that_may_not_be_read(write: Callable[[str, str | bytes], Path]) -> None:
    path = write("secret.csv", csv())
    path.chmod(0)
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    try:
        with pytest.raises(DomainError, match="may not be read"):
            preview([path])
    finally:
        os.seteuid(user)


def test_items_with_bad_lines_are_counted_apart(
    library: Library, write: Callable[[str, str | bytes], Path]
) -> None:
    events = write("e.csv", csv())
    items = write(
        "items.jsonl",
        '{"item_id": "i0", "name": "Drum", "price": "$1,299.50", "genre": ["Percussion", "Loud"]}\n'
        '{oops}\n{"name": "nameless"}\n{"item_id": "i9", "name": "Never bought", "year": 1999}\n'
        '{"item_id": "i0", "name": "Drum again"}\n',
    )
    manifest = import_files(library, "shop", [events], items).manifest
    assert (manifest.rows_read, manifest.accepted, manifest.items_refused) == (9, 9, 2)
    refused = read_quarantine(library.corpus_folder("shop") / "quarantine.jsonl")
    assert [(refusal.table, refusal.line) for refusal in refused] == [("items", 2), ("items", 3)]
    corpus = library.corpus("shop")
    assert corpus.item_ids == ("i0", "i1", "i2", "i9")
    drum = corpus.items.iloc[0]
    assert (drum.title, drum.category, drum.price) == ("Drum", "Percussion", 1299.5)
    assert json.loads(corpus.items.iloc[3].extra) == {"year": 1999}
    assert corpus.title("i1") == "i1"


def test_words_are_cleaned_but_not_changed(
    library: Library, write: Callable[[str, str | bytes], Path]
) -> None:
    path = write(
        "s.json",
        review(summary="a\ud800b 好 \ud83d\ude00", reviewText="x\x00\x07y\r\nz &amp; <br/>w  "),
    )
    import_files(library, "shop", [path])
    event = library.corpus("shop").history("u").events[0]
    assert event.title == "a\ufffdb 好 😀"
    assert event.text == "xy\nz & \nw"
