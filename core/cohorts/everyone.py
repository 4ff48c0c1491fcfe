"""What pages ask of a new model about all of its users, measured when it is made."""

from __future__ import annotations

from pathlib import Path

from core.cohorts.states import make_states
from core.compare.turnover import make_turnover
from core.corpus.corpus import Corpus
from core.corpus.store import Library
from core.engine import Engine
from core.progress import ProgressCallback, StopCallback
from core.turns.stored import make_turns


def measure_everyone(
    library: Library,
    corpus: Corpus,
    folder: Path,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> None:
    """Measure and store how lists change, turning points and states of all users; or Stopped."""
    engine = Engine.open(corpus, folder, library)
    make_turnover(library, engine, progress=progress, stop=stop)
    make_turns(library, engine, progress=progress, stop=stop)
    make_states(library, engine, progress=progress, stop=stop)
