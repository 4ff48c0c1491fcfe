"""The table twins of the Compare page."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from core.compare.causes import Move
from core.compare.comparison import Comparison
from core.views.compare.build import CompareView, cause_words, column_names
from core.views.tables import table

MOVES = (
    "item_id move=words kind rank_from=before rank_to=after catalogue_rank_from=rank_before "
    "catalogue_rank_to=rank_after change=score_change contribution=cause.contribution cause_step"
)
TYPES = {"rank_from": "Int64", "rank_to": "Int64", "contribution": "float64"}
TYPES |= {"catalogue_rank_from": "Int64", "catalogue_rank_to": "Int64", "cause_step": "Int64"}


def moves_table(comparison: Comparison, moves: Sequence[Move]) -> pd.DataFrame:
    """One row per item that entered, left or moved between neighbours, with its main cause.

    ``change`` is that of the item's score, ``contribution`` the main cause's part of it, in nats.
    """
    names, frame = column_names(comparison.columns), table(moves, MOVES)
    titles = [comparison.engine.corpus.title(move.item_id) for move in moves]
    frame.insert(0, "from", [names[move.a] for move in moves])
    frame.insert(1, "to", [names[move.b] for move in moves])
    frame.insert(3, "item", titles)
    frame.insert(11, "cause", [cause_words(comparison, move) for move in moves])
    return frame.astype(TYPES)


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
