"""A scenario that a person is working on: edits that can be undone, redone and left out."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from core.corpus.corpus import Corpus
from core.domain import DomainError, History
from core.scenario.capsule import Capsule
from core.scenario.edits import Edit, Handle, Op
from core.scenario.store import Scenario
from core.scenario.unsaved import Unsaved

_tables, _lineages = itertools.count(), itertools.count()


@dataclass(frozen=True, slots=True)
class Refused:
    """A change that can't be made, and why."""

    handle: Handle
    problem: DomainError
    at_form: bool = False
    """Whether it was asked for by the form beside the table, where it is said then."""


@dataclass(frozen=True, slots=True)
class Draft:
    """Edits over a base history, with what can be undone and redone."""

    corpus: str
    user_id: str
    step: int
    """The base is the history up to this step."""
    edits: tuple[Edit, ...] = ()
    """In the order in which they were made."""
    undone: tuple[Edit, ...] = ()
    """Edits that were undone, the last one last."""
    name: str = ""
    notes: str = ""
    saved: Scenario | None = None
    """The version that this is based on; None where it was never saved."""
    capsule: Capsule | None = None
    """What its list is compared with: an imported capsule, or the saved version's."""
    refused: tuple[Refused, ...] = ()
    """Changes of the table that could not be made, until the next change."""
    table: int = field(default_factory=lambda: next(_tables))
    """A new number where the table must forget what was typed into it."""
    lineage: int = field(default_factory=lambda: next(_lineages))
    """The same for all drafts that grew out of one, and of no other."""

    @staticmethod
    def of_scenario(scenario: Scenario) -> Draft:
        """A draft that begins with a saved scenario."""
        draft = Draft.of_capsule(scenario.capsule)
        return replace(draft, undone=scenario.undone, notes=scenario.notes, saved=scenario)

    @staticmethod
    def of_capsule(capsule: Capsule) -> Draft:
        """A draft that begins with a capsule, not saved."""
        base = (capsule.corpus, capsule.user, capsule.steps)
        return Draft(*base, capsule.changes, name=capsule.name, capsule=capsule)

    @staticmethod
    def of_unsaved(base: Draft, unsaved: Unsaved) -> Draft:
        """A draft that begins with what an address said, over the base and version of another."""
        return replace(
            base,
            edits=unsaved.edits,
            undone=unsaved.undone,
            name=unsaved.name,
            notes=unsaved.notes,
            capsule=None,
        )

    @property
    def unsaved(self) -> Unsaved | None:
        """What an address has to say; None where the saved version and the step say it all."""
        if not self.is_changed and (self.saved is not None or not self.undone):
            return None
        revision = self.saved.revision if self.saved else 0
        return Unsaved(self.edits, self.undone, self.name, self.notes, revision)

    @property
    def discarded(self) -> Draft:
        """Without what isn't saved: the saved version again, or no edits."""
        if self.saved is not None:
            return Draft.of_scenario(self.saved)
        return Draft(self.corpus, self.user_id, self.step)

    def restored(self, revision: Scenario) -> Draft:
        """With the edits, name and notes of an earlier revision, to be saved as the next."""
        earlier = Draft.of_scenario(revision)
        return replace(earlier, saved=self.saved)

    def begins(self, other: Draft) -> bool:
        """Whether another draft is this one with more edits, or none."""
        same = (self.corpus, self.user_id, self.scenario_id)
        return same == (other.corpus, other.user_id, other.scenario_id) and (
            self.edits == other.edits[: len(self.edits)]
        )

    @property
    def scenario_id(self) -> str | None:
        """Id of the saved scenario that it is based on."""
        return self.saved.scenario_id if self.saved else None

    @property
    def is_changed(self) -> bool:
        """Whether something would be lost without a save."""
        if self.saved is None:
            return bool(self.edits or self.notes or self.name)
        saved = Draft.of_scenario(self.saved)
        return any(
            getattr(self, name) != getattr(saved, name)
            for name in ("edits", "step", "name", "notes")
        )

    def would_save(self, recommender: str) -> bool:
        """Whether a save, with the list of this recommender, would be another version."""
        return self.is_changed or (
            self.saved is not None and self.saved.capsule.recommender != recommender
        )

    def base(self, corpus: Corpus) -> History:
        """The history that is edited; a step beyond it means its end."""
        history = corpus.history(self.user_id)
        return history.up_to(min(max(self.step, 0), len(history)))

    def with_edits(self, edits: Iterable[Edit], *, keep_table: bool = False) -> Draft:
        """With more edits; what was undone can't be redone after that."""
        return self._with((*self.edits, *edits), (), keep_table=keep_table)

    def undo(self) -> Draft:
        """Without the last edit."""
        if not self.edits:
            return self
        return self._with(self.edits[:-1], (*self.undone, self.edits[-1]))

    def redo(self) -> Draft:
        """With the edit that was undone last."""
        if not self.undone:
            return self
        return self._with((*self.edits, self.undone[-1]), self.undone[:-1])

    def bring_back(self, handle: Handle) -> Draft:
        """Without the edit that deleted an event; Redo deletes it again."""
        for at, edit in enumerate(self.edits):
            if edit.op is Op.DELETE and edit.step == handle:
                return self._with((*self.edits[:at], *self.edits[at + 1 :]), (*self.undone, edit))
        return self

    def leave_out(self, numbers: Iterable[int]) -> Draft:
        """Another draft without the edits of these 1-based numbers; a1, a2, ... counted anew."""
        other = self._with(leave_out(self.edits, set(numbers)), ())
        return replace(other, lineage=next(_lineages))

    def at_step(self, step: int) -> Draft:
        """The draft over another base; a new one where its edits are about later events."""
        handles = [handle for edit in self.edits for handle in (edit.step, edit.to)]
        if any(isinstance(handle, int) and handle > step for handle in handles):
            return Draft(self.corpus, self.user_id, step)
        return replace(self, step=step, table=next(_tables), refused=())

    def with_refused(self, refused: Sequence[Refused]) -> Draft:
        """With messages at rows; the table forgets what was typed."""
        return replace(self, refused=tuple(refused), table=next(_tables))

    def _with(
        self, edits: tuple[Edit, ...], undone: tuple[Edit, ...], *, keep_table: bool = False
    ) -> Draft:
        table = self.table if keep_table else next(_tables)
        return replace(self, edits=edits, undone=undone, refused=(), table=table)


def leave_out(edits: Sequence[Edit], numbers: set[int]) -> tuple[Edit, ...]:
    """The edits without those of some 1-based numbers, with a1, a2, ... counted anew.

    Edits of an event whose ``add`` is left out are left out with it.
    """
    names: dict[Handle, Handle] = {}
    kept: list[Edit] = []
    added = 0
    for number, edit in enumerate(edits, start=1):
        if edit.op is Op.ADD:
            added += 1
            if number not in numbers:
                names[f"a{added}"] = f"a{len(names) + 1}"
                kept.append(edit)
            continue
        handles = [handle for handle in (edit.step, edit.to) if isinstance(handle, str)]
        if number in numbers or any(handle not in names for handle in handles):
            continue
        step, to = (
            names[handle] if isinstance(handle, str) else handle for handle in (edit.step, edit.to)
        )
        kept.append(replace(edit, step=step, to=to))
    return tuple(kept)
