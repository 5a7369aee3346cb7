"""The statistics of a qualification, against published examples and second libraries."""

import numpy as np
import pytest
from conftest import load_script
from scipy import stats
from scipy.special import comb

from goldensample.qualification import agreement, control, rates, repeatability
from goldensample.qualification.detection import PAPER, detect
from goldensample.qualification.logistic import Trials, firth, maximum, modified_root, profile

BLISS = (
    (1.6907, 1.7242, 1.7552, 1.7842, 1.8113, 1.8369, 1.8610, 1.8839),
    (59, 60, 62, 56, 63, 59, 62, 60),
    (6, 13, 18, 28, 52, 53, 61, 60),
)
"""Log10 of the dose, beetles, and those killed: Bliss, The calculation of the dosage-mortality
curve, 1935, as in An introduction to R (R Core Team), section 11.7.2."""


def simulated(seed: int, count: int, a50: float = 1.0, slope: float = 2.5):
    """Draw sizes and hits of a trial whose truth is known.

    They reach from 0.03 to 0.97 of the true curve, as MIL-HDBK-1823A asks for.
    """
    rng = np.random.default_rng(seed)
    sizes = np.exp(rng.uniform(np.log(a50 / 4), np.log(a50 * 4), count))
    return sizes, rng.random(count) < 1 / (1 + np.exp(-slope * np.log(sizes / a50)))


@pytest.mark.parametrize(("count", "n"), [(0, 20), (3, 97), (1, 1), (50, 50), (7, 191)])
def test_intervals_equal_a_second_library(count, n):
    expected = stats.binomtest(count, n).proportion_ci(0.95, "exact")
    assert rates.interval(count, n) == pytest.approx((expected.low, expected.high), abs=1e-12)
    assert rates.upper_bound(count, n) == pytest.approx(
        stats.binomtest(count, n, alternative="less").proportion_ci(0.95, "exact").high
    )


def test_what_a_number_proves():
    assert [rates.needed(0.01, k) for k in (0, 1, 2)] == [299, 473, 628]
    assert [rates.needed(0.1, k) for k in (0, 1)] == [29, 46]
    for lot, allowed in ((20, 0), (100, 1), (100, 2), (500, 5)):
        n = rates.needed_of_lot(lot, allowed)
        chance = [stats.hypergeom.cdf(0, lot, allowed + 1, k) for k in (n - 1, n)]
        assert chance[1] <= 0.05 < chance[0]
    assert rates.needed_of_lot(100, 0) == 95
    assert rates.needed_of_lot(10**6, 10**4 - 1) == pytest.approx(299, abs=1)
    with pytest.raises(ValueError, match="allowed must be"):
        rates.needed_of_lot(5, 5)
    with pytest.raises(ValueError, match="rate and confidence"):
        rates.needed(0)
    with pytest.raises(ValueError, match="count must be"):
        rates.interval(3, 2)


def test_a_published_curve_is_reproduced():
    """Dobson, An introduction to generalized linear models, 1990, pages 108 to 111: -60.717 and
    34.270 over the log10 of the dose."""
    dose, beetles, killed = (np.asarray(column, float) for column in BLISS)
    sizes = np.repeat(10**dose, beetles.astype(int))
    found = np.concatenate([np.arange(n) < k for n, k in zip(beetles, killed, strict=True)])
    result = detect(sizes, found)
    intercept, slope = result.coefficients
    assert (intercept, slope * np.log(10)) == pytest.approx((-60.717, 34.270), abs=0.0006)
    assert np.log10(result.a50) == pytest.approx(60.717 / 34.270, abs=2e-5)


@pytest.mark.parametrize("seed", range(5))
def test_estimates_equal_statsmodels_unregularised(seed):
    api = pytest.importorskip("statsmodels.api", reason="statsmodels is not installed")
    sizes, found = simulated(seed, 80)
    expected = api.Logit(found.astype(float), api.add_constant(np.log(sizes))).fit(
        disp=0, tol=1e-12, maxiter=100
    )
    result = detect(sizes, found)
    assert result.coefficients == pytest.approx(tuple(expected.params), rel=1e-6)
    b0, b1 = expected.params
    assert result.a90 == pytest.approx(np.exp((np.log(9) - b0) / b1), rel=1e-6)
    information = maximum(Trials(np.log(sizes), found)).information
    assert np.linalg.inv(information) == pytest.approx(expected.cov_params(), rel=1e-6)


def test_the_definitions_differ_and_the_curve_meets_its_bound():
    result = detect(*simulated(3, 60))
    bounds = result.bounds
    assert bounds["likelihood_ratio"] < bounds["likelihood_ratio_1df"]
    assert bounds["likelihood_ratio_1df"] < bounds["likelihood_ratio_2df"]
    assert result.a50 < result.a90 < min(bounds.values())
    sizes, estimate, low, high = result.curve.T
    assert ((low < estimate) & (estimate < high)).all()
    reached = np.interp(np.log(result.a90_95), np.log(sizes), low)
    assert reached == pytest.approx(0.9, abs=0.01)


