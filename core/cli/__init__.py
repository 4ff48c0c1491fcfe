"""The command line: verbs of several modules, one way to answer and one way to fail.

A verb module names its verbs in ``VERBS`` and imports what is heavy inside them, so that
``python -m core corpora`` starts quickly. Exit codes: 0 done, 1 a defect of ours or a check that
did not hold, 2 a user's mistake (one line on stderr), 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import gc
import inspect
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import typer

from core.cli import (
    analysis_verbs,
    app_verbs,
    cohort_verbs,
    corpus_verbs,
    map_verbs,
    model_verbs,
    monitor_verbs,
    report_verbs,
    strategy_verbs,
    training_verbs,
    turn_verbs,
)
from core.cli.helping import Verb, Verbs, mistake
from core.cli.output import Unwritable, complain, flush, spread
from core.domain import DomainError, Stopped
from core.home import PACKAGE
from core.language import mark, tr

STOPPED = 130
NOTHING_LEFT = mark("Stopped; nothing was left half-made.")
COMMAND = "python -m core"  # no sentence
"""What a person types; ``setup.py`` makes it ``tastelines`` in a wheel, here and elsewhere."""
DEBUG = "TASTELINES_DEBUG"
SELDOM = 100_000
"""New objects after which a short command's garbage is collected: importing makes 400,000 that all
stay, and looking through them takes a fifth of the time. Other commands keep Python's own
threshold, as what a training leaves may hold large arrays."""
SHORT = {*analysis_verbs.VERBS, *turn_verbs.VERBS, "users", "trajectory", "recommend"}
VERB_MODULES = (
    app_verbs,
    corpus_verbs,
    training_verbs,
    model_verbs,
    analysis_verbs,
    turn_verbs,
    cohort_verbs,
    map_verbs,
    monitor_verbs,
    report_verbs,
    strategy_verbs,
)


def build_app(first: str | None = None) -> typer.Typer:
    """The application for a line that begins with this word.

    Every verb is registered, or the one that the word names alone: each takes its time.
    """
    app = typer.Typer(
        name=COMMAND,
        cls=Verbs,
        help=tr("Tastelines: how each user's interest evolves, and why a recommendation follows."),
        add_completion=" " not in COMMAND,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
    )

    @app.callback(invoke_without_command=True)
    def start(context: typer.Context) -> None:
        if context.invoked_subcommand is None:
            typer.echo(context.get_help())

    verbs = {name: verb for module in VERB_MODULES for name, verb in module.VERBS.items()}
    for name in [first] if first in verbs else verbs:
        about = inspect.getdoc(verbs[name])
        app.command(name, cls=Verb, help=about and tr(about))(spread(verbs[name]))
    return app


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one verb and return the exit code; no exception leaves this function."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):
            stream.reconfigure(encoding="utf-8", errors="replace")  # type: ignore[union-attr]
    words = list(sys.argv[1:] if arguments is None else arguments)
    if arguments is None and words and words[0] in SHORT:  # a process of its own
        gc.set_threshold(SELDOM)
    command = typer.main.get_command(build_app(*words[:1]))
    try:
        returned = command.main(
            args=words,
            prog_name=COMMAND,
            standalone_mode=False,
        )
        code = returned if isinstance(returned, int) else 0
        flush()
    except Unwritable as error:
        _leave_stdout()
        complain(str(error))
        return 1
    except DomainError as error:
        complain(str(error))
        return 2
    except typer.TyperException as error:
        message = mistake(error.format_message().rstrip("."))
        problem = message if message.endswith(("?", "？")) else tr("{clauses}.", clauses=message)
        context = getattr(error, "ctx", None)
        path = COMMAND if context is None else context.command_path
        complain(tr("{problem} See {command} --help.", problem=problem, command=path))
        return 2
    except BrokenPipeError:
        _leave_stdout()
        return 1
    except (KeyboardInterrupt, Stopped) as stopped:
        complain(str(stopped) or tr(NOTHING_LEFT))
        return STOPPED
    except SystemExit as exit_request:
        return exit_request.code if isinstance(exit_request.code, int) else 1
    except Exception as error:
        return _defect(error)
    if code == STOPPED:  # typer has caught Ctrl-C
        complain(tr(NOTHING_LEFT))
    return code


def _leave_stdout() -> None:
    """Let what is left to print go nowhere, so that Python doesn't fail on it at its end."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _defect(error: Exception) -> int:
    if os.environ.get(DEBUG) == "1":
        traceback.print_exception(error)
        return 1
    frames = traceback.extract_tb(error.__traceback__)
    ours = [
        frame for frame in frames if f"{os.sep}{PACKAGE.name}{os.sep}" in frame.filename
    ] or frames
    place = f"{Path(ours[-1].filename).name}:{ours[-1].lineno}" if ours else tr("unknown place")
    complain(
        tr(
            "Unexpected {kind} at {place}: {error}. Please report this line and the command; "
            "{debug}=1 shows more.",
            kind=type(error).__name__,
            place=place,
            error=error,
            debug=DEBUG,
        )
    )
    return 1
