"""The verbs explain and scorecard on the demo: the agreed JSON, and mistakes in one line."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from core.cli import main
from core.corpus.store import Corpus, Library
from core.encode.encoder import TextEncoder
from core.explain import explanation as explanation_module
from core.explain.word_model import partial_texts
from core.explain.word_values import EXACT_UP_TO, open_review, split_words
from core.shapley import engine


@pytest.fixture(scope="module")
def library(demo_library: Library) -> Path:
    return demo_library.root


@pytest.fixture(scope="module")
def demo(library: Path) -> Corpus:
    return Library.open(library).corpus("demo")


@pytest.fixture(scope="module")
def user(demo: Corpus) -> str:
    """A user with five to seven events, of which one has a review and one has none."""
    for user in demo.user_ids:
        words = [bool(event.words) for event in demo.history(user).events]
        if 5 <= len(words) <= 7 and any(words) and not all(words):
            return user
    raise AssertionError


def ask(library: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    capsys.readouterr()
    assert main([*arguments, "--library", str(library)]) == 0
    return capsys.readouterr().out


def test_explain_as_json(
    library: Path, demo: Corpus, user: str, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = json.loads(ask(library, capsys, "recommend", "demo", "--user", user, "--json"))
    item = listed["items"][0]
    asked = ["explain", "demo", "--user", user, "--item", item["item_id"], "--json"]
    facts = json.loads(ask(library, capsys, *asked))
    assert {"base", "score", "residual", "stderr", "events", "words", "counterfactual"} <= set(
        facts
    )
    assert facts["score"] == pytest.approx(item["score"], abs=1e-4) and facts["rank"] == 1
    assert len(facts["events"]) == len(demo.history(user))
    assert set(facts["events"][0]) == {"step", "item_id", "value", "stderr", "parts"}
    (words,) = facts["words"].values()
    assert words["sentiment"][0][0] == words["score"][0][0]
    assert "scorecard" in facts
    early = json.loads(ask(library, capsys, *asked, "--at", "2", "--words", "none"))
    assert len(early["events"]) == early["step"] == 2 and early["words"] == {}
    pair = [*asked, "--words", "none", "--beside", user, "--beside-at", "2"]
    other = json.loads(ask(library, capsys, *pair))["beside"]
    assert other["by"] == "user" and other["step"] == 2
    values = [[event["value"] for event in each["events"]] for each in (other, early)]
    assert values[0] == pytest.approx(values[1], abs=1e-5)
    assert other["apart"] == pytest.approx(facts["score"] - early["score"])


def test_partial_texts_are_encoded_once_and_while_the_scorecard_is_made(
    library: Path, demo: Corpus, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    user, step, words = next(
        (user, step, len(split_words(event.words)))
        for user in demo.user_ids
        if len(demo.history(user)) < 8
        for step, event in enumerate(demo.history(user).events, start=1)
        if len(split_words(event.words)) > EXACT_UP_TO
    )
    judging, encoded = threading.Event(), []
    encode, make = TextEncoder.encode, explanation_module.make_scorecard

    def counted(self: TextEncoder, texts: Sequence[str], *more: Any, **named: Any) -> Any:
        encoded.append((len(texts), judging.wait(60)))
        return encode(self, texts, *more, **named)

    def judged(*more: Any, **named: Any) -> Any:
        judging.set()
        return make(*more, **named)

    open_review.cache_clear()
    monkeypatch.setattr(TextEncoder, "encode", counted)
    monkeypatch.setattr(explanation_module, "make_scorecard", judged)
    asked = ["explain", "demo", "--user", user, "--item", demo.item_ids[0], "--words", str(step)]
    facts = json.loads(ask(library, capsys, *asked, "--json"))
    texts = int(partial_texts(words).any(1).sum())  # nobody reads the empty one
    assert encoded == [(texts, True)]
    assert facts["words"][str(step)]["partial_texts"] == texts + 1


@pytest.mark.parametrize(("events", "most"), [(12, 0.0), (14, 0.05)])
def test_explain_gives_the_same_values_on_a_slow_machine(
    library: Path, demo: Corpus, capsys: pytest.CaptureFixture[str], monkeypatch, events, most
) -> None:
    """Loading and compiling took the time for sampling: 13 % error, and signs that differed."""
    user = next(user for user in demo.user_ids if len(demo.history(user)) >= events)
    item = json.loads(ask(library, capsys, "recommend", "demo", "--user", user, "--json"))["items"]
    asked = ["explain", "demo", "--user", user, "--at", str(events), "--words", "none", "--json"]
    asked += ["--item", item[0]["item_id"]]
    usual = json.loads(ask(library, capsys, *asked))
    clock = itertools.count(step=60.0)
    monkeypatch.setattr(engine, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    slow = json.loads(ask(library, capsys, *asked))
    assert usual["error"] <= most
    assert [event["value"] for event in slow["events"]] == [e["value"] for e in usual["events"]]


def test_explain_in_words(
    library: Path, demo: Corpus, user: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = ask(
        library, capsys, "explain", "demo", "--user", user, "--item", demo.item_ids[0], "--margin"
    )
    assert "the margin over" in told and "not the person" in told


def test_scorecard(library: Path, capsys: pytest.CaptureFixture[str]) -> None:
    facts = json.loads(ask(library, capsys, "scorecard", "demo", "--users", "2", "--json"))
    assert facts["users"] == 2
    assert {"deletion", "insertion", "better_than_recent_first", "stability"} <= set(facts)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"--user": "nobody"}, "nobody"),
        ({"--item": "nothing"}, "there is no item 'nothing'"),
        ({"--at": "99"}, "step 99 does not exist"),
        ({"--at": "0"}, "step 0 does not exist"),
        ({"--at": "1999-01-01"}, "no event at or before"),
        ({"--words": "99"}, "step 99 is not part of what is explained"),
        ({"--words": "all"}, "neither a step nor 'none'"),
        ({"--words": "²"}, "neither a step nor 'none'"),
        ({"--recommender": "oracle"}, "no recommender 'oracle'"),
        ({"--words": "bare"}, "has no review text"),
        ({"--beside": "nobody"}, "nobody"),
        ({"--beside-model": "nothing"}, "nothing"),
        ({"--beside-at": "2"}, "--beside-at is for --beside"),
        ({"--beside": "U0001", "--beside-model": "x"}, "exclude each other"),
    ],
)
def test_mistakes_are_one_line_and_exit_2(
    library: Path,
    demo: Corpus,
    user: str,
    change: dict[str, str],
    says: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    events = demo.history(user).events
    bare = next(step for step, event in enumerate(events, start=1) if not event.words)
    options = {"--user": user, "--item": demo.item_ids[0]} | change
    if options.get("--words") == "bare":
        options["--words"] = str(bare)
    pairs = [part for pair in options.items() for part in pair]
    capsys.readouterr()
    assert main(["explain", "demo", *pairs, "--library", str(library)]) == 2
    out, err = capsys.readouterr()
    assert out == "" and says in err.replace("\n", " ")
    assert "Traceback" not in err
