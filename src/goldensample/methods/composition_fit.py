"""Fitting of a composition to good pictures that are judged without their own part of the bank.

How much it may say is weighed on imagined defects, see `imagined`: parts that are missing, doubled
or swapped, which it is there for, and odd places, which are found as before or better.
"""

from typing import NamedTuple

import numpy as np

from goldensample.methods.composition import (
    DIRECTIONS,
    QUARTERS,
    TINY,
    Composition,
    shrunk_gaussian,
    usual_distances,
)
from goldensample.methods.held_out import HeldOut
from goldensample.methods.image_scores import mean_of_top
from goldensample.methods.imagined import (
    PLACES,
    POWERS,
    Evidence,
    Judged,
    choose_weights,
    imagine,
)
from goldensample.methods.kinds import choose_kinds
from goldensample.records import Array

LEAST_PICTURES = 20
"""Fewest good pictures for it."""
FOLDS = 5
"""Parts of the pictures; the composition of each is judged by what is usual of the others'."""


class Amounts(NamedTuple):
    """What is usual of the sums of points in each quarter, see `Composition`.

    Args:
        mean, whitening: of the Gaussian.
        unit: mean and deviation of the logarithm of the distance of a picture left out.
    """

    mean: Array
    whitening: Array
    unit: tuple[float, float]

    def standardised(self, vectors: Array) -> Array:
        """Return (n,) by how many deviations the log distances of vectors are above the mean."""
        logarithms = log_distances(vectors, self.mean, self.whitening)
        return np.asarray((logarithms - self.unit[0]) / self.unit[1])


def earn_composition(
    shared: tuple[HeldOut | None, Array, Array | None], task: tuple[str, int, str]
) -> tuple[Composition | None, Array | None]:
    """Return the composition, where it is asked for or earned, and what imagined defects showed.

    Args:
        shared: see `fit_composition`; None for too few good pictures.
        task: the knob; seed and image score.

    Raises:
        ValueError: it is asked for, and the pictures are too few.
    """
    (held_out, bank, scale), (asked, *_) = shared, task
    count = 0 if held_out is None else len(held_out.weights)
    if asked == "on" and count < LEAST_PICTURES:
        reason = f"there are only {count}" if count else "there are fewer of them"
        raise ValueError(
            f"composition must rest on {LEAST_PICTURES} good pictures in the bank; {reason}; "
            "give more, or leave it off"
        )
    if asked == "off" or held_out is None or count < LEAST_PICTURES:
        return None, None
    found, evidence = fit_composition((held_out, bank, scale), task)
    return found if asked == "on" or evidence.is_earned else None, np.array(evidence, np.float64)


def fit_composition(
    shared: tuple[HeldOut, Array, Array | None], task: tuple[str, int, str]
) -> tuple[Composition, Evidence]:
    """Return the composition of good pictures, weighed on imagined defects, and what they showed.

    Args:
        shared: good pictures; the bank (m, d) float32; what distances at each position are divided
            by, (h, w), or None.
        task: the knob; seed and image score.
    """
    (held_out, bank, scale), (asked, seed, image_score) = shared, task
    known = fit_kinds(bank, seed)
    valid = held_out.rows >= 0
    found = known.kinds[held_out.rows[valid]]
    usual = usual_distances(found, len(known.divisors), held_out.distances[valid])
    divisor = np.ones((1, 1), np.float32) if scale is None else scale
    judged = judge_imagined(known, held_out, divisor, usual, seed)
    (power, quiet), evidence = choose_weights(judged, asked == "on")
    divisors = usual ** np.float32(power)
    vectors = np.stack([known.vector(rows) for rows in held_out.rows])
    amounts = fit_amounts(vectors)
    distances = held_out.distances / held_out.limits / divisor
    scores = patch_scores(distances / divisors[known.kinds[held_out.rows]], held_out, image_score)
    counts = np.stack([known.counts(rows) for rows in held_out.rows])
    unit = [*amounts.unit, scores.mean() - quiet * scores.std(), scores.std(), 1.0]
    composition = Composition(
        kinds=known.kinds,
        middles=known.middles,
        divisors=divisors,
        points=known.points,
        mean=amounts.mean.astype(np.float32),
        whitening=amounts.whitening.astype(np.float32),
        unit=np.array(unit, np.float64),
        usual=np.stack([counts.mean(axis=0), counts.std(axis=0)]).astype(np.float32),
    )
    return composition, evidence


