"""The shipped demo: corpus, text vectors and trained model, made again from nothing."""

from __future__ import annotations

import shutil
import tempfile
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import torch
from threadpoolctl import threadpool_limits

from core.corpus.folder import load_corpus
from core.corpus.store import DEMO, Library
from core.demo.simulation import write_demo
from core.encode.cache import DEMO_PACK, VectorCache
from core.encode.encoder import TextEncoder
from core.encode.item_text import TITLE_AND_CATEGORY, item_texts
from core.files import replace_file, write_sums
from core.home import DATA
from core.progress import Progress, ProgressCallback, StopCallback, report
from core.training.training import train

DEMO_FOLDER = DATA / DEMO
DEMO_DATE = datetime(2026, 11, 24, tzinfo=UTC)
"""Written as the model's date, so that a rebuild gives the same bytes."""


def build_demo(
    folder: Path, progress: ProgressCallback | None = None, stop: StopCallback | None = None
) -> list[str]:
    """Write the demo into ``folder`` and return the files whose bytes changed.

    One thread and fp32 throughout. The corpus has the same bytes on any machine; vectors and model
    have them on processors with the same vector instructions and the pinned libraries.
    """
    threads = torch.get_num_threads()
    with tempfile.TemporaryDirectory(prefix="tastelines-demo-") as work, threadpool_limits(1):
        torch.set_num_threads(1)
        try:
            made = Path(work) / "demo"
            report(progress, Progress("Simulating the shop", 0, 1))
            write_demo(made)
            corpus = load_corpus(made / "corpus")
            encoder = TextEncoder(precision="fp32")
            cache = VectorCache(None)
            train(
                corpus,
                Library(Path(work) / "library"),
                None,
                progress,
                stop,
                encoder=encoder,
                cache=cache,
                item_text=TITLE_AND_CATEGORY,
                target=made / "models",
                created=DEMO_DATE,
            )
            texts = [
                event.words for user in corpus.user_ids for event in corpus.history(user).events
            ]
            texts += item_texts(corpus, TITLE_AND_CATEGORY)
            cache.write_pack(made / DEMO_PACK.name, texts, encoder)
            write_sums(made)
            return _put_in_place(made, folder)
        finally:
            torch.set_num_threads(threads)


def _put_in_place(made: Path, folder: Path) -> list[str]:
    """Replace the files that differ and remove what an older demo left; returns their names."""
    old, new = _files(folder), _files(made)
    changed = sorted(name for name in old | new if old.get(name) != new.get(name))
    for name in changed:
        if name in new:
            replace_file(folder / name, partial(shutil.copyfile, made / name))
        else:
            (folder / name).unlink()
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
    return changed


def _files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }
