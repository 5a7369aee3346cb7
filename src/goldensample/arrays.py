"""Arrays of any library (Python array API)."""

from typing import Any

import array_api_compat
import numpy as np

from goldensample.records import Array


def array_namespace(*arrays: Any) -> Any:
    """Return the namespace of the array API that arrays are of.

    NumPy is one itself: its wrapper would import all of NumPy's modules, tests included, 9 MB.
    """
    if all(map(array_api_compat.is_numpy_array, arrays)):
        return np
    return array_api_compat.array_namespace(*arrays)


def to_numpy(values: Any) -> Array:
    """Return an array of any library and device as a NumPy array."""
    return np.asarray(values.cpu() if hasattr(values, "cpu") else values)
