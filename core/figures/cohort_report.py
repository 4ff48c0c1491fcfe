"""A cohort as one file: what it shares, how it is served, where it goes, its what-ifs, users."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from core.cohorts.area import Area
from core.cohorts.rule import Rule, query_of
from core.corpus.store import Library
from core.domain import DomainError
from core.figures.cohort_what_if import items_figure
from core.figures.cohorts import flow_figure, users_map
from core.figures.palette import Palette
from core.figures.report import Section, write_report
from core.language import mark, tr, trc
from core.measure.metrics import Interval
from core.views import wording
from core.views.cohorts.build import Everyone, build_users_map, gain_rows
from core.views.cohorts.rows import (
    CohortView,
    GainRow,
    SavedAnswer,
    ServedView,
    WhatIfView,
    traits_by_label,
)
from core.views.cohorts.sentences import against_words, query_words, rule_words
from core.views.cohorts.what_if import saved_answers
from core.views.cohorts.what_if_sentences import saved_words
from core.views.compare.sentences import made_with
from core.views.interest_map import build_map
from core.views.tables import table

MOST_USERS, MOST_ROWS = 1_000, 20
"""Users at the end, the most active first; items and users of a what-if."""
COUNTS = {mark("before"): "before", mark("after"): "after"}
ITEMS = {mark("item"): "item", mark("topic"): "topic"} | COUNTS | {
    mark("lists more [95 %]"): "gain",
    "q": "chance",
}  # fmt: skip
TOPICS = {mark("topic"): "topic"} | COUNTS | {mark("items more [95 %]"): "words", "q": "chance"}
CALLED = (
    *(mark("user_id"), mark("events"), mark("drift"), mark("sentiment_trend")),
    *(mark("held_out_rank"), mark("last_seen"), mark("edits"), mark("change"), mark("new")),
    *(mark("first_before"), mark("first_after"), mark("came"), mark("went")),
)
"""Names of columns that ``_called`` says in the reader's language, beside those above."""
NOT_ASKED = mark("It was not asked with this content and model yet.")


def cohort_report(
    everyone: Everyone,
    library: Library,
    view: CohortView,
    palette: Palette,
    *,
    rule: Rule | None = None,
    area: Area | None = None,
    notes: Sequence[str] = (),
    asked: WhatIfView | None = None,
) -> tuple[str, list[DomainError]]:
    """The report as HTML, and why something is missing in it.

    ``rule``: what its users were chosen by, or the region ``area``. Its saved what-ifs are read
    from the library, and none is measured; ``asked`` is one more, saved or not. ``notes`` are told
    under the title.
    """
    engine = everyone.engine
    manifest = engine.corpus.manifest
    answers, problems = saved_answers(library, engine, everyone.people, view.chosen)
    if asked is not None and not any(_is_same(asked, each.view) for each in answers):
        answers = [SavedAnswer(None, asked), *answers]
    return write_report(
        tr("Cohort: {name}", name=view.name),
        [
            tr(
                "{model}. Held against {against}.",
                model=made_with(manifest.name, engine.model_id, manifest.simulated),
                against=against_words(view.against),
            ),
            *_chosen_by(everyone, rule),
            *filter(None, [wording.about_everybody(engine.corpus.sample)]),
            *notes,
        ],
        [
            Section("", (view.sentence,)),
            _map(everyone, view, area, palette),
            *_traits(view),
            _served(view.served),
            _flow(view, palette),
            *(part for answer in answers for part in _what_if(everyone, answer, palette)),
            _users(view),
        ],
        palette,
    ), problems


def _is_same(asked: WhatIfView, saved: WhatIfView | None) -> bool:
    """Whether both answer one question; they are about the same users."""
    if saved is None:
        return False
    one, other = asked.found, saved.found
    return (one.pattern, one.recommender, one.k) == (other.pattern, other.recommender, other.k)


def _chosen_by(everyone: Everyone, rule: Rule | None) -> list[str]:
    if rule is None:
        return []
    query = query_of(rule, everyone.engine.corpus.attributes)
    return [tr("Rule: {rule}.", rule=rule_words(rule)), query_words(query)]


