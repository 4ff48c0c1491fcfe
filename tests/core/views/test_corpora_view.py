"""What the library holds, and how an import went."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from core.corpus.importing import import_files
from core.corpus.store import Library
from core.model.metrics import Metrics, Score
from core.progress import Progress
from core.views.corpora import (
    build_job,
    build_models,
    corpora_table,
    import_sentence,
    name_for,
    reasons_table,
    refused_table,
    training_sentence,
)

GOOD = "u1,i1,2024-01-01,4\nu1,i2,2024-01-02,5\nu2,i1,2024-01-03,3\n"
BAD = "u2,i2,not a time,3\n,i3,2024-01-01,3\nu1,i1,2024-01-01,4\n"


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    path = tmp_path / "Shop of ours (2).csv"
    path.write_text("user_id,item_id,timestamp,rating\n" + GOOD + BAD, encoding="utf-8")
    return path


def test_an_import_report_accounts_for_every_row(csv: Path, tmp_path: Path) -> None:
    library = Library.open(tmp_path / "library")
    summary = import_files(library, "shop", [csv])
    assert import_sentence(summary.manifest) == (
        "Imported 3 of 6 rows: 2 users, 2 items. Quarantined 2 rows. Skipped 1 duplicate."
    )
    assert reasons_table(summary)["rows"].sum() == 2
    refused = refused_table(summary.refused)
    assert refused[["line", "field"]].values.tolist() == [[5, "timestamp"], [6, "user_id"]]


def test_the_library_lists_corpora_and_models(csv: Path, tmp_path: Path) -> None:
    library = Library.open(tmp_path / "library")
    import_files(library, "shop", [csv])
    folder = library.models_root("shop") / "abc123"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps({"created": "2026-03-04T05:06:07+00:00"}))
    row = corpora_table(library).set_index("name").loc["shop"]
    counts = ["users", "items", "events", "refused", "models"]
    assert row[counts].tolist() == [2, 2, 3, 2, 1]
    assert not row["simulated"]
    model = next(build_models(library, "shop"))
    assert (model.model_id, model.created, model.card) == (
        "abc123",
        "4 Mar 2026",
        "This model has no card.",
    )


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("Shop of ours (2).csv", "shop-of-ours-2"),
        ("reviews.jsonl.gz", "reviews"),
        ("评论.csv", "mine"),
    ],
)
def test_a_name_is_suggested_from_the_file(file: str, name: str) -> None:
    assert name_for([Path(file)]) == name


def test_a_job_says_where_it_stands() -> None:
    progress = Progress("training", 30, 120, 200.0, {"loss": 6.25, "validation NDCG@10": 0.0571})
    job = build_job(progress, stopping=False)
    assert job.share == 0.25
    assert job.sentence == "Training · 25\u202f% · about 3 min left"
    assert dict(job.figures) == {"loss": "6.25", "validation NDCG@10": "0.0571"}
    assert "stopping" in build_job(progress, stopping=True).sentence
    assert build_job(None, stopping=False).share == 0
    assert build_job(Progress("counting", 0, 0), stopping=False).share == 0
    assert build_job(Progress("counting", -1, 4), stopping=False).share == 0


@pytest.mark.parametrize(("joint", "said"), [(0.30, "20\u202f% above"), (0.20, "20\u202f% below")])
def test_a_new_model_is_held_against_the_best_baseline(joint: float, said: str) -> None:
    scores = {"joint": joint, "interest": 0.9, "popularity": 0.1, "item-knn": 0.25}
    results = tuple(Score(recommender=name, ndcg=ndcg) for name, ndcg in scores.items())
    sentence = training_sentence(Metrics(targets=40, results=results))
    assert said in sentence and "item-kNN" in sentence and "40 test targets" in sentence
    assert training_sentence(Metrics()) == ""
    unjudged = tuple(Score(recommender=name) for name in scores)
    assert training_sentence(Metrics(results=unjudged)) == ""
