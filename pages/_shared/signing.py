"""Sign-in by OpenID Connect: whether it is on, who a session is, and what stands before the pages.

Streamlit's own (``st.login``), by the section ``[auth]`` of Tastelines' ``secrets.toml``; the roles
are those of ``core.access``. Without that section nobody signs in.
"""

from __future__ import annotations

import functools
import logging
import time
import tomllib
from collections.abc import Mapping
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard
from urllib.parse import urlsplit

import streamlit as st
from streamlit import config
from streamlit.runtime.scriptrunner_utils.script_run_context import get_script_run_ctx

from core import access
from core.access import Actor, Role
from core.corpus.store import library_root
from core.domain import DomainError
from core.language import mark, tr
from pages._shared import drawing, notices

CALLBACK = "/oauth2callback"
METADATA = "server_metadata_url"
NEEDED = ("client_id", "client_secret", METADATA)
SHORTEST_SECRET = 32
"""Characters of the secret that signs cookies: who guesses it is whoever they like."""
DEFAULT = ""
"""The provider whose settings stand in [auth] itself."""
ROLES = {Role.VIEWER: mark("viewer"), Role.EDITOR: mark("editor")}
_left: set[tuple[str, ...]] = set()
"""Sign-ins of this process that were ended, so that the browser's other tabs end too."""


class Visit(NamedTuple):
    """Who a session is, and why it is nobody."""

    actor: Actor
    problem: DomainError | None = None
    cause: str = ""
    """More of why, for whoever runs the server alone."""


def choose_secrets() -> None:
    """Have Streamlit read this app's file of secrets, not another project's; for a server's start.

    Also after it reads its settings anew. A file that the command line names goes before.
    DomainError where the place of the file is nobody's home folder.
    """
    files = [str(access.secrets_file())]

    def choose() -> None:
        if not config.get_where_defined("secrets.files").startswith("command-line"):
            config.set_option("secrets.files", files)

    choose()
    config.on_config_parsed(choose, force_connect=True)


