"""What is damaged in a library, and the way out: names and listings, or every byte.

Without ``deep`` only what names things is read: pointers, manifests, configs, whether listed files
are there. With it, every file is held to its hash and every array to what its model says.
"""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from core.cohorts import second_map, states
from core.cohorts import what_if as cohort_what_if
from core.cohorts.patterns import PatternStore
from core.cohorts.store import CohortStore
from core.compare import turnover
from core.corpus.corpus import Corpus
from core.corpus.own import FOLDER as OWN
from core.corpus.own import read_own_file
from core.corpus.store import Library
from core.domain import DomainError
from core.encode.cache import CACHE_FILE, DEMO_PACK, VectorCache, damaged_rows
from core.encode.multilingual import FOLDER as ENCODERS
from core.evaluate.served import FOLDER as LISTS
from core.evaluate.served import REFUSED, check_refused, load_lists, served_manifests, served_names
from core.evaluate.stored import check_name
from core.files import (
    load_arrays,
    read_object,
    read_only_address,
    read_sums,
    reason_of,
    unsealed,
    verify,
)
from core.language import mark, tr
from core.model.folder import check_model, read_config
from core.model.metrics import read_metrics
from core.notebook import Notebook
from core.progress import Progress, ProgressCallback, StopCallback, check_stop, report
from core.revisions import RevisionStore
from core.scenario.store import ScenarioStore
from core.scenario.unsaved import FOLDER as DRAFTS
from core.scenario.unsaved import read_draft
from core.strategy.log import ChangeStore
from core.strategy.store import StrategyStore
from core.turns import stored as turns

STORES: tuple[type[RevisionStore[Any]], ...] = (
    *(ScenarioStore, Notebook, CohortStore, PatternStore),
    *(StrategyStore, ChangeStore),
)
KINDS = {each.FOLDER: each.KIND for each in (states, cohort_what_if, second_map)}
RESULTS = {turnover.FOLDER: None, turns.FOLDER: None, **KINDS}
"""What a result's own file says that it is, by its folder; the first ones don't say it."""
MADE_AGAIN = mark("Delete the file; it is made again when needed")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong or worth knowing."""

    what: str
    """Kind and name, such as ``model 085fcd908f10 of demo``."""
    problem: str
    where: str = ""
    remedy: str = ""


@dataclass
class Checkup:
    """How many things were looked at, what is damaged among them, and what is only worth knowing.

    Notes are about content that is whole but old, foreign or not protected by hashes.
    """

    checked: int = 0
    damaged: list[Finding] = field(default_factory=list)
    notes: list[Finding] = field(default_factory=list)

    def facts(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)

    def look(self, what: str, check: Callable[[], object]) -> bool:
        """Run a check; a DomainError, or a file's error, is a finding."""
        self.checked += 1
        try:
            check()
        except DomainError as error:
            self.damaged.append(Finding(what, error.what, error.where, error.remedy))
        except (OSError, ValueError, KeyError, TypeError, sqlite3.Error) as error:
            self.damaged.append(Finding(what, reason_of(error)))
        else:
            return True
        return False


