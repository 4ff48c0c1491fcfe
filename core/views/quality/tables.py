"""The table of recommenders on the screen; exports are the rows' own columns."""

from __future__ import annotations

import pandas as pd

from core.views.quality.rows import QualityView
from core.views.tables import table

UNITS = (
    "95 % intervals by bootstrap over users; leads are paired by user. log p: mean "
    "log-probability of the target, in nats. Coverage: share of the catalogue in any list. "
    "Novelty: bits. Diversity: cosine distance within a list. Popularity: training events of "
    "listed items, as a multiple of a typical choice."
)


def shown_table(view: QualityView) -> pd.DataFrame:
    """Recommenders for the screen: a figure and its interval in one cell."""
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
