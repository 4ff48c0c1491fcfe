"""Every page's address shows the same in a second browser: its controls, words and tables."""

from __future__ import annotations

import os
import time
from urllib.parse import parse_qs, urlsplit

import pytest

USER = "user=U0157&time=20"
ADDRESSES = {
    "overview": "/?corpus=demo",
    "users": "/users?users_search_in=word&users_search=good&users_least=8&users_sort=events",
    "quality": "/quality?quality_tab=Calibration&about=ease",
    "monitor": "/monitor?monitor_period=week&monitor_since=2024-10-01&monitor_alarm=events",
    "timeline": f"/timeline?{USER}&recommender=ease&spacing=even&extent=near&event=14",
    "explain": f"/explain?{USER}&explain_measure=margin&words_target=sentiment",
    "what_if": f"/what_if?{USER}&recommender=interest&whatif_form=add",
    "compare": f"/compare?{USER}&columns=20;months",
    "notebook": "/notebook?notebook_query=lamp&notebook_scope=this",
}
SAMPLE = ("users", "monitor", "explain")
"""Pages of a usual run; ``tests/pages/test_addresses.py`` holds all, without a browser."""
SEEN = """() => {
    const all = (what, say) => [...document.querySelectorAll(what)].map(say);
    return {
        words: document.querySelector('[data-testid=stMain]').innerText,
        fields: all('input, textarea', field => field.value),
        chosen: all('[aria-checked=true], [aria-selected=true], [aria-pressed=true], ' +
                    '[data-testid*=Active]', choice => choice.innerText),
        tables: all('[data-testid=stDataFrame]', table => table.getAttribute('aria-label')),
    };
}"""


def seen(tab) -> dict:
    """What the page shows, once nothing is being computed."""
    tab.page.wait_for_function(
        "busy => !RegExp(busy).test(document.body.innerText)",
        arg="Computing (parts|contr)|Reading it|Testing the|Watching",
        timeout=120_000,
    )
    tab.page.wait_for_function("() => !document.querySelector('[data-testid=stSkeleton]')")
    shown: dict = {}
    while shown != (now := tab.settle().page.evaluate(SEEN)):  # a busy browser fills fields late
        shown = now
    return shown


def asked(url: str) -> dict:
    """The parameters of an address."""
    return parse_qs(urlsplit(url).query)


@pytest.mark.parametrize("page", ADDRESSES if "TASTELINES_THOROUGH" in os.environ else SAMPLE)
def test_an_address_shows_the_same_in_a_second_browser(open_tab, page: str) -> None:
    first = open_tab().open(ADDRESSES[page])
    seen(first)
    now = asked(first.page.url)
    assert asked(ADDRESSES[page]).items() <= now.items()
    assert now["corpus"] == ["demo"] and now["model"], "a later training must not change the view"
    second = open_tab(locale="en-GB").follow(first.page.url)
    end = time.monotonic() + 120  # a busy browser fills a field, or draws a table, a run later
    while (there := seen(second)) != (here := seen(first)) and time.monotonic() < end:
        continue
    assert there == here
    assert asked(second.page.url) == now


def test_the_users_table_is_walked(tab) -> None:
    tab.open("/users?corpus=demo&users_sort=events").idle()
    table = tab.page.get_by_test_id("stDataFrame").first
    tab.click_row(table, 40)
    tab.wait_for_url("/timeline").drawn("profile")
    tab.wait_for_url("user=U0157")
    tab.page.get_by_text("1 of 800 in the list").wait_for()
    tab.page.get_by_role("button", name="Next user").click()
    tab.page.get_by_text("2 of 800 in the list").wait_for()
    tab.wait_for_url("user=U0291")


def test_an_unknown_corpus_opens_nobody_and_a_known_one_takes_the_banner_away(tab) -> None:
    tab.open("/timeline?corpus=nowhere&user=U0157&time=20")
    said = tab.page.get_by_test_id("stMain").get_by_text("nowhere")
    said.first.wait_for()
    assert "user=" not in tab.page.url
    tab.open("/timeline?corpus=demo&user=U0157&time=20").drawn("events")
    assert not said.count()
