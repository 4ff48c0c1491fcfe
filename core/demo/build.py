"""The shipped demo: corpus, text vectors and trained model, made again from nothing."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import torch
from threadpoolctl import threadpool_limits

from core.corpus.folder import load_corpus
from core.corpus.store import PROJECT, Library
from core.demo.simulation import write_demo
from core.domain import Columns, review_words
from core.encode.cache import VectorCache
from core.encode.encoder import TextEncoder
from core.encode.library import DEMO_PACK
from core.files import replace_file
from core.progress import Progress, ProgressCallback, StopCallback, report
from core.training.training import train

DEMO_FOLDER = PROJECT / "data" / "demo"
DEMO_DATE = datetime(2026, 11, 24, tzinfo=UTC)
"""Written as the model's date, so that a rebuild gives the same bytes."""


def build_demo(
    folder: Path, progress: ProgressCallback | None = None, stop: StopCallback | None = None
) -> list[str]:
    """Write the demo into ``folder`` and return the files whose bytes changed.

    One thread and fp32 throughout. The corpus has the same bytes on any machine; vectors and model
    have them on processors with the same vector instructions and the pinned libraries.
    """
    before = _digests(folder)
    folder.mkdir(parents=True, exist_ok=True)
    threads = torch.get_num_threads()
    with tempfile.TemporaryDirectory(prefix="tastelines-demo-") as work, threadpool_limits(1):
        torch.set_num_threads(1)
        try:
            made = Path(work)
            report(progress, Progress("Simulating the shop", 0, 1))
            write_demo(made)
            corpus = load_corpus(made / "corpus")
            encoder = TextEncoder(precision="fp32")
            cache = VectorCache(None)
            train(
                corpus,
                Library(made / "library"),
                None,
                progress,
                stop,
                encoder=encoder,
                cache=cache,
                target=made / "models",
                created=DEMO_DATE,
            )
            texts = [
                event.words for user in corpus.user_ids for event in corpus.history(user).events
            ]
            texts += [
                review_words(title, category)
                for title, category in zip(
                    corpus.items[Columns.Title], corpus.items[Columns.Category], strict=True
                )
            ]
            cache.write_pack(made / DEMO_PACK.name, texts, encoder)
            shutil.rmtree(made / "library", ignore_errors=True)
            _put_in_place(made, folder)
        finally:
            torch.set_num_threads(threads)
    after = _digests(folder)
    names = sorted(before.keys() | after.keys())
    return [name for name in names if before.get(name) != after.get(name)]


def _put_in_place(made: Path, folder: Path) -> None:
    """Move every file, then remove what an older demo left."""
    kept = set()
    for path in sorted(made.rglob("*")):
        if path.is_file():
            name = path.relative_to(made)
            kept.add(name)
            _copy(path, folder / name)
    for path in sorted(folder.rglob("*"), reverse=True):
        name = path.relative_to(folder)
        if path.is_file() and name not in kept:
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()


def _copy(source: Path, place: Path) -> None:
    def write(target: Path) -> None:
        shutil.copyfile(source, target)

    replace_file(place, write)


def _digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }
