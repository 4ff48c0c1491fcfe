"""All states and items of a model as one Parquet file that embedding-atlas opens as it is.

Its columns follow embedding-atlas's command line: ``projection_x`` and ``projection_y`` (``--x``,
``--y``), ``vector`` (``--vector``), ``text`` (``--text``) and ``neighbors`` (``--neighbors``),
``{"ids": [row], "distances": [...]}`` with rows counted from 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from core.arrays import FloatArray
from core.domain import Columns, DomainError
from core.files import reason_of, replace_file
from core.interest_map.projection import AT_ONCE as BLOCK
from core.interest_map.projection import nearest_of, unit
from core.language import mark, tr
from core.model.profile import profile_of
from core.progress import Progress, ProgressCallback, StopCallback, check_stop, report

if TYPE_CHECKING:
    from core.engine import Engine

NEIGHBOURS = 15
MOST_COMPARED = 60_000
"""States and items up to which all are compared; beyond, the file has no neighbours."""
AT_ONCE = 4_096
STAGE = mark("follow every user's interest")
COMPARING, WRITING = mark("compare all states"), mark("write the file")
STATE, ITEM = "state", "item"
COMMAND = (
    "embedding-atlas {file} --x projection_x --y projection_y "  # no sentence
    "--text text --neighbors neighbors"
)


@dataclass(frozen=True)
class Atlas:
    """What was written: ``states`` and ``items`` rows, and whether they name their neighbours."""

    file: Path
    states: int
    items: int
    has_neighbours: bool
    bytes: int

    @property
    def command(self) -> str:
        """The command that opens it."""
        return command_of(self.file.name, self.file)


def command_of(name: str, file: Path) -> str:
    """The command that opens a file that is called ``name``, with neighbours where it has them."""
    command = COMMAND.format(file=name)
    has_neighbours = "neighbors" in pq.read_schema(file).names
    return command if has_neighbours else command.removesuffix(" --neighbors neighbors")


def write_atlas(
    engine: Engine,
    target: Path,
    progress: ProgressCallback | None = None,
    stop: StopCallback | None = None,
) -> Atlas:
    """Write a row per state of every user and per item of the catalogue, or nothing at all.

    Columns of both: row_kind (state or item), projection_x, projection_y, vector float32[dim],
    topic, item_id, title, text, neighbors. Of states alone: user_id, step, timestamp (null in a
    corpus without times), kind, rating, sentiment. DomainError where the file can't be written.
    """
    dim = engine.config.settings.dim
    if target.suffix != ".parquet":
        raise DomainError(
            tr("an atlas is a Parquet file"),
            where=str(target),
            remedy=tr("Let its name end in .parquet"),
        )
    queries, sentiments = _states(engine, dim, progress, stop)
    items = engine.interest.item_vectors
    n, whole = len(queries), len(queries) + len(items)
    near = None
    if 1 < whole <= MOST_COMPARED:
        vectors = np.concatenate([unit(queries), unit(items)])
        near = _compared(vectors, progress, stop)
    schema = _schema(dim, has_neighbours=near is not None)

    def write(path: Path) -> None:
        with pq.ParquetWriter(path, schema, compression="zstd") as writer:
            done = 0
            for columns in _rows(engine, queries, sentiments, items):
                check_stop(stop)
                size = len(columns["topic"])
                if near is not None:
                    ids, distances = (part[done : done + size].tolist() for part in near)
                    columns["neighbors"] = [
                        {"ids": a, "distances": b} for a, b in zip(ids, distances, strict=True)
                    ]
                arrays = [pa.array(columns[field.name], field.type) for field in schema]
                writer.write_batch(pa.RecordBatch.from_arrays(arrays, schema=schema))
                done += size
                report(progress, Progress(WRITING, done, whole))

    try:
        replace_file(target, write)
        size = target.stat().st_size
    except (OSError, pa.ArrowException) as error:
        raise DomainError(
            tr("the file could not be written: {reason}", reason=reason_of(error)),
            where=str(target),
            remedy=tr("Check free space and permissions, or choose another --out"),
        ) from None
    return Atlas(target, n, len(items), near is not None, size)


def _states(
    engine: Engine, dim: int, progress: ProgressCallback | None, stop: StopCallback | None
) -> tuple[FloatArray, FloatArray]:
    """All query vectors float32[n_events, dim], and the sentiment of each event's text."""
    corpus = engine.corpus
    queries = np.zeros((corpus.n_events, dim), np.float32)
    sentiments = np.zeros(corpus.n_events, np.float32)
    last = 0
    for done, user in enumerate(corpus.user_ids):
        check_stop(stop)
        report(progress, Progress(STAGE, done, len(corpus.user_ids)))
        history = corpus.history(user)
        queries[last : last + len(history)] = engine.interest.states(history)[1:]
        sentiments[last : last + len(history)] = engine.interest.sentiments(history)
        last += len(history)
    return queries, sentiments


