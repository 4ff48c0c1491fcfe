"""The verb about changes of interest: turns."""

from __future__ import annotations

from typing import Annotated

import typer

from core.cli.model_verbs import Asked, RayOption
from core.cli.output import answer, progress_bar
from core.cluster import machines_at
from core.language import tr


def show_turns(
    asked: Asked,
    user: Annotated[
        str | None, typer.Option("--user", help=tr("User id (default: the whole corpus)."))
    ] = None,
    ray: RayOption = None,
) -> None:
    """Find changes of interest beyond chance, once per model; kept in the library."""
    from core.turns.stored import make_turns
    from core.views.turns.build import corpus_facts, tell_corpus, tell_user, user_facts

    engine = asked.engine()
    if user is not None:
        engine.corpus.history(user)  # an unknown user is told before the corpus is tested
    with progress_bar() as progress, machines_at(ray) as machines:
        turns = make_turns(asked.shelf(), engine, progress=progress, machines=machines)
    if user is None:
        facts = corpus_facts(engine, turns)
        answer(facts, tell_corpus(facts), as_json=asked.json)
        return
    facts = user_facts(engine, user, turns)
    answer(facts, tell_user(facts), as_json=asked.json)


VERBS = {"turns": show_turns}
