"""Files of published data sets, as they are: import, train, trajectory."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from openpyxl import Workbook

from core.cli import main

USERS, ITEMS, EVENTS = 8, 12, 64
START = datetime(2017, 3, 1)


def rows() -> list[tuple[int, int, int, datetime]]:
    """User, item, rating and time of each event."""
    return [
        (n % USERS, (n * n) % ITEMS, 1 + n % 5, START + timedelta(hours=7 * n))
        for n in range(EVENTS)
    ]


def movielens_1m(folder: Path) -> list[str]:
    lines = [f"{u + 1}::{i + 1}::{r}::{at.timestamp():.0f}" for u, i, r, at in rows()]
    (folder / "ratings.dat").write_text("\n".join(lines) + "\n")
    films = [f"{i + 1}::Café number {i} (1999)::Drama|Comedy" for i in range(ITEMS)]
    (folder / "movies.dat").write_text("\n".join(films) + "\n", encoding="latin-1")
    return ["ratings.dat", "--items", "movies.dat", "--encoding", "latin-1"]


def goodreads(folder: Path) -> list[str]:
    lines = [
        json.dumps(
            {
                "user_id": f"{u:032x}",
                "book_id": str(i),
                "review_id": f"{n:016x}",
                "rating": r % 5,
                "review_text": f"a fine book {n}" if n % 2 else "",
                "date_added": at.strftime("%a %b %d %H:%M:%S -0700 %Y"),
                "n_votes": 0,
            }
        )
        for n, (u, i, r, at) in enumerate(rows())
    ]
    (folder / "reviews.json").write_text("\n".join(lines) + "\n")
    return ["reviews.json"]


def taobao(folder: Path) -> list[str]:
    does = ("pv", "pv", "fav", "cart", "buy")
    lines = [
        f"{1000 + u},{2_000_000 + i},{4000 + i % 3},{does[n % 5]},{at.timestamp():.0f}"
        for n, (u, i, _, at) in enumerate(rows())
    ]
    (folder / "UserBehavior.csv").write_text("\n".join(lines) + "\n")
    return ["UserBehavior.csv"]


def excel(folder: Path) -> list[str]:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["user", "item", "date", "rating", "review"])
    for u, i, r, at in rows():
        sheet.append([f"u{u}", 1000 + i, at, r, "splendid" if r > 3 else "dreadful"])
    book.save(folder / "reviews.xlsx")
    return ["reviews.xlsx"]


@pytest.mark.parametrize(
    ("make", "kinds", "rating"),
    [
        (movielens_1m, {"rating"}, 1.0),
        (goodreads, {"rating", "review", "view"}, 1.0),
        (taobao, {"view", "like", "cart", "purchase"}, None),
        (excel, {"review"}, 1.0),
    ],
)
def test_a_published_file_is_imported_trained_and_followed(
    make: Callable[[Path], list[str]],
    kinds: set[str],
    rating: float | None,
    tmp_path: Path,
    measured: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "library").mkdir()
    shutil.copy(measured, tmp_path / "library")
    place = ["--library", "library", "--json"]
    assert main(["import", *make(tmp_path), "--name", "shop", *place]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["rows_read"], told["accepted"], told["users"]) == (EVENTS, EVENTS, USERS)
    assert main(["train", "shop", "--epochs", "1", *place]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"]["targets"] == USERS
    assert main(["users", "shop", *place]) == 0
    users = json.loads(capsys.readouterr().out)["users"]
    steps = []
    for user in users:
        assert main(["trajectory", "shop", "--user", user["user_id"], *place]) == 0
        steps += json.loads(capsys.readouterr().out)["steps"]
    assert len(steps) == EVENTS and {step["kind"] for step in steps} == kinds
    first = min(steps, key=lambda step: step["timestamp"])
    assert first["timestamp"].startswith("2017-03-01") and first["rating"] == rating
