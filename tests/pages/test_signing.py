"""Sign-in without a browser: refused settings, which server starts, what a page offers."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from streamlit import config
from streamlit.runtime import app_session
from streamlit.runtime.app_session import AppSession

from core import access, jobs
from core.access import Refused
from core.corpus.store import Library
from core.domain import DomainError
from pages import _server
from pages._corpora import paths
from pages._shared import signing

AUTH = {
    "redirect_uri": "https://taste.example.com/oauth2callback",
    "cookie_secret": "x" * 32,
    "client_id": "id",
    "client_secret": "secret",
    "server_metadata_url": "https://login.example.com/.well-known/openid-configuration",
}
ROLES = '[editors]\nemails = ["ann@x.org"]\n[viewers]\ndomains = ["x.org"]\n'


@pytest.fixture
def secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """A function that writes the file of secrets; providers are then asked anew."""
    path, real = tmp_path / "secrets.toml", config.get_option
    mine = {"secrets.files": [str(tmp_path / "none.toml"), str(path)]}
    monkeypatch.setattr(config, "get_option", lambda key: mine.get(key) or real(key))
    monkeypatch.setattr(signing, "find_spec", lambda name: name)
    monkeypatch.setattr(signing, "providers", signing.providers.__wrapped__)
    return path.write_text


def section(*without: str, **changed: object) -> str:
    lines = (f"{key} = {value!r}" for key, value in (AUTH | changed).items() if key not in without)
    return "\n".join(["[auth]", *lines, ""])


NAMED = "\n".join(
    [section("client_id", "client_secret", "server_metadata_url"), "[auth.work]"]
    + [f"{key} = {AUTH[key]!r}" for key in signing.NEEDED]
)
WRONG = {
    "[auth": "can't be read",
    "auth = 3": "not a section",
    section("redirect_uri"): "redirect_uri",
    section(redirect_uri="https://taste.example.com/"): "redirect_uri",
    section(cookie_secret="short"): "cookie_secret has less than 32",
    section("client_secret"): "lacks client_secret",
    section(client_secret=""): "lacks client_secret",
    section(redirect_uri="taste.example.com/oauth2callback"): "redirect_uri is no address",
    section(redirect_uri="https:///oauth2callback"): "redirect_uri is no address",
    section(server_metadata_url="login.example.com"): "server_metadata_url is no address",
    NAMED.replace("auth.work", "auth.my_work"): "underscore",
    section("client_id", "client_secret", "server_metadata_url"): "names no provider",
    NAMED.replace("client_id", "client"): r"\[auth.work\] lacks client_id",
}


def test_settings_of_sign_in_work_or_are_refused(secrets, monkeypatch) -> None:
    assert signing.providers() == ()
    secrets("[connections]\n")
    assert signing.providers() == ()
    secrets(section())
    assert signing.providers() == (signing.DEFAULT,)
    secrets(NAMED)
    assert signing.providers() == ("work",)
    for text, problem in WRONG.items():
        secrets(text)
        with pytest.raises(DomainError, match=problem):
            signing.providers()
    secrets(section())
    monkeypatch.setattr(signing, "find_spec", lambda name: None if name == "httpx2" else name)
    with pytest.raises(DomainError, match="needs httpx2"):
        signing.providers()
    monkeypatch.setattr(signing, "find_spec", lambda name: None)
    with pytest.raises(DomainError, match="needs authlib"):
        signing.providers()


SERVED = [
    (("127.0.0.1", ["localhost", "::1"]), True),
    (("::1", []), True),
    (("127.0.0.2", []), True),
    ((None, []), False),
    (("0.0.0.0", []), False),
    (("::", []), False),
    (("192.168.1.4", []), False),
    (("127.0.0.1", ["taste.example.com"]), False),
    (("127.0.0.1", ["*"]), False),
    (("localhost.example.com", []), False),
]


@pytest.mark.parametrize("where, starts", SERVED)
def test_a_server_that_others_reach_needs_sign_in_or_read_only(
    where: tuple[str | None, list[str]], starts: bool, library: Library, monkeypatch, capsys
) -> None:
    options = {"server.address": where[0], "server.allowedHosts": where[1]}
    ended: list[int] = []
    monkeypatch.setattr(config, "get_option", options.__getitem__)
    monkeypatch.setattr(_server.os, "_exit", ended.append)
    monkeypatch.setattr(signing, "providers", tuple)
    monkeypatch.setattr(signing, "choose_secrets", lambda: None)
    monkeypatch.setattr(_server, "keep_caches", lambda: None)
    _server.check_who_gets_in()
    said = capsys.readouterr().err
    assert (ended == []) is starts and said.count("\n") == len(ended)
    assert starts or ("docs/team.md" in said and "TASTELINES_READ_ONLY=1" in said)
    monkeypatch.setenv(access.READ_ONLY, "1")
    ended.clear()
    _server.check_who_gets_in()
    monkeypatch.delenv(access.READ_ONLY)
    monkeypatch.setattr(signing, "providers", lambda: ("",))
    assert ended == []
    _server.check_who_gets_in()  # sign-in, but no file of roles
    assert ended == [2] and "no file of roles" in capsys.readouterr().err
    library.root.mkdir()
    (library.root / access.FILE).write_text(ROLES)
    ended.clear()
    _server.check_who_gets_in()
    assert ended == []


def test_secrets_are_this_app_s_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine, by = tmp_path / "mine.toml", config.get_where_defined("secrets.files")
    before = config.get_option("secrets.files")
    heard: list[Callable[[], None]] = []
    monkeypatch.setenv(access.SECRETS, str(mine))
    monkeypatch.setattr(config, "on_config_parsed", lambda act, **_: heard.append(act))
    try:
        signing.choose_secrets()
        assert config.get_option("secrets.files") == [str(mine)]
        config.set_option("secrets.files", ["another"], "/a/config.toml")
        heard[0]()
        assert config.get_option("secrets.files") == [str(mine)]
        config.set_option("secrets.files", ["said"], config._DEFINED_BY_FLAG)
        heard[0]()
        assert config.get_option("secrets.files") == ["said"]
    finally:
        config.set_option("secrets.files", before, by)


@pytest.fixture
def person(library: Library, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The claims of whoever opens a page; a viewer until a test says otherwise."""
    library.root.mkdir(exist_ok=True)
    (library.root / access.FILE).write_text(ROLES)
    claims = {"is_logged_in": True, "email": "vic@x.org", "iat": time.time()}
    monkeypatch.setattr(signing, "providers", lambda: ("",))
    monkeypatch.setattr(signing, "claims", lambda: dict(claims))
    access.ask_with(signing.who)
    return claims


