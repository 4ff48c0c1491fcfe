"""Corpora and models on disk: the library."""

from __future__ import annotations

import fcntl
import hashlib
import itertools
import json
import logging
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa

from core import access
from core.corpus.corpus import Corpus
from core.corpus.folder import MANIFEST_FILE, load_corpus, save_corpus
from core.corpus.manifest import Manifest, Source
from core.corpus.models import Models, find_models, read_model_facts
from core.domain import DomainError
from core.files import SUMS, Damaged, read_object, reason_of, replace_text, write_sums
from core.home import DATA, usual_library
from core.language import mark, tr

__all__ = ["DEMO", "Corpus", "Library", "Manifest", "Source", "save_corpus"]

DEMO = "demo"
POINTER_FILE = "current.json"
STAGING_PREFIX = ".importing-"
A_CORPUS_NAME = mark("a corpus name")
IMPORT_AGAIN = mark("Import the corpus again")


class UnknownCorpus(DomainError):
    """There is no corpus of that name."""


@dataclass(frozen=True)
class Library:
    """A folder of corpora and models: ``corpora/NAME/``, ``models/NAME/MODEL_ID/``.

    The committed demo corpus and its models belong to every library.
    """

    root: Path

    @classmethod
    def open(cls, path: Path | None = None) -> Library:
        """The library at ``path``, else at $TASTELINES_LIBRARY, else ``usual_library``.

        Nothing is created before something is written. ``Refused`` for who isn't signed in.
        """
        access.need_reader()
        return cls(library_root(path))

    def corpora(self) -> list[Manifest]:
        """Manifests of all readable corpora: the demo first, then by name."""
        return self.survey()[0]

    def damaged(self) -> dict[str, DomainError]:
        """Why corpora can't be read, by name."""
        return self.survey()[1]

    def survey(self) -> tuple[list[Manifest], dict[str, DomainError]]:
        """Manifests of all readable corpora, and why others can't be read, by name."""
        manifests: list[Manifest] = []
        damaged: dict[str, DomainError] = {}
        for name in (DEMO, *self._names()):
            try:
                manifests.append(self.manifest(name))
            except UnknownCorpus:
                continue
            except DomainError as error:
                damaged[name] = error
        return manifests, damaged

    def _names(self) -> list[str]:
        """Names of the corpora that are here, damaged ones too; DomainError if nobody can say."""
        folder = self.root / "corpora"
        try:
            homes = sorted(folder.iterdir())
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise DomainError(
                tr("the corpora of the library can't be listed: {reason}", reason=reason_of(error)),
                where=str(folder),
                remedy=tr("Give this user the right to read the folder, or try again"),
            ) from error
        return [home.name for home in homes if home.name != DEMO and _is_corpus(home)]

    def manifest(self, name: str) -> Manifest:
        """The facts of one corpus; DomainError when there is none of that name, or damaged."""
        folder = self.corpus_folder(name)
        return _own(name, folder, Manifest.read(folder / MANIFEST_FILE))

    def corpus_folder(self, name: str) -> Path:
        """The folder that holds a corpus now; DomainError when there is none of that name."""
        check_name(name)
        if name == DEMO:
            folder = DATA / DEMO / "corpus"
            if not folder.exists():
                raise self._unknown(name)
            return folder
        return self.root / "corpora" / name / self._current_folder(name)

    def corpus(self, name: str) -> Corpus:
        """Load a corpus; DomainError when it is unknown or damaged."""
        try:
            return self._load(name)
        except UnknownCorpus:
            raise
        except DomainError:  # an import may just have replaced it
            return self._load(name)

    def _load(self, name: str) -> Corpus:
        folder = self.corpus_folder(name)
        corpus = load_corpus(folder, self.root)
        _own(name, folder, corpus.manifest)
        return corpus

    def write(
        self,
        name: str,
        events: pd.DataFrame,
        items: pd.DataFrame,
        *,
        rating_scale: tuple[float, float] | None,
        notes: Sequence[str] = (),
    ) -> Corpus:
        """Store validated tables as a corpus; an older one of the same name goes at the end."""
        with self.staging(name) as folder:
            manifest = save_corpus(
                folder, name, events, items, rating_scale=rating_scale, notes=notes
            )
            self.publish(folder, manifest)
        return self.corpus(name)

    def check_free(self, name: str) -> None:
        """DomainError for a name that no corpus of one's own can have."""
        check_name(name)
        if name == DEMO:
            what = tr("the name 'demo' belongs to the shipped corpus")
            raise DomainError(what, remedy=tr("Choose another name"))

    @contextmanager
    def staging(self, name: str) -> Iterator[Path]:
        """A fresh folder to prepare a corpus in; gone afterwards unless it was published.

        A first import that fails leaves no other folder either. Leftovers of killed imports are
        removed first. DomainError for a name that cannot be used and while another import of the
        same name runs, and for all but editors.
        """
        access.need_editor(mark("importing"))
        self.check_free(name)
        home = self.root / "corpora" / name
        made = [folder for folder in (home, *home.parents) if not folder.exists()]
        with self.writing(mark("library")):
            home.mkdir(parents=True, exist_ok=True)
            lock = (home / ".lock").open("w")
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise DomainError(
                    tr("another import of {name!r} is running", name=name),
                    where=str(home),
                    remedy=tr("Wait for it, or choose another name"),
                ) from None
            for leftover in home.glob(STAGING_PREFIX + "*"):
                shutil.rmtree(leftover, ignore_errors=True)
            with suppress(DomainError):
                _remove_others(home, home / self._current_folder(name))
            for leftover in home.glob(f".{POINTER_FILE}.*.tmp"):
                leftover.unlink(missing_ok=True)
            with tempfile.TemporaryDirectory(
                prefix=STAGING_PREFIX, dir=home, ignore_cleanup_errors=True
            ) as folder:
                Path(folder).chmod(0o755)
                try:
                    yield Path(folder)
                finally:
                    if made and not (home / POINTER_FILE).exists():
                        shutil.rmtree(folder, ignore_errors=True)
                        (home / ".lock").unlink(missing_ok=True)
                        for parent in made:
                            with suppress(OSError):  # another import may be at work there
                                parent.rmdir()

    @contextmanager
    def writing(self, what: str) -> Iterator[None]:
        """Turn a failure to write into the DomainError that says so; ``what`` is marked."""
        try:
            yield
        except (OSError, pa.ArrowException) as error:
            reason = getattr(error, "strerror", None) or error
            raise DomainError(
                tr("the {what} could not be written: {reason}", what=tr(what), reason=reason),
                where=str(self.root),
                remedy=tr("Check free space and permissions, or choose another --library"),
            ) from None

    def publish(self, folder: Path, manifest: Manifest) -> None:
        """Make a prepared folder the current corpus of its name, in one step."""
        access.need_editor(mark("importing"))
        home = self.root / "corpora" / manifest.name
        write_sums(folder)
        for path in folder.iterdir():
            with path.open("rb") as file:
                os.fsync(file.fileno())
        target = home / manifest.corpus_id
        numbers = itertools.count(2)
        while target.exists():
            target = home / f"{manifest.corpus_id}-{next(numbers)}"
        folder.rename(target)
        facts = {"corpus_id": manifest.corpus_id}
        if target.name != manifest.corpus_id:  # the same content, imported again
            facts["folder"] = target.name
        replace_text(home / POINTER_FILE, json.dumps(facts) + "\n")
        _remove_others(home, target, folder)

    def models_root(self, name: str) -> Path:
        """Where new model folders of a corpus go."""
        check_name(name)
        return self.root / "models" / name

    def models(self, name: str) -> Models:
        """Finished models of a corpus, and damaged ones.

        Those of the corpus's content come first, then the newest.
        """
        roots = [self.models_root(name)]
        if name == DEMO:
            roots.append(DATA / DEMO / "models")
        corpus_id = None
        with suppress(DomainError):
            corpus_id = self.manifest(name).corpus_id
        return find_models(roots, corpus_id)

    def model_folders(self, name: str) -> list[Path]:
        """Finished models of a corpus in the order of ``models``."""
        return list(self.models(name).folders)

    def model_folder(self, name: str, model_id: str | None = None) -> Path:
        """The folder of one model, or of the first; DomainError when it is damaged or unknown."""
        models = self.models(name)
        for folder in models.folders:
            if model_id in (None, folder.name):
                return folder
        for damaged, error in models.damaged.items():
            if model_id in (None, damaged):
                raise error
        known = ", ".join(folder.name for folder in models.folders[:5])
        what, remedy = tr("there is no trained model"), tr("Choose one of {names}", names=known)
        if model_id:
            what = tr("there is no model {name!r}", name=model_id)
        if not known:
            remedy = tr("Run: python -m core train {name}", name=name)
        raise DomainError(what, where=tr("corpus {name}", name=name), remedy=remedy)

    def _current_folder(self, name: str) -> str:
        home = self.root / "corpora" / name
        pointer = home / POINTER_FILE
        try:
            facts = read_object(pointer)
            folder = str(facts.get("folder", facts["corpus_id"]))
            if not re.fullmatch(r"[a-z0-9-]{1,64}", folder):
                raise ValueError
            if (home / folder).is_dir():
                return folder
            what = tr(
                "the pointer of corpus {name!r} names a folder that isn't there: {folder}",
                name=name,
                folder=folder,
            )
        except FileNotFoundError:
            finished = _finished(home)
            if not finished:
                raise self._unknown(name) from None
            if len(finished) == 1:  # its first import was killed just before the pointer
                return finished[0]
            what = tr("the pointer of corpus {name!r} is missing", name=name)
        except OSError as error:
            reason = reason_of(error)
            what = tr(
                "the pointer of corpus {name!r} can't be read: {reason}", name=name, reason=reason
            )
        except (ValueError, KeyError):
            what = tr("the pointer of corpus {name!r} is damaged", name=name)
        raise Damaged(what, where=str(pointer), remedy=tr(IMPORT_AGAIN))

    def keep(self, path: Path, write: Callable[[Path], object]) -> None:
        """Let ``write`` fill a file of results in the library, or in a spare place if it can't.

        What was computed is worth more than its place; where neither can take it, a warning, and
        where who acts is no editor.
        """
        if not access.may_edit():
            logging.getLogger(__name__).warning("%s is not kept: that is for editors", path.name)
            return
        problem = ""
        for place in self.places(path):
            try:
                write(place)
            except OSError as error:
                problem = problem or reason_of(error)
            else:
                if place != path:
                    said = "%s could not be written (%s); kept in %s"  # no sentence
                    logging.getLogger(__name__).warning(said, path, problem, place)
                return
        said = "%s could not be written (%s); it will be computed again"  # no sentence
        logging.getLogger(__name__).warning(said, path, problem)

    def places(self, path: Path) -> tuple[Path, ...]:
        """Where a file of results may be: in the library, or where ``keep`` puts it otherwise."""
        try:
            spare = Path(tempfile.gettempdir()) / f"tastelines-{os.getuid()}"
            spare.mkdir(mode=0o700, exist_ok=True)
            facts = spare.lstat()
        except OSError:
            return (path,)
        if facts.st_uid != os.getuid() or not stat.S_ISDIR(facts.st_mode):
            return (path,)  # somebody else's
        root = hashlib.sha256(str(self.root).encode()).hexdigest()[:16]
        return path, spare / root / path.relative_to(self.root)

    def _unknown(self, name: str) -> UnknownCorpus:
        return UnknownCorpus(
            tr("there is no corpus {name!r}", name=name),
            where=tr("library {path}", path=self.root),
            remedy=tr("See python -m core corpora, or import one with python -m core import"),
        )


