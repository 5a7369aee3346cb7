"""Measures of the scene, and their reference statistics over good pictures.

Light, focus, size and position are measured on the network's input, without the network: no score
depends on them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType

import numpy as np

from goldensample.drift.picture import BINS, MEASURES, PictureMeasures, measure_values
from goldensample.drift.words import DEVIATION_WORDS, STRETCHED, UNALIGNED, compare
from goldensample.preparation.placement import Placement
from goldensample.records import Array, Inspection

MARGINS = np.array([0.05, 0.05, 0.5, 0.1, 0.05, 0.1, 0.1])
"""Least tolerance of each measure beyond the range of the training pictures."""
_SCENE = 5
WATCHED = (*MEASURES[:_SCENE], "down", "across", "distance", *MEASURES[_SCENE:])
"""Measures of a stream: also the position of the scene, and the median of the heat map. Files of
earlier versions know the first 5 and 8 of these two lists alone; colours are not watched there."""
SHRINKAGE = 0.5
"""Of the bins' covariance: the share of their mean variance added to each, as a few pictures do not
determine the correlations of 128 bins."""


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceStatistics:
    """Reference statistics: the measures of good pictures.

    Args:
        values: (n, 7) float64, see MEASURES, of the pictures of the bank; (n, 5) without colours.
        templates: (2, BINS) float64: `lines @ templates` is the displacement of a scene from its
            mean position, down and across, in bins.
        held_out: (m, 10) float64, see WATCHED, of held-out pictures, by precision; empty if none;
            (m, 8) without colours.
        peers: how many of `values`, from the first, are exchangeable with the held-out pictures;
            None for all.

    Raises:
        ValueError: shapes or dtypes do not fit, or a number is not finite.
    """

    values: Array
    templates: Array
    held_out: Mapping[str, Array] = field(default_factory=lambda: MappingProxyType({}))
    peers: int | None = None

    def __post_init__(self) -> None:
        known = self.known
        columns = {"values": known, "templates": BINS}
        arrays = {"values": self.values, "templates": self.templates}
        for name, array in (*arrays.items(), *self.held_out.items()):
            fits = array.dtype == np.float64 and array.ndim == 2 and len(array) > 0
            if not fits or array.shape[1] != columns.get(
                name, known + len(WATCHED) - len(MEASURES)
            ):
                raise ValueError(f"habits must have float64 columns each; {name} has other ones")
            if not np.isfinite(array).all():
                raise ValueError(f"habits must be finite; {name} is not")
        if len(self.templates) != 2:
            raise ValueError(f"templates must be two; got {len(self.templates)}")

    @property
    def known(self) -> int:
        """How many of MEASURES the pictures of the fit were measured by."""
        return _SCENE if self.values.shape[1:] == (_SCENE,) else len(MEASURES)

    def unusual(self, values: Array) -> list[str]:
        """Describe the measures that are outside the range of the training pictures.

        The range runs from the 1st to the 99th percentile, widened on both sides by its own width
        and by MARGINS.

        Args:
            values: (7,), see MEASURES.
        """
        low, high = _usual_range(self)
        deviations = [
            DEVIATION_WORDS[MEASURES[k]][int(value > high[k])]
            for k, value in enumerate(values[: self.known])
            if not low[k] <= value <= high[k]
        ]
        # "darker" implies "darker in the brightest parts"
        return [
            words
            for words in deviations
            if not any(words.startswith(f"{other} ") for other in deviations)
        ]

    def good_values(self, precision: str) -> Array | None:
        """Return (m + n, k) of good pictures, see WATCHED; None where none were held out.

        Measures that do not depend on the bank are included for the bank's pictures, where they are
        peers; their other measures are NaN.
        """
        if precision not in self.held_out:
            return None
        values = self.values[: self.peers]
        blank = np.full((len(values), len(WATCHED) - len(MEASURES)), np.nan)
        rows = np.hstack([values[:, :_SCENE], blank, values[:, _SCENE:]])
        return np.concatenate([self.held_out[precision], rows])

    def watched_values(self, measures: PictureMeasures, inspection: Inspection) -> Array:
        """Return (k,) float64, see WATCHED, of a picture and its inspection; k as in `held_out`."""
        displacement = np.einsum("ab,ab->a", measures.lines, self.templates)
        heat_map = inspection.heat_map
        distance = inspection.score if heat_map is None else float(np.median(heat_map[::4, ::4]))
        scene, colors = measures.values[:_SCENE], measures.values[_SCENE : self.known]
        return np.array([*scene, *displacement, distance, *colors])


@lru_cache(maxsize=8)
def _usual_range(statistics: ReferenceStatistics) -> tuple[Array, Array]:
    """Return the least and the largest value of each measure that are not unusual."""
    low, high = np.quantile(statistics.values, (0.01, 0.99), axis=0)
    slack = high - low + MARGINS[: statistics.known]
    return low - slack, high + slack


def reference_statistics(measures: Sequence[PictureMeasures]) -> ReferenceStatistics:
    """Return the reference statistics of the pictures of a bank; at least one."""
    lines = np.stack([picture.lines for picture in measures])
    templates = np.stack([_template(lines[:, axis]) for axis in (0, 1)])
    return ReferenceStatistics(np.stack([picture.values for picture in measures]), templates)


def _template(lines: Array) -> Array:
    """Return weights that estimate the shift of lines in bins, see `ReferenceStatistics`.

    A shift by one bin changes a line by the slope of the mean line. Among all weights that give 1
    for it, these have the least variance over good pictures (generalised least squares).

    Args:
        lines: (n, BINS) float64.
    """
    mean = lines.mean(axis=0)
    slope = -np.gradient(mean)
    residuals = lines - mean
    covariance = residuals.T @ residuals / len(lines)
    level = max(float(np.trace(covariance)) / BINS, 1e-6)
    weights: Array = np.linalg.solve(covariance + SHRINKAGE * level * np.eye(BINS), slope)
    return weights / max(float(weights @ slope), 1e-9)


def add_held_out(
    statistics: ReferenceStatistics | None, precision: str, values: Sequence[Array]
) -> ReferenceStatistics | None:
    """Return the statistics with those of held-out pictures, see WATCHED, in a precision."""
    if statistics is None or not values:
        return statistics
    return replace(statistics, held_out={**statistics.held_out, precision: np.stack(values)})


def note(statistics: ReferenceStatistics | None, canvas: Array, placement: Placement) -> str:
    """Return remarks on a picture that its score does not show, or ""."""
    remarks = [STRETCHED] if placement.stretched else []
    remarks += [UNALIGNED] if placement.unaligned else []
    unusual = statistics.unusual(measure_values(canvas, placement)[0]) if statistics else []
    if unusual:
        remarks.append(compare(unusual))
    return "; ".join(remarks)


PREFIX = "habits/"
"""Of the names of these arrays in a file."""


def to_arrays(statistics: ReferenceStatistics) -> dict[str, Array]:
    """Return reference statistics as named arrays."""
    arrays = {"values": statistics.values, "templates": statistics.templates}
    arrays |= {f"known/{name}": values for name, values in statistics.held_out.items()}
    return {PREFIX + name: array for name, array in arrays.items()}


def pop_arrays(arrays: dict[str, Array]) -> ReferenceStatistics | None:
    """Remove reference statistics from the arrays of a file; None where it has none.

    Raises:
        ValueError: they do not fit.
    """
    names = [name for name in arrays if name.startswith(PREFIX)]
    parts = {name.removeprefix(PREFIX): arrays.pop(name) for name in names}
    if not parts:
        return None
    if missing := {"values", "templates"} - parts.keys():
        raise ValueError(f"habits must have values and templates; got no {missing.pop()}")
    values, templates = parts.pop("values"), parts.pop("templates")
    held_out = {name.removeprefix("known/"): parts[name] for name in sorted(parts)}
    return ReferenceStatistics(values, templates, held_out)
