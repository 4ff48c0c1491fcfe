"""A file from the drop to the Timeline, with the mouse alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest


def drop(tab, *paths: Path) -> None:
    """Open Data and models and drop a file of events, and one of items."""
    tab.open("/corpora")
    for key, path in zip(("events", "items"), paths, strict=False):
        tab.page.set_input_files(f".st-key-import_{key} input[type=file]", path)
        tab.settle()


def press(tab, name: str) -> None:
    tab.page.get_by_role("button", name=name, exact=True).first.click()
    tab.settle()


@pytest.fixture(autouse=True)
def cleared(tab) -> Iterator[None]:
    """Afterwards the page lists no import and no training, as other tests expect."""
    yield
    tab.open("/corpora")
    listed = tab.page.locator('[class*="st-key-forget"]:not(.st-key-forget_said) button')
    while listed.count():
        listed.first.click()
        tab.settle()
        tab.idle()


def test_a_file_without_a_header_is_imported_by_clicks_alone(tab, tmp_path: Path) -> None:
    path = tmp_path / "evenings.dat"
    rows = [f"i{n % 25}::{1_600_000_000 + n * 7200}::u{n % 20}::{1 + n % 5}" for n in range(200)]
    path.write_text("\n".join(rows) + "\n")
    drop(tab, path)
    tab.page.get_by_text("The first line looks like data").wait_for()
    press(tab, "The first line is data")
    tab.page.get_by_text("Which column holds user_id?").wait_for()
    press(tab, "3 · u0")
    tab.page.get_by_text("Which column holds item_id?").wait_for()
    press(tab, "1 · i0")
    tab.page.get_by_text("0 rows of the first 200 would be refused").wait_for()
    tab.choose("rating", "4 · 1")
    tab.page.get_by_text(re.compile("ratings from 1 to 5")).wait_for()
    command = tab.page.locator("code", has_text="python -m core import evenings.dat").inner_text()
    assert "--no-header" in command and "--map rating=4" in command
    press(tab, "Import")
    tab.page.get_by_text("Imported 200 of 200 rows: 20 users, 25 items.").wait_for()


def test_atomic_files_are_imported_trained_and_shown(tab, tmp_path: Path) -> None:
    """RecBole's: columns with their types, and items with genres."""
    events, items = tmp_path / "shop.inter", tmp_path / "shop.item"
    rows = [
        f"u{n % 12}\ti{(n * n) % 15}\t{1 + n % 5}\t{1_600_000_000 + n * 7200}.0" for n in range(120)
    ]
    head = "user_id:token\titem_id:token\trating:float\ttimestamp:float"
    events.write_text("\n".join([head, *rows]) + "\n")
    made = [f"i{n}\tLamp number {n}\t{('Light', 'Home', 'Garden')[n % 3]} Gift" for n in range(15)]
    head = "item_id:token\tmovie_title:token_seq\tgenre:token_seq"
    items.write_text("\n".join([head, *made]) + "\n")
    drop(tab, events, items)
    tab.page.get_by_text("The items file has 100").wait_for()
    press(tab, "Import")
    tab.page.get_by_text("Imported 120 of 120 rows: 12 users, 15 items.").wait_for()
    press(tab, "Use it")
    tab.wait_for_url("corpus=shop")
    tab.page.get_by_text("Only 12 users can be scored").wait_for()
    tab.page.get_by_label("Epochs at most").fill("1")
    tab.page.keyboard.press("Enter")
    press(tab, "Train a model")
    tab.page.get_by_text(re.compile("^Trained in")).wait_for(timeout=180_000)
    tab.open("/timeline?corpus=shop&user=u3")
    tab.drawn("events")
    assert len(tab.trace("events", "events")["x"]) == 10
    tab.page.get_by_text(re.compile("u3 · 10 events")).wait_for()
