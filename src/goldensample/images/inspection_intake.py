"""Counts of an inspection: what came in, one picture after the other."""

from collections.abc import Sequence
from dataclasses import replace

from goldensample.images.intake import FEW_LEVELS, MASK_LEVELS, Intake, find_masks, some


class InspectionIntake:
    """Counts the pictures of an inspection, one after the other.

    Args:
        names: of all of them, in order.
        intake: what is known before any is decoded.

    Memory: about 100 bytes for each picture.
    """

    def __init__(self, names: Sequence[str], intake: Intake) -> None:
        self._names, self._intake = names, intake
        self._digests: set[bytes] = set()
        self._equal, self._single_value, self._few_levels = list[str](), list[str](), list[str]()
        self._drawn = set[str]()

    def add(self, name: str, values: int, digest: str) -> None:
        """Count a picture, by what `inspected_facts` returned of it."""
        key = bytes.fromhex(digest)
        if key in self._digests:
            self._equal.append(name)
        self._digests.add(key)
        if values < FEW_LEVELS:
            (self._single_value if values == 1 else self._few_levels).append(name)
        if values <= MASK_LEVELS:
            self._drawn.add(name)

    def finish(self) -> Intake:
        """Return the intake. Masks are judged by their pixels, too, see `find_masks`."""
        masks, doubles = find_masks(self._names, lambda k: self._names[k] in self._drawn)
        drawn = {self._names[k] for k in masks}
        return replace(
            self._intake,
            equal=some(self._equal),
            masks=some(self._names[k] for k in masks),
            same_stem=some(self._names[k] for k in doubles),
            single_value=some(name for name in self._single_value if name not in drawn),
            few_levels=some(name for name in self._few_levels if name not in drawn),
        )
