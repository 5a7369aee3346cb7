"""Kinds of places: the rows of a bank in groups, by k-means."""

import numpy as np

from goldensample.records import Array
from goldensample.search.exact import NearestSearch

KINDS, STEPS, MOST_ROWS = 128, 15, 5_000
"""Groups, at most; steps; most rows that the groups' middles are computed from."""


def choose_kinds(bank: Array, seed: int) -> tuple[Array, Array]:
    """Return the kind (m,) uint8 of each row (m, d) float32, and the kinds' middles (K, d) float32.

    Source: k-means++ (Arthur and Vassilvitskii, 2007), then steps of Lloyd's.
    """
    rng = np.random.default_rng(seed)
    chosen = len(bank) > MOST_ROWS
    rows = bank[np.sort(rng.choice(len(bank), MOST_ROWS, replace=False))] if chosen else bank
    middles = _first_middles(rows, min(KINDS, len(rows)), rng)
    for _ in range(STEPS):
        kinds = _nearest(rows, middles)
        counts = np.bincount(kinds, minlength=len(middles))
        order, filled = np.argsort(kinds, kind="stable"), np.flatnonzero(counts)
        sums = np.zeros_like(middles)
        sums[filled] = np.add.reduceat(rows[order], (np.cumsum(counts) - counts)[filled], axis=0)
        middles = np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], middles)
        middles = middles.astype(np.float32)
    return nearest_kinds(bank, middles), middles


def nearest_kinds(bank: Array, middles: Array) -> Array:
    """Return the kind (m,) uint8 of each row (m, d), that of the nearest middle (K, d)."""
    return NearestSearch(middles).find(np.asarray(bank, np.float32))[1][:, 0].astype(np.uint8)


def _first_middles(rows: Array, count: int, rng: np.random.Generator) -> Array:
    """Draw rows as the first middles: each the likelier, the farther it is from those before."""
    middles, squared = [rows[rng.integers(len(rows))]], np.full(len(rows), np.inf)
    while len(middles) < count:
        difference = rows - middles[-1]
        squared = np.minimum(squared, np.einsum("kd,kd->k", difference, difference))
        total = squared.sum()
        drawn = rng.choice(len(rows), p=squared / total) if total > 0 else len(middles)
        middles.append(rows[drawn])
    return np.array(middles, np.float32)


def _nearest(rows: Array, middles: Array) -> Array:
    nearest: Array = np.argmin((middles**2).sum(axis=1) - 2 * rows @ middles.T, axis=1)
    return nearest
