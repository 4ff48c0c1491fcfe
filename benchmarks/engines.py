"""Engines that several benchmarks measure, opened once."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from functools import cache
from pathlib import Path

from benchmarks.measuring import CORPORA, PROJECT
from core.corpus.importing import import_files
from core.corpus.store import Library
from core.demo.truth import Truth, load_truth
from core.domain import DomainError
from core.engine import Engine
from core.model.config import InterestConfig
from core.training.training import train

FEW_EPOCHS = 10


@cache
def demo_engine() -> Engine:
    """The shipped demo with its model."""
    library = Library.open()
    return Engine.open(library.corpus("demo"), library.model_folder("demo"), library)


@cache
def demo_truth() -> Truth:
    """What was planted in the demo."""
    return load_truth(PROJECT / "data" / "demo" / "truth")


@cache
def music_engine() -> Engine:
    """``music`` with its newest model of ``$TASTELINES_LIBRARY``, or one of few epochs."""
    library = Library.open()
    try:
        return Engine.open(library.corpus("music"), library.model_folder("music"), library)
    except DomainError:
        library = Library.open(Path(tempfile.mkdtemp(prefix="benchmark-")))
        import_files(library, "music", CORPORA["music"][0])
        corpus = library.corpus("music")
        folder = train(corpus, library, replace(InterestConfig(), epochs=FEW_EPOCHS))
        return Engine.open(corpus, folder, library)
