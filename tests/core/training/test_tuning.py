"""A search that keeps what it tried, goes on from it, and hands over settings to train with."""

from __future__ import annotations

import json
import math
from dataclasses import fields, replace
from pathlib import Path

import pytest

from core.corpus.sampling import draw
from core.corpus.store import Corpus, Library
from core.domain import DomainError, Stopped
from core.encode.encoder import TextEncoder
from core.model.config import RANGES, InterestConfig
from core.progress import Progress
from core.training.tuning import (
    DECAYS,
    EARLIER,
    SPACE,
    TunedTrial,
    Tuning,
    _study,
    config_of,
    read_config_file,
    read_tuning,
    tune,
    tuning_file,
)

from ..conftest import SMALL

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
        read_tuning(shelf, shop_corpus, encoder.encoder_id)
    told, stop = few(3)
    with pytest.raises(Stopped):
        tune(shop_corpus, shelf, 5, 0, told.append, stop, encoder=encoder, base=ONE)
    kept = read_tuning(shelf, shop_corpus, encoder.encoder_id)
    assert [trial.state for trial in kept.trials] == ["done", "done", "cut"]
    assert kept.trials[0].setting == {}
    assert all(set(trial.setting) == set(SPACE) for trial in kept.trials[1:])
    assert kept.best.ndcg == max(trial.ndcg for trial in kept.trials[:2])
    assert told[-1].figures["best"] >= kept.best.ndcg

    told, stop = few(5)
    with pytest.raises(Stopped):
        tune(shop_corpus, shelf, 5, 0, told.append, stop, encoder=encoder, base=ONE)
    more = read_tuning(shelf, shop_corpus, encoder.encoder_id)
    assert more.trials[:3] == kept.trials
    assert len(more.trials) == 5

    path = tuning_file(shelf, shop_corpus.name)
    assert read_config_file(path) == more.config
    path.write_text("{}")
    with pytest.raises(DomainError, match="damaged"):
        read_tuning(shelf, shop_corpus, encoder.encoder_id)
    tune(shop_corpus, shelf, 0.0, encoder=encoder, base=ONE)
    assert [aside.read_text() for aside in path.parent.glob("*.damaged-*")] == ["{}"]


def test_the_time_is_kept_even_within_a_trial(
    shelf: Library, shop_corpus: Corpus, encoder: TextEncoder
) -> None:
    tuning_file(shelf, shop_corpus.name).unlink(missing_ok=True)
    found = tune(shop_corpus, shelf, 0.0, encoder=encoder, base=ONE)
    assert [trial.state for trial in found.trials] == ["cut"]
    assert read_tuning(shelf, shop_corpus, encoder.encoder_id) == found


def test_trials_of_other_content_are_not_used(
    shelf: Library, shop_corpus: Corpus, encoder: TextEncoder
) -> None:
    path = tuning_file(shelf, shop_corpus.name)
    other = Tuning(shop_corpus.name, "other", "enc", 0, (TunedTrial({}, 0.5, 1, 1.0, "done"),))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(other.facts()))
    with pytest.raises(DomainError, match="other content"):
        read_tuning(shelf, shop_corpus, encoder.encoder_id)
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
        ('{"window": 0}', "window can't be 0 .*whole number from 2 to 100,000"),
        ('{"dim": -3}', "dim can't be -3 .*from 1 to 4,096"),
        ('{"dim": 1000000000}', "dim can't be 1000000000"),
        ('{"dropout": 2.0}', "dropout can't be 2.0 .*a number from 0 to 0.99"),
        ('{"decays": []}', "decays can't be .* 1 to 8 numbers, each from 0.001 to 0.999"),
        ('{"decays": ["a"]}', "decays can't be"),
        ('{"decays": [0.5, 1.0]}', "decays can't be"),
        ('{"learning_rate": NaN}', "learning_rate can't be nan"),
        ('{"epochs": 0}', "epochs can't be 0"),
        ('{"epochs": 2.0}', "epochs can't be 2.0"),
        ('{"seed": -1}', "seed can't be -1 .*from 0 to 4,294,967,295"),
        ('{"clip": 1' + "0" * 400 + "}", "clip can't be 10*…"),
        ("[" * 100_000, "can't be read"),
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


