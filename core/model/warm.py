"""What a model hands on to its successor, and where the successor's training starts.

Known items start with exactly the vector that they had. Items that the earlier model has not met
are folded in: the co-occurrence start of ``core.model.start`` has left singular vectors for users
and right ones for items, and one step of the power method leads from the known items to users and
on to new items.
"""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse as sp
import torch

from core.arrays import BoolArray, FloatArray, IntArray, check_array
from core.files import Damaged, is_held, load_arrays, reason_of, save_arrays, verify
from core.language import tr
from core.model.config import InterestConfig
from core.model.network import InterestNetwork, ItemTower
from core.model.sequences import ABSENT_KIND
from core.recommend.scorers import centre

TOWER = "tower.safetensors"
LONGEST = 1e6
"""No vector is longer before it is scaled to 1."""


@dataclass(frozen=True, eq=False)
class TowerParts:
    """What of an item tower the item vectors don't say.

    ``title_projection`` and ``reviews_projection`` float32[d_text, dim]; ``lengths``
    float32[n_items], of the item vectors before they were scaled to 1.
    """

    title_projection: FloatArray
    reviews_projection: FloatArray
    lengths: FloatArray

    @classmethod
    def of(cls, tower: ItemTower) -> TowerParts:
        """The parts of a trained tower."""
        learned = (tower.title_projection, tower.reviews_projection, tower.lengths())
        return cls(*(values.detach().numpy() for values in learned))

    def save(self, folder: Path) -> None:
        """Write ``tower.safetensors``."""
        save_arrays(folder / TOWER, vars(self))

    @classmethod
    def load(cls, folder: Path, n_items: int, d_text: int, dim: int) -> TowerParts | None:
        """Read what ``save`` wrote; None for a model of an earlier version, which has none."""
        if not is_held(folder, TOWER):
            return None
        remedy = tr("Train the model again")
        verify(folder, (TOWER,), remedy=remedy)
        try:
            arrays, _ = load_arrays(folder / TOWER)
            shapes = dict.fromkeys(("title_projection", "reviews_projection"), (d_text, dim))
            for name, shape in shapes.items():
                check_array(name, arrays[name], np.float32, shape)
            check_array("lengths", arrays["lengths"], np.float32, (n_items,), low=0, high=LONGEST)
            return cls(**{name: arrays[name] for name in (*shapes, "lengths")})
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Damaged(
                tr("the model's item tower can't be read: {reason}", reason=reason_of(error)),
                where=str(folder / TOWER),
                remedy=remedy,
            ) from None


@dataclass(frozen=True, eq=False)
class Former:
    """An earlier model over the catalogue as it is now.

    ``vectors`` float32[n_items, dim] and ``bias`` float32[n_items], zeros for items that it lacks;
    ``bias`` is read only of items that it has met; ``counts`` int64[n_items] its training events of
    each item; ``tower`` has lengths for all items.
    """

    config: InterestConfig
    network: InterestNetwork
    vectors: FloatArray
    bias: FloatArray
    counts: IntArray
    tower: TowerParts

    @property
    def met(self) -> BoolArray:
        """Items with a training event then, bool[n_items]."""
        return self.counts > 0


def widened(network: InterestNetwork, kinds: int) -> InterestNetwork:
    """The network with rows for that many kinds of events; never fewer than it has.

    A new kind says nothing by itself at first, and enters the memories as the known ones do.
    """
    known = len(network.kind_in.weight)
    if kinds <= known:
        return deepcopy(network)
    wide = InterestNetwork(network.config, network.text_in.in_features, kinds)
    state = network.state_dict()
    kind_in = torch.zeros_like(wide.kind_in.weight)
    kind_in[:known] = state["kind_in.weight"]
    others = [kind for kind in range(known) if kind != ABSENT_KIND]
    memory = state["memory_kind"][:, others].mean(1, keepdim=True).repeat(1, kinds)
    memory[:, :known] = state["memory_kind"]
    wide.load_state_dict({**state, "kind_in.weight": kind_in, "memory_kind": memory})
    return wide


def warm_tower(
    former: Former,
    users: IntArray,
    items: IntArray,
    title: FloatArray,
    reviews: FloatArray,
) -> ItemTower:
    """A tower that gives every item met before the vector it had, and new ones a start.

    ``users`` and ``items`` int64[n_train] are all training events; title and reviews
    float32[n_items, d_text] as for ``core.model.start.item_tower``.
    """
    config = former.config
    n_items = len(title)
    counts = np.bincount(items, minlength=n_items)
    title, reviews = centre(title, whiten=False), centre(reviews, whiten=False)
    parts = former.tower
    from_text = title @ parts.title_projection + reviews @ parts.reviews_projection
    ids = np.where(
        former.met[:, None], former.vectors * parts.lengths[:, None] - from_text, 0.0
    ).astype(np.float32)
    new = ~former.met & (counts > 0)
    ids[new] = _folded_in(ids, users, items, former.met, new, config)
    was, now = (config.bias_scale * np.log(n + 0.5) for n in (former.counts, counts))
    bias = np.where(former.met, former.bias + (now - was), now)
    learned = {
        "ids": ids,
        "title_projection": parts.title_projection,
        "reviews_projection": parts.reviews_projection,
        "bias": bias,
    }
    fixed = {"title": title, "reviews": reviews, "seen": counts > 0}
    return ItemTower(
        {
            name: torch.from_numpy(np.ascontiguousarray(a, np.float32))
            for name, a in learned.items()
        },
        {name: torch.from_numpy(np.ascontiguousarray(a)) for name, a in fixed.items()},
        config.id_dropout,
    )


def _folded_in(
    ids: FloatArray,
    users: IntArray,
    items: IntArray,
    met: BoolArray,
    new: BoolArray,
    config: InterestConfig,
) -> FloatArray:
    """Ids of the items that bool[n_items] marks as new, float32[n_new, dim]."""
    n_items, n_users = len(ids), int(users.max(initial=-1)) + 1
    pairs = np.unique(np.stack([users, items], 1), axis=0)
    by_user = np.bincount(pairs[:, 0], minlength=n_users)
    by_item = np.bincount(pairs[:, 1], minlength=n_items)
    values = (1.0 / np.sqrt(by_user[pairs[:, 0]] * by_item[pairs[:, 1]])).astype(np.float32)
    matrix = sp.csr_matrix((values, (pairs[:, 0], pairs[:, 1])), shape=(n_users, n_items))
    of_users = matrix @ (ids * met[:, None])
    found = np.asarray((matrix.T @ of_users)[new], np.float32)
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    counts = np.bincount(items, minlength=n_items)[new]
    share = (counts / (counts + config.id_shrinkage))[:, None]
    return np.asarray(found / np.maximum(lengths, 1e-6) * config.id_scale * share, np.float32)
