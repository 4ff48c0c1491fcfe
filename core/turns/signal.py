"""What is watched for changes: the news that each event brings to the interest state.

Query vectors remember: the leaky memories carry each event on for several steps, which blurs a
change and makes neighbours alike. So the signal is the state less a part of the one before it, read
as scores of the topics and scaled to unit length: a gift from far outside counts as one event, not
as ten. All of it is linear in the real query vectors but for that scaling. Changes are looked for
between visits, each with the mean of its events' news.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from core.arrays import DoubleArray, FloatArray, IntArray

CARRIED = 0.4
"""Share of the state before that is taken off; chosen as ``turning.LEVEL``."""


def topic_directions(item_vectors: FloatArray, item_topic: npt.NDArray[np.int16]) -> FloatArray:
    """Mean item vector of each topic, less the mean of all topics, float32[n_topics, dim].

    A query's product with it says how much more the model expects the topic's items than others.
    """
    topics = int(item_topic.max(initial=0)) + 1
    totals = np.zeros((topics, item_vectors.shape[1]), np.float64)
    np.add.at(totals, item_topic, item_vectors)
    counts = np.bincount(item_topic, minlength=topics)[:, None]
    means = totals / np.maximum(counts, 1)
    return np.asarray(means - means[counts[:, 0] > 0].mean(0), np.float32)


def scores_of(queries: FloatArray, directions: FloatArray) -> DoubleArray:
    """Topic scores float64[..., n_topics] of query vectors float32[..., dim]."""
    return np.asarray(queries @ directions.T, np.float64)


def news_of(scores: DoubleArray) -> DoubleArray:
    """The signal float64[..., n, n_topics] of the topic scores after each of n events."""
    news = scores.copy()
    news[..., 1:, :] -= CARRIED * scores[..., :-1, :]
    lengths = np.sqrt((news**2).sum(axis=-1, keepdims=True))
    return np.asarray(news / np.maximum(lengths, 1e-12))


def by_visit(news: DoubleArray, visits: IntArray) -> DoubleArray:
    """Mean news of each visit, float64[n_orders, n_visits, n_topics], in the order of each.

    ``news`` float64[n_orders, n, n_topics]; ``visits`` int64[n_orders, n]: the visit of each event.
    """
    count = len(np.unique(visits[0]))
    ends = np.diff(visits, axis=1, append=-1) != 0
    last = np.nonzero(ends)[1].reshape(len(visits), count)
    sums = np.take_along_axis(news.cumsum(axis=1), last[:, :, None], axis=1)
    sizes = np.diff(last, axis=1, prepend=-1)
    return np.asarray(np.diff(sums, axis=1, prepend=0.0) / sizes[:, :, None])


def entropy_of(scores: DoubleArray, temperature: float) -> DoubleArray:
    """How widely the interest spreads over the topics: entropy of their softmax in nats.

    float64[..., n_topics] to float64[...].
    """
    sharp = scores * temperature
    weights = np.exp(sharp - sharp.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    return np.asarray(-(weights * np.log(np.maximum(weights, 1e-12))).sum(axis=-1))


def trend_of(values: DoubleArray) -> DoubleArray:
    """Slope of values float64[..., n] from the first to the last, float64[...]."""
    place = np.linspace(-0.5, 0.5, values.shape[-1])
    return np.asarray((values * place).sum(axis=-1) / (place**2).sum())
