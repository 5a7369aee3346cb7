"""Estimates of the memory and time of a fit, and the greedy coreset that fits the memory."""

from dataclasses import dataclass, replace
from math import ceil, log

from goldensample.coreset.auto_size import LARGEST
from goldensample.coreset.greedy import CELLS
from goldensample.coreset.projection import FLOAT32_DEPTH
from goldensample.coreset.streaming import BRANCHES, OVERSAMPLING
from goldensample.methods.patchcore import PatchCore
from goldensample.methods.selection import AUTO, bank_size

ROW_BYTES = 110
"""Memory of the greedy coreset for a row, without its point: 33, or by NumPy 96, as measured."""
STREAMED_BYTES = 21
"""Memory of the streaming coreset for each patch of all; 21 were measured."""
COPIES = 4
"""Copies of all points, at most, for subsamplers and options other than the greedy coreset."""
WORK_BYTES = 160_000_000
"""Memory of tiles, blocks and libraries, for any workload."""
PICTURE_BYTES = 60
"""Memory of a pixel, for all the pictures that are decoded and prepared at a time."""
COMPARED = 0.12
"""Share of the rows that a pick is compared with; it was 0.14 to 0.09 on real patches."""


@dataclass(frozen=True, slots=True)
class Load:
    """The workload of a fit.

    Args:
        pictures: of the fit, without those held out.
        held_out: pictures that only set the threshold.
        cells: patches of a picture at stride 1, at most.
        depth: values of a patch as the levels are joined.
        record_bytes: of a picture's features on disk.
        largest_px: pixels of the largest picture.
        workers: number of processes.
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
    """The memory and speed of a machine.

    Args:
        resident_bytes: memory of the process, with the network loaded.
        features_s: seconds to prepare a picture and compute its features.
        patches_s: seconds to compute its patches.
        products_s: multiplications a second of a large float32 matrix product.
    """

    resident_bytes: int
    features_s: float
    patches_s: float
    products_s: float


@dataclass(frozen=True, slots=True)
class Plan:
    """Estimates for a fit.

    Args:
        patches: of all pictures, at most.
        rows: of the bank.
        depth: of a patch.
        memory_bytes: largest resident size of a process.
        disk_bytes: of features, until the end of the fit.
        seconds: of the fit.
    """

    patches: int
    rows: int
    depth: int
    memory_bytes: int
    disk_bytes: int
    seconds: float


def estimate(method: PatchCore, load: Load, machine: Machine) -> Plan:
    """Estimate memory and time of a fit; the memory is an upper bound, the time a guess."""
    patches = load.pictures * ceil(load.cells / method.stride**2)
    rows = bank_size(method.coreset or LARGEST, patches)
    depth = method.depth or load.depth
    size = min(depth, method.projection or depth)
    decoded = PICTURE_BYTES * load.largest_px
    bank = 4 * 4 * rows * depth  # the bank, its search's copy, and both during construction
    coreset = 0
    if rows < patches:
        if method.greedy == "streaming":  # one reduction is one worker's, however many there are
            coreset = _streaming_bytes(patches, rows, size)
        else:
            coreset = _exact_bytes(ceil(patches / load.workers), rows, size)
        if method.denoise or method.coreset == AUTO or method.subsampler != "greedy":
            coreset += COPIES * 4 * size * patches
    picks = OVERSAMPLING * rows if method.greedy == "streaming" else rows
    products = patches * size * (min(picks, CELLS) + COMPARED * picks) + patches * depth
    search_products = load.held_out * load.cells * rows * depth
    readings = 3 * load.pictures * machine.patches_s
    seconds = (load.pictures + load.held_out) * machine.features_s + readings
    seconds += (products + search_products) / machine.products_s
    return Plan(
        patches=patches,
        rows=rows,
        depth=depth,
        memory_bytes=machine.resident_bytes + WORK_BYTES + decoded + max(bank, coreset + bank // 4),
        disk_bytes=load.pictures * load.record_bytes,
        seconds=seconds / load.workers,
    )


def _point_bytes(size: int) -> int:
    """Return the bytes of a row's point; the integers of a deep one are a copy in float64."""
    return (4 if size <= FLOAT32_DEPTH else 12) * size


def _exact_bytes(patches: int, rows: int, size: int) -> int:
    """Return the bytes of the exact greedy coreset."""
    return patches * (_point_bytes(size) + ROW_BYTES) + 8 * rows


def _streaming_bytes(patches: int, rows: int, size: int) -> int:
    """Return the bytes of the streaming coreset: its levels, one of them in reduction."""
    group = min(BRANCHES * OVERSAMPLING * rows, patches)
    levels = 1 + max(0, ceil(log(patches / group) / log(BRANCHES)))
    group_bytes = group * (_point_bytes(size) * (levels + 1) + ROW_BYTES)
    return group_bytes + STREAMED_BYTES * patches


def choose_greedy(method: PatchCore, load: Load, machine: Machine, limit_bytes: int) -> PatchCore:
    """Return the method with the greedy coreset that fits: exact if it does, else streaming.

    Raises:
        ValueError: neither fits; the message says what would.
    """
    exact = replace(method, greedy="exact")
    if estimate(exact, load, machine).memory_bytes <= limit_bytes:
        return exact
    if method.coreset == AUTO or method.denoise or method.subsampler != "greedy":
        check_memory(exact, load, machine, limit_bytes)
    streaming = replace(method, greedy="streaming")
    less = min(streaming, exact, key=lambda kind: estimate(kind, load, machine).memory_bytes)
    check_memory(less, load, machine, limit_bytes)
    return less


def check_memory(method: PatchCore, load: Load, machine: Machine, limit_bytes: int) -> None:
    """Refuse a fit that needs more memory than the limit.

    Raises:
        ValueError: it does; the message says what would fit.
    """
    needed = estimate(method, load, machine)
    if needed.memory_bytes <= limit_bytes:
        return
    rows = needed.rows
    while rows > 1 and _memory_with_rows(method, rows, load, machine) > limit_bytes:
        rows //= 2
    advice = f"keep fewer rows (--coreset {rows} would fit)"
    if rows <= 1:
        advice = "give it more: the network, one picture and the patches alone take nearly as much"
    raise ValueError(
        f"memory must be at least {needed.memory_bytes / 1e6:,.0f} MB for {needed.rows:,} bank "
        f"rows of {needed.patches:,} patches; got {limit_bytes / 1e6:,.0f} MB; {advice}"
    )


def _memory_with_rows(method: PatchCore, rows: int, load: Load, machine: Machine) -> int:
    """Return the bytes that a method with so many bank rows needs at least."""
    kinds = [method.greedy] if method.denoise or method.subsampler != "greedy" else ["streaming"]
    return min(
        estimate(replace(method, coreset=max(rows, 2), greedy=kind), load, machine).memory_bytes
        for kind in (*kinds, "exact")
    )
