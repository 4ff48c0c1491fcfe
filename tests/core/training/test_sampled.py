"""A model of a sample of users: nothing of the others is learned, and they are served all the same.

Every verb answers about a user of the sample and about another one.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core.arrays import FloatArray
from core.cli import main
from core.cohorts.everyone import measure_everyone
from core.cohorts.states import words_of
from core.cohorts.store import Cohort, CohortStore
from core.compare.turnover import read_turnover
from core.corpus.appending import append_files
from core.corpus.corpus import Corpus
from core.corpus.events import EventSource
from core.corpus.importing import import_files
from core.corpus.models import sample_of
from core.corpus.sampling import among, draw
from core.corpus.store import Library
from core.domain import Columns, DomainError, Part
from core.encode.encoder import TextEncoder
from core.engine import Engine
from core.evaluate.protocols import find_report, splits
from core.evaluate.windows import REGIMES, WindowsReport
from core.evaluate.windows import Asked as AskedWindow
from core.files import SUMS, Damaged
from core.measure.windows import calendar_windows
from core.model.folder import read_config, read_users
from core.model.metrics import read_metrics
from core.training.training import train
from core.training.updating import update
from core.turns.stored import read_turns
from core.views.cohorts.sentences import saved_sentence
from core.views.timeline.build import build_timeline

from ..conftest import SMALL
from .test_updating import QUICK

USERS, SEED = 14, 0
SAID = "Trained on 14 of 22 users, drawn at random (seed 0)."


@pytest.fixture(scope="module")
def quick_maps() -> Iterator[None]:
    def flat(directions: FloatArray, seed: int, epochs: object = None) -> FloatArray:
        return np.ascontiguousarray(directions[:, :2])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("core.interest_map.projection._umap", flat)
        yield


@pytest.fixture(scope="module")
def files(shop_corpus: Corpus, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Old events of 22 users, and what came later, with two further users and their copies."""
    root = tmp_path_factory.mktemp("files")
    names = {Columns.Title: "item_title", Columns.Category: "category"}
    about = shop_corpus.items[[Columns.Item, *names]].rename(columns=names)
    events = shop_corpus.events.merge(about, on=Columns.Item)
    known = events[Columns.User].isin(shop_corpus.user_ids[:22])
    is_old = known & (events[Columns.Time] <= events[Columns.Time].quantile(0.85))
    events[is_old].to_csv(root / "old.csv", index=False)
    copies = [
        events[~known].assign(user_id=events[Columns.User] + f"-{number}") for number in range(20)
    ]
    pd.concat([events[~is_old], *copies]).to_csv(root / "new.csv", index=False)
    return root / "old.csv", root / "new.csv"


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory, measured: Path) -> Library:
    library = Library.open(tmp_path_factory.mktemp("sampled") / "library")
    library.root.mkdir()
    shutil.copy(measured, library.root)
    return library


@pytest.fixture(scope="module")
def whole(library: Library, files: tuple[Path, Path]) -> Corpus:
    import_files(library, "shop", [files[0]])
    return library.corpus("shop")


@pytest.fixture(scope="module")
def folder(library: Library, whole: Corpus, encoder: TextEncoder, quick_maps: None) -> Path:
    return train(draw(whole, USERS, SEED), library, SMALL, encoder=encoder)


@pytest.fixture(scope="module")
def engine(library: Library, whole: Corpus, folder: Path) -> Engine:
    measure_everyone(library, whole, folder)
    return Engine.open(whole, folder, library)


def of_usual_length(corpus: Corpus, users: Sequence[str]) -> str:
    return min(users, key=lambda user: abs(len(corpus.history(user)) - 9))


@pytest.fixture(scope="module")
def inside(engine: Engine) -> str:
    return of_usual_length(engine.corpus, engine.corpus.user_ids)


@pytest.fixture(scope="module")
def outside(engine: Engine, whole: Corpus) -> str:
    left_out = [user for user in whole.user_ids if engine.corpus.leaves_out(user)]
    assert len(left_out) == 22 - USERS
    return of_usual_length(whole, left_out)


