"""What pages read from core, kept between reruns and shared by all sessions.

``kept`` makes every key of fingerprints: corpus id, model id, file stamps, and what is asked for.
Never of the data themselves, because Streamlit hashes large frames and arrays from a sample. What
Quality reads is in ``judging``, in the same manner.
"""

from __future__ import annotations

import atexit
import dataclasses
import functools
import hashlib
import inspect
from collections.abc import Callable, Sequence
from concurrent import futures
from contextlib import nullcontext, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar, cast

import numpy as np
import streamlit as st
from pandas import DataFrame

from core import language, tasks
from core.compare.turnover import K, Turnover, read_turnover, stored_path
from core.corpus.options import ImportOptions
from core.corpus.previewing import Preview
from core.corpus.previewing import preview as look_at
from core.corpus.store import Corpus, Library, created_at
from core.corpus.tables import EVENTS_FILE
from core.domain import DomainError, RecommendationList
from core.evaluate.served import ListsManifest, served_manifests
from core.explain.over_corpus import find_receivers
from core.figures.palette import PALETTES, ThemeName
from core.figures.trajectory_map import crowd_image
from core.files import Damaged
from core.jobs import Job
from core.language import mark, tr
from core.processes import Task
from core.revisions import RevisionStore
from core.scenario.store import ScenarioStore
from core.strategy.store import StrategyStore
from core.views import overview, wording
from core.views.explain.build import build_receivers
from core.views.interest_map import MapView, build_map
from core.views.overview import ListView
from core.views.timeline.build import build_moment, build_timeline
from core.views.timeline.rows import MomentView, TimelineView
from core.views.users import build_users
from pages._shared import in_turn, memory

if TYPE_CHECKING:
    from core.compare.columns import ColumnSpec
    from core.compare.comparison import Comparison
    from core.compare.fork import Fork
    from core.encode.unknown import UnknownPieces
    from core.engine import Engine
    from core.recommend.own import Registered
    from core.scenario.edits import Edit
    from core.views.compare.build import CompareView
    from core.views.explain.explaining import Explaining
    from core.views.explain.rows import ReceiversView

Asked = ParamSpec("Asked")
Loaded = TypeVar("Loaded")
OPENED = 8
"""Loaders that keep up to so many entries keep what is slow to open: corpora, models, maps."""
_drops: dict[Callable[..., Any], Callable[..., None]] = {}
"""What drops one entry of a loader, called with its arguments."""
Fingerprint = str | int | float | None | tuple["Fingerprint", ...]


def kept(
    entries: int,
    spinner: str = "",
    *,
    also: Callable[..., Fingerprint] | None = None,
    speaks: bool = True,
) -> Callable[[Callable[Asked, Loaded]], Callable[Asked, Loaded]]:
    """Keep what a loader returns, by the fingerprints of its arguments.

    ``entries`` are kept at most, more than ``OPENED`` until the last session has gone; ``spinner``
    (marked) is said while one is made; ``also`` fingerprints what a loader reads besides its
    arguments, and is called with them. What ``speaks`` is kept in each language. A page that opens
    what is slow to open, or waits for another one that makes the same, lets others have its turn.
    """
    opens = bool(spinner) and entries <= OPENED

    def decorate(load: Callable[Asked, Loaded]) -> Callable[Asked, Loaded]:
        being_made = set[Fingerprint]()

        def make(key: Fingerprint, _call: Callable[[], Loaded]) -> Loaded:
            being_made.add(key)
            try:
                with in_turn.away() if opens else nullcontext():
                    return _call()
            finally:
                being_made.discard(key)

        # Streamlit tells caches apart by the name and the source of the function it keeps. The
        # module of every page is __main__, so the file is part of the name.
        make.__qualname__ = f"kept {inspect.getfile(load)} {load.__qualname__}"  # no sentence
        # So the functions of all languages, which differ in their spinner, have one cache.
        caches: dict[str, Any] = {}

        def cache() -> Any:
            spoken = language.current() if spinner else ""
            if spoken not in caches:
                said = tr(spinner) or False
                caches[spoken] = st.cache_resource(max_entries=entries, show_spinner=said)(make)
            return caches[spoken]

        if entries > OPENED:
            memory.when_empty(make.__qualname__, lambda: cache().clear())
        signature = inspect.signature(load)

        def asks(*args: Asked.args, **kwargs: Asked.kwargs) -> Fingerprint:
            values = signature.bind(*args, **kwargs)
            values.apply_defaults()
            key = tuple(map(fingerprint, values.arguments.values()))
            more = also(*args, **kwargs) if also is not None else None
            return key, more, language.current() if speaks else ""

        @functools.wraps(load)
        def loader(*args: Asked.args, **kwargs: Asked.kwargs) -> Loaded:
            asked = asks(*args, **kwargs)
            with in_turn.away() if asked in being_made else nullcontext():
                loaded: Loaded = cache()(asked, lambda: load(*args, **kwargs))
            return loaded

        def drop(*args: Asked.args, **kwargs: Asked.kwargs) -> None:
            cache().clear(asks(*args, **kwargs), None)

        _drops[loader] = drop
        return loader

    return decorate


