"""Published files and a workbook from import over training to a trajectory, by the verbs alone."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import openpyxl
import pytest

from core.cli import main

T = 1_500_000_000
DAY = 86_400
N, USERS = 90, 6


def user(n: int) -> int:
    return 1 + n % USERS


def item(n: int) -> int:
    return 1 + n * 7 % 11


def recbole(folder: Path) -> list[str]:
    rows = (f"{user(n)}\t{item(n)}\t{1 + n % 5}\t{T + n * DAY}.0" for n in range(N))
    events = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n" + "\n".join(rows)
    items = "item_id:token\tmovie_title:token_seq\tgenre:token_seq\n" + "\n".join(
        f"{n}\tFilm number {n}\tDrama War" for n in range(1, 12)
    )
    (folder / "shop.inter").write_text(events)
    (folder / "shop.item").write_text(items)
    return [str(folder / "shop.inter"), "--items", str(folder / "shop.item")]


def goodreads(folder: Path) -> list[str]:
    rows = [
        {"user_id": f"{user(n):032x}", "book_id": str(item(n)), "review_id": f"{n:032x}",
         "rating": n % 6, "review_text": "Good <b>read</b>" if n % 9 == 0 else "",
         "date_added": f"{datetime.fromtimestamp(T + n * DAY, UTC):%a %b %d %H:%M:%S -0700 %Y}"}
        for n in range(N)
    ]  # fmt: skip
    (folder / "reviews.json").write_text("\n".join(map(json.dumps, rows)))
    return [str(folder / "reviews.json")]


def movielens(folder: Path) -> list[str]:
    rows = (f"{user(n)}::{item(n)}::{1 + n % 5}::{T + n * DAY}" for n in range(N))
    (folder / "ratings.dat").write_text("\n".join(rows))
    (folder / "movies.dat").write_text(
        "\n".join(f"{n}::Le Procès {n} (1962)::Drama|War" for n in range(1, 12)), "latin-1"
    )
    items = ["--items", str(folder / "movies.dat"), "--encoding", "latin-1"]
    return [str(folder / "ratings.dat"), *items]


def taobao(folder: Path) -> list[str]:
    words = ("pv", "pv", "cart", "fav", "buy")
    rows = (f"{user(n)},{item(n)},9,{words[n % 5]},{T + n * DAY}" for n in range(N))
    (folder / "UserBehavior.csv").write_text("\n".join(rows))
    return [str(folder / "UserBehavior.csv")]


def excel(folder: Path) -> list[str]:
    book = openpyxl.Workbook()
    book.active.append(["Kunde", "Artikel", "Sterne", "Datum"])
    for n in range(N):
        moment = datetime.fromtimestamp(T + n * DAY, UTC).replace(tzinfo=None)
        book.active.append([user(n), item(n), 1 + n % 5, moment])
    book.save(folder / "reviews.xlsx")
    return [str(folder / "reviews.xlsx")]


FORMS: dict[str, tuple[Callable[[Path], list[str]], dict[str, int], float | None]] = {
    "recbole": (recbole, {"rating": N}, 1.0),
    "goodreads": (goodreads, {"rating": 70, "review": 10, "view": 10}, None),
    "movielens": (movielens, {"rating": N}, 1.0),
    "taobao": (taobao, {"view": 36, "cart": 18, "like": 18, "purchase": 18}, None),
    "excel": (excel, {"rating": N}, 1.0),
}
"""Each file's writer, how many events it has of each kind, and its first event's rating."""


@pytest.mark.parametrize("form", FORMS)
def test_a_file_becomes_a_trajectory(
    form: str, tmp_path: Path, measured: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write, kinds, rating = FORMS[form]
    (tmp_path / "library").mkdir()
    shutil.copy(measured, tmp_path / "library")
    place = ["--library", str(tmp_path / "library"), "--json"]
    assert main(["import", *write(tmp_path), "--name", "mine", *place]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["accepted"], facts["quarantined"], facts["users"]) == (N, 0, USERS)
    assert facts["kinds"] == kinds
    assert main(["train", "mine", "--epochs", "1", *place]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"]["targets"] == USERS
    assert main(["users", "mine", *place]) == 0
    steps = []
    for listed in json.loads(capsys.readouterr().out)["users"]:
        assert main(["trajectory", "mine", "--user", listed["user_id"], *place]) == 0
        steps += json.loads(capsys.readouterr().out)["steps"]
    assert Counter(step["kind"] for step in steps) == kinds
    first = min(steps, key=lambda step: step["timestamp"])
    assert first["timestamp"].startswith("2017-07-14") and first["rating"] == rating


def test_the_next_file_is_read_like_the_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ["--library", str(tmp_path / "library"), "--json"]
    paths = []
    for month in ("03", "04"):
        path = tmp_path / f"log{month}.txt"
        rows = (f"u{n % 5}~i{n % 7}~hover~0{1 + n % 9}/{month}/2021" for n in range(20))
        path.write_text("\n".join(rows))
        paths.append(str(path))
    said = "--no-header --map user_id=1 --map item_id=2 --map kind=3 --map timestamp=4"
    said += " --kind hover=view --time-format day-first"
    assert main(["import", paths[0], "--name", "march", *said.split(), *place]) == 0
    assert main(["import", paths[1], "--name", "april", *place]) == 2
    assert "--no-header" in capsys.readouterr().err
    assert main(["import", paths[1], "--name", "april", "--like", "march", *place]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["accepted"], facts["kinds"]) == (20, {"view": 20})
    assert main(["import", paths[1], "--name", "x", "--like", "demo", *place]) == 2
    assert "--like" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (["--kind", "hover"], "--kind hover=view"),
        (["--kind", "hover=stare"], "the kinds are view, click"),
        (["--delimiter", "abc"], "not a delimiter"),
        (["--quote", "x"], "--quote"),
        (["--decimal", ";"], "--decimal"),
        (["--time-format", "fortnights"], "--time-format"),
        (["--time-format", "%Y"], "no time has the form %Y"),
        (["--item-text", " , "], "--item-text"),
        (["--map", "timestamp=7", "--no-header"], "no column '7'"),
    ],
)
def test_an_option_that_makes_no_sense_is_one_sentence(
    said: list[str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.csv"
    path.write_text("user,item,time\nu,i,2021-03-05\nv,j,2021-03-06\n")
    code = main(["import", str(path), "--name", "x", "--library", str(tmp_path / "lib"), *said])
    err = capsys.readouterr().err
    assert code == 2 and words in err and err.count("\n") == 1
    assert not (tmp_path / "lib").exists()
