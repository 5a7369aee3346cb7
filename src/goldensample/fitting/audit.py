"""Audit: score each picture of a fit against the others, to find defects among good pictures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from goldensample.features.extraction import as_picture
from goldensample.fitting.fit import picture_name
from goldensample.inspection.inspector import Inspector
from goldensample.methods.patchcore import PatchCore, PatchCoreDetector
from goldensample.records import Array, Inspection, Notify, Picture, Pictures, silent

METHOD = PatchCore(coreset=10_000, denoise=True, composition="off")
"""All patches of few pictures, a bounded number of many; denoised, so that a defect which occurs
twice does not excuse itself."""


SIDES: tuple[Literal["left", "right"], ...] = ("left", "right")
OUTER_FENCE = 3.0
"""Interquartile ranges above the upper quartile, beyond which a score stands out."""


@dataclass(frozen=True, slots=True)
class RankedPicture:
    """A picture with its rank, the most anomalous first.

    Args:
        picture: its name.
        score: against the bank rows of the other pictures; larger = more anomalous.
        rank: from 1; equal scores share the better rank.
        worse_than: fraction of the other pictures that score less.
        stands_out: the score is far from the others', see `audit.outlier_limit`.
        note: as in `Inspection`.
    """

    picture: str
    score: float
    rank: int
    worse_than: float
    stands_out: bool
    note: str


def outlier_limit(scores: Array) -> float:
    """Return the score above which pictures stand out among others: Tukey's outer fence.

    Of four scores or fewer none stands out. Of normally distributed ones, one in 400,000 does.

    Args:
        scores: (n,) of good pictures, or of pictures said to be good.

    Source: Tukey, Exploratory Data Analysis, 1977.
    """
    if len(scores) < 5:
        return float("inf")
    lower, upper = np.quantile(np.asarray(scores, "f8"), (0.25, 0.75))
    return float(upper + OUTER_FENCE * (upper - lower))


def audit(
    inspector: Inspector, images: Pictures | Sequence[Array | Picture], notify: Notify = silent
) -> Iterator[Inspection]:
    """Inspect each picture of a fit with a bank that lacks the picture's own rows.

    Two things limit it. A defect that is on two pictures can hide itself on one of them. And a
    good patch can score high if the coreset picked it to represent similar patches of other
    pictures: those are not in the bank.

    Args:
        inspector: fitted on exactly these pictures, none of them held out.
        images: the pictures of the fit, in its order; at least two.
        notify: told ("audit", pictures done, pictures).

    Yields:
        The inspections in the order of the pictures, without verdicts.

    Raises:
        ValueError: the pictures are not those of the fit, or one picture fills the whole bank.

    Cost: a copy of the bank for each picture, and the distances of its patches to it.
    """
    count = len(images)
    if count < 2:
        raise ValueError(f"an audit must have at least two pictures; got {count}")
    names = [picture.name for picture in inspector.pictures]
    if names != [picture_name(images, index) for index in range(count)]:
        raise ValueError(
            "an audit must have the pictures of the fit, in order, with none held out; got "
            f"{count} pictures for a fit on {len(names)}"
        )
    detector = inspector.detector
    if not isinstance(detector, PatchCoreDetector):
        raise ValueError(f"an audit must have a patchcore fit; got {inspector.method_name}")
    for index in range(count):
        picture = as_picture(images[index], index)
        others = without_picture(detector, index, picture.name)
        auditor = replace(inspector, detector=others, thresholds={}, calibrations={})
        yield auditor.inspect(picture)
        notify("audit", index + 1, count)


def rank_pictures(scored: list[tuple[str, float, str]]) -> list[RankedPicture]:
    """Order (name, score, note) of at least two pictures, worst first; equal scores by name.

    Example:
        Scores a 1.0, b 3.0, c 1.0 give b rank 1, worse than all (1.0), then a and c, both rank 2
        and worse than none.
    """
    ascending = np.sort([score for _, score, _ in scored])
    limit, ranking = outlier_limit(ascending), []
    for name, score, note in sorted(scored, key=lambda item: (-item[1], item[0])):
        less, not_more = (int(np.searchsorted(ascending, score, side)) for side in SIDES)
        rank, worse_than = 1 + len(scored) - not_more, less / (len(scored) - 1)
        ranking.append(RankedPicture(name, score, rank, worse_than, score > limit, note))
    return ranking


def without_picture(detector: PatchCoreDetector, index: int, name: str) -> PatchCoreDetector:
    """Return a detector without the bank rows of one picture; its radius is that of the full bank.

    It has no composition: that rests on the picture, too.

    Raises:
        ValueError: no row is left.
    """
    others = detector.origins[:, 0] != index
    if not others.any():
        raise ValueError(
            f"the bank must have rows of other pictures, too; all are of {name}, as the others "
            "are copies of it; leave copies out"
        )
    kept = detector.bank[others], detector.origins[others]
    return replace(detector, bank=kept[0], origins=kept[1], composition=None)
