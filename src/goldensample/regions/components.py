"""Connected components of a mask, by its runs of pixels along the rows."""

import numpy as np

from goldensample.records import Array


def components(mask: Array) -> tuple[Array, list[tuple[slice, slice]]]:
    """Label the connected components of a mask (8-connected), by their first pixel.

    As `label` and `find_objects` of scipy.ndimage, whose import takes 17 MB and longer than the
    network takes for several pictures.

    Args:
        mask: (h, w) bool; not changed.

    Returns:
        (h, w) int32, 0 outside and 1, 2, … in the components; and the box of each.
    """
    height, width = mask.shape
    wide = np.zeros((height, width + 2), np.int8)
    wide[:, 1:-1] = mask
    edges = np.diff(wide.ravel(), append=np.int8(0))
    starts, ends = np.flatnonzero(edges > 0), np.flatnonzero(edges < 0)  # one before each run
    below = starts + width + 2, ends + width + 2
    first = np.searchsorted(ends, below[0])  # of the runs of the next row that touch it, sideways
    count = np.searchsorted(starts, below[1], "right") - first
    upper = np.repeat(np.arange(len(starts)), count)
    lower = np.arange(len(upper)) + np.repeat(first - np.cumsum(count) + count, count)
    number = _joined(len(starts), upper, lower)
    labels = np.zeros((height, width), np.int32)
    labels[mask] = np.repeat(number + 1, ends - starts)
    rows, lefts = np.divmod(starts, width + 2)
    rights = ends % (width + 2)
    boxes = np.zeros((4, number.max(initial=-1) + 1), np.int64)
    boxes[0], boxes[2] = height, width
    for at, ufunc, values in zip(range(4), _EXTREMES, (rows, rows + 1, lefts, rights), strict=True):
        ufunc.at(boxes[at], number, values)
    return labels, [(slice(a, b), slice(c, d)) for a, b, c, d in boxes.T.tolist()]


_EXTREMES = (np.minimum, np.maximum, np.minimum, np.maximum)


def _joined(count: int, upper: Array, lower: Array) -> Array:
    """Return the number of each run's component, of `count` runs, by its first run.

    Args:
        upper, lower: (p,) numbers of runs that touch.
    """
    root = np.arange(count)
    while True:
        a, b = root[upper], root[lower]
        apart = a != b
        if not apart.any():
            return np.unique(root, return_inverse=True)[1]
        low, high = np.minimum(a, b)[apart], np.maximum(a, b)[apart]
        np.minimum.at(root, high, low)
        while not np.array_equal(root, root[root]):
            root = root[root]