def test_bounds_by_the_likelihood_equal_a_search_over_both_parameters():
    """The profile, by brute force: the largest a90 of all curves within the quantile."""
    sizes, found = simulated(1, 40)
    result, x = detect(sizes, found), np.log(sizes)

    def value(b0, b1):
        odds = b0 + b1 * x
        return (found * odds - np.logaddexp(0, odds)).sum()

    top, highest = value(*result.coefficients), 0.0
    for b1 in np.linspace(0.3, 12, 1200):
        for a90 in np.exp(np.linspace(np.log(result.a90), np.log(result.a90) + 2, 300)):
            if a90 > highest and 2 * (top - value(np.log(9) - b1 * np.log(a90), b1)) <= 2.706:
                highest = a90
    assert result.bounds["likelihood_ratio"] == pytest.approx(highest, rel=0.01)


@pytest.mark.parametrize("odds", [0.6, 1.5])
def test_the_modified_root_is_nearer_to_the_exact_chance(odds):
    """Counted out, given the statistic of the slope, which whole sizes make a lattice (mid-p)."""
    doses, each, hits, at = np.arange(-2.0, 3.0), 9, np.array([1, 2, 5, 7, 8]), 1.0
    trials = Trials(np.repeat(doses, each), np.concatenate([np.arange(each) < k for k in hits]))
    every = np.stack(np.meshgrid(*[np.arange(each + 1)] * 5, indexing="ij"), -1).reshape(-1, 5)
    same = every[every @ (doses - at) == hits @ (doses - at)]
    chance = comb(each, same).prod(axis=1) * np.exp(odds * same.sum(axis=1))
    more, equal = same.sum(axis=1) > hits.sum(), same.sum(axis=1) == hits.sum()
    exact = (chance[more].sum() + chance[equal].sum() / 2) / chance.sum()
    fit = maximum(trials)
    above = fit.intercept + fit.slope * at - odds
    plain = np.copysign(np.sqrt(2 * (fit.top - profile(trials, odds, at)[0])), above)
    errors = [
        abs(stats.norm.sf(root) - exact) for root in (modified_root(trials, fit, odds, at), plain)
    ]
    assert errors[0] < 0.4 * errors[1]


def test_degenerate_trials_have_no_numbers():
    rng = np.random.default_rng(0)
    sizes = np.exp(rng.uniform(0, 2, 60))
    plateau = (sizes > 2) & (rng.random(60) < 0.6)
    cases = {
        "few": (sizes[:9], sizes[:9] > 2),
        "all_found": (sizes, sizes > 0),
        "none_found": (sizes, sizes < 0),
        "separated": (sizes, sizes > 3),
        "no_slope": (sizes, np.arange(60) % 2 == 0),
        "plateau": (sizes, plateau),
    }
    for case, trials in cases.items():
        result = detect(*trials)
        assert result.case == case
        assert result.a90 is None
        assert result.a90_95 is None
    offered = detect(*cases["separated"]).firth
    assert offered[0] == pytest.approx(3, abs=0.3)
    assert offered[0] < offered[1]
    with pytest.raises(ValueError, match="above 0"):
        detect(np.array([0.0, 1.0]), np.array([True, False]))


def test_firth_adds_half_a_count_where_the_model_is_saturated():
    """With two sizes, Firth's estimates are the log odds of counts plus one half (Firth, 1993)."""
    x = np.repeat([0.0, 1.0], [7, 9])
    found = np.concatenate([np.arange(7) < 2, np.arange(9) < 9])
    intercept, slope = firth(Trials(x, found))
    assert intercept == pytest.approx(np.log(2.5 / 5.5), abs=1e-6)
    assert intercept + slope == pytest.approx(np.log(9.5 / 0.5), abs=1e-6)


def test_the_bound_covers_the_truth_about_as_often_as_it_says():
    run = load_script("benchmarks/qualify_pod.py").run  # with more runs in make bench
    shares, cases = run(2.5, 60, 100)
    assert cases[""] > 90
    assert 0.91 <= shares[PAPER] <= 0.99
    assert shares["delta"] < shares["likelihood_ratio"] < shares[PAPER]


def trials_of(both_defect, called_only, missed, both_good):
    """Return calls and reference, a trial a part, of a cross table."""
    calls = np.repeat([True, True, False, False], [both_defect, called_only, missed, both_good])
    truth = np.repeat([True, False, True, False], [both_defect, called_only, missed, both_good])
    return calls[:, None], truth


@pytest.mark.parametrize("table", [(45, 5, 3, 97), (45, 2, 3, 100), (42, 9, 6, 93)])
def test_an_appraiser_equals_scikit_learn(table):
    metrics = pytest.importorskip("sklearn.metrics", reason="scikit-learn is not installed")
    calls, truth = trials_of(*table)
    result = agreement.appraise(calls, truth)
    assert result.kappa == pytest.approx(metrics.cohen_kappa_score(truth, calls[:, 0]))
    assert result.miss_rate == pytest.approx(1 - metrics.recall_score(truth, calls[:, 0]))
    assert result.false_alarm_rate == pytest.approx(1 - metrics.recall_score(~truth, ~calls[:, 0]))


