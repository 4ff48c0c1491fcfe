"""Saved scenarios: named, ordered edits with undo and redo, all their revisions kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from core.domain import DomainError
from core.language import mark, tr
from core.revisions import Conflict, RevisionStore, clean_name, clean_notes
from core.scenario.capsule import Capsule, read_capsule
from core.scenario.edits import Edit, edits_from_json

STORE_FILE = "scenarios.sqlite"
LONGEST_NAME = 100


@dataclass(frozen=True, slots=True)
class Scenario:
    """One version of a scenario; ``revision`` 0 is not saved yet.

    ``capsule`` holds its name, base history, edits, recommender and the list that they gave.
    """

    capsule: Capsule
    notes: str = ""
    undone: tuple[Edit, ...] = ()
    """Edits that were undone, the last one last."""
    scenario_id: str = ""
    revision: int = 0
    saved: datetime | None = None
    deleted: bool = False
    owner: str = ""
    """Who saved it first; empty without sign-in."""

    @property
    def name(self) -> str:
        """What a person calls it; not necessarily unique."""
        return self.capsule.name


class ScenarioConflict(Conflict):
    """The scenario was changed since it was read: ``mine`` is not saved, ``theirs`` is."""

    mine: Scenario
    theirs: Scenario


class ScenarioStore(RevisionStore[Scenario]):
    """The scenarios of a library."""

    noun = mark("scenario")
    file_name = STORE_FILE
    application_id = 0x7A57E11E
    columns = ("corpus", "user_id", "capsule", "notes", "undone")
    conflict = ScenarioConflict

    def cleaned(self, entry: Scenario) -> Scenario:
        """With its name and notes as they are kept."""
        name = clean_name(entry.name, self.noun, LONGEST_NAME)
        return replace(renamed(entry, name), notes=clean_notes(entry.notes))

    def cells(self, entry: Scenario) -> tuple[str, ...]:
        """Capsule and undone edits as JSON."""
        capsule = entry.capsule.to_text()
        undone = json.dumps([edit.to_json() for edit in entry.undone], ensure_ascii=False)
        _check_readable(capsule, undone, entry.name)
        return entry.capsule.corpus, entry.capsule.user, capsule, entry.notes, undone

    def read(self, cells: Sequence[str], mark: dict[str, Any]) -> Scenario:
        """What ``cells`` wrote."""
        _, _, capsule, notes, undone = cells
        where = tr("{file}, scenario {id}", file=self.path, id=mark["scenario_id"])
        return Scenario(
            capsule=read_capsule(capsule.encode(), where),
            notes=notes,
            undone=edits_from_json(json.loads(undone)),
            **mark,
        )

    def scenarios(self, corpus: str | None = None, user_id: str | None = None) -> list[Scenario]:
        """The newest version of all that aren't deleted, the one saved last first."""
        return self.entries(corpus, user_id)

    def duplicate(self, scenario: Scenario, name: str | None = None) -> Scenario:
        """A scenario of its own with the same edits; without a name, ``NAME (2)`` and so on."""
        copy = replace(scenario, scenario_id="", revision=0, saved=None, deleted=False, owner="")
        return self.save(renamed(copy, name or self.free_name(scenario)))

    def free_name(self, scenario: Scenario) -> str:
        """The scenario's name with the first number that makes it unique for its user."""
        about = scenario.capsule
        taken = {other.name for other in self.scenarios(about.corpus, about.user)}
        stem = about.name[: LONGEST_NAME - 8].strip() or tr("Scenario")
        names = (f"{stem} ({number})" for number in range(2, len(taken) + 3))
        return next(name for name in names if name not in taken)


def renamed(scenario: Scenario, name: str) -> Scenario:
    """The same under another name, not saved."""
    return replace(scenario, capsule=scenario.capsule.model_copy(update={"name": name}))


def _check_readable(capsule: str, undone: str, name: str) -> None:
    """DomainError for what could not be read again."""
    where = tr("scenario {name}", name=name)
    try:
        read_capsule(capsule.encode(), where)
        edits_from_json(json.loads(undone))
    except UnicodeEncodeError:
        raise DomainError(tr("an edit contains invalid Unicode"), where=where) from None