def test_the_model_says_whom_it_was_trained_on(
    engine: Engine, folder: Path, whole: Corpus, library: Library
) -> None:
    config, metrics = read_config(folder), read_metrics(folder)
    assert config.sample is not None and metrics is not None
    assert (config.sample.users, config.sample.of, config.sample.seed) == (USERS, 22, SEED)
    assert SAID in (folder / "README.md").read_text()
    sampled = draw(whole, USERS, SEED)
    assert tuple(read_users(folder, sampled)[Columns.User]) == sampled.user_ids
    report = find_report(engine.corpus, library, folder)
    assert report is not None and set(report.users) <= set(sampled.user_ids)
    counts = np.bincount(
        sampled.event_items[sampled.parts == Part.TRAIN], minlength=len(whole.item_ids)
    )
    np.testing.assert_array_equal(engine.training_counts, counts)
    turns, turnover = read_turns(library, engine), read_turnover(library, engine, "joint")
    assert turns is not None and turnover is not None
    assert tuple(turns.of) == turnover.user_ids == sampled.user_ids


def test_nothing_is_learned_from_users_outside_of_the_sample(
    library: Library,
    whole: Corpus,
    folder: Path,
    encoder: TextEncoder,
    tmp_path: Path,
    quick_maps: None,
) -> None:
    events = whole.events.copy()
    other = ~events[Columns.User].isin(draw(whole, USERS, SEED).user_ids)
    events.loc[other, Columns.Rating] = np.float32(1)
    events.loc[other, Columns.Text] = "dreadful"
    events.loc[other, Columns.Item] = whole.item_ids[0]
    room = Library.open(tmp_path)
    scale = whole.manifest.rating_scale
    changed = room.write("shop", events, whole.items, rating_scale=scale)
    cache = library.root / "vectors.sqlite"
    if cache.exists():
        shutil.copy(cache, room.root)
    again = train(draw(changed, USERS, SEED), room, SMALL, encoder=encoder)
    same = ["model.safetensors", "map.safetensors", "items.parquet", "users.parquet"]
    for name in (*same, "recommenders/joint.safetensors", "sentiment.safetensors"):
        assert (again / name).read_bytes() == (folder / name).read_bytes(), name


