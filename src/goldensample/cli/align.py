"""`golden fit --align`: the reference that every picture is moved to."""

from collections.abc import Collection
from pathlib import Path
from typing import Annotated

import typer

from goldensample.features.extraction import align_to
from goldensample.images.codec import read_image
from goldensample.images.folder import Folder
from goldensample.preparation.preparation import Preparation
from goldensample.records import Notify

Align = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="A good picture: every other one is turned and shifted first, by up to 15 degrees and "
        "a fifth of its sides, so that its part lies as in this one.",
    ),
]


def aligned(
    file: Path | None,
    preparation: Preparation,
    pictures: Folder,
    out: Collection[int],
    notify: Notify,
) -> Preparation:
    """Return the preparation that aligns to a picture in a file; None leaves all as they lie.

    Args:
        file: the reference.
        preparation: without one; not changed.
        pictures: good ones.
        out: numbers of those that limits rest on: they have no say in how others are prepared.
        notify: told ("align", pictures done, pictures).

    Raises:
        ImageError: a picture cannot be read.
        ValueError: good pictures do not agree with the reference.
    """
    if file is None:
        return preparation
    banked = [index for index in range(len(pictures)) if index not in set(out)]
    return align_to(preparation, read_image(file, pictures.white), pictures, banked, notify)
