"""The verb that starts the workbench: app."""

from __future__ import annotations

import importlib.util
import os
import secrets
import sys
from pathlib import Path
from typing import Annotated

import typer

from core import access
from core.cli.output import LibraryOption, flush
from core.corpus.store import Library
from core.domain import DomainError
from core.home import APP
from core.language import mark, tr

PORT = 8501


def start_app(
    port: Annotated[
        int | None,
        typer.Option("--port", min=1, max=65535, help=tr("Default: the first free one from 8501.")),
    ] = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help=tr("Open it in a browser."))
    ] = True,
    workers: Annotated[
        int | None,
        typer.Option(
            "--workers",
            min=1,
            max=64,
            help=tr(
                "So many servers, on the ports after --port; a proxy at --port makes them one."
            ),
        ),
    ] = None,
    proxy: Annotated[
        Path | None,
        typer.Option(
            "--proxy",
            help=tr("Where the proxy's configuration goes (default: LIBRARY/nginx.conf)."),
        ),
    ] = None,
    library: LibraryOption = None,
) -> int:
    """Start the workbench on this machine (127.0.0.1), until Ctrl-C."""
    if importlib.util.find_spec("streamlit") is None:
        raise DomainError(
            tr("the workbench needs streamlit"), remedy=tr("Run: pip install streamlit")
        )
    if proxy is not None and workers is None:
        raise DomainError(tr("--proxy is for several workers"), remedy=tr("Give --workers too"))
    if workers is not None and proxy is None and access.is_read_only():
        raise DomainError(
            tr("the proxy's configuration would be written into the library"),
            where=tr("read-only"),
            remedy=tr("Say with --proxy where it goes"),
        )
    # -P: a file streamlit.py where the person stands, such as among a stranger's data, isn't run;
    # nor is a .streamlit/secrets.toml there asked who may sign in.
    words = [sys.executable, "-P", "-m", "streamlit", "run", str(APP)]
    words.append(f"--secrets.files={access.secrets_file()}")
    root = Library.open(library).root
    places = os.environ | {"TASTELINES_LIBRARY": str(root)}
    flush()
    if workers is not None:
        return start_workers(words, port or PORT, workers, proxy or root / "nginx.conf", places)
    if port is not None:
        words.append(f"--server.port={port}")
    if not browser:
        words.append("--server.headless=true")
    os.execve(sys.executable, words, places)


def start_workers(words: list[str], port: int, n: int, proxy: Path, places: dict[str, str]) -> int:
    """Run servers that share a library and the secret that signs their cookies."""
    from core.cli.workers import allowed_names, keep_running, ports, write_proxy

    write_proxy(proxy, port, n, allowed_names())
    said = mark("{n} servers; nginx makes them one at port {port} with {file}.")
    typer.echo(tr(said, n=n, port=port, file=proxy))
    flush()
    places.setdefault("STREAMLIT_SERVER_COOKIE_SECRET", secrets.token_hex())
    alone = [*words, "--server.headless=true", "--server.address=127.0.0.1"]
    return keep_running([[*alone, f"--server.port={each}"] for each in ports(port, n)], places)


VERBS = {"app": start_app}
