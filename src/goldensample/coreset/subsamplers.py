"""Other subsamplers of the bank, for comparison with the greedy coreset (the paper's Figure 5)."""

from collections.abc import Callable

import numpy as np

from goldensample.coreset.greedy import Coreset
from goldensample.records import Array
from goldensample.search.exact import NearestSearch

STEPS, BATCH, NEIGHBORS, RATE = 600, 512, 16, 0.05


def random_coreset(points: Array, rows: int, seed: int) -> Coreset:
    """Pick rows at random, without replacement.

    Args:
        points: (n, d) float32; not changed.
        rows: how many, at most n.
        seed: of the draw.

    Cost: n·m·d multiplications, for the radius.
    """
    picks = np.sort(np.random.default_rng(seed).permutation(len(points))[:rows])
    return _coreset_of(points, picks)


def learned_coreset(
    points: Array, rows: int, seed: int, notify: Callable[[int], None] | None = None
) -> Coreset:
    """Pick the rows nearest to proxies that are trained to reconstruct all rows.

    The proxies p minimise the mean over rows m of ‖m − Σ_k softmax_k(−‖m − p_k‖² / t)·p_k‖²: near
    proxies weigh more (in the paper's formula, as printed, far ones would). t is the mean squared
    distance of the first batch to its nearest proxy. The sum is over the `NEIGHBORS` nearest
    proxies. They start as random rows and take `STEPS` steps of Adam over batches of rows. In the
    end each proxy is replaced by the row nearest to it, so that every bank row is a patch of a
    picture; rows that are nearest to two proxies are picked once.

    Args:
        points: (n, d) float32; not changed.
        rows: how many proxies, at most n.
        seed: of the first proxies and the batches.
        notify: told the share of steps taken, as a number of rows.

    Returns:
        At most `rows` picks.

    Source: Roth et al. 2022, section 3.2 and Figure 5.
    """
    generator = np.random.default_rng(seed)
    proxies = points[generator.permutation(len(points))[:rows]].astype(np.float32)
    mean, variance = np.zeros_like(proxies), np.zeros_like(proxies)
    temperature = 0.0
    for step in range(1, STEPS + 1):
        batch = points[generator.integers(0, len(points), BATCH)].astype(np.float32)
        distances, nearest = NearestSearch(proxies).find(batch, min(NEIGHBORS, rows))
        temperature = temperature or max(float((distances[:, 0] ** 2).mean()), 1e-12)
        gradient = reconstruction_gradient(batch, proxies, nearest, temperature)
        mean += 0.1 * (gradient - mean)
        variance += 0.001 * (gradient**2 - variance)
        size = np.sqrt(variance / (1 - 0.999**step)) + 1e-8
        proxies -= RATE * (temperature / points.shape[1]) ** 0.5 * mean / (1 - 0.9**step) / size
        if notify is not None:
            notify(rows * step // STEPS)
    _, nearest = NearestSearch(points.astype(np.float32)).find(proxies)
    return _coreset_of(points, np.unique(nearest[:, 0]))


def reconstruction_gradient(
    batch: Array, proxies: Array, nearest: Array, temperature: float
) -> Array:
    """Return the gradient, with respect to the proxies, of the mean reconstruction error.

    Args:
        batch: (k, d) rows; not changed.
        proxies: (m, d); not changed.
        nearest: (k, b) the proxies that reconstruct each row.
        temperature: t of the softmax.

    Returns:
        (m, d).
    """
    chosen = proxies[nearest]  # (k, b, d)
    difference = batch[:, None] - chosen
    logits = -np.einsum("kbd,kbd->kb", difference, difference) / temperature
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    rebuilt = np.einsum("kb,kbd->kd", weights, chosen)
    error = 2 * (rebuilt - batch) / len(batch)  # (k, d)
    # d weights_b = weights_b · (d logit_b − Σ weights · d logit); d logit_b / d p_b = 2·diff / t
    pull = np.einsum("kd,kbd->kb", error, chosen)
    pull = weights * (pull - (weights * pull).sum(axis=1, keepdims=True))
    direct = weights[..., None] * error[:, None]
    parts = direct + pull[..., None] * (2 / temperature) * difference
    gradient = np.zeros_like(proxies)
    np.add.at(gradient, nearest, parts.astype(proxies.dtype))
    return gradient


def _coreset_of(points: Array, picks: Array) -> Coreset:
    """Return the coreset of given picks: the nearest pick of each row, and the radius."""
    distances, nearest = NearestSearch(points[picks].astype(np.float32)).find(
        points.astype(np.float32)
    )
    return Coreset(picks.astype(np.int64), nearest[:, 0].astype(np.int32), float(distances.max()))
