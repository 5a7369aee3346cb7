"""Compare exported models with their inspector, picture by picture."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from goldensample.graphs.graph import TOLERANCES
from goldensample.graphs.runtimes import Run
from goldensample.inspection.inspector import Inspector
from goldensample.methods.nearest import NearestDetector
from goldensample.methods.patchcore import PatchCoreDetector
from goldensample.methods.spade import SPADEDetector
from goldensample.records import Array, Inspection, Picture

ROUNDING = 0.01
"""Share of a bank row's norm (root mean square) below which a distance counts as zero: the score of
a picture whose patches are all in the bank is nothing but rounding error."""

HALF_TOLERANCE = 0.03
"""Largest relative difference of a score or a map where a runtime computes in bfloat16 or half
precision; no verdict may change but right at the threshold, as in float32."""


@dataclass(frozen=True, slots=True)
class Difference:
    """The difference between a model and the inspector on one picture.

    Args:
        picture: its name.
        score: |difference| of the scores, relative to the inspector's.
        heat_map: the largest |difference| in the map, relative to the map's maximum; None where
            the method has no map.
        verdict: whether the verdicts differ.
        at_limit: whether the score equals the threshold within the tolerance of float32, so that
            rounding alone may change the verdict.
        tolerance: for both differences, by what the runtime computes in.
    """

    picture: str
    score: float
    heat_map: float | None
    verdict: bool
    at_limit: bool
    tolerance: float

    @property
    def within(self) -> bool:
        """Whether the model passes: both differences within the tolerance, same verdict."""
        close = max(self.score, self.heat_map or 0.0) <= self.tolerance
        return close and (self.at_limit or not self.verdict)


@dataclass(frozen=True, slots=True)
class Agreement:
    """The differences between a model and the inspector in one runtime.

    Args:
        runtime: its name.
        computed_in: the precisions it computed in, see `runtimes.Run`.
        half: whether that is bfloat16 or half precision.
        differences: one a picture.
    """

    runtime: str
    computed_in: str
    half: bool
    differences: tuple[Difference, ...]

    @property
    def worst(self) -> Difference:
        """The picture that differs most; one beyond the tolerance before all others."""
        return max(self.differences, key=_severity)

    @property
    def score(self) -> float:
        """The largest difference of a score."""
        return max(difference.score for difference in self.differences)

    @property
    def heat_map(self) -> float | None:
        """The largest difference of a heat map; None where the method has no map."""
        values = [d.heat_map for d in self.differences if d.heat_map is not None]
        return max(values, default=None)

    def changed_verdicts(self, at_limit: bool) -> list[str]:
        """Return the pictures whose verdict differs, either at the limit or elsewhere."""
        return [d.picture for d in self.differences if d.verdict and d.at_limit == at_limit]


def _severity(difference: Difference) -> tuple[bool, float, float]:
    """Return a sort key: beyond the tolerance, then the difference of score and heat map."""
    return not difference.within, difference.score, difference.heat_map or 0.0


def compare(
    inspector: Inspector, runs: dict[str, Run], references: Iterable[tuple[Picture, Inspection]]
) -> list[Agreement]:
    """Run a model on single pictures and compare it with the inspector.

    Args:
        inspector: the reference.
        runs: the model by runtime, see `runtimes.open_all`.
        references: pictures with their inspections; at least one.
    """
    differences: dict[str, list[Difference]] = {runtime: [] for runtime in runs}
    floor = _distance_floor(inspector)
    for picture, reference in references:
        for runtime, run in runs.items():
            outputs = run(picture.pixels[None])
            difference = _difference(inspector, reference, outputs, floor, run.half)
            differences[runtime].append(difference)
    return [
        Agreement(runtime, run.computed_in, run.half, tuple(differences[runtime]))
        for runtime, run in runs.items()
    ]


def _distance_floor(inspector: Inspector) -> float:
    """Return the smallest distance that a difference is taken relative to."""
    detector = inspector.detector
    if isinstance(detector, PatchCoreDetector):
        bank = detector.bank
    elif isinstance(detector, NearestDetector):
        bank = detector.vectors
    elif isinstance(detector, SPADEDetector):
        bank = detector.gallery[0].astype(np.float32)
    else:
        return 1e-9  # a distance can be zero only where the picture itself is stored
    return max(ROUNDING * float(np.sqrt(np.einsum("md,md->m", bank, bank).mean())), 1e-9)


def _difference(
    inspector: Inspector,
    reference: Inspection,
    outputs: dict[str, Array],
    floor: float,
    half: bool,
) -> Difference:
    """Compare a model's outputs for one picture with the inspection; NaN differs infinitely."""
    rounding, limit = TOLERANCES[inspector.backbone.precision], inspector.threshold
    tolerance = HALF_TOLERANCE if half else rounding
    score, expected_map = outputs["score"], reference.heat_map
    if score.shape != (1,) or ("heat_map" in outputs) != (expected_map is not None):
        return Difference(reference.name, np.inf, np.inf, True, False, tolerance)
    score_error = abs(float(score[0]) - reference.score) / max(reference.score, floor)
    map_error = None
    if expected_map is not None:
        values = outputs["heat_map"]
        if values.shape != (1, *expected_map.shape):
            return Difference(reference.name, np.inf, np.inf, True, False, tolerance)
        largest = float(np.abs(values[0] - expected_map).max())
        map_error = largest / max(float(expected_map.max()), floor)
        map_error = map_error if np.isfinite(map_error) else np.inf
    is_defect = bool(outputs["verdict"][0]) if "verdict" in outputs else None
    expected = None if reference.verdict is None else reference.verdict == "defect"
    return Difference(
        picture=reference.name,
        score=score_error if np.isfinite(score_error) else np.inf,
        heat_map=map_error,
        verdict=is_defect != expected,
        at_limit=limit is not None
        and is_defect is not None
        and abs(reference.score - limit.score) <= rounding * limit.score,
        tolerance=tolerance,
    )


def extremes() -> list[Picture]:
    """Return synthetic edge cases: blank, noise, a checkerboard, thin pictures, odd sizes."""
    rng = np.random.default_rng(0)
    checker = np.indices((131, 97)).sum(axis=0) // 8 % 2 * 255
    shapes = {"wide": (9, 700), "tall": (700, 9), "one pixel": (1, 1), "odd": (173, 211)}
    pixels = {
        "black": np.zeros((64, 80, 3)),
        "white": np.full((80, 64, 3), 255),
        "checker": np.repeat(checker[:, :, None], 3, axis=2),
        **{name: rng.integers(0, 256, (*shape, 3)) for name, shape in shapes.items()},
    }
    return [Picture(f"synthetic: {name}", value.astype(np.uint8)) for name, value in pixels.items()]


def brought_to(picture: Picture, size_hw: tuple[int, int]) -> Picture:
    """Return a picture in another size: rows and columns are repeated or left out."""
    rows, columns = (
        np.arange(size) * old // size
        for size, old in zip(size_hw, picture.pixels.shape[:2], strict=True)
    )
    return Picture(picture.name, picture.pixels[rows][:, columns])
