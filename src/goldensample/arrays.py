"""Arrays of any library (Python array API)."""

from typing import Any

import numpy as np

from goldensample.records import Array


def to_numpy(values: Any) -> Array:
    """Return an array of any library and device as a NumPy array."""
    return np.asarray(values.cpu() if hasattr(values, "cpu") else values)
