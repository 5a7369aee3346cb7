"""`golden audit`: rank good pictures by anomaly score, to find defects among them."""

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from goldensample.backbones.network import Backbone
from goldensample.cli.console import print_json, progress, say, tell
from goldensample.cli.fit_pictures import tell_intake, tell_stretched
from goldensample.cli.intake import print_intake
from goldensample.cli.options import (
    Crop,
    GoodPaths,
    GreyRangeText,
    Levels,
    Resize,
    Size,
    SkipUnreadable,
    Weights,
    parse_grey_range,
    parse_levels,
)
from goldensample.cli.sizes import Sizes
from goldensample.cli.summary import describe, tell_slow
from goldensample.errors import ArtifactError
from goldensample.fitting.audit import METHOD, RankedPicture, rank_pictures
from goldensample.images.folder import Folder
from goldensample.images.intake import Intake
from goldensample.inspection.inspector import Inspector
from goldensample.locales.language import counted, gettext
from goldensample.preparation.preparation import Preparation, choose_size
from goldensample.records import Notify
from goldensample.wording.notes import told

SHOWN = 20


def command(
    paths: GoodPaths,
    worst: Annotated[
        int | None,
        typer.Option(min=1, help=f"How many to print. \\[default: {SHOWN}, or all with --json]"),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(help="Write DIR/report.html with heat maps.", metavar="DIR")
    ] = None,
    backbone: Annotated[
        str, typer.Option(help="builtin, effnet-lite0 to 2, timm:NAME or onnx:FILE.")
    ] = "builtin",
    weights: Weights = None,
    levels: Levels = None,
    size: Size = None,
    resize: Resize = None,
    crop: Crop = None,
    grey_range: GreyRangeText = None,
    skip_unreadable: SkipUnreadable = False,
    move_to: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Move the pictures that stand out to this folder; none is deleted.",
        ),
    ] = None,
    json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="Print one JSON object a picture, and a last one where files were left out or may "
            "show no part.",
        ),
    ] = False,
) -> None:
    """Rank good pictures by how odd each is among the others, to find defects before fitting.

    Each picture is scored against a bank of the others, worst first, and it says how many stand
    out. A defect that several pictures share can pass for good: after moving pictures away, run it
    again.
    """
    from goldensample.graphs.open_backbone import open_backbone
    from goldensample.images.folder import read_images
    from goldensample.storage.atomic import check_writable

    if report:
        check_writable(report / "report.html")
    preparation, asked = Sizes(size, resize, crop).preparation(), parse_grey_range(grey_range)
    tell_slow([backbone])
    network = open_backbone(backbone, parse_levels(levels), weights)
    with progress() as notify:
        pictures = read_images(paths, asked, skip_unreadable, notify).distinct()
        tell_intake(pictures)
        inspector = _fit_all(pictures, network, preparation, notify)
        ranking = _rank(inspector, pictures, report, notify)
    _show(ranking, worst, json)
    print_intake(pictures.intake or Intake(len(pictures)), json)
    tell(where_to_stop(ranking))
    if move_to:
        moved = move_pictures([one.picture for one in ranking if one.stands_out], pictures, move_to)
        names = ", ".join(moved) or gettext("none")
        tell(gettext("moved to %(folder)s: %(names)s") % {"folder": move_to, "names": names})


def _fit_all(
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


def _rank(
    inspector: Inspector, pictures: Folder, report: Path | None, notify: Notify
) -> list[RankedPicture]:
    """Score the pictures, write the report, and return the ranking."""
    from goldensample.cli.reporting import write_report
    from goldensample.fitting.audit import audit
    from goldensample.report import Report

    facts = {
        gettext("bank"): describe(inspector),
        gettext("scores"): gettext("each picture against the bank rows of all others"),
    }
    page = Report(gettext("Audit"), facts, None) if report else None
    scored: list[tuple[str, float, str]] = []
    for index, inspection in enumerate(audit(inspector, pictures, notify)):
        scored.append((inspection.name, inspection.score, inspection.note))
        if page:
            page.add(pictures[index].pixels, inspection)
    if page and report:
        write_report(page, report / "report.html")
    return rank_pictures(scored)


def _show(ranking: list[RankedPicture], worst: int | None, json: bool) -> None:
    """Print the most anomalous pictures, one on a line."""
    for picture in ranking[: worst or (len(ranking) if json else SHOWN)]:
        if json:
            print_json(asdict(picture))
        else:
            notes = [gettext("stands out")] * picture.stands_out
            notes += [told(picture.note)] * bool(picture.note)
            remarks = f"  ({'; '.join(notes)})" if notes else ""
            say(f"{picture.rank:5}{picture.score:11.4f}  {picture.picture}{remarks}")


def where_to_stop(ranking: list[RankedPicture]) -> str:
    """Return which pictures are worth a look, in words."""
    count = sum(picture.stands_out for picture in ranking)
    if count:
        return counted(
            "%(num)s stands out; look at it and at the next ten; move what shows a defect away "
            "(--move-to), then audit again or fit",
            "%(num)s stand out; look at these and at the next ten; move what shows a defect away "
            "(--move-to), then audit again or fit",
            count,
        )
    return gettext(
        "none stands out; look at the first ten to be sure; move what shows a defect away "
        "(--move-to), then audit again or fit"
    )


def move_pictures(names: list[str], pictures: Folder, folder: Path) -> list[str]:
    """Move pictures into a folder under the names they have; return where they are now.

    Raises:
        ArtifactError: a picture is at a URL, or a file of its name is there already; none is moved.
    """
    paths = dict(zip(pictures.names, pictures.paths, strict=True))
    targets = {name: folder / name for name in names}
    for name, target in targets.items():
        if not isinstance(paths[name], Path):
            raise ArtifactError(f"{name} must be a file of this machine to be moved; it is a URL")
        if target.exists():
            raise ArtifactError(
                f"{target} must not be there yet; it is; no picture was moved; choose another "
                "--move-to"
            )
    for name, target in targets.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(str(paths[name]), target)
    return [str(target) for target in targets.values()]
