"""The verb cohort, and what whatif, evaluate and turnover ask about one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.cli import main
from core.cli.model_verbs import Asked
from core.cohorts import opening
from core.cohorts.states import States
from core.compare import turnover
from core.engine import Engine


@pytest.fixture
def library(
    tmp_path: Path, states: States, demo_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """An empty library; model and states are open, lists of a few users stand for all."""
    monkeypatch.setattr(Asked, "engine", lambda self: demo_engine)
    monkeypatch.setattr(opening, "make_states", lambda *_: states)
    really = turnover.measure_turnover

    def few(engine, users, *rest, **more):  # type: ignore[no-untyped-def]
        return really(engine, engine.corpus.user_ids[:12], *rest, **more)

    monkeypatch.setattr(turnover, "measure_turnover", few)
    return tmp_path


def run(capsys: pytest.CaptureFixture[str], library: Path, verb: str, *arguments: str) -> dict:
    capsys.readouterr()
    code = main([verb, "demo", *arguments, "--library", str(library), "--json"])
    said = capsys.readouterr()
    assert code == 0 or (verb == "monitor" and code == 1), said.err
    answer: dict = json.loads(said.out)
    return answer


def test_a_cohort_is_saved_held_against_another_and_asked_everywhere(
    capsys: pytest.CaptureFixture[str], library: Path
) -> None:
    busy = run(capsys, library, "cohort", "--rule", "least_events=30", "--save", "busy")
    assert busy["users"] == len(busy["user_ids"]) > 0 and busy["against"] == "all other users"
    run(capsys, library, "cohort", "--rule", "most_events=12", "--save", "quiet")
    held = run(capsys, library, "cohort", "--name", "busy", "--against", "quiet")
    assert held["against"] == "quiet" and held["user_ids"] == busy["user_ids"]
    pattern = ("--pattern", "do=delete&last=1")
    asked = run(capsys, library, "whatif", "--cohort", "busy", *pattern, "--save", "one less")
    assert asked["users"] == asked["affected"] == busy["users"] and asked["changed"] > 0
    again = run(capsys, library, "whatif", "--name", "one less")
    assert again["same_as_saved"] and again["most_changed"] == asked["most_changed"]
    out = library / "busy.html"
    written = run(capsys, library, "cohort", "--name", "busy", "--out", str(out))["report"]
    assert written == {"file": str(out), "bytes": out.stat().st_size}
    assert "<h2>What if: one less</h2>" in out.read_text("utf-8")
    judged = run(capsys, library, "evaluate", "--cohort", "busy")["cohort"]
    assert judged["name"] == "busy" and judged["targets"] == busy["users"]
    ndcg = {each["recommender"]: each["ndcg"] for each in judged["results"]}
    assert ndcg["joint"] == pytest.approx(busy["ndcg"]["cohort"]["mean"])
    own = run(capsys, library, "turnover", "--cohort", "busy")["cohort"]
    assert own["name"] == "busy" and 0 < own["users"] < 12
    watched = run(capsys, library, "monitor", "--cohort", "busy")
    assert watched["cohort"] == {"name": "busy", "users": busy["users"]}
    known = run(capsys, library, "cohort")
    assert {each["name"] for each in known["cohorts"]} == {"busy", "quiet"}
    assert known["patterns"][0]["pattern"] == "do=delete&last=1"


@pytest.mark.parametrize(
    ("verb", "arguments", "said"),
    [
        ("cohort", ("--against", "busy"), "--against needs the cohort"),
        ("cohort", ("--rule", "least_events=3", "--name", "x"), "exclude each other"),
        ("cohort", ("--rule", "least_drift=-1"), "least_drift can't be '-1'"),
        ("cohort", ("--rule", "least_rank=0"), "least_rank can't be '0'"),
        ("cohort", ("--save", "x"), "--save keeps a rule"),
        ("cohort", ("--out", "x.html"), "--out is about one cohort"),
        ("cohort", ("--name", "x", "--out", "x.html", "--theme", "red"), "unknown theme 'red'"),
        ("whatif", (), "nothing is to be changed"),
        ("whatif", ("--pattern", "do=delete"), "a pattern is about a cohort"),
        ("whatif", ("--rule", "least_events=3"), "nothing is to be changed"),
        ("whatif", ("--user", "U0001", "--cohort", "x"), "whole histories of a cohort"),
        ("whatif", ("--name", "x", "--pattern", "do=delete"), "opens a saved pattern"),
    ],
)
def test_mistakes_are_one_line(
    verb: str, arguments: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str], tmp_path
) -> None:
    assert main([verb, "demo", *arguments, "--library", str(tmp_path)]) == 2
    assert said in capsys.readouterr().err
