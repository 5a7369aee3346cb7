"""Validation of settings and arrays, with uniform messages for all methods."""

from collections.abc import Mapping
from math import isfinite
from types import MappingProxyType
from typing import Any

from goldensample.records import Array


def check(is_valid: bool, name: str, requirement: str, settings: Any) -> None:
    """Refuse an invalid setting by its name.

    Args:
        is_valid: whether it is valid.
        name: of the knob.
        requirement: what follows "must be".
        settings: of a method, with the knob.

    Raises:
        ValueError: it is not valid.
    """
    if not is_valid:
        raise ValueError(f"{name} must be {requirement}; got {getattr(settings, name)!r}")


def is_integer(value: object) -> bool:
    """Return whether a value is an integer; True and False are not."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> bool:
    """Return whether a value is a finite number."""
    return is_integer(value) or (isinstance(value, float) and isfinite(value))


def check_integer(settings: Any, name: str, low: int, high: int) -> None:
    """Refuse a knob that is not an integer from `low` to `high`."""
    value = getattr(settings, name)
    in_range = is_integer(value) and low <= value <= high
    check(in_range, name, f"a whole number from {low} to {high}", settings)


def check_number(settings: Any, name: str, low: float, high: float) -> None:
    """Refuse a knob that is not a number in [low, high]."""
    value = getattr(settings, name)
    check(is_number(value) and low <= value <= high, name, f"in [{low:g}, {high:g}]", settings)


def check_arrays(
    arrays: Mapping[str, Array],
    shapes: Mapping[str, tuple[str, ...]],
    dtypes: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Refuse arrays with other names, dtypes or shapes than a detector's.

    Args:
        arrays: from a file.
        shapes: by name, the names of the axes; equal names have equal lengths, at least 1.
        dtypes: by name, where they are not float32.

    Raises:
        ValueError: it names the array.
    """
    if set(arrays) != set(shapes):
        raise ValueError(f"arrays must be {', '.join(shapes)}; got {', '.join(sorted(arrays))}")
    lengths: dict[str, int] = {}
    for name, axes in shapes.items():
        array, dtype = arrays[name], dtypes.get(name, "float32")
        is_valid = array.dtype.name == dtype and array.ndim == len(axes) and array.size > 0
        if not is_valid or any(
            lengths.setdefault(a, k) != k for a, k in zip(axes, array.shape, strict=True)
        ):
            raise ValueError(
                f"{name} must be {dtype} ({', '.join(axes)}) and fit the other arrays; got "
                f"{array.dtype} {array.shape}"
            )
