"""Compare exported models with the inspector they were made from, picture by picture."""

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
"""Share of a bank row's length (root mean square) below which a distance is as good as none: a
picture whose patches are all in the bank differs from it by rounding alone, and so by chance."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How far a model is from the inspector on one picture.

    Args:
        picture: its name.
        score: |difference| of the scores, relative to the inspector's.
        heat_map: the largest |difference| in the map, relative to the map's maximum; None where
            the method has no map.
        verdict: whether the verdicts differ.
        at_limit: whether the score is the threshold within the tolerance, so that a difference
            within the tolerance may turn the verdict.
        tolerance: for both differences.
    """

    picture: str
    score: float
    heat_map: float | None
    verdict: bool
    at_limit: bool
    tolerance: float

    @property
    def within(self) -> bool:
        """Whether the model may be used: both differences within the tolerance, same verdict."""
        close = max(self.score, self.heat_map or 0.0) <= self.tolerance
        return close and (self.at_limit or not self.verdict)


@dataclass(frozen=True, slots=True)
class Agreement:
    """How a model agrees with the inspector in one runtime."""

    runtime: str
    differences: tuple[Difference, ...]

    @property
    def worst(self) -> Difference:
        """The picture that differs most; one beyond the tolerance before all others."""
        return max(self.differences, key=_oddity)

    @property
    def score(self) -> float:
        """The largest difference of a score."""
        return max(one.score for one in self.differences)

    @property
    def heat_map(self) -> float | None:
        """The largest difference of a heat map; None where the method has no map."""
        found = [one.heat_map for one in self.differences if one.heat_map is not None]
        return max(found, default=None)

    def turned(self, at_limit: bool) -> list[str]:
        """Return the pictures whose verdict differs, either at the limit or elsewhere."""
        return [one.picture for one in self.differences if one.verdict and one.at_limit == at_limit]


def _oddity(one: Difference) -> tuple[bool, float, float]:
    """Return what the worst picture has most of."""
    return not one.within, one.score, one.heat_map or 0.0


def compare(
    inspector: Inspector, runs: dict[str, Run], judged: Iterable[tuple[Picture, Inspection]]
) -> list[Agreement]:
    """Run a model beside the inspector, each picture alone.

    Args:
        inspector: the reference.
        runs: the model by runtime, see `runtimes.open_all`.
        judged: pictures with what the inspector says of them; at least one.
    """
    found: dict[str, list[Difference]] = {runtime: [] for runtime in runs}
    scale = _least(inspector)
    for picture, reference in judged:
        for runtime, run in runs.items():
            outputs = run(picture.pixels[None])
            found[runtime].append(_difference(inspector, reference, outputs, scale))
    return [Agreement(runtime, tuple(differences)) for runtime, differences in found.items()]


def _least(inspector: Inspector) -> float:
    """Return what a difference is relative to where the score or the map is smaller."""
    detector = inspector.detector
    if isinstance(detector, PatchCoreDetector):
        bank = detector.bank
    elif isinstance(detector, NearestDetector):
        bank = detector.vectors
    elif isinstance(detector, SPADEDetector):
        bank = detector.gallery[0].astype(np.float32)
    else:
        return 1e-9  # a picture's distance can be none only where it is kept as it is
    return max(ROUNDING * float(np.sqrt(np.einsum("md,md->m", bank, bank).mean())), 1e-9)


def _difference(
    inspector: Inspector, reference: Inspection, outputs: dict[str, Array], least: float
) -> Difference:
    """Compare a model's outputs for one picture with the inspector's; a NaN differs infinitely."""
    tolerance, limit = TOLERANCES[inspector.backbone.precision], inspector.threshold
    score, expected = outputs["score"], reference.heat_map
    if score.shape != (1,) or ("heat_map" in outputs) != (expected is not None):
        return Difference(reference.name, np.inf, np.inf, True, False, tolerance)
    apart = abs(float(score[0]) - reference.score) / max(reference.score, least)
    of_map = None
    if expected is not None:
        values = outputs["heat_map"]
        if values.shape != (1, *expected.shape):
            return Difference(reference.name, np.inf, np.inf, True, False, tolerance)
        off = float(np.abs(values[0] - expected).max()) / max(float(expected.max()), least)
        of_map = off if np.isfinite(off) else np.inf
    said = bool(outputs["verdict"][0]) if "verdict" in outputs else None
    asked = None if reference.verdict is None else reference.verdict == "defect"
    return Difference(
        picture=reference.name,
        score=apart if np.isfinite(apart) else np.inf,
        heat_map=of_map,
        verdict=said != asked,
        at_limit=limit is not None
        and said is not None
        and abs(reference.score - limit.score) <= tolerance * limit.score,
        tolerance=tolerance,
    )


def extremes() -> list[Picture]:
    """Return pictures that no camera gives: blank, noise, a checker, thin ones, odd sizes."""
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
