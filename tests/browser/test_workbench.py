"""The main job in a real browser: find a user, follow the interest through time, share the view."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import WebSocketRoute

LATE = 1.5
"""Seconds by which answers are late on a slow connection; Play ticks more often."""
CHARTS = ("profile", "events", "ranks", "step_sizes")
PICKS = [
    ("profile", "pick", 2),
    ("events", "events", 4),
    ("ranks", "ranks", 1),
    ("map", "states", 0),
    ("step_sizes", "step sizes", 3),
]


def timeline(user: str, time: int = 8) -> str:
    return f"/timeline?corpus=demo&user={user}&time={time}"


def test_the_overview_says_that_the_demo_is_simulated_and_a_row_opens_its_timeline(tab) -> None:
    tab.open()
    tab.page.get_by_text("Simulated data, made for this demo").wait_for()
    tab.page.get_by_text(re.compile(r"NDCG@10 0\.\d")).first.wait_for()
    assert "corpus=demo" in tab.page.url
    table = tab.page.locator(".st-key-list_drift").get_by_test_id("stDataFrame")
    tab.click_row(table, 140)
    tab.wait_for_url("/timeline").drawn("profile")
    assert "user=" in tab.page.url


def test_a_link_to_nobody_is_a_notice_and_a_user_is_found_by_typing(tab, busy_user) -> None:
    tab.open("/timeline?corpus=demo&user=nobody&time=3")
    tab.page.get_by_text("There is no user 'nobody' in corpus 'demo'").wait_for()
    tab.page.get_by_text("Choose a user").wait_for()
    box = tab.page.get_by_role("combobox", name="User")
    box.click()
    box.fill(busy_user)
    tab.page.get_by_role("option", name=busy_user, exact=True).click()
    tab.wait_for_url(f"user={busy_user}").drawn("map")
    tab.page.get_by_text(re.compile(rf"{busy_user} · \d+ events")).wait_for()


def test_on_a_phone_the_sidebar_goes_once_a_page_is_chosen(tab, busy_user) -> None:
    tab.page.set_viewport_size({"width": 390, "height": 844})
    tab.open(f"/users?corpus=demo&user={busy_user}").idle()
    tab.page.get_by_test_id("stExpandSidebarButton").click()
    sidebar = tab.page.get_by_test_id("stSidebar")
    sidebar.get_by_role("link", name="Quality").click()
    tab.wait_for_url("/quality")
    tab.page.get_by_test_id("stExpandSidebarButton").wait_for()
    tab.page.get_by_role("button", name="Export").click()


def test_the_time_moves_in_every_chart_and_goes_back_along_and_out(
    tab, busy_user, tmp_path: Path
) -> None:
    """The slider, the next event, Back, another page, and the files of Export."""
    tab.open(timeline(busy_user)).drawn("step_sizes")
    before = tab.rule(CHARTS)
    tab.page.get_by_role("slider").focus()
    tab.page.keyboard.press("ArrowRight")
    tab.wait_for_url("time=9")
    tab.page.get_by_text("Step 9 of").first.wait_for()
    after = tab.rule(CHARTS, other_than=before)
    tab.page.get_by_role("button", name="Next event").click()
    tab.wait_for_url("time=10")
    tab.rule(CHARTS, other_than=after)
    tab.page.go_back()
    tab.wait_for_url("time=9")
    tab.page.get_by_text("Step 9 of").first.wait_for()
    tab.page.get_by_role("link", name="Data and models").click()
    tab.wait_for_url("/corpora")
    tab.page.get_by_role("link", name="Timeline").click()
    tab.wait_for_url("/timeline").drawn("step_sizes")
    assert f"user={busy_user}" in tab.page.url
    assert tab.step == 9
    tab.page.get_by_role("button", name="Export").click()
    assert tab.take("All steps (CSV)", tmp_path).startswith("step,timestamp")
    assert tab.take("Charts (HTML)", tmp_path).startswith("<!doctype html")


def test_a_pick_in_any_chart_selects_the_time_in_all(tab, busy_user) -> None:
    tab.open(timeline(busy_user)).drawn("step_sizes")
    before = tab.rule(CHARTS)
    for chart, trace, point in PICKS:
        picked = tab.trace(chart, trace)["steps"][point]
        tab.click_point(chart, trace, point)
        tab.wait_for_url(f"time={picked}")
        tab.page.get_by_text(f"Step {picked} of").first.wait_for()
        before = tab.rule(CHARTS, other_than=before)
        now, states = tab.trace("map", "now"), tab.trace("map", "states")
        assert (now["x"][0], now["y"][0]) == (states["x"][picked - 1], states["y"][picked - 1])


def test_play_advances_pause_holds_and_picks_still_work(tab, busy_user) -> None:
    tab.open(timeline(busy_user, 2)).drawn("step_sizes")
    tab.page.get_by_role("button", name="Play").click()
    tab.page.get_by_text(re.compile(r"^Step 4 of")).wait_for()
    tab.page.get_by_role("button", name="Pause").click()
    tab.page.get_by_role("button", name="Play").wait_for()
    paused = tab.settle().step
    assert paused >= 4
    tab.page.wait_for_timeout(1500)
    assert tab.step == paused
    tab.click_point("events", "events", 0)
    tab.wait_for_url("time=1")
    tab.page.go_back()
    tab.wait_for_url(f"time={paused}")


def test_play_goes_on_where_the_server_s_answers_come_late(tab, busy_user) -> None:
    """Ticks then report the time of a step ago, which is no choice of it."""
    late: list[tuple[float, Callable[[], None]]] = []

    def delay(page: WebSocketRoute) -> None:
        server = page.connect_to_server()
        page.on_message(server.send)
        server.on_message(
            lambda message: late.append((time.monotonic() + LATE, lambda: page.send(message)))
        )

    def deliver() -> None:
        while late and late[0][0] <= time.monotonic():
            late.pop(0)[1]()

    tab.page.route_web_socket(re.compile("/_stcore/stream"), delay)
    tab.page.goto(tab.address + timeline(busy_user, 2))
    said = tab.page.get_by_text(re.compile(r"^Step \d+ of"))
    play = tab.page.get_by_role("button", name="Play")
    is_played, end = False, time.monotonic() + 120
    while time.monotonic() < end:
        tab.page.wait_for_timeout(50)
        deliver()
        if not is_played and play.is_visible():
            play.click()
            is_played = True
        if said.is_visible() and int(said.inner_text().split()[1]) >= 5:
            break
    assert int(said.inner_text().split()[1]) >= 5


def test_a_permalink_opens_the_same_view_in_another_browser(open_tab, busy_user) -> None:
    first = open_tab().open(timeline(busy_user, 5)).drawn("map")
    said = first.page.get_by_text(re.compile("Step 5 of")).first.inner_text()
    second = open_tab(color_scheme="dark").follow(first.share()).drawn("map")
    second.page.get_by_text(said, exact=True).wait_for()
    assert second.trace("map", "now") == first.trace("map", "now")
    assert second.rule(["events"]) == first.rule(["events"])


def shop_csv(path: Path, rows: int) -> Path:
    """A file whose columns can't be guessed, with two rows that must be refused."""
    lines = ["who,what,moment,stars"]
    lines += [
        f"u{at % 40},i{at % 25},{1_700_000_000 + at * 3600},{1 + at % 5}" for at in range(rows)
    ]
    lines += ["u1,i2,not-a-time,4", ",i3,1700000000,3"]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.fixture
