"""Arrays of any library."""

from typing import Any

import numpy as np

from goldensample.records import Array


def to_numpy(values: Any) -> Array:
    """Return an array of any kind as a NumPy array."""
    return np.asarray(values.cpu() if hasattr(values, "cpu") else values)
