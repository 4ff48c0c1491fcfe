"""What a fitted recommender was read from is held to what its class says, before it is used.

A scorer says shape and range beside each field's type; without them the type alone is checked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_type_hints

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from core.arrays import DTYPES, DoubleArray, FloatArray, IntArray, check_array

LARGEST = 1e12
"""No number that a fit gives is larger; sums of products of two such stay finite."""
Size = int | str | None
"""A length that is known, one with a name that other fields share, or any."""


@dataclass(frozen=True)
class Held:
    """What a field's annotation says about it, beside its type.

    ``shape`` of an array or a sparse matrix, whose named sizes are shared by the fields of a class:
    ``"items"`` is the catalogue. ``low`` and ``high`` are included; ``below`` names the size of
    what an array holds indices of; an ``ascending`` array has one number at least.
    """

    shape: tuple[Size, ...] | None = None
    low: float | None = None
    high: float | None = None
    below: str | None = None
    ascending: bool = False


SHARE = Held(low=0, high=1)


def check_csr(
    name: str,
    data: npt.NDArray[Any],
    indices: npt.NDArray[Any],
    indptr: npt.NDArray[Any],
    shape: tuple[int, ...],
) -> sp.csr_matrix:
    """A sparse float32 matrix of these arrays; ValueError where they are none.

    scipy trusts indices while it multiplies: a wrong one reads and writes outside the arrays.
    """
    check_array(f"{name}.data", data, np.float32, (None,))
    for part, array in (("indices", indices), ("indptr", indptr)):
        if array.dtype.kind != "i":
            raise ValueError(f"{name}.{part} is {array.dtype} instead of integers")
    if len(shape) != 2 or any(not 0 <= size < 2**31 for size in shape):
        raise ValueError(f"{name} has shape {list(shape)}")
    check_array(f"{name}.indptr", indptr, indptr.dtype, (shape[0] + 1,), ascending=True)
    if len(indices) != len(data) or indptr[0] != 0 or indptr[-1] != len(data):
        raise ValueError(f"{name} has indices that don't fit its numbers")
    check_array(f"{name}.indices", indices, indices.dtype, (None,), low=0, high=shape[1] - 1)
    matrix = sp.csr_matrix((data, indices, indptr), shape)
    matrix.check_format(full_check=True)
    return matrix


def check_fields(made: Any, n_items: int) -> None:
    """ValueError where a dataclass of arrays, sparse matrices and numbers isn't what it says."""
    sizes: dict[str, int] = {"items": n_items}
    for name, hint in get_type_hints(type(made), include_extras=True).items():
        if name not in made.__dataclass_fields__:
            continue
        value, kind = getattr(made, name), getattr(hint, "__origin__", hint)
        held = next((m for m in getattr(hint, "__metadata__", ()) if isinstance(m, Held)), Held())
        if held.shape is not None:
            _check_shape(name, value.shape, held.shape, sizes)
        if sp.issparse(value):
            value, kind = value.data, FloatArray
        low, high = (0, sizes[held.below] - 1) if held.below else (held.low, held.high)
        if kind is not IntArray:  # no score may overflow
            low, high = -LARGEST if low is None else low, LARGEST if high is None else high
        if not isinstance(value, np.ndarray):
            value, kind = np.array([value], np.float64), DoubleArray
        if held.ascending and not value.size:
            raise ValueError(f"{name} is empty")
        free = (None,) * value.ndim
        check_array(name, value, DTYPES[kind], free, low=low, high=high, ascending=held.ascending)


def _check_shape(
    name: str, shape: tuple[int, ...], wanted: tuple[Size, ...], sizes: dict[str, int]
) -> None:
    """Give every named size its length, or find that it has another one already."""
    if len(shape) == len(wanted):
        known = [
            sizes.setdefault(size, length) if isinstance(size, str) else size
            for size, length in zip(wanted, shape, strict=True)
        ]
        if all(size in (None, length) for size, length in zip(known, shape, strict=True)):
            return
    raise ValueError(f"{name} has shape {list(shape)} instead of {list(wanted)}")