def test_every_setting_has_a_range_that_holds_its_default_and_what_is_searched() -> None:
    assert set(RANGES) == {field.name for field in fields(InterestConfig)}
    assert InterestConfig.checked(InterestConfig().to_json()) == InterestConfig()
    for name, space in SPACE.items():
        for end in (
            DECAYS.values()
            if name == "decays"
            else getattr(space, "choices", None) or (space.low, space.high)
        ):
            InterestConfig.checked({name: list(end) if name == "decays" else end})


@pytest.mark.parametrize(("minutes", "seed"), [(math.inf, 0), (math.nan, 0), (-1.0, 0), (1.0, -1)])
def test_no_search_without_end_or_with_a_seed_that_is_none(
    shelf: Library, shop_corpus: Corpus, encoder: TextEncoder, minutes: float, seed: int
) -> None:
    with pytest.raises(DomainError, match="can't"):
        tune(shop_corpus, shelf, minutes, seed, encoder=encoder, base=ONE)


def test_another_seed_keeps_what_was_tried_and_trials_tell_their_seed(
    shelf: Library, shop_corpus: Corpus, encoder: TextEncoder
) -> None:
    path = tuning_file(shelf, shop_corpus.name)
    best = TunedTrial({}, 0.9, 1, 1.0, "done", seed=3)
    ids = (shop_corpus.name, shop_corpus.corpus_id, encoder.encoder_id)
    facts = Tuning(*ids, 3, (best,)).facts()
    del facts["trials"][0]["seed"]  # as files were written before trials had one
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(facts))
    found = tune(shop_corpus, shelf, 0.0, 5, encoder=encoder, base=ONE)
    assert found.trials == (best,)
    told, stop = few(2)
    with pytest.raises(Stopped):
        tune(shop_corpus, shelf, 5, 5, told.append, stop, encoder=encoder, base=ONE)
    kept = read_tuning(shelf, shop_corpus, encoder.encoder_id)
    assert kept.trials[0] == best and kept.config.seed == 3
    assert (kept.trials[1].seed, kept.trials[1].setting) == (5, {})
    with pytest.raises(DomainError, match="another encoder"):
        read_tuning(shelf, shop_corpus, "other")


def test_a_sample_of_users_has_trials_of_its_own(
    shelf: Library, shop_corpus: Corpus, encoder: TextEncoder
) -> None:
    path = tuning_file(shelf, shop_corpus.name)
    ids = (shop_corpus.name, shop_corpus.corpus_id, encoder.encoder_id)
    whole = Tuning(*ids, 0, (TunedTrial({}, 0.9, 1, 1.0, "done"),))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(whole.facts()))
    some = draw(shop_corpus, len(shop_corpus.user_ids) // 2, 0)
    assert some.sample is not None
    for trials in (1, 2):
        found = tune(some, shelf, 0.0, encoder=encoder, base=ONE)
        assert len(found.trials) == 1, trials
    kept = read_tuning(shelf, shop_corpus, encoder.encoder_id)
    assert (kept.sample, kept.trials) == (some.sample, found.trials)
    assert json.loads((path.parent / EARLIER).read_text())["trials"][0]["ndcg"] == 0.9


def test_trials_of_a_version_that_searched_fewer_settings_are_still_known() -> None:
    setting = {
        name: value
        for name, value in InterestConfig().to_json().items()
        if name in SPACE and name not in ("text_dropout", "review_to_query")
    } | {"decays": "two"}
    trial = TunedTrial(setting, 0.1, 3, 1.0, "done")
    [known] = _study(Tuning("shop", "id", "encoder", 0, (trial,))).trials
    assert known.value == 0.1
    assert known.params["review_to_query"] == InterestConfig().review_to_query
