"""What loaders keep: each loader by itself, by fingerprints, until a file changes."""

from __future__ import annotations

import os
import runpy
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from core import language
from core.arrays import FloatArray
from core.corpus.sampling import draw
from core.corpus.store import Corpus, Library
from core.corpus.tables import EVENTS_FILE
from core.domain import History
from core.engine import Engine
from core.scenario.edits import Edit, Op
from pages._shared import loaders, memory
from pages._shared.loaders import OPENED, fingerprint, kept


def test_two_loaders_never_answer_for_each_other() -> None:
    @kept(4)
    def first(name: str, step: int = 1) -> list[object]:
        return ["first", name, step]

    @kept(4)
    def second(name: str, step: int = 1) -> list[object]:
        return ["second", name, step]

    assert first("a") == ["first", "a", 1]
    assert second("a") == ["second", "a", 1]
    assert first("a") is first(step=1, name="a")
    assert first("a", 2) == ["first", "a", 2]


def test_loaders_of_two_pages_may_have_one_name(tmp_path: Path) -> None:
    answers = []
    for name in ("first", "second"):
        page = tmp_path / f"{name}.py"
        code = f"@kept(2)\ndef load() -> str:\n    return {name!r}\n"
        page.write_text(f"from pages._shared.loaders import kept\n\n\n{code}")
        answers.append(runpy.run_path(str(page), run_name="__main__")["load"]())
    assert answers == ["first", "second"]


def test_another_file_of_the_same_name_is_read_again(tmp_path: Path) -> None:
    @kept(4)
    def text_of(path: Path) -> str:
        return path.read_text()

    path = tmp_path / "a.txt"
    path.write_text("one")
    assert text_of(path) == "one"
    path.write_text("another")
    assert text_of(path) == "another"


def test_what_is_read_besides_the_arguments_counts_too(tmp_path: Path) -> None:
    path, made = tmp_path / "a.txt", []

    @kept(4, also=lambda name: fingerprint(path))
    def load(name: str) -> int:
        made.append(name)
        return len(made)

    assert (load("x"), load("x"), load("y")) == (1, 1, 2)
    path.write_text("new")
    assert load("x") == 3


def test_the_least_recent_entry_goes_first() -> None:
    made = []

    @kept(2)
    def load(name: str) -> str:
        made.append(name)
        return name

    for name in ("a", "b", "c", "a"):
        load(name)
    assert made == ["a", "b", "c", "a"]


def test_languages_share_what_says_nothing_and_nothing_else() -> None:
    made = list[str]()

    @kept(2, "Opening the model …", speaks=False)
    def opened(name: str) -> str:
        made.append(name)
        return name

    @kept(2, "Reading the users …")
    def said(name: str) -> str:
        return language.tr("Users")

    with language.speaking("zh"):
        assert (opened("a"), said("a")) == ("a", "用户")
    assert (opened("a"), said("a")) == ("a", "Users")
    with language.speaking("zh"):
        assert (opened("a"), said("a")) == ("a", "用户")
    assert made == ["a"]


def test_arguments_are_told_apart_by_content(tmp_path: Path, shop: Library) -> None:
    delete, rate = Edit(Op.DELETE, step=1), Edit(Op.RATE, step=1, rating=2.0)
    prints = [fingerprint(value) for value in ((), [delete], [rate], [delete, rate])]
    assert len(set(prints)) == len(prints)
    assert fingerprint([delete]) == fingerprint((Edit(Op.DELETE, step=1),))
    assert fingerprint({"b": 1, "a": 2}) == fingerprint({"a": 2, "b": 1})
    corpus = shop.corpus("shop")
    assert fingerprint(corpus) == (corpus.corpus_id, corpus.attributes_id)
    samples = {fingerprint(draw(corpus, 3, seed)) for seed in (0, 1)}
    assert len(samples | {fingerprint(corpus)}) == 3
    with pytest.raises(TypeError):
        fingerprint(corpus.events)


def test_a_custom_recommender_that_changed_is_noticed(demo_only: Corpus) -> None:
    library, prints = Library.open(), []
    for shift in (None, 0.0, 0.0, 1.0):
        engine = Engine.open(demo_only, library.model_folder("demo"), library)
        if shift is not None:
            scores = np.zeros(len(demo_only.item_ids))
            scores[0] = shift
            answer = (scores - np.log(np.exp(scores).sum())).astype(np.float32)
            engine.register(Answers("mine", answer))
        prints.append(fingerprint(engine))
    assert prints[1] == prints[2]
    assert len(set(prints)) == 3


class Answers:
    """A recommender that gives every history the same list."""

    def __init__(self, id: str, answer: FloatArray) -> None:
        self.id, self.answer = id, answer

    def log_probabilities(self, histories: Sequence[History]) -> FloatArray:
        return np.tile(self.answer, (len(histories), 1))


def test_answers_go_with_the_last_session_and_models_stay() -> None:
    @kept(OPENED + 1)
    def answer(name: str) -> list[str]:
        return [name]

    @kept(OPENED)
    def model(name: str) -> list[str]:
        return [name]

    answered, opened = answer("a"), model("a")
    memory.give_back(nobody=False)
    assert answer("a") is answered and model("a") is opened
    memory.give_back(nobody=True)
    assert answer("a") is not answered
    assert model("a") is opened


def test_another_model_is_asked_anew_where_its_folder_changed_or_went(
    demo_only: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = loaders.engine("demo", Library.open().model_folder("demo").name)
    assert loaders.stamp_of_model(engine, "gone") is None
    assert loaders.stamp_of_model(engine, engine.model_id) is not None
    monkeypatch.setattr(Library, "model_folder", lambda *about: tmp_path)
    first = loaders.stamp_of_model(engine, "other")
    assert loaders.stamp_of_model(engine, "other") == first
    os.utime(tmp_path, (1, 1))
    assert loaders.stamp_of_model(engine, "other") != first


def test_the_same_content_imported_again_is_opened_anew(shop: Library) -> None:
    opened = loaders.corpus("shop")
    assert loaders.corpus("shop") is opened
    path = shop.corpus_folder("shop") / EVENTS_FILE
    facts = path.stat()
    copy = path.with_name("copy")
    shutil.copy2(path, copy)  # as a backup that keeps times
    copy.replace(path)
    assert path.stat().st_mtime_ns == facts.st_mtime_ns
    restored = loaders.corpus("shop")
    assert restored is not opened and restored.corpus_id == opened.corpus_id
    shop.write("shop", opened.events, opened.items, rating_scale=opened.manifest.rating_scale)
    again = loaders.corpus("shop")
    assert again is not restored and again.corpus_id == opened.corpus_id
    assert loaders.corpus("shop") is again


def test_what_an_encoder_cannot_read_is_told_without_a_frame_of_all_events(
    demo_only: Corpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*rest: object) -> None:
        raise AssertionError("all events were read")

    monkeypatch.setattr("core.encode.unknown.unknown_in", never)
    monkeypatch.setattr("core.corpus.corpus._Events.__get__", never)
    assert loaders.corpus("demo").has_text and not loaders.unknown("demo").is_too_much
