"""A file from the drop to the Timeline, with the mouse alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from core.corpus.store import Library


def drop(tab, *paths: Path) -> None:
    """Open Data and models and drop a file of events, and one of items."""
    tab.open("/corpora")
    for key, path in zip(("events", "items", "users"), paths, strict=False):
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


def test_atomic_files_are_imported_trained_shown_and_updated(
    tab, tmp_path: Path, app_library: Path
) -> None:
    """RecBole's: columns with their types, items with genres, and a users file for cohorts. Then
    what is appended: an update that is stopped leaves the model as it was, the next one ends."""
    events, items, users = (tmp_path / f"shop.{kind}" for kind in ("inter", "item", "user"))
    rows = [
        f"u{n % 12}\ti{(n * n) % 15}\t{1 + n % 5}\t{1_600_000_000 + n * 7200}.0" for n in range(120)
    ]
    head = "user_id:token\titem_id:token\trating:float\ttimestamp:float"
    events.write_text("\n".join([head, *rows]) + "\n")
    made = [f"i{n}\tLamp number {n}\t{('Light', 'Home', 'Garden')[n % 3]} Gift" for n in range(15)]
    head = "item_id:token\tmovie_title:token_seq\tgenre:token_seq"
    items.write_text("\n".join([head, *made]) + "\n")
    made = [f"u{n}\t{('pro', 'free')[n % 2]}\t{20 + n}" for n in range(12)]
    users.write_text("\n".join(["user_id:token\tplan:token\tage:float", *made]) + "\n")
    drop(tab, events, items, users)
    tab.page.get_by_text("The items file has 100").wait_for()
    tab.page.get_by_text("2 user attributes in the first 12 rows").wait_for()
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
    tab.page.get_by_text("plan: free · age: 23").wait_for()
    tab.open("/cohorts?corpus=shop&cohorts_by=attribute").idle()
    tab.page.get_by_role("button", name="Rule").click()
    tab.choose("User attributes", "plan")
    tab.choose("plan is", "pro")
    tab.page.get_by_role("button", name="Find them").click()
    tab.page.get_by_role("heading", name="Plan pro").wait_for()
    tab.wait_for_url("is%3Aplan")
    tab.page.get_by_text("6 of 12 users").wait_for()
    library = Library.open(app_library)
    (model,) = library.model_folders("shop")
    learned = content(model)
    records = [path.read_text() for path in app_library.glob("jobs/*.jsonl")]
    (record,) = [text for text in records if '"target": "shop"' in text and '"train"' in text]
    told = [line for line in record.splitlines() if '"progress"' in line]
    assert f'"made": "{model}"' in told[-1]  # before its end: what came after can be cut off
    drop(tab, later(tmp_path / "later.csv"))
    tab.choose("Add to the corpus", "shop")
    press(tab, "Add to shop")
    tab.page.get_by_text("Added to shop: 60 events of 60 rows").wait_for()
    tab.open("/corpora?corpus=shop")
    press(tab, "Update the model")
    press(tab, "Stop")
    tab.page.get_by_text("Stopped. Nothing incomplete was kept.").wait_for(timeout=180_000)
    assert library.model_folders("shop") == [model] and content(model) == learned
    press(tab, "Update the model")
    tab.page.get_by_text(re.compile("^Updated in")).wait_for(timeout=180_000)
    assert len(library.model_folders("shop")) == 2 and content(model) == learned
    tab.open("/compare?corpus=shop&user=u3&columns=models")
    tab.page.get_by_text(re.compile("Between the models, .* most on average")).wait_for()
    tab.page.get_by_text(re.compile("every combination of the components that differ")).wait_for()
    heads = tab.page.locator(".st-key-pick_flow .js-plotly-plot")
    heads.filter(has_text="joint, model ").wait_for()


def content(folder: Path) -> dict[str, bytes]:
    """All files of a model."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def later(path: Path) -> Path:
    """New events with reviews, and two new items."""
    words = ("warm", "bright", "cold", "heavy", "small", "cheap", "lovely", "broken")
    rows = []
    for n in range(60):
        said = " ".join(words[(n >> shift) % 8] for shift in (0, 3, 6)) + f" lamp {n}"
        when = f"{1_601_000_000 + n * 3600}"
        rows.append(f"u{n % 12},i{(n * 7) % 17},{1 + n % 5},{when},I found it {said}.")
    path.write_text("user_id,item_id,rating,timestamp,text\n" + "\n".join(rows) + "\n")
    return path
