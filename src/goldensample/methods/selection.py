"""Which patches of a fit are kept in the bank."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from goldensample.coreset import subsamplers
from goldensample.coreset.auto_size import enough
from goldensample.coreset.denoise import keep
from goldensample.coreset.greedy import Coreset, greedy
from goldensample.coreset.projection import gathered, project
from goldensample.coreset.streaming import StreamingCoreset
from goldensample.methods.bank import Patches

AUTO = 0.0
"""The share that asks for as many rows as it takes until more of them change nothing."""


class Choice(Protocol):
    """The knobs that decide; see `PatchCore`."""

    @property
    def coreset(self) -> float: ...
    @property
    def subsampler(self) -> str: ...
    @property
    def greedy(self) -> str: ...
    @property
    def denoise(self) -> bool: ...
    @property
    def projection(self) -> int: ...
    @property
    def seed(self) -> int: ...


def rows_wanted(share: float, patches: int) -> int:
    """Return how many of some patches a share, or a number of rows, stands for."""
    rows = round(share * patches) if share <= 1 else int(share)
    return min(max(rows, 1), patches)


def choose(knobs: Choice, patches: Patches, counts: Sequence[int]) -> Coreset:
    """Choose bank rows among all patches.

    Args:
        knobs: how.
        patches: of all pictures.
        counts: patches of each picture.

    Returns:
        Picks, and `nearest`, by number of patch; -1 for patches that were left out as dirt. The
        radius is in the projection.
    """
    total = sum(counts)
    if knobs.coreset == 1 and not knobs.denoise:
        return Coreset(np.arange(total), np.arange(total, dtype=np.int32), 0.0)
    read = patches.read("patches")
    parts = (project(half, knobs.projection, knobs.seed) for half, _ in read)

    def tell(stage: str, rows: int) -> Callable[[int], None]:
        return lambda done: patches.notify(stage, done, rows)

    if knobs.subsampler == "greedy" and knobs.greedy == "streaming":
        rows = rows_wanted(knobs.coreset, total)
        stream = StreamingCoreset(rows)
        for part in parts:
            stream.add(part.astype(np.float32))
        return stream.finish(tell("coreset", rows))
    points = gathered(parts, total)
    pictures = np.repeat(np.arange(len(counts)), counts)
    kept = np.arange(total)
    if knobs.denoise:
        kept = np.flatnonzero(keep(points, pictures, knobs.seed, tell("denoise", total)))
        points, pictures = points[kept], pictures[kept]
    share = enough(points, pictures) if knobs.coreset == AUTO else knobs.coreset
    rows = rows_wanted(share, len(kept))
    if rows == len(kept):
        chosen = Coreset(np.arange(rows), np.arange(rows, dtype=np.int32), 0.0)
    elif knobs.subsampler == "random":
        chosen = subsamplers.random(points, rows, knobs.seed)
    elif knobs.subsampler == "learned":
        chosen = subsamplers.learned(points, rows, knobs.seed, tell("coreset", rows))
    else:
        chosen = greedy(points, rows, notify=tell("coreset", rows), overwrite=True)
    nearest = np.full(total, -1, np.int32)
    nearest[kept] = chosen.nearest
    return Coreset(kept[chosen.picks], nearest, chosen.radius)
