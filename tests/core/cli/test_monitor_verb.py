"""The verb monitor, as cron calls it: exit codes, one JSON object, mistakes in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from core.cli import main
from core.corpus.store import Library
from core.domain import Columns
from tests.core.monitor.conftest import MONDAY, WEEKS, as_corpus, steady  # noqa: F401

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    def run(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main(["monitor", *arguments, "--library", str(tmp_path)])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def imported(path: Path, events: pd.DataFrame, *more: str) -> None:
    file = path / "shop.csv"
    events[[Columns.User, Columns.Item, Columns.Time, Columns.Kind, Columns.Rating]].to_csv(
        file, index=False
    )
    assert main(["import", str(file), "--name", "shop", *more, "--library", str(path)]) == 0


def test_an_alarm_is_exit_1_also_without_a_model(run: Run, tmp_path: Path, steady) -> None:  # noqa: F811
    events = steady(users=300)
    last = events[Columns.Time] >= MONDAY + pd.Timedelta(weeks=WEEKS - 1)
    imported(tmp_path, events[~(last & (events[Columns.Kind] == "purchase"))])
    code, out, _ = run("shop", "--json")
    facts = json.loads(out)
    assert code == 1 and facts["model_id"] is None and facts["period"] == "week"
    assert facts["current"] == {"first": "2024-07-22", "last": "2024-07-28", "periods": 1}
    (alarm, *_) = [each for each in facts["alarms"] if each["id"] == "kind:purchase"]
    assert alarm["value"] == 0 and alarm["q"] <= facts["false_discovery_rate"]
    assert {"user_id", "step", "item_id", "timestamp"} <= set(alarm["events"][0])
    corpus = Library.open(tmp_path).corpus("shop")
    shown = alarm["events"][0]
    event = corpus.history(shown["user_id"]).events[shown["step"] - 1]
    assert (event.item_id, event.kind) == (shown["item_id"], "purchase")
    code, out, _ = run("shop")
    assert code == 1 and "Kind: purchase fell from" in out and "need a model" in out
    code, _, err = run("shop", "--since", "yesterday")
    assert code == 2 and "'yesterday' is no day" in err and err.count("\n") == 1
    code, _, err = run("shop", "--model", "nothing")
    assert code == 2


def test_the_demo_is_quiet_and_a_corpus_without_times_refused(run: Run, tmp_path: Path) -> None:
    code, out, _ = run("demo", "--json")
    facts = json.loads(out)
    assert code == 0 and facts["alarms"] == [] and facts["model_id"]
    assert {"hits", "topic:Audio"} <= {measure["id"] for measure in facts["measures"]}
    rows = [{"user_id": f"u{at % 5}", "item_id": f"i{at % 7}"} for at in range(40)]
    pd.DataFrame(rows).to_csv(tmp_path / "order.csv", index=False)
    name = ["--name", "order", "--order-as-time", "--library", str(tmp_path)]
    assert main(["import", str(tmp_path / "order.csv"), *name]) == 0
    code, _, err = run("order")
    assert code == 2 and "no times" in err and err.count("\n") == 1


def test_damaged_models_leave_the_rest(run: Run, tmp_path: Path, steady) -> None:  # noqa: F811
    imported(tmp_path, steady(users=100))
    folder = tmp_path / "models" / "shop" / "abc"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    code, out, err = run("shop", "--json")
    assert code == 0 and json.loads(out)["measures"]
    assert "Without a model" in err
