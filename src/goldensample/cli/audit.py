"""`golden audit`: find the good pictures that are not."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import typer

from goldensample.backbones.network import Backbone
from goldensample.cli.console import print_json, progress, say, tell
from goldensample.cli.fit_one import Sizes, tell_stretched
from goldensample.cli.options import Crop, Levels, Resize, Size, SkipUnreadable, Weights
from goldensample.cli.options import levels as parse_levels
from goldensample.cli.summary import describe
from goldensample.fitting.audit import METHOD
from goldensample.images.folder import Folder
from goldensample.inspection.inspector import Inspector
from goldensample.preparation.preparation import Preparation, choose_size
from goldensample.records import Notify

SHOWN = 20
SIDES: tuple[Literal["left", "right"], ...] = ("left", "right")


@dataclass(frozen=True, slots=True)
class Place:
    """A picture's place among all, the worst first.

    Args:
        picture: its name.
        score: against the bank rows of the other pictures; larger = odder.
        rank: from 1; equal scores share the better rank.
        worse_than: share of the other pictures that score less.
        note: as in `Inspection`.
    """

    picture: str
    score: float
    rank: int
    worse_than: float
    note: str


def command(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH...", help="Good pictures: folders, files, globs.")
    ],
    worst: Annotated[
        int | None,
        typer.Option(min=1, help=f"How many to print. \\[default: {SHOWN}, or all with --json]"),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write DIR/report.html with heat maps.", metavar="DIR")
    ] = None,
    backbone: Annotated[str, typer.Option(help="builtin, timm:NAME or onnx:FILE.")] = "builtin",
    weights: Weights = None,
    levels: Levels = "2,3",
    size: Size = None,
    resize: Resize = None,
    crop: Crop = None,
    skip_unreadable: SkipUnreadable = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object a picture.")] = False,
) -> None:
    """Rank good pictures by how odd each is among the others, to find defects before fitting.

    Each picture is scored against a bank of the others, worst first. A defect that several
    pictures share can pass for good: after moving pictures away, run it again.
    """
    from goldensample.graphs.open_backbone import open_backbone
    from goldensample.images.folder import read_images
    from goldensample.storage.atomic import check_writable

    if report:
        check_writable(report / "report.html")
    preparation = Sizes(size, resize, crop).preparation()
    if backbone.startswith("timm:"):
        tell(f"opening {backbone}: building, exporting and checking it takes some seconds")
    network = open_backbone(backbone, parse_levels(levels), weights)
    with progress() as notify:
        pictures = read_images(paths, skip_unreadable=skip_unreadable, notify=notify)
        for message in pictures.skipped:
            tell(f"left out: {message}")
        inspector = _fitted(pictures, network, preparation, notify)
        places = _audited(inspector, pictures, report, notify)
    _show(places, worst, json)
    tell(
        "look at the worst first; move pictures that show a defect away, and audit what is left "
        "again or fit it"
    )


def _fitted(
    pictures: Folder, network: Backbone, preparation: Preparation | None, notify: Notify
) -> Inspector:
    """Fit on all pictures; refuse fewer than two before any work."""
    from goldensample.fitting.fit import fit

    if len(pictures) < 2:
        raise ValueError(f"an audit must have at least two pictures; got {len(pictures)}")
    if preparation is None:
        preparation = Preparation(choose_size(list(pictures.shapes()), network.network.stride))
    tell_stretched(pictures, preparation)
    return fit(
        pictures,
        backbone=network,
        method=METHOD,
        preparation=preparation,
        false_alarms=None,
        notify=notify,
    )


def _audited(
    inspector: Inspector, pictures: Folder, report: Path | None, notify: Notify
) -> list[Place]:
    """Score the pictures, write the report, and return their places."""
    from goldensample.cli.reporting import finish
    from goldensample.fitting.audit import audit
    from goldensample.report import Report

    facts = {
        "bank": describe(inspector),
        "scores": "each picture against the bank rows of all others",
    }
    page = Report("Audit", facts, None) if report else None
    found: list[tuple[str, float, str]] = []
    for index, inspection in enumerate(audit(inspector, pictures, notify)):
        found.append((inspection.name, inspection.score, inspection.note))
        if page:
            page.add(pictures[index].pixels, inspection)
    if page and report:
        finish(page, report / "report.html")
    return placed(found)


def placed(found: list[tuple[str, float, str]]) -> list[Place]:
    """Order (name, score, note) of at least two pictures, worst first; equal scores by name.

    Example:
        Scores a 1.0, b 3.0, c 1.0 give b rank 1, worse than all (1.0), then a and c, both rank 2
        and worse than none.
    """
    ascending = np.sort([score for _, score, _ in found])
    places = []
    for name, score, note in sorted(found, key=lambda one: (-one[1], one[0])):
        less, not_more = (int(np.searchsorted(ascending, score, side)) for side in SIDES)
        rank, worse_than = 1 + len(found) - not_more, less / (len(found) - 1)
        places.append(Place(name, score, rank, worse_than, note))
    return places


def _show(places: list[Place], worst: int | None, json: bool) -> None:
    """Print the worst, a line each."""
    for place in places[: worst or (len(places) if json else SHOWN)]:
        if json:
            print_json(asdict(place))
        else:
            note = f"  ({place.note})" if place.note else ""
            say(
                f"{place.rank:5}{place.score:11.4f}  {place.picture}  "
                f"worse than {100 * place.worse_than:.0f} % of the others{note}"
            )
