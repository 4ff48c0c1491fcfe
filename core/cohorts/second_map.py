"""A second seed's map of the same states: fitted when asked for, kept in the library.

The model's own map never changes; this one only shows which of its structure another seed repeats.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.arrays import check_array
from core.corpus.store import Library
from core.files import first_kept, is_about, kept_or_none, load_arrays, save_arrays
from core.interest_map.kept import Overlay, overlay
from core.interest_map.projection import FURTHEST, refit_positions, refit_rows
from core.language import mark
from core.progress import Progress, ProgressCallback, StopCallback, check_stop, report

if TYPE_CHECKING:
    from core.engine import Engine

FOLDER = "maps"
KIND, FORMAT = "map", "1"
STAGE = mark("follow every user's interest")
SEED = 1
"""Added to the model's own seed, so that it is another one."""


def seed_of(engine: Engine) -> int:
    """The second map's seed."""
    return int(engine.config.settings.seed) + SEED


def stored_path(library: Library, engine: Engine) -> Path:
    """Where the second map of a model lies."""
    return library.root / FOLDER / engine.corpus.corpus_id / f"{engine.model_id}.safetensors"


def read_second(library: Library, engine: Engine) -> Overlay | None:
    """The second map laid over the model's; None where none was fitted, ``Damaged`` if it is."""

    def read(path: Path) -> Overlay | None:
        arrays, header = load_arrays(path)
        if not is_about(header, _facts(engine)):
            return None
        shape = (len(engine.map.anchors), 2)
        positions = check_array(
            "positions", arrays["positions"], np.float32, shape, low=-FURTHEST, high=FURTHEST
        )
        return overlay(engine.map, positions, seed_of(engine))

    return first_kept(library.places(stored_path(library, engine)), read, mark("second map"))


def make_second(
    library: Library,
    engine: Engine,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> Overlay:
    """Read the second map of a model, or fit it and store it whole or not at all."""
    known = kept_or_none(lambda: read_second(library, engine))
    if known is not None:
        return known
    corpus = engine.corpus
    rows = refit_rows(engine.map, corpus.n_events, seed_of(engine))
    queries = np.zeros((len(rows), engine.config.settings.dim), np.float32)
    ends = np.searchsorted(rows, corpus.user_starts)
    for done, user in enumerate(corpus.user_ids):
        check_stop(stop)
        report(progress, Progress(STAGE, done, len(corpus.user_ids)))
        own = slice(ends[done], ends[done + 1])
        if own.start < own.stop:
            states = engine.interest.states(corpus.history(user))[1:]
            queries[own] = states[rows[own] - corpus.user_starts[done]]
    positions = refit_positions(engine.map, queries, seed_of(engine), progress, stop)
    facts = {"facts": json.dumps(_facts(engine))}
    path = stored_path(library, engine)
    library.keep(
        path, lambda place: save_arrays(place, {"positions": positions}, facts, sealed=True)
    )
    return overlay(engine.map, positions, seed_of(engine))


def _facts(engine: Engine) -> dict[str, str | int]:
    return {
        "kind": KIND,
        "format": FORMAT,
        "corpus_id": engine.corpus.corpus_id,
        "model_id": engine.model_id,
        "seed": seed_of(engine),
    }
