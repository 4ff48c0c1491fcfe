"""The verbs compare and turnover on the shipped demo: shapes as agreed, mistakes in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from core.cli import main
from core.corpus.store import Library
from core.evaluate.served import HEADER, lists_path


@pytest.fixture(scope="module")
def user() -> str:
    corpus = Library.open().corpus("demo")
    counts = corpus.user_starts[1:] - corpus.user_starts[:-1]
    return corpus.user_ids[int(counts.argmax())]


def run(capsys: pytest.CaptureFixture[str], library: Path, *arguments: str) -> dict:
    capsys.readouterr()
    code = main([*arguments, "--library", str(library), "--json"])
    said = capsys.readouterr()
    assert code == 0, said.err
    answer: dict = json.loads(said.out)
    return answer


def test_compare_two_times_in_the_short_form(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, user: str
) -> None:
    answer = run(capsys, tmp_path, "compare", "demo", "--user", user, "--at", "5", "--at", "7")
    assert [column["step"] for column in answer["columns"]] == [5, 7]
    (overlap,) = answer["overlap"]
    assert set(overlap) == {"a", "b", "jaccard", "rbo", "kendall"}
    for move in answer["moves"]:
        assert move["from"] != move["to"]
        assert move["cause"]["kind"] in {"event", "clock", "eligibility", "others"}
        assert move["cause"]["step"] in {6, 7, None}
    same = run(capsys, tmp_path, "compare", "demo", *(
        word for at in (5, 7) for word in ("--column", f"user={user},at={at}")
    ))  # fmt: skip
    assert same == answer


def test_no_cause_between_recommenders(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, user: str
) -> None:
    columns = [
        word
        for name in ("ease", "interest", "content")
        for word in ("--column", f"user={user},at=9,recommender={name}")
    ]
    answer = run(capsys, tmp_path, "compare", "demo", *columns, "--k", "5")
    assert [column["recommender"] for column in answer["columns"]] == [
        "ease",
        "interest",
        "content",
    ]
    assert [(o["a"], o["b"]) for o in answer["overlap"]] == [(0, 1), (0, 2), (1, 2)]
    assert answer["moves"] and all(move["cause"] is None for move in answer["moves"])
    assert all(len(column["items"]) == 5 for column in answer["columns"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--column", "user=U,when=3", "--column", "user=U"], "'when' is no key"),
        (["--column", "at=3", "--column", "user=U"], "needs user="),
        (["--column", "user=U"], "2 to 6 columns, not 1"),
        (["--user", "U", "--at", "3"], "2 to 6 columns, not 1"),
        ([], "nothing to compare"),
        (["--column", "user=U", "--user", "U", "--at", "3"], "can't be mixed"),
        (["--user", "nobody", "--at", "1", "--at", "2"], "no user 'nobody'"),
        (["--user", "U", "--at", "1", "--at", "9999"], "step 9999 does not exist"),
        (["--user", "U", "--at", "1", "--at", "2", "--recommender", "x"], "imported lists 'x'"),
        (["--column", "user=U", "--column", "user=U,scenario=gone"], "'gone'"),
    ],
)
def test_a_mistake_is_one_line(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, user: str, arguments: list[str], said: str
) -> None:
    named = [a.replace("user=U", f"user={user}") if "=" in a else a for a in arguments]
    named = [user if a == "U" else a for a in named]
    assert main(["compare", "demo", *named, "--library", str(tmp_path)]) == 2
    output = capsys.readouterr()
    assert said in output.err and output.err.count("\n") == 1 and not output.out


def test_turnover_is_measured_once(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    arguments = ["turnover", "demo", "--recommender", "popularity"]
    answer = run(capsys, tmp_path, *arguments)
    assert answer["recommender"] == "popularity" and answer["by_events"][0]["from"] == 1
    assert len(answer["most_changed"]) == 10
    (stored,) = tmp_path.rglob("*.safetensors")
    before = stored.stat().st_mtime_ns
    assert run(capsys, tmp_path, *arguments) == answer
    assert stored.stat().st_mtime_ns == before


def test_served_lists_of_other_content_are_said(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, user: str
) -> None:
    event = Library.open().corpus("demo").history(user).events[4]
    lists = tmp_path / "lists.csv"
    lists.write_text(
        f"user_id,timestamp,rank,item_id\n{user},{event.timestamp.isoformat()},1,{event.item_id}\n"
    )
    run(capsys, tmp_path, "import-lists", str(lists), "--name", "demo", "--as", "mine")
    columns = ("--column", f"user={user},at=9", "--column", f"user={user},at=9,recommender=mine")
    assert run(capsys, tmp_path, "compare", "demo", *columns)["cautions"] == []
    kept = lists_path(Library.open(tmp_path), "demo", "mine")
    table = pq.read_table(kept)
    facts = json.loads(table.schema.metadata[HEADER]) | {"corpus_id": "former", "seal": ""}
    pq.write_table(table.replace_schema_metadata({HEADER: json.dumps(facts)}), kept)
    (said,) = run(capsys, tmp_path, "compare", "demo", *columns)["cautions"]
    assert "mine" in said and "corpus has changed" in said
