"""What a fitted recommender was read from is held to what its class says, before it is used.

A scorer says shape and range beside each field; one that says nothing is held to the field's type.
"""

from __future__ import annotations

from dataclasses import field, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from core.arrays import check_array

Size = int | str | None
"""A length that is known, one with a name that other fields share, or any."""
DTYPES = {"FloatArray": np.float32, "DoubleArray": np.float64, "IntArray": np.int64}
SHAPE, BELOW, ASCENDING, LOW, HIGH = "shape", "below", "ascending", "low", "high"


def sized(*shape: Size, low: float | None = None, high: float | None = None) -> Any:
    """A field that is an array or a sparse matrix: its shape, and the range of its numbers.

    Names of sizes are shared by the fields of a class; ``"items"`` is the catalogue.
    """
    return field(metadata={SHAPE: shape, LOW: low, HIGH: high})


def indices_of(size: str, *shape: Size) -> Any:
    """A field that is an array of indices into something of a named size."""
    return field(metadata={SHAPE: shape, BELOW: size})


def ascending(*shape: Size) -> Any:
    """A field that is an array in ascending order."""
    return field(metadata={SHAPE: shape, ASCENDING: True})


def ranged(low: float, high: float) -> Any:
    """A field that is a number between two others, both included."""
    return field(metadata={LOW: low, HIGH: high})


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
    for about in fields(made):
        value, facts = getattr(made, about.name), about.metadata
        if SHAPE in facts:
            _check_shape(about.name, value.shape, facts[SHAPE], sizes)
        if sp.issparse(value):
            continue
        limits = {LOW: facts.get(LOW), HIGH: facts.get(HIGH)}
        if BELOW in facts:
            limits = {LOW: 0, HIGH: sizes[facts[BELOW]] - 1}
        if isinstance(value, np.ndarray):
            free, kind = (None,) * value.ndim, DTYPES.get(str(about.type), np.float32)
            order = bool(facts.get(ASCENDING))
            if order and not value.size:
                raise ValueError(f"{about.name} is empty")
            check_array(about.name, value, kind, free, ascending=order, **limits)
        else:
            check_array(about.name, np.array([value], np.float64), np.float64, (1,), **limits)


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
