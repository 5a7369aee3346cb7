"""A quick measurement of the machine's memory and speed, for the plan of a fit."""

import os
from pathlib import Path
from time import perf_counter

import numpy as np

from goldensample.backbones.network import Backbone
from goldensample.features.extraction import batch_size, extract, tile_hw
from goldensample.fitting.plan import Machine
from goldensample.methods.patchcore import PatchCore
from goldensample.preparation.preparation import Preparation
from goldensample.records import Features, Picture

UNKNOWN_RESIDENT = 400_000_000
SIZE = 512


def memory_bytes() -> int | None:
    """Return the machine's memory; None where it is unknown."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return None


def resident_bytes() -> int:
    """Return the memory of this process; a guess where it is unknown."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    except (OSError, AttributeError):
        return UNKNOWN_RESIDENT


def measure_machine(
    backbone: Backbone, preparation: Preparation, method: PatchCore, shape_hw: tuple[int, int]
) -> tuple[Machine, Features]:
    """Time the parts of a fit on blank pictures; return the times and their features.

    They are as many as the cores, in one batch, as the fit's pictures are: so the network is
    compiled once.
    """
    count = min(batch_size(preparation), os.cpu_count() or 1)
    blank = [Picture("", np.zeros((*shape_hw, 3), np.uint8))] * count
    backbone.extract(np.zeros((count, 3, *tile_hw(preparation, backbone)), np.float32))  # compiles
    start = perf_counter()
    features, _ = extract(blank, preparation, backbone)
    extracted = perf_counter()
    method.patches_of(features, 0)
    joined = perf_counter()
    square = np.ones((SIZE, SIZE), np.float32)
    square @ square
    product_start = perf_counter()
    square @ square
    rate = SIZE**3 / max(perf_counter() - product_start, 1e-6)
    features_s = (extracted - start) / count
    return Machine(resident_bytes(), features_s, joined - extracted, rate), features