def importing(tab, tmp_path: Path) -> Callable[..., None]:
    """A function that brings a file up to the Import button."""

    def prepare(name: str, rows: int) -> None:
        path = shop_csv(tmp_path / f"{name}.csv", rows)
        tab.open("/corpora")
        tab.page.set_input_files(".st-key-import_events input[type=file]", path)
        tab.page.get_by_text("No column was found for").wait_for()
        tab.choose("user_id", "who")
        tab.choose("item_id", "what")
        tab.choose("timestamp", "moment")
        tab.page.get_by_text(re.compile("would be refused")).first.wait_for()

    return prepare


def test_a_file_is_imported_and_a_training_on_it_started_and_stopped(tab, importing) -> None:
    importing("My shop", 200)
    tab.page.get_by_role("button", name="Import", exact=True).click()
    tab.page.get_by_text("Imported 200 of 202 rows: 40 users, 25 items.").wait_for()
    tab.page.get_by_role("button", name="Use it").first.click()
    tab.wait_for_url("corpus=my-shop")
    tab.page.get_by_role("button", name="Train a model").click()
    tab.page.get_by_test_id("stMain").get_by_text("Training on my-shop").wait_for()
    tab.page.get_by_test_id("stMain").get_by_role("button", name="Stop", exact=True).click()
    tab.page.get_by_text("Stopped. Nothing incomplete was kept.").wait_for()
    tab.page.get_by_role("link", name="Overview").click()
    tab.page.get_by_text("No model has been trained on my-shop").wait_for()


def test_an_import_goes_on_while_another_page_is_open_and_stops_when_told(tab, importing) -> None:
    importing("long", 400_000)
    tab.page.get_by_role("button", name="Import", exact=True).click()
    tab.page.get_by_test_id("stMain").get_by_text("Import of long").wait_for()
    tab.page.get_by_role("link", name="Overview").click()
    tab.settle()
    tab.page.get_by_role("link", name="Data and models").click()
    tab.page.get_by_test_id("stMain").get_by_role("button", name="Stop", exact=True).click()
    tab.page.get_by_text("Stopped. Nothing incomplete was kept.").wait_for()
    assert "corpus=long" not in tab.page.url