def library_root(path: Path | None = None) -> Path:
    """The folder that ``Library.open`` chooses; DomainError where it can't be one."""
    chosen = path or os.environ.get("TASTELINES_LIBRARY") or usual_library()
    problem = ""
    try:
        root = Path(chosen).expanduser().resolve()
        if root.exists() and not root.is_dir():
            problem = tr("the library is a file, not a folder")
    except (OSError, ValueError, RuntimeError) as error:
        root = Path(chosen)
        problem = tr("the library can't be opened: {reason}", reason=reason_of(error))
    if problem:
        remedy = tr("Choose another folder with --library")
        raise DomainError(problem, where=str(root), remedy=remedy)
    return root


def check_name(name: str, use: str = A_CORPUS_NAME, where: str = "") -> str:
    """Return a name that is safe as a file's or folder's name; DomainError otherwise.

    ``use`` is marked.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", name):
        raise DomainError(
            tr("{name!r} cannot be {use}", name=name, use=tr(use)),
            where=where,
            remedy=tr("Use up to 64 of a-z, 0-9, - and _, beginning with a letter or digit"),
        )
    return name


def _remove_others(home: Path, *kept: Path) -> None:
    """Remove the folders of content that the corpus no longer has."""
    for old in home.iterdir():
        if old.is_dir() and old not in kept:
            shutil.rmtree(old, ignore_errors=True)


def _is_corpus(home: Path) -> bool:
    """Whether a folder holds a corpus, or did: a pointer, or a folder that was finished."""
    return os.path.lexists(home / POINTER_FILE) or bool(_finished(home))


def _finished(home: Path) -> list[str]:
    """Names of the folders of corpora that were written to the end."""
    with suppress(OSError):
        return [
            path.name for path in home.iterdir() if path.name[0] != "." and (path / SUMS).exists()
        ]
    return []


def _own(name: str, folder: Path, manifest: Manifest) -> Manifest:
    """The manifest, if it belongs to this name and folder; ``Damaged`` if it is foreign."""
    if manifest.name != name:
        raise Damaged(
            tr("the corpus {name!r} holds another one, {other!r}", name=name, other=manifest.name),
            where=str(folder),
            remedy=tr("Move it to {other}, or import it as {name}", other=manifest.name, name=name),
        )
    if name != DEMO and folder.name.partition("-")[0] != manifest.corpus_id:
        raise Damaged(
            tr("the corpus {name!r} holds other content than its pointer says", name=name),
            where=str(folder),
            remedy=tr(IMPORT_AGAIN),
        )
    return manifest


def created_at(model_folder: Path) -> datetime | None:
    """When a model was made, by its config.json; None where that can't be read."""
    try:
        return datetime.fromisoformat(str(read_model_facts(model_folder).get("created", "")))
    except (ValueError, DomainError):
        return None
