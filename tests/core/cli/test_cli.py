from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import typer

import core.cli
from core.cli import main
from core.cli.output import plain, progress_bar
from core.domain import Stopped

T = 1_393_545_600
PROJECT = Path(__file__).resolve().parents[3]
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("TASTELINES_LIBRARY", str(tmp_path / "library"))
    path = tmp_path / "shop.csv"
    rows = "".join(f"u{n % 3},i{n},{1 + n % 5},fine,{T + n}\n" for n in range(9))
    path.write_text(f"user,item,stars,comment,time\n{rows},i,5,x,{T}\nu,i,5,x,\x1b[31mred\n")
    return path


def run(capsys: Capture, *arguments: object) -> tuple[int, str, str]:
    code = main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_import_answers_with_exactly_one_json_object(shop: Path, capsys: Capture) -> None:
    code, out, err = run(capsys, "import", shop, "--name", "shop", "--json")
    facts = json.loads(out)
    assert code == 0 and out.count("\n") == 1 and err.startswith("note: rating scale 1-5 inferred")
    assert facts.pop("corpus_id")
    assert len(facts.pop("notes")) == 1
    assert facts == {
        "corpus": "shop", "rows_read": 11, "accepted": 9, "quarantined": 2, "duplicates": 0,
        "users": 3, "items": 9, "items_matched": None, "items_refused": 0, "rating_scale": [1, 5],
        "kinds": {"review": 9}, "dropped_fields": {}, "unused_columns": {}, "order_as_time": False,
        "unknown_pieces": {"share": 0.0, "scripts": {}},
    }  # fmt: skip


def test_import_says_what_it_took_and_what_it_refused(shop: Path, capsys: Capture) -> None:
    code, out, _ = run(capsys, "import", shop, "--name", "shop")
    assert code == 0
    assert "11 rows read: 9 accepted, 2 quarantined, 0 duplicates" in out
    assert "user_id=user, item_id=item, timestamp=time, rating=stars, text=comment" in out
    assert "time in seconds" in out
    assert "shop.csv, line 11: user is missing" in out
    assert "quarantine.jsonl" in out
    assert "\x1b" not in out


def test_corpora_lists_what_was_imported(shop: Path, capsys: Capture, tmp_path: Path) -> None:
    run(capsys, "import", shop, "--name", "shop", "--library", tmp_path / "other")
    code, out, _ = run(capsys, "corpora", "--library", tmp_path / "other", "--json")
    names = [corpus["name"] for corpus in json.loads(out)["corpora"]]
    assert code == 0 and "shop" in names
    code, out, _ = run(capsys, "corpora", "--library", tmp_path / "other")
    assert "shop: 9 events, 3 users, 9 items, 2014-02-28 to 2014-02-28" in out
    code, out, _ = run(capsys, "corpora", "--json")
    assert "shop" not in [corpus["name"] for corpus in json.loads(out)["corpora"]]


