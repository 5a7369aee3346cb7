"""Slow reference implementations."""

from collections.abc import Iterable

import numpy as np


def exact(runs: Iterable) -> list:
    """Return the runs or agreements of an export that did not compute in bfloat16.

    OpenVINO's defaults do where the processor can; it then runs in float32 as well.
    """
    return [one for one in runs if not one.half]


def clustered_points(
    n: int, d: int, seed: int, clusters: int = 12, noise: float = 1.0
) -> np.ndarray:
    """Points around a few centres, as patches of alike parts lie."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(0, 3, (clusters, d))
    return (centres[rng.integers(0, clusters, n)] + rng.normal(0, noise, (n, d))).astype(np.float32)


def greedy_loop(features: np.ndarray, rows: int) -> list[int]:
    """The textbook greedy coreset: one full pass per pick, in float64."""
    points = features.astype(np.float64)
    distances = (points**2).sum(axis=1)  # to the centre, which is 0
    picks: list[int] = []
    while len(picks) < rows:
        best = int(np.argmax(distances))
        if distances[best] <= 0:
            break
        to_best = ((points - points[best]) ** 2).sum(axis=1)
        distances = to_best if not picks else np.minimum(distances, to_best)
        picks.append(best)
    return picks or [0]


def nearest_loop(
    bank: np.ndarray, queries: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Brute force in float64, ties to the lower row."""
    distances, rows = [], []
    for query in queries.astype(np.float64):
        d = np.sqrt(((bank.astype(np.float64) - query) ** 2).sum(axis=1))
        order = sorted(range(len(bank)), key=lambda r, d=d: (d[r], r))[:count]
        rows.append(order)
        distances.append(d[order])
    return np.asarray(distances), np.asarray(rows)


def neighbourhood_mean_loop(level: np.ndarray, width: int) -> np.ndarray:
    """Mean over the window, in which cells beyond the border are 0."""
    d, h, w = level.shape
    out = np.zeros((d, h, w))
    radius = width // 2
    for i in range(h):
        for j in range(w):
            rows = slice(max(0, i - radius), i + radius + 1)
            columns = slice(max(0, j - radius), j + radius + 1)
            out[:, i, j] = level[:, rows, columns].sum(axis=(1, 2)) / width**2
    return out


def auroc_loop(scores: np.ndarray, labels: np.ndarray) -> float:
    """Share of (defect, good) pairs in the right order; ties count one half."""
    wins = [
        1.0 if d > g else 0.5 if d == g else 0.0 for d in scores[labels] for g in scores[~labels]
    ]
    return float(np.mean(wins))


def best_f1_loop(scores: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Try every score as threshold."""
    best = (-1.0, 0.0)
    for threshold in sorted(set(scores), reverse=True):
        predicted = scores >= threshold
        true_positives = (predicted & labels).sum()
        f1 = 2 * true_positives / (predicted.sum() + labels.sum())
        if f1 > best[0]:
            best = (float(f1), float(threshold))
    return best


def average_precision_loop(scores: np.ndarray, labels: np.ndarray) -> float:
    """Mean, over the defects, of the precision among those that score as high."""
    return float(np.mean([labels[scores >= score].mean() for score in scores[labels]]))


def bootstrap_loop(
    scores: np.ndarray, labels: np.ndarray, metric, draws: int, level: float
) -> tuple[float, float]:
    """Draw pictures one by one, by class; drop the same number of values at both ends."""
    rng, values = np.random.default_rng(99), []
    classes = [np.flatnonzero(labels == label) for label in (False, True)]
    for _ in range(draws):
        rows = [int(members[rng.integers(len(members))]) for members in classes for _ in members]
        values.append(metric(scores[rows], labels[rows]))
    dropped = round(draws * (1 - level) / 2)
    return sorted(values)[dropped], sorted(values)[-1 - dropped]


def components_loop(mask: np.ndarray) -> list[list[tuple[int, int]]]:
    """Connected components with 8 neighbours, by flood fill."""
    remaining = {(int(i), int(j)) for i, j in np.argwhere(mask)}
    components = []
    while remaining:
        stack, component = [remaining.pop()], []
        while stack:
            i, j = stack.pop()
            component.append((i, j))
            neighbours = {(i + a, j + b) for a in (-1, 0, 1) for b in (-1, 0, 1)} & remaining
            remaining -= neighbours
            stack += neighbours
        components.append(component)
    return components


def pro_loop(maps: list[np.ndarray], masks: list[np.ndarray], limit: float) -> float:
    """PRO by going through every score as threshold."""
    good = np.concatenate([m[~k] for m, k in zip(maps, masks, strict=True)])
    regions = [
        np.array([m[i, j] for i, j in component])
        for m, k in zip(maps, masks, strict=True)
        for component in components_loop(k)
    ]
    thresholds = np.unique(np.concatenate([m.ravel() for m in maps]))[::-1]
    false_positive_rate = [0.0] + [float((good >= t).mean()) for t in thresholds]
    overlap = [0.0] + [float(np.mean([(r >= t).mean() for r in regions])) for t in thresholds]
    area = 0.0
    for k in range(1, len(false_positive_rate)):
        x0, x1 = false_positive_rate[k - 1], false_positive_rate[k]
        y0, y1 = overlap[k - 1], overlap[k]
        if x1 > limit:
            if x1 > x0:
                y1 = y0 + (y1 - y0) * (limit - x0) / (x1 - x0)
            area += (limit - x0) * (y0 + y1) / 2
            break
        area += (x1 - x0) * (y0 + y1) / 2
    return area / limit


def resize_loop(line: np.ndarray, new: int) -> np.ndarray:
    """Antialiased bilinear resizing of a line by a widened triangle."""
    old = len(line)
    scale = new / old
    support = max(1.0, 1 / scale)
    out = []
    for i in range(new):
        centre = (i + 0.5) / scale
        weights = [max(0.0, 1 - abs(j + 0.5 - centre) / support) for j in range(old)]
        out.append(float(np.dot(weights, line) / sum(weights)))
    return np.asarray(out)


def to_others_loop(
    points: np.ndarray, pictures: np.ndarray, witnesses: int, rows: np.ndarray | None = None
) -> np.ndarray:
    """Distance of each patch to the k-th nearest other picture, within the given rows."""
    rows = np.arange(len(points)) if rows is None else rows
    indices = sorted({int(pictures[row]) for row in rows})
    witnesses = min(max(witnesses, round(0.05 * len(indices))), len(indices) // 2)
    result = []
    for point, picture in zip(points.astype(np.float64), pictures, strict=True):
        nearest = [
            min(np.linalg.norm(points[row] - point) for row in rows if pictures[row] == index)
            for index in indices
            if index != picture
        ]
        result.append(sorted(nearest)[witnesses - 1])
    return np.asarray(result)
