"""A search that keeps what it tried, goes on from it, and hands over settings to train with."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from core.corpus.store import Corpus, Library
from core.domain import DomainError, Stopped
from core.encode.encoder import TextEncoder
from core.model.config import InterestConfig
from core.model.tuning import (
    SPACE,
    TunedTrial,
    Tuning,
    config_of,
    read_config_file,
    read_tuning,
    tune,
    tuning_file,
)
from core.progress import Progress

from .conftest import SMALL

ONE = replace(SMALL, epochs=1)


def few(n: int) -> tuple[list[Progress], object]:
    """Callbacks that stop a search after its n-th trial has begun."""
    told: list[Progress] = []
    return told, lambda: bool(told) and told[-1].figures.get("trial", 0) >= n


def test_the_default_comes_first_and_what_was_tried_is_kept(
    shelf: Library, shop_corpus: Corpus, encoder: TextEncoder
) -> None:
    tuning_file(shelf, shop_corpus.name).unlink(missing_ok=True)
    with pytest.raises(DomainError, match="was not tuned"):
        read_tuning(shelf, shop_corpus)
    told, stop = few(3)
    with pytest.raises(Stopped):
        tune(shop_corpus, shelf, 5, 0, told.append, stop, encoder=encoder, base=ONE)
    kept = read_tuning(shelf, shop_corpus)
    assert [trial.state for trial in kept.trials] == ["done", "done", "cut"]
    assert kept.trials[0].setting == {}
    assert all(set(trial.setting) == set(SPACE) for trial in kept.trials[1:])
    assert kept.best.ndcg == max(trial.ndcg for trial in kept.trials[:2])
    assert told[-1].figures["best"] >= kept.best.ndcg

    told, stop = few(5)
    with pytest.raises(Stopped):
        tune(shop_corpus, shelf, 5, 0, told.append, stop, encoder=encoder, base=ONE)
    more = read_tuning(shelf, shop_corpus)
    assert more.trials[:3] == kept.trials
    assert len(more.trials) == 5

    path = tuning_file(shelf, shop_corpus.name)
    assert read_config_file(path) == more.config
    path.write_text("{}")
    with pytest.raises(DomainError, match="damaged"):
        read_tuning(shelf, shop_corpus)


def test_the_time_is_kept_even_within_a_trial(
    shelf: Library, shop_corpus: Corpus, encoder: TextEncoder
) -> None:
    tuning_file(shelf, shop_corpus.name).unlink(missing_ok=True)
    found = tune(shop_corpus, shelf, 0.0, encoder=encoder, base=ONE)
    assert [trial.state for trial in found.trials] == ["cut"]
    assert read_tuning(shelf, shop_corpus) == found


def test_trials_of_other_content_are_not_used(
    shelf: Library, shop_corpus: Corpus, encoder: TextEncoder
) -> None:
    path = tuning_file(shelf, shop_corpus.name)
    other = Tuning(shop_corpus.name, "other", "enc", 0, (TunedTrial({}, 0.5, 1, 1.0, "done"),))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(other.facts()))
    with pytest.raises(DomainError, match="other content"):
        read_tuning(shelf, shop_corpus)
    found = tune(shop_corpus, shelf, 0.0, encoder=encoder, base=ONE)
    assert len(found.trials) == 1 and found.corpus_id == shop_corpus.corpus_id


def test_a_cut_trial_wins_only_among_cut_ones() -> None:
    cut, done = TunedTrial({}, 0.9, 1, 1.0, "cut"), TunedTrial({"dim": 64}, 0.5, 9, 1.0, "done")
    assert Tuning("c", "i", "e", 0, (cut, done)).best == done
    assert Tuning("c", "i", "e", 0, (cut,)).best == cut


def test_a_setting_becomes_a_configuration() -> None:
    config = config_of({"dim": 64, "decays": "three", "dropout": 0.1}, seed=3)
    assert (config.dim, config.dropout, config.seed) == (64, 0.1, 3)
    assert len(config.decays) == 3


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("[1]", "not a JSON object"),
        ("{", "can't be read"),
        ('{"dimension": 3}', "unknown field 'dimension'"),
        ('{"dim": "many"}', "dim can't be 'many'"),
        ('{"dropout": true}', "dropout can't be True"),
    ],
)
def test_settings_that_are_none_are_named(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "settings.json"
    path.write_text(content)
    with pytest.raises(DomainError, match=says):
        read_config_file(path)


def test_some_settings_leave_the_others_at_their_default(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text('{"dim": 64, "dropout": 0}')
    assert read_config_file(path) == replace(InterestConfig(), dim=64, dropout=0)
