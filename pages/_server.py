"""What stands before Streamlit's server: only known hosts and this app's own pages get through.

A page of another site must reach nothing, also where it has pointed its own name at this machine
(DNS rebinding). Streamlit compares host and origin for its websocket only, and lets the websocket
in from any page on localhost.
"""

from __future__ import annotations

import base64
import hashlib
import re
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import streamlit
from streamlit import cli_util, config
from streamlit.web.server.server_util import get_url
from streamlit.web.server.starlette.starlette_websocket import is_host_allowed

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
REFUSAL = (
    "Tastelines is not served under this name. Allow it where the app is started: "
    "server.allowedHosts for the host, server.corsAllowedOrigins for another site's pages "
    "(README, Security).\n"
)


class Guard:
    """Refuses requests with a foreign Host or Origin and adds ``HEADERS`` to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
        elif is_known(scope["headers"]):
            await self.app(scope, receive, with_headers(send))
        elif scope["type"] == "websocket":  # before it is accepted: the answer is 403
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": "foreign host"})
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


async def refuse(send: Send) -> None:
    """Answer 403 and say how to allow a host."""
    headers = [(b"content-type", b"text/plain; charset=utf-8")]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": REFUSAL.encode()})


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
    """Show the app in a browser once it is served, as ``streamlit run`` does for plain scripts."""
    if not config.get_option("server.headless"):
        cli_util.open_browser(get_url(config.get_option("server.address") or "localhost"))
    yield
