"""`golden fit --align`: the reference picture that all others are registered to."""

from collections.abc import Collection
from pathlib import Path
from typing import Annotated

import typer

from goldensample.features.extraction import align_to
from goldensample.images.codec import read_image
from goldensample.images.folder import Folder
from goldensample.preparation.preparation import Preparation
from goldensample.preparation.template import DEGREES, FULL
from goldensample.records import Notify

Align = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="A good picture: every other one is turned and shifted first, by up to 15 degrees and "
        "a fifth of its sides, so that its part lies as in this one.",
    ),
]
AlignDegrees = Annotated[
    int | None,
    typer.Option(
        min=DEGREES,
        max=FULL,
        show_default=str(DEGREES),
        help="By how much parts may be turned, either way; 180 for parts in any orientation.",
    ),
]


def add_alignment(
    file: Path | None,
    degrees: int | None,
    preparation: Preparation,
    pictures: Folder,
    held_out: Collection[int],
    notify: Notify,
) -> Preparation:
    """Return a preparation that aligns pictures to a reference; without one, the same preparation.

    Args:
        file: the reference picture, or None.
        degrees: by how much parts may be turned; None for DEGREES.
        preparation: without a reference; not changed.
        pictures: good ones.
        held_out: numbers of the calibration pictures, which have no part in the alignment.
        notify: called with ("align", pictures done, pictures).

    Raises:
        ImageError: a picture cannot be read.
        ValueError: good pictures do not agree with the reference, or a range is given without one.
    """
    if file is None and degrees is not None:
        raise ValueError(
            f"--align-degrees must come with --align, the picture to align to; got {degrees} alone"
        )
    if file is None:
        return preparation
    training = [index for index in range(len(pictures)) if index not in set(held_out)]
    reference = read_image(file, pictures.grey_range)
    return align_to(preparation, reference, pictures, training, notify, degrees or DEGREES)
