"""Fitting of a composition, on good pictures that are judged without their own part of the bank."""

from collections.abc import Iterable
from typing import Protocol

import numpy as np

from goldensample.methods.bank import PatchSettings
from goldensample.methods.composition import (
    DIRECTIONS,
    QUARTERS,
    TINY,
    Composition,
    choose_kinds,
    shrunk_gaussian,
    usual_distances,
)
from goldensample.records import Array, Features, Notify, Scores

LEAST_PICTURES, MOST_PICTURES = 20, 100
"""Fewest good pictures for it, and most that are judged."""
FOLDS = 50
"""Parts of the pictures; each is judged by the rows of the others."""


class Judge(Protocol):
    """A detector with a bank."""

    @property
    def settings(self) -> PatchSettings: ...
    @property
    def bank(self) -> Array: ...
    @property
    def origins(self) -> Array: ...
    def with_rows(self, rows: Array) -> "Judge": ...
    def with_composition(self, found: Composition | None) -> "Judge": ...
    def score(self, features: Features) -> Scores: ...


def fit_composition(detector: Judge, features: Iterable[Features], notify: Notify) -> Composition:
    """Fit the composition of good pictures.

    Args:
        detector: without one.
        features: of the good pictures, in order; read several times.
        notify: told ("composition", pictures judged, pictures), each of them twice.

    Raises:
        ValueError: the pictures are too few.

    Cost: about that of searching for twice MOST_PICTURES pictures; no network.
    """
    count = sum(map(len, features))
    if count < LEAST_PICTURES:
        raise ValueError(
            f"composition must rest on {LEAST_PICTURES} good pictures in the bank; got {count}; "
            "give more, or leave it off"
        )
    bank, origins = detector.bank, detector.origins
    kinds, middles = choose_kinds(bank, detector.settings.seed)
    chosen = np.unique(np.linspace(0, count - 1, min(count, MOST_PICTURES)).astype(int))
    folds = {int(number): int(number) * FOLDS // count for number in chosen}
    fold_of_row = origins[:, 0].astype(int) * FOLDS // count

    def judge(composition: Composition | None, offset: int) -> list[tuple[Scores, Array]]:
        judged, opened, part, rows = list[tuple[Scores, Array]](), -1, detector, origins[:0]
        for one, number in _pictures(features):
            if number not in folds:
                continue
            if folds[number] != opened:
                opened = folds[number]
                rows = np.flatnonzero(fold_of_row != opened)
                own = None if composition is None else composition.of_rows(rows)
                part = detector.with_rows(rows).with_composition(own)
            scores = part.score(one)
            nearest = scores.nearest[0]
            judged.append((scores, np.where(nearest >= 0, rows[nearest], -1)))
            notify("composition", offset + len(judged), 2 * len(chosen))
        return judged

    plain = judge(None, 0)
    distances = np.concatenate([scores.grid[scores.valid] for scores, _ in plain])
    found = kinds[np.concatenate([rows[scores.valid[0]] for scores, rows in plain])]
    silent = _silent(kinds, usual_distances(found, len(middles), distances), bank, middles)
    patch_scores = np.array([scores.image[0] for scores, _ in judge(silent, len(plain))])
    return _fit_amounts(silent, [rows for _, rows in plain], patch_scores)


def _pictures(features: Iterable[Features]) -> Iterable[tuple[Features, int]]:
    """Yield the features of each picture with its number."""
    for batch in features:
        for index in range(len(batch)):
            yield batch.select(index), batch.first + index


def _silent(kinds: Array, divisors: Array, bank: Array, middles: Array) -> Composition:
    """Return a composition that divides distances, and whose own score is 0."""
    centre = bank.mean(axis=0, dtype=np.float64)
    _, axes = np.linalg.eigh(np.cov(bank.T.astype(np.float64)).reshape(bank.shape[1], -1))
    points = ((middles - centre) @ axes[:, ::-1][:, :DIRECTIONS]).astype(np.float32)
    size = QUARTERS * points.shape[1]
    return Composition(
        kinds=kinds,
        divisors=divisors,
        points=points,
        mean=np.zeros(size, np.float32),
        whitening=np.eye(size, dtype=np.float32),
        unit=np.array([0.0, 1.0, 0.0, 0.0]),
        usual=np.zeros((2, QUARTERS, len(divisors)), np.float32),
    )


def _fit_amounts(silent: Composition, rows: list[Array], patch_scores: Array) -> Composition:
    """Return the composition whose amounts are those of good pictures, each judged without itself.

    Args:
        rows: (h, w) nearest bank rows of each picture.
        patch_scores: of the patches of each picture.
    """
    vectors = np.stack([silent.vector(picture) for picture in rows])
    logarithms = []
    for number, vector in enumerate(vectors):
        centre, whiten = shrunk_gaussian(np.delete(vectors, number, axis=0))
        logarithms.append(np.log(np.linalg.norm(whiten @ (vector - centre)) + TINY))
    mean, whitening = shrunk_gaussian(vectors)
    counts = np.stack([silent.counts(picture) for picture in rows])
    unit = [np.mean(logarithms), max(np.std(logarithms), 1e-3)]
    unit += [patch_scores.mean(), patch_scores.std()]
    return Composition(
        kinds=silent.kinds,
        divisors=silent.divisors,
        points=silent.points,
        mean=mean.astype(np.float32),
        whitening=whitening.astype(np.float32),
        unit=np.array(unit, np.float64),
        usual=np.stack([counts.mean(axis=0), counts.std(axis=0)]).astype(np.float32),
    )
