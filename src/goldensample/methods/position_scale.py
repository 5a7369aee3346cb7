"""What distances are usual at each position, and whether dividing by it finds more.

Where good pictures vary much, as at an edge or a rim, a large distance says less than elsewhere.
Each distance is divided by how large those of good pictures are at its position, to a power; good
pictures, each judged without its own part of the bank, decide to which, and 0 leaves distances as
they are. The decision imagines a defect that adds one difference to a patch at every position.
"""

import numpy as np

from goldensample.records import Array

POWERS = 0.25, 0.5, 0.75
"""Of the usual distance, by which distances may be divided."""
DEVIATIONS = 4.0
"""Standard deviations above the mean that are the usual distance at a position."""
BLUR = 1 / 16
"""Standard deviation of the blur over neighbouring positions, as a share of the longer side."""
FOUND, LEAST_GAIN = 0.75, 0.01
"""Share of the imagined defects that plain distances find, and least further share to be found."""
MOST_LOST = 0.05
"""Most that may be lost in any region, as a share of what is gained on average."""
EDGE = 0.07
"""Width of the region along the edge, as a share of a side."""
STEPS = 30
"""Halvings in the search for the imagined defect's size."""


def choose_scale(grids: Array) -> Array | None:
    """Return the divisor that finds the most imagined defects, losing hardly any in a region.

    Args:
        grids: (n, h, w) float32 distances of good pictures, each judged without its own rows; NaN
            where there is no patch.

    Returns:
        (h, w) float32, or None where plain distances find about as many.
    """
    halves = [(grids[0::2], grids[1::2]), (grids[1::2], grids[0::2])]
    gains = {power: np.mean([gain(*half, power) for half in halves], axis=0) for power in POWERS}
    mean_gains = {
        power: found.mean()
        for power, found in gains.items()
        if found.min() >= -MOST_LOST * found.mean()
    }
    power = max(mean_gains, key=mean_gains.__getitem__, default=0.0)
    return position_scale(grids, power) if mean_gains.get(power, 0.0) > LEAST_GAIN else None


def gain(fitted: Array, judged: Array, power: float) -> Array:
    """Return by how much the share of imagined defects found rises, in each of three regions.

    A defect of size s makes a distance of d to one of the root of d² + s². It is found as often as
    it exceeds the largest distance of a good picture. s is such that plain distances find FOUND.

    Args:
        fitted: (n, h, w) distances that the divisor is from.
        judged: (m, h, w), other good pictures'.
        power: of the divisor.

    Returns:
        (3,) differences of shares in [-1, 1]: at the edge; elsewhere, where distances are large;
        and where they are small. 0 for a region without a position.
    """
    scale = position_scale(fitted, power)
    regions = split_positions(
        position_scale(fitted, 1.0), np.asarray(np.isfinite(judged).all(axis=0))
    )
    low, high = 0.0, 20 * float(np.nanmax(judged))
    for _ in range(STEPS):
        size = (low + high) / 2
        below = np.mean(shares_found(judged, size, regions)) < FOUND
        low, high = (size, high) if below else (low, size)
    return shares_found(judged / scale, size / scale, regions) - shares_found(judged, size, regions)


def shares_found(grids: Array, size: float | Array, regions: list[Array]) -> Array:
    """Return the share of defects of a size, a number or (h, w), found in each region."""
    peaks = np.sort(np.nanmax(grids, axis=(1, 2)))
    with_defect = np.sqrt(grids**2 + np.square(size))
    ranks = np.searchsorted(peaks, with_defect, "left") / len(peaks)
    return np.array([ranks[:, region].mean() if region.any() else 0.0 for region in regions])


def split_positions(usual: Array, valid: Array) -> list[Array]:
    """Return the regions of `gain`, each (h, w) bool, of the usual distances (h, w)."""
    inner = np.zeros(usual.shape, bool)
    rows, columns = (max(1, round(EDGE * side)) for side in usual.shape)
    inner[rows:-rows, columns:-columns] = True
    large = usual > np.median(usual[inner]) if inner.any() else inner
    return [valid & ~inner, valid & inner & large, valid & inner & ~large]


def position_scale(grids: Array, power: float) -> Array:
    """Return (h, w) float32: the usual distance of each position over their median, to a power.

    Mean and variance are those of the pictures, blurred over neighbouring positions, among which
    the means' own variance counts. A position without a patch has that of its neighbours, or 1.

    Args:
        grids: (n, h, w) distances, NaN where there is no patch.
    """
    from scipy import ndimage  # slow to import, and of use in a fit alone

    known = np.isfinite(grids)
    counts = known.sum(axis=0)
    weight = (counts > 0).astype(np.float64)
    values = np.where(known, grids, 0).astype(np.float64)
    mean = values.sum(axis=0) / np.maximum(counts, 1)
    variance = (np.where(known, grids - mean, 0) ** 2).sum(axis=0) / np.maximum(counts, 1)
    sigma = BLUR * max(grids.shape[1:])

    def blurred(field: Array) -> Array:
        total = ndimage.gaussian_filter(field * weight, sigma, mode="nearest")
        share = ndimage.gaussian_filter(weight, sigma, mode="nearest")
        return np.asarray(np.divide(total, share, out=np.zeros_like(total), where=share > 1e-6))

    centre = blurred(mean)
    usual = centre + DEVIATIONS * np.sqrt(blurred(variance + (mean - centre) ** 2))
    middle = np.median(usual[counts > 0])
    if not middle > 0:
        return np.ones(usual.shape, np.float32)
    ratio = np.where(usual > 0, usual / middle, 1)
    return np.asarray(ratio**power, np.float32)
