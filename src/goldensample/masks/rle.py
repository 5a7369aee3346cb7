"""COCO's run-length encoding of a mask: exact, holes and single pixels included."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import numpy as np

from goldensample.records import Array


def encode(mask: Array) -> dict[str, list[int] | str]:
    """Encode a mask as pycocotools does.

    Args:
        mask: (H, W) bool; not changed.

    Returns:
        "size" [H, W], and "counts": runs of False and True in turn, column by column, as text.

    Example:
        >>> encode(np.array([[False, True]]))
        {'size': [1, 2], 'counts': '11'}
    """
    runs = runs_of(mask, "F")
    return {"size": list(mask.shape), "counts": "".join(map(_digits, _differences(runs)))}


def _differences(runs: list[int]) -> list[int]:
    """Return each run less the one two before it, from the fourth on."""
    return [run - (runs[k - 2] if k > 2 else 0) for k, run in enumerate(runs)]


def _digits(number: int) -> str:
    """Return a number in digits of 5 bits, the lowest first; bit 6 says that more follow."""
    text, more = "", True
    while more:
        digit, number = number & 31, number >> 5
        more = number != (-1 if digit & 16 else 0)
        text += chr(48 + (digit | 32 if more else digit))
    return text


def decode(counts: str, size_hw: tuple[int, int]) -> Array:
    """Return the mask, (H, W) bool, of run lengths that `encode` or pycocotools made.

    Raises:
        ValueError: they are damaged, or of another size.
    """
    runs: list[int] = []
    number = shift = 0
    for letter in counts.encode():
        digit = letter - 48
        if not 0 <= digit < 64:
            raise ValueError("run lengths must be in COCO's letters; these are not")
        number |= (digit & 31) << shift
        shift += 5
        if not digit & 32:
            number -= (1 << shift) * bool(digit & 16)
            runs.append(number + (runs[-2] if len(runs) > 2 else 0))
            number = shift = 0
    return from_runs(runs, size_hw, "F")


def from_runs(runs: Sequence[int], size_hw: tuple[int, int], order: Literal["C", "F"]) -> Array:
    """Return the mask of runs of False and True in turn, by columns ("F") or by rows ("C").

    Raises:
        ValueError: they do not fill the mask.
    """
    lengths = np.asarray(runs, np.int64)
    if (lengths < 0).any() or lengths.sum() != size_hw[0] * size_hw[1]:
        raise ValueError(
            f"run lengths must fill {size_hw[1]}x{size_hw[0]} pixels; they fill {lengths.sum()}"
        )
    return np.repeat(np.arange(len(lengths)) % 2 == 1, lengths).reshape(size_hw, order=order)


def runs_of(mask: Array, order: Literal["C", "F"]) -> list[int]:
    """Return the lengths of the runs of False and True in turn, by columns or by rows."""
    values = np.ravel(mask, order=order)
    edges = np.flatnonzero(np.diff(values)) + 1
    bounds = [0, *([0] if values[:1].any() else []), *edges.tolist(), len(values)]
    return [end - start for start, end in pairwise(bounds)]
