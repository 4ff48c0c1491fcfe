"""Verbs about lists: explain, scorecard, whatif, search-edits, replay, compare, turnover."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.cohort_verbs import edit_cohort, open_cohort
from core.cli.model_verbs import (
    Asked,
    CohortOption,
    KOption,
    ModelOption,
    RayOption,
    RecommenderOption,
)
from core.cli.output import JsonOption, LibraryOption, answer, progress_bar
from core.cli.whose import AtOption, Whose
from core.cluster import machines_at
from core.corpus.store import Library
from core.domain import DomainError, is_step
from core.language import tr

if TYPE_CHECKING:
    from core.compare.columns import ColumnSpec
    from core.compare.fork import Fork
    from core.explain.explanation import Explanation
    from core.progress import ProgressCallback

NO_WORDS = "none"
EXACT_UP_TO = 12
"""Events up to which ``explain`` asks for all coalitions."""
NO_CLOCK = math.inf
"""Seconds to sample: with more players a verb samples until the error is small enough, so that the
same command gives the same answer on any machine."""


def explain_item(
    asked: Asked,
    whose: Whose,
    item: Annotated[str, typer.Option("--item", help=tr("Item id, in the list or not."))],
    at: AtOption = None,
    words: Annotated[
        str | None,
        typer.Option(
            "--words",
            metavar="STEP,none",
            help=tr(
                "Step whose review is explained word by word (default: the largest text part)."
            ),
        ),
    ] = None,
    recommender: RecommenderOption = None,
    margin: Annotated[
        bool,
        typer.Option(
            "--margin",
            help=tr("Explain the margin over rank 10, of rank 10 itself over 11."),
        ),
    ] = False,
    beside: Annotated[
        str | None,
        typer.Option("--beside", metavar="USER", help=tr("Also for this user, at the last event.")),
    ] = None,
    beside_at: Annotated[
        str | None,
        typer.Option("--beside-at", help=tr("With --beside: that user's step or ISO time.")),
    ] = None,
    beside_model: Annotated[
        str | None,
        typer.Option(
            "--beside-model", metavar="ID", help=tr("Also by another model of the corpus.")
        ),
    ] = None,
) -> None:
    """Explain why an item has its score for a user at a time; also beside another user or model."""
    from core.compare.models import earlier_answer
    from core.explain.explanation import Explanation
    from core.explain.export import as_facts

    if beside is not None and beside_model is not None:
        raise DomainError(
            tr("--beside and --beside-model exclude each other"), remedy=tr("Give one of them")
        )
    if beside_at is not None and beside is None:
        raise DomainError(tr("--beside-at is for --beside"), remedy=tr("Give --beside USER too"))

    engine = asked.engine()
    with progress_bar() as progress:
        explanation = Explanation(
            engine,
            whose.at(engine.corpus, at),
            item,
            recommender,
            margin=margin,
            seconds=NO_CLOCK,
            exact_up_to=EXACT_UP_TO,
            progress=progress,
        )
        step = _step_of_words(explanation, words)
        if step is not None:
            _beside_the_scorecard(explanation, step)
        read = [explanation.words(step)] if step is not None else []
        facts = as_facts(explanation, read)
        history, by = explanation.history, explanation.recommender.id
        earlier = earlier_answer(engine, asked.shelf(), history, item, by)
        told: list[str] = []
        if beside is not None or beside_model is not None:
            other = (beside, beside_at, beside_model)
            facts["beside"], told = _beside(asked, explanation, *other, progress=progress)
    from core.views.explain.build import tell
    from core.views.explain.sentences import earlier_words

    facts["earlier"] = earlier.to_json() if earlier else None
    lines = [*tell(explanation, read), *([earlier_words(earlier)] if earlier else []), *told]
    answer(facts, lines, as_json=asked.json)


def _beside(
    asked: Asked,
    one: Explanation,
    user: str | None,
    at: str | None,
    model_id: str | None,
    *,
    progress: ProgressCallback,
) -> tuple[dict[str, Any], list[str]]:
    """The same question for another user or by another model, as facts and lines."""
    from core.compare.beside import Other, beside_facts, differences, recommender_of
    from core.explain.explanation import Explanation
    from core.views.explain.beside import build_beside, name_of_model, name_of_user, tell_beside

    engine, history, recommender = one.engine, one.history, one.recommender.id
    by: Other = "user" if user is not None else "model"
    answered_by = None
    if model_id is not None:
        about = engine, asked.shelf(), model_id, recommender, one.item_id
        answered_by = recommender_of(*about)
        names = name_of_model(engine.model_id), name_of_model(model_id)
    else:
        assert user is not None
        whole = engine.corpus.history(user)
        history = whole.up_to(whole.resolve_step(at))
        names = name_of_user(one.history), name_of_user(history)
    other = Explanation(
        engine,
        history,
        one.item_id,
        recommender,
        margin=one.margin,
        seconds=NO_CLOCK,
        exact_up_to=EXACT_UP_TO,
        answered_by=answered_by,
        progress=progress,
    )
    facts = beside_facts(one, other, by, model_id or engine.model_id, differences(one, other))
    return facts, tell_beside(build_beside(one, other, by, names))


def _beside_the_scorecard(explanation: Explanation, step: int) -> None:
    """Encode the partial texts of a review while the scorecard is made.

    The encoder computes outside Python's lock, most of the scorecard is Python. One thread of
    torch's for the former: more would wait for each other.
    """
    import torch

    from core.explain.word_values import read_partial_texts

    review, stopped, usual = explanation.review(step), Event(), torch.get_num_threads()
    try:
        with ThreadPoolExecutor(1, initializer=partial(torch.set_num_threads, 1)) as beside:
            reading = beside.submit(read_partial_texts, review, stop=stopped.is_set)
            try:
                _ = explanation.scorecard
                reading.result()
            except BaseException:
                stopped.set()
                raise
    finally:
        torch.set_num_threads(usual)


def _step_of_words(explanation: Explanation, words: str | None) -> int | None:
    if words is None:
        return explanation.step_of_words()
    if words == NO_WORDS:
        return None
    if not is_step(words):
        problem = tr("{words!r} is neither a step nor {none!r}", words=words, none=NO_WORDS)
        raise DomainError(problem, where="--words", remedy=tr("Use a step such as 12, or none"))
    return int(words)


def judge_explanations(
    asked: Asked,
    users: Annotated[int, typer.Option("--users", min=1, help=tr("Users to sample."))] = 100,
    recommender: RecommenderOption = None,
) -> None:
    """Judge explanations of many users: do they beat random and most-recent-first orders?"""
    from core.explain.over_corpus import judge_corpus

    engine = asked.engine()
    with progress_bar() as progress:
        card = judge_corpus(
            engine, users, recommender, with_stability=True, seconds=NO_CLOCK, progress=progress
        )
    from core.views.explain.sentences import corpus_scorecard

    facts = {"recommender": engine.recommender(recommender).id, **card.facts()}
    answer(facts, corpus_scorecard(facts), as_json=asked.json)


def apply_edits(
    asked: Asked,
    whose: Whose,
    edits: Annotated[
        Path | None, typer.Option("--edits", metavar="FILE", help=tr("JSON: a list of edits."))
    ] = None,
    at: AtOption = None,
    k: KOption = 10,
    recommender: RecommenderOption = None,
    cohort: Annotated[
        str | None,
        typer.Option(
            "--cohort", metavar="NAME", help=tr("Instead of --user: every user of a saved cohort.")
        ),
    ] = None,
    rule: Annotated[
        str | None,
        typer.Option("--rule", metavar="CONDITIONS", help=tr("The same for whom a rule is about.")),
    ] = None,
    pattern: Annotated[
        str | None,
        typer.Option(
            "--pattern",
            metavar="PATTERN",
            help=tr("What becomes of each history, as do=delete&kind=click or do=negative&last=1."),
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help=tr("A saved pattern, once more."))
    ] = None,
    save: Annotated[
        str | None,
        typer.Option("--save", metavar="NAME", help=tr("Keep the pattern and its result.")),
    ] = None,
) -> None:
    """Show what edits of a user's history would change; or a pattern, for a whole cohort."""
    if any(each is not None for each in (cohort, rule, pattern, name, save)):
        if edits is not None or at is not None or whose.user or whose.history:
            raise DomainError(
                tr("a pattern is about the whole histories of a cohort"),
                remedy=tr("Leave out --user, --history, --at and --edits"),
            )
        edit_cohort(asked, cohort, rule, pattern, name, save, recommender, k)
        return
    if edits is None:
        raise DomainError(
            tr("nothing is to be changed"),
            remedy=tr("Give --edits FILE; or --cohort and --pattern"),
        )
    from core.compare.export import fork_facts
    from core.compare.fork import run
    from core.scenario.capsule import read_edits

    changes = read_edits(edits)
    engine = asked.engine()
    base = whose.at(engine.corpus, at)
    fork = run(engine, base, changes, recommender, k, seconds=NO_CLOCK)
    answer(fork_facts(fork), _tell(fork), as_json=asked.json)


