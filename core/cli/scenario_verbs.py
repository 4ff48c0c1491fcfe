"""Verbs about what would be different: whatif, search-edits, replay."""

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

if TYPE_CHECKING:
    from core.scenario.causes import Cause
    from core.scenario.fork import Fork


def register(app: typer.Typer) -> None:
    """Add the verbs of this module."""
    app.command("whatif")(apply_edits)
    app.command("search-edits")(find_edits)
    app.command("replay")(replay_capsule)


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
    from core.scenario.fork import run
    from core.scenario.reading import read_edits

    changes = read_edits(edits)
    engine = open_engine(corpus, library, model)
    fork = run(engine, history_at(engine, user, at), changes, recommender, k)
    answer(fork.to_json(), _tell(fork), as_json=json)


def _tell(fork: Fork) -> list[str]:
    title = fork.engine.corpus.title
    was = {move.item_id: move for move in fork.moves}
    lines = [
        f"{item.rank:>3}  {item.score:7.3f}  {title(item.item_id)[:60]}"
        + (f"  ({was[item.item_id].words}, {_because(was[item.item_id].cause, fork)})"
           if item.item_id in was else "")
        for item in fork.after.items
    ]  # fmt: skip
    lines += [
        f"  -           {title(move.item_id)[:60]}  (left from {move.before}, "
        f"{_because(move.cause, fork)})"
        for move in fork.moves
        if move.after is None
    ]
    if fork.fork_step is None:
        return [*lines, "No state differs from the base's."]
    felt = fork.reconvergence
    until = "to the end" if felt is None else f"until {felt} steps after the last edit"
    return [*lines, f"States differ from step {fork.fork_step} on, noticeably {until}."]


def _because(cause: Cause, fork: Fork) -> str:
    if cause.edit is None:
        return "by what is excluded now"
    return f"by edit {cause.edit}: {fork.edited.edits[cause.edit - 1].label}, {cause.value:+.3f}"


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
    from core.views.what_if_wording import search_words

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
    from core.corpus.store import Library
    from core.scenario.capsule import corpus_of, read_capsule, replay
    from core.scenario.reading import read_bytes

    content = read_capsule(read_bytes(capsule), str(capsule))
    engine = open_engine(corpus_of(content, Library.open(library)), library, model)
    found = replay(engine, content)
    lines = ["The list matches." if found.matches else "The list does not match."]
    lines += [
        f"{difference.what}: {difference.found}, expected {difference.expected}"
        for difference in found.differences
    ]
    answer(found.to_json(), lines, as_json=json)
    return 0 if found.matches else 1
