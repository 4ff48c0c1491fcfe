"""Corpora and models on disk: the library."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import pandas as pd
import pyarrow as pa

from core.corpus.corpus import Corpus
from core.corpus.folder import MANIFEST_FILE, load_corpus, save_corpus
from core.corpus.manifest import Manifest, Source
from core.domain import DomainError
from core.files import replace_text

__all__ = ["DEMO", "Corpus", "Library", "Manifest", "Source", "save_corpus"]

DEMO = "demo"
PROJECT = Path(__file__).resolve().parents[2]
POINTER_FILE = "current.json"
STAGING_PREFIX = ".importing-"


@dataclass(frozen=True)
class Library:
    """A folder of corpora and models: ``corpora/NAME/``, ``models/NAME/MODEL_ID/``.

    The committed demo corpus and its models belong to every library.
    """

    root: Path

    @classmethod
    def open(cls, path: Path | None = None) -> Library:
        """The library at ``path``, else at $TASTELINES_LIBRARY, else ``data/library``.

        Nothing is created before something is written.
        """
        chosen = path or os.environ.get("TASTELINES_LIBRARY") or PROJECT / "data" / "library"
        root = Path(chosen).expanduser().resolve()
        if root.exists() and not root.is_dir():
            raise DomainError(
                "the library is a file, not a folder",
                where=str(root),
                remedy="Choose another folder with --library",
            )
        return cls(root)

    def corpora(self) -> list[Manifest]:
        """Manifests of all readable corpora: the demo first, then by name."""
        names = (path.parent.name for path in self.root.glob(f"corpora/*/{POINTER_FILE}"))
        manifests = []
        for name in (DEMO, *sorted(names)):
            with suppress(DomainError):
                manifests.append(self.manifest(name))
        return manifests

    def manifest(self, name: str) -> Manifest:
        """The facts of one corpus; DomainError when there is none of that name."""
        return Manifest.read(self.corpus_folder(name) / MANIFEST_FILE)

    def corpus_folder(self, name: str) -> Path:
        """The folder that holds a corpus now; DomainError when there is none of that name."""
        check_name(name)
        if name == DEMO:
            folder = PROJECT / "data" / "demo" / "corpus"
        else:
            folder = self.root / "corpora" / name / self._current_id(name)
        if not (folder / MANIFEST_FILE).is_file():
            raise self._unknown(name)
        return folder

    def corpus(self, name: str) -> Corpus:
        """Load a corpus; DomainError when it is unknown or damaged."""
        try:
            return load_corpus(self.corpus_folder(name))
        except (FileNotFoundError, DomainError):  # an import may just have replaced it
            return load_corpus(self.corpus_folder(name))

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
            raise DomainError(
                "the name 'demo' belongs to the shipped corpus", remedy="Choose another name"
            )

    @contextmanager
    def staging(self, name: str) -> Iterator[Path]:
        """A fresh folder to prepare a corpus in; gone afterwards unless it was published.

        A first import that fails leaves no other folder either. Leftovers of killed imports are
        removed first. DomainError for a name that cannot be used and while another import of the
        same name runs.
        """
        self.check_free(name)
        home = self.root / "corpora" / name
        made = [folder for folder in (home, *home.parents) if not folder.exists()]
        with self.writing("library"):
            home.mkdir(parents=True, exist_ok=True)
            lock = (home / ".lock").open("w")
        with lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise DomainError(
                    f"another import of {name!r} is running",
                    where=str(home),
                    remedy="Wait for it, or choose another name",
                ) from None
            for leftover in home.glob(STAGING_PREFIX + "*"):
                shutil.rmtree(leftover, ignore_errors=True)
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
        """Turn a failure to write into the DomainError that says so."""
        try:
            yield
        except (OSError, pa.ArrowException) as error:
            raise DomainError(
                f"the {what} could not be written: {getattr(error, 'strerror', None) or error}",
                where=str(self.root),
                remedy="Check free space and permissions, or choose another --library",
            ) from None

    def publish(self, folder: Path, manifest: Manifest) -> None:
        """Make a prepared folder the current corpus of its name, in one step."""
        home = self.root / "corpora" / manifest.name
        target = home / manifest.corpus_id
        for path in folder.iterdir():
            with path.open("rb") as file:
                os.fsync(file.fileno())
        if target.exists():
            for path in sorted(folder.iterdir()):
                path.replace(target / path.name)
        else:
            folder.rename(target)
        pointer = json.dumps({"corpus_id": manifest.corpus_id}) + "\n"
        replace_text(home / POINTER_FILE, pointer)
        for old in home.iterdir():
            if old.is_dir() and old not in (target, folder):
                shutil.rmtree(old, ignore_errors=True)

    def models_root(self, name: str) -> Path:
        """Where new model folders of a corpus go."""
        check_name(name)
        return self.root / "models" / name

    def model_folders(self, name: str) -> list[Path]:
        """Finished models of a corpus, newest first (``created`` in config.json, then id)."""
        roots = [self.models_root(name)]
        if name == DEMO:
            roots.append(PROJECT / "data" / "demo" / "models")
        dated = [
            (created, path.parent.name, path.parent)
            for root in roots
            for path in root.glob("*/config.json")
            # A training that is under way, or was killed, has a name with a leading dot.
            if path.parent.name[0] != "." and (created := _created(path)) is not None
        ]
        return [folder for _, _, folder in sorted(dated, reverse=True)]

    def model_folder(self, name: str, model_id: str | None = None) -> Path:
        """The folder of one model, or of the newest; DomainError when there is none."""
        folders = self.model_folders(name)
        for folder in folders:
            if model_id in (None, folder.name):
                return folder
        known = ", ".join(folder.name for folder in folders[:5])
        raise DomainError(
            f"there is no model {model_id!r}" if model_id else "there is no trained model",
            where=f"corpus {name}",
            remedy=f"Choose one of {known}" if folders else f"Run: python -m core train {name}",
        )

    def _current_id(self, name: str) -> str:
        pointer = self.root / "corpora" / name / POINTER_FILE
        try:
            return check_name(str(json.loads(pointer.read_text(encoding="utf-8"))["corpus_id"]))
        except FileNotFoundError:
            raise self._unknown(name) from None
        except (ValueError, TypeError, KeyError):
            raise DomainError(
                f"the pointer of corpus {name!r} is damaged",
                where=str(pointer),
                remedy="Import the corpus again",
            ) from None

    def _unknown(self, name: str) -> DomainError:
        return DomainError(
            f"there is no corpus {name!r}",
            where=f"library {self.root}",
            remedy="See python -m core corpora, or import one with python -m core import",
        )


def check_name(name: str, use: str = "a corpus name", where: str = "") -> str:
    """Return a name that is safe as a file's or folder's name; DomainError otherwise."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,63}", name):
        raise DomainError(
            f"{name!r} cannot be {use}",
            where=where,
            remedy="Use up to 64 of a-z, 0-9, - and _, beginning with a letter or digit",
        )
    return name


def _created(config: Path) -> str | None:
    """When a model was made, as written in its config; None for a config that can't be read."""
    try:
        return str(json.loads(config.read_text(encoding="utf-8")).get("created", ""))
    except (OSError, ValueError, AttributeError):
        return None


def created_at(model_folder: Path) -> datetime | None:
    """When a model was made, by its config.json; None where that can't be read."""
    try:
        return datetime.fromisoformat(_created(model_folder / "config.json") or "")
    except ValueError:
        return None
