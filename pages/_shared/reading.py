"""Who still waits for an answer: work that nobody will read stops."""

from __future__ import annotations

import time

from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages._shared import state

PATIENCE = 90.0
"""Seconds after which a session that asks no more has left. A hidden tab asks once a minute."""
_READER = "_reader"


class Reader:
    """This session, and the questions it reads now."""

    def __init__(self) -> None:
        context = get_script_run_ctx()
        self.session_id = context.session_id if context else ""
        self.questions: tuple[object, ...] = ()
        self.last = 0.0

    def reads(self, question: object) -> bool:
        """Whether the session is connected and still shows this question. For any thread."""
        is_asked = any(each is question for each in self.questions)
        return is_asked and time.monotonic() - self.last < PATIENCE and self.is_there()

    def is_there(self) -> bool:
        """Whether the session is connected. For any thread."""
        return not runtime.exists() or runtime.get_instance().is_active_session(self.session_id)


def reader(*questions: object) -> Reader:
    """The reader of this session, who turns to other questions where some are given."""
    known: Reader | None = state.get(_READER)
    context = get_script_run_ctx()
    if known is None or (context is not None and known.session_id != context.session_id):
        known = Reader()
        state.put(_READER, known)
    if questions:
        known.questions, known.last = questions, time.monotonic()
    return known
