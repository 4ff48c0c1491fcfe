"""The clock task: from the overview to a kept finding, with what a person clicks and types."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator


@pytest.fixture
def hand(tab):
    """Clicks and keys; after each the page comes to rest."""

    class Hand:
        def click(self, place: Locator, at: tuple[float, float] | None = None) -> None:
            if at is None:
                place.click()
            else:
                tab.click_at(place, *at)
            tab.settle()

        def press(self, key: str) -> None:
            tab.page.keyboard.press(key)
            tab.settle()

    return Hand()


def test_from_the_overview_to_a_kept_finding(tab, hand) -> None:
    """Biggest change, why, what would undo it, a note with its link."""
    tab.open("/?corpus=demo")
    page = tab.page
    users = page.locator(".st-key-list_drift").get_by_test_id("stDataFrame")
    users.locator("canvas").first.wait_for()
    hand.click(users, at=(140, 52))  # whose interest changed most
    tab.wait_for_url("/timeline").drawn("profile")
    hand.press("Shift+ArrowLeft")  # the last turn or review
    hand.click(page.get_by_role("link", name="Explain rank 1"))  # why
    tab.wait_for_url("/explain").wait_for_url("item=")
    undo = page.get_by_role("link", name="Try it in What-if")
    undo.wait_for()
    hand.click(undo)  # what would undo it
    tab.wait_for_url("/what_if").wait_for_url("edits=")
    keep = page.get_by_role("button", name="Keep finding")
    keep.wait_for()
    address = page.url.split("?")[1]
    hand.click(keep)
    hand.click(page.get_by_label("Notes"))
    page.keyboard.type("Without this review the item is out.")
    hand.click(page.get_by_test_id("stPopoverBody").get_by_role("button", name="Keep", exact=True))
    hand.click(page.get_by_role("link", name="Open the notebook"))
    page.get_by_text("Without this review the item is out.").wait_for()
    hand.click(page.get_by_role("link", name="Open What-if"))  # the link leads back, edit and all
    tab.wait_for_url("/what_if").wait_for_url("edits=")
    assert page.url.split("?")[1] == address
