"""The pictures that a fit is given: what is left out is told, and labelled defects are read."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from goldensample.backbones.network import Backbone
from goldensample.cli.console import tell
from goldensample.datasets.by_table import read_column
from goldensample.datasets.labels import GOOD, label_of, plain_name
from goldensample.images.folder import Folder, read_images
from goldensample.locales.language import counted, gettext
from goldensample.methods.protocols import Method
from goldensample.preparation.preparation import Preparation
from goldensample.records import Array, Notify, Picture, Pictures
from goldensample.runners import Runner
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
        counted(
            "%(num)s picture of defects for the training, and for nothing else: no limit rests on "
            "them",
            "%(num)s pictures of defects for the training, and for nothing else: no limit rests on "
            "them",
            len(defects),
        )
    )
    return defects


def read_groups(
    pictures: Folder, groups: str | None, paths: Sequence[str], path_column: str | None
) -> Folder:
    """Return pictures with their groups, where --groups asks for them.

    Args:
        pictures: to learn from.
        groups: as given, or None.
        paths: as given: the tables, where a column tells the groups.
        path_column: that names their pictures; None knows it by its name.
    """
    from goldensample.images.groups import with_groups

    if groups is None:
        return pictures
    kind, _, name = groups.partition(":")
    column: dict[Path, str] = {}
    if kind == "column":
        named = plain_name(path_column or "path")
        column = read_column([Path(path) for path in paths], name, named)
    return with_groups(pictures, groups, column)


def hold_out(
    pictures: Folder,
    network: Backbone,
    limits: tuple[Method, float, str],
    runner: Runner,
    notify: Notify,
) -> tuple[Folder, list[int]]:
    """Return the pictures, near-copies in groups, and the numbers of those that only set limits.

    See `group_near_copies` and `choose_held_out`.
    """
    from goldensample.fitting.near_copies import group_near_copies

    if apart := group_near_copies(pictures, network, limits, runner, notify):
        pictures = pictures.select(*apart)
    return pictures, choose_held_out(pictures, *limits).tolist()


def choose_held_out(pictures: Folder, method: Method, rate: float, calibration: str) -> Array:
    """Return the numbers of the pictures that only set the limits; tell where a training repeats.

    Args:
        pictures, method: of the fit.
        rate, calibration: see `choose_limits`.

    Raises:
        ValueError: the groups of the pictures cannot be held out whole.
    """
    from goldensample.calibration.conformal import FOLDS, required_count
    from goldensample.fitting.distinct import choose_limits

    scheme = choose_limits(pictures, method, rate, calibration)[0]
    if pictures.groups and rate and not len(scheme.held_out):
        largest, count = Counter(pictures.groups).most_common(1)[0]
        raise ValueError(
            f"--groups must leave {required_count(rate)} pictures or more in whole groups to keep "
            f"aside, and half to learn from; got {len(pictures)} pictures in "
            f"{len(set(pictures.groups))} groups, the largest {largest} with {count}; give more "
            "pictures or groups, a larger --false-alarms, or no --groups"
        )
    if hasattr(method, "budget") and scheme.kind and not len(scheme.held_out):
        text = gettext(
            "golden: of %(count)s good pictures none can be spared for the limits, so the network "
            "is trained %(times)s times; --false-alarms 0 trains it once, without limits"
        )
        tell(text % {"count": len(pictures), "times": FOLDS + 1})
    return scheme.held_out


def tell_intake(pictures: Folder) -> None:
    """Print which pictures are not learned from, and which samples become black and white."""
    for message in pictures.skipped:
        tell(gettext("left out: %(message)s") % {"message": message})
    for note in intake_notes(pictures.intake) if pictures.intake else ():
        tell(f"golden: {note}")
    if levels := pictures.grey_range:  # where they have more than 8 bits
        text = gettext("more than 8 bits: the sample %(black)s becomes black and %(white)s white")
        tell(text % {"black": levels.black, "white": levels.white})


def tell_stretched(pictures: Pictures, preparation: Preparation) -> None:
    """Print which pictures will be stretched, as keeping their aspect would waste too much."""
    shapes = zip(pictures.names, pictures.shapes(), strict=True)
    names = [name for name, shape in shapes if preparation.placement(shape).stretched]
    if names:
        listed = ", ".join(names[:3])
        if len(names) > 3:
            listed = gettext("%(names)s and %(count)s more") % {
                "names": listed,
                "count": len(names) - 3,
            }
        text = gettext("stretched, since their shape is far from the others': %(names)s")
        tell(text % {"names": listed})
