"""The verb that starts the workbench: app."""

from __future__ import annotations

import importlib.util
import os
import sys
from typing import Annotated

import typer

from core.cli.output import LibraryOption
from core.corpus.store import Library
from core.domain import DomainError
from core.home import APP


def start_app(
    port: Annotated[
        int | None,
        typer.Option("--port", min=1, max=65535, help="Default: the first free one from 8501."),
    ] = None,
    browser: Annotated[
        bool, typer.Option("--browser/--no-browser", help="Open it in a browser.")
    ] = True,
    library: LibraryOption = None,
) -> None:
    """Start the workbench on this machine (127.0.0.1), until Ctrl-C."""
    if importlib.util.find_spec("streamlit") is None:
        raise DomainError("the workbench needs streamlit", remedy="Run: pip install streamlit")
    words = [sys.executable, "-m", "streamlit", "run", str(APP)]
    if port is not None:
        words.append(f"--server.port={port}")
    if not browser:
        words.append("--server.headless=true")
    places = os.environ | {"TASTELINES_LIBRARY": str(Library.open(library).root)}
    sys.stdout.flush()
    os.execve(sys.executable, words, places)


VERBS = {"app": start_app}
