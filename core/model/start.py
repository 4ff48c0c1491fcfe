"""Where an item tower's training starts: from co-occurrence and text, not from noise."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
import torch
from sklearn.utils.extmath import randomized_svd

from core.arrays import FloatArray, IntArray
from core.model.config import InterestConfig
from core.model.network import ItemTower
from core.recommend.scorers import centre, pairs_within
from core.recommend.sequential import WINDOW

FADING, SHRINKAGE, POWER = 0.9, 15.0, 0.5
"""How fast a pair counts less with its distance, and how item counts divide it."""


def item_tower(
    users: IntArray,
    items: IntArray,
    title: FloatArray,
    reviews: FloatArray,
    config: InterestConfig,
) -> ItemTower:
    """A tower to be trained, from training events (users and items int64[n_train], indices).

    title float32[n_items, d_text] are vectors of title and category, reviews the mean vectors of
    training reviews; zeros where there are none. Ids start from a truncated SVD of how often items
    came close to each other, shrunk for items with few events; text projections from the leading
    principal directions, so that text similarity holds from the first step.
    """
    n_items = len(title)
    counts = np.bincount(items, minlength=n_items)
    ids = _neighbours(users, items, counts, config)
    lengths = np.linalg.norm(ids, axis=1, keepdims=True)
    share = counts / (counts + config.id_shrinkage)
    ids = ids / np.maximum(lengths, 1e-6) * config.id_scale * share[:, None]
    ids[counts == 0] = 0.0
    title, reviews = centre(title, whiten=False), centre(reviews, whiten=False)
    title_projection = _principal(title, config)
    # Where titles exist, reviews start silent: else items with and without reviews would differ.
    reviews_projection = (
        np.zeros_like(title_projection) if title.any() else _principal(reviews, config)
    )
    bias = config.bias_scale * np.log(counts + 0.5)

    def tensor(array: npt.NDArray[np.generic]) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(array, np.float32))

    learned = {
        "ids": ids,
        "title_projection": title_projection,
        "reviews_projection": reviews_projection,
        "bias": bias,
    }
    fixed = {"title": tensor(title), "reviews": tensor(reviews), "seen": torch.tensor(counts > 0)}
    tensors = {name: tensor(values) for name, values in learned.items()}
    return ItemTower(tensors, fixed, config.id_dropout)


def _neighbours(
    users: IntArray, items: IntArray, counts: IntArray, config: InterestConfig
) -> FloatArray:
    """Leading directions of ``D^-p (T + T') D^-p``, as in ``core.recommend.sequential``.

    T are pairs of events up to ten steps apart and D the items' shrunk training events.
    """
    ids = np.zeros((len(counts), config.dim), np.float32)
    rank = min(config.dim, len(counts) - 1)
    if rank < 1 or len(items) == 0:
        return ids
    following = pairs_within(users, items, len(counts), [FADING**step for step in range(WINDOW)])
    weight = sp.diags_array(((counts + SHRINKAGE) ** -POWER).astype(np.float32))
    matrix = sp.csr_matrix(weight @ (following + following.T) @ weight)
    _, strength, directions = randomized_svd(matrix, rank, random_state=config.seed)
    ids[:, :rank] = directions.T * np.sqrt(strength)
    return ids


def _principal(vectors: FloatArray, config: InterestConfig) -> FloatArray:
    """Leading principal directions as a projection float32[d_text, dim]."""
    projection = np.zeros((vectors.shape[1], config.dim), np.float32)
    rank = min(config.dim, *(side - 1 for side in vectors.shape))
    if rank >= 1 and vectors.any():
        _, _, directions = randomized_svd(vectors, rank, random_state=config.seed)
        projection[:, : len(directions)] = directions.T
    return projection
