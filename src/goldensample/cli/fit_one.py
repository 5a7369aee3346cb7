"""`golden fit` for one file: its options, and the steps of a fit in order."""

from pathlib import Path
from time import perf_counter
from typing import Annotated, Any

import numpy as np
import typer

from goldensample.cli.align import Align, AlignDegrees, add_alignment
from goldensample.cli.console import print_json, progress, say, tell
from goldensample.cli.fit_pictures import (
    Defects,
    hold_out,
    read_defects,
    read_groups,
    tell_intake,
    tell_stretched,
)
from goldensample.cli.limits_options import CalibrationScheme, FalseAlarms, Groups, Review
from goldensample.cli.method_options import MethodName, add_knob_options, build_method, find_kind
from goldensample.cli.options import (
    Backbones,
    CategoryName,
    Crop,
    Device,
    GoodPaths,
    GreyRangeText,
    Ignore,
    Json,
    Layout,
    Levels,
    Memory,
    PathColumn,
    Precision,
    Resize,
    Resume,
    RoiFile,
    Size,
    SkipUnreadable,
    Thumbnails,
    Tile,
    WeightsFiles,
    ZonesFile,
    parse_grey_range,
    parse_levels,
)
from goldensample.cli.sizes import PAPER, Preset, Sizes, preset_knobs
from goldensample.cli.summary import describe, summary, tell_slow
from goldensample.cli.training_paths import training_paths
from goldensample.inspection.inspector import Inspector
from goldensample.locales.language import gettext, ngettext
from goldensample.methods.ensemble import Ensemble
from goldensample.methods.patchcore import PatchCore
from goldensample.methods.protocols import Method
from goldensample.methods.registry import default_backbone, default_levels
from goldensample.runners import Runner, local_runner
from goldensample.wording.limits import kept_aside, promise
from goldensample.wording.notes import told


@add_knob_options
def fit_one(
    paths: GoodPaths,
    output: Annotated[Path, typer.Option("--output", "-o", help="The .golden file to write.")],
    preset: Preset = None,
    method: MethodName = "patchcore",
    defects: Defects = None,
    backbone: Backbones = None,
    weights: WeightsFiles = None,
    levels: Levels = None,
    size: Size = None,
    tile: Tile = False,
    resize: Resize = None,
    crop: Crop = None,
    grey_range: GreyRangeText = None,
    align: Align = None,
    align_degrees: AlignDegrees = None,
    ignore: Ignore = None,
    look_at: RoiFile = None,
    zones: ZonesFile = None,
    thumbnails: Thumbnails = False,
    false_alarms: FalseAlarms = None,
    review: Review = None,
    calibration: CalibrationScheme = "auto",
    groups: Groups = None,
    memory: Memory = None,
    resume: Resume = False,
    device: Device = "cpu",
    precision: Precision = "auto",
    layout: Layout = "",
    category: CategoryName = "",
    path_column: PathColumn = None,
    skip_unreadable: SkipUnreadable = False,
    json: Json = False,
    *,
    knobs: dict[str, Any],
    workers: Runner = local_runner,
) -> None:
    """Learn from good pictures and write one .golden file that holds everything."""
    from goldensample.artifact.store import save
    from goldensample.artifact.thumbnails import add_thumbnails
    from goldensample.fitting.fit import fit
    from goldensample.fitting.precision import candidates, check_precision, choose_precision
    from goldensample.fitting.request import PlanRequest, default_preparation, plan_fit
    from goldensample.fitting.resume import feature_spool
    from goldensample.graphs.open_backbone import open_backbones
    from goldensample.images.folder import read_images
    from goldensample.masks.zone_files import add_roi_and_zones

    started, kind = perf_counter(), find_kind(method)
    given, paths = paths, training_paths(paths, layout, category, path_column)
    presets, sizes = PAPER if preset else {}, Sizes(size, resize, crop, tile).or_preset(preset)
    settings = build_method(kind, preset_knobs(preset) | knobs, device)
    check_can(settings, thumbnails, bool(defects))
    preparation = sizes.preparation()
    names = backbone or [presets.get("backbone", default_backbone(kind))]
    tell_slow(names)
    chosen = parse_levels(levels or default_levels(kind))
    network, members = open_backbones(names, chosen, weights or [], device)
    check_precision(network, precision)
    rate = (0.0 if preset else 0.05) if false_alarms is None else false_alarms
    if isinstance(settings, PatchCore):
        resources = (memory, "greedy" in knobs, workers.workers)
        request = PlanRequest(paths, output, preparation, tile, (rate, calibration), *resources)
        settings = plan_fit(request, network, settings, tell)
    settings = build_ensemble(settings, members)
    check_runner(settings, device, workers)
    with progress() as notify:
        grey = parse_grey_range(grey_range)
        pictures = read_images(paths, grey, skip_unreadable, notify, workers).distinct()
        tell_intake(pictures)
        pictures = read_groups(pictures, groups, given, path_column)
        labelled = read_defects(defects, pictures, skip_unreadable)
        shapes, stride = pictures.shapes(), network.network.stride
        preparation = preparation or default_preparation(shapes, stride, tile)
        preparation = add_roi_and_zones(preparation, (ignore, look_at, zones), shapes)
        tell_stretched(pictures, preparation)
        pictures, held = hold_out(pictures, network, (settings, rate, calibration), workers, notify)
        preparation = add_alignment(align, align_degrees, preparation, pictures, held, notify)
        spool = feature_spool(output, pictures, network, preparation, len(held), resume, tell)
        with spool as store:
            inspector = fit(
                pictures,
                backbone=network,
                method=settings,
                preparation=preparation,
                false_alarms=rate or None,
                review=review,
                calibration=calibration,
                notify=notify,
                store=store,
                runner=workers,
                others=candidates(network, precision)[:1],
                defects=labelled,
            )
            inspector, settled = choose_precision(inspector, pictures, precision, notify)
            if thumbnails:
                inspector = add_thumbnails(inspector, pictures, notify)
            save(inspector, output)
    tell_result(inspector, output, perf_counter() - started, settled, json)
    tell_promise(inspector, bool(rate), json)
    tell_outliers(inspector)


