"""From the Timeline to Explain, to a word, and back, in a real browser."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from pathlib import Path

import pytest
from playwright.sync_api import TimeoutError

from core.corpus.store import Corpus, Library
from core.scenario.search import search_edits

CLICKS, PIECES = 3, 240_000
"""Clicks on a chart that may move, and milliseconds that a piece may take on a busy machine whose
encoder has yet to be measured."""
READY = re.compile(r"^Verified with the recommender")


@pytest.fixture(scope="module")
def demo() -> Corpus:
    return Library.open().corpus("demo")


@pytest.fixture(scope="module")
def reviewer(demo: Corpus) -> str:
    """A user with six to nine events and short reviews, two or more of the first five."""

    def longest(user: str) -> int:
        return max(len(event.words) for event in demo.history(user).events)

    return min(
        (
            user
            for user in demo.user_ids
            for events in [demo.history(user).events]
            if 6 <= len(events) <= 9 and sum(bool(event.words) for event in events[:5]) >= 2
        ),
        key=longest,
    )


def wait_for_all(tab, words: bool = False) -> None:
    """Wait until the change and the verdict are there; with ``words`` until nothing is missing."""
    tab.page.wait_for_selector(".st-key-waterfall .js-plotly-plot .main-svg")
    tab.page.get_by_text(READY).wait_for(timeout=PIECES)
    tab.page.wait_for_selector(".st-key-curves .js-plotly-plot .main-svg", timeout=PIECES)
    if words:
        refined = tab.page.get_by_text(re.compile("SHAP values from [0-9\u202f]+ partial texts"))
        refined.wait_for(timeout=PIECES)
        tab.page.get_by_role("button", name="Stop", exact=True).wait_for(state="hidden")
    tab.settle()


def click_bar(tab, step: int) -> None:
    """Click an event's bar in the waterfall."""
    tab.click_found(
        ".st-key-waterfall",
        """step => {
            const plot = document.querySelector('.st-key-waterfall .js-plotly-plot');
            const trace = plot._fullData.find(one => one.name === 'events');
            const at = Array.from(trace.customdata).indexOf(step);
            const {xaxis, yaxis} = plot._fullLayout;
            plot.scrollIntoView({block: 'center'});
            const now = plot.getBoundingClientRect();
            const x = trace.base[at] + trace.x[at] / 2;
            return [now.left + xaxis._offset + xaxis.l2p(x),
                    now.top + yaxis._offset + yaxis.l2p(trace.y[at])];
        }""",
        step,
    )


def test_from_the_timeline_to_a_word_and_back(tab, reviewer) -> None:
    tab.open(f"/timeline?corpus=demo&user={reviewer}&time=5").drawn("step_sizes")
    tab.page.get_by_role("link", name="Explain rank 1").click()
    tab.wait_for_url("/explain")
    assert f"user={reviewer}" in tab.page.url and tab.step == 5
    tab.page.get_by_text(re.compile(r"has rank 1 in the list \(probability")).last.wait_for()
    wait_for_all(tab, words=True)
    mark = tab.page.locator(".stMarkdown").filter(has_text=re.compile("[▲▼]")).first
    mark.wait_for()
    link = tab.page.get_by_role("link", name=re.compile(r"Step \d+ on the Timeline")).last
    step = int(re.search(r"Step (\d+)", link.inner_text())[1])
    link.click()
    tab.wait_for_url("/timeline").drawn("step_sizes")
    assert tab.step == step
    for _ in range(3):  # a page that rewrites its address may leave an entry of its own
        if "/explain" not in tab.page.url:
            tab.page.go_back()
            with suppress(TimeoutError):
                tab.page.wait_for_url(lambda url: "/explain" in url, timeout=3_000)
    tab.wait_for_url("/explain")
    assert tab.step == 5
    wait_for_all(tab)


def test_why_explains_the_clicked_item_of_the_chosen_recommender(tab, reviewer) -> None:
    tab.open(f"/timeline?corpus=demo&user={reviewer}&time=5").drawn("step_sizes")
    box = tab.page.get_by_role("combobox", name="Recommender")
    box.click()
    box.fill("EASE")
    tab.page.get_by_role("option", name="EASE", exact=True).click()
    tab.wait_for_url("recommender=ease").drawn("step_sizes")
    tab.page.get_by_text(re.compile(r"^Top \d+ after this event · EASE$")).wait_for()
    table = tab.page.get_by_test_id("stDataFrame").first
    row = (tab.box(table)["height"] - 2) / 11  # ten items under their head
    tab.click_at(table, 130, 2.5 * row)
    tab.wait_for_url("/explain")
    tab.page.get_by_text(re.compile(r"has rank 2 in the list \(probability")).wait_for()
    assert "recommender=ease" in tab.page.url


