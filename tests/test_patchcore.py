"""PatchCore beyond what every method promises: the paper's weighing, its banks, their radius."""

import numpy as np
import pytest

from goldensample.methods.patchcore import PatchCore
from goldensample.records import Features, silent
from test_method_contract import features, together


def replaced(one: Features, first: int) -> tuple:
    return one.maps, one.valid, first


def test_weighing_is_the_papers_formula():
    bank = np.array([[0.0, 0], [1, 0], [0, 2], [9, 9]], np.float16)
    settings = PatchCore(coreset=1.0, neighbourhood=1, neighbors=3)
    origins, radius = np.zeros((4, 3), np.float32), np.zeros(1)
    detector = settings.restore({"bank": bank, "origins": origins, "radius": radius})
    patch = np.array(
        [-3.0, 0], np.float32
    )  # nearest (0, 0) at 3; with it (1, 0) at 4, (0, 2) at √13
    given = Features((patch.reshape(1, 2, 1, 1),), np.ones((1, 1, 1), bool))
    s = 3 * (1 - np.exp(3) / (np.exp(3) + np.exp(4) + np.exp(13**0.5)))
    assert detector.score(given).image[0] == pytest.approx(s, rel=1e-6)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 500.0])
def test_weighing_stays_within_its_bounds(scale):
    bank = (np.random.default_rng(0).random((50, 4)) * scale).astype(np.float16)
    arrays = {"bank": bank, "origins": np.zeros((50, 3), np.float32), "radius": np.zeros(1)}
    plain = PatchCore(neighbors=1).restore(arrays)
    given = Features((np.full((1, 4, 3, 3), 2 * scale, np.float32),), np.ones((1, 3, 3), bool))
    largest = plain.score(given).image[0]
    assert largest == plain.score(given).grid.max()
    for b in (2, 9, 50, 80):
        weighed = PatchCore(neighbors=b).restore(arrays).score(given).image[0]
        assert (1 - 1 / min(b, 50)) * largest * (1 - 1e-5) <= weighed <= largest
    alone = PatchCore().restore(
        arrays | {"bank": bank[:1], "origins": np.zeros((1, 3), np.float32)}
    )
    assert alone.score(given).image[0] == alone.score(given).grid.max()


def test_coreset_by_share_and_by_rows():
    given = [features(20, 0)]
    assert len(PatchCore(coreset=0.25).fit(given, silent).bank) == 320
    assert len(PatchCore(coreset=100).fit(given, silent).bank) == 100
    assert len(PatchCore(coreset=1.0).fit(given, silent).bank) == 1280
    assert len(PatchCore(coreset=10**6).fit(given, silent).bank) == 1280


def test_subsampling_raises_distances_by_at_most_the_radius():
    given, query = [features(20, 0)], features(3, 1, planted=(4, 4))
    full = PatchCore(coreset=1.0, neighbors=1, by_position="off", composition="off").fit(
        given, silent
    )
    part = PatchCore(
        coreset=0.05, neighbors=1, projection=0, by_position="off", composition="off"
    ).fit(given, silent)
    rise = part.score(query).grid - full.score(query).grid
    from goldensample.search.exact import NearestSearch

    radius = NearestSearch(part.bank).find(full.bank)[0].max()
    assert part.radius == pytest.approx(radius, rel=1e-5)
    assert full.radius == 0
    assert rise.min() >= -1e-5
    assert rise.max() <= part.radius + 1e-5


@pytest.mark.parametrize("subsampler", ["greedy", "random", "learned"])
@pytest.mark.parametrize("greedy", ["exact", "streaming"])
def test_the_radius_is_that_of_every_bank(subsampler, greedy):
    from goldensample.search.exact import NearestSearch

    given = [features(20, 0)]
    every = PatchCore(coreset=1.0).fit(given, silent).bank
    settings = PatchCore(coreset=30, subsampler=subsampler, greedy=greedy, projection=3)
    found = settings.fit(given, silent)
    away = NearestSearch(found.bank).find(every)[0].max()
    assert found.radius == pytest.approx(away, rel=1e-5)


@pytest.mark.parametrize("other", [{"coreset": 0.0}, {"denoise": True}])
def test_what_needs_all_patches_at_once_does_not_stream(other):
    with pytest.raises(ValueError, match=next(iter(other))):
        PatchCore(greedy="streaming", **other)
    PatchCore(greedy="streaming", subsampler="random", **other)


def test_an_automatic_bank_is_smaller_where_less_is_to_be_known():
    rich = features(24, 0)
    flat = Features(tuple(np.repeat(m[:1], 24, axis=0) for m in rich.maps), rich.valid)
    banks = [PatchCore(coreset=0.0).fit([given], silent).bank for given in (flat, rich)]
    assert 1 < len(banks[0]) < len(banks[1]) <= 0.25 * 24 * 64


def test_denoising_keeps_the_odd_patch_out_of_the_bank():
    dirty = [features(20, 0), Features(*replaced(features(1, 7, planted=(2, 6)), 20))]
    query = features(1, 9, planted=(2, 6))
    taught, cleaned = (
        PatchCore(denoise=denoise, composition="off").fit(dirty, silent).score(query).image[0]
        for denoise in (False, True)
    )
    assert cleaned > 3 * taught


def test_padding_is_neither_banked_nor_scored():
    given = features(6, 0)
    valid = given.valid.copy()
    valid[:, :2] = False
    masked = Features(given.maps, valid)
    detector = PatchCore(coreset=1.0).fit([masked], silent)
    assert len(detector.bank) == 6 * 48
    scores = detector.score(masked)
    assert (scores.nearest[:, :2] == -1).all()
    assert (scores.grid[:, :2] == 0).all()
    assert (scores.nearest[:, 2:] >= 0).all()


def test_scores_are_finite_for_one_picture_and_for_identical_ones():
    one = features(1, 0)
    same = together([one] * 6)
    for given in (one, same):
        detector = PatchCore().fit([given], silent)
        scores = detector.score(features(2, 1))
        assert np.isfinite(scores.image).all()
        assert scores.image.min() > 0
    constant = Features((np.ones((3, 5, 4, 4), np.float32),), np.ones((3, 4, 4), bool))
    detector = PatchCore().fit([constant], silent)
    assert len(detector.bank) == 3  # inside, edge and corner: the averages there differ
    assert detector.score(constant).image.max() < 1e-3  # the bank is in half precision