def _compared(
    vectors: FloatArray, progress: ProgressCallback | None, stop: StopCallback | None
) -> tuple[Any, FloatArray]:
    """The nearest rows int[n, k] of each of unit vectors and their cosine distances."""
    near = min(NEIGHBOURS, len(vectors) - 1)
    rows, distances = [], []
    for begin in range(0, len(vectors), BLOCK):
        check_stop(stop)
        report(progress, Progress(COMPARING, begin, len(vectors)))
        found, closest = nearest_of(vectors, begin, near + 1)
        rows.append(found[:, 1:])
        distances.append(1.0 - closest[:, 1:])
    return np.concatenate(rows), np.maximum(np.concatenate(distances), 0.0)


def _schema(dim: int, *, has_neighbours: bool) -> pa.Schema:
    near = pa.struct([("ids", pa.list_(pa.int64())), ("distances", pa.list_(pa.float32()))])
    return pa.schema(
        [
            ("row_kind", pa.string()),
            ("projection_x", pa.float32()),
            ("projection_y", pa.float32()),
            ("topic", pa.string()),
            ("item_id", pa.string()),
            ("title", pa.string()),
            ("text", pa.string()),
            ("user_id", pa.string()),
            ("step", pa.int32()),
            ("timestamp", pa.timestamp("us", tz="UTC")),
            ("kind", pa.string()),
            ("rating", pa.float32()),
            ("sentiment", pa.float32()),
            ("vector", pa.list_(pa.float32(), dim)),
            *([("neighbors", near)] if has_neighbours else []),
        ]
    )


def _rows(
    engine: Engine, queries: FloatArray, sentiments: FloatArray, items: FloatArray
) -> Iterator[dict[str, Any]]:
    """The columns of both tables in pieces: the states in the corpus's order, then the items."""
    corpus, names = engine.corpus, np.array(engine.topics.names, object)
    events, starts = corpus.events, corpus.user_starts
    steps = np.arange(len(events)) - np.repeat(starts[:-1], np.diff(starts)) + 1
    timed = not corpus.manifest.order_as_time
    for begin in range(0, len(queries), AT_ONCE):
        part = slice(begin, min(begin + AT_ONCE, len(queries)))
        rows, placed = events.iloc[part], engine.map.place(queries[part])
        n = part.stop - begin
        leading = profile_of(engine.interest, engine.topics, queries[part]).argmax(axis=1)
        titles, texts = rows[Columns.Title].tolist(), rows[Columns.Text].tolist()
        said = [
            " – ".join(words for words in pair if words) or None
            for pair in zip(titles, texts, strict=True)
        ]
        yield {
            "row_kind": [STATE] * n,
            "projection_x": placed[:, 0],
            "projection_y": placed[:, 1],
            "topic": names[leading].tolist(),
            "item_id": rows[Columns.Item].tolist(),
            "title": [corpus.title(item) for item in rows[Columns.Item]],
            "text": said,
            "user_id": rows[Columns.User].tolist(),
            "step": steps[part],
            "timestamp": rows[Columns.Time].tolist() if timed else [None] * n,
            "kind": rows[Columns.Kind].tolist(),
            "rating": _nulls(rows[Columns.Rating].to_numpy()),
            "sentiment": _nulls(sentiments[part]),
            "vector": list(queries[part]),
        }
    placed, none = engine.map.items, [None] * len(items)
    topics = engine.topics.item_topic
    yield {
        "row_kind": [ITEM] * len(items),
        "projection_x": placed[:, 0],
        "projection_y": placed[:, 1],
        "topic": [names[topic] if topic >= 0 else None for topic in topics.tolist()],
        "item_id": list(corpus.item_ids),
        "title": [corpus.title(item) for item in corpus.item_ids],
        "text": [corpus.title(item) for item in corpus.item_ids],
        **dict.fromkeys(("user_id", "step", "timestamp", "kind", "rating", "sentiment"), none),
        "vector": list(items),
    }


def _nulls(values: FloatArray) -> list[float | None]:
    return [None if value != value else float(value) for value in values.tolist()]
