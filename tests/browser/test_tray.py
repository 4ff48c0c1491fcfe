"""The job tray in a browser: what one page started is followed and stopped on others."""

from __future__ import annotations

import re

NAME = "Evaluation on demo"


def test_a_job_is_followed_over_pages_and_a_reload_and_leads_back(open_tab) -> None:
    tab = open_tab().open("/quality?corpus=demo&protocol=temporal")
    tab.page.get_by_role("button", name="Evaluate now").click()
    tray = tab.page.locator(".st-key-jobs")
    tray.get_by_role("button", name=NAME, exact=True).wait_for()
    tab.page.get_by_role("link", name="Users", exact=True).click()
    tab.wait_for_url("/users")
    tab.page.reload()
    tab.idle()
    tray.get_by_text(re.compile(r"Fold \d of 3")).wait_for()
    other = open_tab(color_scheme="dark").open("/?corpus=demo")
    other.page.locator(".st-key-jobs").get_by_role("button", name=NAME, exact=True).wait_for()
    tray.get_by_role("button", name="stop icon").first.click()
    ended = tray.get_by_role("button", name=f"Stopped: {NAME}")
    ended.wait_for()
    tab.settle()
    ended.click()
    tab.wait_for_url("/quality")
    assert "protocol=temporal" in tab.page.url
    ended.wait_for(state="detached")
