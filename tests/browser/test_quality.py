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


def test_the_overview_leads_to_the_verdict_and_its_tabs(tab, busy_user) -> None:
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


def test_another_protocol_is_offered_started_and_stopped(tab) -> None:
    judged(tab)
    tab.page.get_by_text("Over time", exact=True).click()
    tab.wait_for_url("protocol=temporal")
    tab.page.get_by_text("Not evaluated yet").wait_for()
    tab.page.get_by_role("button", name=JUDGE).click()
    tab.page.get_by_role("button", name=STOP).click()
    tab.page.get_by_text("Stopped. Nothing incomplete was kept.").wait_for()
    expect(tab.page.get_by_role("button", name=JUDGE)).to_be_visible()
    tab.page.go_back()
    tab.page.get_by_text(re.compile("best baseline")).first.wait_for()


def test_the_table_and_the_charts_leave_as_files(tab, tmp_path: Path) -> None:
    judged(tab)
    for label, ending, says in (
        ("Recommenders (CSV)", "csv", "recommender,ndcg,low,high"),
        ("Charts (HTML)", "html", "NDCG@10"),
    ):
        tab.page.get_by_role("button", name="Export").click()
        with tab.page.expect_download() as got:
            tab.page.get_by_role("button", name=label).click()
        path = tmp_path / f"quality.{ending}"
        got.value.save_as(path)
        assert says in path.read_text("utf-8")
        tab.page.keyboard.press("Escape")


def test_a_permalink_keeps_the_protocol(open_tab) -> None:
    first = open_tab().open("/quality?corpus=demo&protocol=temporal")
    first.page.get_by_text("three cuts in time").wait_for()
    assert "protocol=temporal" in first.page.url
    second = open_tab(color_scheme="dark")
    second.page.goto(first.page.url)
    second.settle()
    second.page.get_by_text("three cuts in time").wait_for()