def test_every_trial_of_a_part_must_be_right_for_it_to_count():
    calls = np.array([[True, True], [True, False], [False, False], [False, True]])
    result = agreement.appraise(calls, np.array([True, True, False, False]))
    assert result.effectiveness == 0.5
    assert (result.miss_rate, result.false_alarm_rate) == (0.25, 0.25)


def test_kappa_between_raters_equals_the_published_example():
    """Ten subjects and 14 raters, 0.210: worked through in Wikipedia's Fleiss' kappa, and a test of
    statsmodels (stats/tests/test_inter_rater.py)."""
    rows = "00000,02642,00356,03920,22811,77000,32630,25322,65210,02237"
    counts = np.array([[int(digit) for digit in row] for row in rows.split(",")])
    counts[0, 4] = 14
    assert agreement.fleiss(counts) == pytest.approx(0.210, abs=0.0005)
    raters = pytest.importorskip("statsmodels.stats.inter_rater", reason="no statsmodels")
    assert agreement.fleiss(counts) == pytest.approx(raters.fleiss_kappa(counts), abs=1e-12)


def test_kappas_equal_statsmodels():
    raters = pytest.importorskip("statsmodels.stats.inter_rater", reason="no statsmodels")
    rng = np.random.default_rng(2)
    for _ in range(5):
        table = rng.integers(1, 40, (2, 2))
        assert agreement.cohen(table) == pytest.approx(raters.cohens_kappa(table).kappa)
        counts = rng.multinomial(6, (0.7, 0.3), 30)
        assert agreement.fleiss(counts) == pytest.approx(raters.fleiss_kappa(counts))


def test_one_class_alone_has_no_kappa_and_kappa_falls_with_the_share_of_defects():
    same = np.zeros((5, 2), bool)
    assert agreement.appraise(same, same[:, 0]).kappa is None
    assert agreement.appraise(same, np.arange(5) < 2).kappa is None
    assert agreement.between({"A": same, "B": same}) is None
    shares = {}
    for defects in (500, 50):
        right = round(0.95 * defects), round(0.95 * (1000 - defects))
        table = trials_of(right[0], 1000 - defects - right[1], defects - right[0], right[1])
        shares[defects] = agreement.appraise(*table).kappa
    assert shares[500] == pytest.approx(0.90, abs=0.005)
    assert shares[50] == pytest.approx(0.63, abs=0.01)


def test_variance_components_equal_statsmodels():
    """Montgomery's looms (Design and analysis of experiments), by restricted likelihood, which is
    the analysis of variance where parts have equally many scores."""
    looms = [[98, 97, 99, 96], [91, 90, 93, 92], [96, 95, 97, 95], [95, 96, 99, 98]]
    result = repeatability.components([np.asarray(loom, float) for loom in looms])
    ratio = result.mean_square_between / result.mean_square_within
    assert ratio == pytest.approx(stats.f_oneway(*looms).statistic)
    api = pytest.importorskip("statsmodels.api", reason="statsmodels is not installed")
    model = api.MixedLM(np.ravel(looms), np.ones(16), groups=np.repeat(range(4), 4))
    expected = model.fit(reml=True)
    assert result.within**2 == pytest.approx(expected.scale, rel=1e-4)
    assert result.between**2 == pytest.approx(float(expected.cov_re[0, 0]), rel=1e-4)


def test_parts_scored_once_have_no_spread():
    with pytest.raises(ValueError, match="at least twice"):
        repeatability.components([np.ones(1), np.ones(1)])


def test_control_charts_equal_the_published_examples():
    """NIST/SEMATECH e-Handbook of statistical methods, 6.3.2.4 (EWMA) and 6.3.2.2 (individuals)."""
    values = np.array(
        (
            52.0,
            47.0,
            53.0,
            49.3,
            50.1,
            47.0,
            51.0,
            50.1,
            51.2,
            50.5,
            49.6,
            47.6,
            49.9,
            51.3,
            47.8,
            51.2,
            52.6,
            52.4,
            53.6,
            52.1,
        )
    )
    chart = control.ewma(values, 50.0, 2.0539, 0.3)
    assert chart.values[[0, 1, 5, 11, 19]] == pytest.approx(
        [50.6, 49.52, 49.21, 49.36, 51.99], abs=6e-3
    )
    assert (chart.low[-1], chart.high[-1]) == pytest.approx((47.4115, 52.5884), abs=1e-3)
    assert not chart.signals
    last = values[10:]
    chart = control.individuals(last, float(last.mean()), control.spread_of(last))
    assert (chart.low[0], chart.high[0]) == pytest.approx((45.8159, 55.8041), abs=1e-3)
    assert control.individuals(np.array([0.0, 9.0]), 0.0, 1.0).signals == [1]
