"""The server answers its own pages under its own name, and nobody else."""

from __future__ import annotations

import http.client
import json
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import pytest
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect

WAIT = 60
PATHS = ["/", "/explain", "/_stcore/health", "/_stcore/host-config", "/media/x", "/favicon.png"]
NAMES = ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "evillocalhost"]
NAMES += ["localhost@evil.example", "evil.example#localhost", "[::2]", "0.0.0.0", "192.168.0.1", ""]
PAGES = ["http://evil.example", "null", "", "http://localhost:3000", "file://", "http://["]
"""Origins that are no page of the app."""


def ask(
    app: str, path: str, host: str, origin: str | None = None, method: str = "GET"
) -> tuple[int, str, dict[str, str]]:
    """Status, text and headers of a plain HTTP request."""
    connection = http.client.HTTPConnection("127.0.0.1", urlsplit(app).port, timeout=WAIT)
    headers = {"Host": host} | ({"Origin": origin} if origin is not None else {})
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    facts = {name.lower(): value for name, value in answer.getheaders()}
    return answer.status, answer.read().decode(errors="replace"), facts


@contextmanager
def session(
    app: str, host: str, origin: str | None, page: str = "", query: str = ""
) -> Iterator[ClientConnection]:
    """A websocket that has asked for a page, by default the Overview."""
    port = urlsplit(app).port
    plug = socket.create_connection(("127.0.0.1", port), WAIT)
    options: dict[str, Any] = {"sock": plug, "proxy": None, "origin": origin, "max_size": None}
    address, protocols = f"ws://{host}:{port}/_stcore/stream", ["streamlit"]
    with connect(address, subprotocols=protocols, open_timeout=WAIT, **options) as channel:
        asked = BackMsg()
        asked.rerun_script.query_string = query
        asked.rerun_script.page_name = page
        channel.send(asked.SerializeToString())
        yield channel


def next_message(channel: ClientConnection) -> ForwardMsg:
    """What the server says next."""
    message = ForwardMsg()
    message.ParseFromString(channel.recv(timeout=WAIT))
    return message


def first_message(app: str, host: str, origin: str | None) -> str:
    """What a websocket says first to a client that asks for the Overview."""
    with session(app, host, origin) as channel:
        return str(next_message(channel).WhichOneof("type"))


def foreign_sockets(app: str) -> list[tuple[str, str | None]]:
    """Host and origin of websockets that must not open."""
    port = urlsplit(app).port
    foreign: list[tuple[str, str | None]] = [
        (name, f"http://{name}:{port}") for name in NAMES if re.fullmatch(r"[\w.]+", name)
    ]
    foreign += [("evil.example", None), ("127.0.0.1", "http://evil.example")]
    return [*foreign, ("localhost", "http://localhost:3000"), ("localhost", "null")]


@pytest.mark.parametrize("name", NAMES)
def test_a_foreign_host_gets_no_answer(app: str, name: str) -> None:
    port = urlsplit(app).port
    for path in PATHS:
        for host in (name, f"{name}:{port}"):
            status, text, _ = ask(app, path, host, f"http://{host}")
            assert status == 403 and "not served under this name" in text
    assert ask(app, "/_stcore/upload_file/a/b", name, method="PUT")[0] == 403


def test_a_foreign_page_gets_no_answer(app: str) -> None:
    port = urlsplit(app).port
    for name in ("127.0.0.1", "localhost"):
        for origin in PAGES:
            assert ask(app, "/_stcore/health", f"{name}:{port}", origin)[0] == 403
        assert ask(app, "/_stcore/health", f"{name}:{port}", f"http://{name}:{port}")[0] == 200
        assert ask(app, "/_stcore/health", f"{name}:{port}")[0] == 200


def test_a_websocket_opens_for_the_own_page_only(app: str) -> None:
    port = urlsplit(app).port
    for name in ("127.0.0.1", "localhost"):
        assert first_message(app, name, f"http://{name}:{port}") == "new_session"
    for host, origin in foreign_sockets(app):
        with pytest.raises(InvalidStatus) as refusal:
            first_message(app, host, origin)
        assert refusal.value.response.status_code == 403


def test_every_answer_keeps_other_sites_out(app: str) -> None:
    own = urlsplit(app).netloc
    for path, host in [(path, own) for path in PATHS] + [("/", "evil.example")]:
        headers = ask(app, path, host)[2]
        policy = headers["content-security-policy"]
        assert "frame-ancestors 'self'" in policy and "default-src 'self'" in policy
        assert "unsafe-eval" not in policy and "script-src 'self' 'unsafe-inline'" not in policy
        assert headers["x-frame-options"] == "SAMEORIGIN"
        assert headers["x-content-type-options"] == "nosniff"
    config = json.loads(ask(app, "/_stcore/host-config", own)[1])
    assert not any("streamlit" in origin for origin in config["allowedOrigins"])
