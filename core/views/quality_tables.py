"""The table twins of the Quality page."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from core.evaluate.report import CalibrationBin
from core.measure.intervals import Interval
from core.views.quality import GroupRow, QualityView
from core.views.quality_details import UsesView
from core.views.quality_wording import between

UNITS = (
    "Intervals of 95 % by bootstrap over users; leads are paired by user. log p: mean "
    "log-probability of the target, in nats. Coverage: share of the catalogue in any list. "
    "Novelty: bits. Diversity: cosine distance within a list. Popularity: training events of "
    "listed items, as a multiple of a typical choice."
)


def recommenders_table(view: QualityView) -> pd.DataFrame:
    """One row per recommender, best first, with every figure."""
    return pd.DataFrame(
        [
            {
                "recommender": row.recommender,
                "ndcg": row.ndcg.mean,
                "low": row.ndcg.low,
                "high": row.ndcg.high,
                "lead": _end(row.lead, "mean"),
                "lead_low": _end(row.lead, "low"),
                "lead_high": _end(row.lead, "high"),
                "seen_ndcg": row.seen.mean,
                "seen_low": row.seen.low,
                "seen_high": row.seen.high,
                "recall": row.recall,
                "mrr": row.mrr,
                "log_probability": row.log_probability,
                "coverage": row.coverage,
                "novelty": row.novelty,
                "diversity": row.diversity,
                "popularity_bias": row.popularity_bias,
                "never": row.never,
            }
            for row in view.rows
        ]
    )


def shown_table(view: QualityView) -> pd.DataFrame:
    """The same for the screen: a figure and its interval in one cell."""
    rows = []
    for row in view.rows:
        seen = {"NDCG, seen targets": between(row.seen)} if view.shows_seen else {}
        rows.append(
            {
                "Recommender": row.recommender,
                f"NDCG@{view.k}": between(row.ndcg),
                f"Lead of {view.subject}": between(row.lead) if row.lead is not None else "",
                **seen,
                "Recall": row.recall,
                "MRR": row.mrr,
                "log p": row.log_probability,
                "Coverage": row.coverage,
                "Novelty": row.novelty,
                "Diversity": row.diversity,
                "Popularity": row.popularity_bias,
                "Never listed": row.never,
            }
        )
    return pd.DataFrame(rows).dropna(axis="columns", how="all")


def groups_table(rows: Sequence[GroupRow]) -> pd.DataFrame:
    """Months or cohorts."""
    return pd.DataFrame(
        [
            {
                "group": row.name,
                "targets": row.cases,
                "few": "few" if row.few else "",
                "ndcg": row.subject.mean,
                "low": row.subject.low,
                "high": row.subject.high,
                "baseline": _end(row.rival, "mean"),
                "baseline_low": _end(row.rival, "low"),
                "baseline_high": _end(row.rival, "high"),
            }
            for row in rows
        ]
    )


def calibration_table(bins: Sequence[CalibrationBin]) -> pd.DataFrame:
    """Promised and kept, by bin."""
    return pd.DataFrame(
        [{"promised": one.promised, "kept": one.kept, "targets": one.cases} for one in bins]
    )


def uses_table(view: UsesView) -> pd.DataFrame:
    """Loss by part, in NDCG and in nats."""
    return pd.DataFrame(
        [
            {
                "without": row.part,
                "histories_changed": row.changed,
                "ndcg_loss": row.ndcg.mean,
                "ndcg_low": row.ndcg.low,
                "ndcg_high": row.ndcg.high,
                "nats_loss": row.nats.mean,
                "nats_low": row.nats.low,
                "nats_high": row.nats.high,
            }
            for row in view.rows
        ]
    )


def _end(interval: Interval | None, name: str) -> float | None:
    return None if interval is None else float(getattr(interval, name))
