"""The plan of a fit: its memory, disk space and time on this machine, before it starts."""

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from goldensample.backbones.network import Backbone
from goldensample.calibration.conformal import choose_scheme
from goldensample.errors import ArtifactError, ImageError
from goldensample.features.tiling import native_preparation
from goldensample.fitting.machine import measure_machine, memory_bytes
from goldensample.fitting.plan import Load, Plan, check_memory, choose_greedy, estimate
from goldensample.fitting.spool import record_bytes
from goldensample.images.codec import read_shape
from goldensample.images.folder import open_images
from goldensample.locales.language import gettext
from goldensample.methods.patchcore import PatchCore
from goldensample.preparation.preparation import Preparation, choose_size
from goldensample.wording.progress import duration

SAMPLE = 24
"""Pictures whose headers are read for their shapes, about."""


@dataclass(frozen=True)
class PlanRequest:
    """The fit to plan.

    `limits` are the rate of false alarms and the calibration; `memory` is the limit of each of the
    `workers`, in bytes.
    """

    paths: list[str]
    output: Path
    preparation: Preparation | None
    tile: bool
    limits: tuple[float, str]
    memory: int | None
    has_greedy: bool
    workers: int = 1


def plan_fit(
    request: PlanRequest, backbone: Backbone, method: PatchCore, tell: Callable[[str], None]
) -> PatchCore:
    """Report the plan; return the method with the greedy coreset that fits the memory.

    Args:
        request: the fit to plan.
        backbone: the network, which is timed on a blank picture.
        method: with its knobs; not changed.
        tell: receives the description of the plan, once.

    Raises:
        ValueError: neither greedy coreset fits.
        ArtifactError: the disk has no space for the features.
    """
    count, shapes = _sampled_shapes(request.paths)
    preparation = request.preparation or default_preparation(
        shapes, backbone.network.stride, request.tile
    )
    largest = max(shapes, key=lambda shape: shape[0] * shape[1])
    machine, features = measure_machine(backbone, preparation, method, largest)
    held_out = len(choose_scheme(count, *request.limits).held_out) if request.limits[0] else 0
    maps = [level.shape[1:] for level in features.maps]
    load = Load(
        pictures=count - held_out,
        held_out=held_out,
        cells=maps[0][1] * maps[0][2],
        depth=sum(shape[0] for shape in maps),
        record_bytes=record_bytes(maps),
        largest_px=largest[0] * largest[1],
        workers=request.workers,
    )
    processes = min(request.workers, os.cpu_count() or 1)  # as many on a machine as it has cores
    limit = request.memory or int(0.8 * (memory_bytes() or 1e15) / processes)
    if request.has_greedy:
        check_memory(method, load, machine, limit)
    else:
        method = choose_greedy(method, load, machine, limit)
    planned = estimate(method, load, machine)
    tell(describe_plan(planned, method, load))
    free_bytes = shutil.disk_usage(
        next(p for p in request.output.absolute().parents if p.exists())
    ).free
    if planned.disk_bytes > free_bytes:
        raise ArtifactError(
            f"{request.output} must have {planned.disk_bytes / 1e6:,.0f} MB beside it for the "
            f"features while they are needed; there are {free_bytes / 1e6:,.0f} MB; make "
            "room or choose another place"
        )
    return method


def default_preparation(shapes: Sequence[tuple[int, int]], stride: int, tile: bool) -> Preparation:
    """Return the preparation for pictures without a requested size."""
    return (
        native_preparation(shapes, stride)
        if tile
        else Preparation(choose_size(list(shapes), stride))
    )


def _sampled_shapes(paths: list[str]) -> tuple[int, list[tuple[int, int]]]:
    """Return the number of pictures, and the shapes of a sample of them, from their headers."""
    pictures = open_images(paths)
    shapes = []
    for path in pictures.paths[:: max(1, len(pictures) // SAMPLE)]:
        try:
            shapes.append(read_shape(path))
        except ImageError:
            continue  # reported later, with all that cannot be read
    return len(pictures), shapes or [(256, 256)]


def describe_plan(planned: Plan, method: PatchCore, load: Load) -> str:
    """Return the description of a plan."""
    if planned.rows == planned.patches:
        kept = gettext("all kept in the bank")
    elif method.subsampler == "greedy":
        kept = gettext("%(rows)s kept by the %(kind)s greedy coreset")
        kept %= {"rows": f"{planned.rows:,}", "kind": method.greedy}
    else:
        kept = gettext("%(rows)s kept by the %(kind)s choice")
        kept %= {"rows": f"{planned.rows:,}", "kind": method.subsampler}
    memory = f"{planned.memory_bytes / 1e6:,.0f} MB"
    if load.workers > 1:
        each = gettext("%(memory)s of memory on each of %(workers)s workers")
    else:
        each = gettext("%(memory)s of memory")
    text = gettext(
        "plan: %(patches)s patches of depth %(depth)s from %(pictures)s pictures, %(kept)s; at "
        "most %(memory)s and %(disk)s MB of disk meanwhile, about %(time)s"
    )
    return text % {
        "patches": f"{planned.patches:,}",
        "depth": planned.depth,
        "pictures": f"{load.pictures:,}",
        "kept": kept,
        "memory": each % {"memory": memory, "workers": load.workers},
        "disk": f"{planned.disk_bytes / 1e6:,.0f}",
        "time": duration(planned.seconds),
    }
