"""Where an item stands among those that a list may contain."""

from __future__ import annotations

import numpy as np

from core.arrays import BoolArray, FloatArray
from core.corpus.corpus import Corpus
from core.domain import History


def open_items(corpus: Corpus, history: History) -> BoolArray:
    """The items that a list after this history may contain, bool[n_items]."""
    found = np.ones(len(corpus.item_ids), np.bool_)
    index = corpus.item_index
    found[[index[item] for item in history.excluded_items() if item in index]] = False
    return found


def ahead(scores: FloatArray, item: int) -> BoolArray:
    """Which items a list by float32[n_items] puts before this one, bool[n_items]."""
    found: BoolArray = scores > scores[item]
    found[:item] |= scores[:item] == scores[item]
    return found


def place_among(scores: FloatArray, open_: BoolArray, item: int) -> int:
    """An item's rank among the items bool[n_items], as if it were one of them."""
    return 1 + int((ahead(scores, item) & open_).sum())
