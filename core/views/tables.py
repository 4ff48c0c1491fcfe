"""The table twin of every chart: rows of a view as a frame, for reading and for export."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum, IntEnum
from typing import Any

import pandas as pd

from core.corpus.texts import FORMULA_BEGINS
from core.language import ENGLISH, current, mark, tr
from core.measure.metrics import Interval
from core.views.wording import between

COLUMN_NAMES = (
    *(mark("step"), mark("first_step"), mark("timestamp"), mark("item_id"), mark("item")),
    *(mark("kind"), mark("value"), mark("stderr"), mark("item_part"), mark("rating_part")),
    *(mark("text_part"), mark("time_part"), mark("rating"), mark("text"), mark("time")),
    *(mark("title"), mark("topic"), mark("user_id"), mark("user"), mark("name"), mark("events")),
    *(mark("users"), mark("items"), mark("targets"), mark("lists"), mark("part")),
    *(mark("sentiment"), mark("sentiment_before"), mark("step_size"), mark("next_rank")),
    *(mark("map_misleads"), mark("x"), mark("y"), mark("event"), mark("path"), mark("edit")),
    *(mark("what"), mark("category"), mark("description"), mark("price"), mark("extra")),
    *(mark("rank"), mark("score"), mark("rank_before"), mark("move"), mark("seen")),
    *(mark("came_true"), mark("shown"), mark("actual_next"), mark("rank_from"), mark("rank_to")),
    *(mark("catalogue_rank_from"), mark("catalogue_rank_to"), mark("change")),
    *(mark("contribution"), mark("cause_step"), mark("own_rank"), mark("margin")),
    *(mark("rank_without"), mark("beside"), mark("apart"), mark("one"), mark("jaccard")),
    *(mark("rbo"), mark("kendall"), mark("reading"), mark("contribution (nats)"), mark("before")),
    *(mark("after"), mark("came"), mark("went"), mark("more"), mark("entered"), mark("left")),
    *(mark("net"), mark("low"), mark("high"), mark("q"), mark("p"), mark("now"), mark("moved")),
    *(mark("chance"), mark("others"), mark("cases"), mark("apart_words"), mark("cohort")),
    *(mark("times"), mark("id"), mark("cohort [95 %]"), mark("recommender"), mark("ndcg")),
    *(mark("lead"), mark("lead_low"), mark("lead_high"), mark("seen_ndcg"), mark("seen_low")),
    *(mark("seen_high"), mark("recall"), mark("mrr"), mark("log_probability"), mark("coverage")),
    *(mark("novelty"), mark("diversity"), mark("popularity_bias"), mark("never"), mark("group")),
    *(mark("few"), mark("baseline"), mark("baseline_low"), mark("baseline_high")),
    *(mark("predicted"), mark("observed"), mark("without"), mark("histories_changed")),
    *(mark("ndcg_loss"), mark("ndcg_low"), mark("ndcg_high"), mark("nats_loss")),
    *(mark("nats_low"), mark("nats_high"), mark("epoch"), mark("loss"), mark("validation_loss")),
    *(mark("validation_ndcg"), mark("usual"), mark("field"), mark("training_events")),
    *(mark("window"), mark("stale"), mark("updated"), mark("retrained"), mark("period")),
    *(mark("expected"), mark("alarm"), mark("age"), mark("setting"), mark("settings")),
    *(mark("new"), mark("old"), mark("component"), mark("model"), mark("saved"), mark("who")),
    *(mark("why"), mark("when"), mark("about"), mark("revision"), mark("edits"), mark("deleted")),
    *(mark("support"), mark("file"), mark("files"), mark("line"), mark("reason"), mark("rows")),
    *(mark("refused"), mark("duplicates"), mark("content"), mark("known"), mark("values")),
    *(mark("source"), mark("File"), mark("Holds"), mark("Read as"), mark("Encoding")),
    *(mark("Delimiter"), mark("Quotes"), mark("First line"), mark("Not used"), mark("Attribute")),
    *(mark("Values"), mark("For example")),
)
"""Columns that are shown under their own names: these are said in the reader's language."""
WORDS_IN = ("kind", "part")
"""Columns that hold words of enums."""
TRAIN = mark("train")
"""The part of a split that sentences call "training"."""


def table(rows: Sequence[Any], columns: str | Mapping[str, str]) -> pd.DataFrame:
    """Rows of a view as a frame, a column per field that ``columns`` names.

    ``"step item low=ndcg.low"``: fields or properties, one under another name, one read from
    inside a field; a mapping of names to fields says the same where names have spaces. A row class
    keeps its columns in ``COLUMNS``.
    """
    if isinstance(columns, str):
        pairs = (column.partition("=") for column in columns.split())
        columns = {name: path or name for name, _, path in pairs}
    return pd.DataFrame(
        {name: [_cell(row, path) for row in rows] for name, path in columns.items()}
    )


def _cell(row: Any, path: str) -> Any:
    """The value at ``path``; None from the first None on, enums and intervals as words."""
    value = row
    for name in path.split("."):
        value = None if value is None else getattr(value, name)
    if isinstance(value, IntEnum):
        return value.name.lower()
    if isinstance(value, Interval):
        return between(value)
    return value.value if isinstance(value, Enum) else value


def words_in_language(frame: pd.DataFrame) -> pd.DataFrame:
    """A table with the words of the columns ``WORDS_IN`` in the reader's language."""
    if current() == ENGLISH:
        return frame
    return frame.assign(**{name: frame[name].map(_said) for name in WORDS_IN if name in frame})


def in_language(frame: pd.DataFrame) -> pd.DataFrame:
    """The same with its columns named in that language too: for reading, for no code."""
    return frame if current() == ENGLISH else words_in_language(frame).rename(columns=_said)


def _said(value: Any) -> Any:
    return tr(value) if isinstance(value, str) else value


def as_csv(frame: pd.DataFrame) -> str:
    """A table as CSV that a spreadsheet opens without running anything.

    Text that a spreadsheet would take for a formula gets an apostrophe before it: column names,
    and cells of any column.
    """
    safe = frame.map(_unlike_a_formula).rename(columns=_unlike_a_formula)
    # A carriage return inside a cell is quoted only where lines end in one.
    csv: str = safe.to_csv(index=False, lineterminator="\r\n")
    return csv


def _unlike_a_formula(value: Any) -> Any:
    begins = isinstance(value, str) and value.startswith(FORMULA_BEGINS)
    return f"'{value}" if begins else value
