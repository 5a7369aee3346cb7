"""COCO's run-length encoding of a mask: exact, holes and single pixels included."""

from itertools import pairwise

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
    values = np.ravel(mask, order="F")
    edges = np.flatnonzero(np.diff(values)) + 1
    bounds = [0, *([0] if values[:1].any() else []), *edges.tolist(), len(values)]
    runs = [end - start for start, end in pairwise(bounds)]
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
