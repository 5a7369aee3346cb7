"""What the good pictures of a fit are like, and in what a new picture is unlike them.

Light, focus, size and place are measured on the network's picture, apart from what the network
makes of it: no score depends on them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import MappingProxyType

import numpy as np

from goldensample.preparation.placement import Placement
from goldensample.records import Array, Inspection

MEASURES = ("brightness", "highlights", "sharpness", "size", "aspect")
"""Mean grey and that of the brightest 0.1 % as shares of white; logarithms of the Laplacian's
variance over the grey's, of the geometric mean of the sides in pixels, and of height over width."""
MARGINS = np.array([0.05, 0.05, 0.5, 0.1, 0.05])
"""By how much, at least, a measure may leave the range of the training pictures."""
WATCHED = (*MEASURES, "down", "across", "distance")
"""And where the scene lies, and the median of the heat map."""
WORDS = {
    "brightness": ("darker", "brighter"),
    "highlights": ("darker in the brightest parts", "brighter in the brightest parts"),
    "sharpness": ("less sharp", "sharper"),
    "size": ("smaller", "larger"),
    "aspect": ("wider", "taller"),
    "down": ("higher in the picture", "lower in the picture"),
    "across": ("further left in the picture", "further right in the picture"),
    "distance": ("nearer to the bank", "farther from the bank everywhere"),
}
"""What a measure that is too small and one that is too large look like."""
STRETCHED = "stretched: keeping its aspect would have wasted more than half of the picture"
UNALIGNED = "could not be aligned to the reference, and was not moved"
BINS = 128
SHRINKAGE = 0.5
"""Of the bins' covariance: how much of their mean variance is added to each, as few pictures tell
little of how 128 bins hang together."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What is measured on one picture.

    Args:
        values: (5,) float64, see MEASURES.
        lines: (2, BINS) float64: logarithm of the mean grey along rows, then columns.
    """

    values: Array
    lines: Array


@dataclass(frozen=True, slots=True, eq=False)
class Habits:
    """What good pictures are like.

    Args:
        values: (n, 5) float64, see MEASURES, of the pictures of the bank.
        templates: (2, BINS) float64: `lines @ templates` tells how far a scene lies from its usual
            place, down and across, in bins.
        known: (m, 8) float64, see WATCHED, of pictures held out, by precision; none where none
            were.
        peers: how many of `values`, from the first, are of pictures made like those held out; None
            for all.

    Raises:
        ValueError: shapes or kinds do not fit, or a number is not finite.
    """

    values: Array
    templates: Array
    known: Mapping[str, Array] = field(default_factory=lambda: MappingProxyType({}))
    peers: int | None = None

    def __post_init__(self) -> None:
        wanted = {"values": len(MEASURES), "templates": BINS}
        named = {"values": self.values, "templates": self.templates}
        for name, array in (*named.items(), *self.known.items()):
            fits = array.dtype == np.float64 and array.ndim == 2 and len(array) > 0
            if not fits or array.shape[1] != wanted.get(name, len(WATCHED)):
                raise ValueError(f"habits must have float64 columns each; {name} has other ones")
            if not np.isfinite(array).all():
                raise ValueError(f"habits must be finite; {name} is not")
        if len(self.templates) != 2:
            raise ValueError(f"templates must be two; got {len(self.templates)}")

    def unusual(self, values: Array) -> list[str]:
        """Return in words what lies outside the range of the training pictures.

        The range runs from the 1st to the 99th percentile, widened on both sides by its own width
        and by MARGINS.

        Args:
            values: (5,), see MEASURES.
        """
        low, high = np.quantile(self.values, (0.01, 0.99), axis=0)
        slack = high - low + MARGINS
        found = [
            WORDS[name][int(value > high[k])]
            for k, (name, value) in enumerate(zip(MEASURES, values, strict=True))
            if not low[k] - slack[k] <= value <= high[k] + slack[k]
        ]
        # a dark picture is dark in its brightest parts, too: once is enough
        return [words for words in found if not any(words.startswith(f"{w} ") for w in found)]

    def good(self, precision: str) -> Array | None:
        """Return (m + n, 8) of good pictures, see WATCHED; None where none were held out.

        What the bank does not change is known of its own pictures, too, where they are peers; the
        rest is NaN there.
        """
        if precision not in self.known:
            return None
        values = self.values[: self.peers]
        blank = np.full((len(values), len(WATCHED) - len(MEASURES)), np.nan)
        return np.concatenate([self.known[precision], np.hstack([values, blank])])

    def watched(self, measured: Measured, inspection: Inspection) -> Array:
        """Return (8,) float64, see WATCHED, of a picture and of what was said of it."""
        places = np.einsum("ab,ab->a", measured.lines, self.templates)
        values = inspection.heat_map
        typical = inspection.score if values is None else float(np.median(values[::4, ::4]))
        return np.array([*measured.values, *places, typical])