def fingerprint(value: object) -> Fingerprint:
    """What stands for an argument in a key; TypeError for what nothing short can stand for."""
    if value is None or isinstance(value, str | int | float):
        return value
    if isinstance(value, Path):
        return str(value), *stamp(value)
    if isinstance(value, Corpus):
        sample = () if value.sample is None else (repr(value.sample),)
        return value.corpus_id, value.attributes_id, *sample
    if isinstance(value, Library):
        return str(value.root)
    # Not imported: it brings torch, which takes seconds.
    if type(value).__name__ == "Engine":  # no sentence
        engine = cast("Engine", value)
        custom = map(_answers_of, engine.registered)
        return engine.corpus.corpus_id, engine.corpus.attributes_id, engine.model_id, *custom
    if isinstance(value, np.ndarray) and value.dtype == np.bool_:
        packed = np.packbits(value).tobytes()  # all of it: 25 kB of 200,000 users
        return len(value), hashlib.sha256(packed).hexdigest()
    if isinstance(value, RevisionStore):
        return (
            str(value.path),
            stamp(value.path),
            stamp(value.path.with_name(f"{value.path.name}-wal")),
        )
    if dataclasses.is_dataclass(value) or isinstance(value, ImportOptions):
        return repr(value)
    if isinstance(value, Sequence):
        return tuple(map(fingerprint, value))
    if isinstance(value, dict):
        return tuple((key, fingerprint(value[key])) for key in sorted(value))
    raise TypeError(f"a {type(value).__name__} has no fingerprint")


def _answers_of(custom: Registered) -> str:
    """What stands for a custom recommender, which may change under its id when reopened."""
    try:
        return f"{custom.id}-{custom.fingerprint}"
    except DomainError:  # whoever asks for its lists is told why
        return custom.id


def stamp(path: Path) -> tuple[int, int]:
    """Size and time of a file; zeros where there is none."""
    try:
        facts = path.stat()
    except OSError:
        return 0, 0
    return facts.st_size, facts.st_mtime_ns


@st.cache_resource(scope="session", show_spinner=False, on_release=lambda folder: folder.cleanup())
def session_folder() -> TemporaryDirectory[str]:
    """A folder for what this session uploads; it goes with the session, or with the server."""
    return TemporaryDirectory(prefix="tastelines-session-", ignore_cleanup_errors=True)


def library() -> Library:
    """The library of this app: $TASTELINES_LIBRARY, else data/library."""
    return Library.open()


def _content(name: str, model_id: str = "") -> Fingerprint:
    manifest = library().manifest(name)
    attributes = manifest.attributes.attributes_id if manifest.attributes is not None else ""
    events = library().corpus_folder(name) / EVENTS_FILE
    # The file too: an open corpus reads it, and what came in its place may be the same content.
    with suppress(OSError):
        facts = events.stat()
        marks = facts.st_ino, facts.st_size, facts.st_mtime_ns
        return str(library().root), str(events), marks, manifest.corpus_id, attributes
    return str(library().root), str(events), manifest.corpus_id, attributes


@kept(4, mark("Reading the corpus …"), also=_content, speaks=False)
def corpus(name: str) -> Corpus:
    """One corpus; the same content is loaded once."""
    return library().corpus(name)


def drop_corpus(name: str, model_id: str | None = None) -> None:
    """Have a corpus that can't be read, and the model that reads it, opened anew when asked for."""
    with suppress(DomainError):
        _drops[corpus](name)
        if model_id is not None:
            for load in (_opened, engine):
                _drops[load](name, model_id)


def model_label(folder: Path) -> str:
    """When a model was trained, and the start of its id."""
    created = created_at(folder)
    if created is None:
        return folder.name
    return f"{wording.day(created)} · {folder.name[:8]}"


