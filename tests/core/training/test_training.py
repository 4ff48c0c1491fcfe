"""From a corpus to a model folder: whole, plain, repeatable, and blind to test events."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import load_file

from core.corpus.importing import import_files
from core.corpus.split import leave_last_out
from core.corpus.store import Corpus, Library
from core.domain import DomainError, Stopped
from core.encode.encoder import TextEncoder
from core.engine import Engine
from core.evaluate.importing_lists import import_lists
from core.evaluate.protocols import find_report, with_served
from core.model.folder import EVALUATION
from core.recommend.baseline import save_baselines
from core.training.training import evaluate_model, fit_recommenders, train

from ..conftest import SMALL, small_corpus

MADE = datetime(2026, 1, 1, tzinfo=UTC)


def test_the_folder_is_complete_and_plain(model_folder: Path, shop_corpus: Corpus) -> None:
    files = {path.name for path in model_folder.rglob("*") if path.is_file()}
    assert {
        "config.json",
        "model.safetensors",
        "items.parquet",
        "map.safetensors",
        "sentiment.safetensors",
        "metrics.json",
        "evaluation.safetensors",
        "README.md",
    } <= files
    plain = {".json", ".safetensors", ".parquet", ".md"}
    assert {Path(name).suffix for name in files - {"SHA256SUMS"}} <= plain
    config = json.loads((model_folder / "config.json").read_text())
    assert config["model_id"] == model_folder.name
    assert config["corpus_id"] == shop_corpus.corpus_id
    items = pd.read_parquet(model_folder / "items.parquet")
    assert tuple(items["item_id"]) == shop_corpus.item_ids


def test_the_card_tells_corpus_quality_and_limits(model_folder: Path) -> None:
    card = (model_folder / "README.md").read_text()
    metrics = json.loads((model_folder / "metrics.json").read_text())
    for row in metrics["results"]:
        assert f"{row['ndcg']:.4f}" in card
    assert {"joint", "interest", "popularity", "item-knn", "ease"} <= {
        row["recommender"] for row in metrics["results"]
    }
    for heading in ("Corpus and split", "Quality", "Sentiment", "Map and time", "Limits"):
        assert heading in card


def test_the_evaluation_is_at_hand_without_asking_again(
    model_folder: Path, shop_corpus: Corpus, shelf: Library
) -> None:
    metrics = json.loads((model_folder / "metrics.json").read_text())
    found = find_report(shop_corpus, shelf, model_folder)
    assert found is not None
    told = {row["recommender"]: row["ndcg"] for row in metrics["results"]}
    assert {name: found.figures(name)["ndcg"] for name in told} == pytest.approx(told)
    assert find_report(shop_corpus, shelf, model_folder, "temporal") is None


def test_an_evaluation_over_time_says_which_fold_it_is_at(
    model_folder: Path, shop_corpus: Corpus, shelf: Library
) -> None:
    told: list[str] = []
    with pytest.raises(Stopped):
        evaluate_model(
            shop_corpus,
            shelf,
            model_folder,
            "temporal",
            progress=lambda report: told.append(report.stage),
            stop=lambda: bool(told),
        )
    assert told[0].startswith("Fold 1 of 3 · ")


def test_a_report_asked_for_later_knows_what_training_knew(
    model_folder: Path, shop_corpus: Corpus, shelf: Library, tmp_path: Path
) -> None:
    """Lists of 10 are judged in training, lists of 5 afterwards: their tops are the same lists."""
    made = find_report(shop_corpus, shelf, model_folder)
    asked = evaluate_model(shop_corpus, shelf, model_folder, k=5)
    assert made is not None
    for early, late in zip(made.results, asked.results, strict=True):
        np.testing.assert_array_equal(early.lists[:, :5], late.lists)
        np.testing.assert_allclose(early.rank, late.rank)
        assert np.isfinite(late.diversity).all()
    forgetful = tmp_path / "models" / model_folder.name
    shutil.copytree(model_folder, forgetful, ignore=shutil.ignore_patterns(EVALUATION))
    whole = evaluate_model(shop_corpus, shelf, forgetful)
    for early, again in zip(made.results, whole.results, strict=True):
        np.testing.assert_allclose(early.diversity, again.diversity, atol=1e-5)


def test_served_lists_are_as_diverse_as_the_same_lists_of_a_recommender(
    model_folder: Path, shop_corpus: Corpus, shelf: Library, tmp_path: Path
) -> None:
    report = find_report(shop_corpus, shelf, model_folder)
    assert report is not None
    rows = [
        (user, shop_corpus.history(user).events[step - 1].timestamp, rank, shop_corpus.item_ids[at])
        for user, step, items in zip(
            report.users, report.steps, report.results[0].lists, strict=True
        )
        for rank, at in enumerate(items, start=1)
    ]
    path = tmp_path / "lists.csv"
    pd.DataFrame(rows, columns=["user_id", "timestamp", "rank", "item_id"]).to_csv(path)
    import_lists(shop_corpus, shelf, path, "copied")
    ((copied,), damaged) = with_served(report, shop_corpus, shelf, model_folder)[1:]
    assert (copied.unserved, damaged) == (0, ())
    np.testing.assert_allclose(copied.result.diversity, report.results[0].diversity, atol=1e-5)


def test_the_same_seed_gives_the_same_bytes(
    shelf: Library, shop_corpus: Corpus, encoder: TextEncoder, tmp_path: Path
) -> None:
    one = train(shop_corpus, shelf, SMALL, encoder=encoder, target=tmp_path / "a", created=MADE)
    two = train(shop_corpus, shelf, SMALL, encoder=encoder, target=tmp_path / "b", created=MADE)
    assert one.name == two.name
    for path in sorted(one.rglob("*")):
        if path.is_file():
            assert path.read_bytes() == (two / path.relative_to(one)).read_bytes(), path.name


def test_nothing_is_learned_from_test_events(
    shelf: Library, shop_corpus: Corpus, encoder: TextEncoder, tmp_path: Path
) -> None:
    """Other words, ratings and items in every user's last event: the same must be learned."""
    marked = small_corpus(shelf, "marked", change="zzmarker utterly dreadful zzmarker")
    learned = [
        fit_recommenders(corpus, leave_last_out(corpus.events), shelf, SMALL, encoder)
        for corpus in (shop_corpus, marked)
    ]
    one, two = learned
    for name in ("item", "user", "time", "item_vectors"):
        assert np.array_equal(getattr(one.data, name), getattr(two.data, name)), name
    assert np.array_equal(one.prepared.item_text, two.prepared.item_text)
    words = {event.words for case in two.data.validation for event in case.history.events}
    assert words and not any("zzmarker" in text for text in words)
    assert np.array_equal(one.interest.item_vectors, two.interest.item_vectors)
    assert np.array_equal(one.interest.item_bias, two.interest.item_bias)
    for name, value in one.fit.network.state_dict().items():
        assert np.array_equal(value.numpy(), two.fit.network.state_dict()[name].numpy()), name
    assert np.array_equal(
        one.prepared.encoder.sentiment.weight, two.prepared.encoder.sentiment.weight
    )
    assert not any("zzmarker" in words for words in two.prepared.item_words)
    for name, value in one.joint.tensors.items():
        assert np.array_equal(value, two.joint.tensors[name]), name
    assert np.array_equal(one.joint.item_counts, two.joint.item_counts)
    for trained, folder in ((one, tmp_path / "one"), (two, tmp_path / "two")):
        save_baselines(trained.baselines, folder)
        trained.joint.save(folder)
    for path in sorted((tmp_path / "one").iterdir()):
        assert path.read_bytes() == (tmp_path / "two" / path.name).read_bytes(), path.name


