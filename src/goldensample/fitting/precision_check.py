"""The check of a precision against fp32, by the limit and by defects pasted into good pictures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from goldensample.features.extraction import as_picture
from goldensample.fitting.samples import evenly_spaced
from goldensample.inspection.inspector import Inspector
from goldensample.methods.protocols import Detector
from goldensample.preparation.placement import Placement
from goldensample.records import Array, Notify, Picture, Pictures
from goldensample.regions.heatmap import looked_at
from goldensample.synthetic.defects import KINDS, LEAST_PX, paste_defect

MAX_SHIFT = 1.0
"""Largest change of the limit, in standard errors of fp32's limit."""
MAX_DROP = 0.04
"""Largest drop of AUROC, its upper 95 % bound, of pasted defects against good pictures."""
DEFECTS = 32
"""Number of pasted defects, about."""
DRAWS = 1000
"""Bootstrap samples, drawn with a fixed seed, as the defects are."""


@dataclass(frozen=True, slots=True)
class PrecisionCheck:
    """The comparison of another precision with fp32 on held-out good pictures.

    Args:
        shift: change of the score limit, in standard errors of fp32's.
        drop: upper 95 % bound of the drop of AUROC, over pasted defects and good pictures; None
            where the limit alone decided and no defects were pasted.
        found: how many of the pasted defects are above their limit, in fp32 and in this precision.
        defects: how many were pasted.
    """

    shift: float
    drop: float | None = None
    found: tuple[int, int] = (0, 0)
    defects: int = 0

    @property
    def limit_holds(self) -> bool:
        """Whether the limit moved by no more than it might by other good pictures."""
        return abs(self.shift) <= MAX_SHIFT

    @property
    def passes(self) -> bool:
        """Whether the precision may be used."""
        return self.limit_holds and self.drop is not None and self.drop <= MAX_DROP

    def __str__(self) -> str:
        text = f"against fp32 the limit moves by {abs(self.shift):.2g} of its own uncertainty"
        if not self.limit_holds:
            return f"{text}, where at most {MAX_SHIFT:g} may be"
        if self.drop is None:
            return text
        before, after = self.found
        text += (
            f", and of {self.defects} defects pasted into good pictures {after} are found where "
            f"fp32 finds {before}"
        )
        if self.passes:
            return text
        return (
            f"{text}; AUROC of defects against good pictures may be lower by {self.drop:.2f}, "
            f"where at most {MAX_DROP:g} may be"
        )


def limit_shift(before: Array, after: Array, limit: Callable[[Array], float]) -> float:
    """Return the change of the score limit, in standard errors of the limit before.

    The standard error is what the limit varies by if other good pictures are drawn (bootstrap).

    Args:
        before: (n,) scores of held-out good pictures in fp32.
        after: (n,) in another precision.
        limit: of such scores.
    """
    rng = np.random.default_rng(0)
    error = np.std([limit(rng.choice(before, len(before))) for _ in range(DRAWS)])
    change = limit(after) - limit(before)
    if error == 0:
        return float(np.copysign(np.inf, change)) if change else 0.0
    return float(change / error)


def drop_bound(good: Sequence[Array], defects: Sequence[Array]) -> float:
    """Return the upper 95 % bound (bootstrap) of the drop of AUROC between two precisions.

    Args:
        good: (n,) values of good pictures in the one and in the other precision.
        defects: (m,) values of defects in the one and in the other.
    """
    wins = [
        (d[:, None] > g).astype("f4") + np.float32(0.5) * (d[:, None] == g)
        for g, d in zip(good, defects, strict=True)
    ]
    lost, rng = wins[0] - wins[1], np.random.default_rng(0)  # (m, n)
    weights = [rng.multinomial(k, np.full(k, 1 / k), DRAWS) / k for k in lost.shape]
    drops = ((weights[0] @ lost) * weights[1]).sum(axis=1)
    return float(np.quantile(drops, 0.95))


