"""What is missing is said, with the next step, on every page; nothing ends in a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.corpus.events import StoredEvents
from core.files import Damaged
from pages._shared import controls, keys, loaders, state

PAGES = sorted(path.name for path in Path(__file__).resolve().parents[2].glob("pages/[!_]*.py"))
NEED_A_CORPUS = [name for name in PAGES if name not in ("corpora.py", "notebook.py")]


def test_an_empty_library_is_no_error_where_one_imports(library, open_app) -> None:
    assert not open_app("pages/corpora.py").exception


@pytest.mark.parametrize("name", NEED_A_CORPUS)
def test_an_empty_library_names_the_next_step(library, open_app, read, name) -> None:
    app = open_app(f"pages/{name}")
    assert not app.exception
    said = read(app).replace("\\", "")
    assert "The library is empty" in said
    assert "python -m core demo" in said


@pytest.mark.parametrize("name", [name for name in NEED_A_CORPUS if name != "monitor.py"])
def test_a_corpus_without_a_model_names_the_next_step(shop, open_app, read, name) -> None:
    app = open_app(f"pages/{name}", corpus="shop", user="u1")
    assert not app.exception
    assert "No model has been trained on shop" in read(app).replace("\\", "")
    assert app.selectbox(key="corpus").value == "shop"


def test_the_overview_says_what_is_in_a_corpus_before_any_model(shop, open_app, read) -> None:
    assert "120 events by 7 users on 11 items, Jan 2024 to Sep 2024" in read(open_app())


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ({"corpus": "nope"}, "There is no corpus 'nope'"),
        ({"corpus": "shop", "user": "u99"}, "There is no user 'u99' in corpus 'shop'"),
        ({"corpus": "shop", "user": "u1", "time": "999"}, "Time '999' does not exist for u1"),
        ({"corpus": "shop", "user": "u1", "time": "<b>"}, "Time '<b>' does not exist for u1"),
        ({"corpus": "shop", "model": "gone"}, "Corpus 'shop' has no trained model yet"),
    ],
)
def test_a_link_to_what_is_not_there_becomes_a_notice(shop, open_app, query, said) -> None:
    app = open_app(**query)
    assert not app.exception
    assert said in app.info[0].value.replace("\\", "")


def test_a_near_miss_suggests_users(shop, open_app) -> None:
    said = open_app(corpus="shop", user="U3").info[0].value.replace("\\", "")
    assert "Did you mean" in said
    assert "u3" in said


def test_a_notice_goes_when_something_is_chosen(shop, open_app) -> None:
    app = open_app(corpus="shop", user="u99")
    app.selectbox(key="user").select("u2").run()
    assert not app.info
    assert not app.exception


def test_a_damaged_corpus_is_told_and_not_raised(shop, open_app, read) -> None:
    for path in shop.corpus_folder("shop").glob("*.parquet"):
        path.write_bytes(b"not parquet")
    app = open_app(corpus="shop")
    assert not app.exception


@pytest.mark.parametrize("listed", [3, 5_000], ids=["found", "listed"])
def test_a_history_that_can_not_be_read_leaves_the_way_to_an_import_open(
    shop, open_app, read, monkeypatch, listed
) -> None:
    monkeypatch.setattr(controls, "LISTED_USERS", listed)
    assert not open_app(corpus="shop").exception
    opened = loaders.corpus("shop")

    def unreadable(*about: object) -> None:
        raise Damaged("no such block", where="a disk", remedy="Import the corpus again")

    with monkeypatch.context() as patch:
        patch.setattr(StoredEvents, "rows", unreadable)
        app = open_app("pages/corpora.py", corpus="shop", user="u4")
        assert not app.exception
        assert "can't be opened: no such block" in read(app).replace("\\", "")
        assert "Add a file" in [title.value for title in app.subheader]
        patch.setattr(state, "selection", lambda: state.Selection("shop", None, "u4", 1))
        patch.setattr(state, "get", {state.USER: "u4"}.get)
        assert keys.steps() == 0
    assert loaders.corpus("shop") is not opened
    assert open_app(corpus="shop", user="u4").query_params["user"] == "u4"
