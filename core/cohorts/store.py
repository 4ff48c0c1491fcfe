"""Saved cohorts: a name for a rule, which is asked again, or for a list of users."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from core.arrays import BoolArray
from core.cohorts.rule import Rule, members
from core.domain import DomainError
from core.language import mark, tr
from core.revisions import RevisionStore, clean_name, clean_notes

if TYPE_CHECKING:
    from core.cohorts.people import People
    from core.corpus.corpus import Corpus

LONGEST_NAME = 100
MOST_LISTED = 100_000
"""Users of a list; a rule may have any number."""


@dataclass(frozen=True, slots=True)
class Cohort:
    """One version of a cohort; ``revision`` 0 is not saved yet.

    ``rule`` is asked anew whenever the cohort is opened; None where ``user_ids`` list its users.
    ``corpus_id`` and ``model_id`` say on what it was made, ``size`` how many users it had then.
    """

    name: str
    corpus: str
    corpus_id: str
    model_id: str
    size: int
    rule: Rule | None = None
    user_ids: tuple[str, ...] = ()
    notes: str = ""
    cohort_id: str = ""
    revision: int = 0
    saved: datetime | None = None
    deleted: bool = False
    owner: str = ""
    """Who saved it first; empty without sign-in."""


class CohortStore(RevisionStore[Cohort]):
    """The cohorts of a library."""

    noun = mark("cohort")
    file_name = "cohorts.sqlite"
    application_id = 0x7A57E120
    columns = ("corpus", "user_id", "name", "notes", "definition")

    def cleaned(self, entry: Cohort) -> Cohort:
        """With its name and notes as they are kept; DomainError for a cohort of nobody."""
        check_listed(entry)
        name = clean_name(entry.name, self.noun, LONGEST_NAME)
        return replace(entry, name=name, notes=clean_notes(entry.notes))

    def cells(self, entry: Cohort) -> tuple[str, ...]:
        """What it was made on, and its rule or its users, as JSON."""
        definition = {
            "corpus_id": entry.corpus_id,
            "model_id": entry.model_id,
            "size": entry.size,
            "rule": None if entry.rule is None else rule_text(entry.rule),
            "user_ids": entry.user_ids,
        }
        text = json.dumps(definition, ensure_ascii=False)
        return entry.corpus, "", entry.name, entry.notes, text

    def read(self, cells: Sequence[str], mark: dict[str, Any]) -> Cohort:
        """What ``cells`` wrote."""
        corpus, _, name, notes, definition = cells
        facts = json.loads(definition)
        rule, user_ids = facts["rule"], facts["user_ids"]
        return Cohort(
            name,
            corpus,
            str(facts["corpus_id"]),
            str(facts["model_id"]),
            int(facts["size"]),
            None if rule is None else Rule.from_text(rule),
            tuple(map(str, user_ids)),
            notes,
            **mark,
        )

    def cohorts(self, corpus: str) -> list[Cohort]:
        """The newest version of all of a corpus that aren't deleted, the one saved last first."""
        return self.entries(corpus)

    def named(self, corpus: str, name: str) -> Cohort:
        """The cohort of that name that was saved last; DomainError with the others' names."""
        known = self.cohorts(corpus)
        for cohort in known:
            if cohort.name == name:
                return cohort
        names = tr(", ").join(cohort.name for cohort in known[:12])
        raise DomainError(
            tr("there is no cohort {name!r}", name=name[:80]),
            where=tr("corpus {name}", name=corpus),
            remedy=tr("Choose one of {names}", names=names) if names else tr("Save one first"),
        )


def rule_text(rule: Rule) -> str:
    """A rule as it is kept; DomainError where it couldn't be read back."""
    text = rule.to_text()
    Rule.from_text(text)
    return text


def check_listed(cohort: Cohort) -> None:
    """DomainError for a cohort without users or rule, and for a list that is too long."""
    if cohort.rule is None and not cohort.user_ids and not cohort.deleted:
        raise DomainError(tr("the cohort has no users"), remedy=tr("Choose some, or give a rule"))
    if len(cohort.user_ids) > MOST_LISTED:
        raise DomainError(
            tr("the cohort lists {n:,} users", n=len(cohort.user_ids)),
            remedy=tr("Save a rule instead, or list up to {most:,}", most=MOST_LISTED),
        )


def left_out_of(cohort: Cohort, corpus: Corpus) -> int:
    """How many users of a list the corpus has, but not the sample that it is."""
    return sum(corpus.leaves_out(user) for user in cohort.user_ids)


def members_of(cohort: Cohort, people: People) -> BoolArray:
    """The users of a cohort in a corpus as it is now, bool[n_users].

    Users of a list that the corpus lacks, or its sample (``left_out_of``), are left out.
    DomainError where the rule can't be asked.
    """
    if cohort.rule is not None:
        return members(cohort.rule, people)
    chosen = np.zeros(len(people.users), np.bool_)
    index = people.corpus.user_index
    chosen[[index[user] for user in cohort.user_ids if user in index]] = True
    return chosen