@functools.cache
def providers() -> tuple[str, ...]:
    """Names of the providers of sign-in; none where there is no sign-in, asked once per process.

    DomainError for settings that can't work: Streamlit takes a damaged file for a missing one, and
    then everybody would be an editor.
    """
    found: dict[str, Any] = {}
    where = ""
    for name in config.get_option("secrets.files"):
        path = Path(name)
        if path.is_dir():
            raise _wrong(tr("secrets are read from a file, not a folder"), str(path))
        try:
            facts = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            continue
        except (OSError, ValueError, RecursionError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            problem = tr("the file of secrets can't be read: {reason}", reason=reason[:120])
            raise _wrong(problem, str(path)) from None
        if "auth" in facts:
            found, where = facts["auth"], str(path)
    return _checked(found, where) if where else ()


def _checked(auth: Any, where: str) -> tuple[str, ...]:
    if not isinstance(auth, dict):
        raise _wrong(tr("[auth] is not a section"), where)
    for package in ("authlib", "httpx2"):
        if find_spec(package) is None:
            remedy = tr("Run: pip install authlib httpx2")
            problem = tr("sign-in needs {package}", package=package)
            raise DomainError(problem, where=where, remedy=remedy)
    redirect, secret = auth.get("redirect_uri"), auth.get("cookie_secret")
    if not _is_address(redirect):
        problem = tr("redirect_uri is no address that begins with https:// or http://")
        raise _wrong(problem, where)
    if not redirect.endswith(CALLBACK):
        raise _wrong(tr("redirect_uri doesn't end in {end}", end=CALLBACK), where)
    if not isinstance(secret, str) or len(secret) < SHORTEST_SECRET:
        problem = tr("cookie_secret has less than {n} characters", n=SHORTEST_SECRET)
        raise _wrong(problem, where)
    sections = {name: each for name, each in auth.items() if isinstance(each, dict)}
    sections.pop("client_kwargs", None)
    if "client_id" in auth:
        sections[DEFAULT] = auth
    if not sections:
        raise _wrong(tr("[auth] names no provider"), where)
    for name, section in sections.items():
        about = f"[auth.{name}]" if name else "[auth]"
        if "_" in name:
            raise _wrong(tr("{section} has an underscore in its name", section=about), where)
        missing = [key for key in NEEDED if not _is_word(section.get(key))]
        if missing:
            keys = tr(", ").join(missing)
            raise _wrong(tr("{section} lacks {keys}", section=about, keys=keys), where)
        if not _is_address(section[METADATA]):
            problem = tr("{section}: {key} is no address", section=about, key=METADATA)
            raise _wrong(problem, where)
    return tuple(sections)


def _is_word(value: object) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_address(value: object) -> TypeGuard[str]:
    try:
        parts = urlsplit(value) if isinstance(value, str) else None
        return parts is not None and parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def _wrong(problem: str, where: str) -> DomainError:
    problem = tr("sign-in can't work: {problem}", problem=problem)
    return DomainError(problem, where=where, remedy=tr("See docs/team.md"))


def claims() -> Mapping[str, Any] | None:
    """What the provider said of this session; None in a thread without one, such as a download."""
    context = get_script_run_ctx(suppress_warning=True)
    return None if context is None else st.user.to_dict()


def visit() -> Visit:
    """Who this session is."""
    if not providers():
        return Visit(access.without_sign_in())
    facts = claims()
    return Visit(Actor(Role.VIEWER)) if facts is None else visit_of(facts)


def visit_of(facts: Mapping[str, Any]) -> Visit:
    """Who a session is that has these claims."""
    if facts.get("is_logged_in") is not True:
        return Visit(access.NOTHING)
    try:
        allowed = access.read_access(library_root())
    except DomainError as problem:
        remedy = tr("Ask whoever runs this server")
        not_set_up = DomainError(tr("sign-in is not set up right"), remedy=remedy)
        return Visit(access.NOTHING, not_set_up, str(problem))
    if has_left(facts):
        return Visit(access.NOTHING)
    if allowed.is_over(facts, time.time()):
        ended = DomainError(tr("your sign-in has ended"), remedy=tr("Sign in again"))
        return Visit(access.NOTHING, ended)
    actor = allowed.actor(facts)
    if actor.role is Role.STRANGER:
        name, remedy = actor.name or tr("this account"), tr("Ask an editor to let you in")
        stranger = DomainError(tr("there is no role for {name} here", name=name), remedy=remedy)
        return Visit(actor, stranger)
    return Visit(actor)


def who() -> Actor:
    """Who acts in this session; what ``core.access`` asks."""
    return visit().actor


def stop_strangers() -> None:
    """The page of who is nobody yet: why, and the way in. Others pass."""
    actor, problem, cause = visit()
    if actor.role is not Role.STRANGER:
        return
    with st.container(horizontal_alignment="center"), st.container(width=420):
        st.title(tr("Tastelines"), anchor=False)
        if cause:
            logging.getLogger(__name__).error("Sign-in: %s", cause)
        if problem is not None:
            notices.show_error(problem)
        elif not actor.name:
            notices.say(tr("Sign in to see the library."))
        if actor.name:
            sign_out()
        else:
            for name in providers():
                label = tr("Sign in")
                if name:
                    label = tr("Sign in with {provider}", provider=notices.escape(name))
                login = partial(st.login, name) if name else st.login
                drawing.button(label, f"login_{name}", login, type="primary", icon="login")
    st.stop()


def draw() -> None:
    """Who is signed in, what they may do, and the way out; in the sidebar."""
    if access.is_read_only():
        st.caption(tr("Read-only: nothing in the library can be changed."))
    if providers():
        role = access.current().role
        st.caption(notices.escape(f"{who().name} · {tr(ROLES.get(role, role.value))}"))
        sign_out()


def sign_out() -> None:
    drawing.button(tr("Sign out"), "logout", leave, icon="logout")


def leave() -> None:
    """End this sign-in: in this browser, and in every session of this process that has it."""
    if (facts := claims()) is not None and facts.get("is_logged_in") is True:
        _left.add(_sign_in(facts))
    st.logout()


def has_left(facts: Mapping[str, Any]) -> bool:
    """Whether this sign-in was ended in this process."""
    return _sign_in(facts) in _left


def _sign_in(facts: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(facts.get(name)) for name in ("iss", "sub", "iat", "nonce"))


access.ask_with(who)
