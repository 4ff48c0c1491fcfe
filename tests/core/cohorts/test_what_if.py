"""A cohort's what-if: the lists of single what-ifs, what wins, stopping, storing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core.cohorts import what_if
from core.cohorts.pattern import Editor, Pattern
from core.cohorts.patterns import PatternStore, SavedPattern, outcome_of
from core.cohorts.store import Cohort
from core.cohorts.what_if import (
    TOO_MANY,
    CohortWhatIf,
    make_what_if,
    measure_what_if,
    read_what_if,
    stored_path,
)
from core.compare.fork import run
from core.corpus.store import Library
from core.domain import DomainError, Stopped
from core.engine import Engine
from core.files import Damaged
from core.ranking import NO_ITEM
from core.scenario.opposite import CLEAR
from core.views.cohorts.what_if import build_what_if, net_of
from core.views.cohorts.what_if_sentences import pattern_words, saved_words

FEW = 24


@pytest.fixture(scope="module")
def users(demo_engine: Engine) -> tuple[str, ...]:
    return demo_engine.corpus.user_ids[:FEW]


def topics_of(engine: Engine) -> list[str]:
    return [engine.topics.names[topic] for topic in engine.topics.item_topic]


@pytest.fixture(scope="module")
def gardenless(demo_engine: Engine) -> CohortWhatIf:
    pattern = Pattern.from_text("do=delete&topic=Garden")
    return measure_what_if(demo_engine, demo_engine.corpus.user_ids[:120], pattern)


@pytest.mark.parametrize(
    "text",
    [
        "do=delete&kind=click",
        "do=negative&last=2",
        "do=shift&by=-2",
        "do=text&last=1&text=It+broke",
    ],
)
def test_each_user_has_the_lists_of_a_single_what_if(
    text: str, demo_engine: Engine, users: tuple[str, ...]
) -> None:
    pattern, index = Pattern.from_text(text), demo_engine.corpus.item_index
    assert Pattern.from_text(pattern.to_text()) == pattern
    found, editor = measure_what_if(demo_engine, users[:8], pattern), Editor(demo_engine, pattern)
    for at, user in enumerate(found.user_ids):
        base = demo_engine.corpus.history(user)
        edits = editor.edits(base)
        assert found.edits[at] == len(edits)
        if not edits:
            assert (found.before[at] == NO_ITEM).all() and not found.changed[at]
            continue
        fork = run(demo_engine, base, edits)
        for shown, lists in ((fork.before, found.before), (fork.after, found.after)):
            assert [index[item.item_id] for item in shown.items] == lists[at].tolist()
    assert found.affected.any()


def test_reviews_are_made_negative_by_real_ones_and_clear_ones_stay(
    demo_engine: Engine, users: tuple[str, ...]
) -> None:
    editor, corpus = Editor(demo_engine, Pattern.from_text("do=negative")), demo_engine.corpus
    texts = set(corpus.events["text"].dropna())
    stayed = changed = 0
    for user in users[:6]:
        base = corpus.history(user)
        felt = demo_engine.interest.sentiments(base)
        edited = {edit.step for edit in editor.edits(base)}
        for step in editor.chosen(base):
            is_clear = felt[step - 1] <= -CLEAR
            assert not (is_clear and step in edited)
            stayed, changed = stayed + is_clear, changed + (step in edited)
        assert all(
            any(text in edit.text for text in texts)
            for edit in editor.edits(base)
            if edit.text is not None
        )
    assert stayed and changed


def test_a_pattern_is_about_kind_item_topic_and_the_newest(
    demo_engine: Engine, users: tuple[str, ...]
) -> None:
    history = demo_engine.corpus.history(users[0])
    item = history.events[0].item_id

    def chosen(text: str) -> list[int]:
        return Editor(demo_engine, Pattern.from_text(f"do=delete&{text}")).chosen(history)

    kinds = [step for step, event in enumerate(history.events, 1) if event.kind == "review"]
    assert chosen("kind=review") == kinds and chosen("kind=review&last=1") == kinds[-1:]
    assert 1 in chosen(f"item={item}")
    assert all(history.events[step - 1].item_id == item for step in chosen(f"item={item}"))
    names, index = topics_of(demo_engine), demo_engine.corpus.item_index
    topic = names[index[item]]
    assert chosen(f"topic={topic}".replace("&", "%26")) == [
        step for step, event in enumerate(history.events, 1) if names[index[event.item_id]] == topic
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("clicks", "is no pattern"),
        ("", "changes nothing"),
        ("kind=click", "changes nothing"),
        ("do=explode", "do can't be 'explode'"),
        ("do=text", "do=text needs text"),
        ("do=delete&by=1", "by needs do=shift"),
        ("do=shift&by=nan", "by can't be 'nan'"),
        ("do=delete&last=0", "last can't be '0'"),
        ("do=delete&who=me", "a pattern has no 'who'"),
        ("do=delete&kind=like", "no event of kind like"),
        ("do=delete&topic=Space", "there is no topic 'Space'"),
        ("do=delete&item=nope", "nope"),
    ],
)
def test_what_a_pattern_can_not_say_is_refused(text: str, said: str, demo_engine: Engine) -> None:
    with pytest.raises(DomainError, match=said):
        Editor(demo_engine, Pattern.from_text(text))


def test_without_a_topic_its_items_lose_and_the_counts_add_up(
    demo_engine: Engine, gardenless: CohortWhatIf
) -> None:
    corpus = demo_engine.corpus
    view = build_what_if(corpus, topics_of(demo_engine), gardenless)
    least = view.topics[-1]
    assert least.topic == "Garden" and least.q < 0.01 and least.more.high < 0
    assert "Items of a list by topic: Garden \u2212" in view.items_sentence
    before, after, entered, left = gardenless.counts(len(corpus.item_ids))
    assert (after - before == entered - left).all() and before.sum() == after.sum()
    row = view.items[-1]
    own = corpus.item_index[row.item_id]
    had = [own in lists for lists in gardenless.before[gardenless.affected].tolist()]
    has = [own in lists for lists in gardenless.after[gardenless.affected].tolist()]
    assert row.left == sum(a and not b for a, b in zip(had, has, strict=True)) > 0
    assert row.net.low < row.net.mean < row.net.high < 0
    assert view.users["change"].is_monotonic_decreasing
    assert len(view.users) == gardenless.affected.sum() < len(gardenless.user_ids)


def test_a_topic_that_every_list_gains_once_is_no_chance(
    demo_engine: Engine, gardenless: CohortWhatIf
) -> None:
    topics, own = topics_of(demo_engine), np.flatnonzero(gardenless.affected)
    first = np.array(topics) == topics[0]
    others, gained = np.flatnonzero(~first), np.flatnonzero(first)[0]
    before = np.broadcast_to(others[: gardenless.before.shape[1]], gardenless.before.shape)
    after = before.copy()
    after[:, 0] = gained
    same = replace(gardenless, before=before.astype(np.int32), after=np.asarray(after, np.int32))
    row = build_what_if(demo_engine.corpus, topics, same).topics[0]
    assert row.topic == topics[0] and row.more.mean == 1 and len(own) > 20 and row.q < 0.001


def test_a_pattern_is_the_same_after_its_address() -> None:
    for by in (0.1234567, -1.0, 1e-9):
        pattern = Pattern.from_values({"do": "shift", "by": by})
        assert Pattern.from_text(pattern.to_text()) == pattern
    assert "by=-1" in Pattern.from_values({"do": "shift", "by": -1.0}).to_text().split("&")


def test_the_interval_of_a_net_count_holds_what_is_planted() -> None:
    rng, inside = np.random.default_rng(0), 0
    for _ in range(400):
        entered, left, _ = rng.multinomial(80, [0.10, 0.04, 0.86])
        interval = net_of(int(entered), int(left), 80)
        inside += interval.low <= 80 * 0.06 <= interval.high
    assert 0.92 < inside / 400 < 0.985


def test_it_stops_between_users_and_keeps_only_whole_answers(
    demo_engine: Engine, users: tuple[str, ...], tmp_path: Path
) -> None:
    library, pattern, asked = Library.open(tmp_path), Pattern.from_text("do=delete&last=1"), []

    def stop() -> bool:
        asked.append(1)
        return len(asked) > 10

    with pytest.raises(Stopped):
        make_what_if(library, demo_engine, users, pattern, stop=stop)
    assert len(asked) == 11
    assert read_what_if(library, demo_engine, users, pattern) is None
    made = make_what_if(library, demo_engine, users[:5], pattern)
    read = read_what_if(library, demo_engine, users[:5], pattern)
    assert read is not None and read.digest == made.digest
    assert read_what_if(library, demo_engine, users[:4], pattern) is None
    path = stored_path(library, demo_engine, users[:5], pattern, made.recommender)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(Damaged, match="what-if of a cohort is damaged"):
        read_what_if(library, demo_engine, users[:5], pattern)


def test_who_would_need_too_many_edits_is_left_out_and_counted(
    demo_engine: Engine, users: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes = [len(demo_engine.corpus.history(user)) for user in users[:6]]
    monkeypatch.setattr(what_if, "MOST_EDITS", sorted(sizes)[2])
    found = measure_what_if(demo_engine, users[:6], Pattern.from_text("do=delete"))
    assert (found.edits == TOO_MANY).sum() == sum(size > sorted(sizes)[2] for size in sizes)
    assert found.affected.sum() == sum(size <= sorted(sizes)[2] for size in sizes)
    view = build_what_if(demo_engine.corpus, topics_of(demo_engine), found)
    assert "left out" in view.cautions[0]


def test_nobody_to_change_is_a_sentence(demo_engine: Engine, users: tuple[str, ...]) -> None:
    history = demo_engine.corpus.history(users[0])
    item = next(
        item
        for item in demo_engine.corpus.item_ids
        if item not in {event.item_id for event in history.events}
    )
    found = measure_what_if(demo_engine, users[:1], Pattern.from_text(f"do=delete&item={item}"))
    view = build_what_if(demo_engine.corpus, topics_of(demo_engine), found)
    assert "nothing to change in the histories of 1 user" in view.sentence
    assert view.items == () and view.users.empty


def test_a_saved_pattern_says_whether_it_still_gives_its_lists(
    demo_engine: Engine, gardenless: CohortWhatIf, tmp_path: Path
) -> None:
    store, corpus = PatternStore.open(Library.open(tmp_path)), demo_engine.corpus
    ids = gardenless.user_ids
    cohort = Cohort("some", "demo", corpus.corpus_id, demo_engine.model_id, len(ids), None, ids)
    entry = SavedPattern(
        "no garden", cohort, gardenless.pattern, "joint", 10, outcome_of(gardenless), "why"
    )
    saved = store.save(entry)
    assert store.load(saved.pattern_id) == store.named("demo", "no garden") == saved
    assert "the same lists" in saved_words(saved, gardenless, corpus.manifest)
    long = Pattern.from_values({"do": "text", "text": "坏" * 3_900})
    again = store.save(replace(entry, name="long", pattern=long))
    assert store.load(again.pattern_id).pattern == long
    with pytest.raises(DomainError, match="the pattern has"):
        store.save(replace(entry, pattern=replace(long, text="坏" * 4_000)))
    store.delete(again)
    fewer = measure_what_if(demo_engine, ids[:10], gardenless.pattern)
    said = saved_words(saved, fewer, corpus.manifest)
    assert f"{gardenless.changed.sum()} lists of 120 users changed then" in said
    with pytest.raises(DomainError, match="Choose one of no garden"):
        store.named("demo", "else")
    store.delete(saved)
    assert store.entries("demo") == []


def test_a_pattern_in_words(demo_engine: Engine) -> None:
    said = [
        pattern_words(Pattern.from_text(text), demo_engine.corpus)
        for text in ("do=delete&kind=click", "do=positive&last=1", "do=shift&by=-1&topic=Audio")
    ]
    assert said == [
        "without their clicks",
        "their last review made positive",
        "all their ratings in Audio lowered by 1",
    ]
