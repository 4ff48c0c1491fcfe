"""What a person has said about the files to import, until the files change."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from core.corpus.options import ImportOptions
from core.domain import DomainError
from pages._shared import loaders, state

SAID, ABOUT, LIKE = "import_said", "import_about", "import_like"
APPEND = "import_append"
"""The corpus that the files are added to; None: they become one of their own."""
PROBLEM = "import_problem"
KEY = "import_option_"
"""What keys of the widgets begin with; behind it stands the option's name."""


def begin(paths: Sequence[Path]) -> None:
    """Forget what was said about other files."""
    about = repr([loaders.fingerprint(path) for path in paths])
    if state.get(ABOUT) != about:
        state.put(ABOUT, about)
        forget()


def forget() -> None:
    """Find everything out again. For callbacks."""
    for key in (SAID, LIKE, PROBLEM):
        state.put(key, None)


def all_said() -> dict[str, Any]:
    """Fields of ``ImportOptions`` that were said."""
    return dict(state.get(SAID) or {})


def options() -> ImportOptions:
    """What was said, over the options of a corpus that these files are like."""
    own, like = ImportOptions(**all_said()), state.get(LIKE)
    base = loaders.library().manifest(like).options if like else None
    return own.over(base) if base is not None else own


def say(option: str, value: Any, *others: tuple[str, Any]) -> None:
    """Say one option, and others with it; None takes it back. For callbacks."""
    said = all_said()
    for name, chosen in ((option, value), *others):
        said.pop(name, None)
        if chosen is not None:
            said[name] = chosen
    state.put(SAID, said)
    state.put(PROBLEM, None)


def say_in(option: str, name: str, value: str | None) -> None:
    """Say the column of a field or the kind of a word; None takes it back. For callbacks."""
    known = {**all_said().get(option, {})}
    known.pop(name, None)
    say(option, {**known, name: value} if value is not None else known or None)


def said_in(option: str, key: str, name: str, nothing: str) -> None:
    """``say_in`` what a widget holds; ``nothing`` takes it back. For callbacks."""
    value = state.get(key)
    say_in(option, name, None if value in (None, nothing) else str(value))


def said_by(option: str, key: str, read: Callable[[Any], Any]) -> None:
    """Say what a widget holds, as ``read`` understands it. For callbacks."""
    try:
        say(option, read(state.get(key)))
    except DomainError as error:
        state.put(PROBLEM, str(error))
