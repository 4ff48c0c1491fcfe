"""Several servers of one library behind one address: processes, and a proxy's configuration."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType

from core.domain import DomainError
from core.files import reason_of, replace_text
from core.language import mark, tr

REFUSED, FAILED = 2, 1
"""Exit codes: a server did not want to start and would not the next time; one kept ending."""
LOOK, PATIENCE = 0.2, 20.0
"""Seconds between looks at the servers, and until one that was told to end is killed."""
REST = 1.0
"""Seconds before a server that ended is started anew."""
SHORT, MOST_SHORT = 30.0, 5
"""Seconds that a server which works lives at least, and lives shorter than that before all end."""

NGINX = """\
# Written by `python -m core app --workers {n}`, for nginx's conf.d. A browser stays with the server
# that its cookie chooses: its session, its uploads and its downloads live there.
map $cookie_tastelines_worker_{port} $tastelines_worker_{port} {{
    "~^[0-9a-f]{{32}}$" $cookie_tastelines_worker_{port};
    default $request_id;
}}
map $http_upgrade $tastelines_connection_{port} {{
    "" "";
    default upgrade;
}}
upstream tastelines_{port} {{
    hash $tastelines_worker_{port} consistent;
{servers}
}}
server {{
    listen 127.0.0.1:{port};  # for others: a public address, with ssl_certificate
    server_name {names};
    client_max_body_size 2100m;
    location / {{
        proxy_pass http://tastelines_{port};
        proxy_http_version 1.1;
        proxy_set_header Host $http_host;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $tastelines_connection_{port};
        proxy_read_timeout 1d;
        proxy_buffering off;
        proxy_request_buffering off;
        add_header Set-Cookie
            "tastelines_worker_{port}=$tastelines_worker_{port}; Path=/; HttpOnly" always;
    }}
}}
"""


def ports(port: int, n: int) -> range:
    """Where ``n`` servers listen behind a proxy at ``port``; DomainError where there is no room."""
    if port + n > 65535:
        raise DomainError(
            tr("there are no {n} ports above {port}", n=n, port=port),
            where="--port",
            remedy=tr("Choose a lower one"),
        )
    return range(port + 1, port + 1 + n)


def write_proxy(path: Path, port: int, n: int, names: Sequence[str]) -> None:
    """Write nginx's configuration; DomainError where it can't be written."""
    each_is = "    server 127.0.0.1:{};"  # no sentence
    servers = "\n".join(map(each_is.format, ports(port, n)))
    answers_to = " ".join("_" if name == "*" else name for name in names)
    text = NGINX.format(n=n, port=port, servers=servers, names=answers_to)
    try:
        replace_text(path, text)
    except OSError as error:
        raise DomainError(
            tr("the proxy's configuration can't be written: {reason}", reason=reason_of(error)),
            where=str(path),
            remedy=tr("Choose another place with --proxy"),
        ) from None


def keep_running(commands: Sequence[Sequence[str]], environment: Mapping[str, str]) -> int:
    """Run all commands until one refuses to start, or a signal ends them all; the exit code.

    One that ends by itself is started anew, unless starts keep failing.
    """
    ending = False

    def end(_signal: int, _frame: FrameType | None) -> None:
        nonlocal ending
        ending = True

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    running: list[subprocess.Popen[bytes]] = []
    began, short = [time.monotonic()] * len(commands), [0] * len(commands)
    code = 0
    try:
        running.extend(subprocess.Popen(words, env=environment) for words in commands)
        while not ending and not code:
            time.sleep(LOOK)
            for at, process in enumerate(running):
                if process.poll() is None or ending:
                    continue
                if process.returncode == REFUSED:
                    code = REFUSED
                    break
                short[at] = short[at] + 1 if time.monotonic() - began[at] < SHORT else 0
                if short[at] == MOST_SHORT:
                    code = FAILED
                    say(tr("A server ended {n} times at once; all are stopped.", n=MOST_SHORT))
                    break
                ended = mark("A server ended ({code}); another takes its place.")
                say(tr(ended, code=process.returncode))
                time.sleep(REST)
                running[at] = subprocess.Popen(commands[at], env=environment)
                began[at] = time.monotonic()
    finally:
        stop(running)
        for number, handler in before.items():
            signal.signal(number, handler)
    return code


def say(words: str) -> None:
    """Tell whoever reads the terminal or the journal."""
    print(words, file=sys.stderr, flush=True)


def stop(running: Sequence[subprocess.Popen[bytes]]) -> None:
    """End all processes: asked first, then killed."""
    for process in running:
        process.terminate()
    last = time.monotonic() + PATIENCE
    for process in running:
        try:
            process.wait(max(last - time.monotonic(), 0))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def allowed_names() -> list[str]:
    """The names that the servers answer to, as Streamlit's environment variable says."""
    names = os.environ.get("STREAMLIT_SERVER_ALLOWED_HOSTS", "").split()
    return names or ["127.0.0.1", "localhost"]
