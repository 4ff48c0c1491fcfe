"""The scenario that a person is working on: its edits in this session, saved or not."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from core.corpus.corpus import Corpus
from core.domain import DomainError, History
from core.scenario.capsule import Capsule
from core.scenario.edits import Edit, Op
from core.scenario.fields import Handle
from core.scenario.store import Scenario
from core.views.what_if.history import Refused
from pages._shared import loaders, state
from pages._shared.state import RECOMMENDER, SCENARIO, Selection

DRAFT, KEPT = "whatif_draft", "whatif_kept"
SEEN = "whatif_seen_step"
"""The sidebar's step when the draft was last settled: another one is a person's wish."""
MOST_KEPT = 5
"""Drafts that are kept aside; the oldest goes first."""
_tables, _lineages = itertools.count(), itertools.count()


@dataclass(frozen=True, slots=True)
class Draft:
    """Edits over a base history, with what can be undone and redone."""

    corpus: str
    """Corpus name."""
    user_id: str
    """Whose history is edited."""
    step: int
    """The base is the history up to this step."""
    edits: tuple[Edit, ...] = ()
    """In the order in which they were made."""
    undone: tuple[Edit, ...] = ()
    """Edits that were undone, the last one last."""
    name: str = ""
    """Empty until it is given one."""
    notes: str = ""
    """What the person wrote about it."""
    saved: Scenario | None = None
    """The version that this is based on; None where it was never saved."""
    capsule: Capsule | None = None
    """What its list is compared with: an imported capsule, or the saved version's."""
    refused: tuple[Refused, ...] = ()
    """Changes of the table that could not be made, until the next change."""
    table: int = field(default_factory=lambda: next(_tables))
    """Another number, never used before, where the table must forget what was typed into it."""
    lineage: int = field(default_factory=lambda: next(_lineages))
    """The same for all drafts that grew out of one, and of no other."""

    @property
    def is_changed(self) -> bool:
        """Whether something would be lost without a save."""
        if self.saved is None:
            return bool(self.edits or self.notes or self.name)
        capsule = self.saved.capsule
        return (self.edits, self.step, self.name, self.notes) != (
            capsule.changes,
            capsule.steps,
            capsule.name,
            self.saved.notes,
        )

    def would_save(self, recommender: str) -> bool:
        """Whether a save, with the list of this recommender, would be another version."""
        return self.is_changed or (
            self.saved is not None and self.saved.capsule.recommender != recommender
        )

    def of(self, chosen: Selection) -> bool:
        """Whether it is about the user and the time that the sidebar shows."""
        return self.of_user(chosen) and self.step == chosen.step

    def of_user(self, chosen: Selection) -> bool:
        """Whether it is about the user that the sidebar shows."""
        return (self.corpus, self.user_id) == (chosen.corpus, chosen.user_id)

    def with_edits(self, edits: Iterable[Edit], *, keep_table: bool = False) -> Draft:
        """Some edits more; what was undone can't be redone after that."""
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
        at = next(
            (
                number
                for number, edit in enumerate(self.edits)
                if edit.op is Op.DELETE and edit.step == handle
            ),
            None,
        )
        if at is None:
            return self
        kept = (*self.edits[:at], *self.edits[at + 1 :])
        return self._with(kept, (*self.undone, self.edits[at]))

    def leave_out(self, numbers: Iterable[int]) -> Draft:
        """Another draft without the edits of these 1-based numbers; a1, a2, ... counted anew."""
        other = self._with(leave_out(self.edits, set(numbers)), ())
        return replace(other, lineage=next(_lineages))

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
    added = stays = 0
    for number, edit in enumerate(edits, start=1):
        if edit.op is Op.ADD:
            added += 1
            if number in numbers:
                continue
            stays += 1
            names[f"a{added}"] = f"a{stays}"
            kept.append(edit)
            continue
        handles = [one for one in (edit.step, edit.to) if isinstance(one, str)]
        if number in numbers or any(one not in names for one in handles):
            continue
        step, to = (
            one if one is None or isinstance(one, int) else names[one]
            for one in (edit.step, edit.to)
        )
        kept.append(replace(edit, step=step, to=to))
    return tuple(kept)


def of_scenario(scenario: Scenario) -> Draft:
    """A draft that begins with a saved scenario."""
    return replace(
        of_capsule(scenario.capsule),
        undone=scenario.undone,
        notes=scenario.notes,
        saved=scenario,
    )


def of_capsule(capsule: Capsule) -> Draft:
    """A draft that begins with a capsule, not saved."""
    return Draft(
        corpus=capsule.corpus,
        user_id=capsule.user,
        step=capsule.steps,
        edits=capsule.changes,
        name=capsule.name,
        capsule=capsule,
    )


def base_of(corpus: Corpus, draft: Draft) -> History:
    """The history that is edited; a step beyond it means its end."""
    history = corpus.history(draft.user_id)
    return history.up_to(min(max(draft.step, 0), len(history)))


def get() -> Draft:
    """The draft of this session; there is one once ``settle`` has run."""
    found = state.get(DRAFT)
    assert isinstance(found, Draft)
    return found


def put(draft: Draft) -> None:
    """Make it the draft of this session. An unsaved other one is kept aside."""
    old = state.get(DRAFT)
    if isinstance(old, Draft) and old.is_changed and old.lineage != draft.lineage:
        put_aside(old)
    state.put(DRAFT, draft)


def kept() -> tuple[Draft, ...]:
    """What was put aside in this session, the newest first."""
    found: tuple[Draft, ...] = state.get(KEPT) or ()
    return found


def put_aside(draft: Draft) -> None:
    """Keep a draft so that it can be brought back."""
    state.put(KEPT, (draft, *kept())[:MOST_KEPT])


def drop(draft: Draft) -> None:
    """Keep it aside no longer."""
    state.put(KEPT, tuple(one for one in kept() if one is not draft))


def settle(chosen: Selection) -> Draft | None:
    """The draft for what the sidebar and the address ask for; None where no user is chosen.

    Where the address names a scenario of another user or time, the draft is that one: then it isn't
    ``of`` what is chosen, and the page has to be opened anew for it. DomainError for a scenario
    that can't be opened, once.
    """
    wish, found = state.get(SCENARIO), state.get(DRAFT)
    draft = found if isinstance(found, Draft) else None
    has = draft.saved.scenario_id if draft is not None and draft.saved else None
    if wish is not None and wish != has:
        try:
            draft = of_scenario(loaders.scenario_store().load(wish))
        except DomainError:
            state.put(SCENARIO, None)
            raise
        put(draft)
        state.put(SEEN, None)
        if state.get(RECOMMENDER) is None and draft.saved is not None:
            state.put(RECOMMENDER, draft.saved.capsule.recommender)
        if not draft.of(chosen):
            return draft
    if chosen.corpus is None or chosen.user_id is None or chosen.step is None:
        return None
    if draft is None or not draft.of_user(chosen):
        state.put(SCENARIO, None)
        draft = Draft(chosen.corpus, chosen.user_id, chosen.step)
        put(draft)
    elif state.get(SEEN) is not None and state.get(SEEN) != chosen.step:
        draft = _at_step(draft, chosen.step)
        put(draft)
    state.put(SEEN, chosen.step)
    return draft


def _at_step(draft: Draft, step: int) -> Draft:
    """The draft over another base; a new one where its edits are about later events."""
    handles = [one for edit in draft.edits for one in (edit.step, edit.to)]
    if any(isinstance(one, int) and one > step for one in handles):
        state.put(SCENARIO, None)
        return Draft(draft.corpus, draft.user_id, step)
    return replace(draft, step=step, table=next(_tables), refused=())
