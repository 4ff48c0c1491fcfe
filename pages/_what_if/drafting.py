"""The draft of this session, what was put aside, and what the sidebar and the URL ask for."""

from __future__ import annotations

from collections.abc import Callable

from core.domain import DomainError
from core.scenario.draft import Draft
from pages._shared import loaders, state
from pages._shared.state import SCENARIO, Selection

DRAFT, KEPT = "whatif_draft", "whatif_kept"
SEEN = "whatif_seen_step"
"""The sidebar's step when the draft was last settled: another one was chosen since."""
MOST_KEPT = 5
"""Drafts that are kept aside; the oldest goes first."""


def get() -> Draft:
    """The draft of this session; there is one once ``settle`` has run."""
    draft = state.get(DRAFT)
    assert isinstance(draft, Draft)
    return draft


def put(draft: Draft) -> None:
    """Make it the draft of this session. An unsaved other one is kept aside."""
    old = state.get(DRAFT)
    if isinstance(old, Draft) and old.is_changed and old.lineage != draft.lineage:
        put_aside(old)
    state.put(DRAFT, draft)


def change(step: Callable[[Draft], Draft]) -> None:
    """Take a step, such as Undo. For callbacks."""
    put(step(get()))


def kept() -> tuple[Draft, ...]:
    """What was put aside in this session, the newest first."""
    return state.get(KEPT) or ()


def put_aside(draft: Draft) -> None:
    state.put(KEPT, (draft, *kept())[:MOST_KEPT])


def drop(draft: Draft) -> None:
    state.put(KEPT, tuple(other for other in kept() if other is not draft))


def is_about(draft: Draft, chosen: Selection) -> bool:
    """Whether a draft is about the user that the sidebar shows."""
    return (draft.corpus, draft.user_id) == (chosen.corpus, chosen.user_id)


def settle(chosen: Selection) -> Draft | None:
    """The draft for what the sidebar and the URL ask for; None where no user is chosen.

    Where the URL names a scenario of another user or time, the draft is that one, and the page has
    to be opened anew for it. DomainError for a scenario that can't be opened, once.
    """
    wish, draft = state.get(SCENARIO), state.get(DRAFT)
    current = draft.saved.scenario_id if isinstance(draft, Draft) and draft.saved else None
    if wish is not None and wish != current:
        try:
            draft = Draft.of_scenario(loaders.scenario_store().load(wish))
        except DomainError:
            state.put(SCENARIO, None)
            raise
        put(draft)
        state.put(SEEN, None)
        if not is_about(draft, chosen) or draft.step != chosen.step:
            return draft
    if chosen.corpus is None or chosen.user_id is None or chosen.step is None:
        return None
    if not isinstance(draft, Draft) or not is_about(draft, chosen):
        draft = Draft(chosen.corpus, chosen.user_id, chosen.step)
        state.put(SCENARIO, None)
        put(draft)
    elif state.get(SEEN) not in (None, chosen.step):
        draft = draft.at_step(chosen.step)
        if draft.saved is None:
            state.put(SCENARIO, None)
        put(draft)
    state.put(SEEN, chosen.step)
    return draft