MISTAKES = {
    "no such verb": (("imporf",), "import"),
    "a missing name": (("import", "SHOP"), "--name"),
    "a missing file": (("import", "nothing.csv", "--name", "shop"), "no such file"),
    "a bad name": (("import", "SHOP", "--name", "../shop"), "corpus name"),
    "the demo's name": (("import", "SHOP", "--name", "demo"), "shipped"),
    "an unknown option": (("corpora", "--colour"), "--colour"),
    "an unknown format": (("import", "SHOP", "--name", "x", "--format", "y"), "auto, amazon2014"),
    "a bad mapping": (("import", "SHOP", "--name", "x", "--map", "user"), "field=column"),
    "an empty mapping": (("import", "SHOP", "--name", "x", "--map", "user="), "field=column"),
    "an unknown column": (("import", "SHOP", "--name", "x", "--map", "user=z"), "no column 'z'"),
    "a bad scale": (("import", "SHOP", "--name", "x", "--rating-scale", "5"), "for example 1-5"),
    "a scale upside down": (("import", "SHOP", "--name", "x", "--rating-scale", "5-1"), "1-5"),
    "a library that is a file": (("corpora", "--library", "SHOP"), "is a file"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("as_json", [False, True], ids=["plain", "json"])
def test_a_users_mistake_is_one_line_and_exit_code_2(
    mistake: str, as_json: bool, shop: Path, capsys: Capture
) -> None:
    arguments, words = MISTAKES[mistake]
    given = [str(shop) if argument == "SHOP" else argument for argument in arguments]
    code, out, err = run(capsys, *given, *(["--json"] if as_json and len(given) > 1 else []))
    assert (code, out) == (2, "")
    assert err.count("\n") == 1 and words in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (KeyboardInterrupt(), 130, "Stopped"),
        (Stopped(), 130, "Stopped"),
        (RuntimeError("first\nsecond"), 1, "Unexpected RuntimeError at test_cli.py"),
        (typer.Exit(1), 1, ""),
        (BrokenPipeError(), 1, ""),
    ],
)
def test_whatever_a_verb_raises_no_traceback_reaches_a_person(
    error: BaseException, code: int, words: str, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise error

    verbs = SimpleNamespace(VERBS={"fail": fail, "pass": lambda: None})
    monkeypatch.setattr(core.cli, "VERB_MODULES", (verbs,))
    found, out, err = run(capsys, "fail")
    assert (found, out) == (code, "")
    assert words in err and err.count("\n") <= 1 and "Traceback" not in err


def test_the_module_runs_and_starts_without_what_is_heavy(tmp_path: Path) -> None:
    program = (
        "import sys; from core.cli import main; code = main(['corpora', '--json']); "
        "print([name for name in ('torch', 'umap', 'transformers', 'streamlit', 'sklearn') "
        "if name in sys.modules], file=sys.stderr); sys.exit(code)"
    )
    environment = {**os.environ, "TASTELINES_LIBRARY": str(tmp_path)}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, cwd=PROJECT, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "[]\n")
    assert "corpora" in json.loads(done.stdout)
    command = [sys.executable, "-m", "core", "nothing"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.count("\n") == 1


def test_help_is_offered_without_a_verb(capsys: Capture) -> None:
    code, out, _ = run(capsys)
    assert code == 0 and "import" in out and "corpora" in out


def test_json_has_no_nan_and_iso_times() -> None:
    import numpy as np

    assert plain({"a": np.array([1.0, np.nan], np.float32), "b": (float("inf"),)}) == {
        "a": [1.0, None], "b": [None]
    }  # fmt: skip


def test_progress_stays_off_a_pipe(capsys: Capture) -> None:
    from core.progress import Progress

    with progress_bar() as show:
        show(Progress("reading", 1, 2, 3.0, {"rows": 5}))
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    "line",
    [
        ("import", "{shop}", "--name", "s", "--users", "{shop}", "--users", "{shop}"),
        ("import", "{shop}", "--name", "s", "--header", "--no-header"),
        ("recommend", "demo", "--user", "U0001", "--user", "U0002"),
        ("train", "demo", "--seed", "1", "--seed", "2"),
    ],
)
def test_an_option_of_one_value_given_twice_is_refused(
    shop: Path, capsys: Capture, line: tuple[str, ...]
) -> None:
    code, out, err = run(capsys, *(word.format(shop=shop) for word in line))
    assert code == 2 and not out
    option = "--header" if "--header" in line else line[-2]
    assert option in err and f"core {line[0]} --help" in err


def test_options_of_several_values_take_all_of_them(shop: Path, capsys: Capture) -> None:
    maps = ("--map", "rating=stars", "--map", "text=comment")
    code, out, _ = run(capsys, "import", shop, "--name", "shop", *maps, "--json", "--json")
    assert code == 0 and json.loads(out)["accepted"] == 9


@pytest.mark.parametrize("more", ["", "--json"])
def test_a_stdout_that_takes_nothing_is_said_in_a_line(more: str) -> None:
    line = [sys.executable, "-m", "core", "corpora", *more.split()]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(line, cwd=PROJECT, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and done.stderr.count("\n") == 1
    assert "Unexpected" not in done.stderr and "No space left" in done.stderr


def test_a_closed_stdout_is_no_defect() -> None:
    line = f"{sys.executable} -m core corpora >&-"
    done = subprocess.run(line, cwd=PROJECT, shell=True, stderr=subprocess.PIPE, text=True)
    assert (done.returncode, done.stderr) == (0, "")


def test_notes_and_reasons_are_said_in_the_language(shop: Path) -> None:
    line = [sys.executable, "-m", "core", "import", str(shop), "--name", "shop"]
    environment = os.environ | {"TASTELINES_LANGUAGE": "zh"}
    done = subprocess.run(line, cwd=PROJECT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0
    assert "inferred" not in done.stdout and "is missing" not in done.stdout
