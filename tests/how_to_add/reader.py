"""A folder of Yelp's files is imported by the command line, whatever the formats asked before."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.cli import main
from core.corpus.store import Library
from core.domain import Columns

REVIEWS = [
    {
        "review_id": f"r{number}",
        "user_id": f"u{number % 3}",
        "business_id": f"b{number % 2}",
        "stars": float(1 + number % 5),
        "useful": 0,
        "text": f"Coffee number {number}",
        "date": f"2018-07-{number + 1:02} 22:09:11",
    }
    for number in range(9)
]
BUSINESSES = [
    {"business_id": "b0", "name": "Blue Door", "categories": "Cafes, Food, Bakeries"},
    {"business_id": "b1", "name": "No List", "categories": None},
]


def write(path: Path, rows: list[dict[str, object]]) -> None:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")


def test_a_folder_is_imported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder, library = tmp_path / "yelp", tmp_path / "library"
    folder.mkdir()
    write(folder / "yelp_academic_dataset_review.json", REVIEWS)
    write(folder / "yelp_academic_dataset_business.json", BUSINESSES)
    verb = ["import", str(folder), "--name", "cafes", "--library", str(library), "--json"]
    assert main(verb) == 0
    summary = json.loads(capsys.readouterr().out)
    assert (summary["accepted"], summary["users"], summary["items"]) == (9, 3, 2)
    corpus = Library.open(library).corpus("cafes")
    assert corpus.manifest.format == "yelp"
    assert corpus.items[Columns.Category].tolist() == ["Cafes", None]
    assert corpus.title("b0") == "Blue Door"
    assert corpus.manifest.rating_scale == (1.0, 5.0)


def test_a_wrong_format_names_the_new_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    verb = ["import", str(tmp_path), "--name", "x", "--format", "no", "--library", str(tmp_path)]
    assert main(verb) == 2
    assert "yelp" in capsys.readouterr().err