def test_a_pick_in_the_waterfall_reads_that_review_and_all_leaves_as_files(
    tab, reviewer, demo, tmp_path: Path
) -> None:
    tab.open(f"/explain?corpus=demo&user={reviewer}")
    wait_for_all(tab, words=True)
    events = demo.history(reviewer).events
    steps = [step for step, event in enumerate(events, start=1) if event.words]
    box = tab.page.get_by_role("combobox", name="Review of")
    now = int(re.search(r"step (\d+)", box.input_value() or box.inner_text())[1])
    wanted = next(step for step in steps if step != now)
    read = tab.page.get_by_text(re.compile(rf"text part of step {wanted} "))
    for _ in range(CLICKS):  # a chart may move under the pointer when a slow answer comes in
        click_bar(tab, wanted)
        with suppress(TimeoutError):
            read.wait_for(timeout=40_000)
            break
    read.wait_for()
    tab.page.get_by_role("button", name="Export").click()
    facts = json.loads(tab.take("Everything (JSON)", tmp_path))
    assert facts["user_id"] == reviewer
    assert len(facts["events"]) == len(demo.history(reviewer))
    table = tab.take("Events (CSV)", tmp_path)
    assert table.startswith("first_step,step,timestamp")
    assert len(table.strip().splitlines()) == 1 + len(facts["events"])
    assert "…" not in table and ",'," not in table
    report = tab.take("Report (HTML)", tmp_path)
    assert report.startswith("<!doctype html>") and f"step {wanted} " in report


def test_a_permalink_opens_the_same_explanation(open_tab, reviewer) -> None:
    first = open_tab()
    first.open(f"/explain?corpus=demo&user={reviewer}&time=6&recommender=ease")
    wait_for_all(first)
    said = first.page.get_by_text(re.compile("without events|hardly changes")).inner_text()
    link = first.share()
    assert "recommender=ease" in link and "item=" in link
    second = open_tab(color_scheme="dark").follow(link)
    second.page.get_by_text(said, exact=True).wait_for()


def test_why_not_is_answered_and_tried_in_what_if_and_back(tab, demo_engine) -> None:
    engine = demo_engine
    user = next(u for u in engine.corpus.user_ids if 3 <= len(engine.corpus.history(u)) <= 4)
    history = engine.corpus.history(user)
    listed = engine.recommend(history, 60).items
    change, item = next(
        (found, item.item_id)
        for item in listed[11:]
        if (found := search_edits(engine, history, item.item_id, "in")).edits
    )
    tab.open(f"/explain?corpus=demo&user={user}&item={item}")
    tab.page.get_by_text(re.compile("verified by the recommender")).wait_for(timeout=PIECES)
    tab.page.get_by_role("link", name="Try it in What-if").click()
    tab.wait_for_url("/what_if")
    edits = len(change.edits)
    tab.page.get_by_text(re.compile(rf"{user} up to step .* {edits} edits? · not saved")).wait_for()
    for part in (f"item={item}", "goal=in", "edits=", f"time={len(history)}", "recommender=joint"):
        assert part in tab.page.url
    tab.page.get_by_role("link", name="Explain this item").click()
    tab.wait_for_url("/explain")
    assert f"item={item}" in tab.page.url and "edits=" in tab.page.url
    tab.page.get_by_text(re.compile("is not in the top 10")).wait_for()
    tab.page.get_by_role("heading", name="Why not?").wait_for()
    tab.page.wait_for_selector(".st-key-ladder .js-plotly-plot .main-svg")
    tab.page.get_by_role("link", name="Back to What-if").click()
    tab.wait_for_url("/what_if")
    tab.page.get_by_text(re.compile(rf"{edits} edits? · not saved")).wait_for()


def test_a_bar_without_a_review_says_so_and_reads_no_other_one(tab, demo) -> None:
    user, silent = next(
        (user, step)
        for user in demo.user_ids
        for events in [demo.history(user).events]
        if 3 <= len(events) <= 6 and any(event.words for event in events)
        for step, event in enumerate(events, start=1)
        if not event.words and event.kind == "purchase"
    )
    tab.open(f"/explain?corpus=demo&user={user}")
    wait_for_all(tab)
    click_bar(tab, silent)
    tab.page.get_by_text(re.compile(rf"^Step {silent} · .* has no review\.$")).wait_for()
    assert tab.page.get_by_role("combobox", name="Review of").count() == 0
    tab.page.get_by_role("button", name="Read the most telling review").click()
    tab.page.get_by_role("combobox", name="Review of").wait_for()
    tab.page.get_by_text(re.compile(r"The text part of step")).wait_for(timeout=PIECES)
    tab.page.get_by_text("Sentiment", exact=True).click()
    tab.page.get_by_text(re.compile(r"so the sentiment of the review is")).wait_for(timeout=PIECES)
