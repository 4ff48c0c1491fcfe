"""The table twins of the Quality page."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from core.evaluate.report import CalibrationBin
from core.views.quality.rows import AblationRow, AblationView, GroupRow, QualityView, RecommenderRow
from core.views.tables import table

UNITS = (
    "95 % intervals by bootstrap over users; leads are paired by user. log p: mean "
    "log-probability of the target, in nats. Coverage: share of the catalogue in any list. "
    "Novelty: bits. Diversity: cosine distance within a list. Popularity: training events of "
    "listed items, as a multiple of a typical choice."
)


def recommenders_table(view: QualityView) -> pd.DataFrame:
    """One row per recommender, best first, with every figure."""
    return table(view.rows, RecommenderRow.COLUMNS)


def shown_table(view: QualityView) -> pd.DataFrame:
    """The same for the screen: a figure and its interval in one cell."""
    lead = f"Lead of {view.subject}"
    columns = {"Recommender": "recommender", f"NDCG@{view.k}": "ndcg", lead: "lead"}
    if view.shows_seen:
        columns["NDCG, seen targets"] = "seen"
    columns |= {
        "Recall": "recall",
        "MRR": "mrr",
        "log p": "log_probability",
        "Coverage": "coverage",
        "Novelty": "novelty",
        "Diversity": "diversity",
        "Popularity": "popularity_bias",
        "Never recommended": "never",
    }
    return table(view.rows, columns).fillna({lead: ""}).dropna(axis="columns", how="all")


def groups_table(rows: Sequence[GroupRow]) -> pd.DataFrame:
    """Periods or cohorts."""
    return table(rows, GroupRow.COLUMNS)


def calibration_table(bins: Sequence[CalibrationBin]) -> pd.DataFrame:
    """Predicted and observed hits, by bin."""
    return table(bins, "predicted=promised observed=kept targets=cases")


def ablation_table(view: AblationView) -> pd.DataFrame:
    """Loss by part, in NDCG and in nats."""
    return table(view.rows, AblationRow.COLUMNS)
