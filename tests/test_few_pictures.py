"""Limits from few good pictures: an estimate, each picture judged by a fit without it."""

import numpy as np
import pytest
from commands import golden
from conftest import fit, part
from picture_files import save_picture

from goldensample import PatchCore, Preparation
from goldensample.artifact.store import load, save
from goldensample.calibration import conformal, few, tails
from goldensample.features.store import InMemoryFeatureStore
from goldensample.fitting.copies import COPIES, WithCopies, copy
from goldensample.learning.relimit import limits_for_rates
from goldensample.methods.cross_fitted import WithoutFold
from goldensample.methods.padim import PaDiM
from goldensample.wording.limits import promise

SMALL = Preparation((32, 32))


@pytest.mark.parametrize("count", [2, 5, 18])
def test_a_limit_has_its_rate_where_logarithms_are_normal(count):
    from scipy.stats import norm

    rng, rates = np.random.default_rng(1), []
    for _ in range(800):
        scores = np.exp(2 + 0.3 * rng.normal(size=count))
        found = few.limit(scores, 0.05)
        assert found >= scores.max()
        rates.append(norm.sf((np.log(found) - 2) / 0.3))
    assert 0.02 < np.mean(rates) <= 0.055  # at most: no limit is below the largest score
    low, high = few.interval(count, 0.05)
    assert 0.87 < np.mean([low <= rate <= high for rate in rates]) < 0.93


def test_equal_scores_and_zeros_have_a_limit():
    assert few.limit(np.full(4, 3.0), 0.05) == pytest.approx(3.0)
    assert few.limit(np.zeros(4), 0.05) == 0.0
    assert np.isfinite(few.limit(np.array([0.0, 1.0, 1.0]), 0.05))
    many = np.random.default_rng(0).gamma(9, size=20)
    assert tails.limit(many, 0.01) != few.limit(many, 0.01)


def test_each_picture_is_judged_without_it(tiny, good_parts, tmp_path):
    fitted = fit(good_parts[:6], backbone=tiny, preparation=SMALL)
    limit, scores = fitted.threshold, fitted.calibrations["fp32"].scores
    assert (limit.kind, limit.held_out, limit.false_alarms) == ("estimate", 6, 0.05)
    for k in (0, 5):
        others = good_parts[:k] + good_parts[k + 1 : 6]
        alone = fit(others, backbone=tiny, preparation=SMALL, false_alarms=None)
        all_of_it = WithCopies(good_parts[:6])
        found = [
            alone.inspect(all_of_it[int(j)].pixels).score for j in all_of_it.indices(np.array([k]))
        ]
        assert len(set(found)) == 1 + COPIES
        assert scores[k] == pytest.approx(sorted(found)[-2], rel=1e-6)
    assert limit.score == few.limit(scores, 0.05)
    assert limit.interval == few.interval(6, 0.05)
    assert "an estimate from 6 good pictures and no promise" in promise(limit)
    save(fitted, tmp_path / "a.golden")
    again = load(tmp_path / "a.golden")
    assert again.thresholds == fitted.thresholds
    other = limits_for_rates(again, again.calibrations["fp32"], 0.02, None)
    assert (other.kind, other.score > limit.score) == ("estimate", True)


def test_a_copy_is_the_picture_a_little_moved():
    pixels = part(3, shape=(80, 60))
    other = copy(pixels, 7)
    assert (other.shape, other.dtype) == (pixels.shape, np.uint8)
    assert np.array_equal(other, copy(pixels, 7))
    assert 0 < np.abs(other.astype(float) - pixels).mean() < 12


def test_two_are_the_least_and_other_methods_need_twenty(tiny, good_parts):
    two = fit(good_parts[:2], backbone=tiny, preparation=SMALL, method=PatchCore(denoise=True))
    assert two.threshold.kind == "estimate"
    one = fit(good_parts[:1], backbone=tiny, preparation=SMALL)
    assert one.threshold is None
    assert "on 2; got 1, so there are scores and no verdicts" in one.intake.no_promise
    few_of_other = fit(good_parts[:6], backbone=tiny, preparation=SMALL, method=PaDiM())
    assert few_of_other.threshold is None
    assert conformal.choose_scheme(10, 0.05, "cross").kind is None
    assert conformal.choose_scheme(19, 0.05).kind == "cross"


def test_the_commands_call_it_an_estimate(tiny_file, tmp_path):
    for k in range(5):
        save_picture(tmp_path / f"good/{k}.png", part(k))
    file = tmp_path / "a.golden"
    words = "--backbone", f"onnx:{tiny_file}", "--size", "32x32"
    done = golden("fit", tmp_path / "good", "-o", file, *words)
    assert done.returncode == 0, done.stderr
    assert "an estimate from 5 good pictures and no promise" in done.stdout
    assert "estimate, no promise" in golden("thresholds", file).stdout


def test_arrays_kept_for_one_number_of_folds_are_not_those_of_another():
    store = InMemoryFeatureStore()
    eighteen, usual = (
        WithoutFold(store, 0, folds).array_store("coreset") for folds in (18, conformal.FOLDS)
    )
    assert eighteen is not usual
    assert WithoutFold(store, 0, 18).array_store("coreset") is eighteen
