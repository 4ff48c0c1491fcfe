"""Array types that signatures name; each argument and return states its shape beside the type."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float32]
DoubleArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
PartArray = npt.NDArray[np.int8]
"""``core.domain.Part`` of each event."""
