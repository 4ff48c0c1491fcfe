"""A cohort as one file: what it shares, how it is served, where it goes, its what-ifs, users."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from core.cohorts.area import Area
from core.cohorts.rule import Rule, query_of
from core.corpus.store import Library
from core.domain import DomainError
from core.figures.cohort_what_if import items_figure
from core.figures.cohorts import flow_figure, users_map
from core.figures.palette import Palette
from core.figures.report import Section, write_report
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
from core.views.cohorts.sentences import rule_words
from core.views.cohorts.what_if import saved_answers
from core.views.cohorts.what_if_sentences import saved_words
from core.views.compare.sentences import made_with
from core.views.interest_map import build_map
from core.views.tables import table

MOST_USERS, MOST_ROWS = 1_000, 20
"""Users at the end, the most active first; items and users of a what-if."""
COUNTS = {"before": "before", "after": "after"}
ITEMS = {"item": "item", "topic": "topic"} | COUNTS | {"lists more [95 %]": "gain", "q": "chance"}
TOPICS = {"topic": "topic"} | COUNTS | {"items more [95 %]": "words", "q": "chance"}
NOT_ASKED = "It was not asked with this content and model yet."


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
        f"Cohort: {view.name}",
        [
            f"{made_with(manifest.name, engine.model_id, manifest.simulated)}. "
            f"Held against {view.against}.",
            *_chosen_by(everyone, rule),
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
    asked = f"{' '.join(query.text.split())} with {list(query.parameters)}"
    return [f"Rule: {rule_words(rule)}.", f"Query: {asked}"]


def _map(everyone: Everyone, view: CohortView, area: Area | None, palette: Palette) -> Section:
    """All users, the cohort before the others, at the last time of its flow."""
    at = view.until if everyone.times and view.until != everyone.times[-1] else None
    shown, behind = build_users_map(everyone, at, "topic"), build_map(everyone.engine)
    figure = users_map(shown, behind, palette, view.chosen, area)
    return Section("All users on the interest map", (shown.sentence, behind.sentence), figure)


def _traits(view: CohortView) -> list[Section]:
    title = "What they share beyond the average"
    groups = traits_by_label(view.traits)
    if not groups:
        return [Section(title, ("Nothing that these tests find.", view.about_traits))]
    columns = {"cohort [95 %]": "cohort", "others": "others", "users": "users", "q": "chance"}
    parts = [
        Section(label, table=table(rows, {label.lower(): "name"} | columns))
        for label, rows in groups.items()
    ]
    return [Section(title, (view.about_traits,)), *parts]


def _served(served: ServedView) -> Section:
    groups = (("cohort", served.cohort), ("others", served.others))
    rows = [(who, *_cells(mean)) for who, mean in groups if mean is not None]
    columns = ["users", f"mean NDCG, {served.recommender}", "low", "high"]
    shown = pd.DataFrame(rows, columns=columns) if rows else None
    return Section("How they are served", (served.sentence,), table=shown)


def _cells(mean: Interval) -> tuple[float, float, float]:
    return mean.mean, mean.low, mean.high


def _flow(view: CohortView, palette: Palette) -> Section:
    drawn = flow_figure(view.flow, palette) if view.flow.flow.moves.any() else None
    gains = table(gain_rows(view.flow), GainRow.COLUMNS) if view.flow.flow.users else None
    return Section("How they move between topics", (view.flow.sentence,), drawn, gains)


def _what_if(everyone: Everyone, answer: SavedAnswer, palette: Palette) -> list[Section]:
    """One what-if: how many lists change, which items and topics win and lose, and for whom."""
    entry, view = answer.entry, answer.view
    corpus = everyone.engine.corpus
    title = f"What if: {entry.name}" if entry is not None else "What if their histories differed?"
    notes = (entry.notes,) if entry is not None and entry.notes else ()
    if view is None:
        return [Section(title, (wording.capital(f"{answer.words}."), NOT_ASKED, *notes))]
    kept = (saved_words(entry, view.found, corpus.manifest),) if entry is not None else ()
    by = f"Lists of {view.found.k} items by {view.found.recommender}."
    sections = [
        Section(
            title,
            (view.sentence, by, *kept, *notes, view.items_sentence),
            items_figure(view, palette) if view.items else None,
        )
    ]
    if view.items:
        rows = [*view.winners[:MOST_ROWS], *view.losers[:MOST_ROWS][::-1]]
        items = table(rows, ITEMS)
        sections.append(Section("Items that win and lose lists beyond chance", table=items))
    if view.topics:
        topics = table(view.topics, TOPICS)
        sections.append(Section("Items of a list by topic, on average", table=topics))
    sections.append(
        Section("Users whose lists change most", view.cautions, table=view.users.head(MOST_ROWS))
    )
    return sections


def _users(view: CohortView) -> Section:
    users = view.users.head(MOST_USERS)
    if users["last_seen"].isna().all():
        users = users.drop(columns="last_seen")
    n = len(view.users)
    cut = f"The {wording.number(MOST_USERS)} most active of {wording.count(n, 'user')}."
    return Section("Its users", (cut,) if n > MOST_USERS else (), table=users)
