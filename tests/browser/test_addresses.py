"""Every page's address shows the same in a second browser: its controls, words and tables."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from core.corpus.importing import import_files
from core.corpus.store import Library

USER = "user=U0157&time=20"
ADDRESSES = {
    "overview": "/?corpus=demo",
    "users": "/users?users_search_in=word&users_search=good&users_least=8&users_sort=events",
    "quality": "/quality?quality_tab=Calibration&about=ease",
    "timeline": f"/timeline?{USER}&recommender=ease&spacing=even&extent=near",
    "explain": f"/explain?{USER}&explain_measure=margin&words_target=sentiment",
    "what_if": f"/what_if?{USER}&recommender=interest&whatif_form=add",
    "compare": f"/compare?{USER}&columns=20;months",
    "notebook": "/notebook?notebook_query=lamp&notebook_scope=this",
}
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
        "() => !/Computing (parts|contr)|Reading it|Testing the/.test(document.body.innerText)",
        timeout=120_000,
    )
    tab.page.wait_for_function("() => !document.querySelector('[data-testid=stSkeleton]')")
    tab.settle()
    shown: dict = tab.page.evaluate(SEEN)
    return shown


def asked(url: str) -> dict:
    """The parameters of an address."""
    return parse_qs(urlsplit(url).query)


@pytest.mark.parametrize("page", ADDRESSES)
def test_an_address_shows_the_same_in_a_second_browser(open_tab, page: str) -> None:
    first = open_tab().open(ADDRESSES[page])
    shown = seen(first)
    now = asked(first.page.url)
    assert asked(ADDRESSES[page]).items() <= now.items()
    assert now["corpus"] == ["demo"] and now["model"], "a later training must not change the view"
    second = open_tab(locale="en-GB").follow(first.page.url)
    assert seen(second) == shown
    assert asked(second.page.url) == now


@pytest.fixture
def other_corpus(app_library: Path, tmp_path: Path) -> str:
    """A corpus that also has a user of the demo's."""
    path = tmp_path / "twin.csv"
    rows = [f"U0157,i{at},2024-01-{at + 1:02}" for at in range(9)]
    path.write_text("\n".join(["user_id,item_id,timestamp", *rows]) + "\n")
    import_files(Library.open(app_library), "twin", [path])
    yield "twin"
    shutil.rmtree(app_library / "corpora" / "twin")


def test_another_corpus_forgets_the_user_at_once(tab, other_corpus: str) -> None:
    tab.open(f"/quality?corpus=demo&{USER}")
    tab.choose("Corpus", other_corpus)
    tab.wait_for_url(f"corpus={other_corpus}")
    assert "user=" not in tab.page.url
    assert tab.page.get_by_role("combobox", name="User").input_value() == ""
    assert tab.page.get_by_test_id("stAlert").count() == 0


def test_an_unknown_corpus_is_said_once_and_opens_nothing_of_the_same_name(tab) -> None:
    tab.open(f"/timeline?corpus=gone&{USER}")
    tab.page.get_by_text("There is no corpus 'gone'").wait_for()
    tab.page.get_by_text("Choose a user").wait_for()
    assert "user=" not in tab.page.url
    tab.page.get_by_role("link", name="Quality").click()
    tab.wait_for_url("/quality")
    assert tab.page.get_by_text("There is no corpus").count() == 0


def test_own_columns_have_no_time_slider_and_another_user_leaves_them(tab) -> None:
    columns = "user=U0157,at=9;user=U0157,at=20"
    tab.open(f"/compare?corpus=demo&{USER}&columns={columns}").drawn("flow")
    assert tab.page.get_by_role("slider").count() == 0
    tab.page.get_by_role("button", name="Next user").click()
    tab.page.wait_for_url(re.compile("user=U0158"))
    tab.drawn("flow")
    assert "columns=" not in tab.page.url
    tab.page.get_by_role("slider").wait_for()


def test_the_users_table_is_walked(tab) -> None:
    tab.open("/users?corpus=demo&users_sort=events").idle()
    table = tab.page.get_by_test_id("stDataFrame").first
    table.locator("canvas").first.wait_for()
    tab.settle()
    box = table.bounding_box()
    tab.page.mouse.click(box["x"] + 40, box["y"] + 52)
    tab.wait_for_url("/timeline").drawn("profile")
    tab.wait_for_url("user=U0157")
    tab.page.get_by_text("1 of 800 in the list").wait_for()
    tab.page.get_by_role("button", name="Next user").click()
    tab.page.get_by_text("2 of 800 in the list").wait_for()
    assert "user=U0291" in tab.page.url or "user=U0576" in tab.page.url
