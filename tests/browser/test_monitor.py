"""From an alarm of the monitor to the users who carry it, as a cohort and one by one."""

from __future__ import annotations


def test_an_alarm_leads_to_the_users_behind_it(tab) -> None:
    tab.open("/monitor?corpus=demo&monitor_since=2024-10-01").idle()
    tab.page.get_by_text("2 measures left their band in the 13 weeks").first.wait_for()
    tab.page.get_by_text("carry half of it").first.wait_for()
    tab.page.get_by_role("radio", name="Events", exact=True).click()
    tab.wait_for_url("monitor_alarm=events")
    tab.page.get_by_text("Events fell from 106 to").last.wait_for()
    tab.page.get_by_role("link", name="users behind it as a cohort").click()
    tab.wait_for_url("/cohorts")
    tab.page.get_by_role("heading", name="Behind: Events fell from 106 to").wait_for()
    tab.open("/monitor?corpus=demo&monitor_since=2024-10-01&monitor_alarm=events")
    tab.page.get_by_text("Events fell from 106 to").last.wait_for()
    table = tab.page.get_by_test_id("stDataFrame").first
    tab.click_row(table, 40)
    tab.wait_for_url("/timeline").drawn("profile")
    tab.page.get_by_text("1 of 5 in the list").wait_for()