def test_a_stopped_training_leaves_nothing(
    shelf: Library, shop_corpus: Corpus, encoder: TextEncoder, tmp_path: Path
) -> None:
    stages: list[str] = []

    def stop() -> bool:
        return bool(stages) and stages[-1].startswith("Drawing")

    with pytest.raises(Stopped):
        train(
            shop_corpus,
            shelf,
            replace(SMALL, epochs=1),
            progress=lambda at: stages.append(at.stage),
            stop=stop,
            encoder=encoder,
            target=tmp_path,
        )
    assert list(tmp_path.iterdir()) == []


def test_a_corpus_without_text_or_categories_trains(
    shelf: Library, encoder: TextEncoder, tmp_path: Path
) -> None:
    lines = ["user_id,item_id,timestamp,kind"]
    lines += [f"u{n % 9},i{(n * n) % 13},{1_700_000_000 + 7000 * n},view" for n in range(150)]
    path = tmp_path / "clicks.csv"
    path.write_text("\n".join(lines))
    import_files(shelf, "clicks", [path])
    corpus = shelf.corpus("clicks")
    folder = train(corpus, shelf, replace(SMALL, epochs=1), encoder=encoder)
    engine = Engine.open(corpus, folder, shelf)
    assert engine.topics.source == "cluster"
    trajectory = engine.trajectory(corpus.history("u1"))
    assert np.isnan(trajectory.sentiment).all()
    assert np.allclose(trajectory.profile.sum(1), 1, atol=1e-5)
    card = (folder / "README.md").read_text()
    assert "no rated held-out reviews" in card


def test_too_few_events_are_a_clear_error(
    shelf: Library, encoder: TextEncoder, tmp_path: Path
) -> None:
    path = tmp_path / "two.csv"
    path.write_text("user_id,item_id,timestamp\nu,i,2024-01-01\nu,j,2024-01-02\n")
    import_files(shelf, "two", [path])
    with pytest.raises(DomainError, match="no events to learn from"):
        train(shelf.corpus("two"), shelf, SMALL, encoder=encoder)


def test_a_damaged_folder_is_named(
    model_folder: Path, shop_corpus: Corpus, shelf: Library, tmp_path: Path
) -> None:
    for path in model_folder.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    weights = load_file(tmp_path / "model.safetensors")
    assert weights
    (tmp_path / "model.safetensors").write_bytes(b"\x00" * 100)
    with pytest.raises(DomainError, match="damaged"):
        Engine.open(shop_corpus, tmp_path, shelf)
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(DomainError, match=r"config\.json"):
        Engine.open(shop_corpus, tmp_path, shelf)


def test_a_model_of_other_content_is_refused(
    model_folder: Path, shelf: Library, shop_corpus: Corpus
) -> None:
    other = small_corpus(shelf, "other", change="other words")
    with pytest.raises(DomainError, match="other content"):
        Engine.open(other, model_folder, shelf)
