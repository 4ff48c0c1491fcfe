"""The verbs about what-if, on the shipped demo: shapes as agreed, mistakes in one line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from core.cli import main
from core.compare.fork import run
from core.compare.replay import make_capsule
from core.corpus.store import Library
from core.engine import Engine
from core.scenario.edits import Edit, Op

USER = "U0157"


def ask(
    capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0, as_json: bool = True
) -> Any:
    capsys.readouterr()
    assert main([*arguments, *(["--json"] if as_json else [])]) == code
    out = capsys.readouterr().out
    return json.loads(out) if as_json else out


def written(folder: Path, entries: Any) -> str:
    path = folder / "edits.json"
    path.write_text(json.dumps(entries))
    return str(path)


def test_whatif(capsys: pytest.CaptureFixture[str], tmp_path: Path, engine: Engine) -> None:
    steps = len(engine.corpus.history(USER))
    file = written(tmp_path, [{"op": "delete", "step": steps}, {"op": "delete", "step": steps - 1}])
    place = ("--user", USER, "--library", str(tmp_path))
    found = ask(capsys, "whatif", "demo", *place, "--edits", file, "--k", "5")
    assert set(found) == {"before", "after", "moves", "fork_step", "reconvergence"}
    assert found["fork_step"] == steps - 1
    recommended = ask(capsys, "recommend", "demo", *place, "--k", "5")["items"]
    assert found["before"] == [
        {name: row[name] for name in ("rank", "item_id", "score")} for row in recommended
    ]
    assert found["moves"]
    for move in found["moves"]:
        assert set(move) == {"item_id", "from", "to", "cause"}
        assert set(move["cause"]) in ({"edit", "kind", "value"}, {"kind"})
    text = ask(capsys, "whatif", "demo", *place, "--edits", file, as_json=False)
    assert "deleted step" in text and f"part at step {steps - 1}" in text
    early = ask(capsys, "whatif", "demo", *place, "--edits", written(tmp_path, []), "--at", "5")
    assert early["before"] == early["after"] and early["moves"] == []
    assert early["fork_step"] is None and early["reconvergence"] == 0


def test_search_edits(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, engine: Engine, demo_library: Library
) -> None:
    first = engine.recommend(engine.corpus.history(USER)).items[0].item_id
    place = ("--user", USER, "--item", first, "--library", str(demo_library.root))
    found = ask(capsys, "search-edits", "demo", *place, "--goal", "out", "--k", "2")
    assert set(found) == {"found", "edits", "verified_rank", "tried"}
    assert found["found"] and found["verified_rank"] > 2
    file = written(tmp_path, found["edits"])
    after = ask(capsys, "whatif", "demo", *place[:2], *place[4:], "--edits", file, "--k", "2")
    assert first not in {row["item_id"] for row in after["after"]}
    text = ask(capsys, "search-edits", "demo", *place, "--goal", "in", as_json=False)
    assert "needs no edit: it is rank 1" in text
    fails(capsys, "Use in or out", "search-edits", "demo", *place, "--goal", "up")


def test_replay(capsys: pytest.CaptureFixture[str], tmp_path: Path, engine: Engine) -> None:
    base = engine.corpus.history(USER)
    capsule = make_capsule(run(engine, base, [Edit(Op.DELETE, 1)]))
    path = tmp_path / "it.json"
    path.write_text(capsule.to_text())
    place = (str(path), "--library", str(tmp_path))
    found = ask(capsys, "replay", *place)
    assert (found["matches"], found["items_differ"], found["differences"]) == (True, 0, [])
    facts = capsule.model_dump()
    facts |= {"expected": facts["expected"][:9], "model_id": "f0e1d2c3b4a5"}
    path.write_text(json.dumps(facts))
    found = ask(capsys, "replay", *place, code=1)
    assert found["matches"] is False
    assert (found["made_with"], found["items_differ"]) == ("f0e1d2c3b4a5", 1)
    assert found["differences"][1] | {"found": ""} == {
        "what": "rank 10", "expected": None, "found": ""
    }  # fmt: skip
    said = ask(capsys, "replay", *place, code=1, as_json=False)
    assert "does not match" in said
    assert "made with model f0e1d2c3; with this model 1 of 10 items differ." in said


@pytest.mark.parametrize(
    ("entries", "says"),
    [
        ([{"op": "delete", "step": 1}, {"op": "rate", "step": 2, "rating": 9}],
         "edit 2 (rate step 2)"),
        ([{"op": "delete", "step": 5000}], "edit 1 (delete step 5000)"),
        ([{"op": "rename"}], "edit 1"),
        ({"op": "delete"}, "list of objects"),
        ([{"op": "add", "item_id": "\x1b[31m\n", "timestamp": "2024-01-01"}], "no item"),
    ],
)  # fmt: skip
def test_a_bad_entry_is_named(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, entries: Any, says: str
) -> None:
    fails(capsys, says, "whatif", "demo", "--user", USER, "--edits", written(tmp_path, entries))


@pytest.mark.parametrize("verb", [["whatif", "demo", "--user", USER, "--edits"], ["replay"]])
def test_files_that_are_none(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, verb: list[str]
) -> None:
    fails(capsys, "can't be read", *verb, str(tmp_path / "absent"))
    fails(capsys, "can't be read", *verb, str(tmp_path))
    (tmp_path / "words").write_text("words\nwords")
    fails(capsys, "words", *verb, str(tmp_path / "words"))


def test_a_capsule_of_another_corpus(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, engine: Engine
) -> None:
    base = engine.corpus.history(USER)
    facts = make_capsule(run(engine, base, [])).model_dump()
    path = tmp_path / "it.json"
    path.write_text(json.dumps(facts | {"corpus": "elsewhere", "corpus_id": "f" * 16}))
    fails(capsys, "no corpus 'elsewhere'", "replay", str(path), "--library", str(tmp_path))


def fails(capsys: pytest.CaptureFixture[str], says: str, *arguments: str) -> None:
    capsys.readouterr()
    assert main(list(arguments)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert says in captured.err
    assert captured.err.count("\n") == 1 and "\x1b" not in captured.err
    assert "Traceback" not in captured.err
