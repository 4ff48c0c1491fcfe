"""What pages read from core, cached; what Quality reads is in ``judging``, in the same manner.

Every key is made of fingerprints: corpus id, model id, and what was asked. Arguments that begin
with an underscore carry the objects themselves and are no part of the key.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.corpus.preview import Preview
from core.corpus.preview import preview as look_at
from core.corpus.store import Corpus, Library, Manifest
from core.domain import DomainError, RecommendationList
from core.figures.crowd import crowd_image
from core.figures.palette import PALETTES, ThemeName
from core.progress import ProgressCallback, StopCallback
from core.views.corpora import (
    LibraryView,
    ModelRow,
    build_library,
    build_models,
    columns_of,
    read_json,
)
from core.views.interest_map import MapView, build_map
from core.views.overview import (
    ListView,
    StartView,
    VerdictView,
    build_changed,
    build_facts,
    build_rows,
    build_start,
    build_verdict,
)
from core.views.timeline.build import build_moment, build_timeline
from core.views.timeline.rows import MomentView, TimelineView
from pages._shared import memory
from pages._shared.jobs import Work

if TYPE_CHECKING:
    from core.compare.columns import ColumnSpec
    from core.compare.turnover import Turnover
    from core.engine import Engine
    from core.evaluate.served import ListsManifest
    from core.model.config import InterestConfig
    from core.scenario.edits import Edit
    from core.scenario.fork import Fork
    from core.scenario.store import Scenario, ScenarioStore
    from core.views.explain.rows import ReceiversView
    from pages._shared.comparing import Comparing
    from pages._shared.explaining import Explaining


def library() -> Library:
    """The library of this app: $TASTELINES_LIBRARY, else data/library."""
    return Library.open()


def corpora() -> list[Manifest]:
    """Manifests of all corpora, the demo first; read anew every time, as imports change them."""
    return library().corpora()


def corpus(name: str) -> Corpus:
    """One corpus; the same content is loaded once."""
    manifest = library().manifest(name)
    return _corpus(str(library().root), name, manifest.corpus_id)


@st.cache_resource(max_entries=4, show_spinner="Reading the corpus …")
def _corpus(root: str, name: str, corpus_id: str) -> Corpus:
    return Library.open(Path(root)).corpus(name)


def model_folders(name: str) -> list[Path]:
    """Model folders of a corpus, newest first."""
    return library().model_folders(name)


def model_label(folder: Path) -> str:
    """When a model was trained, and the start of its id."""
    try:
        created = datetime.fromisoformat(str(read_json(folder / "config.json").get("created")))
    except ValueError:
        return folder.name
    return f"{created.day} {created:%b %Y} · {folder.name[:8]}"


def engine(name: str, model_id: str) -> Engine:
    """The engine of one corpus and model; DomainError when either is gone or doesn't fit."""
    return _engine(str(library().root), corpus(name).corpus_id, model_id, name)


@st.cache_resource(max_entries=3, show_spinner="Opening the model …")
def _engine(root: str, corpus_id: str, model_id: str, name: str) -> Engine:
    from core.engine import Engine

    here = Library.open(Path(root))
    opened = Engine.open(corpus(name), here.model_folder(name, model_id), here)
    memory.set_aside()
    return opened


def facts(name: str) -> str:
    """What a corpus is, in one line."""
    return build_facts(library().manifest(name))


def verdict(name: str, model_id: str) -> VerdictView:
    """Whether a model earns trust, from its metrics.json."""
    folder = library().model_folder(name, model_id)
    return build_verdict(read_json(folder / "metrics.json"))


def start(engine: Engine) -> StartView:
    """The lists that start work."""
    return _start(engine.corpus.corpus_id, engine.model_id, engine)


@st.cache_resource(max_entries=4, show_spinner=False)
def _start(corpus_id: str, model_id: str, _engine: Engine) -> StartView:
    return build_start(build_rows(_engine))


def changed(engine: Engine) -> ListView | None:
    """Users whose lists changed most; None where turnover wasn't measured."""
    found = turnover(engine)
    if found is None:
        return None
    return _changed(engine.corpus.corpus_id, engine.model_id, engine, found)


@st.cache_resource(max_entries=4, show_spinner=False)
def _changed(corpus_id: str, model_id: str, _engine: Engine, _turnover: Turnover) -> ListView:
    return build_changed(build_rows(_engine), _turnover)


def library_view() -> LibraryView:
    """What the library holds; read anew every time."""
    return build_library(library())


def models_view(corpus: str) -> tuple[ModelRow, ...]:
    """The models of a corpus; read anew every time."""
    return build_models(library(), corpus)


