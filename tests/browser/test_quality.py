"""Quality in a real browser: verdict, table and tabs, the other protocol, and what leaves it."""

from __future__ import annotations

import re
from pathlib import Path

from playwright.sync_api import expect

JUDGE, STOP = "Evaluate now", "Stop"


def judged(tab, path: str = "/quality?corpus=demo"):
    """The page with its report; computed on the spot where the demo has none yet."""
    tab.open(path)
    button = tab.page.get_by_role("button", name=JUDGE)
    verdict = tab.page.get_by_text(re.compile("best baseline")).first
    button.or_(verdict).first.wait_for()
    if button.is_visible():
        button.click()
    verdict.wait_for()
    return tab.settle()


def test_the_overview_leads_to_the_verdict_its_tabs_and_its_files(
    tab, busy_user, tmp_path: Path
) -> None:
    judged(tab)
    tab.open(f"/?corpus=demo&user={busy_user}")
    tab.page.get_by_role("link", name="See full evaluation").click()
    tab.wait_for_url("/quality")
    tab.page.get_by_text(re.compile(r"(beats|loses to|No significant difference)")).first.wait_for()
    tab.page.wait_for_selector(".st-key-recommenders .js-plotly-plot .main-svg")
    for name, chart in (
        ("By cohort", "cohorts"),
        ("Calibration", "calibration"),
        ("Training", "epochs"),
        ("Ablation", "uses_user"),
        ("Never recommended", "never"),
        ("By month", "periods"),
    ):
        tab.page.get_by_role("tab", name=name).click()
        tab.page.wait_for_selector(f".st-key-{chart} .js-plotly-plot .main-svg")
    assert f"user={busy_user}" in tab.page.url
    tab.page.get_by_role("button", name="Export").click()
    assert "recommender,ndcg,low,high" in tab.take("Recommenders (CSV)", tmp_path)
    assert "NDCG@10" in tab.take("Charts (HTML)", tmp_path)


def test_a_cohort_leads_to_its_targets_and_a_lost_item_to_its_users(tab) -> None:
    judged(tab, "/quality?corpus=demo&quality_tab=By+cohort&quality_cohort=long-tail+item")
    targets = tab.page.locator(".st-key-targets").get_by_test_id("stDataFrame")
    chosen = tab.page.get_by_role("combobox", name="Targets of")
    assert chosen.input_value().startswith("long-tail item (")
    tab.click_row(targets, 40)
    tab.wait_for_url("/explain").settle()
    assert "item=" in tab.page.url and "recommender=joint" in tab.page.url
    tab.page.go_back()
    tab.wait_for_url("quality_cohort=long-tail").settle()
    tab.page.get_by_role("tab", name="Never recommended").click()
    lost = tab.page.locator(".st-key-lost").get_by_test_id("stDataFrame")
    tab.click_row(lost, 40)
    tab.wait_for_url("/users")
    assert "users_search_in=item" in tab.page.url and "users_search=" in tab.page.url


def test_another_protocol_is_offered_started_and_stopped(tab) -> None:
    judged(tab)
    tab.page.get_by_text("Over time", exact=True).click()
    tab.wait_for_url("protocol=temporal")
    tab.page.get_by_text("Not evaluated yet").wait_for()
    tab.page.get_by_role("button", name=JUDGE).click()
    tab.page.get_by_role("button", name=STOP, exact=True).click()
    tab.page.get_by_text("Stopped. Nothing incomplete was kept.").wait_for()
    expect(tab.page.get_by_role("button", name=JUDGE)).to_be_visible()
    tab.page.go_back()
    tab.page.get_by_text(re.compile("best baseline")).first.wait_for()


def test_a_permalink_keeps_the_protocol(open_tab) -> None:
    tab = open_tab(color_scheme="dark").open("/quality?corpus=demo&protocol=temporal")
    tab.page.get_by_text("three cuts in time").wait_for()
    assert "protocol=temporal" in tab.page.url
