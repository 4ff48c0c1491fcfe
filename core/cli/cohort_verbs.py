"""Groups of users: the verb cohort, and what whatif, evaluate and turnover ask about one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.model_verbs import Asked
from core.cli.output import answer, complain, progress_bar
from core.cli.report_verbs import ThemeOption, palette_of, save_report
from core.domain import DomainError
from core.language import tr

if TYPE_CHECKING:
    from core.cohorts.opening import Measured
    from core.cohorts.patterns import SavedPattern
    from core.cohorts.rule import Rule
    from core.cohorts.store import Cohort
    from core.engine import Engine

RULE = "turned_to=Audio&since=2024-01-01&least_events=12"


def describe_cohort(
    asked: Asked,
    rule: Annotated[
        str | None,
        typer.Option(
            "--rule", metavar="CONDITIONS", help=tr("Who belongs to it, as {rule}.", rule=RULE)
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--name", help=tr("A saved cohort (without --rule and --name: list).")),
    ] = None,
    against: Annotated[
        str | None, typer.Option("--against", help=tr("Hold it against this saved cohort."))
    ] = None,
    save: Annotated[
        str | None, typer.Option("--save", metavar="NAME", help=tr("Keep the rule under a name."))
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help=tr("Also write it as one HTML file.")),
    ] = None,
    theme: ThemeOption = "light",
) -> None:
    """Describe a group of users: what they share, how they are served, where they go."""
    from core.cohorts.opening import measure_for
    from core.cohorts.patterns import PatternStore
    from core.cohorts.rule import query_of
    from core.cohorts.store import Cohort, CohortStore
    from core.evaluate.protocols import find_report
    from core.views.cohorts.build import Everyone, build_cohort, cohort_facts, tell
    from core.views.cohorts.sentences import rule_words

    if rule is not None and name is not None:
        raise DomainError(tr("--rule and --name exclude each other"), remedy=tr("Give one of them"))
    if save is not None and rule is None:
        raise DomainError(tr("--save keeps a rule"), remedy=tr("Give --rule"))
    if out is not None and rule is None and name is None:
        raise DomainError(tr("--out is about one cohort"), remedy=tr("Give --name or --rule"))
    palette = palette_of(theme) if out is not None else None
    if against is not None and rule is None and name is None:
        raise DomainError(
            tr("--against needs the cohort that is held against it"),
            remedy=tr("Give --name or --rule"),
        )
    shelf = asked.shelf()
    store = CohortStore.open(shelf)
    if rule is None and name is None:
        corpus = shelf.corpus(asked.corpus).name
        _list(store.cohorts(corpus), PatternStore.open(shelf).entries(corpus), as_json=asked.json)
        return
    asked_rule = _rule(rule) if rule is not None else None
    engine = asked.engine()
    saved = store.named(engine.corpus.name, name) if name is not None else None
    other = store.named(engine.corpus.name, against) if against is not None else None
    if saved is not None:
        asked_rule = saved.rule
    with progress_bar() as progress:
        rules = asked_rule, other.rule if other is not None else None
        measured = measure_for(shelf, engine, *rules, progress=progress)
    who = saved or asked_rule
    assert who is not None
    chosen = measured.users(who)
    for each in filter(None, (saved, other)):
        _say_outside(each, engine, int(measured.users(each).sum()))
    title = saved.name if saved is not None else rule_words(_given(asked_rule))
    everyone = Everyone(engine, measured.states, measured.turns)
    view = build_cohort(
        everyone,
        title,
        chosen,
        None,
        find_report(engine.corpus, shelf, engine.folder),
        (other.name, measured.users(other)) if other is not None else None,
        rule=asked_rule,
    )
    if save is not None:
        entry = Cohort(
            save,
            engine.corpus.name,
            engine.corpus.corpus_id,
            engine.model_id,
            int(chosen.sum()),
            asked_rule,
        )
        store.save(entry)
    attributes = engine.corpus.attributes
    query = query_of(asked_rule, attributes) if asked_rule is not None else None
    facts, lines = cohort_facts(view, query), tell(view, query)
    if out is not None and palette is not None:
        from core.figures.cohort_report import cohort_report

        notes = (saved.notes,) if saved is not None and saved.notes else ()
        text, problems = cohort_report(everyone, shelf, view, palette, rule=asked_rule, notes=notes)
        size, line = save_report(out, text, "cohort")
        facts["report"] = {"file": str(out), "bytes": size}
        lines.append(line)
        for problem in problems:
            complain(str(problem))
    answer(facts, lines, as_json=asked.json)


def _rule(text: str) -> Rule:
    from core.cohorts.rule import Rule

    rule = Rule.from_text(text, "--rule")
    if rule.is_empty:
        raise DomainError(
            tr("the rule has no condition"), remedy=tr("For example {rule}", rule=RULE)
        )
    return rule


def _given(rule: Rule | None) -> Rule:
    assert rule is not None
    return rule


def open_cohort(asked: Asked, engine: Engine, name: str) -> tuple[str, tuple[str, ...]]:
    """A saved cohort's name and the ids of its users; measures what its rule asks for.

    DomainError where there is none of that name, its rule can't be asked, or nobody is in it.
    """
    from core.cohorts.store import CohortStore

    cohort = CohortStore.open(asked.shelf()).named(engine.corpus.name, name)
    return cohort.name, _users(asked, engine, cohort, cohort.name)


def _users(asked: Asked, engine: Engine, who: Cohort | Rule, name: str) -> tuple[str, ...]:
    from core.cohorts.opening import measure_for
    from core.cohorts.store import Cohort

    rule = who.rule if isinstance(who, Cohort) else who
    with progress_bar() as progress:
        measured: Measured = measure_for(asked.shelf(), engine, rule, progress=progress)
    ids = measured.user_ids(who)
    if isinstance(who, Cohort):
        _say_outside(who, engine, len(ids))
    if not ids:
        raise DomainError(
            tr("nobody is in this cohort"), where=name, remedy=tr("Choose another, or a rule")
        )
    return ids


def _say_outside(cohort: Cohort, engine: Engine, now: int) -> None:
    """Say on stderr how many of a cohort's users a sample leaves out; DomainError for all."""
    from core.cohorts.store import left_out_of
    from core.views.cohorts.sentences import outside_sentence

    outside = left_out_of(cohort, engine.corpus)
    if outside and not now:
        raise DomainError(
            tr("all users of this cohort are outside of the sample that the model was trained on"),
            where=cohort.name,
            remedy=tr("Choose another, or train on more users"),
        )
    if outside:
        complain(outside_sentence(outside, now))