def fit_kinds(bank: Array, seed: int) -> Composition:
    """Return a composition that knows the kinds of places, and nothing of their amounts."""
    kinds, middles = choose_kinds(bank, seed)
    centre = bank.mean(axis=0, dtype=np.float64)
    _, axes = np.linalg.eigh(np.cov(bank.T.astype(np.float64)).reshape(bank.shape[1], -1))
    points = ((middles - centre) @ axes[:, ::-1][:, :DIRECTIONS]).astype(np.float32)
    size = QUARTERS * points.shape[1]
    return Composition(
        kinds=kinds,
        middles=middles,
        divisors=np.ones(len(middles), np.float32),
        points=points,
        mean=np.zeros(size, np.float32),
        whitening=np.eye(size, dtype=np.float32),
        unit=np.array([0.0, 1.0, 0.0, 0.0, 1.0]),
        usual=np.zeros((2, QUARTERS, len(middles)), np.float32),
    )


def fit_amounts(vectors: Array) -> Amounts:
    """Return what is usual of vectors (n, d), each judged without itself."""
    logarithms = np.empty(len(vectors))
    for number in range(len(vectors)):
        others = shrunk_gaussian(np.delete(vectors, number, axis=0))
        logarithms[number] = log_distances(vectors[number : number + 1], *others)[0]
    unit = float(logarithms.mean()), max(float(logarithms.std()), 1e-3)
    return Amounts(*shrunk_gaussian(vectors), unit)


def log_distances(vectors: Array, mean: Array, whitening: Array) -> Array:
    """Return (n,) logarithms of the Mahalanobis distances of vectors (n, d)."""
    return np.log(np.linalg.norm((vectors - mean) @ whitening.T, axis=1) + TINY)


def judge_imagined(
    known: Composition, held_out: HeldOut, divisor: Array, usual: Array, seed: int
) -> Judged:
    """Return what is said of good pictures, and of defects imagined in them.

    Args:
        known: kinds.
        divisor: of distances at each position, broadcast to (h, w).
        usual: (K,) distances of each kind.
        seed: of the draw.
    """
    rng, points = np.random.default_rng(seed), known.points[known.kinds]
    of_rows = usual[known.kinds]
    good = list(zip(held_out.rows, held_out.distances / held_out.limits, strict=True))
    vectors, peaks, numbers = list[Array](), list[Array](), list[int]()
    places = list[Array]()

    def judge(rows: Array, grid: Array, number: int) -> None:
        valid = rows >= 0
        distances, kinds_usual = (grid / divisor)[valid], of_rows[rows[valid]]
        largest = [np.max(distances / kinds_usual**power) for power in POWERS]
        peaks.append(np.array(largest, "f8") * held_out.weights[number])
        vectors.append(known.vector(rows))
        numbers.append(number)

    for number, (rows, grid) in enumerate(good):
        judge(rows, grid, number)
        valid = rows >= 0
        weights = np.broadcast_to(held_out.weights[number] / divisor, rows.shape)
        every = max(1, int(valid.sum()) // PLACES)
        some = np.stack([grid[valid], weights[valid], of_rows[rows[valid]]])
        places.append(some[:, ::every].astype(np.float64))
    for number, pair in enumerate(good):
        for rows, grid in imagine(pair, points, rng):
            judge(rows, grid, number)
    table, folds, count = np.stack(vectors), np.array(numbers) % FOLDS, len(good)
    amounts = np.empty(len(table))
    for fold in range(FOLDS):
        others = table[:count][folds[:count] != fold]
        amounts[folds == fold] = fit_amounts(others).standardised(table[folds == fold])
    distances, weights, kinds_usual = np.concatenate(places, axis=1)
    return Judged(np.stack(peaks), amounts, (distances, weights, kinds_usual), count)


def patch_scores(distances: Array, held_out: HeldOut, image_score: str) -> Array:
    """Return (n,) float64 scores of pictures by their patches' distances (n, h, w), NaN for none.

    A weighed maximum has the weight that the picture's plain distances give it.
    """
    if image_score == "top":
        return np.array([mean_of_top(grid[np.isfinite(grid)]) for grid in distances], "f8")
    largest: Array = np.nanmax(distances, axis=(1, 2)) * held_out.weights
    return largest
