"""The search for the smallest edit, beside the page: it reports, and Stop is heard."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from core.domain import DomainError, History, Stopped
from core.progress import Progress
from core.scenario.search import SmallestChange, search_edits

if TYPE_CHECKING:
    from core.engine import Engine


class Searching:
    """One search; ``result`` or ``error`` when it has ended, neither after Stop."""

    def __init__(
        self, engine: Engine, base: History, item_id: str, goal: str, recommender: str
    ) -> None:
        self.asked = (engine.corpus.corpus_id, engine.model_id, base, recommender)
        self.item_id, self.goal = item_id, goal
        self.progress: Progress | None = None
        self.result: SmallestChange | None = None
        self.error: DomainError | None = None
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=self._work, args=(engine, base, recommender), name="search", daemon=True
        )
        self._thread.start()

    @property
    def busy(self) -> bool:
        """Whether it is at work."""
        return self._thread.is_alive()

    @property
    def stopped(self) -> bool:
        """Whether a person stopped it."""
        return self._stop.is_set()

    def stop(self) -> None:
        """Ask it to end; it does at its next check."""
        self._stop.set()

    def wait(self, seconds: float) -> None:
        """Return when it has ended, or after so long."""
        self._thread.join(seconds)

    def _work(self, engine: Engine, base: History, recommender: str) -> None:
        def note(progress: Progress) -> None:
            self.progress = progress

        try:
            self.result = search_edits(
                engine,
                base,
                self.item_id,
                self.goal,
                recommender,
                progress=note,
                stop=self._stop.is_set,
            )
        except Stopped:
            pass
        except DomainError as error:
            self.error = error
        except Exception:
            logging.getLogger(__name__).exception("the search failed")
            self.error = DomainError(
                "the search ended with an unexpected error",
                remedy="The terminal that runs the app has the details",
            )
