"""Image scores by name: what the patch distances of a picture come to."""

import numpy as np
import pytest

from goldensample.methods.image_scores import (
    distance_statistics,
    fit_reference,
    mahalanobis_score,
    mean_of_top,
)
from goldensample.methods.patchcore import PatchCore
from goldensample.records import silent
from goldensample.search.exact import NearestSearch
from test_method_contract import features


def test_top_by_hand():
    assert mean_of_top(np.arange(1, 201).astype(np.float32)) == (199 + 200) / 2
    assert mean_of_top(np.arange(1, 202).astype(np.float32)) == 200
    assert mean_of_top(np.array([3.0, 5.0])) == 5


def test_statistics_by_hand():
    assert distance_statistics(np.array([0.0, 4.0])) == pytest.approx([2, 4, 4, 2])


def test_oddness_counts_what_is_above_the_usual():
    rng = np.random.default_rng(0)
    usual = fit_reference(np.stack([distance_statistics(rng.random(400)) for _ in range(50)]))
    assert mahalanobis_score(np.zeros(400), usual) == 0
    good = [mahalanobis_score(rng.random(400), usual) for _ in range(50)]
    spot = rng.random(400)
    spot[:4] = 1.2
    assert mahalanobis_score(spot, usual) > max(good)
    assert mahalanobis_score(rng.random(400) + 0.2, usual) > max(good)


def test_too_few_pictures_tell_nothing():
    with pytest.raises(ValueError, match="must have at least 5 pictures; got 4"):
        PatchCore(image_score="statistics").fit([features(4, 0)], silent)
    one = features(1, 0)
    same = type(one)(tuple(np.repeat(m, 6, 0) for m in one.maps), np.repeat(one.valid, 6, 0))
    with pytest.raises(ValueError, match="must have bank rows of several pictures"):
        PatchCore(image_score="statistics").fit([same], silent)


def test_scores_are_those_of_the_distances():
    given, odd = features(20, 0), features(3, 1, planted=(5, 2))
    found = {
        name: PatchCore(image_score=name).fit([given], silent)
        for name in ("maximum", "top", "statistics")
    }
    scores = {name: detector.score(odd) for name, detector in found.items()}
    assert np.array_equal(scores["top"].grid, scores["maximum"].grid)
    tops = [mean_of_top(grid.ravel()) for grid in scores["top"].grid]
    assert scores["top"].image == pytest.approx(tops)
    usual = found["statistics"].reference
    said = [mahalanobis_score(grid.ravel(), usual) for grid in scores["statistics"].grid]
    assert scores["statistics"].image == pytest.approx(said)


def test_what_is_usual_is_measured_without_a_pictures_own_rows():
    given = features(20, 0)
    method = PatchCore(image_score="statistics", coreset=0.3)
    fitted = method.fit([given], silent)
    found = []
    for index in range(20):
        patches, _ = method.patches_of(given, index)
        others = fitted.bank[fitted.origins[:, 0] != index]
        halved = patches.astype(np.float16).astype(np.float32)
        found.append(distance_statistics(NearestSearch(others).find(halved)[0][:, 0]))
    assert fitted.reference == pytest.approx(fit_reference(np.array(found)))


def test_statistics_are_kept_and_checked():
    method = PatchCore(image_score="statistics")
    fitted = method.fit([features(20, 0)], silent)
    odd = features(3, 1, planted=(5, 2))
    arrays = fitted.arrays()
    assert np.array_equal(method.restore(arrays).score(odd).image, fitted.score(odd).image)
    with pytest.raises(ValueError, match="usual must be float64"):
        method.restore(arrays | {"usual": arrays["usual"][:5]})
    with pytest.raises(ValueError, match="arrays must be bank, origins, radius, usual; got"):
        method.restore({name: arrays[name] for name in ("bank", "origins", "radius")})
    with pytest.raises(ValueError, match="arrays must be bank, origins, radius; got"):
        PatchCore().restore(arrays)