def compare_defects(
    inspectors: Sequence[Inspector],
    images: Pictures | Sequence[Array | Picture],
    detectors: Sequence[tuple[Detector, Array]],
    shift: float,
    notify: Notify,
) -> PrecisionCheck:
    """Return the comparison of two precisions, by defects pasted into held-out good pictures.

    A defect's value is the maximum of the heat map on its mask, against the good pictures' maxima.
    Of a method without a map it is the score of a picture with one defect.

    Args:
        inspectors: in fp32 and in another precision, each with limits of its own.
        images: the pictures of the fit.
        detectors: each with the indices of the pictures it scores; see `fold_detectors`.
        shift: of the limit, see `limit_shift`.
        notify: told ("precision", precisions done, precisions).
    """
    calibrations = [one.calibrations[one.backbone.precision] for one in inspectors]
    limits = [one.thresholds[one.backbone.precision] for one in inspectors]
    has_map = calibrations[0].peaks is not None
    count = DEFECTS // 4 if has_map else DEFECTS
    held_out = np.sort(np.concatenate([indices for _, indices in detectors]))
    chosen = np.resize(evenly_spaced(held_out, count), count)
    tasks = []
    for number, index in enumerate(chosen.tolist()):
        picture = as_picture(images[index], index)
        placement = inspectors[0].preparation.apply(picture.pixels)[1]
        detector = next(one for one, indices in detectors if index in indices)
        tasks.append((detector, *paste_defects(picture, placement, number, 4 if has_map else 1)))
    values = []
    for done, inspector in enumerate(inspectors):
        notify("precision", done, len(inspectors))
        values.append(_values(inspector, tasks, has_map))
    if has_map:
        good = [np.asarray(one.peaks) for one in calibrations]
        bars = [one.pixel or 0.0 for one in limits]
    else:
        good, bars = [one.scores for one in calibrations], [one.score for one in limits]
    before, after = (int((v > bar).sum()) for v, bar in zip(values, bars, strict=True))
    return PrecisionCheck(shift, drop_bound(good, values), (before, after), len(values[0]))


def paste_defects(
    picture: Picture, placement: Placement, number: int, parts: int
) -> tuple[Picture, list[Array]]:
    """Paste a defect into each part of what is looked at of a picture.

    Kinds follow each other; contrasts are 16 to 160 grey levels, sizes 5 to 20 % of the shorter
    side, each spread evenly over the defects of all pictures. The seeds are the defects' numbers.

    Args:
        number: of the picture, from 0.
        parts: 4 for one defect a quarter, 1 for one in all.

    Returns:
        The picture with the defects, and their masks, (H, W) bool; fewer than parts where one
        has no pixel or cannot be changed.
    """
    seen = looked_at(placement)
    rows, columns = (np.flatnonzero(seen.any(axis=axis)) for axis in (1, 0))
    side = min(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    contrasts, shares = np.geomspace(16, 160, DEFECTS), np.geomspace(0.05, 0.2, DEFECTS)
    pixels, masks = picture.pixels, []
    for part in range(parts):
        within = seen.copy() if parts == 1 else quarter(seen, rows, columns, part)
        k = parts * number + part
        if within.any():
            pixels, mask = paste_defect(
                pixels,
                list(KINDS)[k % len(KINDS)],
                np.random.default_rng(k),
                size_px=max(LEAST_PX, side * shares[5 * k % DEFECTS]),
                contrast=contrasts[7 * k % DEFECTS],
                within=within,
            )
            if mask.any():
                masks.append(mask)
    return Picture(picture.name, pixels), masks


def quarter(seen: Array, rows: Array, columns: Array, part: int) -> Array:
    """Return (H, W) bool, the pixels of a quarter, 0 to 3, of the box of those that are seen."""
    row, column = (int(side[0] + side[-1] + 1) // 2 for side in (rows, columns))
    place = (
        slice(row, None) if part // 2 else slice(0, row),
        slice(column, None) if part % 2 else slice(0, column),
    )
    within = np.zeros_like(seen)
    within[place] = seen[place]
    return within


def _values(
    inspector: Inspector, tasks: Sequence[tuple[Detector, Picture, list[Array]]], has_map: bool
) -> Array:
    """Return the value of each pasted defect, its picture judged by the detector named with it."""
    unlimited = replace(inspector, thresholds={}, calibrations={}, habits=None)
    values: list[float] = []
    for detector in {id(one): one for one, _, _ in tasks}.values():
        own = [(picture, masks) for one, picture, masks in tasks if one is detector]
        inspections = replace(unlimited, detector=detector).inspect_many(p for p, _ in own)
        for inspection, (_, masks) in zip(inspections, own, strict=True):
            for mask in masks:
                if has_map and inspection.heat_map is not None:
                    values.append(float(inspection.heat_map[mask].max()))
                else:
                    values.append(inspection.score)
    return np.asarray(values)
