"""The pictures to learn from, each once, and what can be promised on them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from goldensample.calibration import conformal
from goldensample.features.extraction import as_picture
from goldensample.images.folder import Folder
from goldensample.images.grey_range import GreyRange
from goldensample.images.intake import Intake, choose_distinct, picture_facts
from goldensample.methods.patchcore import PatchCore
from goldensample.methods.protocols import Method
from goldensample.methods.registry import method_name
from goldensample.records import Array, Picture, Pictures
from goldensample.wording.intake import single_value_reason, too_few_reason


@dataclass(frozen=True, slots=True)
class DistinctPictures:
    """Some of the pictures that a program gave; implements `records.Pictures`.

    Args:
        images: all of them.
        indices: ascending numbers of those.
        names: of those.
        cached_shapes: (H, W) of those.
        digests: of those, see `PictureFacts`.
        grey_range: see `Folder`.
        intake: what was left out.
        groups, grouped_by: see `Folder`.
    """

    images: Pictures | Sequence[Array | Picture]
    indices: tuple[int, ...]
    names: tuple[str, ...]
    cached_shapes: tuple[tuple[int, int], ...]
    digests: tuple[str, ...]
    grey_range: GreyRange | None
    intake: Intake
    groups: tuple[str, ...] = ()
    grouped_by: str = ""

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> Picture:
        """Return a picture, decoded."""
        number = self.indices[index]
        return as_picture(self.images[number], number)

    def __iter__(self) -> Iterator[Picture]:
        return (self[index] for index in range(len(self)))

    def shapes(self) -> Sequence[tuple[int, int]]:
        """Return (H, W) of each."""
        return self.cached_shapes

    def select(self, chosen: Sequence[int], groups: Sequence[str], by: str) -> Self:
        """Return some of the pictures, in groups."""
        return replace(
            self,
            indices=tuple(self.indices[k] for k in chosen),
            names=tuple(self.names[k] for k in chosen),
            cached_shapes=tuple(self.cached_shapes[k] for k in chosen),
            digests=tuple(self.digests[k] for k in chosen),
            groups=tuple(groups),
            grouped_by=by,
        )


def distinct(
    images: Pictures | Sequence[Array | Picture], grey_range: GreyRange | None = None
) -> Folder | DistinctPictures:
    """Return pictures without copies, and without masks that lie beside a picture.

    Args:
        images: what `read_images` returns, or (H, W, 3) uint8 RGB arrays.
        grey_range: of the preparation, where the pictures have none.

    Raises:
        ValueError: an array is no picture.

    Cost: each picture is read once, unless `read_images` has done so.
    """
    if isinstance(images, Folder):
        return images.distinct()
    pictures = (as_picture(images[index], index) for index in range(len(images)))
    pairs = [(picture.name, picture_facts(picture.pixels)) for picture in pictures]
    names, facts = [name for name, _ in pairs], [fact for _, fact in pairs]
    chosen, intake = choose_distinct(names, facts)
    return DistinctPictures(
        images,
        tuple(chosen),
        tuple(names[k] for k in chosen),
        tuple(facts[k].shape_hw for k in chosen),
        tuple(facts[k].digest for k in chosen),
        getattr(images, "grey_range", grey_range),
        intake,
    )


def groups_of(images: Pictures | Sequence[Array | Picture]) -> Sequence[str]:
    """Return the group of each picture, where groups are to be held out whole; else nothing."""
    return getattr(images, "groups", ())


def held_out_facts(
    images: Pictures | Sequence[Array | Picture], held_out: Array
) -> conformal.HoldOut | None:
    """Return which pictures are held out of a fit; None where none is."""
    groups, count = groups_of(images), len(held_out)
    if not count:
        return None
    by = str(getattr(images, "grouped_by", ""))
    if not groups:
        return conformal.HoldOut(count, by)
    chosen = {groups[index] for index in held_out.tolist()}
    return conformal.HoldOut(count, by, len(set(groups)), len(chosen))


def scheme_of(
    n: int, method: Method, rate: float | None, calibration: str, groups: Sequence[str] = ()
) -> conformal.Scheme:
    """Return the calibration scheme of a fit on n pictures; no rate, or 0, is for none."""
    if not rate:
        return conformal.Scheme(None, np.empty(0, np.int64))
    return conformal.choose_scheme(n, rate, calibration, isinstance(method, PatchCore), groups)


def choose_limits(
    images: Pictures | Sequence[Array | Picture],
    method: Method,
    rate: float | None,
    calibration: str,
) -> tuple[conformal.Scheme, Intake | None]:
    """Return how limits are calibrated, and the intake, which says why where none can be set.

    Args:
        images: of the fit; their intake is known where `distinct` chose them.
        method: to be fitted.
        rate: of false alarms; None or 0 for no limits.
        calibration: as requested, see `conformal.choose_scheme`.

    Raises:
        ValueError: the method would be taken for another, see `method_name`.
    """
    method_name(method)
    intake: Intake | None = getattr(images, "intake", None)
    reason = single_value_reason(intake) if rate else ""
    groups = groups_of(images)
    scheme = scheme_of(len(images), method, None if reason else rate, calibration, groups)
    if rate and not reason and scheme.kind is None:
        copies = intake.equal.count if intake else 0
        cross_fits = isinstance(method, PatchCore)
        least = conformal.MIN_ESTIMATED if cross_fits else conformal.MIN_TAIL_SCORES
        reason = too_few_reason(len(images), copies, rate, calibration, least)
    return scheme, replace(intake, no_promise=reason) if intake else None
