"""Training where nobody can be scored, and told which columns describe an item."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from core.cli import main


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory, measured: Path) -> Path:
    """The corpus "few": ten users with four events, and items with a brand and a description."""
    root = tmp_path_factory.mktemp("few")
    (root / "library").mkdir()
    shutil.copy(measured, root / "library")
    rows = [f"u{n % 10},i{(n * n) % 9},{1_700_000_000 + 7200 * n}" for n in range(40)]
    (root / "events.csv").write_text("\n".join(["user_id,item_id,timestamp", *rows]))
    made = [f"i{n},Thing {n},Maker{'ABC'[n % 3]},Made of wood number {n}" for n in range(9)]
    (root / "items.csv").write_text("\n".join(["item_id,title,brand,description", *made]))
    paths = [str(root / "events.csv"), "--items", str(root / "items.csv")]
    assert main(["import", *paths, "--name", "few", "--library", str(root / "library")]) == 0
    return root / "library"


def test_what_cant_be_judged_is_said_before_the_work_and_trained_all_the_same(
    library: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ["--library", str(library)]
    capsys.readouterr()
    told = ["--item-text", "Brand,description", "--epochs", "1", "--json"]
    assert main(["train", "few", *told, *place]) == 0
    out, err = capsys.readouterr()
    assert "Only 20 training events" in err
    assert "No user has 5 or more events, so nobody can be scored" in err
    assert "No event has text" in err
    answer = json.loads(out)
    assert answer["metrics"]["targets"] == 0
    folder = library / "models" / "few" / answer["model_id"]
    assert json.loads((folder / "config.json").read_text())["item_text"] == ["brand", "description"]
    card = (folder / "README.md").read_text()
    assert "## Quality: not judged" in card and "nobody could be scored" in card
    assert "Text of an item: `brand`, `description`" in card
    assert json.loads((folder / "metrics.json").read_text())["best_epoch"] == 1

    assert main(["evaluate", "few", *place]) == 0
    assert "This model could not be judged" in capsys.readouterr().out
    assert main(["evaluate", "few", "--k", "5", *place]) == 0
    assert main(["evaluate", "few", "--protocol", "temporal", *place]) == 2
    assert "nobody can be scored over time" in capsys.readouterr().err
    assert main(["trajectory", "few", "--user", "u1", "--json", *place]) == 0
    steps = json.loads(capsys.readouterr().out)["steps"]
    assert len(steps) == 4 and all(step["x"] is not None for step in steps)


def test_a_column_that_is_not_there_is_told_before_the_work(
    library: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ["--library", str(library)]
    capsys.readouterr()
    assert main(["train", "few", "--item-text", "title,colour", *place]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "no item has a text 'colour'" in line and "title, brand, description" in line


def test_nothing_to_learn_from_is_told_before_the_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "one.csv").write_text("user_id,item_id,timestamp\nu,i,1700000000\n")
    place = ["--library", str(tmp_path / "library")]
    assert main(["import", str(tmp_path / "one.csv"), "--name", "one", *place]) == 0
    capsys.readouterr()
    assert main(["train", "one", *place]) == 2
    assert "no events to learn from" in capsys.readouterr().err
    assert not (tmp_path / "library" / "models").exists()
