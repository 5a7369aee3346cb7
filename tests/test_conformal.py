"""The promise of the threshold."""

import numpy as np
import pytest

from goldensample import conformal


def test_by_hand():
    assert conformal.needed(0.05) == 19
    assert conformal.needed(0.01) == 99
    assert conformal.needed(0.3) == 3
    assert conformal.limit(np.arange(1, 20), 0.05) == 19
    assert conformal.limit(np.arange(1, 40), 0.05) == 38
    assert conformal.limit(np.array([3, 1, 2]), 0.5) == 2


def test_too_few_are_refused():
    with pytest.raises(ValueError, match="at least 19 held-out pictures; got 18"):
        conformal.limit(np.arange(18), 0.05)


@pytest.mark.parametrize("rate", [0.05, 0.1, 0.25])
@pytest.mark.parametrize("n", [19, 40, 77])
def test_the_rate_of_false_alarms_is_kept(rate, n):
    rng = np.random.default_rng(0)
    draws = rng.normal(size=(4000, n + 1))
    alarms = np.mean([draw[n] > conformal.limit(draw[:n], rate) for draw in draws])
    error = 3 * (rate / 4000) ** 0.5
    assert alarms <= rate + error
    assert alarms >= rate - 1 / (n + 1) - error


def test_hold_out():
    assert len(conformal.hold_out(200, 0.05)) == 40
    assert len(conformal.hold_out(60, 0.05)) == 19
    assert len(conformal.hold_out(37, 0.05)) == 0
    chosen = conformal.hold_out(100, 0.05)
    assert np.array_equal(chosen, np.unique(chosen))
    assert chosen.max() < 100
    assert np.array_equal(chosen, conformal.hold_out(100, 0.05))
