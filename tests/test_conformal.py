"""The promise of the threshold."""

import numpy as np
import pytest

from goldensample.calibration import conformal, tails


def test_by_hand():
    assert conformal.required_count(0.05) == 19
    assert conformal.required_count(0.01) == 99
    assert conformal.required_count(0.3) == 3
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


def test_the_way_follows_from_the_number_of_pictures():
    kinds = {n: conformal.choose_scheme(n, 0.05).kind for n in (18, 19, 37, 38, 500)}
    assert kinds == {18: "estimate", 19: "cross", 37: "cross", 38: "split", 500: "split"}
    assert conformal.choose_scheme(98, 0.01).kind == "estimate"
    assert len(conformal.choose_scheme(98, 0.01).held_out) == 0
    assert len(conformal.choose_scheme(300, 0.001).held_out) == 60
    assert conformal.choose_scheme(30, 0.05, can_cross_fit=False).kind == "estimate"
    assert conformal.choose_scheme(37, 0.05, "split").kind is None
    assert conformal.choose_scheme(500, 0.05, "cross").kind == "cross"
    assert conformal.choose_scheme(18, 0.05, "cross").kind is None
    assert [conformal.choose_scheme(n, 0.05).kind for n in (0, 1, 2)] == [None, None, "estimate"]
    assert conformal.choose_scheme(18, 0.05, can_cross_fit=False).kind is None
    with pytest.raises(ValueError, match="must go with patchcore"):
        conformal.choose_scheme(500, 0.05, "cross", can_cross_fit=False)


def test_scores_of_all_folds_together():
    """Vovk, Cross-conformal predictors, 2015, equation 4; Barber et al., 2021, for CV+."""
    assert (
        conformal.cross_conformal_score(np.array([1.0, 5.0]), np.array([2.0, 9.0, 3.0, 8.0])) == 2
    )
    assert (
        conformal.cross_conformal_score(np.array([4.0, 6.0]), np.array([1.0, 9.0, 2.0, 3.0])) == 5
    )
    rng = np.random.default_rng(0)
    for _ in range(200):
        scores, own = rng.normal(size=23), rng.normal(size=5)
        count = sum(scores[i] >= own[i % 5] for i in range(23))
        assert (
            conformal.p_value(scores, conformal.cross_conformal_score(own, scores))
            == (1 + count) / 24
        )
    ties = np.array([2.0, 2.0, 2.0, 1.0])
    assert (
        conformal.p_value(ties, conformal.cross_conformal_score(np.array([2.0, 5.0]), ties))
        == 4 / 5
    )  # safe


def test_what_is_proven():
    assert conformal.proven_rate("split", 0.05, 40) == 0.05
    assert conformal.proven_rate("cross", 0.05, 95) == pytest.approx(0.1 + 2 * 0.95 * 4 / 100)
    assert conformal.proven_rate("cross", 0.5, 20) == 1
    assert conformal.proven_rate("estimate", 0.05, 40) is None


def test_the_rate_of_one_fit_lies_in_its_interval():
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(2000):
        scores = rng.random(40)
        low, high = conformal.rate_interval(scores, at := conformal.limit(scores, 0.1))
        inside += low <= 1 - at <= high
    assert abs(inside / 2000 - 0.9) < 0.03
    assert conformal.rate_interval(np.arange(5), 9)[0] == 0


def test_the_tail_of_an_exponential_is_found():
    scores = -np.log(1 - (np.arange(4000) + 0.5) / 4000)
    tail = tails.fit_tail(scores)
    assert tail.share == 0.2
    assert tail.start == pytest.approx(np.log(5), abs=0.01)
    assert (tail.scale, tail.shape) == pytest.approx((1, 0), abs=0.03)
    assert tail.limits(np.array([0.001]))[0] == pytest.approx(np.log(1000), abs=0.1)
    for rate in (0.2, 0.01, 1e-4):
        assert tail.rate(float(tail.limits(np.array(rate)))) == pytest.approx(rate)


@pytest.mark.parametrize("n", [20, 60])
def test_the_interval_of_an_estimate_holds_the_true_rate(n, monkeypatch):
    monkeypatch.setattr(tails, "DRAWS", 60)
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(150):
        scores = rng.exponential(size=n)
        low, high = tails.interval(scores, 0.01)
        inside += low <= np.exp(-tails.limit(scores, 0.01)) <= high
    assert inside / 150 > 0.8


def test_equal_scores_have_no_tail():
    scores = np.full(20, 3.0)
    assert tails.limit(scores, 0.01) == 3
    assert tails.interval(scores, 0.01) == (0, 0)
