"""Saved patterns: a name for a cohort's what-if, with whom it was about and what came out."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from core.cohorts.pattern import Pattern
from core.cohorts.rule import Rule
from core.cohorts.store import Cohort, check_listed, rule_text
from core.cohorts.what_if import CohortWhatIf
from core.domain import DomainError
from core.language import mark, tr
from core.revisions import RevisionStore, clean_name, clean_notes

LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came out: users, histories that the pattern changes, lists that change; and all lists.

    ``digest`` is that of the ``CohortWhatIf``.
    """

    users: int
    affected: int
    changed: int
    digest: str


def outcome_of(found: CohortWhatIf) -> Outcome:
    """What a saved pattern remembers of its answer."""
    affected, changed = int(found.affected.sum()), int(found.changed.sum())
    return Outcome(len(found.user_ids), affected, changed, found.digest)


@dataclass(frozen=True, slots=True)
class SavedPattern:
    """One version of a saved what-if of a cohort; ``revision`` 0 is not saved yet.

    ``cohort`` holds its users as a rule, which is asked anew, or as a list; ``outcome`` is what
    came out on the content and model that the cohort names.
    """

    name: str
    cohort: Cohort
    pattern: Pattern
    recommender: str
    k: int
    outcome: Outcome
    notes: str = ""
    pattern_id: str = ""
    revision: int = 0
    saved: datetime | None = None
    deleted: bool = False
    owner: str = ""
    """Who saved it first; empty without sign-in."""


class PatternStore(RevisionStore[SavedPattern]):
    """The saved patterns of a library."""

    noun = mark("pattern")
    file_name = "patterns.sqlite"
    application_id = 0x7A57E121
    columns = ("corpus", "user_id", "name", "notes", "definition")

    def cleaned(self, entry: SavedPattern) -> SavedPattern:
        """With its name and notes as they are kept; DomainError for a cohort of nobody."""
        check_listed(entry.cohort)
        name = clean_name(entry.name, self.noun, LONGEST_NAME)
        return replace(entry, name=name, notes=clean_notes(entry.notes))

    def cells(self, entry: SavedPattern) -> tuple[str, ...]:
        """Whom it is about, the pattern and the outcome, as JSON."""
        cohort, outcome, pattern = entry.cohort, entry.outcome, entry.pattern.to_text()
        Pattern.from_text(pattern)
        definition = {
            "cohort": cohort.name,
            "corpus_id": cohort.corpus_id,
            "model_id": cohort.model_id,
            "rule": None if cohort.rule is None else rule_text(cohort.rule),
            "user_ids": cohort.user_ids,
            "pattern": pattern,
            "recommender": entry.recommender,
            "k": entry.k,
            "outcome": [outcome.users, outcome.affected, outcome.changed, outcome.digest],
        }
        text = json.dumps(definition, ensure_ascii=False)
        return cohort.corpus, "", entry.name, entry.notes, text

    def read(self, cells: Sequence[str], mark: dict[str, Any]) -> SavedPattern:
        """What ``cells`` wrote."""
        corpus, _, name, notes, definition = cells
        facts = json.loads(definition)
        rule, (users, affected, changed, digest) = facts["rule"], facts["outcome"]
        cohort = Cohort(
            str(facts["cohort"]),
            corpus,
            str(facts["corpus_id"]),
            str(facts["model_id"]),
            int(users),
            None if rule is None else Rule.from_text(rule),
            tuple(map(str, facts["user_ids"])),
        )
        return SavedPattern(
            name,
            cohort,
            Pattern.from_text(facts["pattern"]),
            str(facts["recommender"]),
            int(facts["k"]),
            Outcome(int(users), int(affected), int(changed), str(digest)),
            notes,
            **mark,
        )

    def named(self, corpus: str, name: str) -> SavedPattern:
        """The one of that name that was saved last; DomainError with the others' names."""
        known = self.entries(corpus)
        for saved in known:
            if saved.name == name:
                return saved
        names = tr(", ").join(saved.name for saved in known[:12])
        raise DomainError(
            tr("there is no saved pattern {name!r}", name=name[:80]),
            where=tr("corpus {name}", name=corpus),
            remedy=tr("Choose one of {names}", names=names) if names else tr("Save one first"),
        )
