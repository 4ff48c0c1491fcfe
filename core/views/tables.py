"""The table twin of every chart: the same numbers as rows, for reading and for export."""

from __future__ import annotations

import pandas as pd

from core.views import wording
from core.views.overview import VerdictView
from core.views.timeline import MomentView, TimelineView


def timeline_table(view: TimelineView) -> pd.DataFrame:
    """One row per step: the event, what the model made of it, and the profile by topic."""
    rows = [
        {
            "step": row.step,
            "timestamp": row.timestamp,
            "part": wording.PART_WORDS[row.part],
            "kind": row.kind.value,
            "item_id": row.item_id,
            "item": row.item,
            "rating": row.rating,
            "sentiment": row.sentiment,
            "step_size": row.step_size,
            "next_rank": row.next_rank,
            "map_misleads": row.misleading,
            "x": row.x,
            "y": row.y,
        }
        for row in view.steps
    ]
    shares = pd.DataFrame(view.profile, columns=[f"profile: {name}" for name in view.topics])
    return pd.concat([pd.DataFrame(rows), shares], axis=1)


def list_table(view: MomentView) -> pd.DataFrame:
    """The list at one step."""
    return pd.DataFrame(
        [
            {
                "rank": row.rank,
                "item_id": row.item_id,
                "item": row.item,
                "score": row.score,
                "rank_before": row.before,
                "move": row.move,
                "came_true": row.came_true,
            }
            for row in view.items
        ]
    )


def verdict_table(view: VerdictView) -> pd.DataFrame:
    """The recommenders of the verdict, best first."""
    return pd.DataFrame(
        [
            {"recommender": row.recommender, "ndcg": row.ndcg, "low": row.low, "high": row.high}
            for row in view.rows
        ]
    )


def as_csv(table: pd.DataFrame) -> str:
    """A table as CSV that a spreadsheet opens without running anything.

    Text that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    safe = table.copy()
    for name in safe.columns:
        if safe[name].dtype == object or isinstance(safe[name].dtype, pd.StringDtype):
            safe[name] = [
                "'" + value if isinstance(value, str) and value[:1] in "=+-@\t\r" else value
                for value in safe[name]
            ]
    csv: str = safe.to_csv(index=False)
    return csv
