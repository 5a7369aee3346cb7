"""Trials of synthetic defects, each drawn alone into a good picture."""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from goldensample.datasets.items import Item
from goldensample.images.folder import Folder
from goldensample.inspection.inspector import Inspector
from goldensample.qualification.trials import Trial, touches
from goldensample.records import Array, Notify, Picture
from goldensample.regions.heatmap import looked_at
from goldensample.synthetic.plan import Planned, crossed, paste_planned, sizes_px, zones


@dataclass(frozen=True, slots=True, eq=False)
class Synthetic:
    """What was drawn, and what of it was found.

    Args:
        drawn: the defects that could be drawn.
        found: (n,) bool, whether each was called a defect and marked at its place.
        undrawn: how many could not be.
        sizes: (5,) of the levels, in pixels.
        pictures: how many good pictures they were drawn into.
        model: (H, W, 3) uint8, one of these.
        seen: (H, W) bool, what is looked at of it.
    """

    drawn: Sequence[Planned]
    found: Array
    undrawn: int
    sizes: Array
    pictures: int
    model: Array
    seen: Array


def run_synthetic(
    inspector: Inspector, items: Sequence[Item], good: Sequence[Trial], notify: Notify
) -> Synthetic | None:
    """Draw the plan into pictures that are called good and inspect each; None where none is.

    Args:
        inspector: with limits.
        items: of good parts.
        good: their trials.
        notify: told ("inspect", done, planned).

    Raises:
        ImageError: a picture cannot be read.
    """
    calm = [item for item, trial in zip(items, good, strict=True) if trial.verdict == "good"]
    if not calm:
        return None
    plan = crossed()
    # shuffled, so that no picture gets a kind, a size or a zone more often than another
    chosen = np.random.default_rng(0).permutation(np.resize(np.arange(len(calm)), len(plan)))
    own = [[one for one, k in zip(plan, chosen, strict=True) if k == n] for n in range(len(calm))]
    names = tuple(item.name for item in calm)
    folder = Folder(names, tuple(item.path for item in calm), inspector.preparation.grey_range)
    model = folder[0].pixels
    seen = looked_at(inspector.preparation.apply(model)[1])
    side = min(int(np.ptp(np.flatnonzero(seen.any(axis=axis)))) + 1 for axis in (0, 1))
    sizes, drawn = sizes_px(side), list[Planned]()
    waiting: deque[Array] = deque()

    def pictures() -> Iterator[Picture]:
        for picture, planned in zip(folder, own, strict=True):
            index = zones(looked_at(inspector.preparation.apply(picture.pixels)[1]))
            for one in planned:
                pasted = paste_planned(picture.pixels, one, sizes[one.size], index)
                if pasted:
                    drawn.append(one)
                    waiting.append(pasted[1])
                    yield Picture(f"{picture.name} {one.number}", pasted[0])

    found = []
    for inspection in inspector.inspect_many(pictures()):
        mask = waiting.popleft()
        marked = touches(inspection, mask) or inspection.heat_map is None
        found.append(inspection.verdict == "defect" and marked)
        notify("inspect", len(found), len(plan))
    notify("inspect", len(plan), len(plan))
    used = min(len(calm), len(plan))
    return Synthetic(drawn, np.array(found, bool), len(plan) - len(drawn), sizes, used, model, seen)
