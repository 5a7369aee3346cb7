"""What `golden fit` does for one file."""

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import typer

from goldensample.cli.align import Align, aligned
from goldensample.cli.console import print_json, progress, say, tell
from goldensample.cli.limits_options import CalibrationWay, FalseAlarms, Review, tell_threshold
from goldensample.cli.options import (
    Backbones,
    Crop,
    Ignore,
    Levels,
    LookAt,
    Memory,
    Precision,
    Resize,
    Resume,
    Size,
    SkipUnreadable,
    Thumbnails,
    Tile,
    WeightsFiles,
    ZonesFile,
    method_of,
    sides,
    with_knobs,
)
from goldensample.cli.options import levels as parse_levels
from goldensample.cli.summary import describe, summary
from goldensample.methods.ensemble import Ensemble
from goldensample.methods.patchcore import PatchCore
from goldensample.methods.protocols import Method
from goldensample.methods.registry import CHOICES, METHODS
from goldensample.preparation.preparation import Preparation
from goldensample.records import Pictures
from goldensample.runners import Runner, here

PAPER: dict[str, Any] = {
    "backbone": "timm:wide_resnet50_2.tv_in1k",
    "resize": "256",
    "crop": "224",
    "depth": 1024,
}


@dataclass(frozen=True)
class Sizes:
    """The options that decide how pictures are prepared."""

    size: str | None
    resize: str | None
    crop: str | None
    tile: bool = False

    def preparation(self) -> Preparation | None:
        """Return the preparation asked for; None when nothing was asked for."""
        crop = sides(self.crop) if self.crop else None
        if self.tile and (self.size or self.resize or self.crop):
            raise ValueError("--tile must go without --size, --resize and --crop; got both")
        if self.size and (self.resize or self.crop):
            raise ValueError("--size must go without --resize and --crop; got both")
        if self.size:
            return Preparation(sides(self.size))
        if self.resize:
            mode = "stretch" if "x" in self.resize.lower() else "shorter"
            if mode == "shorter" and not crop:
                raise ValueError("--resize N must go with --crop, or be HxW; got it alone")
            return Preparation(sides(self.resize), mode, crop)
        if crop:
            raise ValueError("--crop must go with --resize; got it alone")
        return None


