"""The draft of this session, what was put aside, and what the sidebar and the URL ask for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from core.domain import DomainError
from core.scenario.draft import Draft
from core.scenario.unsaved import from_address, to_address
from pages._shared import loaders, state
from pages._shared.state import EDITS, SCENARIO, Selection

DRAFT, KEPT = "whatif_draft", "whatif_kept"
SAID, UNSAID = "whatif_said", "whatif_unsaid"
"""Scenario and edits as the URL says them, and why it can't."""
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
    show(draft)


def show(draft: Draft) -> None:
    """Make it the draft, and have the address say what it is; the page publishes that."""
    unsaved, edits = draft.unsaved, None
    state.put(UNSAID, None)
    if unsaved is not None:
        try:
            edits = to_address(unsaved, loaders.library())
        except DomainError as error:
            state.put(UNSAID, error)
    state.put(DRAFT, draft)
    state.put(SCENARIO, draft.scenario_id)
    state.put(EDITS, edits)
    state.put(SAID, (draft.scenario_id, edits))


def change(step: Callable[[Draft], Draft]) -> None:
    """Take a step, such as Undo. For callbacks."""
    put(step(get()))


def kept() -> tuple[Draft, ...]:
    """What was put aside in this session, the newest first."""
    return state.get(KEPT) or ()


def put_aside(draft: Draft) -> None:
    """Keep it, unless a longer form of it is kept; shorter ones of its own go."""
    if not any(draft.begins(other) for other in kept()):
        others = [other for other in kept() if not other.begins(draft)]
        state.put(KEPT, (draft, *others)[:MOST_KEPT])


def drop(draft: Draft) -> None:
    state.put(KEPT, tuple(other for other in kept() if other is not draft))


def is_about(draft: Draft, chosen: Selection) -> bool:
    """Whether a draft is about the user that the sidebar shows."""
    return (draft.corpus, draft.user_id) == (chosen.corpus, chosen.user_id)


def settle(chosen: Selection) -> Draft | None:
    """The draft for what the sidebar and the URL ask for; None where no user is chosen.

    Where the URL names a scenario of another user or time, the draft is that one, and the page has
    to be opened anew for it. DomainError for a scenario or edits that can't be opened, once.
    """
    wish = (state.get(SCENARIO), state.get(EDITS))
    draft = state.get(DRAFT)
    is_shown = isinstance(draft, Draft) and wish == state.get(SAID) and is_about(draft, chosen)
    if wish != (None, None) and not is_shown:
        try:
            opened = open_wish(chosen, *wish)
        except DomainError:
            state.put(EDITS if wish[1] else SCENARIO, None)
            raise
        if opened is not None:
            draft = opened
            put(draft)
            state.put(SEEN, None)
            if not is_about(draft, chosen) or draft.step != chosen.step:
                return draft
    if chosen.corpus is None or chosen.user_id is None or chosen.step is None:
        return None
    is_left = wish == (None, None) != state.get(SAID)
    if not isinstance(draft, Draft) or not is_about(draft, chosen) or is_left:
        draft = Draft(chosen.corpus, chosen.user_id, chosen.step)
        put(draft)
    elif state.get(SEEN) not in (None, chosen.step):
        draft = draft.at_step(chosen.step)
        put(draft)
    state.put(SEEN, chosen.step)
    return draft


def open_wish(chosen: Selection, scenario_id: str | None, edits: str | None) -> Draft | None:
    """The draft of a scenario, of edits in an address, or of both; None without its user."""
    store = loaders.scenario_store()
    scenario = store.load(scenario_id) if scenario_id else None
    if edits is None:
        return Draft.of_scenario(scenario) if scenario else None
    unsaved = from_address(edits, loaders.library())
    if scenario is not None:
        if 0 < unsaved.revision < scenario.revision:
            scenario = store.revisions(scenario.scenario_id)[unsaved.revision - 1]
        draft = Draft.of_unsaved(Draft.of_scenario(scenario), unsaved)
        if is_about(draft, chosen) and chosen.step is not None:
            draft = replace(draft, step=chosen.step)
        return draft
    if chosen.corpus is None or chosen.user_id is None or chosen.step is None:
        return None
    return Draft.of_unsaved(Draft(chosen.corpus, chosen.user_id, chosen.step), unsaved)