def _map(everyone: Everyone, view: CohortView, area: Area | None, palette: Palette) -> Section:
    """All users, the cohort before the others, at the last time of its flow."""
    at = view.until if everyone.times and view.until != everyone.times[-1] else None
    shown, behind = build_users_map(everyone, at, "topic"), build_map(everyone.engine)
    figure = users_map(shown, behind, palette, view.chosen, area)
    return Section(tr("All users on the interest map"), (shown.sentence, behind.sentence), figure)


def _traits(view: CohortView) -> list[Section]:
    title = tr("What they share beyond the average")
    groups = traits_by_label(view.traits)
    if not groups:
        return [Section(title, (tr("Nothing that these tests find."), view.about_traits))]
    columns = {mark("cohort [95 %]"): "cohort", mark("others"): "others", mark("users"): "users"}
    columns |= {"q": "chance"}
    parts = [
        Section(tr(label), table=_shown(rows, {tr(label).lower(): "name"} | columns))
        for label, rows in groups.items()
    ]
    return [Section(title, (view.about_traits,)), *parts]


def _served(served: ServedView) -> Section:
    groups = ((tr("cohort"), served.cohort), (tr("others"), served.others))
    rows = [(who, *_cells(mean)) for who, mean in groups if mean is not None]
    mean_of = tr("mean NDCG, {recommender}", recommender=served.recommender)
    columns = [trc("group", "users"), mean_of, tr("low"), tr("high")]
    shown = pd.DataFrame(rows, columns=columns) if rows else None
    return Section(tr("How they are served"), (served.sentence,), table=shown)


def _cells(mean: Interval) -> tuple[float, float, float]:
    return mean.mean, mean.low, mean.high


def _flow(view: CohortView, palette: Palette) -> Section:
    drawn = flow_figure(view.flow, palette) if view.flow.flow.moves.any() else None
    gains = _called(table(gain_rows(view.flow), GainRow.COLUMNS)) if view.flow.flow.users else None
    return Section(tr("How they move between topics"), (view.flow.sentence,), drawn, gains)


def _what_if(everyone: Everyone, answer: SavedAnswer, palette: Palette) -> list[Section]:
    """One what-if: how many lists change, which items and topics win and lose, and for whom."""
    entry, view = answer.entry, answer.view
    corpus = everyone.engine.corpus
    title = tr("What if their histories differed?")
    if entry is not None:
        title = tr("What if: {name}", name=entry.name)
    notes = (entry.notes,) if entry is not None and entry.notes else ()
    if view is None:
        pattern = wording.capital(answer.words)
        return [Section(title, (tr("{clauses}.", clauses=pattern), tr(NOT_ASKED), *notes))]
    kept = (saved_words(entry, view.found, corpus.manifest),) if entry is not None else ()
    by = tr(
        "Lists of {k} items by {recommender}.", k=view.found.k, recommender=view.found.recommender
    )
    sections = [
        Section(
            title,
            (view.sentence, by, *kept, *notes, view.items_sentence),
            items_figure(view, palette) if view.items else None,
        )
    ]
    if view.items:
        rows = [*view.winners[:MOST_ROWS], *view.losers[:MOST_ROWS][::-1]]
        items = _shown(rows, ITEMS)
        sections.append(Section(tr("Items that win and lose lists beyond chance"), table=items))
    if view.topics:
        topics = _shown(view.topics, TOPICS)
        sections.append(Section(tr("Items of a list by topic, on average"), table=topics))
    sections.append(
        Section(
            tr("Users whose lists change most"),
            view.cautions,
            table=_called(view.users.head(MOST_ROWS)),
        )
    )
    return sections


def _users(view: CohortView) -> Section:
    users = view.users.head(MOST_USERS)
    if users["last_seen"].isna().all():
        users = users.drop(columns="last_seen")
    n = len(view.users)
    cut = tr(
        "The {n} most active of {users}.",
        n=wording.number(MOST_USERS),
        users=wording.count(n, "user"),
    )
    return Section(tr("Its users"), (cut,) if n > MOST_USERS else (), table=_called(users))


def _shown(rows: Sequence[Any], columns: Mapping[str, str]) -> pd.DataFrame:
    """Rows as a table whose columns have names in the reader's language."""
    return table(rows, {tr(name): field for name, field in columns.items()})


def _called(frame: pd.DataFrame) -> pd.DataFrame:
    """A table with the names of its columns in the reader's language."""
    return frame.rename(columns=lambda name: tr(str(name)))
