"""Cohorts in a browser: a region drawn by hand, and a rule that is saved, shared and opened."""

from __future__ import annotations

MAP = ".st-key-users_map .js-plotly-plot"


def drawn(tab) -> None:
    """Wait until all users are on the map."""
    tab.page.wait_for_selector(f"{MAP} .main-svg")
    tab.settle()


def test_a_region_drawn_around_users_describes_them(tab) -> None:
    tab.open("/cohorts?corpus=demo").idle()
    drawn(tab)
    box = tab.box(tab.page.locator(MAP))
    x, y = box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.5
    tab.page.mouse.move(x - 90, y - 80)
    tab.page.mouse.down()
    for right, down in ((90, -80), (90, 80), (-90, 80), (-90, -60)):
        tab.page.mouse.move(x + right, y + down, steps=5)
    tab.page.mouse.up()
    tab.page.get_by_role("heading", name="Users in the drawn region").wait_for()
    tab.page.get_by_text("Beyond the average they share").wait_for()
    tab.wait_for_url("cohorts_area=")
    tab.page.get_by_role("button", name="Clear").click()
    tab.page.get_by_text("Draw around users on the map, ask").wait_for()
    tab.page.wait_for_url(lambda url: "cohorts_area" not in url)


def test_a_rule_is_saved_reopened_by_its_link_and_leads_to_a_user(open_tab) -> None:
    tab = open_tab()
    tab.open("/cohorts?corpus=demo").idle()
    drawn(tab)
    tab.page.get_by_role("button", name="Rule").click()
    tab.page.get_by_label("Events at least").fill("25")
    tab.page.get_by_role("button", name="Find them").click()
    tab.page.get_by_role("heading", name="25 or more events").wait_for()
    tab.wait_for_url("cohorts_rule=least_events").settle()
    tab.unfold("Save", tab.page.get_by_label("Name"))
    tab.page.get_by_label("Name").fill("busy ones")
    tab.page.get_by_test_id("stFormSubmitButton").get_by_role("button", name="Save").click()
    tab.page.get_by_role("heading", name="busy ones").wait_for()
    tab.wait_for_url("cohort=").settle()
    other = open_tab()
    other.follow(tab.page.url).idle()
    other.page.get_by_role("heading", name="busy ones").wait_for()
    drawn(other)
    table = other.page.get_by_test_id("stDataFrame").last
    other.click_row(table, 30)
    other.wait_for_url("/timeline").drawn("profile")
    other.page.get_by_text("in the list you left").wait_for()


def test_a_cohort_s_what_if_leads_to_a_user_with_these_edits(tab) -> None:
    tab.open("/cohorts?corpus=demo&cohorts_rule=least_events%3D50").idle()
    drawn(tab)
    ask = tab.page.get_by_role("button", name="See what changes for")
    tab.box(ask)
    ask.click()
    tab.wait_for_url("cohorts_pattern=do")
    tab.page.get_by_text("Without their events: the histories of").wait_for()
    tab.page.get_by_text("a user opens What-if with these edits").wait_for()
    tab.click_row(tab.page.locator(".st-key-edited_users [data-testid=stDataFrame]"), 40)
    tab.wait_for_url("/what_if").wait_for_url("edits=")
    tab.page.get_by_text("deleted").first.wait_for()
    assert "user=" in tab.page.url and "scenario=" not in tab.page.url
