"""A custom recommender, registered or installed, reaches everything that the others reach."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.arrays import FloatArray
from core.cli import main
from core.compare.columns import ColumnSpec
from core.compare.comparison import Comparison
from core.compare.fork import run
from core.corpus.store import Library
from core.domain import DomainError, History, Part
from core.engine import Engine
from core.evaluate.importing_lists import import_lists
from core.evaluate.protocols import splits, with_own
from core.evaluate.report import evaluate, pooled
from core.evaluate.served import lists_path
from core.explain.explanation import Explanation
from core.measure.cases import cases
from core.recommend.training_data import TrainingData
from core.scenario.edits import Edit, Op
from core.training.training import evaluate_model
from core.views.timeline.build import build_moment, build_timeline

from .test_adapter import GUIDE, read_guide

ALS = "implicit-als"
Install = Callable[[str, str], None]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return Library.open(tmp_path_factory.mktemp("library"))


def open_engine(library: Library) -> Engine:
    return Engine.open(library.corpus("demo"), library.model_folder("demo"), library)


@pytest.fixture(scope="module")
def engine(library: Library) -> Engine:
    """The demo's engine with the guide's model of ``implicit``."""
    engine = open_engine(library)
    guide = read_guide()
    guide["register"](engine, guide["implicit_als"])
    return engine


@pytest.fixture(scope="module")
def reader(engine: Engine) -> History:
    users = engine.corpus.user_ids
    return next(h for user in users if 6 <= len(h := engine.corpus.history(user)) <= 8)


SHARES = """
import numpy as np
from core.recommend.calibration import log_training_share

class Shares:
    id = "shares"
    def __init__(self, data):
        self.log_share = log_training_share(data.item_counts)
    def log_probabilities(self, histories):
        return np.tile(self.log_share, (len(histories), 1))

def build(corpus, data):
    return Shares(data)
