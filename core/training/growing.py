"""Map and topics of an updated model: the earlier ones, with what is new added at their ends."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from core.corpus.corpus import Corpus
from core.domain import Columns
from core.interest_map.projection import InterestMap
from core.model.folder import ModelParts
from core.model.interest import InterestModel
from core.model.profile import NO_CATEGORY, Topics
from core.training.writing import Trained


def grown_map(parent: ModelParts, interest: InterestModel) -> InterestMap:
    """The parent's map with the new items placed; nothing that was on it moves."""
    items = parent.map.place(interest.item_vectors)
    index = {item: at for at, item in enumerate(interest.item_ids)}
    items[[index[item] for item in parent.interest.item_ids]] = parent.map.items
    return replace(parent.map, items=items)


def grown_topics(old: Topics, corpus: Corpus, known: Sequence[str], trained: Trained) -> Topics:
    """The parent's topics in their order, so that colours stay; new categories come after them.

    Items without a topic so far join that of the nearest mean vector where topics are clusters.
    """
    if old.source == "category":
        labels = [category or NO_CATEGORY for category in corpus.items[Columns.Category]]
        events = pd.Series(trained.prepared.counts).groupby(pd.Series(labels, dtype=object)).sum()
        added = sorted(set(labels) - set(old.names), key=lambda name: (-events[name], name))
        names = (*old.names, *added)
        return Topics(names, pd.Index(names).get_indexer(labels).astype(np.int16), old.source)
    item_topic = np.full(len(corpus.item_ids), -1, np.int16)
    item_topic[[corpus.item_index[item] for item in known]] = old.item_topic
    vectors, new = trained.interest.item_vectors, item_topic < 0
    means = np.stack([vectors[item_topic == k].mean(0) for k in range(len(old.names))])
    item_topic[new] = (vectors[new] @ means.T - (means**2).sum(1) / 2).argmax(1)
    return Topics(old.names, item_topic, old.source)