@kept(3, mark("Opening the model …"), also=_content, speaks=False)
def _opened(name: str, model_id: str) -> Engine:
    from core.engine import Engine

    opened = Engine.open(corpus(name), library().model_folder(name, model_id), library())
    memory.is_open(opened)
    memory.set_aside()
    return opened


def _strategies(name: str, model_id: str) -> Fingerprint:
    return _content(name), fingerprint(strategy_store())


@kept(6, mark("Opening the model …"), also=_strategies)
def engine(name: str, model_id: str) -> Engine:
    """The engine of one corpus and model, with the strategies that are saved now.

    DomainError when either is gone or doesn't fit.
    """
    return _opened(name, model_id).renewed()


def strategy_store() -> StrategyStore:
    """The store of the library's strategies."""
    return StrategyStore.open(library())


@kept(4)
def start(engine: Engine) -> dict[str, ListView]:
    """The lists that start work."""
    return overview.build_start(overview.build_rows(engine))


def _turnover_file(engine: Engine, recommender: str) -> Fingerprint:
    places = library().places(stored_path(library(), engine, recommender, K))
    return tuple(map(stamp, places))


@kept(8, also=_turnover_file)
def turnover(engine: Engine, recommender: str) -> Turnover | None:
    """How fast a recommender's lists change over the corpus, where it was measured.

    ``Damaged`` where what is stored can't be read.
    """
    return read_turnover(library(), engine, recommender)


@kept(4, also=_turnover_file)
def changed(engine: Engine, recommender: str) -> ListView | None:
    """Users whose lists changed most; None where turnover wasn't measured."""
    measured = turnover(engine, recommender)
    return overview.build_changed(overview.build_rows(engine), measured) if measured else None


@kept(4, mark("Reading the users …"), also=_turnover_file)
def users(engine: Engine, recommender: str) -> DataFrame:
    """One row per user, with how much of a recommender's list one event changes if known."""
    measured = None
    with suppress(Damaged):  # the page says so
        measured = turnover(engine, recommender)
    return build_users(engine, measured)


@kept(8, mark("Reading the files …"))
def preview(
    events: Sequence[Path], items: Path | None, options: ImportOptions, name: str
) -> Preview:
    """How an import would read these files; DomainError for what no option can help."""
    return look_at(events, items, options, name)


@kept(4, mark("Looking at the corpus …"), also=_content)
def unknown(name: str) -> UnknownPieces:
    """What the usual text encoder can't read of a corpus; of its reviews only parts are read."""
    from core.encode.unknown import unknown_in, unknown_in_folder

    found = corpus(name)
    if found.folder is None or not found.has_text:
        return unknown_in(found)
    return unknown_in_folder(found.folder)


@kept(8)
def unknown_to(engine: Engine) -> tuple[str, float]:
    """The text encoder of a model and its share of unknown word pieces, measured in training."""
    from core.encode.unknown import unknown_in
    from core.model.metrics import read_metrics

    encoder = engine.encoder
    with suppress(DomainError):
        metrics = read_metrics(engine.folder)
        if metrics is not None and metrics.unknown is not None:
            return encoder.name, metrics.unknown
    return encoder.name, unknown_in(engine.corpus, encoder.folder, encoder.name).share


@kept(4, mark("Looking at the corpus …"), also=_content)
def outlook(name: str) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """What to expect of a training on a corpus; columns that may describe its items, and that do.

    Those that do unless told otherwise.
    """
    from core.encode.item_text import choose_columns, text_columns
    from core.training.outlook import outlook

    try:
        said = outlook(corpus(name))
    except DomainError as error:
        said = (str(error),)
    return said, tuple(text_columns(corpus(name))), choose_columns(corpus(name))


@kept(64, mark("Following the interest …"))
def timeline(engine: Engine, user_id: str, recommender: str) -> TimelineView:
    """One user's timeline, with ranks in the lists of a recommender."""
    return build_timeline(engine, user_id, recommender)


@kept(512)
def moment(engine: Engine, user_id: str, recommender: str, step: int) -> MomentView:
    """One step of a timeline."""
    return build_moment(engine, timeline(engine, user_id, recommender), step, recommender)


@kept(4)
def interest_map(engine: Engine) -> MapView:
    """The map behind every path of a model."""
    return build_map(engine)


@kept(8)
def crowd(engine: Engine, theme: ThemeName) -> dict[str, Any]:
    """The picture of all states in one theme."""
    return crowd_image(interest_map(engine), PALETTES[theme])


