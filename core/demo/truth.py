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
from core.corpus.tables import frame_from_table, table_from_frame, write_parquet
from core.domain import Columns, DomainError

FACTS_FILE = "truth.json"
NAME, NUMBER, FLAG, TIME = pa.string(), pa.int64(), pa.bool_(), pa.timestamp("us", tz="UTC")
EVENTS = {"need": NAME, "gift": FLAG, "sentiment": pa.float32(), "wish": NAME, "refused": NAME}
SCHEMAS = {
    "words": pa.schema(
        {"row": NUMBER, "word": NAME, "start": NUMBER, "end": NUMBER, "polarity": NUMBER}
    ),
    "users": pa.schema({Columns.User: NAME, "process": NAME, "season": NAME, "voice": NAME}),
    "changes": pa.schema(
        {
            Columns.User: NAME,
            "process": NAME,
            "start": TIME,
            "end": TIME,
            "source": NAME,
            "target": NAME,
        }
    ),
    "items": pa.schema(
        {
            Columns.Item: NAME,
            "family": NAME,
            "quality": NUMBER,
            "brand_new": FLAG,
            "never_bought": FLAG,
            "companion": NAME,
            "second_companion": NAME,
        }
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


def save_truth(truth: Truth, folder: Path, corpus_id: str) -> None:
    """Write the truth into an existing folder; the same truth gives the same bytes."""
    names = ("seed", "categories", "families")
    facts = {"corpus_id": corpus_id} | {name: getattr(truth, name) for name in names}
    text = json.dumps(facts, indent=2, ensure_ascii=False) + "\n"
    (folder / FACTS_FILE).write_text(text, encoding="utf-8")
    for name, schema in SCHEMAS.items():
        frame = getattr(truth, name)
        write_parquet(folder / f"{name}.parquet", [table_from_frame(frame, schema)], schema)
    mix = pd.DataFrame(truth.mix, columns=_mix_columns(truth.categories))
    schema = pa.schema(EVENTS | dict.fromkeys(mix.columns, pa.float32()))
    events = table_from_frame(pd.concat([truth.events, mix], axis=1), schema)
    write_parquet(folder / "events.parquet", [events], schema)


def load_truth(folder: Path) -> Truth:
    """Read the truth beside a simulated corpus; DomainError when it is missing or damaged."""
    try:
        facts: dict[str, Any] = json.loads((folder / FACTS_FILE).read_text(encoding="utf-8"))
        tables = {
            name: frame_from_table(pq.read_table(folder / f"{name}.parquet", partitioning=None))
            for name in ("events", *SCHEMAS)
        }
        categories = tuple(facts["categories"])
        return Truth(
            seed=facts["seed"],
            categories=categories,
            families={name: tuple(own) for name, own in facts["families"].items()},
            mix=tables["events"][_mix_columns(categories)].to_numpy(np.float32),
            events=tables["events"][list(EVENTS)],
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
