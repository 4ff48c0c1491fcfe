"""Among very many users one is found by a part of the id or of an attribute."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core.corpus.appending import append_files
from core.corpus.own import own_history, write_own
from core.corpus.store import Library
from core.domain import Event, EventKind
from pages._shared import controls, finding
from tests.pages.conftest import Open

QUERY = "find_user_query"


@pytest.fixture
def many(shop: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Library:
    """The shop, whose seven users are more than a list takes, and live in two towns."""
    monkeypatch.setattr(controls, "LISTED_USERS", 3)
    path = tmp_path / "users.csv"
    towns = [f"u{at},{'Berlin' if at in (2, 5) else 'Paris'}" for at in range(7)]
    path.write_text("\n".join(["user_id,town", *towns]) + "\n", encoding="utf-8")
    append_files(shop, "shop", [], users=path)
    return shop


def hits(app: AppTest) -> list[str]:
    """What the hits say."""
    return [
        button.label.replace("\\", "")
        for button in app.button
        if str(button.key).startswith(finding.BOX)
    ]


def test_a_hit_is_chosen_and_stands_in_address_and_field(many: Library, open_app: Open) -> None:
    app = open_app(corpus="shop")
    assert hits(app) == [] and app.text_input(key=QUERY).value == ""
    app.text_input(key=QUERY).input("U").run()
    assert hits(app) == [f"u{at}" for at in range(7)]
    app.text_input(key=QUERY).input("berl").run()
    assert hits(app) == ["u2 · town: Berlin", "u5 · town: Berlin"]
    app.button(key=f"{finding.BOX}_1").click().run()
    assert app.query_params["user"] == "u5"
    assert app.text_input(key=QUERY).value == "u5" and hits(app) == []
    app.button(key="user+1").click().run()
    assert app.query_params["user"] == "u6" and app.text_input(key=QUERY).value == "u6"


def test_an_address_fills_the_field_and_what_is_typed_forgets_nobody(
    many: Library, open_app: Open
) -> None:
    app = open_app(corpus="shop", user="u3")
    assert app.text_input(key=QUERY).value == "u3"
    app.text_input(key=QUERY).input("zz").run()
    assert hits(app) == [] and app.query_params["user"] == "u3"
    assert any("Nobody is called like that" in caption.value for caption in app.caption)
    assert open_app(corpus="shop", user="nobody").text_input(key=QUERY).value == ""


def test_the_hit_that_is_chosen_already_puts_its_id_into_the_field(
    many: Library, open_app: Open
) -> None:
    app = open_app(corpus="shop", user="u5")
    app.text_input(key=QUERY).input("berl").run()
    app.button(key=f"{finding.BOX}_1").click().run()
    assert app.query_params["user"] == "u5"
    assert app.text_input(key=QUERY).value == "u5" and hits(app) == []


def test_an_own_history_is_found_by_its_whole_id(many: Library, open_app: Open) -> None:
    event = Event("i1", datetime(2024, 1, 1, tzinfo=UTC), EventKind.VIEW)
    history = own_history("shop", [event])
    write_own(many.root, "shop", history, ())
    app = open_app(corpus="shop")
    app.text_input(key=QUERY).input(history.user_id).run()
    assert hits(app) == ["Own history · 1 event"]
    app.button(key=f"{finding.BOX}_0").click().run()
    assert not app.exception and app.query_params["user"] == history.user_id


def test_enter_takes_the_first_hit_and_an_empty_field_nobody(
    many: Library, open_app: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = many.corpus("shop")
    typed = {finding.QUERY: " u4"}
    monkeypatch.setattr(finding.state, "get", typed.get)
    monkeypatch.setattr(finding, "finder", finding.UserFinder.of)
    assert finding.first(corpus) == (True, "u4")
    typed[finding.QUERY] = ""
    assert finding.first(corpus) == (True, None)
    typed[finding.QUERY] = "zz"
    assert finding.first(corpus) == (False, None)
