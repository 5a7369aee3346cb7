"""Several fitted PatchCores in one detector: their arrays, their rows, one after the other."""

from collections.abc import Mapping, Sequence

import numpy as np

from goldensample.methods.patchcore import PatchCore, PatchCoreDetector
from goldensample.records import Array, Scores


def origins(detectors: Sequence[PatchCoreDetector]) -> Array:
    """Return the origins of all rows, (m, 3) float32."""
    return np.concatenate([detector.origins for detector in detectors])


def to_arrays(detectors: Sequence[PatchCoreDetector]) -> dict[str, Array]:
    """Return the arrays of each, under "0/", "1/", ..."""
    return {
        f"{number}/{name}": array
        for number, detector in enumerate(detectors)
        for name, array in detector.arrays().items()
    }


def restored(
    settings: PatchCore, arrays: Mapping[str, Array], count: int
) -> tuple[PatchCoreDetector, ...]:
    """Rebuild the detectors from what `to_arrays` returned.

    Raises:
        ValueError: an array is missing, is too many, or does not fit.
    """
    found = []
    for number in range(count):
        lead = f"{number}/"
        own = {n.removeprefix(lead): a for n, a in arrays.items() if n.startswith(lead)}
        found.append(settings.restore(own))
    if len(arrays) != sum(len(detector.arrays()) for detector in found):
        raise ValueError(f"arrays must be those of {count} detectors; got {', '.join(arrays)}")
    return tuple(found)


def nearest(
    scores: Sequence[Scores], detectors: Sequence[PatchCoreDetector], chosen: Array
) -> Array:
    """Return, for each patch, the nearest row of one of the detectors, by its place among all.

    Args:
        scores: of each detector, on the same pictures.
        detectors: in the same order.
        chosen: (n, h, w) number of the detector that names the row.

    Returns:
        (n, h, w) int32; -1 where not valid.
    """
    firsts = np.cumsum([0, *(len(detector.bank) for detector in detectors[:-1])])
    rows = np.stack([one.nearest + first for one, first in zip(scores, firsts, strict=True)])
    found = np.take_along_axis(rows, chosen[None], axis=0)[0]
    return np.where(scores[0].valid, found, -1).astype(np.int32)
