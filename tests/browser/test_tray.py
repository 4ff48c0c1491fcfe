"""The job tray in a browser: what one page started is followed and stopped on others."""

from __future__ import annotations

import re


def test_a_job_is_followed_over_pages_and_a_reload_and_leads_back(open_tab) -> None:
    tab = open_tab().open("/?corpus=demo")
    tab.page.get_by_role("button", name="Compare all lists").click()
    tab.settle()
    tray = tab.page.locator(".st-key-jobs")
    name = tray.get_by_role("button", name="Comparing all lists of demo")
    name.wait_for()
    tab.page.get_by_role("link", name="Users", exact=True).click()
    tab.wait_for_url("/users")
    name.wait_for()
    tab.page.reload()
    tab.idle()
    tray.get_by_text(re.compile(r"\d+\s%")).wait_for()
    other = open_tab(color_scheme="dark").open("/quality?corpus=demo")
    other.page.locator(".st-key-jobs").get_by_role("button", name="Comparing all lists").wait_for()
    tray.get_by_role("button", name="Stop").click()
    ended = tray.get_by_role("button", name="Comparing all lists of demo: stopped")
    ended.wait_for()
    tab.settle()
    ended.click()
    tab.page.wait_for_url(re.compile(r"/\?corpus=demo"))
    tab.settle()
    assert not ended.is_visible()