@kept(4)
def expect_texts(engine: Engine) -> None:
    """Have the text encoder load beside the page, once, before somebody writes a review."""
    name, encoder = engine.encoder.name, engine.encoder
    job = Job("encoder", name, lambda progress, stop: encoder.encode(["warm up"]))
    # A process that ends while torch loads in a thread would abort.
    atexit.register(futures.wait, [job.future], timeout=30)


@kept(48, mark("Computing contributions …"))
def explaining(
    engine: Engine, user_id: str, step: int, item_id: str, recommender: str, margin: bool
) -> Explaining:
    """One question with what is already answered of it; DomainError for an unknown item."""
    from core.explain.word_values import open_review
    from core.views.explain.explaining import Explaining

    memory.when_empty("reviews", open_review.cache_clear)
    history = engine.corpus.history(user_id).up_to(step)
    return Explaining(engine, history, item_id, recommender, margin, library())


def stamp_of_model(engine: Engine, model_id: str, *rest: object) -> Fingerprint:
    """What changes when a model's folder is replaced, or goes."""
    try:
        return stamp(library().model_folder(engine.corpus.name, model_id))
    except DomainError:  # whoever asks by it is told why
        return None


@kept(16, mark("Computing contributions …"), also=stamp_of_model)
def explaining_by(
    engine: Engine,
    model_id: str,
    user_id: str,
    step: int,
    item_id: str,
    recommender: str,
    margin: bool,
) -> Explaining:
    """The same by another model; DomainError where that can't be asked, or lacks the item."""
    from core.compare.beside import recommender_of
    from core.views.explain.explaining import Explaining

    by = recommender_of(engine, library(), model_id, recommender, item_id)
    history = engine.corpus.history(user_id).up_to(step)
    return Explaining(engine, history, item_id, recommender, margin, library(), by)


@kept(256)
def list_after(engine: Engine, user_id: str, step: int, recommender: str) -> RecommendationList:
    """The first ten items after a step."""
    return engine.recommend(engine.corpus.history(user_id).up_to(step), 10, recommender)


@kept(32, mark("Looking through all lists …"))
def receivers(engine: Engine, item_id: str, recommender: str) -> ReceiversView:
    """Who gets an item now, and which of their events contributed most."""
    lists, rows = find_receivers(engine, item_id, recommender)
    return build_receivers(engine, item_id, lists, rows, 10)


def _stored_columns(engine: Engine, specs: Sequence[ColumnSpec], k: int) -> Fingerprint:
    """The revisions of all scenarios and the imports of all lists that columns name."""
    stamps: list[Fingerprint] = []
    for spec in specs:
        if spec.scenario is not None:
            saved = scenario_store().scenarios(engine.corpus.name, spec.user)
            stamps += [(scenario.scenario_id, scenario.revision) for scenario in saved]
        if spec.recommender is not None and spec.recommender not in engine.recommenders:
            stamps += [lists.lists_id for lists in served_lists(engine.corpus.name)]
    return tuple(stamps)


@kept(48, also=_stored_columns)
def comparing(
    engine: Engine, specs: Sequence[ColumnSpec], k: int
) -> tuple[Comparison, CompareView]:
    """A comparison and its view, computed once; DomainError for a column that can't be opened."""
    from core.compare.comparison import Comparison
    from core.views.compare.build import build_compare

    comparison = Comparison(engine, specs, k, library=library())
    return comparison, build_compare(comparison)


@kept(4)
def problem_of(store: RevisionStore[Any]) -> str:
    """What is wrong with a store, as a sentence; all of it is looked at, once per content."""
    return store.problem()


def scenario_store() -> ScenarioStore:
    """The store of the library's scenarios."""
    return ScenarioStore.open(library())


@kept(64)
def fork(engine: Engine, user_id: str, step: int, edits: Sequence[Edit], recommender: str) -> Fork:
    """What edits of a user's history up to a step do; DomainError for one that can't be made."""
    from core.compare.fork import run

    return run(engine, engine.corpus.history(user_id).up_to(step), edits, recommender)


def served_lists(corpus_name: str) -> list[ListsManifest]:
    """Lists that were imported for a corpus; read anew every time."""
    return served_manifests(corpus_name, library())


def measuring_turnover(engine: Engine, recommender: str) -> Task:
    """Measure it, as a job's work."""
    about = {"corpus": engine.corpus.name, "model": engine.model_id, "recommender": recommender}
    return Task(tasks.compare_lists, library().root, about)