def examine(
    library: Library,
    *,
    deep: bool = False,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> Checkup:
    """Look at everything in a library and at the shipped demo; nothing is changed."""
    found = Checkup()
    manifests, damaged = library.survey()
    for name, error in damaged.items():
        found.look(_corpus(name), _raising(error))
    for number, manifest in enumerate(manifests):
        check_stop(stop)
        report(progress, Progress(_corpus(manifest.name), number, len(manifests)))
        _examine_corpus(found, library, manifest.name, deep)
    for place, remedy in _single_files(library):
        check_stop(stop)
        report(progress, Progress(place.name, 0, 1))
        found.look(str(place.relative_to(library.root)), partial(_read_single, place, remedy))
    for place in _children(library, ENCODERS):
        if place.is_dir() and place.name[0] != ".":
            remedy = tr("Delete the folder; it is made again from the package")
            _look_at_files(found, tr("encoder {name}", name=place.name), place, deep, remedy)
    _examine_stores(found, library, deep)
    if DEMO_PACK.is_file():
        found.look(tr("vectors of the demo"), lambda: VectorCache(None, [DEMO_PACK]))
    if library.root.exists() and not os.access(library.root, os.W_OK):
        found.notes.append(Finding(tr("library"), tr("it can't be written"), str(library.root)))
    return found


def _corpus(name: str) -> str:
    return tr("corpus {name}", name=name)


def _examine_corpus(found: Checkup, library: Library, name: str, deep: bool) -> None:
    folder = library.corpus_folder(name)
    what = _corpus(name)
    _look_at_files(found, what, folder, deep, tr("Import the corpus again"))
    loaded: list[Corpus] = []
    if deep:
        found.look(what, lambda: loaded.append(library.corpus(name)))
    models = library.models(name)
    for model_id, error in models.damaged.items():
        found.look(tr("model {model} of {corpus}", model=model_id, corpus=name), _raising(error))
    manifest = library.manifest(name)
    for model in models.folders:
        what = tr("model {model} of {corpus}", model=model.name, corpus=name)
        command = f"python -m core train {name}"  # no sentence
        remedy = tr("Train again: {command}", command=command)
        _look_at_files(found, what, model, deep, remedy)
        if found.look(what, partial(read_config, model)):
            config = read_config(model)
            if config.corpus_id != manifest.corpus_id:
                problem = tr("it belongs to other content (id {id})", id=config.corpus_id)
                if since := manifest.appends_since(config.corpus_id):
                    n = sum(append.accepted for append in since)
                    problem = tr("it was made before {n:,} events were appended", n=n)
                found.notes.append(Finding(what, problem, str(model)))
            elif loaded:
                found.look(what, partial(check_model, model, loaded[0]))
        found.look(tr("metrics of {what}", what=what), partial(read_metrics, model))
    held = {lists.name for lists in served_manifests(name, library)}
    names = served_names(name, library)
    for path in _children(library, f"{LISTS}/{name}"):
        of = path.name.removesuffix(REFUSED)
        if path.name.endswith(REFUSED) and of not in names:
            problem = tr("the lists of these refused rows are gone")
            what, remedy = tr("lists {name}", name=of), tr("Delete the file")
            found.notes.append(Finding(what, problem, str(path), remedy))
    for lists in names:
        what = tr("lists {name}", name=lists)
        if deep and loaded:
            whole = found.look(what, partial(load_lists, loaded[0], library, lists))
            if whole:
                check = partial(check_refused, library, name, lists)
                found.look(tr("refused rows of lists {name}", name=lists), check)
        elif lists not in held:
            problem = tr("the imported lists {name!r} are damaged", name=lists)
            found.look(what, _raising(DomainError(problem, remedy=tr("Import again"))))


def _check_kind(path: Path, metadata: Mapping[str, str]) -> None:
    """ValueError where a result isn't of the kind that its folder holds."""
    wanted = next(RESULTS[part] for part in reversed(path.parts) if part in RESULTS)
    if json.loads(metadata["facts"]).get("kind") != wanted:
        raise ValueError(tr("it holds another kind of result"))


def _look_at_files(found: Checkup, what: str, folder: Path, deep: bool, remedy: str) -> None:
    """All listed files of a folder: whether they are there, or whole."""
    try:
        sums = read_sums(folder)
    except DomainError as error:
        found.look(what, _raising(DomainError(error.what, where=error.where, remedy=remedy)))
        return
    if sums is None:
        problem = tr("it has no list of hashes (made by an older version); it is held to its id")
        found.notes.append(Finding(what, problem, str(folder)))
        return
    for name in sums:
        if deep or not (folder / name).is_file():
            check = partial(verify, folder, (name,), remedy=remedy)
            found.look(tr("{what}, {file}", what=what, file=name), check)
        else:
            found.checked += 1


def _single_files(library: Library) -> Iterator[tuple[Path, str]]:
    """Files that hold their own hash, and what to do about a damaged one."""
    for folder in ("evaluations", *RESULTS):
        with suppress(OSError):
            for path in sorted((library.root / folder).rglob("*.safetensors")):
                yield path, tr(MADE_AGAIN)
    with suppress(OSError):
        for path in sorted((library.root / "tuning").glob("*/tuned.json")):
            yield path, tr("Delete the file, then run tune again")
    for folder in (OWN, DRAFTS):
        for path in _children(library, folder):
            if path.name[0] != ".":
                yield path, tr("Delete the file; links to it no longer open")


def _children(library: Library, folder: str) -> list[Path]:
    with suppress(OSError):
        return sorted((library.root / folder).iterdir())
    return []


def _read_single(path: Path, remedy: str) -> None:
    try:
        if path.parent.name == DRAFTS:
            read_draft(path)
        elif path.parent.name == OWN:
            read_own_file(path)
        elif path.suffix == ".json":
            unsealed(read_object(path))
        else:
            _, metadata = load_arrays(path)
            if path.parent.name == "evaluations":
                check_name(path, metadata)
            else:
                _check_kind(path, metadata)
    except (OSError, ValueError) as error:
        raise DomainError(reason_of(error), where=str(path), remedy=remedy) from None


def _examine_stores(found: Checkup, library: Library, deep: bool) -> None:
    vectors = library.root / CACHE_FILE
    if vectors.exists():
        found.look(CACHE_FILE, lambda: VectorCache(vectors).check())
    stores = {store.file_name: store.open(library) for store in STORES}
    for name, store in stores.items():
        if store.path.exists():
            found.look(name, partial(_read_entries, found, store))
    with suppress(OSError):
        if vectors.stat().st_size == 0:
            _note_empty(found, vectors)
    if not deep:
        return
    for name in (CACHE_FILE, *stores):
        if (library.root / name).is_file():
            every = tr("{file}, every page", file=name)
            found.look(every, partial(_check_pages, library.root / name))
    if vectors.is_file():
        with suppress(sqlite3.Error):
            if n := damaged_rows(vectors):
                problem = tr("{n:,} vectors are damaged; they are made again when needed", n=n)
                found.notes.append(Finding(CACHE_FILE, problem, str(vectors)))


def _note_empty(found: Checkup, path: Path) -> None:
    problem = tr("it is empty: nothing was saved, or it was emptied")
    found.notes.append(Finding(path.name, problem, str(path)))


def _read_entries(found: Checkup, store: RevisionStore[Any]) -> None:
    if store.is_empty():
        _note_empty(found, store.path)
    audit = store.audit()
    if audit.unsealed:
        problem = tr("revisions of an older version, without a hash: {n:,}", n=audit.unsealed)
        found.notes.append(Finding(store.file_name, problem, str(store.path)))
    if audit.unreadable:
        n = audit.unreadable
        problem = tr("revisions or charts that can't be read, changed or gone: {n:,}", n=n)
        remedy = tr("Other revisions are kept; restore the file from a backup")
        raise DomainError(problem, where=str(store.path), remedy=remedy)


def _check_pages(path: Path) -> None:
    with closing(sqlite3.connect(read_only_address(path), uri=True)) as connection:
        (answer,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if answer != "ok":
        remedy = tr("Restore the file from a backup, or delete it")
        raise DomainError(
            tr("SQLite says: {answer}", answer=answer), where=str(path), remedy=remedy
        )


def _raising(error: DomainError) -> Callable[[], None]:
    def check() -> None:
        raise error

    return check