def test_a_viewer_is_offered_nothing_that_is_for_editors(open_app, shop, person, read) -> None:
    app = open_app("pages/corpora.py", corpus="shop")
    assert not app.exception and "vic@" in read(app).replace("\u2060", "").replace("\\", "")
    assert "for editors" in read(app)
    assert not app.get("file_uploader")
    labels = {button.label for button in app.button}
    assert "Sign out" in labels and not labels & {"Train a model", "Import", "Import the lists"}
    with pytest.raises(Refused):
        jobs.start("train", "shop", lambda progress, stop: None)
    with pytest.raises(Refused, match="vic@x"):
        paths.allowed("/etc/passwd")
    person["email"] = "ann@x.org"
    app.run()
    assert "Train a model" in {button.label for button in app.button}
    with pytest.raises(DomainError, match="may not read files there"):
        paths.allowed(str(shop.root / access.FILE))


def test_a_session_that_has_ended_shows_and_changes_nothing_more(
    open_app, shop, person, read, caplog
) -> None:
    app = open_app("pages/users.py", corpus="shop")
    assert "shop" in {box.value for box in app.selectbox}
    person["iat"] -= 13 * 3600
    app.run()
    assert not app.exception and "sign-in has ended" in read(app).replace("\\", "")
    assert not app.selectbox and [button.label for button in app.button] == ["Sign in"]
    with pytest.raises(Refused):
        Library.open()
    person["is_logged_in"] = False
    (shop.root / access.FILE).write_text("[editors")
    assert "Sign in to see the library" in read(app.run())
    person |= {"is_logged_in": True, "iat": time.time()}
    said = read(app.run()).lower().replace("\\", "")
    assert "sign-in is not set up right" in said and str(shop.root) not in said
    assert "the file of roles is damaged" in caplog.text


def test_no_session_clears_the_caches_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    name = "_handle_clear_cache_request"
    monkeypatch.setattr(AppSession, name, getattr(AppSession, name))
    cleared: list[object] = []
    monkeypatch.setattr(app_session.caching.cache_data, "clear", lambda: cleared.append(1))
    _server.keep_caches()
    getattr(AppSession, name)(None)
    assert cleared == []


def test_who_signs_out_has_left_in_other_tabs_too(library, person, monkeypatch) -> None:
    library.root.mkdir(exist_ok=True)
    (library.root / access.FILE).write_text(ROLES)
    monkeypatch.setattr(signing, "_left", set())
    monkeypatch.setattr(signing.st, "logout", lambda: None)
    assert signing.who().role is access.Role.VIEWER
    signing.leave()
    assert signing.who() == access.NOTHING
    person["iat"] += 1
    assert signing.who().role is access.Role.VIEWER


def test_read_only_says_why_nothing_can_be_kept(open_app, shop, monkeypatch, read) -> None:
    monkeypatch.setenv(access.READ_ONLY, "1")
    app = open_app("pages/users.py", corpus="shop")
    assert "Read-only" in read(app)
    app.button(key="own_history").click().run()
    app.button(key="own_blank").click().run()
    assert "needs a name to keep it under" in str(app.session_state["own_wrong"])
    assert not (shop.root / "own").exists()