def measure(canvas: Array, placement: Placement) -> Measured:
    """Measure a picture on the network's canvas, where it lies.

    Args:
        canvas: (3, height, width) float32 in [0, 255]; not changed.
        placement: of the picture on it.
    """
    box = tuple(
        slice(max(0, round(start)), max(0, round(start)) + max(1, min(side, resized)))
        for start, side, resized in zip(
            placement.offset_hw, placement.canvas_hw, placement.resized_hw, strict=True
        )
    )
    grey = canvas.mean(axis=0)[box]
    brightest = max(1, grey.size // 1000)
    highlights = np.partition(grey, grey.size - brightest, axis=None)[-brightest:].mean()
    edged = np.pad(grey, 1, mode="edge")
    laplacian = edged[2:, 1:-1] + edged[:-2, 1:-1] + edged[1:-1, 2:] + edged[1:-1, :-2] - 4 * grey
    height, width = placement.shape_hw
    values = [
        grey.mean() / 255,
        highlights / 255,
        np.log((laplacian.var() + 1e-6) / (grey.var() + 1e-3)),  # a blank picture is not sharp
        np.log(height * width) / 2,
        np.log(height / width),
    ]
    lines = np.stack([_binned(np.log(grey.mean(axis=axis) + 1)) for axis in (1, 0)])
    return Measured(np.asarray(values, np.float64), lines)


def _binned(line: Array) -> Array:
    """Return the means of a line over BINS equal parts of it, less the mean of all."""
    sums = np.concatenate([[0.0], np.cumsum(line, dtype=np.float64)])
    at = np.linspace(0, len(line), BINS + 1)
    means: Array = np.diff(np.interp(at, np.arange(len(sums)), sums)) * BINS / len(line)
    return means - means.mean()


def habits_of(measured: Sequence[Measured]) -> Habits:
    """Return the habits of the pictures of a bank; at least one."""
    lines = np.stack([one.lines for one in measured])
    templates = np.stack([_template(lines[:, axis]) for axis in (0, 1)])
    return Habits(np.stack([one.values for one in measured]), templates)


def _template(lines: Array) -> Array:
    """Return weights that tell how many bins lines have moved; see `Habits.templates`.

    A line moved by one bin differs by the slope of the mean line. Among all weights that answer 1
    to that, these vary least from good picture to good picture (generalised least squares).

    Args:
        lines: (n, BINS) float64.
    """
    mean = lines.mean(axis=0)
    slope = -np.gradient(mean)
    apart = lines - mean
    spread = apart.T @ apart / len(lines)
    level = max(float(np.trace(spread)) / BINS, 1e-6)
    weights: Array = np.linalg.solve(spread + SHRINKAGE * level * np.eye(BINS), slope)
    return weights / max(float(weights @ slope), 1e-9)


def with_known(habits: Habits | None, precision: str, watched: Sequence[Array]) -> Habits | None:
    """Return habits with what is watched on pictures held out, in a precision."""
    if habits is None or not watched:
        return habits
    return replace(habits, known={**habits.known, precision: np.stack(watched)})


def note(habits: Habits | None, canvas: Array, placement: Placement) -> str:
    """Return what the user should know of a picture apart from its score, or ""."""
    said = [STRETCHED] if placement.stretched else []
    said += [UNALIGNED] if placement.unaligned else []
    unusual = habits.unusual(measure(canvas, placement).values) if habits else []
    if unusual:
        said.append(f"{' and '.join(unusual)} than the training pictures")
    return "; ".join(said)


LEAD = "habits/"
"""What the names of habits in a file start with."""


def to_parts(habits: Habits) -> dict[str, Array]:
    """Return habits as named arrays."""
    own = {"values": habits.values, "templates": habits.templates}
    own |= {f"known/{precision}": known for precision, known in habits.known.items()}
    return {LEAD + name: array for name, array in own.items()}


def take(arrays: dict[str, Array]) -> Habits | None:
    """Take habits out of the arrays of a file; None where it has none.

    Raises:
        ValueError: they do not fit.
    """
    own = {n.removeprefix(LEAD): arrays.pop(n) for n in list(arrays) if n.startswith(LEAD)}
    if not own:
        return None
    if missing := {"values", "templates"} - own.keys():
        raise ValueError(f"habits must have values and templates; got no {missing.pop()}")
    values, templates = own.pop("values"), own.pop("templates")
    return Habits(values, templates, {n.removeprefix("known/"): own[n] for n in sorted(own)})
