"""Array types that signatures name, and the check of an array that was read from a file.

Each argument and return states its shape beside the type.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from core.language import tr

FloatArray = npt.NDArray[np.float32]
DoubleArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
PartArray = npt.NDArray[np.int8]
"""``core.domain.Part`` of each event."""
DTYPES: dict[object, type[np.generic]] = {
    FloatArray: np.float32,
    DoubleArray: np.float64,
    IntArray: np.int64,
    BoolArray: np.bool_,
    PartArray: np.int8,
}
"""What each array type holds. Versions of numpy build the types differently, so nobody takes them
apart."""


def check_array(
    name: str,
    array: npt.NDArray[Any],
    dtype: npt.DTypeLike,
    shape: tuple[int | None, ...],
    *,
    low: float | None = None,
    high: float | None = None,
    ascending: bool = False,
    nan: bool = False,
) -> npt.NDArray[Any]:
    """The array, if it is what the model says; else a ValueError that says what differs.

    ``shape`` with None for any length; ``low`` and ``high`` both included; ``nan`` allows NaN and
    infinity.
    """
    problem = ""
    if not isinstance(array, np.ndarray) or array.dtype != np.dtype(dtype):
        kind = getattr(array, "dtype", type(array).__name__)
        problem = tr(
            "{name} is {kind} instead of {wanted}", name=name, kind=kind, wanted=np.dtype(dtype)
        )
    elif len(array.shape) != len(shape) or any(
        wanted not in (None, size) for wanted, size in zip(shape, array.shape, strict=True)
    ):
        problem = tr(
            "{name} has shape {found} instead of {wanted}",
            name=name,
            found=list(array.shape),
            wanted=["any" if s is None else s for s in shape],
        )
    elif array.size and not nan and array.dtype.kind == "f" and not np.isfinite(array).all():
        problem = tr("{name} holds a number that is not finite", name=name)
    elif array.size and low is not None and np.any(array < low):
        problem = tr("{name} holds {found}, below {low:g}", name=name, found=array.min(), low=low)
    elif array.size and high is not None and np.any(array > high):
        problem = tr(
            "{name} holds {found}, above {high:g}", name=name, found=array.max(), high=high
        )
    elif ascending and np.any(array[1:] < array[:-1]):
        problem = tr("{name} is not in ascending order", name=name)
    if problem:
        raise ValueError(problem)
    return array