"""


class Answers:
    """A recommender that answers what a function says."""

    def __init__(self, id: str, answer: Callable[[Sequence[History]], Any]) -> None:
        self.id = id
        self.log_probabilities = answer


def uniform(engine: Engine, histories: Sequence[History]) -> FloatArray:
    n_items = len(engine.corpus.item_ids)
    return np.full((len(histories), n_items), -np.log(n_items), np.float32)


def test_timeline_and_lists(engine: Engine, reader: History) -> None:
    view = build_timeline(engine, reader.user_id, ALS)
    listed = engine.recommend(reader.up_to(2), len(engine.corpus.item_ids), ALS)
    (rank,) = (item.rank for item in listed.items if item.item_id == reader.events[2].item_id)
    assert view.steps[1].next_rank == pytest.approx(rank, abs=0.5)
    assert build_moment(engine, view, 2, ALS).recommender == ALS
    assert engine.recommend(reader).recommender == "joint"
    assert list(engine.recommenders)[-1] == ALS


def test_explain(engine: Engine, reader: History) -> None:
    early = reader.up_to(3)
    item = engine.recommend(early, 3, ALS).items[0]
    explanation = Explanation(engine, early, item.item_id, ALS)
    assert explanation.rank == 1
    events = explanation.events
    assert events.whole == pytest.approx(item.score, abs=1e-4)
    assert events.base + events.values.sum() + events.residual == pytest.approx(events.whole)


def test_what_if_and_compare(engine: Engine, reader: History) -> None:
    fork = run(engine, reader, [Edit(Op.DELETE, step=2)], ALS)
    assert fork.after.recommender == ALS and fork.before.items != fork.after.items
    assert fork.moves()
    specs = [ColumnSpec(reader.user_id, str(step), ALS) for step in (3, 6)]
    assert Comparison(engine, specs).moves


def test_quality_judges_it_once_and_keeps_it(
    engine: Engine, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = evaluate_model(engine.corpus, library, engine.folder)
    assert ALS not in {result.recommender for result in report.results}
    read_only, failures = with_own(report, engine, library, compute=False)
    assert read_only.results == report.results and not failures
    judged, _ = with_own(report, engine, library)
    assert judged.figures(ALS)["recall"] > 10 / len(engine.corpus.item_ids)
    assert judged.compare("joint", ALS).difference != 0
    kept = len(list((library.root / "evaluations").iterdir()))
    again, _ = with_own(report, engine, library, compute=False)
    assert np.array_equal(again.result(ALS).rank, judged.result(ALS).rank)
    assert len(list((library.root / "evaluations").iterdir())) == kept


def test_an_id_is_given_once(engine: Engine) -> None:
    for name in ("ease", ALS):
        with pytest.raises(DomainError, match=f"{name}.*already"):
            engine.register(Answers(name, lambda asked: uniform(engine, asked)))
    with pytest.raises(DomainError, match="cannot be the id"):
        engine.register(Answers("No, thanks", lambda asked: uniform(engine, asked)))
    with pytest.raises(DomainError, match="is no recommender"):
        engine.register(object())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answer", "complaint"),
    [
        (lambda scores: scores[:, 1:], "shape"),
        (lambda scores: scores * 2, "add up to 1"),
        (lambda scores: scores * np.nan, "add up to 1"),
        (lambda scores: 1 // 0, "ZeroDivisionError"),
    ],
)
def test_wrong_answers_are_named(engine: Engine, answer: Any, complaint: str) -> None:
    with pytest.raises(DomainError, match=f"{complaint}.*recommender wrong"):
        engine.register(Answers("wrong", lambda asked: answer(uniform(engine, asked))))
    assert "wrong" not in engine.recommenders


def test_a_mistake_made_later_is_named_too(library: Library, reader: History) -> None:
    engine = open_engine(library)

    def late(asked: Sequence[History]) -> FloatArray:
        return uniform(engine, asked)[: 1 if len(asked[0]) else None, 1 if len(asked[0]) else 0 :]

    engine.register(Answers("late", late))
    with pytest.raises(DomainError, match=r"shape.*recommender late"):
        engine.recommend(reader, recommender="late")


def test_a_failing_recommender_is_asked_for_its_fingerprint_once(library: Library) -> None:
    engine = open_engine(library)
    asks = []

    def fail(asked: Sequence[History]) -> FloatArray:
        asks.append(asked)
        if len(asks) > 1:
            raise OSError("no connection")
        return uniform(engine, asked)

    engine.register(Answers("failing", fail))
    for _ in range(2):
        with pytest.raises(DomainError, match="no connection"):
            engine.fingerprint("failing")
    assert len(asks) == 2


def test_the_fingerprint_follows_the_answers(library: Library) -> None:
    prints = []
    for shift in (0.0, 0.0, 1.0):
        engine = open_engine(library)
        answers = uniform(engine, [History("", ())])[0]
        answers[0] += np.float32(shift)
        answers -= np.log(np.exp(answers.astype(np.float64)).sum()).astype(np.float32)
        engine.register(Answers("mine", lambda asked, a=answers: np.tile(a, (len(asked), 1))))
        prints.append(engine.fingerprint("mine"))
    assert prints[0] == prints[1] != prints[2]
    assert engine.fingerprint("joint") == engine.model_id


def test_an_installed_package_reaches_every_verb(
    install: Install,
    library: Library,
    engine: Engine,
    reader: History,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (code, *_) = re.findall(r"```python\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    install(ALS, code + "\nbuild = implicit_als\n")

    def answer(verb: str, *options: str) -> Any:
        assert main([verb, "demo", *options, "--library", str(library.root), "--json"]) == 0
        return json.loads(capsys.readouterr().out)

    user, by = ["--user", reader.user_id], ["--recommender", ALS]
    assert len(answer("recommend", *user, *by)["items"]) == 10
    steps = answer("trajectory", *user, *by)["steps"]
    ranks = engine.next_ranks(reader, ALS)
    assert [step["next_rank"] for step in steps[:-1]] == pytest.approx(ranks[:-1].tolist())
    column = [f"user={reader.user_id},at={at},recommender={ALS}" for at in (3, 5)]
    assert answer("compare", "--column", column[0], "--column", column[1])["moves"]
    judged = answer("evaluate")
    assert ALS in {row["recommender"] for row in judged["results"]} and not judged["cautions"]


def test_an_installed_package_is_fitted_anew_on_each_cut(
    install: Install, library: Library
) -> None:
    install("shares", SHARES)
    engine = open_engine(library)
    engine.register(Answers("ready-made", lambda asked: uniform(engine, asked)))
    popularity = engine.recommender("popularity")
    cuts = [
        evaluate(
            [popularity],
            cases(engine.corpus, parts, Part.TEST),
            TrainingData.of(engine.corpus, parts),
            protocol="temporal",
        )
        for parts in splits(engine.corpus, "temporal")
    ]
    judged, failures = with_own(pooled(cuts), engine, library)
    assert judged.result("shares").rank.shape == judged.result("popularity").rank.shape
    assert not np.array_equal(judged.result("shares").rank, judged.result("popularity").rank)
    assert "registered ready-made" in str(failures["ready-made"])
    assert not engine.failures


def test_a_full_library_is_said_and_the_result_is_there(
    library: Library,
    engine: Engine,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    report = evaluate_model(engine.corpus, library, engine.folder)
    fresh = open_engine(library)
    fresh.register(Answers("unsaved", lambda asked: uniform(fresh, asked)))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("core.evaluate.protocols.save_report", full)
    judged, failures = with_own(report, fresh, library)
    assert not failures and "unsaved" in judged.names
    assert "No space left" in caplog.text


def test_lists_and_a_recommender_have_different_names(
    install: Install, engine: Engine, library: Library, tmp_path: Path
) -> None:
    served = lists_path(library, "demo", ALS)
    served.parent.mkdir(parents=True, exist_ok=True)
    served.write_bytes(b"")
    report = evaluate_model(engine.corpus, library, engine.folder)
    _, failures = with_own(report, engine, library)
    served.unlink()
    assert failures[ALS].where == str(served) and failures[ALS].remedy
    install("shares", SHARES)
    with pytest.raises(DomainError, match="installed recommender"):
        import_lists(engine.corpus, library, tmp_path / "lists.csv", "shares")


@pytest.mark.parametrize(
    ("name", "code", "complaint"),
    [
        ("absent", "", "AttributeError"),
        ("broken", "def build(corpus, data):\n    raise OSError('no weights')", "no weights"),
        ("nothing", "def build(corpus, data):\n    return None", "is no recommender"),
        ("unlike-its-id", SHARES, "its id is 'shares'"),
        ("ease", SHARES, "already"),
    ],
)
def test_a_broken_package_is_left_out_and_named(
    install: Install, library: Library, reader: History, name: str, code: str, complaint: str
) -> None:
    install(name, code)
    engine = open_engine(library)
    assert engine.recommend(reader, recommender="popularity").items
    assert not engine.registered
    assert complaint in str(engine.failures[name])
    if name != "ease":
        with pytest.raises(DomainError, match=complaint):
            engine.recommend(reader, recommender=name)