def edit_cohort(
    asked: Asked,
    cohort: str | None,
    rule: str | None,
    pattern: str | None,
    name: str | None,
    save: str | None,
    recommender: str | None,
    k: int,
) -> None:
    """What a pattern does to the lists of a cohort's users: ``whatif`` about many."""
    from core.cohorts.pattern import EXAMPLE, Pattern
    from core.cohorts.patterns import PatternStore, SavedPattern, outcome_of
    from core.cohorts.store import Cohort, CohortStore
    from core.cohorts.what_if import make_what_if
    from core.views.cohorts.sentences import rule_words
    from core.views.cohorts.what_if import build_what_if, what_if_facts
    from core.views.cohorts.what_if_sentences import saved_words, tell_what_if

    saved: SavedPattern | None = None
    if name is not None:
        if cohort or rule or pattern:
            raise DomainError(
                tr("--name opens a saved pattern with its cohort"),
                remedy=tr("Leave out --cohort, --rule and --pattern"),
            )
    elif (cohort is None) == (rule is None):
        raise DomainError(
            tr("a pattern is about a cohort"),
            remedy=tr("Give either --cohort NAME or --rule CONDITIONS"),
        )
    elif pattern is None:
        remedy = tr("Give --pattern, such as {pattern}", pattern=EXAMPLE)
        raise DomainError(tr("nothing is to be changed"), remedy=remedy)
    asked_rule = _rule(rule) if rule is not None else None
    wanted = Pattern.from_text(pattern, "--pattern") if pattern is not None else None
    engine = asked.engine()
    shelf, corpus = asked.shelf(), engine.corpus
    if name is not None:
        saved = PatternStore.open(shelf).named(corpus.name, name)
        wanted, recommender, k = saved.pattern, recommender or saved.recommender, saved.k
    assert wanted is not None
    wanted.check(engine)
    who: Cohort | Rule
    if saved is not None:
        who, title = saved.cohort, saved.cohort.name
    elif cohort is not None:
        who = CohortStore.open(shelf).named(corpus.name, cohort)
        title = who.name
    else:
        who = _given(asked_rule)
        title = rule_words(who)
    ids = _users(asked, engine, who, title)
    with progress_bar() as progress:
        found = make_what_if(shelf, engine, ids, wanted, recommender, k, progress)
    topics = [engine.topics.names[topic] for topic in engine.topics.item_topic]
    view = build_what_if(corpus, topics, found)
    facts, lines = what_if_facts(view, title), tell_what_if(view, title)
    if saved is not None:
        lines.append(saved_words(saved, found, corpus.manifest))
        facts["same_as_saved"] = outcome_of(found) == saved.outcome
    if save is not None:
        about = corpus.name, corpus.corpus_id, engine.model_id, len(ids)
        kept = (who.rule, who.user_ids) if isinstance(who, Cohort) else (who, ())
        entry = Cohort(title, *about, *kept)
        outcome = outcome_of(found)
        PatternStore.open(shelf).save(
            SavedPattern(save, entry, wanted, found.recommender, k, outcome)
        )
    answer(facts, lines, as_json=asked.json)


def _list(cohorts: list[Cohort], patterns: list[SavedPattern], *, as_json: bool) -> None:
    facts = {
        "cohorts": [
            {
                "cohort_id": cohort.cohort_id,
                "name": cohort.name,
                "users": cohort.size,
                "rule": cohort.rule.to_text() if cohort.rule is not None else None,
                "saved": cohort.saved,
            }
            for cohort in cohorts
        ],
        "patterns": [
            {
                "pattern_id": saved.pattern_id,
                "name": saved.name,
                "cohort": saved.cohort.name,
                "pattern": saved.pattern.to_text(),
                "changed": saved.outcome.changed,
                "saved": saved.saved,
            }
            for saved in patterns
        ],
    }
    lines = [tr("{name}: {n} users", name=cohort.name, n=cohort.size) for cohort in cohorts]
    lines += [
        tr(
            "pattern {name}: {pattern} for {cohort}",
            name=saved.name,
            pattern=saved.pattern.to_text(),
            cohort=saved.cohort.name,
        )
        for saved in patterns
    ]
    answer(facts, lines or [tr("No cohort is saved for this corpus.")], as_json=as_json)


VERBS = {"cohort": describe_cohort}
