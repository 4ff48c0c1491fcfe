"""The verbs about models, on a small trained corpus: shapes as agreed, mistakes in one line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from core.cli import main


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory, measured: Path) -> Path:
    """A library with the corpus "clicks" and a model trained by the verb itself."""
    root = tmp_path_factory.mktemp("verbs")
    (root / "library").mkdir()
    shutil.copy(measured, root / "library")
    lines = ["user_id,item_id,timestamp,rating,text,title"]
    lines += [
        f"u{n % 8},i{(n * n + n // 8) % 14},{1_700_000_000 + 7200 * n},{1 + n % 5},"
        f"{'splendid' if n % 5 > 2 else 'dreadful'} thing number {n},verdict"
        for n in range(120)
    ]
    (root / "clicks.csv").write_text("\n".join(lines))
    place = ["--library", str(root / "library")]
    assert main(["import", str(root / "clicks.csv"), "--name", "clicks", *place]) == 0
    assert main(["train", "clicks", "--epochs", "1", *place]) == 0
    return root / "library"


def run(library: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> dict:  # type: ignore[type-arg]
    capsys.readouterr()
    assert main([*arguments, "--library", str(library), "--json"]) == 0
    answer: dict = json.loads(capsys.readouterr().out)  # type: ignore[type-arg]
    return answer


def test_models(library: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (model,) = run(library, capsys, "models", "clicks")["models"]
    assert {"model_id", "created", "corpus_id", "ndcg"} <= set(model)


def test_users_by_drift_and_by_events(library: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for order in ("drift", "events"):
        users = run(library, capsys, "users", "clicks", "--sort", order)["users"]
        assert len(users) == 8
        assert set(users[0]) == {"user_id", "events", "first", "last", "drift"}
        values = [user[order] for user in users]
        assert values == sorted(values, reverse=True)


def test_trajectory(library: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = run(library, capsys, "trajectory", "clicks", "--user", "u1")
    assert answer["user_id"] == "u1"
    first, last = answer["steps"][0], answer["steps"][-1]
    assert set(first) == {
        "step",
        "timestamp",
        "item_id",
        "kind",
        "rating",
        "sentiment",
        "x",
        "y",
        "step_size",
        "next_rank",
        "profile",
    }
    assert first["step"] == 1 and first["step_size"] is None and last["next_rank"] is None
    assert sum(last["profile"].values()) == pytest.approx(1, abs=1e-4)


def test_recommend_at_a_step_and_at_a_day(
    library: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = run(library, capsys, "recommend", "clicks", "--user", "u1", "--k", "3")["items"]
    early = run(library, capsys, "recommend", "clicks", "--user", "u1", "--at", "2", "--k", "3")[
        "items"
    ]
    assert [item["rank"] for item in whole] == list(range(1, len(whole) + 1))
    assert set(early[0]) == {"rank", "item_id", "title", "score"}
    day = run(
        library, capsys, "recommend", "clicks", "--user", "u1", "--at", "2030-01-01", "--k", "3"
    )["items"]
    assert day == whole
    ease = run(library, capsys, "recommend", "clicks", "--user", "u1", "--recommender", "ease")
    assert ease["items"]


def test_evaluate_is_repeated_from_its_record(
    library: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = run(library, capsys, "evaluate", "clicks", "--k", "5")
    assert first["protocol"] == "leave-last-out" and first["users"] == 8
    row = first["results"][0]
    assert {"recommender", "ndcg", "ndcg_ci", "recall", "mrr", "coverage"} <= set(row)
    assert len(row["ndcg_ci"]) == 2
    assert run(library, capsys, "evaluate", "clicks", "--k", "5") == first


def test_a_refit_is_told_beside_the_figures_as_chosen(
    library: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = run(library, capsys, "evaluate", "clicks", "--k", "5")
    both = run(library, capsys, "evaluate", "clicks", "--k", "5", "--refit")
    assert "refit" not in plain and {**plain, "refit": both["refit"]} == both
    told = [row["recommender"] for row in plain["results"]]
    assert [row["recommender"] for row in both["refit"]] == told
    before = {row["log_probability"] for row in plain["results"]}
    assert not before & {row["log_probability"] for row in both["refit"]}
    refused = ["evaluate", "clicks", "--refit", "--protocol", "temporal"]
    assert main([*refused, "--library", str(library)]) == 2
    assert "leave-last-out only" in capsys.readouterr().err


def test_lists_of_ones_own_are_one_more_recommender(
    library: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    lists = tmp_path / "lists.csv"
    rows = [f"u{n},2023-11-14T00:00:00,{rank},i{rank}" for n in range(8) for rank in (1, 2)]
    lists.write_text("\n".join(["user_id,timestamp,rank,item_id", *rows, "u1,,1,i1"]))
    told = run(library, capsys, "import-lists", str(lists), "--name", "clicks", "--as", "mine")
    assert (told["accepted"], told["quarantined"], told["lists"]) == (16, 1, 8)
    answer = run(library, capsys, "evaluate", "clicks", "--k", "5")
    (row,) = [row for row in answer["results"] if row["recommender"] == "mine"]
    assert row["log_probability"] is None and row["ndcg"] is not None
    mine = library / "lists" / "clicks" / "mine.parquet"
    mine.write_bytes(b"PAR1 nonsense")
    answer = run(library, capsys, "evaluate", "clicks", "--k", "5")
    assert "mine" not in [row["recommender"] for row in answer["results"]]
    assert "damaged" in answer["cautions"][-1]
    mine.unlink()


def test_lists_of_all_users_can_be_imported(
    library: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    out = tmp_path / "lists.parquet"
    made = run(library, capsys, "recommend", "clicks", "--all", "--k", "3", "--out", str(out))
    assert (made["lists"], made["rows"], made["recommender"]) == (8, 24, "joint")
    told = run(library, capsys, "import-lists", str(out), "--name", "clicks", "--as", "made")
    assert (told["accepted"], told["quarantined"], told["lists"]) == (24, 0, 8)
    (library / "lists" / "clicks" / "made.parquet").unlink()


def test_evaluate_over_time(library: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = run(library, capsys, "evaluate", "clicks", "--protocol", "temporal")
    assert answer["protocol"] == "temporal"
    assert answer["targets"] > 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["recommend", "clicks", "--user", "nobody"], "nobody"),
        (["recommend", "clicks", "--user", "u1", "--at", "999"], "Choose a step from 1 to 15"),
        (["recommend", "clicks", "--user", "u1", "--at", "1999-01-01"], "later time"),
        (["recommend", "clicks", "--user", "u1", "--at", "soon"], "neither a step nor a time"),
        (["recommend", "clicks", "--user", "u1", "--recommender", "oracle"], "oracle"),
        (["recommend", "clicks", "--user", "u1", "--model", "abc"], "abc"),
        (["recommend", "clicks", "--all"], "belong together"),
        (["recommend", "clicks", "--all", "--user", "u1", "--out", "l.csv"], "Leave out --user"),
        (["recommend", "clicks", "--out", "l.csv"], "belong together"),
        (["trajectory", "nowhere", "--user", "u1"], "nowhere"),
        (["users", "clicks", "--sort", "height"], "drift or events"),
        (["evaluate", "clicks", "--protocol", "wishful"], "wishful"),
        (["train", "nowhere"], "nowhere"),
        (["train", "clicks", "--encoder", "/no/such/folder"], "/no/such/folder"),
        (["train", "clicks", "--epochs", "0"], "epochs"),
        (["train", "clicks", "--seed", "-1"], "--seed"),
        (["tune", "clicks", "--seed", "-1"], "--seed"),
        (["tune", "clicks", "--minutes", "inf"], "--minutes"),
        (["tune", "clicks", "--minutes", "nan"], "--minutes"),
        (["tune", "clicks", "--ray", "local", "--device", "cuda"], "Leave out --device"),
    ],
)
def test_mistakes_get_one_line_and_exit_2(
    library: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    capsys.readouterr()
    assert main([*arguments, "--library", str(library)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert says in captured.err
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err


def test_tuned_settings_are_tried_kept_and_trained_with(
    library: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    told = run(library, capsys, "tune", "clicks", "--minutes", "0.02")
    assert told["trials"][0]["setting"] == {}
    finished = [trial for trial in told["trials"] if trial["state"] == "done"]
    assert told["best_ndcg"] == max(trial["ndcg"] for trial in finished or told["trials"])
    assert Path(told["file"]).is_file()
    trained = run(library, capsys, "train", "clicks", "--tuned", "--epochs", "1")
    settings = tmp_path / "settings.json"
    settings.write_text(json.dumps({**told["config"], "epochs": 1}))
    again = run(library, capsys, "train", "clicks", "--config", str(settings))
    assert again["model_id"] == trained["model_id"]
    assert main(["train", "clicks", "--tuned", "--config", "x", "--library", str(library)]) == 2
    assert "Give one" in capsys.readouterr().err
