"""The composition of a picture: counted exactly, calibrated with the patches, and explained."""

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from conftest import fit

from goldensample import Inspector, PatchCore
from goldensample.artifact.store import load, save
from goldensample.calibration import conformal
from goldensample.fitting.calibrate import Promise, compute_limits
from goldensample.learning.learn import forget, learn
from goldensample.learning.relimit import set_rates
from goldensample.learning.revisions import Note, revert, silent_composition
from goldensample.methods.composition import (
    QUARTERS,
    count_kinds,
    shrunk_gaussian,
    usual_distances,
)
from goldensample.methods.imagined import Evidence, imagine, share_above
from goldensample.methods.kinds import KINDS, choose_kinds
from goldensample.methods.patchcore import PatchCoreDetector
from goldensample.records import Array, Calibration, Features, Picture, silent
from goldensample.wording.regions import PLAIN, composition_json, explanation_lines

SIDE = 16
"""Of the grid of features."""


def features_of(rng: np.random.Generator, count: int, parts: int = 3, first: int = 0) -> Features:
    """Draw pictures of `parts` parts of two kinds, each of 3 x 3 cells, in the left half."""
    maps = rng.normal(0, 0.05, (count, 6, SIDE, SIDE)).astype(np.float32)
    for one in maps:
        for number, place in enumerate(rng.permutation(8)[:parts]):
            row, column = 4 * (place // 2), 4 * (place % 2)
            one[1 + number % 2, row : row + 3, column : column + 3] += 1
    return Features((maps,), np.ones((count, SIDE, SIDE), bool), first)


SETTINGS = PatchCore(neighbourhood=1, coreset=0.2, composition="auto")


@lru_cache(maxsize=2)
def fitted(seed: int = 0) -> PatchCoreDetector:
    return SETTINGS.fit([features_of(np.random.default_rng(seed), 40)], silent)


def test_kinds_are_counted_as_a_loop_counts_them() -> None:
    rng = np.random.default_rng(1)
    kinds = rng.integers(0, 5, 30).astype(np.uint8)
    rows = rng.integers(-1, 30, (7, 6))
    expected = np.zeros((QUARTERS, 5), int)
    for row in range(7):
        for column in range(6):
            if rows[row, column] >= 0:
                quarter = 2 * ((row + 0.5) / 7 >= 0.5) + ((column + 0.5) / 6 >= 0.5)
                expected[int(quarter), kinds[rows[row, column]]] += 1
    assert np.array_equal(count_kinds(kinds, 5, rows), expected)


def test_usual_distances_are_mean_and_deviations_of_each_kind() -> None:
    rng = np.random.default_rng(2)
    kinds = np.repeat([0, 1], 50_000)
    distances = np.where(kinds == 0, rng.normal(1, 0.1, 100_000), rng.normal(3, 0.5, 100_000))
    usual = usual_distances(kinds, 3, distances)
    assert usual[1] / usual[0] == pytest.approx((3 + 8 * 0.5) / (1 + 8 * 0.1), rel=0.01)
    assert usual[2] > 0, "a kind that no patch has is as usual as all together"
    assert np.array_equal(usual_distances(kinds, 2, 0 * distances), [1, 1])


def test_the_gaussian_is_that_of_scikit_learn() -> None:
    covariance = pytest.importorskip("sklearn.covariance")
    vectors = np.random.default_rng(3).normal(size=(30, 8)) * np.arange(1, 9)
    mean, whitening = shrunk_gaussian(vectors)
    expected, _ = covariance.ledoit_wolf(vectors)
    assert np.allclose(mean, vectors.mean(axis=0))
    assert np.allclose(np.linalg.inv(whitening.T @ whitening), expected)


def test_rows_that_form_groups_get_a_kind_each() -> None:
    rng = np.random.default_rng(4)
    groups = np.repeat(np.arange(KINDS), 4)
    bank = (100 * groups[:, None] + rng.normal(0, 0.1, (len(groups), 3))).astype(np.float32)
    kinds, middles = choose_kinds(bank, seed=0)
    assert len(middles) == KINDS
    assert all(len(np.unique(kinds[groups == group])) == 1 for group in range(KINDS))
    assert np.array_equal(kinds, choose_kinds(bank, seed=0)[0])


def test_a_part_missing_or_too_many_is_found_that_patches_do_not_see() -> None:
    detector = fitted()
    rng = np.random.default_rng(5)
    good = detector.score(features_of(rng, 30)).image
    for parts in (2, 4):
        odd = features_of(rng, 30, parts)
        alone = detector.with_composition(None)
        assert np.median(alone.score(odd).image) < alone.score(features_of(rng, 30)).image.max()
        assert np.mean(detector.score(odd).image > np.quantile(good, 0.9)) > 0.9


def test_where_a_part_is_missing_or_too_many_is_told() -> None:
    detector = fitted()
    assert detector.composition is not None
    for parts in (0, 8):
        rows = detector.score(features_of(np.random.default_rng(6), 1, parts)).nearest[0]
        first, *others = detector.composition.most_unusual(rows)
        assert first.quarter in (0, 2), "parts lie in the left half"
        assert abs(first.found - first.usual) > 4
        counts = detector.composition.counts(rows)[first.quarter]
        assert sum(one.found for one in (first, *others)) <= counts.sum()
        for other in others:
            assert (other.found - other.usual) * (first.found - first.usual) < 0
            assert other.quarter == first.quarter


def test_the_limit_keeps_its_rate_for_the_verdict_as_a_whole() -> None:
    rates = []
    for split in range(10):
        rng = np.random.default_rng(100 + split)
        on = replace(SETTINGS, coreset=64, composition="on")
        detector = on.fit([features_of(rng, 20)], silent)
        scores = detector.score(features_of(rng, 79)).image.astype(np.float64)
        rates.append(np.mean(scores[19:] > conformal.limit(scores[:19], 0.1)))
    assert np.mean(rates) < 0.1 + 3 * 0.07 / np.sqrt(10)  # 0.07: deviation of a split's rate


def test_without_it_nothing_changes() -> None:
    features = features_of(np.random.default_rng(7), 25)
    settings = replace(SETTINGS, by_position="off")
    plain = replace(settings, composition="off").fit([features], silent)
    detector = replace(settings, composition="on").fit([features], silent)
    assert plain.arrays().keys() == {"bank", "origins", "radius"}
    assert np.array_equal(plain.bank, detector.bank)
    scores, same = plain.score(features), detector.with_composition(None).score(features)
    assert np.array_equal(scores.image, same.image)
    assert np.array_equal(scores.grid, same.grid)


def test_the_arrays_restore_it_and_damaged_ones_are_refused() -> None:
    detector, features = fitted(), features_of(np.random.default_rng(8), 3, 2)
    arrays = detector.arrays()
    again = SETTINGS.restore(arrays)
    assert np.array_equal(again.score(features).image, detector.score(features).image)
    for name in arrays:
        if name in ("composition_kinds", "composition_middles", "composition_unit"):
            with pytest.raises(ValueError, match="composition"):
                SETTINGS.restore({other: array for other, array in arrays.items() if other != name})
            with pytest.raises(ValueError, match="composition"):
                SETTINGS.restore(arrays | {name: arrays[name][..., :-1]})


def test_too_few_pictures_and_what_does_not_go_with_it_are_refused_in_words() -> None:
    features = [features_of(np.random.default_rng(0), 12)]
    with pytest.raises(ValueError, match="20 good pictures in the bank; there are only 12"):
        replace(SETTINGS, composition="on").fit(features, silent)
    assert SETTINGS.fit(features, silent).evidence is None
    with pytest.raises(ValueError, match="off with image_score statistics"):
        PatchCore(composition="on", image_score="statistics")
    with pytest.raises(ValueError, match="composition"):
        PatchCore(composition="maybe")


def picture(rng: np.random.Generator, discs: int = 3) -> Array:
    """Draw a grey picture with bright squares."""
    pixels = rng.normal(60, 3, (64, 64, 1)).repeat(3, axis=2)
    for place in rng.permutation(8)[:discs]:
        row, column = 16 * (place // 2) + 2, 16 * (place % 2) + 2
        pixels[row : row + 12, column : column + 12] += 120
    return np.clip(pixels, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def inspector() -> Inspector:
    rng = np.random.default_rng(9)
    good = [picture(rng) for _ in range(45)]
    return fit(good, method=PatchCore(composition="auto"))


def test_the_verdict_says_what_is_missing(inspector: Inspector, tmp_path: Path) -> None:
    rng = np.random.default_rng(10)
    save(inspector, tmp_path / "part.golden")
    loaded = load(tmp_path / "part.golden")
    inspections = list(loaded.inspect_many([picture(rng, discs=0) for _ in range(3)]))
    for inspection in inspections:
        assert inspection.verdict == "defect"
        assert "something is missing in the" in inspection.note
        assert "are usual" in inspection.note
        told = composition_json(inspection)
        assert told is not None
        assert told["decided_by"] == "composition"
        assert max(told["scores"].values()) == inspection.score
        assert told["amounts"][0]["found"] < told["amounts"][0]["usual"]
        assert explanation_lines(inspection, PLAIN)[0].endswith("what it is composed of decided")
        limit = loaded.threshold.pixel
        assert all(region.peak > limit for region in inspection.regions)  # no usual place is marked
    good = [loaded.inspect(picture(rng)) for _ in range(5)]
    assert not any(one.amounts for one in good if one.verdict == "good")


def test_each_opinion_has_its_own_p_value(inspector: Inspector) -> None:
    calibration = inspector.calibrations["fp32"]
    assert calibration.opinions is not None
    assert np.array_equal(calibration.opinions.max(axis=1), calibration.scores)
    for discs in (3, 5):
        found = inspector.inspect(picture(np.random.default_rng(20 + discs), discs))
        assert found.opinions is not None
        assert found.p_values == tuple(
            conformal.p_value(scores, score)
            for scores, score in zip(calibration.opinions.T, found.opinions, strict=True)
        )


def test_it_is_silent_once_pictures_are_learned_and_speaks_after_forgetting(
    inspector: Inspector, tmp_path: Path
) -> None:
    odd = Picture("odd", picture(np.random.default_rng(11), discs=0))
    learned = learn(inspector, [odd], Note("2026-11-29T00:00:00"))
    detector = learned.detector
    assert isinstance(detector, PatchCoreDetector)
    assert detector.composition is not None
    assert len(detector.composition.kinds) == len(detector.bank)
    assert learned.journal is not None
    assert learned.journal.limits_hold(1)
    assert not detector.composition.speaks
    assert (silent_composition(learned), silent_composition(learned, 0)) == (True, False)
    assert not silent_composition(inspector)
    assert detector.facts()["composition"] == 0
    assert inspector.inspect(odd).verdict == "defect"
    assert learned.inspect(odd).verdict == "good"
    for number in range(3):
        good = picture(np.random.default_rng(30 + number))
        before, after = inspector.inspect(good).heat_map, learned.inspect(good).heat_map
        assert before is not None
        assert after is not None
        assert (after <= before + 1e-6).all()  # scores may grow a little: they weigh by neighbours
    save(learned, tmp_path / "learned.golden")
    loaded = load(tmp_path / "learned.golden")
    assert loaded.inspect(odd).score == learned.inspect(odd).score
    forgotten = forget(loaded, "odd", Note("2026-11-29T00:00:00"))
    assert forgotten.inspect(odd).score == inspector.inspect(odd).score
    assert forgotten.thresholds == inspector.thresholds


def test_limits_are_those_of_the_patches_while_it_is_silent(inspector: Inspector) -> None:
    whole = inspector.calibrations["fp32"]
    assert whole.opinions is not None
    assert inspector.threshold is not None
    odd = Picture("odd", picture(np.random.default_rng(11), discs=0))
    learned = learn(inspector, [odd], Note("2026-11-29T00:00:00"))
    alone = Calibration(whole.opinions[:, 0], whole.peaks)
    assert np.array_equal(learned.calibrations["fp32"].scores, alone.scores)
    assert learned.threshold == compute_limits(alone, Promise(0.05))
    assert learned.threshold.score <= inspector.threshold.score
    assert (alone.scores <= whole.scores).all()
    assert (alone.scores < whole.scores).any()
    back = revert(learned, 0, Note("2026-11-29T00:00:00"))
    assert back.thresholds == inspector.thresholds
    assert np.array_equal(back.calibrations["fp32"].opinions, whole.opinions)
    # limits that were set while it was silent rest on patches alone: it stays so
    reset = set_rates(learned, 0.1, None, Note("2026-11-29T00:00:00"))
    forgotten = forget(reset, "odd", Note("2026-11-29T00:00:00"))
    assert [silent_composition(forgotten, number) for number in range(4)] == [
        False,
        True,
        True,
        True,
    ]
    assert silent_composition(forgotten)
    assert forgotten.threshold is not None
    assert forgotten.threshold.score == compute_limits(alone, Promise(0.1)).score


def test_crossed_limits_refuse_it_where_it_is_asked_for() -> None:
    rng = np.random.default_rng(11)
    pictures = [picture(rng) for _ in range(20)]
    with pytest.raises(ValueError, match="kept out of the bank"):
        fit(pictures, method=PatchCore(composition="on"))


def test_parts_of_a_picture_are_exchanged() -> None:
    rng = np.random.default_rng(12)
    rows, distances = np.arange(256).reshape(16, 16), rng.random((16, 16))
    rows[0] = -1
    made = list(imagine((rows, distances), np.eye(256), rng))
    assert made
    for odd_rows, odd_distances in made:
        assert np.array_equal(odd_rows[0], rows[0])
        changed = odd_rows != rows
        assert 4 <= changed.sum() <= 2 * 16
        assert (odd_rows[1:] >= 0).all()
        assert np.array_equal(odd_distances[1:], distances.ravel()[odd_rows[1:]])
    doubled, swapped = (np.unique(made[k][0]).size for k in (0, 3))
    assert doubled < swapped == np.unique(rows).size


def test_a_share_above_counts_pairs() -> None:
    assert share_above(np.array([1.0, 2.0]), np.array([0.0, 1.0, 3.0])) == pytest.approx(2.5 / 6)


def test_it_is_earned_by_parts_and_not_by_a_texture() -> None:
    assert fitted().composition is not None
    evidence = fitted().evidence
    assert evidence is not None
    assert Evidence(*evidence).is_earned
    noise = np.random.default_rng(13).normal(0, 1, (30, 6, SIDE, SIDE)).astype(np.float32)
    texture = Features((noise,), np.ones((30, SIDE, SIDE), bool))
    plain = replace(SETTINGS, coreset=256.0).fit([texture], silent)
    assert plain.composition is None
    assert plain.evidence is not None
    assert not Evidence(*plain.evidence).is_earned
    asked = replace(SETTINGS, coreset=256.0, composition="on").fit([texture], silent)
    assert asked.composition is not None


def test_an_export_computes_it_too(inspector: Inspector) -> None:
    runtime = pytest.importorskip("onnxruntime")
    from goldensample.graphs.graph import to_onnx

    session = runtime.InferenceSession(to_onnx(inspector))
    rng = np.random.default_rng(12)
    for discs in (3, 0, 6):
        pixels = picture(rng, discs)
        score = session.run(["score"], {"image": pixels[None]})[0][0]
        assert score == pytest.approx(inspector.inspect(pixels).score, rel=1e-3)