def tell_result(
    inspector: Inspector, output: Path, seconds: float, settled: str, json: bool
) -> None:
    """Print what was fitted, and which precision it computes in and why."""
    if json:
        facts = {"file": str(output), "seconds": round(seconds, 3), "precision_check": settled}
        print_json({**summary(inspector), **facts})
    else:
        values = {"file": output, "fit": describe(inspector), "seconds": f"{seconds:.1f}"}
        say(gettext("%(file)s: %(fit)s, in %(seconds)s s") % values)
        say(gettext("precision %(precision)s") % {"precision": settled})


def tell_promise(inspector: Inspector, requested: bool, json: bool) -> None:
    """Print what the limits promise, or why they promise nothing although a rate was requested."""
    if inspector.intake and inspector.intake.no_promise:
        tell(f"golden: {told(inspector.intake.no_promise)}")
    if not json and (inspector.threshold or not requested):
        limits = promise(inspector.threshold, inspector.journal)
        say(gettext("threshold %(limits)s") % {"limits": limits})
    if inspector.hold_out and not json:
        say(kept_aside(inspector.hold_out))


def tell_outliers(inspector: Inspector) -> None:
    """Print how many of the good pictures that limits rest on are far from the others."""
    from goldensample.fitting.audit import outlier_limit

    calibration = inspector.calibrations.get(inspector.backbone.precision)
    scores = calibration.scores if calibration else np.empty(0)
    if count := int((scores > outlier_limit(scores)).sum()):
        text = ngettext(
            "golden: %(num)s of %(total)s good pictures that were judged stands out; see whether a "
            "defect is among them: golden audit",
            "golden: %(num)s of %(total)s good pictures that were judged stand out; see whether a "
            "defect is among them: golden audit",
            count,
        )
        tell(text % {"num": count, "total": len(scores)})


def check_can(method: Method, thumbnails: bool, defects: bool) -> None:
    """Refuse, before long work, thumbnails or labelled defects that a method has no use for."""
    from goldensample.artifact.thumbnails import check_has_bank
    from goldensample.fitting.defects import check_learns_from_defects

    if thumbnails:
        check_has_bank(method)
    if defects:
        check_learns_from_defects(method)


def check_runner(method: Method, device: str, workers: Runner) -> None:
    """Refuse a method or device that cannot be fitted over a runner."""
    from goldensample.methods.cross_fitted import check_distributable

    if workers is local_runner:
        return
    check_distributable(method)
    if device != "cpu":
        raise ValueError(f"--runner must go with --device cpu; got {device}")


def build_ensemble(method: Method, members: tuple[int, ...]) -> Method:
    """Return the ensemble of a method on several networks; the method itself on one."""
    if not members:
        return method
    if not isinstance(method, PatchCore):
        raise ValueError("several --backbone must go with --method patchcore; got another")
    return Ensemble(members=members, patchcore=method)


def check_output(output: Path) -> None:
    """Refuse, before long work, an output that could not be written."""
    from goldensample.storage.atomic import check_writable

    if output.suffix != ".golden":
        raise ValueError(f"--output must end in .golden; got {output}")
    check_writable(output)
