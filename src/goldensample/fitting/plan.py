"""What a fit will take, before the first picture is read; and which greedy coreset fits."""

from dataclasses import dataclass, replace
from math import ceil, log

from goldensample.coreset.auto_size import LARGEST
from goldensample.coreset.greedy import CELLS
from goldensample.coreset.streaming import BRANCHES, OVERSAMPLING
from goldensample.methods.patchcore import PatchCore
from goldensample.methods.selection import AUTO, bank_size

ROW_BYTES = 620
"""Of what the greedy coreset needs for a row beside its point; 561 were measured."""
COPIES = 3
"""Of all points, at most, where more is done with them than the greedy choice alone."""
WORK_BYTES = 160_000_000
"""Of tiles, blocks and libraries, whatever the size of the work."""
PICTURE_BYTES = 60
"""Of a pixel, for all the pictures that are decoded and prepared at a time."""
REACHED = 0.12
"""Share of the rows that a pick is compared with; it was 0.14 to 0.09 on real patches."""


@dataclass(frozen=True, slots=True)
class Load:
    """What there is to do.

    Args:
        pictures: how many go into the bank.
        held_out: how many only set the threshold.
        cells: patches of a picture at stride 1, at most.
        depth: values of a patch as the levels are joined.
        record_bytes: of a picture's features on disk.
        largest_px: pixels of the largest picture.
        workers: how many processes share the work.
    """

    pictures: int
    held_out: int
    cells: int
    depth: int
    record_bytes: int
    largest_px: int
    workers: int = 1


@dataclass(frozen=True, slots=True)
class Machine:
    """What it is to be done on.

    Args:
        resident_bytes: memory the process has, with the network loaded.
        features_s: to prepare a picture and compute its features.
        patches_s: to make its patches.
        products_s: multiplications a second of a large float32 matrix product.
    """

    resident_bytes: int
    features_s: float
    patches_s: float
    products_s: float


@dataclass(frozen=True, slots=True)
class Plan:
    """What a fit will take, about.

    Args:
        patches: of all pictures, at most.
        rows: of the bank.
        depth: of a patch.
        memory_bytes: largest resident size of a process.
        disk_bytes: of features, until the fit is done.
        seconds: of it all.
    """

    patches: int
    rows: int
    depth: int
    memory_bytes: int
    disk_bytes: int
    seconds: float


def plan(method: PatchCore, load: Load, machine: Machine) -> Plan:
    """Estimate what a fit takes; the memory is an upper bound, the time a guess."""
    patches = load.pictures * ceil(load.cells / method.stride**2)
    rows = bank_size(method.coreset or LARGEST, patches)
    depth = method.depth or load.depth
    size = min(depth, method.projection or depth)
    pictures = PICTURE_BYTES * load.largest_px
    bank = 4 * 4 * rows * depth  # the bank, its search's copy, and both while they are made
    choosing = 0
    if rows < patches:
        if method.greedy == "streaming":  # one reduction is one worker's, however many there are
            choosing = _streaming_bytes(patches, rows, size)
        else:
            choosing = _exact_bytes(ceil(patches / load.workers), rows, size)
        if method.denoise or method.coreset == AUTO or method.subsampler != "greedy":
            choosing += COPIES * 4 * size * patches
    kept = OVERSAMPLING * rows if method.greedy == "streaming" else rows
    products = patches * size * (min(kept, CELLS) + REACHED * kept) + patches * depth
    searched = load.held_out * load.cells * rows * depth
    readings = 3 * load.pictures * machine.patches_s
    seconds = (load.pictures + load.held_out) * machine.features_s + readings
    seconds += (products + searched) / machine.products_s
    return Plan(
        patches=patches,
        rows=rows,
        depth=depth,
        memory_bytes=machine.resident_bytes
        + WORK_BYTES
        + pictures
        + max(bank, choosing + bank // 4),
        disk_bytes=load.pictures * load.record_bytes,
        seconds=seconds / load.workers,
    )


def _exact_bytes(patches: int, rows: int, size: int) -> int:
    """Return the bytes of the exact greedy coreset."""
    return patches * (4 * size + ROW_BYTES) + 8 * rows


def _streaming_bytes(patches: int, rows: int, size: int) -> int:
    """Return the bytes of the streaming coreset: its levels, one of them being reduced."""
    group = min(BRANCHES * OVERSAMPLING * rows, patches)
    levels = 1 + max(0, ceil(log(patches / group) / log(BRANCHES)))
    return group * (4 * size * (levels + 1) + ROW_BYTES) + 12 * patches


def fitting(method: PatchCore, load: Load, machine: Machine, limit_bytes: int) -> PatchCore:
    """Return the method with the greedy coreset that fits: exact if it does, else streaming.

    Raises:
        ValueError: neither fits; says what would.
    """
    exact = replace(method, greedy="exact")
    if plan(exact, load, machine).memory_bytes <= limit_bytes:
        return exact
    if method.coreset == AUTO or method.denoise or method.subsampler != "greedy":
        check(exact, load, machine, limit_bytes)
    streaming = replace(method, greedy="streaming")
    check(streaming, load, machine, limit_bytes)
    return streaming


def check(method: PatchCore, load: Load, machine: Machine, limit_bytes: int) -> None:
    """Refuse what cannot work.

    Raises:
        ValueError: the memory is too small; says what would do.
    """
    need = plan(method, load, machine)
    if need.memory_bytes <= limit_bytes:
        return
    rows = need.rows
    while rows > 1 and _with_rows(method, rows, load, machine) > limit_bytes:
        rows //= 2
    advice = f"keep fewer rows (--coreset {rows} would fit)"
    if rows <= 1:
        advice = "give it more: the network, one picture and the patches alone take nearly as much"
    raise ValueError(
        f"memory must be at least {need.memory_bytes / 1e6:,.0f} MB for {need.rows:,} bank rows "
        f"of {need.patches:,} patches; got {limit_bytes / 1e6:,.0f} MB; {advice}"
    )


def _with_rows(method: PatchCore, rows: int, load: Load, machine: Machine) -> int:
    """Return the bytes that a method with so many bank rows takes at least."""
    kinds = [method.greedy] if method.denoise or method.subsampler != "greedy" else ["streaming"]
    return min(
        plan(replace(method, coreset=max(rows, 2), greedy=kind), load, machine).memory_bytes
        for kind in (*kinds, "exact")
    )
