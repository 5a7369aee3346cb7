"""The pictures that a fit is given: what is left out is told, and labelled defects are read."""

from collections.abc import Sequence
from typing import Annotated

import typer

from goldensample.cli.console import tell
from goldensample.datasets.labels import GOOD, label_of
from goldensample.images.folder import Folder, read_images
from goldensample.methods.protocols import Method
from goldensample.preparation.preparation import Preparation
from goldensample.records import Array, Picture, Pictures
from goldensample.wording.intake import intake_notes

Defects = Annotated[
    list[str] | None,
    typer.Option(
        "--defects",
        metavar="PATH",
        help="Pictures of defects, where some are at hand, for --method cavga: it then learns from "
        "them, too. No limit rests on them; leave them out of every test. May be given several "
        "times.",
    ),
]


def read_defects(
    paths: Sequence[str] | None, good: Folder, skip_unreadable: bool
) -> Folder | Sequence[Picture]:
    """Return the labelled defects, each once, read as the good pictures are; none without paths.

    Raises:
        ImageError: a picture cannot be read.
        ValueError: one lies in a folder of good pictures.
    """
    if not paths:
        return ()
    defects = read_images(paths, good.grey_range, skip_unreadable).distinct()
    for path in defects.paths:
        if GOOD in map(label_of, path.parts[-2:-1]):
            raise ValueError(
                f"--defects must name pictures of defects alone; got {path}, in a folder of good "
                "pictures; name the folders of the defects, each with its own --defects"
            )
    tell_intake(defects)
    tell(
        f"{len(defects)} picture{'s' * (len(defects) != 1)} of defects for the training, and for "
        "nothing else: no limit rests on them"
    )
    return defects


def choose_held_out(pictures: Folder, method: Method, rate: float, calibration: str) -> Array:
    """Return the numbers of the pictures that only set the limits; tell where a training repeats.

    Args:
        pictures, method: of the fit.
        rate, calibration: see `choose_limits`.
    """
    from goldensample.calibration.conformal import FOLDS
    from goldensample.fitting.distinct import choose_limits

    scheme = choose_limits(pictures, method, rate, calibration)[0]
    if hasattr(method, "budget") and scheme.kind and not len(scheme.held_out):
        tell(
            f"golden: of {len(pictures)} good pictures none can be spared for the limits, so the "
            f"network is trained {FOLDS + 1} times; --false-alarms 0 trains it once, without limits"
        )
    return scheme.held_out


def tell_intake(pictures: Folder) -> None:
    """Print which pictures are not learned from, and which samples become black and white."""
    for message in pictures.skipped:
        tell(f"left out: {message}")
    for note in intake_notes(pictures.intake) if pictures.intake else ():
        tell(f"golden: {note}")
    if levels := pictures.grey_range:  # where they have more than 8 bits
        tell(f"more than 8 bits: the sample {levels.black} becomes black and {levels.white} white")


def tell_stretched(pictures: Pictures, preparation: Preparation) -> None:
    """Print which pictures will be stretched, as keeping their aspect would waste too much."""
    shapes = zip(pictures.names, pictures.shapes(), strict=True)
    names = [name for name, shape in shapes if preparation.placement(shape).stretched]
    if names:
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        tell(f"stretched, since their shape is far from the others': {', '.join(names[:3])}{more}")
