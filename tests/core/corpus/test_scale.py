from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.corpus.ratings import infer_scale


@pytest.mark.parametrize(
    ("ratings", "scale"),
    [
        ([1, 2, 3, 4, 5], (1, 5)),
        ([4, 5, 5, 3, 4], (1, 5)),
        ([5, 4, 5, 5, 0], (1, 5)),
        ([1, 2, 3, 4, 5] * 40 + [0] * 4, (1, 5)),
        ([1, 2, 3, 4, 5, 0] * 10, (0, 5)),
        ([0.5, 3.5, 5, 4], (0.5, 5)),
        ([0, 1, 1, 0, 1], (0, 1)),
        ([1, 1, 1, 1, 1, 5], (1, 5)),
        ([1, 5, 10, 7, 8], (1, 10)),
        ([0, 5, 10, 7, 0], (0, 10)),
        ([55, 80, 100, 72], (1, 100)),
        ([-10, 3.2, 9.9, -4], (-10, 9.9)),
        ([700, 700], (699, 700)),
    ],
)
def test_the_scale_is_the_smallest_that_people_use(
    ratings: list[float], scale: tuple[float, float]
) -> None:
    found, how = infer_scale(np.array(ratings, np.float32))
    assert found == pytest.approx(scale)
    assert "rating scale" in how


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=200))
def test_a_scale_holds_nearly_all_ratings(ratings: list[float]) -> None:
    values = np.array(ratings, np.float32)
    found, _ = infer_scale(values)
    assert found is not None
    outside = ((values < found[0]) | (values > found[1])).sum()
    assert outside <= max(1, 2 * int(0.02 * len(values)))
    assert found[0] < found[1]


def test_no_ratings_have_no_scale() -> None:
    assert infer_scale(np.empty(0, np.float32))[0] is None
