"""What verbs share: the common options, one JSON object or a few lines, and a progress bar."""

from __future__ import annotations

import functools
import inspect
import json
import math
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from core.domain import DomainError
from core.language import tr
from core.progress import Pace, Progress, ProgressCallback

LibraryOption = Annotated[
    Path | None,
    typer.Option(
        "--library",
        envvar="TASTELINES_LIBRARY",
        help=tr(
            "Folder of corpora and models (default: data/library of a checkout, "
            "~/.local/share/tastelines of an installed package)."
        ),
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help=tr("Print exactly one JSON object."))]
CorpusArgument = Annotated[str, typer.Argument(metavar="CORPUS", help=tr("Name of a corpus."))]

PLAIN_SECONDS = 20.0
"""Between two lines of progress where stderr is no terminal."""
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")


def spread(verb: Callable[..., int | None]) -> Callable[..., int | None]:
    """A verb for typer: fields of dataclasses among its parameters follow its other options."""
    own = list(inspect.signature(verb, eval_str=True).parameters.values())
    kinds: dict[str, Any] = {
        each.name: each.annotation
        for each in own
        if hasattr(each.annotation, "__dataclass_fields__")
    }
    if not kinds:
        return verb
    shared = {
        name: inspect.signature(kind, eval_str=True).parameters for name, kind in kinds.items()
    }

    @functools.wraps(verb)
    def run(**given: Any) -> int | None:
        for name, kind in kinds.items():
            given[name] = kind(**{part: given.pop(part) for part in shared[name]})
        return verb(**given)

    rest = [each for each in own if each.name not in kinds]
    every = [*rest, *(part for parts in shared.values() for part in parts.values())]
    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [each.replace(kind=each.KEYWORD_ONLY) for each in every]
    )
    return run


def answer(facts: Mapping[str, Any], lines: Iterable[str], *, as_json: bool) -> None:
    """Print ``facts`` as one JSON object on stdout, or ``lines`` for a person."""
    if as_json:
        _say(json.dumps(plain(facts), ensure_ascii=False, allow_nan=False))
        return
    for line in lines:
        _say(one_line(line))


class Unwritable(DomainError):
    """The answer can't be written: stdout is a file on a full disk, say."""


def flush() -> None:
    """Write what waits for stdout; ``Unwritable`` where that fails."""
    _say("", end="")


def _say(line: str, end: str = "\n") -> None:
    """Print on stdout; on nothing where stdout is closed."""
    try:
        print(line, end=end, flush=not line)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Unwritable(
            tr("the answer can't be written: {reason}", reason=error.strerror or error),
            where=tr("standard output"),
            remedy=tr("Make room, or send it elsewhere"),
        ) from None


def complain(message: str) -> None:
    """One line on stderr."""
    print(one_line(message), file=sys.stderr)


def damage_facts(damaged: Mapping[str, DomainError]) -> list[dict[str, str]]:
    """What is damaged, as JSON: name, problem, where, remedy."""
    return [
        {"name": name, "problem": error.what, "where": error.where, "remedy": error.remedy}
        for name, error in damaged.items()
    ]


def damage_lines(damaged: Mapping[str, DomainError]) -> list[str]:
    """What is damaged, a line each."""
    return [
        tr("{name} is damaged: {problem}", name=name, problem=error)
        for name, error in damaged.items()
    ]


def one_line(text: str) -> str:
    """Text of a stranger, safe for a terminal: no line breaks, no escape sequences."""
    return _UNPRINTABLE.sub(" ", text)


def plain(value: Any) -> Any:
    """The value as JSON knows it: NaN and infinity become null, times ISO text."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(inner) for inner in value]
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


@contextmanager
def progress_bar() -> Iterator[ProgressCallback]:
    """A bar on stderr, fed by ``Progress`` reports; a line now and then where it is no terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    if not console.is_terminal:
        yield plain_progress()
        return
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        TaskProgressColumn(),
        TextColumn("{task.fields[details]}", markup=False),
    )
    with Bar(*columns, console=console, transient=True) as bar:
        task, pace = bar.add_task(tr("starting"), total=None, details=""), Pace()

        def show(progress: Progress) -> None:
            progress = pace.timed(progress)
            bar.update(
                task,
                description=tr(progress.stage),
                completed=progress.done,
                total=progress.total,
                details=tr(", ").join(_details(progress)),
            )

        yield show


def plain_progress(clock: Callable[[], float] = time.monotonic) -> ProgressCallback:
    """Prints a line on stderr every PLAIN_SECONDS: what is done, how far, how long it takes yet."""
    due, pace = clock() + PLAIN_SECONDS, Pace(clock)

    def show(progress: Progress) -> None:
        nonlocal due
        progress = pace.timed(progress)
        if clock() < due:
            return
        due = clock() + PLAIN_SECONDS
        share = f"{progress.done / progress.total:.0%}" if progress.total else "…"
        details = tr(", ").join((share, *_details(progress)))
        complain(tr("{about}: {problem}", about=tr(progress.stage), problem=details))

    return show


def _details(progress: Progress) -> list[str]:
    details = [f"{tr(name)} {_figure(value)}" for name, value in progress.figures.items()]
    if progress.seconds_left is not None:
        details.append(tr("{time} left", time=_duration(progress.seconds_left)))
    return details


def _figure(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.4g}"


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    if not minutes:
        return tr("{seconds:.0f} s", seconds=rest)
    return tr("{minutes} min {seconds} s", minutes=minutes, seconds=rest)
