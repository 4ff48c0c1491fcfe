"""The log of a corpus: every change of its models and strategies, with who, when and why.

A change of a strategy is a version of it (``StrategyStore``), so the log can't miss one. Models are
noted here when they are made; those that an earlier version made are told by their own date.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from core.corpus.store import Library, created_at
from core.domain import DomainError
from core.language import mark, tr, trc
from core.model.folder import read_config
from core.revisions import RevisionStore, clean_name, clean_notes
from core.strategy.store import Strategy, StrategyStore, whoami

LONGEST_WHAT = 200
MODEL, STRATEGY = mark("model"), mark("strategy")


@dataclass(frozen=True, slots=True)
class Change:
    """A model that was made: ``name`` says what was done, ``notes`` why, ``who`` did it."""

    name: str
    corpus: str
    model_id: str
    who: str
    notes: str = ""
    change_id: str = ""
    revision: int = 0
    saved: datetime | None = None
    deleted: bool = False
    owner: str = ""
    """Who saved it first; empty without sign-in."""


class ChangeStore(RevisionStore[Change]):
    """The models that were made in a library."""

    noun = mark("change")
    file_name = "changes.sqlite"
    application_id = 0x7A57E122
    columns = ("corpus", "user_id", "name", "notes", "definition")

    def cleaned(self, entry: Change) -> Change:
        """With its words as they are kept."""
        name = clean_name(entry.name, self.noun, LONGEST_WHAT)
        return replace(entry, name=name, notes=clean_notes(entry.notes))

    def cells(self, entry: Change) -> tuple[str, ...]:
        """The model and who made it, as JSON."""
        text = json.dumps({"model_id": entry.model_id, "who": entry.who}, ensure_ascii=False)
        return entry.corpus, "", entry.name, entry.notes, text

    def read(self, cells: Sequence[str], mark: dict[str, Any]) -> Change:
        """What ``cells`` wrote."""
        corpus, _, name, notes, definition = cells
        facts = json.loads(definition)
        return Change(name, corpus, str(facts["model_id"]), str(facts["who"]), notes, **mark)


@dataclass(frozen=True, slots=True)
class Logged:
    """One line of the log."""

    when: datetime | None
    """UTC; None where it wasn't recorded."""
    about: str
    """``model`` or ``strategy``."""
    id: str
    """The model's id, or the strategy's name."""
    what: str
    """What was done."""
    who: str
    """Who signed in, else the user of the operating system; empty where it wasn't recorded."""
    why: str
    """As they said; empty where they didn't."""

    COLUMNS = "when about id what who why"

    def to_json(self) -> dict[str, Any]:
        """One entry of the verbs ``strategy`` and ``monitor``."""
        when = self.when.isoformat(timespec="seconds") if self.when else None
        facts = {"when": when, "about": self.about, "id": self.id, "what": self.what}
        return facts | {"who": self.who or None, "why": self.why or None}


def note_model(library: Library, corpus: str, model_id: str, what: str, why: str = "") -> None:
    """Write to the log that a model was made; where that can't be, a warning: the model counts."""
    try:
        ChangeStore.open(library).save(Change(what, corpus, model_id, whoami(), why))
    except DomainError as error:
        said = "the model %s is not in the log: %s"  # no sentence
        logging.getLogger(__name__).warning(said, model_id, error)


def read_log(library: Library, corpus: str) -> tuple[tuple[Logged, ...], tuple[str, ...]]:
    """All changes of a corpus, the newest first; then what can't be read of them, as sentences."""
    lines: list[Logged] = []
    problems: list[str] = []
    known: set[str] = set()
    changes, strategies = ChangeStore.open(library), StrategyStore.open(library)
    try:
        for change in changes.entries(corpus):
            known.add(change.model_id)
            words = (
                change.saved,
                MODEL,
                change.model_id,
                _said(change.name),
                change.who,
                change.notes,
            )
            lines.append(Logged(*words))
        problems += filter(None, [changes.problem()])
    except DomainError as error:
        problems.append(str(error))
    lines += (
        Logged(created_at(folder), MODEL, folder.name, _made(folder), "", "")
        for folder in library.model_folders(corpus)
        if folder.name not in known
    )
    try:
        lines += map(_of_strategy, strategies.versions(corpus))
        problems += filter(None, [strategies.problem()])
    except DomainError as error:
        problems.append(str(error))
    oldest = datetime.min.replace(tzinfo=UTC)
    lines.sort(key=lambda line: (line.when or oldest, line.about, line.id), reverse=True)
    return tuple(lines), tuple(problems)


def _made(folder: Any) -> str:
    with suppress(DomainError):
        parent = read_config(folder).parent
        if parent is not None:
            return tr("updated from {model}", model=parent.model_id)
    return tr("trained")


def _said(what: str) -> str:
    """What was done to a model, stored in English, in the reader's language."""
    before, _, model = what.partition("updated from ")  # no sentence
    return tr("updated from {model}", model=model) if model and not before else tr(what)


def _of_strategy(version: Strategy) -> Logged:
    what = trc("of a strategy", "deleted")
    if not version.deleted:
        done = trc("of a strategy", "changed")
        if version.revision == 1:
            done = trc("of a strategy", "saved")
        what = tr(
            "{done}: {settings}, for model {model}",
            done=done,
            settings=settings_words(version),
            model=version.model_id,
        )
    return Logged(version.saved, STRATEGY, version.name, what, version.who, version.notes)


def settings_words(strategy: Strategy) -> str:
    """What a strategy sets, such as ``refitted weights, 10 % new items, diversity 0.3``."""
    settings = strategy.settings
    said = [tr("the model's weights") if strategy.weights is None else tr("refitted weights")]
    if settings.new_share:
        said.append(tr("{share:g}\u202f% new items", share=settings.new_share * 100))
    if settings.diversity:
        said.append(tr("diversity {setting:g}", setting=settings.diversity))
    return tr(", ").join(said)
