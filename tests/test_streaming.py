"""The streaming coreset's bound, and that it forgets nothing."""

import numpy as np
import pytest

from goldensample import coreset
from goldensample.streaming import BRANCHES, SPARE, StreamingCoreset


def clustered(n: int, d: int, seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    middles = rng.normal(0, 3, (40, d))
    return (middles[rng.integers(0, 40, n)] + rng.normal(0, 1, (n, d))).astype(np.float32)


def streamed(points: np.ndarray, rows: int, part: int) -> tuple[StreamingCoreset, coreset.Coreset]:
    stream = StreamingCoreset(rows)
    for at in range(0, len(points), part):
        stream.add(points[at : at + part])
    return stream, stream.finish()


@pytest.mark.parametrize("part", [37, 500, 5000])
def test_every_row_lies_within_the_stated_bound(part):
    points = clustered(5000, 8, 0)
    stream, found = streamed(points, 30, part)
    away = np.linalg.norm(points - points[found.picks[found.nearest]], axis=1)
    exact = coreset.greedy(points, 30).radius
    # the greedy radius is at least OPT, so this is weaker than, and follows from, the bound
    assert away.max() <= (2 * stream.depth + 2) * exact
    assert away.max() <= 2 * exact  # what it comes to on such data
    assert len(set(found.picks.tolist())) == 30


def test_few_rows_give_the_exact_coreset():
    points = clustered(BRANCHES * SPARE * 30 - 1, 8, 1)
    _, found = streamed(points, 30, 100)
    exact = coreset.greedy(points, 30)
    assert found.picks.tolist() == exact.picks.tolist()
    assert found.radius == exact.radius
    assert np.array_equal(found.nearest, exact.nearest)


def test_the_rows_held_do_not_grow_with_the_rows_seen():
    held = []
    for n in (4000, 16000):
        stream, _ = streamed(clustered(n, 4, 2), 20, 100)
        held.append(max(sum(len(k) for _, k in level) for level in stream.levels))
        assert sum(len(k) for level in stream.levels for _, k in level) <= (
            BRANCHES * SPARE * 20 * len(stream.levels)
        )
    assert max(held) < BRANCHES * SPARE * 20


def test_the_size_of_the_parts_changes_nothing_but_the_groups():
    points = clustered(3000, 6, 3)
    for part in (1, 17, 320):
        first = streamed(points, 20, part)[1]
        assert first.picks.tolist() == streamed(points, 20, part)[1].picks.tolist()
