"""The plan that `golden fit` tells before it reads a picture."""

import os
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from goldensample.backbones import Backbone
from goldensample.calibration.conformal import way
from goldensample.cli.console import duration, tell
from goldensample.errors import ArtifactError, ImageError
from goldensample.features.tiling import native
from goldensample.fitting.machine import measure, memory_bytes
from goldensample.fitting.plan import Load, Plan, check, fitting, plan
from goldensample.fitting.spool import record_bytes
from goldensample.images.codec import read_shape
from goldensample.images.folder import open_images
from goldensample.methods.patchcore import PatchCore
from goldensample.preparation.preparation import Preparation, choose_size

SAMPLE = 24
UNITS = {"KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30}


def size_bytes(text: str) -> int:
    """Read "2GB" as 2,000,000,000; MB, GB, MiB and GiB are known."""
    match = re.fullmatch(r"\s*([0-9.]+)\s*([A-Za-z]+)\s*", text)
    try:
        return int(float(match[1]) * UNITS[match[2].upper()]) if match else int(text)
    except (ValueError, KeyError):
        raise typer.BadParameter(f"must be a size such as 2GB or 800MB; got {text!r}") from None


Memory = Annotated[
    int | None,
    typer.Option(
        parser=size_bytes,
        metavar="SIZE",
        help="Memory to stay under, such as 2GB; a bank that does not fit is chosen by the "
        "streaming coreset, or refused. \\[default: 80% of the machine's]",
    ),
]


@dataclass(frozen=True)
class Asked:
    """What the plan is made for.

    `limits` are the rate of false alarms and the calibration; `memory` is what each of the
    `workers` may take, in bytes.
    """

    paths: list[str]
    output: Path
    preparation: Preparation | None
    tile: bool
    limits: tuple[float, str]
    memory: int | None
    greedy_given: bool
    workers: int = 1


def decide(asked: Asked, backbone: Backbone, method: PatchCore) -> PatchCore:
    """Tell the plan; return the method with the greedy coreset that fits the memory.

    Raises:
        ValueError: it does not fit, whatever is chosen.
        ArtifactError: the disk has no room for the features.
    """
    names, shapes = _sampled(asked.paths)
    preparation = asked.preparation or usual(shapes, backbone.network.stride, asked.tile)
    largest = max(shapes, key=lambda shape: shape[0] * shape[1])
    machine, features = measure(backbone, preparation, method, largest)
    out = len(way(names, *asked.limits).out) if asked.limits[0] else 0
    maps = [level.shape[1:] for level in features.maps]
    load = Load(
        pictures=names - out,
        held_out=out,
        cells=maps[0][1] * maps[0][2],
        depth=sum(shape[0] for shape in maps),
        record_bytes=record_bytes(maps),
        largest_px=largest[0] * largest[1],
        workers=asked.workers,
    )
    beside = min(asked.workers, os.cpu_count() or 1)  # as many on a machine as it has cores
    limit = asked.memory or int(0.8 * (memory_bytes() or 1e15) / beside)
    if asked.greedy_given:
        check(method, load, machine, limit)
    else:
        method = fitting(method, load, machine, limit)
    made = plan(method, load, machine)
    tell(words(made, method, load))
    room = shutil.disk_usage(next(p for p in asked.output.absolute().parents if p.exists())).free
    if made.disk_bytes > room:
        raise ArtifactError(
            f"{asked.output} must have {made.disk_bytes / 1e6:,.0f} MB beside it for the features "
            f"while they are needed; there are {room / 1e6:,.0f} MB; make room or choose another "
            "place"
        )
    return method


def usual(shapes: Sequence[tuple[int, int]], stride: int, tile: bool) -> Preparation:
    """Return the preparation of pictures for which no size was asked."""
    return native(shapes, stride) if tile else Preparation(choose_size(list(shapes), stride))


def _sampled(paths: list[str]) -> tuple[int, list[tuple[int, int]]]:
    """Return the number of pictures, and the shapes that some of them have by their headers."""
    found = open_images(paths)
    shapes = []
    for path in found.paths[:: max(1, len(found) // SAMPLE)]:
        try:
            shapes.append(read_shape(path))
        except ImageError:
            continue  # told later, with all that cannot be read
    return len(found), shapes or [(256, 256)]


def words(made: Plan, method: PatchCore, load: Load) -> str:
    """Return a plan as people read it."""
    text = f"plan: {made.patches:,} patches of depth {made.depth} from {load.pictures:,} pictures, "
    if made.rows == made.patches:
        text += "all kept in the bank"
    elif method.subsampler == "greedy":
        text += f"{made.rows:,} kept by the {method.greedy} greedy coreset"
    else:
        text += f"{made.rows:,} kept by the {method.subsampler} choice"
    each = f" on each of {load.workers} workers" if load.workers > 1 else ""
    return (
        f"{text}; at most {made.memory_bytes / 1e6:,.0f} MB of memory{each} and "
        f"{made.disk_bytes / 1e6:,.0f} MB of disk meanwhile, about {duration(made.seconds)}"
    )
