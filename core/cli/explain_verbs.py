"""Verbs about why: explain, scorecard."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.model_verbs import (
    AtOption,
    ModelOption,
    RecommenderOption,
    UserOption,
    history_at,
    open_engine,
)
from core.cli.output import CorpusArgument, JsonOption, LibraryOption, answer, progress_bar
from core.domain import DomainError, is_step

if TYPE_CHECKING:
    from core.explain.explanation import Explanation

NO_WORDS = "none"


def explain_item(
    corpus: CorpusArgument,
    user: UserOption,
    item: Annotated[str, typer.Option("--item", help="Item id, in the list or not.")],
    at: AtOption = None,
    words: Annotated[
        str | None,
        typer.Option(
            "--words",
            metavar="STEP,none",
            help="Step whose review is explained word by word (default: the largest text part).",
        ),
    ] = None,
    recommender: RecommenderOption = None,
    margin: Annotated[
        bool,
        typer.Option(
            "--margin",
            help="Explain the margin over rank 10, of rank 10 itself over 11.",
        ),
    ] = False,
    model: ModelOption = None,
    library: LibraryOption = None,
    json: JsonOption = False,
) -> None:
    """Explain why an item has its score for a user at a time."""
    from core.explain.explanation import Explanation
    from core.explain.export import as_facts

    engine = open_engine(corpus, library, model)
    with progress_bar() as progress:
        explanation = Explanation(
            engine,
            history_at(engine, user, at),
            item,
            recommender,
            margin=margin,
            progress=progress,
        )
        step = _step_of_words(explanation, words)
        read = [explanation.words(step)] if step is not None else []
        facts = as_facts(explanation, read)
    from core.views.explain.build import tell

    answer(facts, tell(explanation, read), as_json=json)


def _step_of_words(explanation: Explanation, words: str | None) -> int | None:
    if words is None:
        return explanation.step_of_words()
    if words == NO_WORDS:
        return None
    if not is_step(words):
        problem = f"{words!r} is neither a step nor {NO_WORDS!r}"
        raise DomainError(problem, where="--words", remedy="Use a step such as 12, or none")
    return int(words)


def judge_explanations(
    corpus: CorpusArgument,
    users: Annotated[int, typer.Option("--users", min=1, help="Users to sample.")] = 100,
    recommender: RecommenderOption = None,
    model: ModelOption = None,
    library: LibraryOption = None,
    json: JsonOption = False,
) -> None:
    """Judge explanations of many users: do they beat random and most-recent-first orders?"""
    from core.explain.over_corpus import judge_corpus

    engine = open_engine(corpus, library, model)
    with progress_bar() as progress:
        card = judge_corpus(engine, users, recommender, with_stability=True, progress=progress)
    from core.views.explain.sentences import corpus_scorecard

    facts = {"recommender": engine.recommender(recommender).id, **card.facts()}
    answer(facts, corpus_scorecard(facts), as_json=json)


VERBS = {"explain": explain_item, "scorecard": judge_explanations}
