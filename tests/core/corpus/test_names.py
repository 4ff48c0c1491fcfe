"""Names of items without titles: readable, marked, from training reviews alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.corpus.corpus import Corpus
from core.corpus.names import DERIVED, NAMES_FILE, are_titles, short_name
from core.corpus.store import Library
from core.domain import Columns
from core.word_breaks import columns

START = datetime(2024, 1, 1, tzinfo=UTC)
SAID = {
    "B001": ["This guitar strap is soft leather.", "A leather strap, comfortable.", "strap rocks"],
    "B002": ["The tuner is accurate.", "An accurate clip tuner.", "My tuner has a bright display"],
    "B003": ["这个吉他背带很好", "背带很舒服", "背带不错"],
    "B004": ["Ein Mikrofon mit klarem Klang.", "Klarer Klang, gutes Mikrofon.", "Das Mikrofon"],
    "B005": ["five stars", "great", "ok"],
}


def corpus_of(
    library: Library, held_out: str, titles: Sequence[str | None] | None = None
) -> Corpus:
    """Three users review every item; ``held_out`` is what they write in held-out events."""
    rows = [
        (f"u{user}", item, START + timedelta(days=day), "good one", texts[user])
        for user in range(3)
        for day, (item, texts) in enumerate(SAID.items())
    ]
    rows += [
        (f"u{user}", item, START + timedelta(days=30 + day), None, held_out)
        for user in range(3)
        for day, item in enumerate(("B001", "B006"))
    ]
    events = pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp", "title", "text"])
    events = events.assign(kind="review", rating=np.nan)
    ids = [*SAID, "B006"]
    items = pd.DataFrame({Columns.Item: ids}).reindex(columns=list(Columns.ITEMS))
    if titles is not None:
        items[Columns.Title] = list(titles)
    return library.write("shop", events, items, rating_scale=None)


def test_names_say_what_an_item_is_in_its_reviewers_language(library: Library) -> None:
    corpus = corpus_of(library, "nothing to say")
    names = {item: corpus.title(item) for item in corpus.item_ids}
    assert names["B001"].startswith(f"{DERIVED}strap · ") and "leather" in names["B001"]
    assert "tuner" in names["B002"] and "背带" in names["B003"] and "mikrofon" in names["B004"]
    assert all(name.endswith(f"({item})") for item, name in names.items() if name != item)
    assert names["B006"] == "B006"  # only held-out reviews
    assert corpus.title("unknown") == "unknown"


def test_held_out_reviews_never_reach_a_name(library: Library, tmp_path: Path) -> None:
    quiet = corpus_of(library, "nothing to say")
    loud = corpus_of(Library.open(tmp_path / "other"), "zither zither zither strapless")
    assert [quiet.title(item) for item in quiet.item_ids] == [
        loud.title(item) for item in loud.item_ids
    ]


def test_the_corpus_s_own_titles_stand_and_own_reviews_name_own_events(library: Library) -> None:
    corpus = corpus_of(library, "x", ["Red strap", None, None, None, None, None])
    first, second = corpus.history("u0").events[:2]
    assert corpus.title("B001") == corpus.event_title(first) == "Red strap"
    assert corpus.label("B001") == "Red strap (B001)"
    assert corpus.event_title(second) == f"{DERIVED}tuner · “good one” (B002)"
    assert corpus.label("B002") == corpus.title("B002")


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: "{}",
        lambda text: "[" * 100_000,
        lambda text: text.replace("tuner", "drums"),
        lambda text: '{"version": 1, "corpus_id": "other", "names": {}}',
    ],
)
def test_names_are_kept_with_the_corpus_and_made_anew_when_they_do_not_fit(
    library: Library, damage: Callable[[str], str]
) -> None:
    name = corpus_of(library, "x").title("B002")
    file = library.corpus_folder("shop") / NAMES_FILE
    assert name.removeprefix(DERIVED).partition(" ")[0] in file.read_text("utf-8")
    file.write_text(damage(file.read_text("utf-8")), "utf-8")
    assert library.corpus("shop").title("B002") == name


@given(st.text(max_size=120), st.integers(8, 60))
def test_a_short_name_fits_and_begins_like_the_long_one(text: str, limit: int) -> None:
    short = short_name(text, limit)
    text = re.sub("[\u202a-\u202e\u2066-\u2069]", "", text)  # signs of direction
    assert columns(short) <= limit
    assert short == text if columns(text) <= limit else text.startswith(short.rstrip("…").rstrip())


@pytest.mark.parametrize(
    ("text", "limit", "short"),
    [
        ("≈ guitar strap · leather, comfortable (B0002GLDQE)", 60, None),
        (
            "≈ guitar strap · leather, comfortable (B0002GLDQE)",
            40,
            "≈ guitar strap · leather (B0002GLDQE)",
        ),
        ("≈ guitar strap · leather, comfortable (B0002GLDQE)", 30, "≈ guitar strap (B0002GLDQE)"),
        ("≈ guitar strap · leather, comfortable (B0002GLDQE)", 20, "≈ guitar strap"),
        ("≈ dark · cellar, stairs (El sótano (2007))", 41, "≈ dark · cellar (El sótano (2007))"),
        ("≈ dark · cellar, stairs (El sótano (2007))", 30, "≈ dark (El sótano (2007))"),
        ("≈ dark · cellar, stairs (a)b)", 20, "≈ dark (a)b)"),
        ("strings · elixir · gauge", 18, "strings · elixir…"),
        (
            "Ernie Ball Nickel Guitar Strings, Super Slinky 10-46",
            40,
            "Ernie Ball Nickel Guitar Strings…",
        ),
        ("A very long name without any mark to break it", 30, "A very long name without any…"),
    ],
)
def test_a_long_title_loses_what_matters_least(text: str, limit: int, short: str | None) -> None:
    assert short_name(text, limit) == (short or text)


def test_a_title_cannot_turn_the_sentence_around_it() -> None:
    assert short_name("strings\u202ekcals\u2066", 40) == "stringskcals"


@pytest.mark.parametrize(
    ("ids", "are"),
    [
        (["La niebla (1984)", "Órbita (2003)", "The Attic (2019)"], True),
        (["肉じゃが", "味噌汁", "r12"], True),
        (["B0002GLDQE", "B0002D0CCQ"], False),
        (["item 12", "item 13", "blue lamp"], False),
        (["ep-00106", "978-3-00006"], False),
    ],
)
def test_ids_that_people_read_are_titles(ids: list[str], are: bool) -> None:
    assert are_titles(ids) is are


def test_ids_that_are_titles_get_no_other_name(library: Library) -> None:
    ids = {"B001": "Soft Strap", "B002": "Clip Tuner", "B003": "Black Strap", "B004": "Studio Mic"}
    made = corpus_of(library, "nothing to say")
    events = made.events.assign(item_id=made.events["item_id"].replace(ids))
    items = made.items.assign(item_id=made.items["item_id"].replace(ids))
    corpus = library.write("films", events, items, rating_scale=None)
    assert not corpus.has_derived_titles
    assert corpus.title("Clip Tuner") == "Clip Tuner"


def test_items_of_one_title_are_told_apart_by_their_ids(library: Library) -> None:
    corpus = corpus_of(library, "", ["Strap", "Tuner", "Strap", None, None, "Mic"])
    assert corpus.title("B001") == "Strap (B001)" == corpus.label("B001")
    assert corpus.title("B003") == "Strap (B003)" == corpus.short_title("B003", 14)
    assert corpus.title("B002") == "Tuner" and corpus.label("B002") == "Tuner (B002)"
    long = corpus_of(library, "", ["A strap of soft leather"] * 2 + ["Tuner", None, None, "Mic"])
    assert {long.short_title(item, 24)[-6:] for item in ("B001", "B002")} == {"(B001)", "(B002)"}
    assert len(long.short_title("B001", 24)) <= 24
    ends = {
        long.short_event_title(event, 24)[-6:]
        for user in long.user_ids
        for event in long.history(user).events
        if event.item_id in ("B001", "B002")
    }
    assert ends == {"(B001)", "(B002)"}
