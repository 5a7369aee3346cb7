"""What the composition of a picture says, in words."""

from collections.abc import Callable

import numpy as np

from goldensample.methods.patchcore import PatchCoreDetector
from goldensample.methods.protocols import Detector
from goldensample.records import Scores, Source

QUARTER_NAMES = "upper left", "upper right", "lower left", "lower right"


def composition_note(detector: Detector, scores: Scores, source: Callable[[int], Source]) -> str:
    """Return what is missing or too many where that decided the score of one picture, else "".

    Args:
        source: returns where a bank row came from.
    """
    if not isinstance(detector, PatchCoreDetector) or detector.composition is None:
        return ""
    composition, rows = detector.composition, scores.nearest[0]
    if np.float32(composition.score(rows)) < scores.image[0]:
        return ""
    unusual = composition.most_unusual(rows)
    row, column = divmod(unusual.quarter, 2)
    near = (detector.origins[:, 1:] >= 0.5) == (bool(row), bool(column))
    alike = composition.kinds == unusual.kind
    examples = np.flatnonzero(alike & near.all(axis=1))
    example = source(int((examples if len(examples) else np.flatnonzero(alike))[0]))
    return (
        f"something is missing or too many: in the {QUARTER_NAMES[unusual.quarter]} quarter "
        f"{unusual.found} patches are like {example.picture} around row {example.row_px:.0f}, "
        f"column {example.column_px:.0f}; {unusual.usual:.0f} are usual"
    )
