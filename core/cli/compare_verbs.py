"""Verbs about lists side by side: compare, turnover."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.model_verbs import KOption, ModelOption, RecommenderOption, open_engine
from core.cli.output import CorpusArgument, JsonOption, LibraryOption, answer, progress_bar
from core.corpus.store import Library
from core.domain import DomainError

if TYPE_CHECKING:
    from core.compare.columns import ColumnSpec


def compare_lists(
    corpus: CorpusArgument,
    column: Annotated[
        list[str] | None,
        typer.Option(
            "--column",
            metavar="user=U,at=T,recommender=R,scenario=S",
            help="One column; give two to six. A comma inside a value is %2C.",
        ),
    ] = None,
    user: Annotated[str | None, typer.Option("--user", help="With --at, the short form.")] = None,
    at: Annotated[
        list[str] | None, typer.Option("--at", help="Step or ISO time; give two to six.")
    ] = None,
    recommender: RecommenderOption = None,
    k: KOption = 10,
    model: ModelOption = None,
    library: LibraryOption = None,
    json: JsonOption = False,
) -> None:
    """Compare lists of several times, recommenders, users or scenarios."""
    specs = _columns(column or [], user, at or [], recommender)
    from core.compare.comparison import Comparison
    from core.compare.export import as_facts

    engine = open_engine(corpus, library, model)
    shelf = Library.open(library)
    comparison = Comparison(engine, specs, k, library=shelf)
    from core.views.compare.build import tell
    from core.views.quality.build import list_cautions

    cautions = list_cautions(shelf, corpus, [column.source for column in comparison.columns])
    answer(
        {**as_facts(comparison), "cautions": cautions}, [*tell(comparison), *cautions], as_json=json
    )


def _columns(
    column: list[str], user: str | None, at: list[str], recommender: str | None
) -> list[ColumnSpec]:
    from core.compare.columns import ColumnSpec, read_column

    if column and (user is not None or at or recommender is not None):
        raise DomainError(
            "--column can't be mixed with --user, --at and --recommender",
            remedy="Put them into the column: --column user=U,at=T,recommender=R",
        )
    if not column and user is None:
        raise DomainError(
            "nothing to compare",
            remedy="Name the columns: --column user=U,at=T (twice or more), or "
            "--user U --at T --at T",
        )
    if user is not None:
        return [ColumnSpec(user, moment, recommender) for moment in at]
    return [read_column(text) for text in column]


def show_turnover(
    corpus: CorpusArgument,
    recommender: RecommenderOption = None,
    k: KOption = 10,
    model: ModelOption = None,
    library: LibraryOption = None,
    json: JsonOption = False,
) -> None:
    """Measure how fast lists change, once per model; kept in the library."""
    from core.compare.export import turnover_facts
    from core.compare.turnover import make_turnover

    engine = open_engine(corpus, library, model)
    with progress_bar() as progress:
        turnover = make_turnover(Library.open(library), engine, recommender, k, progress=progress)
    from core.views.turnover import tell_turnover

    answer(turnover_facts(turnover), tell_turnover(turnover), as_json=json)


VERBS = {"compare": compare_lists, "turnover": show_turnover}
