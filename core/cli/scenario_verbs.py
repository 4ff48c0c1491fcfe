"""Verbs about edited histories: whatif, search-edits, replay."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.model_verbs import (
    AtOption,
    KOption,
    ModelOption,
    RecommenderOption,
    UserOption,
    history_at,
    open_engine,
)
from core.cli.output import CorpusArgument, JsonOption, LibraryOption, answer, progress_bar
from core.corpus.store import Library

if TYPE_CHECKING:
    from core.compare.fork import Fork


def apply_edits(
    corpus: CorpusArgument,
    user: UserOption,
    edits: Annotated[Path, typer.Option("--edits", metavar="FILE", help="JSON: a list of edits.")],
    at: AtOption = None,
    k: KOption = 10,
    recommender: RecommenderOption = None,
    model: ModelOption = None,
    library: LibraryOption = None,
    json: JsonOption = False,
) -> None:
    """Show what edits of a user's history would change."""
    from core.compare.export import fork_facts
    from core.compare.fork import run
    from core.scenario.capsule import read_edits

    changes = read_edits(edits)
    engine = open_engine(corpus, library, model)
    fork = run(engine, history_at(engine, user, at), changes, recommender, k)
    answer(fork_facts(fork), _tell(fork), as_json=json)


def _tell(fork: Fork) -> list[str]:
    from core.views.compare.build import move_line
    from core.views.what_if.sentences import effect_sentence, fork_sentence

    lines = [
        f"{item.rank:>3}  {item.score:7.3f}  {fork.engine.corpus.title(item.item_id)[:60]}"
        for item in fork.after.items
    ]
    lines += [move_line(fork, move) for move in fork.moves()]
    return [line for line in (*lines, fork_sentence(fork), effect_sentence(fork)) if line]


def find_edits(
    corpus: CorpusArgument,
    user: UserOption,
    item: Annotated[str, typer.Option("--item", help="Item id.")],
    goal: Annotated[str, typer.Option("--goal", help="in or out.")] = "in",
    at: AtOption = None,
    k: KOption = 10,
    recommender: RecommenderOption = None,
    model: ModelOption = None,
    library: LibraryOption = None,
    json: JsonOption = False,
) -> None:
    """Find the fewest edits that bring an item into a list, or take it out."""
    from core.scenario.search import search_edits
    from core.views.what_if.sentences import search_words

    engine = open_engine(corpus, library, model)
    with progress_bar() as progress:
        found = search_edits(
            engine, history_at(engine, user, at), item, goal, recommender, k, progress=progress
        )
    lines = [
        edit.label + (f", rated {edit.rating:g}" if edit.rating is not None else "")
        for edit in found.edits or found.tried.closest
    ]
    answer(found.to_json(), [*lines, search_words(engine.corpus, found)], as_json=json)


def replay_capsule(
    capsule: Annotated[Path, typer.Argument(metavar="CAPSULE", help="A file from What-if.")],
    model: ModelOption = None,
    library: LibraryOption = None,
    json: JsonOption = False,
) -> int:
    """Compute a capsule's list again; exit code 1 when it is another one."""
    from core.compare.replay import replay
    from core.scenario.capsule import corpus_of, read_bytes, read_capsule

    content = read_capsule(read_bytes(capsule), str(capsule))
    engine = open_engine(corpus_of(content, Library.open(library)), library, model)
    replayed = replay(engine, content)
    lines = ["The list matches." if replayed.matches else "The list does not match."]
    lines += [
        f"{difference.what}: {difference.found}, expected {difference.expected}"
        for difference in replayed.differences
    ]
    answer(replayed.to_json(), lines, as_json=json)
    return 0 if replayed.matches else 1


VERBS = {"whatif": apply_edits, "search-edits": find_edits, "replay": replay_capsule}
