"""Turnover on disk: measured once per corpus, model, recommender and length of list."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import SafetensorError

from core.compare.turnover import ARRAYS, K, Turnover, measure_turnover
from core.corpus.store import Library
from core.files import load_arrays, save_arrays
from core.progress import ProgressCallback, StopCallback

if TYPE_CHECKING:
    from core.engine import Engine

FOLDER = "turnover"
FORMAT = "1"
"""Changes with the meaning of the file."""


def stored_path(library: Library, engine: Engine, recommender: str, k: int) -> Path:
    """Where the turnover of a whole corpus lies."""
    name = f"{engine.fingerprint(recommender)}-{recommender}-{k}.safetensors"
    return library.root / FOLDER / engine.corpus.corpus_id / name


def read_turnover(
    library: Library, engine: Engine, recommender: str | None = None, k: int = K
) -> Turnover | None:
    """What was measured before; None where nothing was, or for something else."""
    name = engine.recommender(recommender).id
    path = stored_path(library, engine, name, k)
    try:
        tensors, header = load_arrays(path)
        facts = json.loads(header["facts"])
        corpus = engine.corpus
        if facts != _facts(engine, name, k) or len(tensors["change"]) != len(corpus.user_ids):
            return None
        arrays = {key: tensors[key] for key in ARRAYS}
        return Turnover(corpus.corpus_id, engine.model_id, name, k, corpus.user_ids, **arrays)
    except (OSError, ValueError, KeyError, SafetensorError):
        return None


def make_turnover(
    library: Library,
    engine: Engine,
    recommender: str | None = None,
    k: int = K,
    *,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> Turnover:
    """Read the turnover of a whole corpus, or measure it and store it whole or not at all."""
    known = read_turnover(library, engine, recommender, k)
    if known is not None:
        return known
    turnover = measure_turnover(engine, None, recommender, k, progress=progress, stop=stop)
    facts = {"facts": json.dumps(_facts(engine, turnover.recommender, k))}
    path = stored_path(library, engine, turnover.recommender, k)
    save_arrays(path, {key: getattr(turnover, key) for key in ARRAYS}, facts)
    return turnover


def _facts(engine: Engine, recommender: str, k: int) -> dict[str, str | int]:
    return {
        "format": FORMAT,
        "corpus_id": engine.corpus.corpus_id,
        "model_id": engine.fingerprint(recommender),
        "recommender": recommender,
        "k": k,
    }
