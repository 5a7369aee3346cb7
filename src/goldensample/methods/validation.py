"""Checks of knobs and of arrays, with one form of message for all methods."""

from collections.abc import Mapping
from math import isfinite
from types import MappingProxyType
from typing import Any

from goldensample.records import Array


def check(holds: bool, name: str, must: str, settings: Any) -> None:
    """Refuse a wrong setting by its name.

    Args:
        holds: whether it is right.
        name: of the knob.
        must: what follows "must be".
        settings: of a method, with the knob.

    Raises:
        ValueError: it does not hold.
    """
    if not holds:
        raise ValueError(f"{name} must be {must}; got {getattr(settings, name)!r}")


def is_whole(value: object) -> bool:
    """Return whether a value is a whole number; True and False are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def is_number(value: object) -> bool:
    """Return whether a value is a finite number."""
    return is_whole(value) or (isinstance(value, float) and isfinite(value))


def check_whole(settings: Any, name: str, low: int, high: int) -> None:
    """Refuse a knob that is no whole number from `low` to `high`."""
    value = getattr(settings, name)
    inside = is_whole(value) and low <= value <= high
    check(inside, name, f"a whole number from {low} to {high}", settings)


def check_number(settings: Any, name: str, low: float, high: float) -> None:
    """Refuse a knob that is no number in [low, high]."""
    value = getattr(settings, name)
    check(is_number(value) and low <= value <= high, name, f"in [{low:g}, {high:g}]", settings)


def check_arrays(
    arrays: Mapping[str, Array],
    shapes: Mapping[str, tuple[str, ...]],
    kinds: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Refuse arrays of other names, kinds or shapes than a detector's.

    Args:
        arrays: from a file.
        shapes: by name, the axes as letters; equal letters stand for equal lengths, at least 1.
        kinds: dtypes by name, where they are not float32.

    Raises:
        ValueError: it names the array.
    """
    if set(arrays) != set(shapes):
        raise ValueError(f"arrays must be {', '.join(shapes)}; got {', '.join(sorted(arrays))}")
    lengths: dict[str, int] = {}
    for name, axes in shapes.items():
        array, kind = arrays[name], kinds.get(name, "float32")
        fits = array.dtype.name == kind and array.ndim == len(axes) and array.size > 0
        if not fits or any(
            lengths.setdefault(a, k) != k for a, k in zip(axes, array.shape, strict=True)
        ):
            raise ValueError(
                f"{name} must be {kind} ({', '.join(axes)}) and fit the other arrays; got "
                f"{array.dtype} {array.shape}"
            )
