"""Own histories in the library: kept as unsaved edits are, and for good once a scenario has one."""

from __future__ import annotations

from collections.abc import Sequence

from core.corpus.own import is_own, own_history, write_own
from core.corpus.store import Library
from core.domain import DomainError, Event
from core.files import reason_of
from core.language import tr
from core.revisions import MAKE_WRITABLE
from core.scenario.store import Scenario, ScenarioStore


def keep_own(library: Library, corpus: str, events: Sequence[Event]) -> str:
    """Keep a history of somebody who is not in the corpus; its user id.

    DomainError where the library can't be written.
    """
    history = own_history(corpus, events)
    try:
        lasting = {scenario.capsule.user for scenario in saved_own(library)}
        write_own(library.root, corpus, history, lasting)
    except OSError as error:
        raise DomainError(
            tr("this history can't be kept: {reason}", reason=reason_of(error)),
            where=str(library.root),
            remedy=tr(MAKE_WRITABLE),
        ) from None
    return history.user_id


def saved_own(library: Library, corpus: str | None = None) -> list[Scenario]:
    """Saved scenarios of own histories, the one saved last first."""
    scenarios = ScenarioStore.open(library).scenarios(corpus)
    return [scenario for scenario in scenarios if is_own(scenario.capsule.user)]
