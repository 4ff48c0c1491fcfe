"""The address is the whole state: every lasting choice is in it, and it opens the same view."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core.corpus.corpus import Corpus
from core.corpus.store import Library
from pages._shared import state
from tests.pages.conftest import PROJECT

PAGES = sorted(path.stem for path in (PROJECT / "pages").glob("[!_]*.py"))
CHOSEN = {
    "recommender": "popularity",
    "spacing": "even",
    "extent": "near",
    "explain_measure": "margin",
    "words_target": "sentiment",
    "goal": "in",
    "whatif_form": "add",
    "columns": "20;months",
    "compare_pair": "1",
    "users_search_in": "word",
    "users_search": "good",
    "users_topic": "Audio",
    "users_least": "3",
    "users_sort": "events",
    "protocol": "temporal",
    "about": "popularity",
    "quality_tab": "Calibration",
    "quality_period": "2024-Q1",
    "quality_cohort": "new user",
    "notebook_scope": "this",
    "notebook_query": "lamp",
    "notebook_page": "2",
    "monitor_period": "month",
    "monitor_since": "2024-10-01",
    "cohorts_at": "2023-06-30",
    "cohorts_by": "drift",
    "cohorts_rule": "least_events=12",
    "cohorts_pattern": "do=delete&kind=click",
}
"""What each key may hold beside its usual value; those of users and items are found below."""
OPENED_ELSEWHERE = {
    "scenario",
    "edits",
    "monitor_alarm",
    "cohorts_area",
    "cohort",
    "cohort_against",
    "pattern",
    "cohorts_users",
    "cohorts_attribute",
    "users_attribute",
    "users_is",
    "users_least_of",
    "users_most_of",
}
"""Keys whose values name what was made or found: tests of their pages open them."""


def widgets(app: AppTest) -> dict[str, str]:
    """Every widget of the last run by its id, and what kind of value it sends."""
    known: Any = app.session_state
    while hasattr(known, "_state"):
        known = known._state
    metadata = known._new_widget_state.widget_metadata
    return {name: metadata[name].value_type for name in metadata}


def key_of(widget: str) -> str:
    """The key of a widget's id, ``$$ID-HASH-KEY``."""
    return widget.split("-", 2)[2]


@pytest.mark.parametrize("page", PAGES)
def test_every_control_is_in_the_address_or_said_to_be_transient(
    page: str, open_app, demo_only: Corpus
) -> None:
    app = open_app(f"pages/{page}.py", corpus="demo", user=demo_only.user_ids[3], time="9")
    assert not app.exception
    transient = " ".join(state.TRANSIENT).split()
    lasting = {key_of(name) for name, kind in widgets(app).items() if "trigger" not in kind}
    unnamed = {
        key
        for key in lasting - state.KEYS.keys()
        if not any(fnmatchcase(key, pattern) for pattern in transient)
    }
    assert not unnamed, "add them to the table of pages/_shared/state.py, so that links keep them"


@pytest.mark.parametrize("page", PAGES)
def test_an_address_opens_as_it_is_and_stays(page: str, open_app, demo_only: Corpus) -> None:
    user = demo_only.user_ids[3]
    events = demo_only.history(user).events
    about = {
        "lang": "en",
        "corpus": "demo",
        "model": Library.open().model_folder("demo").name,
        "user": user,
        "time": str(len(events)),
        "item": demo_only.item_ids[5],
        "beside": f"user:{demo_only.user_ids[4]}@2",
        "event": str(max(step for step, event in enumerate(events, 1) if event.words)),
        "words_of": str(max(step for step, event in enumerate(events, 1) if event.words)),
    }
    keys = [key.name for key in state.of_page(page) if key.name not in OPENED_ELSEWHERE]
    address = {key: (about | CHOSEN)[key] for key in keys}
    app = open_app(f"pages/{page}.py", **address)
    assert not app.exception
    assert app.query_params == address
    app.run()
    assert app.query_params == address
    assert not app.info, "a notice says that something of the address could not be met"


def test_another_corpus_forgets_the_user_at_once(open_app, shop) -> None:
    """Both corpora have a user u1."""
    from core.corpus.importing import import_files

    path = shop.root.parent / "shop.csv"
    import_files(shop, "other", [path])
    app = open_app("pages/overview.py", corpus="shop", user="u1", time="3")
    app.selectbox(key="corpus").select("other").run()
    assert app.selectbox(key="user").value is None
    assert app.query_params == {"corpus": "other"}
    assert not app.info
    app.run()
    assert app.selectbox(key="user").value is None


def test_an_unknown_corpus_is_said_and_opens_nothing_of_the_same_name(open_app, shop) -> None:
    app = open_app("pages/overview.py", corpus="gone", user="u1", time="3")
    assert "no corpus" in app.info[0].value
    assert app.selectbox(key="user").value is None
    assert app.query_params == {"corpus": "shop"}
    app.switch_page("pages/timeline.py").run()
    assert not app.info
