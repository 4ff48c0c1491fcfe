"""The verb turns on the shipped demo: shapes as agreed, stored once, mistakes in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.cli import main
from core.corpus.store import Library
from core.engine import Engine
from core.turns import stored
from core.turns.stored import Turns
from core.turns.turning import UserTurns


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Measure twelve users and count how often that is done."""
    measured: list[str] = []

    really = stored.measure_turns

    def measure(engine: Engine, **more: object) -> Turns:
        corpus = engine.corpus
        measured.append(corpus.name)
        known = really(engine, [corpus.history(user) for user in corpus.user_ids[:12]]).users
        rest = [UserTurns(u, len(corpus.history(u)), None, ()) for u in corpus.user_ids[12:]]
        return Turns(corpus.corpus_id, engine.model_id, (*known, *rest))

    monkeypatch.setattr(stored, "measure_turns", measure)
    return measured


def run(capsys: pytest.CaptureFixture[str], library: Path, *arguments: str) -> dict:
    capsys.readouterr()
    code = main(["turns", "demo", *arguments, "--library", str(library), "--json"])
    said = capsys.readouterr()
    assert code == 0, said.err
    answer: dict = json.loads(said.out)
    return answer


def test_a_corpus_and_one_of_its_users(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, quick: list[str]
) -> None:
    whole = run(
        capsys,
        tmp_path,
    )
    assert whole["users"] == 800 and whole["tested"] >= whole["turned"] >= 1
    assert set(whole["kinds"]) == {"turn", "drift", "return", "widening", "narrowing"}
    best = whole["surest"][0]
    user = run(capsys, tmp_path, "--user", best["user_id"])
    assert quick == ["demo"]  # stored: the second question measures nothing
    (point, *_) = user["points"]
    assert {"kind", "step", "p", "q", "grew", "shrank", "events", "words"} <= set(point)
    assert user["episodes"][0]["first"] == 1
    assert f"{len(user['episodes'])} episodes" in user["sentence"]
    assert all(each["step"] >= point["step"] for each in point["events"])


def test_an_unknown_user_is_told_before_anything_is_measured(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, quick: list[str]
) -> None:
    assert main(["turns", "demo", "--user", "nobody", "--library", str(tmp_path)]) == 2
    assert "nobody" in capsys.readouterr().err
    assert not quick
    assert not (Library.open(tmp_path).root / stored.FOLDER).exists()
