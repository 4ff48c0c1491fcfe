"""Compare in a real browser: month by month, an item and its cause, the permalink, the report."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from core.compare.columns import before_and_after
from core.compare.comparison import Comparison
from core.corpus.store import Library
from core.domain import Columns
from core.engine import Engine
from core.figures.compare_report import comparison_report
from core.figures.palette import DARK


def compare(user: str, time: int, columns: str = "") -> str:
    more = f"&columns={columns}" if columns else ""
    return f"/compare?corpus=demo&user={user}&time={time}{more}"


def heads(tab) -> list[str]:
    """The names above the columns of the rank flow."""
    tab.drawn("flow")
    found: list[str] = tab.page.evaluate(
        """() => document.querySelector('.st-key-pick_flow .js-plotly-plot')._fullLayout.annotations
            .filter(note => note.yref === 'paper').map(note => note.text)"""
    )
    return [head.replace("<br>", " ") for head in found]


def wait_for_columns(tab, n: int) -> None:
    """Wait until the rank flow is drawn with so many columns."""
    tab.page.wait_for_function(
        """n => document.querySelector('.st-key-pick_flow .js-plotly-plot')
            ?._fullLayout?.annotations.filter(note => note.yref === 'paper').length === n""",
        arg=n,
    )


def test_columns_come_and_go_and_leave_as_files(tab, busy_user, tmp_path: Path) -> None:
    """A third column, month by month, back again, and what Export saves."""
    tab.open(compare(busy_user, 20)).drawn("flow")
    assert len(heads(tab)) == 2
    tab.page.get_by_role("button", name="Column", exact=True).click()
    tab.wait_for_url("columns=")
    wait_for_columns(tab, 3)
    assert [head.split(" (")[0] for head in heads(tab)] == ["step 19", "step 20", "step 21"]
    tab.page.get_by_text("Month by month").click()
    tab.wait_for_url("columns=months")
    wait_for_columns(tab, 6)
    tab.page.go_back()
    tab.page.wait_for_url(lambda url: "columns=user" in url)
    wait_for_columns(tab, 3)
    tab.page.get_by_role("button", name="Export").click()
    for label, start in (
        ("Report (HTML)", "<!doctype html"),
        ("Charts (HTML)", "<!doctype html"),
        ("Moves and causes (CSV)", "from,to,item_id"),
        ("Overlap (CSV)", "one,other"),
    ):
        assert tab.take(label, tmp_path).startswith(start)


def test_an_item_is_followed_to_its_cause_and_to_explain(tab, busy_user) -> None:
    tab.open(compare(busy_user, 20, f"user={busy_user},at=16;user={busy_user},at=20")).drawn("flow")
    marks = tab.trace("flow", "ranks")["steps"]
    at = next(i for i, (_, column) in enumerate(marks) if column == 1)
    tab.click_point("flow", "ranks", at)
    item = marks[at][0]
    tab.wait_for_url(f"item={item}")
    tab.page.get_by_text(re.compile("its score changed by")).wait_for()
    tab.page.get_by_role("link", name=re.compile("Explain at step 20")).click()
    tab.wait_for_url("/explain")
    assert f"item={item}" in tab.page.url and "time=20" in tab.page.url
    tab.page.get_by_role("heading", name=re.compile("Why this item")).wait_for()
    tab.page.go_back()
    tab.wait_for_url("/compare")
    assert [head.split(" (")[0] for head in heads(tab)] == ["step 16", "step 20"]


def test_a_permalink_opens_the_same_columns_in_another_browser(open_tab, busy_user) -> None:
    first = open_tab().open(compare(busy_user, 30, "20;months")).drawn("flow")
    second = open_tab(color_scheme="dark").follow(first.share())
    assert heads(second) == heads(first)
    assert second.trace("flow", "ranks") == first.trace("flow", "ranks")


@pytest.fixture(scope="module")
def hostile_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report whose review, title and category try to break out of their text."""
    folder = tmp_path_factory.mktemp("report")
    library = Library.open(folder)
    engine = Engine.open(library.corpus("demo"), library.model_folder("demo"), library)
    corpus = engine.corpus
    user, step = next(
        (user, step)
        for user in corpus.user_ids
        for step, event in enumerate(corpus.history(user).events, start=1)
        if event.text and step > 2
    )
    row = corpus.user_rows(user).start + step - 1
    events = corpus.events.copy()
    events.loc[events.index[row], Columns.Text] = EVIL
    titles = [f"{EVIL[:40]} {item}" for item in corpus.item_ids]
    items = corpus.items.assign(**{Columns.Title: titles})
    engine.corpus = replace(corpus, events=events, items=items)
    comparison = Comparison(engine, before_and_after(user, step), library=library)
    path = folder / "report.html"
    path.write_text(comparison_report(comparison, DARK), encoding="utf-8")
    return path


EVIL = (
    "<script>document.title='broken'</script><img src=x onerror=\"document.title='broken'\">"
    "![picture](https://example.org/pixel.png) <a href='https://example.org'>here</a> "
    "</script></blockquote><iframe src='https://example.org'></iframe> \u2028 ]]> <!-- --!> "
)


def test_the_report_opens_from_disk_alone_and_text_stays_text(browser, hostile_report) -> None:
    page = browser.new_context().new_page()
    requests: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("console", lambda message: said.append(message.text))
    page.goto(hostile_report.as_uri())
    page.wait_for_function(
        "() => document.querySelectorAll('.js-plotly-plot .main-svg').length >= 2"
    )
    assert [url for url in requests if not url.startswith(("data:", "blob:"))] == [
        hostile_report.as_uri()
    ]
    assert said == []
    assert page.title() == "How the list changed"
    assert page.locator("img, iframe, a[href], form, object").count() == 0
    quoted = page.locator("blockquote").all_inner_texts()
    assert any("<script>document.title='broken'</script><img src=x" in text for text in quoted)
    assert page.locator("table").count() >= 2


def test_a_row_of_the_table_opens_explain_and_the_timeline_at_its_cause(tab, busy_user) -> None:
    for from_right, page in ((115, "/explain"), (38, "/timeline")):
        tab.open(compare(busy_user, 40)).drawn("flow")
        tab.page.get_by_text("Exact: every combination").wait_for()
        table = tab.page.get_by_test_id("stDataFrame").first
        tab.click_row(table, -from_right)
        tab.wait_for_url(page)
        assert "time=40" in tab.page.url and "item=" in tab.page.url