def columns(events: list[Path], items: Path | None) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Columns of the first event file and of the items file; none where they can't be read."""
    return _columns(events[0], _stamp(events[0])), _columns(items, _stamp(items)) if items else ()


@st.cache_data(max_entries=16, show_spinner=False)
def _columns(path: Path, stamp: tuple[int, int]) -> tuple[str, ...]:
    try:
        return columns_of(path)
    except DomainError:
        return ()


def preview(
    events: list[Path], items: Path | None, format: str, mapping: dict[str, str]
) -> Preview:
    """How an import would read these files; DomainError for what would stop it."""
    stamps = tuple(_stamp(path) for path in (*events, *([items] if items else [])))
    return _preview(tuple(events), items, format, tuple(sorted(mapping.items())), stamps)


@st.cache_data(max_entries=8, show_spinner="Looking at the file …")
def _preview(
    events: tuple[Path, ...],
    items: Path | None,
    format: str,
    mapping: tuple[tuple[str, str], ...],
    stamps: tuple[tuple[int, int], ...],
) -> Preview:
    return look_at(events, items, format, dict(mapping))


def _stamp(path: Path) -> tuple[int, int]:
    try:
        facts = path.stat()
    except OSError:
        return 0, 0
    return facts.st_size, facts.st_mtime_ns


def training_defaults() -> InterestConfig:
    """What a training does unless told otherwise."""
    from core.model.config import InterestConfig

    return InterestConfig()


def training(name: str, options: InterestConfig) -> Work:
    """The training of a model on a corpus, as background work; its result is the model folder."""

    def work(progress: ProgressCallback, stop: StopCallback) -> Path:
        from core.model.training import train

        return Path(train(corpus(name), library(), options, progress, stop))

    return work


def timeline(engine: Engine, user_id: str) -> TimelineView:
    """One user's timeline."""
    return _timeline(engine.corpus.corpus_id, engine.model_id, user_id, engine)


@st.cache_resource(max_entries=64, show_spinner="Following the interest …")
def _timeline(corpus_id: str, model_id: str, user_id: str, _engine: Engine) -> TimelineView:
    return build_timeline(_engine, user_id)


def moment(engine: Engine, view: TimelineView, step: int) -> MomentView:
    """One step of a timeline."""
    return _moment(engine.corpus.corpus_id, engine.model_id, view.user_id, step, engine, view)


@st.cache_resource(max_entries=512, show_spinner=False)
def _moment(
    corpus_id: str, model_id: str, user_id: str, step: int, _engine: Engine, _view: TimelineView
) -> MomentView:
    return build_moment(_engine, _view, step)


def interest_map(engine: Engine) -> MapView:
    """The map behind every path of a model."""
    return _interest_map(engine.corpus.corpus_id, engine.model_id, engine)


@st.cache_resource(max_entries=4, show_spinner=False)
def _interest_map(corpus_id: str, model_id: str, _engine: Engine) -> MapView:
    return build_map(_engine)


def crowd(engine: Engine, theme: ThemeName) -> dict[str, Any]:
    """The picture of all states in one theme."""
    return _crowd(engine.corpus.corpus_id, engine.model_id, theme, engine)


@st.cache_resource(max_entries=8, show_spinner=False)
def _crowd(corpus_id: str, model_id: str, theme: ThemeName, _engine: Engine) -> dict[str, Any]:
    return crowd_image(interest_map(_engine), PALETTES[theme])


@st.cache_resource(show_spinner=False)
def expect_explaining() -> None:
    """Have the explainer compile beside the page, once, before somebody asks it."""
    from core.explain.shapley import warm_up

    threading.Thread(target=warm_up, name="warm up", daemon=True).start()


def expect_texts(engine: Engine) -> None:
    """Have the text encoder load beside the page, once, before somebody writes a review."""
    _expect_texts(engine.encoder.encoder_id, engine)


@st.cache_resource(max_entries=4, show_spinner=False)
def _expect_texts(encoder_id: str, _engine: Engine) -> None:
    work = threading.Thread(
        target=_engine.encoder.encode, args=(["warm up"],), name="warm up", daemon=True
    )
    work.start()


def explaining(
    engine: Engine, user_id: str, step: int, item_id: str, recommender: str, margin: bool
) -> Explaining:
    """One question with what is already answered of it; DomainError for an unknown item."""
    return _explaining(
        engine.corpus.corpus_id,
        engine.model_id,
        user_id,
        step,
        item_id,
        recommender,
        margin,
        engine,
    )


@st.cache_resource(max_entries=48, show_spinner="Asking without each event …")
def _explaining(
    corpus_id: str,
    model_id: str,
    user_id: str,
    step: int,
    item_id: str,
    recommender: str,
    margin: bool,
    _engine: Engine,
) -> Explaining:
    from pages._shared.explaining import Explaining

    history = _engine.corpus.history(user_id).up_to(step)
    return Explaining(_engine, history, item_id, recommender, margin)


