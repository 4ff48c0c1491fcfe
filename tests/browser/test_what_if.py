"""What-if in a real browser: the table, undo, save, links, capsules, two sessions."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import TimeoutError, expect

COLUMNS = {"delete": 62, "item": 199, "rating": 427}
"""Where columns of the history table are, in pixels from its left edge at 1280 px."""
HEADER, ROW = 35, 33


class History:
    """The page of one user, and its table."""

    def __init__(self, tab, user: str) -> None:
        self.tab, self.user, self.page = tab, user, tab.page

    def open(self, **more: str) -> History:
        query = "".join(f"&{key}={value}" for key, value in more.items())
        self.tab.open(f"/what_if?corpus=demo&user={self.user}{query}").drawn("map")
        return self

    @property
    def table(self):
        return self.page.locator("[class*='st-key-history_'] [data-testid=stDataFrame]")

    def click(self, row: int, column: str) -> None:
        """Click a cell; row 0 is the empty one, row 1 the newest event."""
        self.tab.click_at(self.table, COLUMNS[column], HEADER + ROW * row + ROW / 2)
        self.page.wait_for_timeout(200)

    def edit(self, row: int, column: str) -> None:
        """Open the editor of a cell; the click that leaves a popover may only give focus."""
        editor = self.page.locator("#portal input").first
        for _ in range(4):
            self.click(row, column)
            self.page.keyboard.press("Enter")
            with suppress(TimeoutError):
                editor.wait_for(timeout=5_000)
                return
        editor.wait_for()

    def type(self, row: int, column: str, text: str) -> History:
        self.edit(row, column)
        self.page.locator("#portal input").first.fill(text)
        self.page.keyboard.press("Enter")
        return self

    def delete(self, row: int) -> History:
        """Tick Delete in a row, until the page says another number of edits."""
        status = self.page.get_by_text(re.compile("up to step"))
        before = status.inner_text()
        for _ in range(3):
            self.click(row, "delete")
            with suppress(AssertionError):
                expect(status).not_to_have_text(before, timeout=40_000)
                break
        self.tab.idle()
        return self

    def says(self, text: str) -> History:
        # The table repeats a refusal in a cell that only screen readers see.
        self.page.get_by_text(re.compile(text)).filter(visible=True).first.wait_for()
        self.tab.idle()
        return self

    def press(self, name: str) -> History:
        self.page.get_by_role("button", name=name, exact=True).first.click()
        return self

    def capsule(self, folder: Path) -> dict:
        """The capsule of what is on the screen."""
        self.press("Export")
        text = self.tab.take("Capsule (JSON)", folder)
        self.close()
        (folder / "capsule.json").write_text(text, encoding="utf-8")
        found: dict = json.loads(text)
        return found

    def link(self) -> str:
        found: str = self.tab.share()
        self.close()
        return found

    def close(self) -> None:
        """Close the popover that is open."""
        self.page.keyboard.press("Escape")
        self.page.get_by_test_id("stPopoverBody").wait_for(state="hidden")
        self.tab.settle()


@pytest.fixture
def user(busy_user: str) -> str:
    return busy_user


@pytest.fixture
def history(tab, user: str) -> History:
    return History(tab, user)


def test_a_wrong_rating_is_said_and_re_rate_delete_and_undo_bring_back_the_list(
    history, tmp_path
) -> None:
    history.open().says("0 edits · nothing to save")
    before = history.capsule(tmp_path)
    assert before["edits"] == []
    history.type(3, "rating", "9")
    history.says("the rating 9 is outside the scale").says("0 edits")
    history.type(3, "rating", "1").says(r"1 edit · not saved")
    history.delete(5).says(r"2 edits · not saved").says(r"^With 2 edits")
    after = history.capsule(tmp_path)
    assert [edit["op"] for edit in after["edits"]] == ["rate", "delete"]
    assert after["edits"][0]["rating"] == 1
    history.press("Undo").says("1 edit ·").press("Undo").says("0 edits")
    assert history.capsule(tmp_path) == before
    history.press("Redo").says("1 edit ·").press("Redo").says("2 edits")
    assert history.capsule(tmp_path)["expected"] == after["expected"]


def test_an_event_is_added_by_its_title_and_a_text_rewritten_and_all_taken_away(
    history, tmp_path
) -> None:
    """The added event stands in the table; the text comes from a real review of the opposite."""
    history.open()
    history.edit(0, "item")
    history.page.keyboard.type("Lantern Kings")
    history.page.get_by_text("(The Lantern Kings").first.wait_for()
    history.page.keyboard.press("Enter")
    history.says(r"1 edit · not saved").says("^With 1 edit")
    [edit] = history.capsule(tmp_path)["edits"]
    assert edit["op"] == "add"
    history.press("Undo").says("0 edits")
    box = history.page.get_by_label("Text of the event")
    old = box.input_value()
    history.press("Start from the opposite review").says("A review by")
    assert box.input_value() not in ("", old)
    history.press("Use this text").says(r"1 edit · not saved")
    [edit] = history.capsule(tmp_path)["edits"]
    assert edit["op"] == "edit"
    history.press("Export")
    for label, start in (
        ("Lists (CSV)", "rank,before"),
        ("Moves (CSV)", "from,to,item_id"),
        ("Edits (CSV)", "edit,what"),
        ("History (CSV)", "step,change"),
        ("Paths (CSV)", "path,step"),
        ("Profile (CSV)", "topic,before"),
        ("Charts (HTML)", "<!doctype html"),
    ):
        assert history.tab.take(label, tmp_path).startswith(start)


def test_saved_reloaded_and_linked_to_another_browser(history, open_tab, user, tmp_path) -> None:
    history.open().type(3, "rating", "2").says(r"1 edit · not saved")
    history.press("More")
    history.page.get_by_label("Name", exact=True).fill("Seen by everyone")
    history.page.get_by_label("Name", exact=True).press("Enter")
    history.close()
    history.press("Save").says("saved, revision 1")
    history.tab.wait_for_url("scenario=")
    mine = history.capsule(tmp_path)
    history.page.reload()
    history.says("1 edit · saved, revision 1")
    assert history.capsule(tmp_path) == mine
    link = history.link()
    assert "scenario=" in link
    other = History(open_tab(color_scheme="dark"), user)
    other.tab.follow(link)
    other.says("1 edit · saved, revision 1")
    assert other.capsule(tmp_path) == mine
    assert mine["name"] == "Seen by everyone"


def test_unsaved_edits_outlive_a_reload_and_back_and_are_discarded_on_request(history) -> None:
    history.open().type(3, "rating", "1").says(r"1 edit · not saved")
    history.tab.wait_for_url("edits=")
    first = history.page.url
    history.delete(5).says(r"2 edits · not saved")
    history.page.wait_for_url(lambda url: "edits=" in url and url != first)
    history.page.reload()
    history.says(r"2 edits · not saved").says("^With 2 edits")
    history.page.go_back()
    history.says(r"1 edit · not saved")
    history.press("Discard").says("0 edits · nothing to save").says("Kept aside: 2 edits")
    history.page.wait_for_url(lambda url: "edits=" not in url)
    history.press("Restore").says(r"2 edits · not saved")
    history.press("New").says("0 edits · nothing to save").says("Kept aside: 2 edits")


def test_a_saved_revision_is_opened_and_saved_as_the_next(history, tmp_path) -> None:
    history.open().type(3, "rating", "1").says(r"1 edit · not saved")
    history.press("Save").says("saved, revision 1")
    first = history.capsule(tmp_path)
    history.delete(5).says("2 edits · changed since revision 1").press("Save")
    history.says("2 edits · saved, revision 2").press("Revisions")
    listed = history.page.get_by_test_id("stPopoverBody").get_by_test_id("stDataFrame")
    history.tab.click_at(listed, 60, HEADER + 1.5 * ROW)
    history.says("1 edit · changed since revision 2")
    history.press("Save").says("1 edit · saved, revision 3")
    assert history.capsule(tmp_path)["edits"] == first["edits"]


def test_a_wrong_date_is_said_at_its_field_and_nothing_typed_is_lost(history) -> None:
    history.open()
    history.page.get_by_text("Add an event", exact=True).click()
    form = history.page.get_by_test_id("stForm")
    title = form.locator(".st-key-whatif_add_item input")
    title.click()
    title.fill("Lantern")
    history.page.get_by_role("option").first.click()
    when = form.get_by_label("Date and time (UTC)")
    when.fill("1800-03-01")
    form.get_by_label("Text (optional)").fill("Lovely.")
    history.press("Add the event").says("0 edits")
    said = form.get_by_text(re.compile("1800.* is out of range"))
    said.wait_for()
    below = said.bounding_box()["y"] - when.bounding_box()["y"]
    assert 0 < below < 120
    assert when.input_value() == "1800-03-01"
    assert form.get_by_label("Text (optional)").input_value() == "Lovely."
    when.fill("2024-03-01 12:30")
    history.press("Add the event").says("1 edit · not saved")


def test_edits_go_to_compare_and_come_back(history, user) -> None:
    history.open().type(3, "rating", "1").says(r"1 edit · not saved")
    history.page.get_by_role("link", name="Original and edited on Compare").click()
    history.tab.wait_for_url("/compare")
    history.page.get_by_text(re.compile("unsaved edits")).first.wait_for()
    history.page.get_by_role("button", name=re.compile(r"^2 · .*edits")).click()
    history.page.get_by_role("link", name="Edit this history in What-if").click()
    history.tab.wait_for_url("/what_if")
    history.says(r"1 edit · not saved").says("^With 1 edit")


def test_a_capsule_goes_round(history, open_tab, user, tmp_path: Path) -> None:
    history.open()
    history.delete(5).says(r"1 edit · not saved")
    mine = history.capsule(tmp_path)
    other = History(open_tab(), "U0001")
    other.open().press("More")
    other.page.locator("input[type=file]").set_input_files(tmp_path / "capsule.json")
    other.says(rf"{user} up to step \d+ · 1 edit").says("matches the saved")
    assert other.capsule(tmp_path)["expected"] == mine["expected"]
    damaged = tmp_path / "broken.json"
    damaged.write_text("{}")
    other.press("More")
    other.page.locator("input[type=file]").set_input_files(damaged)
    other.says("This is no capsule")


def test_two_sessions_get_a_choice_that_loses_nothing(open_tab, user, tmp_path) -> None:
    mine = History(open_tab(), user).open()
    mine.type(3, "rating", "2").says(r"1 edit · not saved").press("Save").says("revision 1")
    link = mine.link()
    theirs = History(open_tab(), user)
    theirs.tab.follow(link)
    theirs.says("revision 1")
    theirs.delete(5).says("2 edits").press("Save").says("saved, revision 2")
    mine.delete(4).says("2 edits").press("Save").says("in another session since you opened it")
    mine.press("Keep mine as a copy").says("saved, revision 1")
    steps = [found.capsule(tmp_path)["edits"][-1]["step"] for found in (mine, theirs)]
    assert steps[0] != steps[1]
    theirs.page.reload()
    theirs.says("2 edits · saved, revision 2")


def test_the_smallest_edit_is_found_and_made(tab) -> None:
    history = History(tab, "U0003").open()
    title = history.page.locator(".st-key-whatif_wanted input")
    title.click()
    title.fill("Lantern")
    history.page.get_by_role("option").first.click()
    history.tab.settle()
    history.press("Search").says("verified by the recommender|No edits found|needs no edit")
    if history.page.get_by_role("button", name="Apply these edits").count():
        history.press("Apply these edits").says(r"edits? · not saved")
