"""The verb about changes of a corpus: monitor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.model_verbs import Asked
from core.cli.output import answer, complain, progress_bar
from core.domain import DomainError

if TYPE_CHECKING:
    from core.corpus.corpus import Corpus
    from core.engine import Engine


def monitor_corpus(
    asked: Asked,
    since: Annotated[
        str | None,
        typer.Option(
            "--since",
            metavar="DAY",
            help="Test every finished period from the one with this day on (default: the newest).",
        ),
    ] = None,
    period: Annotated[
        str, typer.Option("--period", help="auto, day, week or month; auto goes by the span.")
    ] = "auto",
) -> int:
    """Say what changed beyond chance; exit code 1 where something did.

    A corpus without a model is monitored for what needs none.
    """
    from core.monitor.export import as_facts
    from core.monitor.monitoring import monitor
    from core.monitor.periods import read_unit
    from core.views.monitor.build import tell

    unit = read_unit(period)
    shelf = asked.shelf()
    corpus = shelf.corpus(asked.corpus)
    engine = _engine(asked, corpus)
    with progress_bar() as progress:
        found = monitor(corpus, shelf, engine, unit=unit, since=since, progress=progress)
    answer(as_facts(found), tell(found), as_json=asked.json)
    return 1 if found.alarms else 0


def _engine(asked: Asked, corpus: Corpus) -> Engine | None:
    """The model that was asked for, or the newest that can be opened; else None, which is said."""
    if asked.model is None and not asked.shelf().models(corpus.name).folders:
        return None
    try:
        return asked.engine()
    except DomainError as error:
        if asked.model is not None:
            raise
        complain(f"Without a model: {error}")
        return None


VERBS = {"monitor": monitor_corpus}