@with_knobs
def fit_one(
    paths: Annotated[
        list[str], typer.Argument(metavar="PATH...", help="Good pictures: folders, files, globs.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The .golden file to write.")],
    preset: Annotated[
        str | None, typer.Option(help='"paper" for every setting of the PatchCore paper.')
    ] = None,
    method: Annotated[
        str, typer.Option(help=f"{', '.join(CHOICES)}; the others are there to compare with.")
    ] = "patchcore",
    backbone: Backbones = None,
    weights: WeightsFiles = None,
    levels: Levels = "2,3",
    size: Size = None,
    tile: Tile = False,
    resize: Resize = None,
    crop: Crop = None,
    align: Align = None,
    ignore: Ignore = None,
    look_at: LookAt = None,
    zones: ZonesFile = None,
    thumbnails: Thumbnails = False,
    false_alarms: FalseAlarms = None,
    review: Review = None,
    calibration: CalibrationWay = "auto",
    memory: Memory = None,
    resume: Resume = False,
    device: Annotated[str, typer.Option(help="cpu, or cuda for timm networks.")] = "cpu",
    precision: Precision = "auto",
    skip_unreadable: SkipUnreadable = False,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    *,
    knobs: dict[str, Any],
    workers: Runner = here,
) -> None:
    """Learn from good pictures and write one .golden file that holds everything."""
    from goldensample.artifact.store import save
    from goldensample.artifact.thumbnails import check_banked, with_thumbnails
    from goldensample.fitting.fit import fit, way_of
    from goldensample.fitting.precision import check as check_precision
    from goldensample.fitting.precision import settle
    from goldensample.fitting.request import PlanRequest, decide, usual
    from goldensample.fitting.resume import spooled
    from goldensample.graphs.open_backbone import open_backbones
    from goldensample.images.folder import read_images
    from goldensample.masks.zone_files import with_areas

    began = perf_counter()
    check_output(output)
    check_preset(preset)
    chosen, asked = PAPER if preset else {}, Sizes(size, resize, crop, tile)
    if preset and asked == Sizes(None, None, None):
        asked = Sizes(None, PAPER["resize"], PAPER["crop"])
    if thumbnails:
        check_banked(METHODS[method]())
    settings = method_of(method, {k: v for k, v in chosen.items() if k == "depth"} | knobs)
    preparation = asked.preparation()
    names = backbone or [chosen.get("backbone", "builtin")]
    tell_slow(names)
    network, members = open_backbones(names, parse_levels(levels), weights or [], device)
    check_precision(network, precision)
    rate = (0.0 if preset else 0.05) if false_alarms is None else false_alarms
    if isinstance(settings, PatchCore):
        many = (memory, "greedy" in knobs, workers.workers)
        request = PlanRequest(paths, output, preparation, tile, (rate, calibration), *many)
        settings = decide(request, network, settings, tell)
    if members:
        settings = ensemble_of(settings, members)
    if workers is not here:
        check_apart(settings, device)
    with progress() as notify:
        pictures = read_images(paths, None, skip_unreadable, notify, workers)
        for message in pictures.skipped:
            tell(f"left out: {message}")
        preparation = preparation or usual(pictures.shapes(), network.network.stride, tile)
        preparation = with_areas(preparation, (ignore, look_at, zones), pictures.shapes())
        tell_stretched(pictures, preparation)
        out = way_of(len(pictures), settings, rate, calibration).out
        preparation = aligned(align, preparation, pictures, out.tolist(), notify)
        with spooled(output, pictures, network, preparation, len(out), resume, tell) as store:
            inspector = fit(
                pictures,
                backbone=network,
                method=settings,
                preparation=preparation,
                false_alarms=rate or None,
                review=review,
                calibration=calibration,
                notify=notify,
                kept=store,
                runner=workers,
            )
            inspector, settled = settle(inspector, pictures, precision, notify)
            if thumbnails:
                inspector = with_thumbnails(inspector, pictures, notify)
            save(inspector, output)
    seconds = perf_counter() - began
    if json:
        print_json({**summary(inspector), "file": str(output), "seconds": round(seconds, 3)})
        return
    say(f"{output}: {describe(inspector)}, in {seconds:.1f} s\nprecision {settled}")
    tell_threshold(inspector, rate, len(pictures), calibration)


def check_apart(method: Method, device: str) -> None:
    """Refuse what cannot be fitted over a runner."""
    from goldensample.methods.distributed import check_spreads

    check_spreads(method)
    if device != "cpu":
        raise ValueError(f"--runner must go with --device cpu; got {device}")


def ensemble_of(method: Method, members: tuple[int, ...]) -> Ensemble:
    """Return the ensemble of a method on several networks."""
    if not isinstance(method, PatchCore):
        raise ValueError("several --backbone must go with --method patchcore; got another")
    return Ensemble(members=members, patchcore=method)


def check_preset(preset: str | None) -> None:
    """Refuse a preset that there is not."""
    if preset not in (None, "paper"):
        raise ValueError(f"preset must be paper; got {preset!r}")


def check_output(output: Path) -> None:
    """Refuse, before long work, an output that could not be written."""
    from goldensample.storage.atomic import check_writable

    if output.suffix != ".golden":
        raise ValueError(f"--output must end in .golden; got {output}")
    check_writable(output)


def tell_slow(names: list[str]) -> None:
    """Say that networks take their time to open, if one does."""
    if any(name.startswith("timm:") for name in names):
        tell(f"opening {', '.join(names)}: building, exporting and checking takes some seconds")


def tell_stretched(pictures: Pictures, preparation: Preparation) -> None:
    """Name the pictures that will be stretched, as keeping their aspect would waste too much."""
    shapes = zip(pictures.names, pictures.shapes(), strict=True)
    names = [name for name, shape in shapes if preparation.place(shape).stretched]
    if names:
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        tell(f"stretched, since their shape is far from the others': {', '.join(names[:3])}{more}")
