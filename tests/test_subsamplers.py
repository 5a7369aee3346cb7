"""Random and learned subsets, against hand-made and numerical references."""

import numpy as np

from goldensample.coreset import subsamplers


def points(n: int = 400, d: int = 5) -> np.ndarray:
    rng = np.random.default_rng(0)
    middles = rng.normal(0, 5, (6, d))
    return (middles[rng.integers(0, 6, n)] + rng.normal(0, 0.3, (n, d))).astype(np.float32)


def test_random_rows_are_distinct_and_follow_the_seed():
    given = points()
    found = subsamplers.random_coreset(given, 50, 3)
    assert len(np.unique(found.picks)) == 50
    assert found.picks.tolist() == subsamplers.random_coreset(given, 50, 3).picks.tolist()
    assert found.picks.tolist() != subsamplers.random_coreset(given, 50, 4).picks.tolist()
    away = np.linalg.norm(given[:, None] - given[found.picks][None], axis=2)
    assert np.array_equal(found.nearest, away.argmin(axis=1))
    np.testing.assert_allclose(found.radius, away.min(axis=1).max(), rtol=1e-5)


def error(batch: np.ndarray, proxies: np.ndarray, near: np.ndarray, warmth: float) -> float:
    total = 0.0
    for row, around in zip(batch, near, strict=True):
        weights = np.exp([-((row - proxies[k]) ** 2).sum() / warmth for k in around])
        weights /= weights.sum()
        rebuilt = sum(w * proxies[k] for w, k in zip(weights, around, strict=True))
        total += ((row - rebuilt) ** 2).sum()
    return total / len(batch)


def test_the_gradient_is_that_of_the_reconstruction_error():
    rng = np.random.default_rng(1)
    batch, proxies = rng.normal(size=(7, 3)), rng.normal(size=(5, 3))
    near = np.array([rng.permutation(5)[:3] for _ in range(7)])
    found = subsamplers.reconstruction_gradient(batch, proxies, near, 0.8)
    for k in range(5):
        for axis in range(3):
            step = np.zeros_like(proxies)
            step[k, axis] = 1e-6
            slope = error(batch, proxies + step, near, 0.8) - error(
                batch, proxies - step, near, 0.8
            )
            np.testing.assert_allclose(found[k, axis], slope / 2e-6, rtol=1e-5, atol=1e-8)


def test_learned_proxies_reconstruct_better_than_the_random_rows_they_start_from():
    given = points()
    told: list[int] = []
    found = subsamplers.learned_coreset(given, 12, 0, told.append)
    start = given[np.random.default_rng(0).permutation(len(given))[:12]]

    def mean_squared(bank: np.ndarray) -> float:
        return float((np.linalg.norm(given[:, None] - bank[None], axis=2).min(axis=1) ** 2).mean())

    assert mean_squared(given[found.picks]) < mean_squared(start)
    assert found.picks.tolist() == subsamplers.learned_coreset(given, 12, 0).picks.tolist()
    assert told[-1] == 12
