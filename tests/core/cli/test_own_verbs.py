"""The verbs with --history: as for a user with the same events, and choices said on stderr."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from core.cli import main
from core.domain import History
from core.engine import Engine

USER = "U0157"


def write(path: Path, history: History, change: dict[int, str] | None = None) -> str:
    """The events of a user as JSON lines, some under another item id."""
    lines = [
        {
            "user_id": "me",
            "item_id": (change or {}).get(step, event.item_id),
            "timestamp": event.timestamp.isoformat(),
            "kind": event.kind.value,
            "rating": event.rating,
            "title": event.title,
            "text": event.text,
        }
        for step, event in enumerate(history.events, start=1)
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return str(path)


def ask(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> tuple[Any, str]:
    capsys.readouterr()
    assert main([*arguments, "--json"]) == code
    said = capsys.readouterr()
    return (json.loads(said.out) if said.out else None), said.err


def test_each_verb_answers_as_for_a_user_with_these_events(
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    history = engine.corpus.history(USER).up_to(6)
    library = ("--library", str(tmp_path))
    mine = ("--history", write(tmp_path / "mine.jsonl", history), *library)
    user = ("--user", USER, "--at", "6", *library)
    listed, said = ask(capsys, "recommend", "demo", *mine)
    assert listed == ask(capsys, "recommend", "demo", *user)[0]
    assert "6 events: 6 with items of the corpus." in said
    with monkeypatch.context() as read_only:
        read_only.setenv("TASTELINES_READ_ONLY", "1")
        assert ask(capsys, "recommend", "demo", *mine)[0] == listed
    item = listed["items"][0]["item_id"]
    explained = [
        ask(capsys, "explain", "demo", *who, "--item", item, "--words", "none")[0]
        for who in (mine, user)
    ]
    assert explained[0].pop("user_id").startswith("own~") and explained[1].pop("user_id") == USER
    assert explained[0] == explained[1]
    edits = tmp_path / "edits.json"
    edits.write_text('[{"op": "delete", "step": 2}]')
    forks = [ask(capsys, "whatif", "demo", *who, "--edits", str(edits))[0] for who in (mine, user)]
    assert forks[0] == forks[1]
    steps = ask(capsys, "trajectory", "demo", *mine)[0]["steps"]
    whole = ask(capsys, "trajectory", "demo", "--user", USER, *library)[0]["steps"]
    places = [row["x"] for row in whole[:6]]
    assert [row["x"] for row in steps] == pytest.approx(places, abs=1e-4)


def test_unknown_items_keep_their_text_unless_a_match_is_said(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, engine: Engine
) -> None:
    history = engine.corpus.history(USER).up_to(6)
    third = history.events[2].item_id
    path = write(tmp_path / "mine.jsonl", history, {3: "strange"})
    place = ("trajectory", "demo", "--history", path, "--library", str(tmp_path))
    found, said = ask(capsys, *place)
    assert [row["item_id"] for row in found["steps"]].index(None) == 2
    assert found["steps"][1]["next_rank"] is None
    assert "strange is not in the corpus; its text alone is kept" in said
    matched, said = ask(capsys, *place, "--match", f"strange={third}")
    assert matched["steps"][2]["item_id"] == third and "strange is taken for" in said


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((), "neither --user nor --history"),
        (("--user", USER, "--history", "x.csv"), "both --user and --history"),
        (("--user", USER, "--match", "a=b"), "--match is for --history"),
        (("--history", "nowhere.csv"), "there is no such file"),
        (("--history", "nowhere.csv", "--match", "a"), "'a' is not ITEM=ID"),
    ],
)
def test_mistakes_are_one_line(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], problem: str, engine: Engine
) -> None:
    _, said = ask(capsys, "recommend", "demo", *arguments, code=2)
    assert problem in said and said.count("\n") == 1
