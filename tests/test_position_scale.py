"""Distances divided by what is usual at their position."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import check_same, fit, part

from goldensample import PatchCore, Preparation, load, save
from goldensample.export import parity
from goldensample.export.export import export, open_export
from goldensample.fitting.calibrate import Promise, calibrate, fold_detectors
from goldensample.graphs.runtimes import open_all
from goldensample.learning.learn import learn
from goldensample.learning.revisions import Note
from goldensample.methods.bank import open_source
from goldensample.methods.held_out import judge_part
from goldensample.methods.position_scale import (
    BLUR,
    DEVIATIONS,
    choose_scale,
    gain,
    position_scale,
)
from goldensample.records import Picture, silent
from goldensample.runners import local_runner
from test_method_contract import features

SQUARE = Preparation((48, 48))


def edge_grids(n: int, seed: int, at_edge: float = 4.0) -> np.ndarray:
    """Distances of about 1, and of about `at_edge` along the edge; one position has no patch."""
    rng = np.random.default_rng(seed)
    usual = np.full((16, 16), at_edge)
    usual[1:-1, 1:-1] = 1
    grids = (usual * rng.gamma(20, 1 / 20, (n, 16, 16))).astype(np.float32)
    grids[:, 3, 4] = np.nan
    return grids


def test_the_scale_is_that_of_loops():
    grids = edge_grids(7, 0)[:, :9, :9]
    grids[2, 8] = np.nan  # one picture has padding there
    sigma, (_, h, w) = BLUR * 9, grids.shape
    known = [[grids[:, y, x][np.isfinite(grids[:, y, x])] for x in range(w)] for y in range(h)]
    mean = np.array([[k.mean() if len(k) else 0 for k in row] for row in known])
    var = np.array([[k.var() if len(k) else 0 for k in row] for row in known])
    has = np.array([[float(len(k) > 0) for k in row] for row in known])
    reach = int(4 * sigma + 0.5)

    def blur(field: np.ndarray) -> np.ndarray:
        total, share = np.zeros((h, w)), np.zeros((h, w))
        for y in range(h):
            for x in range(w):
                for dy in range(-reach, reach + 1):
                    for dx in range(-reach, reach + 1):
                        weight = np.exp(-(dy * dy + dx * dx) / (2 * sigma * sigma))
                        a, b = np.clip(y + dy, 0, h - 1), np.clip(x + dx, 0, w - 1)
                        total[y, x] += weight * field[a, b] * has[a, b]
                        share[y, x] += weight * has[a, b]
        return total / share

    centre = blur(mean)
    usual = centre + DEVIATIONS * np.sqrt(blur(var + (mean - centre) ** 2))
    expected = (usual / np.median(usual[has > 0])) ** 0.5
    np.testing.assert_allclose(position_scale(grids, 0.5), expected, rtol=1e-4)


def test_it_is_earned():
    scale = choose_scale(edge_grids(40, 1))
    assert scale is not None
    assert scale[0].min() > scale[4:-4, 4:-4].max()
    assert choose_scale(edge_grids(40, 2, at_edge=1.0)) is None  # alike everywhere
    rng = np.random.default_rng(3)
    wandering = np.stack([np.roll(g, rng.integers(16, size=2), (0, 1)) for g in edge_grids(40, 3)])
    wandering[~np.isfinite(wandering)] = 1
    assert choose_scale(wandering) is None  # what is unusual has no position of its own


def test_no_power_that_loses_a_region_is_taken():
    grids = edge_grids(40, 4)
    before, after = grids[0::2], grids[1::2]
    scale = choose_scale(grids)
    assert scale is not None
    for power in (0.25, 0.5, 0.75):
        if np.allclose(scale, position_scale(grids, power)):
            assert (gain(before, after, power) > -0.05).all()
            break
    else:
        pytest.fail("the scale is of none of the powers")


def test_pictures_are_judged_without_rows_of_their_part():
    settings = PatchCore(coreset=0.5)
    source = open_source(settings, [features(12, 0)], silent, local_runner)
    detector = settings.fit([features(12, 0)], silent)
    task = range(4, 8), np.array([5, 7])
    found = judge_part((source, detector.bank, detector.origins), task)
    others = detector.bank[(detector.origins[:, 0] < 4) | (detector.origins[:, 0] >= 8)]
    for number, judged in zip((5, 7), found, strict=True):
        grid = judged.distances
        patches = next(iter(source.patches(range(number, number + 1))))[0].astype(np.float64)
        direct = np.sqrt(((patches[:, None] - others[None]) ** 2).sum(axis=2)).min(axis=1)
        np.testing.assert_allclose(grid.ravel(), direct, rtol=1e-4, atol=1e-5)
    assert judge_part((source, detector.bank[:1], detector.origins[:1] * 0 + 5), task) == []


def test_distances_are_divided():
    detector = PatchCore().fit([features(20, 0)], silent)
    plain = replace(detector, position_scale=None)
    scale = np.random.default_rng(0).uniform(0.5, 2, (8, 8)).astype(np.float32)
    scaled, given = replace(detector, position_scale=scale), features(3, 5, planted=(2, 6))
    np.testing.assert_allclose(scaled.score(given).grid, plain.score(given).grid / scale, rtol=1e-5)
    assert PatchCore().restore(scaled.arrays()).score(given).image == pytest.approx(
        scaled.score(given).image
    )
    with pytest.raises(ValueError, match=r"patches must be on the grid of the fit, \(8, 7\)"):
        replace(detector, position_scale=scale[:, 1:]).score(given)
    off = PatchCore(by_position="off").fit([features(20, 0)], silent)
    assert off.position_scale is None


@pytest.fixture(scope="module")
def scaled(tiny, good_parts):
    """An inspector that is stricter at the left than at the right, with limits made for that."""
    plain = fit(good_parts, backbone=tiny, preparation=SQUARE, method=PatchCore(coreset=0.02))
    scale = np.linspace(0.7, 1.6, 12, dtype=np.float32)[None].repeat(12, 0)
    inspector = replace(plain, detector=replace(plain.detector, position_scale=scale))
    return calibrate(inspector, good_parts, Promise(0.05), fold_detectors(inspector, 40))


def test_what_was_learned_is_good_everywhere(scaled):
    odd = [Picture(f"new{seed}", part(seed, defect=True)) for seed in (200, 201)]
    assert [scaled.inspect(one).verdict for one in odd] == ["defect"] * 2
    taught = learn(scaled, odd, Note("2026-01-02T03:04:05+00:00", "accepted"))
    assert [taught.inspect(one).verdict for one in odd] == ["good"] * 2
    assert np.array_equal(taught.detector.position_scale, scaled.detector.position_scale)


@pytest.mark.parametrize(("to", "ending"), [("onnx", ".onnx"), ("openvino", ".xml")])
def test_exports_divide_too_and_files_keep_it(to, ending, scaled, tmp_path):
    export(scaled, tmp_path / f"a{ending}", to)
    pixels = part(900, defect=True, shape=(60, 50))
    expected = scaled.inspect(pixels)
    assert (
        expected.score
        != replace(scaled, detector=replace(scaled.detector, position_scale=None))
        .inspect(pixels)
        .score
    )
    for run in open_all(open_export(tmp_path / f"a{ending}")).values():
        tolerance = parity.HALF_TOLERANCE if run.half else 1e-5
        assert run(pixels[None])["score"][0] == pytest.approx(expected.score, rel=tolerance)
    save(scaled, tmp_path / "a.golden")
    check_same(load(tmp_path / "a.golden").inspect(pixels), expected)
