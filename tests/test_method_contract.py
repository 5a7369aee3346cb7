"""What every method promises, on small arrays, without a network."""

from dataclasses import replace

import numpy as np
import pytest

from goldensample.methods.protocols import BankDetector
from goldensample.methods.registry import METHODS
from goldensample.records import Features, silent

TRAINED = [name for name, kind in METHODS.items() if "budget" in kind.__dataclass_fields__]
"""Methods that train a network: tests/test_trained_contract.py holds what they promise."""


def features(n: int, seed: int, planted: tuple[int, int] | None = None) -> Features:
    """Two levels with a position-dependent pattern; `planted` is a strange patch in both."""
    rng = np.random.default_rng(seed)
    places = np.random.default_rng(99)
    fine = places.random((1, 5, 8, 8)) + 0.05 * rng.random((n, 5, 8, 8))
    coarse = places.random((1, 7, 4, 4)) + 0.05 * rng.random((n, 7, 4, 4))
    if planted:
        fine[:, :, planted[0], planted[1]] += 4
        coarse[:, :, planted[0] // 2, planted[1] // 2] += 4
    maps = (fine.astype(np.float32), coarse.astype(np.float32))
    return Features(maps, np.ones((n, 8, 8), bool))


def together(parts: list[Features]) -> Features:
    return Features(
        tuple(np.concatenate(level) for level in zip(*(p.maps for p in parts), strict=True)),
        np.concatenate([p.valid for p in parts]),
    )


def halves(whole: Features) -> list[Features]:
    """The same pictures in two batches."""
    parts = (slice(0, 5), slice(5, len(whole)))
    return [Features(tuple(m[p] for m in whole.maps), whole.valid[p], p.start) for p in parts]


@pytest.fixture(params=[name for name in METHODS if name not in TRAINED])
def kind(request):
    return METHODS[request.param]


def test_a_planted_defect_scores_highest_at_its_place(kind):
    detector = kind().fit([features(20, 0)], silent)
    good = detector.score(features(8, 1)).image.max()
    scores = detector.score(features(1, 2, planted=(5, 2)))
    assert scores.image[0] > 2 * good
    if scores.grid.size:
        row, column = np.unravel_index(scores.grid[0].argmax(), (8, 8))
        assert abs(row - 5) <= 1  # averaging over the neighbourhood spreads it by one cell
        assert abs(column - 2) <= 1


def test_alone_is_as_in_a_batch(kind):
    detector = kind().fit([features(20, 0)], silent)
    several = [features(1, seed, planted=(1, seed)) for seed in range(5)]
    batch = detector.score(together(several))
    for index, one in enumerate(several):
        alone = detector.score(one)
        assert alone.image[0] == batch.image[index]
        assert np.array_equal(alone.grid[0], batch.grid[index])
        assert np.array_equal(alone.nearest[0], batch.nearest[index])


def test_deterministic_and_input_unchanged(kind):
    given = features(20, 0)
    before = [level.copy() for level in given.maps]
    first, second = (kind().fit([given], silent) for _ in range(2))
    again = second.arrays()
    assert all(np.array_equal(array, again[name]) for name, array in first.arrays().items())
    assert np.array_equal(first.score(given).image, second.score(given).image)
    for level, copy in zip(given.maps, before, strict=True):
        assert np.array_equal(level, copy)


def test_batches_of_the_fit_do_not_matter(kind):
    whole = features(12, 0)
    one, two = (kind().fit(given, silent).arrays() for given in ([whole], halves(whole)))
    for name in one:
        assert np.array_equal(one[name], two[name])


def test_a_fit_tells_how_far_it_is(kind):
    told = []
    kind().fit(halves(features(12, 0)), lambda *step: told.append(step))
    assert told
    assert all(stage and 0 <= done <= total for stage, done, total in told)
    stages = [stage for stage, _, _ in told]
    for stage in set(stages):
        done = [step for step in told if step[0] == stage]
        assert done == sorted(done)
        assert done[-1][1] == done[-1][2]


def test_scores_have_the_shapes_and_the_order_they_must(kind):
    detector = kind().fit([features(20, 0)], silent)
    scores = detector.score(features(3, 1, planted=(3, 3)))
    assert (scores.image.shape, scores.image.dtype) == ((3,), np.float32)
    assert scores.image.min() >= 0
    h, w = scores.grid.shape[1:]
    assert scores.grid.shape == scores.nearest.shape == scores.valid.shape == (3, h, w)
    assert (scores.grid.dtype, scores.nearest.dtype) == (np.float32, np.int32)
    assert tuple(map(len, scores.centres)) == (h, w)
    assert [list(axis) for axis in scores.centres] == [sorted(axis) for axis in scores.centres]
    if scores.grid.size:
        assert scores.grid.min() >= 0
        assert all(0 < at < 1 for axis in scores.centres for at in axis)
    else:
        assert (h, w, detector.sigma_px) == (0, 0, 0)
    rows = len(detector.origins) if isinstance(detector, BankDetector) else 0
    assert scores.nearest.size == 0 or scores.nearest.max() == -1 or rows
    assert (scores.nearest < max(rows, 1)).all()


def test_what_is_nearest_has_an_origin(kind):
    detector = kind().fit(halves(features(12, 0)), silent)
    if not isinstance(detector, BankDetector):
        return
    assert (detector.origins.shape[1], detector.origins.dtype) == (3, np.float32)
    pictures, *centres = detector.origins.T
    assert set(pictures) <= set(range(12))
    assert all(0 < shares.min() <= shares.max() < 1 for shares in centres)
    assert detector.score(features(1, 1)).nearest.min() >= 0


def test_arrays_rebuild_an_equal_detector(kind):
    method = kind()
    detector = method.fit([features(20, 0)], silent)
    again = method.restore(detector.arrays())
    ours, theirs = (d.score(features(3, 5, planted=(3, 3))) for d in (detector, again))
    assert np.array_equal(ours.image, theirs.image)
    assert np.array_equal(ours.grid, theirs.grid)
    assert np.array_equal(ours.nearest, theirs.nearest)
    assert (again.facts(), again.sigma_px) == (detector.facts(), detector.sigma_px)
    if isinstance(detector, BankDetector):
        assert np.array_equal(detector.origins, again.origins)


def test_wrong_arrays_are_refused(kind):
    method = kind()
    arrays = method.fit([features(20, 0)], silent).arrays()
    assert not any(name.startswith(("sample", "network")) for name in arrays)
    with pytest.raises(ValueError, match=r"must .*; got"):
        method.restore(arrays | {"more": np.zeros(1)})
    for name, array in arrays.items():
        if not name.endswith(("position_scale", "imagined")):  # earlier versions had none
            with pytest.raises(ValueError, match=r"must .*; got"):
                method.restore({other: arrays[other] for other in arrays if other != name})
        for wrong in (array[None], array.astype(np.complex64), array[:0]):
            with pytest.raises(ValueError, match=r"must .*; got"):
                method.restore(arrays | {name: wrong})


def test_no_picture_is_refused(kind):
    with pytest.raises(ValueError, match="fit must have at least one picture; got none"):
        kind().fit([], silent)


def test_facts_are_numbers(kind):
    facts = kind().fit([features(20, 0)], silent).facts()
    assert facts
    assert all(isinstance(value, int | float) and value >= 0 for value in facts.values())


def test_padding_is_not_scored(kind):
    given = features(6, 0)
    valid = given.valid.copy()
    valid[:, :2] = False
    masked = replace(given, valid=valid)
    scores = kind().fit([masked], silent).score(masked)
    assert np.isfinite(scores.image).all()
    if scores.grid.size:
        assert np.array_equal(scores.valid, valid)
        assert (scores.grid[~valid] == 0).all()
        assert (scores.nearest[~valid] == -1).all()


# how many pictures, all alike, are too few for a method
TOO_FEW = {"Mahalanobis": (1, 6), "Ensemble": (1,), "Crossed": (1,)}


@pytest.mark.parametrize("count", [1, 6])
def test_scores_are_finite_for_one_picture_and_for_identical_ones(kind, count):
    given = together([features(1, 0)] * count)
    if count in TOO_FEW.get(kind.__name__, ()):
        with pytest.raises(ValueError, match="must have at least"):
            kind().fit([given], silent)
        return
    scores = kind().fit([given], silent).score(features(2, 1))
    assert np.isfinite(scores.image).all()
    assert scores.image.min() > 0