def test_all_users_make_the_model_that_no_sample_makes(
    tmp_path: Path, quick_maps: None, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [f"u{n % 40:02},i{(n % 40 + n // 40) % 9},{10**9 + n * 10**5}" for n in range(240)]
    path, place = tmp_path / "clicks.csv", ["--library", str(tmp_path / "library")]
    path.write_text("\n".join(["user_id,item_id,timestamp", *rows]) + "\n")
    assert main(["import", str(path), "--name", "clicks", *place]) == 0
    made: list[dict[str, bytes]] = []
    for more in ([], ["--users", "40"], ["--users", "1000"]):
        capsys.readouterr()
        assert main(["train", "clicks", "--epochs", "1", "--json", *more, *place]) == 0
        facts = json.loads(capsys.readouterr().out)
        assert "trained_on" not in facts
        home = tmp_path / "library" / "models" / "clicks" / facts["model_id"]
        assert "sample" not in json.loads((home / "config.json").read_text())
        timed = ("metrics.json", "config.json", "README.md", SUMS)
        kept = [file for file in home.rglob("*") if file.is_file() and file.name not in timed]
        made.append({str(file.relative_to(home)): file.read_bytes() for file in kept})
        shutil.rmtree(home)
    assert len(made[0]) > 6 and made[0] == made[1] == made[2]


def test_whoever_is_outside_is_followed_as_everybody(
    engine: Engine, whole: Corpus, inside: str, outside: str
) -> None:
    for user in (inside, outside):
        view = build_timeline(engine, user)
        assert len(view.steps) == len(whole.history(user))
        is_learned = [step.part is Part.TRAIN for step in view.steps]
        assert any(is_learned) == (user == inside)
        assert (SAID in view.outside) == (user == outside)
        assert len(engine.recommend(whole.history(user)).items) == 10
    assert np.isfinite(engine.trajectory(whole.history(outside)).x).all()


ABOUT_ONE = """
trajectory shop --user USER
recommend shop --user USER
explain shop --user USER --item ITEM --words none --beside OTHER
whatif shop --user USER --edits EDITS
search-edits shop --user USER --item ITEM --goal in
compare shop --user USER --at 1 --at 3
compare shop --column user=USER,at=2 --column user=OTHER,at=2
turns shop --user USER
report shop --user USER --out OUT.html
"""
ABOUT_ALL = """
users shop
evaluate shop
evaluate shop --protocol temporal
evaluate shop --refit
cohort shop --rule least_events=3
cohort shop --rule least_events=3 --save many
monitor shop
monitor shop --cohort many
turnover shop
turns shop
map shop
scorecard shop --users 2
whatif shop --cohort many --pattern do=delete&kind=review
report shop --out OUT.html
recommend shop --all --out LISTS.parquet
models shop
strategy shop
doctor --deep
"""
QUIET = ("models", "strategy", "doctor")
"""Verbs that open no model."""


@pytest.mark.parametrize("line", ABOUT_ONE.strip().splitlines())
@pytest.mark.parametrize("who", ["inside", "outside"])
def test_verbs_about_one_user(
    line: str,
    who: str,
    engine: Engine,
    inside: str,
    outside: str,
    library: Library,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    user, other = (inside, outside) if who == "inside" else (outside, inside)
    edits = tmp_path / "edits.json"
    edits.write_text(json.dumps([{"op": "delete", "step": 2}]))
    item = engine.recommend(engine.corpus.history(user)).items[4].item_id
    words = {"USER": user, "OTHER": other, "ITEM": item, "EDITS": edits, "OUT": tmp_path / "out"}
    for name, value in words.items():
        line = line.replace(name, str(value))
    assert main([*line.split(), "--library", str(library.root)]) == 0, line
    assert SAID in capsys.readouterr().err


@pytest.mark.parametrize("line", ABOUT_ALL.strip().splitlines())
def test_verbs_about_all_users(
    line: str,
    engine: Engine,
    whole: Corpus,
    library: Library,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    verb, lists = line.split()[0], tmp_path / "lists.parquet"
    line = line.replace("OUT", str(tmp_path / "out")).replace("LISTS.parquet", str(lists))
    code = main([*line.split(), "--library", str(library.root)])
    said = capsys.readouterr()
    assert code in ((0, 1) if verb == "monitor" else (0,)), said.err
    assert SAID in said.out + said.err or verb in ("strategy", "doctor")
    if lists.exists():
        assert set(pd.read_parquet(lists)["user_id"]) == set(whole.user_ids)


def test_windows_say_the_sample(
    engine: Engine,
    library: Library,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    users, gains = tuple("abcd"), np.full(4, 0.5)
    asked = tuple(AskedWindow(users, {(name, at): gains for name in REGIMES}) for at in range(2))
    held = (AskedWindow(users, {(name, 1): gains for name in REGIMES}), AskedWindow((), {}))
    seconds = dict.fromkeys(REGIMES, (1.0, 1.0))
    names, days = ("2024-01", "2024-02"), ("2024-01-01", "2024-02-01")
    report = WindowsReport("joint", 10, names, days, (9, 9), asked, held, seconds)
    monkeypatch.setattr("core.training.windows.evaluate_windows", lambda *rest, **more: report)
    line = ["evaluate", "shop", "--protocol", "windows", "--library", str(library.root)]
    assert main(line) == 0
    assert SAID in capsys.readouterr().out
    assert main([*line, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["trained_on"]["users"] == USERS


def test_lists_of_users_outside_are_said(
    engine: Engine,
    library: Library,
    inside: str,
    outside: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    item, place = engine.corpus.item_ids[0], ["--library", str(library.root)]
    for name, users in (("strange", [outside]), ("mixed", [inside, outside])):
        rows = [f"{user},2099-01-0{day},1,{item},0.5,1" for user in users for day in (1, 2)]
        path = tmp_path / f"{name}.csv"
        path.write_text("\n".join(["user_id,timestamp,rank,item_id,propensity,reward", *rows]))
        assert main(["import-lists", str(path), "--name", "shop", "--as", name, *place]) == 0
    ask = ["off-policy", "shop", *place, "--lists"]
    capsys.readouterr()
    assert main([*ask, "strange"]) == 2
    said = capsys.readouterr().err
    assert "no list is of a user of the sample" in said and "Train on more users" in said
    assert main([*ask, "mixed"]) == 0
    assert "2 lists of users outside of the sample left out." in capsys.readouterr().out
    assert main([*ask, "mixed", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["left_out_outside_sample"] == 2


def test_a_saved_cohort_names_its_users_outside(
    engine: Engine,
    whole: Corpus,
    library: Library,
    outside: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    store, about = CohortStore.open(library), (whole.corpus_id, "another")
    store.save(Cohort("everybody", "shop", *about, 22, user_ids=whole.user_ids))
    store.save(Cohort("one", "shop", *about, 1, user_ids=(outside,)))
    place = ["--library", str(library.root)]
    pattern = ["whatif", "shop", "--pattern", "do=delete&kind=review", *place, "--cohort"]
    left_out = f"{22 - USERS} of its 22 users are not in the sample"
    for line in (["cohort", "shop", "--name", "everybody", *place], [*pattern, "everybody"]):
        assert main(line) == 0
        assert left_out in capsys.readouterr().err
    for line in (["cohort", "shop", "--name", "one", *place], [*pattern, "one"]):
        assert main(line) == 2
        assert "all users of this cohort are outside" in capsys.readouterr().err
    assert saved_sentence(22, 14, "", 8).startswith("8 of its 22 users are not in the sample")
    assert saved_sentence(1, 0, "", 1).startswith("None of its users is in the sample")
    assert "had 22 users then and has 13" in saved_sentence(22, 13, "", 8)


class Unframed:
    """A source of events whose frame must not be asked for."""

    def __init__(self, source: EventSource) -> None:
        self.source = source

    def __getattr__(self, name: str) -> object:
        assert name != "frame"
        return getattr(self.source, name)


def test_a_corpus_without_texts_makes_no_frame_for_its_words(whole: Corpus) -> None:
    untold = whole.manifest.model_copy(update={"with_text": 0})
    source: Any = Unframed(whole.source)
    corpus = dataclasses.replace(whole, manifest=untold, events=source)
    assert not corpus.has_text
    words, said = words_of(corpus)
    assert words == () and said.shape == (22, 0)


def test_a_sample_too_small_to_evaluate_says_what_helps(whole: Corpus) -> None:
    few = draw(whole, 1, SEED)
    with pytest.raises(DomainError, match="or train on more users"):
        calendar_windows(few)
    short = dataclasses.replace(few, events=few.events.iloc[:2].reset_index(drop=True))
    with pytest.raises(DomainError, match="or train on more users"):
        splits(short, "temporal")


@pytest.mark.parametrize(
    "wrong", [{"seed": -1}, {"seed": 2**64}, {"last": "f"}, {"last": "g" * 16}, {"users": 0}]
)
def test_a_damaged_sample_is_said(wrong: dict[str, object], folder: Path, tmp_path: Path) -> None:
    facts = json.loads((folder / "config.json").read_text())
    facts["sample"] |= wrong
    (tmp_path / "config.json").write_text(json.dumps(facts))
    with pytest.raises(Damaged, match=r"config\.json can't be read"):
        read_config(tmp_path)
    assert sample_of(tmp_path) is None


def test_engines_of_one_corpus_share_a_sample_and_give_it_back(
    engine: Engine, whole: Corpus, folder: Path, library: Library
) -> None:
    other = Engine.open(engine.corpus.whole, folder, library)
    assert other.corpus is engine.corpus
    lone = library.corpus("shop")
    sampled = draw(lone, USERS, SEED)
    assert among(lone, sampled.sample) is sampled is draw(lone, USERS, SEED)
    frame = weakref.ref(sampled.events)
    before = sampled.events.copy()
    assert frame() is not None
    sampled.forget()
    assert frame() is None
    pd.testing.assert_frame_equal(sampled.events, before)
    there = weakref.ref(sampled)
    del sampled
    assert there() is None


def test_an_update_goes_on_with_the_sample(
    engine: Engine,
    folder: Path,
    library: Library,
    files: tuple[Path, Path],
    encoder: TextEncoder,
    capsys: pytest.CaptureFixture[str],
) -> None:
    before = engine.corpus
    append_files(library, "shop", [files[1]])
    grown = library.corpus("shop")
    updated = update(grown, library, None, QUICK, encoder=encoder)
    config, metrics = read_config(updated), read_metrics(updated)
    assert before.sample is not None and config.sample is not None and metrics is not None
    assert (config.sample.last, config.sample.of) == (before.sample.last, len(grown.user_ids))
    now = Engine.open(grown, updated, library).corpus
    assert set(now.user_ids) & set(before.whole.user_ids) == set(before.user_ids)
    joined = len(now.user_ids) - len(before.user_ids)
    assert 0 < joined < len(grown.user_ids) - len(before.whole.user_ids)
    assert metrics.update is not None and metrics.update.new_users == joined
    assert tuple(read_users(updated, now)[Columns.User]) == now.user_ids
    assert config.sample.sentence in (updated / "README.md").read_text()
    assert main(["users", "shop", "--library", str(library.root)]) == 0
    assert config.sample.sentence in capsys.readouterr().err


def test_a_sample_without_training_events_is_refused(
    library: Library, whole: Corpus, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    rows = [f"u{n:02},i{n % 3},2024-01-0{1 + n % 9}" for n in range(40)]
    path = tmp_path / "once.csv"
    path.write_text("\n".join(["user_id,item_id,timestamp", *rows]) + "\n")
    place = ["--library", str(library.root)]
    assert main(["import", str(path), "--name", "once", *place]) == 0
    capsys.readouterr()
    assert main(["train", "once", "--users", "5", *place]) == 2
    said = capsys.readouterr().err
    assert "no events to learn from" in said and "Train on more users" in said
