"""What the Quality page reads from core, cached like everything in ``loaders``, and its long work.

A key holds the size and time of the files that an answer comes from, so that what a job or the
command line has just computed is seen at once.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from core.evaluate.served import ListsManifest, served_manifests
from core.progress import ProgressCallback, StopCallback
from core.views.quality.build import (
    build_ablation,
    build_never,
    build_quality,
    build_verdict,
    list_cautions,
)
from core.views.quality.rows import AblationView, NeverView, QualityView
from pages._shared import loaders
from pages._shared.jobs import Work
from pages._shared.state import USUAL_PROTOCOL

if TYPE_CHECKING:
    from core.engine import Engine
    from core.evaluate.report import EvaluationReport
    from core.evaluate.served import ListsJudged

Stamp = tuple[tuple[int, int], ...]
Judged = tuple["EvaluationReport", tuple["ListsJudged", ...], tuple[str, ...]]
"""A report, the imported lists in it, and the names of damaged ones."""


def report(engine: Engine, protocol: str) -> EvaluationReport | None:
    """What was computed for a protocol, with imported lists; None where nothing was."""
    judged = _asked(engine, protocol)
    return judged[0] if judged else None


def quality(engine: Engine, protocol: str, subject: str) -> QualityView:
    """The view of a report that is there."""
    return _quality(engine.model_id, protocol, subject, _stamps(engine, protocol), engine)


def verdict(engine: Engine) -> str | None:
    """The default recommender against the best baseline, paired; None where nothing was judged."""
    if report(engine, USUAL_PROTOCOL) is None:
        return None
    return _verdict(engine.model_id, _stamps(engine, USUAL_PROTOCOL), engine)


def never(engine: Engine, protocol: str, subject: str) -> NeverView:
    """The items without a chance in a report that is there."""
    return _never(engine.model_id, protocol, subject, _stamps(engine, protocol), engine)


def uses(engine: Engine, recommender: str) -> AblationView | None:
    """What a recommender uses over the corpus; None where it was not asked yet."""
    from core.evaluate.protocols import place_of_uses

    place = place_of_uses(engine, loaders.library(), recommender)
    return _uses(engine.model_id, recommender, _stamp(place), engine)


def uses_of_user(engine: Engine, recommender: str, user_id: str) -> AblationView:
    """What a recommender uses over one user's steps."""
    return _uses_of_user(engine.corpus.corpus_id, engine.model_id, recommender, user_id, engine)


def lists(corpus: str) -> list[ListsManifest]:
    """Imported lists of a corpus; read anew every time."""
    return served_manifests(corpus, loaders.library())


def cautions_of_lists(corpus: str, among: Collection[str] | None = None) -> list[str]:
    """Imported lists of a corpus that are damaged, or of other content; read anew every time.

    ``among``: only those of these names.
    """
    return list_cautions(loaders.library(), corpus, among)


def judging(engine: Engine, protocol: str) -> Work:
    """The evaluation of a model under a protocol, as background work."""
    library = loaders.library()

    def work(progress: ProgressCallback, stop: StopCallback) -> None:
        from core.evaluate.protocols import evaluate_model

        evaluate_model(
            engine.corpus, library, engine.folder, protocol, progress=progress, stop=stop
        )

    return work


def measuring(engine: Engine, recommender: str) -> Work:
    """What a recommender uses over the corpus, as background work."""
    library = loaders.library()

    def work(progress: ProgressCallback, stop: StopCallback) -> None:
        from core.evaluate.protocols import uses_of_model

        uses_of_model(engine, library, recommender, progress, stop)

    return work


def importing(corpus: str, path: Path, name: str) -> Work:
    """An import of served lists, as background work; its result is the summary."""
    library = loaders.library()

    def work(progress: ProgressCallback, stop: StopCallback) -> object:
        from core.evaluate.importing_lists import import_lists

        return import_lists(loaders.corpus(corpus), library, path, name, progress, stop)

    return work


def _asked(engine: Engine, protocol: str) -> Judged | None:
    return _judged(engine.model_id, protocol, _stamps(engine, protocol), engine)


@st.cache_resource(max_entries=8, show_spinner="Reading the evaluation …")
def _judged(model_id: str, protocol: str, stamps: Stamp, _engine: Engine) -> Judged | None:
    from core.evaluate.protocols import find_report, with_served

    library = loaders.library()
    found = find_report(_engine.corpus, library, _engine.folder, protocol)
    if found is None:
        return None
    return with_served(found, _engine.corpus, library, _engine.folder)


@st.cache_resource(max_entries=8, show_spinner=False)
def _verdict(model_id: str, stamps: Stamp, _engine: Engine) -> str:
    judged = _asked(_engine, USUAL_PROTOCOL)
    assert judged is not None
    found, served, _ = judged
    return build_verdict(found, served, _engine.recommender().id)


@st.cache_resource(max_entries=32, show_spinner="Drawing samples of users …")
def _quality(
    model_id: str, protocol: str, subject: str, stamps: Stamp, _engine: Engine
) -> QualityView:
    judged = _asked(_engine, protocol)
    assert judged is not None
    found, served, damaged = judged
    return build_quality(_engine, found, served, subject, damaged)


@st.cache_resource(max_entries=32, show_spinner=False)
def _never(model_id: str, protocol: str, subject: str, stamps: Stamp, _engine: Engine) -> NeverView:
    judged = _asked(_engine, protocol)
    assert judged is not None
    return build_never(_engine, judged[0], subject)


@st.cache_resource(max_entries=16, show_spinner=False)
def _uses(
    model_id: str, recommender: str, stamp: tuple[int, int], _engine: Engine
) -> AblationView | None:
    from core.evaluate.protocols import find_uses

    found = find_uses(_engine, loaders.library(), recommender)
    return build_ablation(found) if found is not None else None


@st.cache_resource(max_entries=64, show_spinner="Asking without each part …")
def _uses_of_user(
    corpus_id: str, model_id: str, recommender: str, user_id: str, _engine: Engine
) -> AblationView:
    from core.evaluate.protocols import uses_over_steps

    found, trained = uses_over_steps(_engine, user_id, recommender)
    return build_ablation(found, user_id, trained)


def _stamps(engine: Engine, protocol: str) -> Stamp:
    """Everything that a report is made of: its own files and those of imported lists."""
    from core.evaluate.protocols import report_places
    from core.evaluate.served import lists_path

    library, corpus = loaders.library(), engine.corpus
    places = report_places(corpus, library, engine.folder, protocol)
    served = lists_path(library, corpus.name, "any").parent.glob("*.parquet")
    return tuple(_stamp(path) for path in (*places, *sorted(served)))


def _stamp(path: Path) -> tuple[int, int]:
    try:
        facts = path.stat()
    except OSError:
        return 0, 0
    return facts.st_size, facts.st_mtime_ns
