"""The verb report: a file that is whole, or one line that says what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.cli import main
from core.corpus.store import Library


def run(library: Library, *arguments: str) -> int:
    return main(["report", "demo", *arguments, "--library", str(library.root)])


def test_the_model_as_a_file(
    demo_library: Library, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "model.html"
    assert run(demo_library, "--out", str(out), "--theme", "dark", "--json") == 0
    facts, text = json.loads(capsys.readouterr().out), out.read_text("utf-8")
    assert facts["about"] == "model" and facts["bytes"] == out.stat().st_size
    for heading in ("Quality", "By period", "By cohort", "Calibration", "Training"):
        assert f"<h2>{heading}</h2>" in text
    assert "joint beats" in text and "color-scheme: dark" in text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--theme", "blue"), "unknown theme 'blue'"),
        (("--at", "3"), "--at is for a user's report"),
        (("--user", "nobody"), "nobody"),
        (("--user", "U0001", "--at", "9999"), "step 9999 does not exist"),
        (("--recommender", "none"), "none"),
    ],
)
def test_mistakes_write_nothing(
    demo_library: Library, tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments, said: str
) -> None:
    out = tmp_path / "x.html"
    assert run(demo_library, "--out", str(out), *arguments) == 2
    assert said in capsys.readouterr().err and not out.exists()


def test_a_place_that_cannot_be_written_is_named(
    demo_library: Library, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("x")
    out = tmp_path / "file" / "x.html"
    assert run(demo_library, "--out", str(out)) == 2
    assert "could not be written" in capsys.readouterr().err