def list_after(engine: Engine, user_id: str, step: int, recommender: str) -> RecommendationList:
    """The first ten items after a step."""
    return _list_after(engine.corpus.corpus_id, engine.model_id, user_id, step, recommender, engine)


@st.cache_resource(max_entries=256, show_spinner=False)
def _list_after(
    corpus_id: str, model_id: str, user_id: str, step: int, recommender: str, _engine: Engine
) -> RecommendationList:
    return _engine.recommend(_engine.corpus.history(user_id).up_to(step), 10, recommender)


def receivers(engine: Engine, item_id: str, recommender: str) -> ReceiversView:
    """Who gets an item now, and which of their events brought it."""
    return _receivers(engine.corpus.corpus_id, engine.model_id, item_id, recommender, engine)


@st.cache_resource(max_entries=32, show_spinner="Looking through all lists …")
def _receivers(
    corpus_id: str, model_id: str, item_id: str, recommender: str, _engine: Engine
) -> ReceiversView:
    from core.explain.over_corpus import find_receivers
    from core.views.explain.build import build_receivers

    lists, rows = find_receivers(_engine, item_id, recommender)
    return build_receivers(_engine, item_id, lists, rows, 10)


def comparing(engine: Engine, specs: Sequence[ColumnSpec], k: int) -> Comparing:
    """A comparison, computed once; DomainError for a column that can't be opened."""
    stamps: list[object] = []
    for spec in specs:
        if spec.scenario is not None:
            saved = scenarios(engine.corpus.name, spec.user)
            stamps.append([(one.scenario_id, one.revision) for one in saved])
        if spec.recommender is not None and spec.recommender not in engine.recommenders:
            stamps.append([lists.lists_id for lists in served_lists(engine.corpus.name)])
    return _comparing(
        engine.corpus.corpus_id, engine.model_id, tuple(specs), k, repr(stamps), engine
    )


@st.cache_resource(max_entries=48, show_spinner=False)
def _comparing(
    corpus_id: str,
    model_id: str,
    specs: tuple[ColumnSpec, ...],
    k: int,
    stamps: str,
    _engine: Engine,
) -> Comparing:
    from pages._shared.comparing import Comparing

    return Comparing(_engine, specs, k, library())


def scenarios(corpus_name: str, user_id: str) -> list[Scenario]:
    """Saved scenarios of a user, the one saved last first; read anew every time."""
    from core.scenario.store import ScenarioStore

    return ScenarioStore.open(library()).scenarios(corpus_name, user_id)


def scenario_store() -> ScenarioStore:
    """The store of the library's scenarios."""
    from core.scenario.store import ScenarioStore

    return ScenarioStore.open(library())


def fork(engine: Engine, user_id: str, step: int, edits: Sequence[Edit], recommender: str) -> Fork:
    """What edits of a user's history up to a step do; DomainError for one that can't be made."""
    asked = json.dumps([edit.to_json() for edit in edits])
    return _fork(
        engine.corpus.corpus_id, engine.model_id, user_id, step, asked, recommender, edits, engine
    )


@st.cache_resource(max_entries=64, show_spinner=False)
def _fork(
    corpus_id: str,
    model_id: str,
    user_id: str,
    step: int,
    asked: str,
    recommender: str,
    _edits: Sequence[Edit],
    _engine: Engine,
) -> Fork:
    from core.scenario.fork import run

    return run(_engine, _engine.corpus.history(user_id).up_to(step), _edits, recommender)


def served_lists(corpus_name: str) -> list[ListsManifest]:
    """Lists that were imported for a corpus; read anew every time."""
    from core.evaluate.served import served_manifests

    return served_manifests(corpus_name, library())


def turnover(engine: Engine, recommender: str | None = None) -> Turnover | None:
    """How fast a corpus's lists change, where it was measured; read anew every time."""
    from core.compare.turnover_store import read_turnover

    return read_turnover(library(), engine, recommender)


def measuring_turnover(engine: Engine, recommender: str | None = None) -> Work:
    """Measure it, as a job's work."""

    def work(progress: ProgressCallback, stop: StopCallback) -> Turnover:
        from core.compare.turnover_store import make_turnover

        return make_turnover(library(), engine, recommender, progress=progress, stop=stop)

    return work


def unknown_user(corpus: Corpus, user_id: str) -> DomainError | None:
    """Why a user can't be shown; None when it can."""
    try:
        corpus.user_rows(user_id)
    except DomainError as error:
        return error
    return None
