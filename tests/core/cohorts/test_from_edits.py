"""Edits of one history as patterns: each makes the same history, or the reason is said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from core.cohorts.from_edits import patterns_of
from core.cohorts.pattern import Editor, Pattern
from core.domain import DomainError, EventKind, History
from core.engine import Engine
from core.scenario.edits import Edit, Op, apply_edits


@pytest.fixture(scope="module")
def base(demo_engine: Engine, busy_user: str) -> History:
    return demo_engine.corpus.history(busy_user)


def texts(engine: Engine, base: History, edits: Sequence[Edit]) -> list[str]:
    """The patterns, each checked: it makes what the edits make."""
    wanted = apply_edits(base, edits, engine.corpus).history.events
    found = patterns_of(engine, base, edits)
    for pattern in found:
        made = apply_edits(base, Editor(engine, pattern).edits(base), engine.corpus).history
        assert made.events == wanted
    return [pattern.to_text() for pattern in found]


@pytest.mark.parametrize(
    "text",
    ["do=delete&kind=click", "do=delete&last=3", "do=shift&last=2&by=-1", "do=negative&last=2"],
)
def test_a_patterns_own_edits_are_that_pattern(
    text: str, demo_engine: Engine, base: History
) -> None:
    edits = Editor(demo_engine, Pattern.from_text(text)).edits(base)
    assert edits and text in texts(demo_engine, base, edits)


def test_an_item_never_bought_is_about_the_item_first(demo_engine: Engine, base: History) -> None:
    item = base.events[4].item_id
    steps = [step for step, event in enumerate(base.events, 1) if event.item_id == item]
    edits = [Edit(Op.DELETE, step=step) for step in steps]
    assert texts(demo_engine, base, edits)[0] == f"do=delete&item={item}"


def test_one_text_for_the_last_review(demo_engine: Engine, base: History) -> None:
    last = max(step for step, event in enumerate(base.events, 1) if event.words)
    found = texts(demo_engine, base, [Edit(Op.EDIT, step=last, text="It broke.\x00")])
    assert "do=text&last=1&text=It+broke." in found


def test_ratings_cut_at_the_end_of_the_scale_are_one_shift(
    demo_engine: Engine, base: History
) -> None:
    rated = [step for step, event in enumerate(base.events, 1) if event.rating is not None]
    edits = Editor(demo_engine, Pattern.from_text("do=shift&by=-3")).edits(base)
    assert len(edits) <= len(rated)
    assert len({base.events[e.step - 1].rating - e.rating for e in edits}) > 1  # type: ignore[operator]
    assert "do=shift&by=-3" in texts(demo_engine, base, edits)


def test_what_is_no_pattern_says_why(demo_engine: Engine, base: History) -> None:
    item, when = base.events[0].item_id, base.events[-1].timestamp
    rated = [step for step, event in enumerate(base.events, 1) if event.rating is not None][:2]
    ends = demo_engine.corpus.manifest.rating_scale
    assert ends is not None
    views = [s for s, e in enumerate(base.events, 1) if e.kind is EventKind.CLICK]
    middle = views[len(views) // 2]
    cases: list[tuple[list[Edit], str]] = [
        ([], "nothing is edited yet"),
        ([Edit(Op.ADD, item_id=item, timestamp=when)], "adds no event"),
        ([Edit(Op.DATE, step=1, timestamp=when)], "neither dates nor moves"),
        (
            [Edit(Op.DELETE, step=rated[0]), Edit(Op.EDIT, step=rated[1], text="x")],
            "does one thing",
        ),
        ([Edit(Op.DELETE, step=middle), Edit(Op.DELETE, step=1)], "no pattern makes exactly"),
        ([Edit(Op.RATE, step=middle, rating=ends[1])], f"step {middle} had no rating"),
        ([Edit(Op.EDIT, step=rated[0], text="worn " * 400)], "too long for an address"),
    ]
    for edits, why in cases:
        with pytest.raises(DomainError, match=why):
            patterns_of(demo_engine, base, edits)


def test_what_the_corpus_lacks_hides_no_other_pattern(demo_engine: Engine, base: History) -> None:
    """An own history may hold an item, or a kind, that the corpus doesn't have."""
    at = max(at for at, event in enumerate(base.events) if event.words)
    step = at + 1
    cart = replace(base.events[-1], kind=EventKind.CART)
    strange = replace(base, events=(*base.events[:-1], cart))
    found = patterns_of(demo_engine, strange, [Edit(Op.DELETE, step=len(base))])
    assert "do=delete&last=1" in [pattern.to_text() for pattern in found]

    unknown = replace(base.events[0], item_id="")
    own = replace(base, events=(unknown, *base.events[1:]))
    topic = demo_engine.topics.item_topic[demo_engine.corpus.item_index[base.events[at].item_id]]
    name = demo_engine.topics.names[topic]
    found = patterns_of(demo_engine, own, [Edit(Op.DELETE, step=len(own))])
    assert "do=delete&last=1" in [pattern.to_text() for pattern in found]
    about = Pattern.from_values({"do": "delete", "topic": name})
    assert 1 not in Editor(demo_engine, about).chosen(own)
    reviewed = replace(base.events[at], item_id="")
    own = replace(base, events=(*base.events[:at], reviewed, *base.events[step:]))
    found = patterns_of(demo_engine, own, [Edit(Op.EDIT, step=step, text="It broke.")])
    assert "do=text&last=1&text=It+broke." in [pattern.to_text() for pattern in found]


def test_ratings_of_a_fine_scale_are_shifted_to_what_was_typed(
    demo_engine: Engine, base: History
) -> None:
    at = max(at for at, event in enumerate(base.events) if event.rating is not None)
    fine = replace(base.events[at], rating=3.1)
    history = replace(base, events=(*base.events[:at], fine, *base.events[at + 1 :]))
    found = texts(demo_engine, history, [Edit(Op.RATE, step=at + 1, rating=4.3)])
    assert "do=shift&last=1&by=1.2" in found
