"""Slow and obvious versions of the clever pieces."""

import numpy as np


def greedy_loop(whole: np.ndarray, rows: int) -> list[int]:
    """The textbook greedy coreset: one full pass per pick, in float64."""
    points = whole.astype(np.float64)
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
    reach = width // 2
    for i in range(h):
        for j in range(w):
            rows = slice(max(0, i - reach), i + reach + 1)
            columns = slice(max(0, j - reach), j + reach + 1)
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
        called = scores >= threshold
        true = (called & labels).sum()
        f1 = 2 * true / (called.sum() + labels.sum())
        if f1 > best[0]:
            best = (float(f1), float(threshold))
    return best


def average_precision_loop(scores: np.ndarray, labels: np.ndarray) -> float:
    """Mean, over the defects, of the precision among those that score as high."""
    return float(np.mean([labels[scores >= score].mean() for score in scores[labels]]))


def bootstrap_loop(
    scores: np.ndarray, labels: np.ndarray, figure, draws: int, level: float
) -> tuple[float, float]:
    """Draw pictures one by one, good ones and defects apart; leave the same number at both ends."""
    rng, found = np.random.default_rng(99), []
    kinds = [np.flatnonzero(labels == kind) for kind in (False, True)]
    for _ in range(draws):
        rows = [int(kind[rng.integers(len(kind))]) for kind in kinds for _ in kind]
        found.append(figure(scores[rows], labels[rows]))
    left_out = round(draws * (1 - level) / 2)
    return sorted(found)[left_out], sorted(found)[-1 - left_out]


def components_loop(mask: np.ndarray) -> list[list[tuple[int, int]]]:
    """Connected parts with 8 neighbours, by flooding."""
    left = {(int(i), int(j)) for i, j in np.argwhere(mask)}
    parts = []
    while left:
        stack, part = [left.pop()], []
        while stack:
            i, j = stack.pop()
            part.append((i, j))
            around = {(i + a, j + b) for a in (-1, 0, 1) for b in (-1, 0, 1)} & left
            left -= around
            stack += around
        parts.append(part)
    return parts


def pro_loop(maps: list[np.ndarray], masks: list[np.ndarray], limit: float) -> float:
    """PRO by going through every score as threshold."""
    good = np.concatenate([m[~k] for m, k in zip(maps, masks, strict=True)])
    regions = [
        np.array([m[i, j] for i, j in part])
        for m, k in zip(maps, masks, strict=True)
        for part in components_loop(k)
    ]
    thresholds = np.unique(np.concatenate([m.ravel() for m in maps]))[::-1]
    false = [0.0] + [float((good >= t).mean()) for t in thresholds]
    overlap = [0.0] + [float(np.mean([(r >= t).mean() for r in regions])) for t in thresholds]
    area = 0.0
    for k in range(1, len(false)):
        x0, x1, y0, y1 = false[k - 1], false[k], overlap[k - 1], overlap[k]
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
    """Distance of each patch to the k-th nearest other picture, among some rows."""
    rows = np.arange(len(points)) if rows is None else rows
    names = sorted({int(pictures[row]) for row in rows})
    witnesses = min(max(witnesses, round(0.05 * len(names))), len(names) // 2)
    found = []
    for point, own in zip(points.astype(np.float64), pictures, strict=True):
        nearest = [
            min(np.linalg.norm(points[row] - point) for row in rows if pictures[row] == name)
            for name in names
            if name != own
        ]
        found.append(sorted(nearest)[witnesses - 1])
    return np.asarray(found)
