"""The table twins of the Compare page."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from core.views.compare.build import CompareView, MoveRow


def moves_table(view: CompareView, rows: Sequence[MoveRow]) -> pd.DataFrame:
    """One row per item that entered, left or moved between neighbours."""
    names = [column.name for column in view.columns]
    return pd.DataFrame(
        [
            {
                "from": names[row.a],
                "to": names[row.b],
                "item_id": row.item_id,
                "item": row.item,
                "move": row.move,
                "kind": row.kind,
                "rank_from": row.before,
                "rank_to": row.after,
                "catalogue_rank_from": row.full_before,
                "catalogue_rank_to": row.full_after,
                "change": row.change,
                "cause": row.cause,
                "cause_step": row.cause_step,
            }
            for row in rows
        ]
    )


def lists_table(view: CompareView) -> pd.DataFrame:
    """One row per item, one column per list with its rank."""
    return pd.DataFrame(
        [
            {
                "item_id": line.item_id,
                "item": line.item,
                "topic": view.topics[line.topic] if 0 <= line.topic < len(view.topics) else "",
                **{
                    f"{at + 1}. {column.name}": line.ranks[at]
                    for at, column in enumerate(view.columns)
                },
                "taken_next": any(line.is_next),
            }
            for line in view.lines
        ]
    ).convert_dtypes()


def overlap_table(view: CompareView) -> pd.DataFrame:
    """One row per pair of columns."""
    names = [column.name for column in view.columns]
    return pd.DataFrame(
        [
            {
                "one": names[row.a],
                "other": names[row.b],
                "jaccard": row.jaccard,
                "rbo": row.rbo,
                "kendall": row.kendall,
                "reading": row.sentence,
            }
            for row in view.overlaps
        ]
    )


def profiles_table(view: CompareView) -> pd.DataFrame:
    """One row per topic, one column per list with its share."""
    shares = {f"{at + 1}. {column.name}": column.profile for at, column in enumerate(view.columns)}
    return pd.DataFrame({"topic": list(view.topics), **shares})
