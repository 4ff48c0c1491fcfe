"""Hands on the keyboard: steps, users, pages, Play, palette, help; what keys leave alone."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from core.corpus.store import Library
from core.turns.stored import turns_of_user


def place(tab) -> tuple[str, str, int]:
    """Page, user and time, as the address says."""
    url = urlsplit(tab.page.url)
    query = parse_qs(url.query)
    return url.path.strip("/"), query["user"][0], int(query["time"][0])


@pytest.fixture
def press(tab):
    """A function that presses keys one after the other, without waiting between them."""

    def press(*keys: str) -> None:
        for key in keys:
            tab.page.keyboard.press(key)
        tab.settle()

    return press


def test_keys_move_through_time_users_and_pages(tab, press, busy_user, demo_engine) -> None:
    tab.open(f"/timeline?corpus=demo&user={busy_user}&time=20").drawn("events")
    press("ArrowLeft")
    tab.wait_for_url("time=19")
    press("ArrowLeft", "ArrowLeft", "ArrowLeft", "ArrowRight")  # faster than the page redraws
    tab.wait_for_url("time=17")
    corpus = Library.open().corpus("demo")
    history = corpus.history(busy_user)
    turning = [point.step for point in turns_of_user(demo_engine, history).points]
    reviewed = [step for step, event in enumerate(history.events, start=1) if event.words]
    landmarks = [step for step in turning if step > 17] or [step for step in reviewed if step > 17]
    press("Shift+ArrowRight")
    tab.wait_for_url(f"time={landmarks[0]}")
    press("Shift+ArrowLeft")
    before = [step for step in turning if step < landmarks[0]] or [
        step for step in reviewed if step < landmarks[0]
    ]
    tab.wait_for_url(f"time={before[-1]}")
    following = corpus.user_ids[(corpus.user_ids.index(busy_user) + 1) % len(corpus.user_ids)]
    press("j")
    tab.wait_for_url(f"user={following}")
    press("k")
    tab.wait_for_url(f"user={busy_user}")
    press("1")
    tab.page.get_by_role("heading", name="Where should I look first?").wait_for()
    menu = tab.page.get_by_test_id("stSidebarNavLink").all_inner_texts()
    press(str(1 + next(at for at, name in enumerate(menu) if "Timeline" in name)))
    tab.wait_for_url("/timeline").wait_for_url(f"user={busy_user}").drawn("events")
    press(" ")
    tab.page.get_by_role("button", name="Pause").wait_for()
    tab.page.get_by_text("Step 2 of").first.wait_for()
    press(" ")
    tab.page.get_by_role("button", name="Play").wait_for()


def test_keys_leave_fields_and_controls_alone(tab, press, busy_user) -> None:
    tab.open(f"/timeline?corpus=demo&user={busy_user}&time=20").drawn("events")
    tab.page.get_by_role("button", name="Share", exact=True).focus()
    press(" ")  # presses the button, not Play
    tab.page.get_by_text("Opens this view in another browser.").wait_for()
    press("Escape")
    tab.page.get_by_role("button", name="Keep finding").click()
    notes = tab.page.get_by_label("Notes")
    notes.focus()
    tab.page.keyboard.type("jk 12/?")
    press("ArrowLeft")
    assert notes.input_value() == "jk 12/?"
    assert place(tab) == ("timeline", busy_user, 20)
    press("Escape")
    tab.page.get_by_role("radio", name="Whole history").focus()
    press("ArrowRight")
    assert place(tab) == ("timeline", busy_user, 20)


def test_the_palette_finds_users_items_pages_and_commands(tab, press, busy_user) -> None:
    corpus = Library.open().corpus("demo")
    item = corpus.item_ids[7]
    tab.open("/?corpus=demo")
    tab.page.locator(".st-key-list_drift canvas").first.wait_for()
    tab.settle()
    press("/")
    field = tab.page.get_by_label("User, item, page or command")
    field.wait_for()
    tab.page.locator(".st-key-jump input:focus").wait_for()
    tab.page.keyboard.type(busy_user.lower())
    tab.page.get_by_role("button", name=f"User {busy_user}").wait_for()
    press("Enter")
    tab.wait_for_url("/timeline").wait_for_url(f"user={busy_user}")
    field.wait_for(state="hidden")
    press("Control+k")
    field.fill(item)
    tab.page.get_by_role("button", name=corpus.title(item)).wait_for()
    press("ArrowDown", "Enter")
    tab.wait_for_url("/explain").wait_for_url(f"item={item}")
    assert place(tab)[1] == busy_user
    before = place(tab)[2]
    field.wait_for(state="hidden")
    press("/")
    field.fill("previous event")
    tab.page.get_by_role("button", name="Previous event").wait_for()
    press("Enter")
    tab.wait_for_url(f"time={before - 1}")
    field.wait_for(state="hidden")
    press("?")
    tab.page.get_by_role("dialog").get_by_text("next, previous user").wait_for()
    tab.page.get_by_role("dialog").get_by_text("Single keys are on").click()
    press("Escape")
    tab.page.get_by_role("dialog").wait_for(state="hidden")
    tab.settle()
    press("1")
    assert place(tab)[0] == "explain"