def _tell(fork: Fork) -> list[str]:
    from core.views.compare.build import move_line
    from core.views.what_if.sentences import effect_sentence, fork_sentence

    lines = [
        f"{item.rank:>3}  {item.score:7.3f}  {fork.engine.corpus.short_title(item.item_id, 60)}"
        for item in fork.after.items
    ]
    lines += [move_line(fork, move) for move in fork.moves()]
    return [line for line in (*lines, fork_sentence(fork), effect_sentence(fork)) if line]


def find_edits(
    asked: Asked,
    whose: Whose,
    item: Annotated[str, typer.Option("--item", help=tr("Item id."))],
    goal: Annotated[str, typer.Option("--goal", help=tr("in or out."))] = "in",
    at: AtOption = None,
    k: KOption = 10,
    recommender: RecommenderOption = None,
) -> None:
    """Find the fewest edits that bring an item into a list, or take it out."""
    from core.scenario.search import search_edits
    from core.views.what_if.sentences import search_words

    engine = asked.engine()
    with progress_bar() as progress:
        found = search_edits(
            engine, whose.at(engine.corpus, at), item, goal, recommender, k, progress=progress
        )
    lines = []
    for edit in found.edits or found.tried.closest:
        line = edit.label
        if edit.rating is not None:
            line = tr("{edit}, rated {rating:g}", edit=line, rating=edit.rating)
        lines.append(line if found.found else tr("closest: {edit}", edit=line))
    answer(found.to_json(), [*lines, search_words(engine.corpus, found)], as_json=asked.json)


