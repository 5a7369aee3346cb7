"""Measure an inspector on labelled pictures."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from goldensample import metrics
from goldensample.inspector import Inspector
from goldensample.records import Array, Inspection, Picture


@dataclass(frozen=True, slots=True)
class Labelled:
    """A picture of which the truth is known.

    Args:
        picture: the picture.
        defect: True when it shows one.
        mask: (H, W) bool, True on the defect; all False on a good picture; None where unknown.
        kind: name of the defect, or "good".
    """

    picture: Picture
    defect: bool
    mask: Array | None
    kind: str = ""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The figures of a test set, shares in [0, 1]; pixel figures None where there are no masks.

    Args:
        pixels: what the pixel figures were taken on: "full picture" or "crop".
    """

    image_auroc: float
    pixel_auroc: float | None
    pro: float | None
    f1: float
    f1_threshold: float
    false_positive: int
    false_negative: int
    images: int
    pixels: str

    def as_json(self) -> dict[str, Any]:
        """Return the figures under the names that `golden evaluate --json` prints."""
        return {
            "image_auroc": self.image_auroc,
            "pixel_auroc": self.pixel_auroc,
            "pro": self.pro,
            "f1": self.f1,
            "f1_threshold": self.f1_threshold,
            "misclassified": {
                "false_positive": self.false_positive,
                "false_negative": self.false_negative,
            },
            "images": self.images,
            "pixels": self.pixels,
        }


class Tally:
    """Collects inspections with their truth, one at a time, keeping no map.

    Memory: 24 MB for the pixels, a few bytes for each picture.
    """

    def __init__(self) -> None:
        self.scores: list[float] = []
        self.defects: list[bool] = []
        self._pixels = metrics.PixelTally()
        self._has_masks = True
        self._cropped = False

    def add(self, inspection: Inspection, defect: bool, mask: Array | None) -> None:
        """Count one picture, with its truth as in `Labelled`; pixels not inspected are left out."""
        self.scores.append(inspection.score)
        self.defects.append(defect)
        top, left, height, width = inspection.box_px
        self._cropped |= (height, width) != inspection.heat_map.shape
        if mask is None:
            self._has_masks = False
        elif self._has_masks:
            part = (slice(top, top + height), slice(left, left + width))
            self._pixels.add(inspection.heat_map[part], mask[part])

    def result(self) -> Evaluation:
        """Return the figures of everything counted so far.

        Raises:
            ValueError: good pictures, or defects, are missing.
        """
        scores, defects = np.asarray(self.scores), np.asarray(self.defects, bool)
        image_auroc = metrics.auroc(scores, defects)
        best = metrics.best_f1(scores, defects)
        return Evaluation(
            image_auroc=image_auroc,
            pixel_auroc=self._pixels.auroc() if self._has_masks else None,
            pro=self._pixels.pro() if self._has_masks else None,
            f1=best.f1,
            f1_threshold=best.threshold,
            false_positive=best.false_positive,
            false_negative=best.false_negative,
            images=len(scores),
            pixels="crop" if self._cropped else "full picture",
        )


def evaluate(inspector: Inspector, labelled: Iterable[Labelled]) -> Evaluation:
    """Inspect labelled pictures and return the figures of the whole set."""
    tally, waiting = Tally(), deque[Labelled]()

    def pictures() -> Iterator[Picture]:
        for truth in labelled:
            waiting.append(truth)
            yield truth.picture

    for inspection in inspector.inspect_many(pictures()):
        truth = waiting.popleft()
        tally.add(inspection, truth.defect, truth.mask)
    return tally.result()
