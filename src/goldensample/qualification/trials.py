"""Trials: each picture of a qualification inspected, with what is known of it."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np

from goldensample.datasets.items import Item, read_mask
from goldensample.errors import ImageError
from goldensample.images.codec import read_facts
from goldensample.images.folder import Folder
from goldensample.inspection.inspector import Inspector
from goldensample.locales.language import gettext
from goldensample.qualification.sizes import Size, measure
from goldensample.records import Array, Inspection, Notify, Picture
from goldensample.report.cards import VERDICTS


@dataclass(frozen=True, slots=True)
class Trial:
    """One inspected picture.

    Args:
        name: of the picture.
        kind: of the defect, or "good".
        verdict: "defect", "review" or "good".
        score: of the picture.
        sha256: of its file.
        size: of the defect; None without a mask, and of good parts.
        located: whether a region of the verdict touches the mask; None without a mask.
    """

    name: str
    kind: str
    verdict: str
    score: float
    sha256: str
    size: Size | None = None
    located: bool | None = None

    @property
    def found(self) -> bool:
        """Whether it is called a defect; to be looked at again is not."""
        return self.verdict == "defect"


def run_trials(
    inspector: Inspector, items: Sequence[Item], notify: Notify, stage: str
) -> list[Trial]:
    """Inspect pictures and measure what their masks mark.

    Raises:
        ImageError: a picture or a mask cannot be read.
        ValueError: the file has no limits, so that there are no verdicts.
    """
    if inspector.threshold is None:
        raise ValueError(
            "a qualification must have verdicts; this file has no limits; set them with golden "
            "thresholds --set or golden learn --calibrate"
        )
    names, paths = tuple(item.name for item in items), tuple(item.path for item in items)
    folder = Folder(names, paths, inspector.preparation.grey_range)
    shapes: list[tuple[int, int]] = []

    def pictures() -> Iterator[Picture]:
        for picture in folder:
            shapes.append((picture.pixels.shape[0], picture.pixels.shape[1]))
            yield picture

    trials = []
    for done, inspection in enumerate(inspector.inspect_many(pictures()), start=1):
        notify(stage, done, len(items))
        trials.append(_trial(items[done - 1], inspection, shapes[done - 1]))
    return trials


def _trial(item: Item, inspection: Inspection, shape_hw: tuple[int, int]) -> Trial:
    """Return a trial of an inspection."""
    size, located = None, None
    if item.masks:
        mask = read_mask(item, shape_hw)
        size, located = measure(mask), touches(inspection, mask)
    digest = sha256(item.path.read_bytes()).hexdigest()
    verdict = inspection.verdict or "good"
    return Trial(item.name, item.defect_type, verdict, inspection.score, digest, size, located)


def touches(inspection: Inspection, mask: Array) -> bool:
    """Return whether the box of a region holds a pixel of a mask, (H, W) bool."""
    boxes = (region.box_px for region in inspection.regions)
    return any(
        bool(mask[top : top + height, left : left + width].any())
        for top, left, height, width in boxes
    )


def without_learned(inspector: Inspector, items: Sequence[Item]) -> list[Item]:
    """Return the pictures that the fit did not see, by their pixels.

    Raises:
        ImageError: none is left.
    """
    learned = {picture.digest for picture in inspector.pictures} - {""}
    fresh = [item for item in items if not learned or read_facts(item.path).digest not in learned]
    if not fresh:
        raise ImageError(
            f"good pictures must be others than those of the fit; all {len(items)} are of the fit; "
            "photograph good parts of another day"
        )
    return fresh


def same_parts(repeats: Iterable[Sequence[Trial]]) -> dict[str, list[Trial]]:
    """Return the trials of each part that was photographed every time, by its name."""
    by_name: dict[str, list[Trial]] = {}
    count = 0
    for trials in repeats:
        count += 1
        for trial in trials:
            by_name.setdefault(Path(trial.name).stem, []).append(trial)
    return {name: trials for name, trials in sorted(by_name.items()) if len(trials) == count}


def said(verdict: str) -> str:
    """Return a verdict in the language in use."""
    return gettext(VERDICTS[verdict][1])


def scores_of(trials: Iterable[Trial]) -> Array:
    """Return the scores, (n,) float64."""
    return np.array([trial.score for trial in trials], np.float64)