def replay_capsule(
    capsule: Annotated[Path, typer.Argument(metavar="CAPSULE", help=tr("A file from What-if."))],
    model: ModelOption = None,
    library: LibraryOption = None,
    json: JsonOption = False,
) -> int:
    """Compute a capsule's list again; exit code 1 when it is another one."""
    from core.compare.replay import replay
    from core.scenario.capsule import corpus_of, read_bytes, read_capsule

    content = read_capsule(read_bytes(capsule), str(capsule))
    corpus = corpus_of(content, Library.open(library))
    engine = Asked(corpus, model, library).engine()
    replayed = replay(engine, content)
    from core.views.what_if.sentences import replay_words

    lines = [tr("The list matches.") if replayed.matches else tr("The list does not match.")]
    lines += [replay_words(replayed, tr("The capsule"))] if replayed.is_of_other_model else []
    lines += [
        tr(
            "{what}: {found}, expected {expected}",
            what=difference.what,
            found=difference.found,
            expected=difference.expected,
        )
        for difference in replayed.differences
    ]
    answer(replayed.to_json(), lines, as_json=json)
    return 0 if replayed.matches else 1


def compare_lists(
    asked: Asked,
    column: Annotated[
        list[str] | None,
        typer.Option(
            "--column",
            metavar="user=U,at=T,recommender=R,scenario=S,model=M",
            help=tr("One column; give two to six. A comma inside a value is %2C."),
        ),
    ] = None,
    user: Annotated[
        str | None, typer.Option("--user", help=tr("With --at, the short form."))
    ] = None,
    at: Annotated[
        list[str] | None, typer.Option("--at", help=tr("Step or ISO time; give two to six."))
    ] = None,
    recommender: RecommenderOption = None,
    k: KOption = 10,
) -> None:
    """Compare lists of several times, recommenders, users or scenarios."""
    specs = _columns(column or [], user, at or [], recommender)
    from core.compare.comparison import Comparison
    from core.compare.export import as_facts

    engine, shelf = asked.engine(), asked.shelf()
    comparison = Comparison(engine, specs, k, library=shelf, seconds=NO_CLOCK)
    from core.views.compare.build import tell
    from core.views.quality.build import list_cautions
    from core.views.what_if.sentences import model_notes

    cautions = list_cautions(shelf, asked.corpus, [column.source for column in comparison.columns])
    cautions += model_notes(comparison)
    facts = {**as_facts(comparison), "cautions": cautions}
    answer(facts, [*tell(comparison), *cautions], as_json=asked.json)


def _columns(
    column: list[str], user: str | None, at: list[str], recommender: str | None
) -> list[ColumnSpec]:
    from core.compare.columns import ColumnSpec, read_column

    if column and (user is not None or at or recommender is not None):
        raise DomainError(
            tr("--column can't be mixed with --user, --at and --recommender"),
            remedy=tr("Put them into the column: --column user=U,at=T,recommender=R"),
        )
    if not column and user is None:
        raise DomainError(
            tr("nothing to compare"),
            remedy=tr(
                "Name the columns: --column user=U,at=T (twice or more), or --user U --at T --at T"
            ),
        )
    if user is not None:
        return [ColumnSpec(user, moment, recommender) for moment in at]
    return [read_column(text) for text in column]


def show_turnover(
    asked: Asked,
    recommender: RecommenderOption = None,
    k: KOption = 10,
    cohort: CohortOption = None,
    ray: RayOption = None,
) -> None:
    """Measure how fast lists change, once per model; kept in the library."""
    from core.compare.export import turnover_facts
    from core.compare.turnover import make_turnover

    engine = asked.engine()
    who = open_cohort(asked, engine, cohort) if cohort is not None else None
    with progress_bar() as progress, machines_at(ray) as machines:
        turnover = make_turnover(
            asked.shelf(), engine, recommender, k, progress=progress, machines=machines
        )
    from core.views.turnover import tell_turnover

    facts = turnover_facts(turnover)
    if who is not None:
        facts["cohort"] = {"name": who[0], **turnover_facts(turnover.among(who[1]))}
    answer(facts, tell_turnover(turnover, who), as_json=asked.json)


VERBS = {
    "explain": explain_item,
    "scorecard": judge_explanations,
    "whatif": apply_edits,
    "search-edits": find_edits,
    "replay": replay_capsule,
    "compare": compare_lists,
    "turnover": show_turnover,
}
