"""What stands before Streamlit's server: only known hosts and this app's own pages get through.

A page of another site must reach nothing, also where it has pointed its own name at this machine
(DNS rebinding). Streamlit compares host and origin for its websocket only, and lets the websocket
in from any page on localhost.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import ipaddress
import os
import re
import sys
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import streamlit
from starlette.requests import HTTPConnection
from streamlit import cli_util, config
from streamlit.runtime.app_session import AppSession
from streamlit.web.server.server_util import get_url
from streamlit.web.server.starlette.starlette_server_config import USER_COOKIE_NAME
from streamlit.web.server.starlette.starlette_websocket import (
    _get_signed_cookie_with_chunks,
    _parse_decoded_user_cookie,
    is_host_allowed,
)

from core import access, jobs
from core.corpus.store import library_root
from core.domain import DomainError
from core.language import mark, tr
from core.views.wording import count
from pages._shared import memory, signing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import ASGIApp, Message, Receive, Scope, Send


def inline_scripts() -> str:
    """The sources of Streamlit's own page that allow the scripts inside it, and no others."""
    page = (Path(streamlit.__file__).parent / "static" / "index.html").read_bytes()
    scripts = re.findall(rb"<script>(.*?)</script>", page, re.DOTALL)
    hashes = (base64.b64encode(hashlib.sha256(script).digest()).decode() for script in scripts)
    return " ".join(f"'sha256-{value}'" for value in hashes)


CONTENT = (
    "default-src 'self'",
    f"script-src 'self' blob: {inline_scripts()}",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    "media-src 'self' data: blob:",
    "connect-src 'self' data: blob:",
    "worker-src 'self' blob:",
    "frame-src 'self' blob:",
    "object-src 'none'",
    "base-uri 'self'",
    "form-action 'self'",
    "frame-ancestors 'self'",
)
"""Whatever got into a page loads nothing from elsewhere and sends nothing there."""
HEADERS = {
    "content-security-policy": "; ".join(CONTENT),
    "x-frame-options": "SAMEORIGIN",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
UPLOAD = "/_stcore/upload_file/"
REFUSAL = mark(
    "Tastelines is not served under this name. Allow it where the app is started: "
    "server.allowedHosts for the host, server.corsAllowedOrigins for another site's pages "
    "(README, Security).\n"
)


def check_who_gets_in() -> None:
    """End the process, in one line, where it would be open to more than this machine's people.

    Whoever reaches a server without sign-in may import, train and delete. A server that listens
    beyond loopback, or answers to another name than this machine's, needs sign-in or read-only.
    """
    try:
        signing.choose_secrets()
        if signing.providers():
            access.read_access(library_root())
            keep_caches()
        elif not access.is_read_only() and (beyond := next(filter(is_beyond, served_as()), "")):
            raise DomainError(
                tr("whoever reaches the workbench could import, train and delete"),
                where=tr("served as {host}", host=beyond),
                remedy=tr(
                    "Set up sign-in (docs/team.md) or {read_only}=1, or use 127.0.0.1",
                    read_only=access.READ_ONLY,
                ),
            )
    except DomainError as problem:
        print(tr("Not started: {problem}", problem=problem), file=sys.stderr, flush=True)
        os._exit(2)


def keep_caches() -> None:
    """Let no session clear everybody's caches, which Streamlit lets whoever connects do."""
    AppSession._handle_clear_cache_request = lambda _self: None  # type: ignore[assignment,method-assign]


def served_as() -> list[str]:
    """Where the server listens, and the names that it answers to."""
    listens = config.get_option("server.address") or "0.0.0.0"
    return [listens, *config.get_option("server.allowedHosts")]


def is_beyond(host: str) -> bool:
    """Whether a host is more than this machine itself."""
    try:
        return not ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() != "localhost"


class Guard:
    """Refuses requests with a foreign Host or Origin and adds ``HEADERS`` to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
        elif is_known(scope["headers"]):
            if is_upload(scope) and is_stranger(scope):
                await refuse(with_headers(send), mark("Sign in to upload files.\n"))
                return
            await self.app(scope, receive, with_headers(send))
        elif scope["type"] == "websocket":  # before it is accepted: the answer is 403
            await receive()
            reason = "foreign host"  # no sentence
            await send({"type": "websocket.close", "code": 1008, "reason": reason})
        else:
            await refuse(with_headers(send))


def is_known(headers: list[tuple[bytes, bytes]]) -> bool:
    """Whether a request names one allowed host, and comes from its own pages or from no page."""
    hosts, origins = (
        [value.decode("latin-1") for key, value in headers if key.lower() == name]
        for name in (b"host", b"origin")
    )
    if len(hosts) != 1 or not is_host_allowed(hosts[0]):
        return False
    allowed = {origin.strip().lower() for origin in config.get_option("server.corsAllowedOrigins")}
    return all(origin.lower() in allowed or is_same(origin, hosts[0]) for origin in origins)


def is_same(origin: str, host: str) -> bool:
    """Whether an origin is a page of this very host and port."""
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and parts.netloc.lower() == host.lower()


def is_upload(scope: Scope) -> bool:
    """Whether a request sends a file, or takes one back."""
    return scope["type"] == "http" and UPLOAD in scope["path"] and scope["method"] != "OPTIONS"


def is_stranger(scope: Scope) -> bool:
    """Whether a request comes from nobody with a role, by the cookie that Streamlit signs."""
    if not signing.providers():
        return False
    request = HTTPConnection(scope)
    signed = _get_signed_cookie_with_chunks(request.cookies, USER_COOKIE_NAME)
    if signed is None:
        return True
    facts = _parse_decoded_user_cookie(signed, request.headers.get("origin", ""))
    return signing.visit_of(facts).actor.role is access.Role.STRANGER


async def refuse(send: Send, why: str = REFUSAL) -> None:
    """Answer 403 and say why (marked)."""
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": tr(why).encode()})


def with_headers(send: Send) -> Send:
    """``send`` that adds ``HEADERS`` to the answer, in place of its own."""

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [pair for pair in message["headers"] if pair[0].decode().lower() not in HEADERS]
            added = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
            message = {**message, "headers": [*kept, *added]}
        await send(message)

    return send_with_headers


@asynccontextmanager
async def opened(_app: Any) -> AsyncIterator[None]:
    """Show the app in a browser once it is served, as ``streamlit run`` does for plain scripts.

    Until it ends, its memory is looked after; then the terminal hears what goes on without it.
    """
    if not config.get_option("server.headless"):
        cli_util.open_browser(get_url(config.get_option("server.address") or "localhost"))
    looks = asyncio.create_task(memory.look_after())
    try:
        yield
    finally:
        looks.cancel()
    left = [job for job in jobs.jobs() if job.record is not None and job.state == "running"]
    if left:
        still = tr(
            "Still running: {jobs}. Start the app again to follow or stop.",
            jobs=count(len(left), "job"),
        )
        print(f"  {still}")
