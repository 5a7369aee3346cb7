"""Several fitted PatchCores in one detector: their arrays, and their rows concatenated."""

from collections.abc import Mapping, Sequence

import numpy as np

from goldensample.methods.patchcore import PatchCore, PatchCoreDetector
from goldensample.records import Array, Scores


def concatenate_origins(detectors: Sequence[PatchCoreDetector]) -> Array:
    """Return the origins of all rows, (m, 3) float32."""
    return np.concatenate([detector.origins for detector in detectors])


def to_arrays(detectors: Sequence[PatchCoreDetector]) -> dict[str, Array]:
    """Return the arrays of each, under "0/", "1/", ..."""
    return {
        f"{number}/{name}": array
        for number, detector in enumerate(detectors)
        for name, array in detector.arrays().items()
    }


def restore_detectors(
    settings: PatchCore, arrays: Mapping[str, Array], count: int
) -> tuple[PatchCoreDetector, ...]:
    """Rebuild the detectors from what `to_arrays` returned.

    Raises:
        ValueError: an array is missing, is too many, or does not fit.
    """
    detectors = []
    for number in range(count):
        prefix = f"{number}/"
        part = {n.removeprefix(prefix): a for n, a in arrays.items() if n.startswith(prefix)}
        detectors.append(settings.restore(part))
    if len(arrays) != sum(len(detector.arrays()) for detector in detectors):
        raise ValueError(f"arrays must be those of {count} detectors; got {', '.join(arrays)}")
    return tuple(detectors)


def nearest_rows(
    scores: Sequence[Scores], detectors: Sequence[PatchCoreDetector], chosen: Array
) -> Array:
    """Return, for each patch, the nearest row of one of the detectors, by its index among all.

    Args:
        scores: of each detector, on the same pictures.
        detectors: in the same order.
        chosen: (n, h, w) number of the detector whose row is returned.

    Returns:
        (n, h, w) int32; -1 where not valid.
    """
    firsts = np.cumsum([0, *(len(detector.bank) for detector in detectors[:-1])])
    shifted = zip(scores, firsts, strict=True)
    rows = np.stack([score.nearest + first for score, first in shifted])
    nearest = np.take_along_axis(rows, chosen[None], axis=0)[0]
    return np.where(scores[0].valid, nearest, -1).astype(np.int32)
