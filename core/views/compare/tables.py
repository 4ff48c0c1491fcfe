"""The table twins of the Compare page."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from core.compare.comparison import Comparison
from core.compare.moves import Move
from core.views.compare.build import CompareView, cause_words, column_names

MOVES = {"rank_from": "Int64", "rank_to": "Int64", "contribution": "float64"}
MOVES |= {"catalogue_rank_from": "Int64", "catalogue_rank_to": "Int64", "cause_step": "Int64"}


def moves_table(comparison: Comparison, moves: Sequence[Move]) -> pd.DataFrame:
    """One row per item that entered, left or moved between neighbours, with its main cause.

    ``change`` is that of the item's score, ``contribution`` the main cause's part of it, in nats.
    """
    names = column_names(comparison.columns)
    rows = [
        (
            names[move.a],
            names[move.b],
            move.item_id,
            comparison.engine.corpus.title(move.item_id),
            move.words,
            move.kind,
            move.before,
            move.after,
            move.rank_before,
            move.rank_after,
            move.score_change,
            cause_words(comparison, move),
            move.cause.value if move.cause is not None else None,
            move.cause_step,
        )
        for move in moves
    ]
    columns = (
        *("from", "to", "item_id", "item", "move", "kind", "rank_from", "rank_to"),
        *("catalogue_rank_from", "catalogue_rank_to", "change", "cause", "contribution"),
        "cause_step",
    )
    return pd.DataFrame(rows, columns=columns).astype(MOVES)


def lists_table(view: CompareView) -> pd.DataFrame:
    """One row per item, one column per list with its rank."""
    return pd.DataFrame(
        [
            {
                "item_id": line.item_id,
                "item": line.item,
                "topic": view.topics[line.topic] if 0 <= line.topic < len(view.topics) else "",
                **dict(zip(_headings(view), line.ranks, strict=True)),
                "actual_next": any(line.is_next),
            }
            for line in view.lines
        ]
    ).convert_dtypes()


def overlap_table(view: CompareView) -> pd.DataFrame:
    """One row per pair of columns."""
    names = [column.name for column in view.columns]
    rows = [
        (names[pair.a], names[pair.b], pair.jaccard, pair.rbo, pair.kendall, sentence)
        for pair, sentence in zip(view.overlaps, view.overlap_sentences, strict=True)
    ]
    return pd.DataFrame(rows, columns=["one", "other", "jaccard", "rbo", "kendall", "reading"])


def profiles_table(view: CompareView) -> pd.DataFrame:
    """One row per topic, one column per list with its share."""
    profiles = [column.profile for column in view.columns]
    shares = dict(zip(_headings(view), profiles, strict=True))
    return pd.DataFrame({"topic": list(view.topics), **shares})


def _headings(view: CompareView) -> list[str]:
    return [f"{at}. {column.name}" for at, column in enumerate(view.columns, start=1)]
