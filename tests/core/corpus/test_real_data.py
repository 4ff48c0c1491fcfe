"""The three public data sets beside the project, where they are at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from core.corpus.importing import import_files
from core.corpus.split import MIN_EVENTS_SCORED
from core.corpus.store import Library

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
pytestmark = pytest.mark.skipif(
    not DATA.is_dir(), reason=f"the public review data is not at {DATA}"
)


@pytest.mark.parametrize(
    ("folder", "format", "rows", "users", "items", "rated_items", "scored"),
    [
        ("amazon2014_musical_instruments", "amazon2014", 10_261, 1_429, 900, 900, 1_429),
        ("amazon2023_mixed", "amazon2023", 3_455, 354, 3_228, 3_228, 354),
        ("movielens_small", "movielens", 100_836, 610, 9_742, 9_724, 610),
    ],
)
def test_public_data_is_taken_whole(
    library: Library,
    folder: str,
    format: str,
    rows: int,
    users: int,
    items: int,
    rated_items: int,
    scored: int,
) -> None:
    manifest = import_files(library, "real", [DATA / folder]).manifest
    assert manifest.format == format
    assert (manifest.rows_read, manifest.accepted, manifest.quarantined) == (rows, rows, 0)
    assert (manifest.users, manifest.items) == (users, items)
    corpus = library.corpus("real")
    assert corpus.events["item_id"].nunique() == rated_items
    assert (np.diff(corpus.user_starts) >= MIN_EVENTS_SCORED).sum() == scored
