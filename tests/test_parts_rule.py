"""The rule of a part: its arithmetic against loops, and its promise on scores with known truth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goldensample.calibration import conformal
from goldensample.parts.rule import (
    PartCalibration,
    by_union,
    by_whole_parts,
    least_union_rate,
    risk,
    union_promise,
)

SCALES = np.array([1.0, 40.0, 0.01])


def draw(rng: np.random.Generator, parts: int, common: float) -> np.ndarray:
    """Scores (parts, 3) with long tails, in different units; views have a share in common."""
    shared, own = rng.normal(size=(parts, 1)), rng.normal(size=(parts, 3))
    return SCALES * np.exp(0.3 * (common * shared + (1 - common**2) ** 0.5 * own))


def calibration_of(rng: np.random.Generator, parts: int, common: float) -> PartCalibration:
    held_out = draw(rng, 60, common)
    return PartCalibration(
        tuple(map(str, range(parts))),
        draw(rng, parts, common),
        held_out.mean(axis=0),
        held_out.std(axis=0, ddof=1),
    )


def p_value_by_loop(calibration: PartCalibration, scores: dict[int, float]) -> tuple[float, int]:
    def oddness(values: dict[int, float]) -> tuple[float, int]:
        largest, where = -np.inf, -1
        for view in sorted(values):
            standard = (values[view] - calibration.centres[view]) / calibration.spreads[view]
            if standard > largest:
                largest, where = standard, view
        return largest, where

    new, where = oddness(scores)
    as_odd = 1
    for row in calibration.scores:
        as_odd += oddness({view: row[view] for view in scores})[0] >= new
    return as_odd / (len(calibration.scores) + 1), where


@given(st.integers(0, 10**6), st.sets(st.integers(0, 2), min_size=1), st.floats(0, 1))
def test_a_part_is_judged_as_by_a_loop(seed, views, common):
    rng = np.random.default_rng(seed)
    calibration = calibration_of(rng, 25, common)
    row = draw(rng, 1, common)[0]
    scores = {view: float(row[view]) for view in views}
    found = by_whole_parts(calibration, scores)
    assert (found.p_value, found.view) == p_value_by_loop(calibration, scores)


def test_an_example_by_hand():
    calibration = PartCalibration(
        ("a", "b", "c"),
        np.array([[1.0, 10.0], [2.0, 50.0], [9.0, 30.0]]),
        np.array([1.0, 10.0]),
        np.array([1.0, 10.0]),
    )
    assert calibration.maxima([0, 1]).tolist() == [0, 4, 8]
    both = by_whole_parts(calibration, {0: 3.0, 1: 60.0})  # 2 and 5: one part is as odd
    assert (both.p_value, both.view) == (2 / 4, 1)
    one = by_whole_parts(calibration, {0: 3.0})  # 2, among 0, 1 and 8
    assert (one.p_value, one.view) == (2 / 4, 0)


@pytest.mark.parametrize("common", [0.0, 0.7, 1.0])
def test_the_promise_for_the_part_holds(common):
    rng, rate, trials = np.random.default_rng(3), 0.05, 300
    by_parts, by_views = [], []
    for _ in range(trials):
        calibration = calibration_of(rng, 39, common)
        held_out = draw(rng, 59, common)
        alarms = np.zeros(2)
        for row in draw(rng, 20, common):
            scores = dict(enumerate(row.tolist()))
            alarms[0] += by_whole_parts(calibration, scores).p_value <= rate + 1e-9
            p_values = {k: conformal.p_value(held_out[:, k], scores[k]) for k in scores}
            alarms[1] += by_union(p_values).p_value <= rate + 1e-9
        by_parts.append(alarms[0] / 20)
        by_views.append(alarms[1] / 20)
    error = np.std(by_parts) / trials**0.5
    assert abs(np.mean(by_parts) - rate) < 3 * error  # 2 of 40 ranks are 5 % just so
    assert np.mean(by_views) <= rate + 3 * np.std(by_views) / trials**0.5
    if common == 1:  # three views that say the same: the bound pays for three
        assert np.mean(by_views) < rate / 2


def test_union_and_its_promise():
    found = by_union({0: 0.4, 2: 0.01})
    assert (found.p_value, found.view) == (0.02, 2)
    assert by_union({0: 0.9, 1: 0.8}).p_value == 1
    assert least_union_rate([59, 99, 200]) == 3 / 60
    assert union_promise([("split", 59)] * 3, 0.05) == pytest.approx(0.05)
    crossed = union_promise([("split", 59), ("cross", 95)], 0.1)
    assert crossed == pytest.approx(0.05 + conformal.proven_rate("cross", 0.05, 95))
    assert union_promise([("split", 59), ("estimate", 40)], 0.1) is None


def test_the_risk_of_twenty_views():
    found = risk([0.01] * 20)
    assert (found.least, found.most) == (0.01, pytest.approx(0.2))
    assert found.independent == pytest.approx(1 - 0.99**20)
    assert risk([0.5] * 3).most == 1


@pytest.mark.parametrize(
    ("scores", "spreads", "words"),
    [
        (np.ones((2, 3)), np.ones(2), "a score of each view"),
        (np.array([[1.0, np.nan], [1, 1]]), np.ones(2), "finite"),
        (np.ones((2, 2)), np.array([1.0, 0]), "all equal"),
    ],
)
def test_a_calibration_that_cannot_be_is_refused(scores, spreads, words):
    with pytest.raises(ValueError, match=words):
        PartCalibration(("a", "b"), scores, np.zeros(2), spreads)
