"""How far to trust the map, a second seed's map, and all states as a file for other tools."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import streamlit as st

from core.cohorts.atlas import command_of, write_atlas
from core.cohorts.second_map import make_second
from core.interest_map.kept import Overlay
from core.language import tr
from core.views.cohorts.build import MAP_MEASURES, SECOND, Everyone
from core.views.cohorts.sentences import map_kept_sentence
from pages._shared import loaders, notices, working

if TYPE_CHECKING:
    from core.engine import Engine

REFIT, ATLAS = "second_map", "atlas"
"""Kinds of jobs."""


def draw_second(engine: Engine) -> None:
    """The way to a second map, where the colour needs one that is not there."""
    target = f"{engine.corpus.name} {engine.model_id}"
    if working.is_drawn(REFIT, target, tr("Fitting the map with another seed")):
        return
    notices.caution(
        tr(
            "No second map was fitted yet. The same states are laid out once more with another "
            "seed; the model's own map stays as it is. The result is stored."
        )
    )
    work = functools.partial(make_second, loaders.library(), engine)
    working.offer(REFIT, target, tr("Fit it with another seed"), work)


def overlay(everyone: Everyone, by: str) -> Overlay | None:
    """The second map, where the colour is about it."""
    return everyone.second if by == SECOND else None


def sentence(everyone: Everyone, by: str) -> str:
    """How to read a colour about the map itself; empty for another one."""
    second = everyone.second
    if by not in MAP_MEASURES or (by == SECOND and second is None):
        return ""
    if by == SECOND and second is not None:
        return map_kept_sentence(by, second.shared, second.chance)
    kept = everyone.kept
    return map_kept_sentence(by, kept.trust if by == "trust" else kept.continuity, 0.5)


def atlas_path(engine: Engine) -> Path:
    """Where the file of all states is kept."""
    return loaders.library().root / ATLAS / engine.corpus.corpus_id / f"{engine.model_id}.parquet"


def draw_atlas(engine: Engine) -> None:
    """All states and items as Parquet: made once, then offered."""
    label = tr("All states and items for embedding-atlas")
    with st.expander(label, icon=":material/scatter_plot:"):
        target, path = f"{engine.corpus.name} {engine.model_id}", atlas_path(engine)
        if working.is_drawn(ATLAS, target, tr("Writing all states and items")):
            return
        name = f"{engine.corpus.name}-atlas.parquet"
        command = ""
        if path.is_file():
            try:
                command, size = command_of(name, path), path.stat().st_size
            except (OSError, pa.ArrowException):
                notices.caution(tr("The file of all states is damaged."))
        if not command:
            notices.caution(
                tr(
                    "A Parquet file with a row per state and item: positions on this map, vectors, "
                    "neighbours, topics, events and texts."
                )
            )
            work = functools.partial(write_atlas, engine, path)
            working.offer(ATLAS, target, tr("Make the file"), work, type="secondary", icon=None)
            return
        st.download_button(
            tr("States and items ({size:.1f} MB)", size=size / 1e6),
            path.read_bytes,
            file_name=name,
            mime="application/vnd.apache.parquet",
            on_click="ignore",
            icon=":material/download:",
        )
        st.caption(tr("Opens in embedding-atlas with"))
        st.code(command, language="bash", wrap_lines=True)
