"""The truth behind the simulated corpus, for tests that no real data set allows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from core.arrays import FloatArray
from core.corpus.tables import frame_from_table, write_parquet
from core.domain import Columns, DomainError

FACTS_FILE = "truth.json"
TIME = pa.timestamp("us", tz="UTC")
EVENT_FIELDS = [
    pa.field("need", pa.string()),
    pa.field("gift", pa.bool_()),
    pa.field("sentiment", pa.float32()),
    pa.field("wish", pa.string()),
    pa.field("refused", pa.string()),
]
SCHEMAS = {
    "words": pa.schema(
        [
            pa.field("row", pa.int64()),
            pa.field("word", pa.string()),
            pa.field("start", pa.int64()),
            pa.field("end", pa.int64()),
            pa.field("polarity", pa.int64()),
        ]
    ),
    "users": pa.schema(
        [
            pa.field(Columns.User, pa.string()),
            pa.field("process", pa.string()),
            pa.field("season", pa.string()),
            pa.field("voice", pa.string()),
        ]
    ),
    "changes": pa.schema(
        [
            pa.field(Columns.User, pa.string()),
            pa.field("process", pa.string()),
            pa.field("start", TIME),
            pa.field("end", TIME),
            pa.field("source", pa.string()),
            pa.field("target", pa.string()),
        ]
    ),
    "items": pa.schema(
        [
            pa.field(Columns.Item, pa.string()),
            pa.field("family", pa.string()),
            pa.field("quality", pa.int64()),
            pa.field("brand_new", pa.bool_()),
            pa.field("never_bought", pa.bool_()),
            pa.field("companion", pa.string()),
            pa.field("second_companion", pa.string()),
        ]
    ),
}


@dataclass(frozen=True, eq=False)
class Truth:
    """What was planted in a simulated corpus; rows as in ``Corpus.events``.

    ``categories`` name the columns of ``mix``, float32[n_events, n_categories]: the user's planted
    interest at the moment of the event, each row summing to 1.

    ``events``: ``need`` (why this item: interest, chain, wish, gift, browse, choice, follow-up),
    ``gift`` (off-topic, for somebody else), ``sentiment`` (mean polarity of the planted words, NaN
    without text), ``wish`` and ``refused`` (the family that the text says is wanted next, or no
    longer wanted).

    ``words``: the planted words of sentiment by event ``row``; ``start`` and ``end`` are characters
    of ``Event.words`` (title and text joined), ``polarity`` is 1 or -1.

    ``users``: ``process`` (steady, drift, turn, seasonal, explorer), ``season`` (the category of a
    seasonal user) and ``voice``. ``changes``: when a main interest went from the category
    ``source`` to ``target``; ``start`` equals ``end`` for a turn and for an explorer's new focus.

    ``items``: ``family``, ``quality`` (0 bad to 2 good), products without events (``brand_new``) or
    without buyers (``never_bought``), and the items that usually follow (``companion``).
    """

    seed: int
    categories: tuple[str, ...]
    families: dict[str, tuple[str, ...]]
    mix: FloatArray
    events: pd.DataFrame
    words: pd.DataFrame
    users: pd.DataFrame
    changes: pd.DataFrame
    items: pd.DataFrame

    @property
    def turns(self) -> pd.DataFrame:
        """The abrupt turns: user_id, start, source, target; one row per user of that process."""
        turns = self.changes[self.changes["process"] == "turn"]
        return turns[[Columns.User, "start", "source", "target"]].reset_index(drop=True)

    def process(self, user_id: str) -> str:
        """The process behind one user; DomainError for an unknown one."""
        found = self.users.loc[self.users[Columns.User] == user_id, "process"]
        if found.empty:
            raise DomainError(f"the truth knows no user {user_id!r}")
        return str(found.iloc[0])

    def planted_words(self, row: int) -> list[tuple[str, int, int, int]]:
        """(word, start, end, polarity) of one event's ``Event.words``, in reading order."""
        own = self.words[self.words["row"] == row]
        columns = ("word", "start", "end", "polarity")
        return list(zip(*(own[name].tolist() for name in columns), strict=True))


def save_truth(truth: Truth, folder: Path, corpus_id: str) -> None:
    """Write the truth into an existing folder; the same truth gives the same bytes."""
    facts = {
        "corpus_id": corpus_id,
        "seed": truth.seed,
        "categories": truth.categories,
        "families": truth.families,
    }
    text = json.dumps(facts, indent=2, ensure_ascii=False) + "\n"
    (folder / FACTS_FILE).write_text(text, encoding="utf-8")
    for name, schema in SCHEMAS.items():
        _write(folder / f"{name}.parquet", getattr(truth, name), schema)
    mix = pd.DataFrame(truth.mix, columns=_mix_columns(truth.categories))
    events = pd.concat([truth.events.reset_index(drop=True), mix], axis=1)
    _write(folder / "events.parquet", events, _event_schema(truth.categories))


def load_truth(folder: Path) -> Truth:
    """Read the truth beside a simulated corpus; DomainError when it is missing or damaged."""
    try:
        facts: dict[str, Any] = json.loads((folder / FACTS_FILE).read_text(encoding="utf-8"))
        tables = {
            name: frame_from_table(pq.read_table(folder / f"{name}.parquet", partitioning=None))
            for name in ("events", *SCHEMAS)
        }
        categories = tuple(facts["categories"])
        mix = tables["events"][_mix_columns(categories)].to_numpy(np.float32)
        return Truth(
            seed=facts["seed"],
            categories=categories,
            families={name: tuple(own) for name, own in facts["families"].items()},
            mix=mix,
            events=tables["events"][[field.name for field in EVENT_FIELDS]],
            **{name: tables[name] for name in SCHEMAS},
        )
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException):
        raise DomainError(
            "the truth of the simulated corpus is missing or damaged",
            where=str(folder),
            remedy="Rebuild it with: python -m core demo",
        ) from None


def _mix_columns(categories: tuple[str, ...]) -> list[str]:
    return [f"mix {name}" for name in categories]


def _event_schema(categories: tuple[str, ...]) -> pa.Schema:
    mix = [pa.field(name, pa.float32()) for name in _mix_columns(categories)]
    return pa.schema([*EVENT_FIELDS, *mix])


def _write(path: Path, frame: pd.DataFrame, schema: pa.Schema) -> None:
    table = pa.Table.from_pandas(frame[schema.names], schema=schema, preserve_index=False)
    write_parquet(path, [table.replace_schema_metadata(None)], schema)
