"""Somebody who is not in the corpus: from an uploaded file, or from nothing, to every page."""

from __future__ import annotations

import csv
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.corpus.store import Corpus, Library

EVENTS = 60
LIST = re.compile("Top 10 after this event")


@pytest.fixture(scope="module")
def demo() -> Corpus:
    return Library.open().corpus("demo")


@pytest.fixture
def mine(tmp_path: Path, demo: Corpus) -> Path:
    """60 events of one person; an item has a title much like one of the corpus."""
    path = tmp_path / "mine.csv"
    with path.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(("user_id", "item_id", "timestamp", "rating", "text", "item_title"))
        for at in range(EVENTS):
            item = demo.item_ids[at * 7 % len(demo.item_ids)]
            when = datetime(2024, 1, 1, tzinfo=UTC) + timedelta(days=at)
            row = (item, when.isoformat(), 1 + at % 5, "works well" if at % 3 else "")
            name = demo.title(item)
            if at == 5:
                row, name = ("strange", *row[1:]), f"**New** {name}"
            table.writerow(("me", *row, name))
    return path


def test_a_file_becomes_a_user_on_every_page_and_is_saved(tab, mine: Path) -> None:
    tab.open("/timeline?corpus=demo")
    tab.page.get_by_role("button", name="Own history").click()
    tab.page.locator("input[type=file]").set_input_files(mine)
    tab.page.get_by_text("59 with items of the corpus").wait_for()
    tab.page.get_by_text("**New**").first.wait_for()  # words, not Markdown
    tab.page.get_by_role("button", name="Open the history").click()
    tab.page.get_by_text(LIST).wait_for()
    tab.page.get_by_text("Own history, not in the corpus. Not saved.").wait_for()
    user = re.search(r"user=(own~[0-9a-f]{12})", tab.page.url)
    assert user is not None
    for page, sight in (
        ("Explain", "has rank 1 in the list"),
        ("Compare", "From step 59"),
        ("What-if", "No edits yet: both lists are the same"),
    ):
        tab.page.get_by_role("link", name=page, exact=True).click()
        tab.page.get_by_text(sight).first.wait_for()
        assert user[1] in tab.page.url
    tab.settle()
    tab.page.get_by_role("button", name="More").click()
    tab.page.get_by_label("Name").fill("My year")
    tab.page.keyboard.press("Enter")
    tab.page.keyboard.press("Escape")
    tab.page.get_by_role("button", name="Save", exact=True).click()
    tab.wait_for_url("scenario=")
    tab.open("/?corpus=demo")
    tab.page.get_by_role("button", name="Own history").click()
    tab.page.get_by_role("button", name="Open My year").click()
    tab.page.get_by_text("Own history, not in the corpus. Saved as My year.").wait_for()
    assert user[1] in tab.page.url


def test_from_a_blank_history_to_its_timeline(tab) -> None:
    tab.open("/timeline?corpus=demo")
    tab.page.get_by_role("button", name="Own history").click()
    tab.page.get_by_role("button", name="Start from a blank history").click()
    tab.page.get_by_text("No edits yet: both lists are the same").wait_for()
    tab.settle()
    blank = tab.page.url
    tab.page.get_by_role("link", name="Timeline", exact=True).click()
    tab.page.get_by_text("This history has no events").wait_for()
    tab.follow(blank)
    form = tab.page.get_by_test_id("stForm")
    form.get_by_role("combobox", name="Item").click()
    tab.page.keyboard.type("Lantern Harbour")
    tab.page.get_by_role("option").first.click()
    form.get_by_role("button", name="Add the event").click()
    tab.page.get_by_role("button", name="Take them into the history").click()
    tab.page.get_by_text("· 1 event ·").wait_for()
    tab.page.get_by_text(LIST).wait_for()
    assert "own~" in tab.page.url and "edits=" not in tab.page.url
