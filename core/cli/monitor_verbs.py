"""The verb about changes of a corpus: monitor."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.model_verbs import Asked
from core.cli.output import answer, complain, progress_bar
from core.domain import DomainError
from core.language import tr

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
            help=tr(
                "Test every finished period from the one with this day on (default: the newest)."
            ),
        ),
    ] = None,
    period: Annotated[
        str, typer.Option("--period", help=tr("auto, day, week or month; auto goes by the span."))
    ] = "auto",
    cohort: Annotated[
        str | None,
        typer.Option(
            "--cohort", metavar="NAME", help=tr("Watch only the users of a saved cohort.")
        ),
    ] = None,
) -> int:
    """Say what changed beyond chance; exit code 1 where something did.

    A corpus without a model is monitored for what needs none.
    """
    import numpy as np

    from core.cli.cohort_verbs import open_cohort
    from core.monitor.export import as_facts
    from core.monitor.monitoring import monitor
    from core.monitor.periods import read_unit
    from core.strategy.log import read_log
    from core.views.monitor.build import tell
    from core.views.quality.strategy import LOG_SHOWN, tell_log

    unit = read_unit(period)
    shelf = asked.shelf()
    corpus = shelf.corpus(asked.corpus)
    engine = _engine(asked, corpus) if cohort is None else asked.engine()
    corpus = engine.corpus if engine is not None else corpus
    watched = None
    if cohort is not None and engine is not None:
        name, ids = open_cohort(asked, engine, cohort)
        watched = name, np.isin(corpus.user_ids, ids)
    with progress_bar() as progress:
        found = monitor(
            corpus, shelf, engine, unit=unit, since=since, cohort=watched, progress=progress
        )
    log, problems = read_log(shelf, corpus.name)
    for problem in problems:
        complain(problem)
    lines = [*tell(found), tr("Changes of models and strategies:"), *tell_log(log, LOG_SHOWN)]
    facts = as_facts(found) | {"log": [line.to_json() for line in log]}
    answer(facts, lines if log else tell(found), as_json=asked.json)
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
        complain(tr("Without a model: {problem}", problem=error))
        return None


VERBS = {"monitor": monitor_corpus}
