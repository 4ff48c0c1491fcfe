"""One of very many users, found by a part of the id, with the keyboard alone and on a phone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from core.corpus.importing import import_files
from core.corpus.store import Library
from pages._shared.controls import LISTED_USERS

PHONE = {"width": 390, "height": 844}


@pytest.fixture
def crowd(app_library: Path, tmp_path: Path) -> Iterator[str]:
    """A corpus of more users than a list takes, with a town of each."""
    ids = [f"u{at:05}" for at in range(LISTED_USERS + 1)]
    events, users = tmp_path / "events.csv", tmp_path / "users.csv"
    rows = [f"{user},i{at % 9},{1_600_000_000 + at * 3_600}" for at, user in enumerate(ids)]
    events.write_text("\n".join(["user_id,item_id,timestamp", *rows]) + "\n")
    towns = [f"{user},{'Lübeck' if user == 'u04321' else 'Kiel'}" for user in ids]
    users.write_text("\n".join(["user_id,town", *towns]) + "\n")
    import_files(Library.open(app_library), "crowd", [events], users=users)
    yield "crowd"
    shutil.rmtree(app_library / "corpora" / "crowd")


def test_a_user_is_found_and_chosen_by_keys(tab, crowd: str) -> None:
    page, keys = tab.open(f"/timeline?corpus={crowd}").page, tab.page.keyboard
    field = page.get_by_label("User", exact=True)
    field.click()
    keys.type("4321")
    page.get_by_role("button", name="u04321").wait_for()
    keys.press("Enter")
    tab.wait_for_url("user=u04321")
    expect(field).to_have_value("u04321")
    field.fill("u0010")
    page.get_by_role("button", name="u00107").wait_for()
    assert page.locator(".st-key-find_user button").count() == 8
    field.press("ArrowDown")
    keys.press("ArrowDown")
    keys.press("Enter")
    tab.wait_for_url("user=u00101")
    tab.open(f"/timeline?corpus={crowd}&user=u00102")
    expect(field).to_have_value("u00102")


def test_a_user_is_found_by_an_attribute_on_a_phone(tab, crowd: str) -> None:
    page = tab.page
    page.set_viewport_size(PHONE)
    tab.open(f"/timeline?corpus={crowd}")
    page.get_by_test_id("stExpandSidebarButton").click()
    page.get_by_label("User", exact=True).fill("lüb")
    hit = page.get_by_role("button", name="u04321 · town: Lübeck")
    box = tab.box(hit)
    assert box["x"] >= 0 and box["x"] + box["width"] <= PHONE["width"]
    hit.click()
    tab.wait_for_url("user=u04321")
