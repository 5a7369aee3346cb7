"""Limits and what they promise: by the number of pictures, in words, in tables, in files."""

import json
from dataclasses import replace

import numpy as np
import pytest
from commands import golden
from conftest import fit, part
from picture_files import save_picture

from goldensample import Preparation, load, save
from goldensample.calibration.tradeoff import LabelledScores, curves, table
from goldensample.fitting.calibrate import Promise, compute_limits, fold_detectors
from goldensample.fitting.precision import choose_precision
from goldensample.learning.revisions import Note, drop_rows, revert, set_cost
from goldensample.methods.cross_fitted import Crossed, WithoutFold
from goldensample.methods.mean_map import MeanMap
from goldensample.methods.nearest import Nearest
from goldensample.methods.padim import PaDiM
from goldensample.methods.patchcore import PatchCore, PatchCoreDetector
from goldensample.records import Calibration, Features, Threshold, silent
from goldensample.report.panels import describe_threshold as told_on_the_page
from goldensample.wording.limits import exact_promise, promise

SMALL = Preparation((48, 48))
SCORES = Calibration(np.arange(1.0, 40.0), np.arange(1.0, 40.0) / 2)


def test_two_limits_give_three_verdicts():
    found = compute_limits(SCORES, Promise(0.05, 0.25))
    assert (found.score, found.review, found.pixel) == (38, 30, 19)
    said = [found.verdict(score) for score in (30, 30.5, 38, 38.5)]
    assert said == ["good", "review", "review", "defect"]
    assert Threshold(2.0, None).verdict(2.0) == "good"


@pytest.mark.parametrize(("rate", "review"), [(0.05, 0.05), (0.05, 0.01), (0.05, 1.0)])
def test_a_review_rate_must_be_larger(rate, review):
    with pytest.raises(ValueError, match="review must be above"):
        Promise(rate, review)


def test_wrong_limits_are_refused(tiny, good_parts):
    with pytest.raises(ValueError, match="at most the score limit"):
        Threshold(1.0, 1.0, review=2.0)
    with pytest.raises(ValueError, match="kind must be one of"):
        Threshold(1.0, 1.0, kind="luck")
    with pytest.raises(ValueError, match="calibration must be one of"):
        fit(good_parts, backbone=tiny, calibration="luck")
    with pytest.raises(ValueError, match="review must go with false_alarms"):
        fit(good_parts, backbone=tiny, false_alarms=None, review=0.1)


@pytest.fixture(scope="module")
def crossed(tiny, good_parts):
    """Too few pictures to keep 19 of them out of the bank."""
    return fit(good_parts[:30], backbone=tiny, review=0.2, preparation=SMALL)


def test_all_pictures_count_where_few_can_be_spared(crossed, good_parts, tmp_path):
    assert crossed.method_name == "crossed"
    assert crossed.threshold.kind == "cross"
    assert crossed.threshold.held_out == len(crossed.pictures) == 30
    assert crossed.inspect(part(99, defect=True)).verdict == "defect"
    save(crossed, tmp_path / "a.golden")
    again = load(tmp_path / "a.golden")
    assert again.thresholds == crossed.thresholds
    assert again.inspect(part(99)).score == crossed.inspect(part(99)).score
    # each picture's score is by the fold that has not seen it
    (detector, out), *_ = fold_detectors(crossed, 30)
    alone = replace(crossed, detector=detector).inspect(good_parts[out[1]])
    assert crossed.calibrations["fp32"].scores[out[1]] == alone.score
    settled, _ = choose_precision(crossed, good_parts[:30], "fp32")
    assert settled.threshold == crossed.threshold


def test_the_p_value_is_the_cross_conformal_one(crossed):
    """Vovk, Cross-conformal predictors, 2015, equation 4, as a loop."""
    known = crossed.calibrations["fp32"].scores
    folds = [(replace(crossed, detector=one), out) for one, out in fold_detectors(crossed, 30)]
    for seed in range(60, 75):
        picture = part(seed, defect=seed % 3 == 0)
        found = crossed.inspect(picture)
        as_high = sum((known[out] >= one.inspect(picture).score).sum() for one, out in folds)
        assert found.p_value == (1 + as_high) / 31
        assert (found.verdict == "defect") == (found.p_value <= crossed.threshold.false_alarms)


def test_its_map_is_the_distance_to_all_banks_together(crossed):
    given = Features(
        tuple(np.random.default_rng(0).random((1, d, s, s), np.float32) for d, s in ((6, 8),)),
        np.ones((1, 8, 8), bool),
    )
    features = [replace(given, first=k, maps=(given.maps[0] + k,)) for k in range(7)]
    detector = Crossed(patchcore=PatchCore(coreset=1)).fit(features, silent)
    banks = np.concatenate([one.bank for one in detector.detectors])
    together = PatchCoreDetector(PatchCore(coreset=1), banks, detector.origins, 0.0)
    ours, theirs = (one.score(features[3]) for one in (detector, together))
    assert np.array_equal(ours.grid, theirs.grid)
    assert [len(list(WithoutFold(features, fold))) for fold in range(5)] == [5, 5, 6, 6, 6]
    for fold, one in enumerate(detector.detectors):
        assert set(one.origins[:, 0]) == {k for k in range(7) if k % 5 != fold}


def test_every_method_can_be_estimated(tiny, good_parts):
    for method in (PaDiM(channels=5), MeanMap(), Nearest()):
        fitted = fit(good_parts[:21], backbone=tiny, method=method, preparation=SMALL)
        assert fitted.threshold.kind == "estimate"
        assert (fitted.threshold.pixel is None) == isinstance(method, Nearest)


def test_an_estimate_where_nothing_can_be_promised(tiny, good_parts, tmp_path):
    fitted = fit(good_parts[:25], backbone=tiny, false_alarms=0.01, preparation=SMALL)
    found = fitted.threshold
    assert (found.kind, found.held_out, len(fitted.pictures)) == ("estimate", 25, 25)
    assert fitted.method_name == "patchcore"
    low, high = found.interval
    assert 0 <= low < high < 0.5
    assert found.score >= fitted.calibrations["fp32"].scores.max()
    for words in (promise(found), told_on_the_page(found)):
        assert "an estimate" in words
    save(fitted, tmp_path / "a.golden")
    assert load(tmp_path / "a.golden").thresholds == fitted.thresholds
    chosen, words = choose_precision(fitted, good_parts[:25], "auto")
    assert chosen.threshold == found
    assert "fp32" in words


def test_the_words_say_what_is_promised():
    split = Threshold(1.0, 1.0, 0.02, 49, "split", 0.5, 0.1)
    assert promise(split) == (
        "1.0000, look again above 0.5000: of 100 good parts about 2 are called defects and 8 more "
        "are to be looked at again. This was measured on 49 good pictures kept aside; it can be "
        "set to 0.5 % with about 400 good pictures in all"
    )
    assert exact_promise(split) == (
        "1.0000, look again above 0.5000: at most 2 % (looked at again or called defects: 10 %) of "
        "good pictures are called defects, on average over fits; it rests on 49 pictures kept out "
        "of the fit; the smallest rate that as many support is 2 %"
    )
    one = promise(Threshold(1.0, 1.0, 0.001, 1999, "split"))
    assert "of 1,000 good parts about 1 is called a defect. This" in one
    assert "it can be set down to 0.05 %, and to 0.01 % with about 20,000 good" in one
    cross = Threshold(1.0, 1.0, 0.05, 95, "cross")
    assert "of 100 good parts about 5 are called defects, usually fewer. This" in promise(cross)
    assert "at most 17.6 % is proven" in exact_promise(cross)
    guess = Threshold(1.0, 1.0, 0.05, 12, "estimate", interval=(0.02, 0.12))
    assert "no promise: it may well be 2 to 12 %; a promise takes about 38 good" in promise(guess)
    assert "not a promise" not in told_on_the_page(cross)
    assert "17.6\xa0%" in told_on_the_page(cross)
    assert "set by hand" in promise(Threshold(1.0, 1.0))


def test_the_words_say_what_changed_a_limit(tiny, good_parts):
    fitted = fit(good_parts, backbone=tiny, preparation=Preparation((48, 48)))
    less = drop_rows(fitted, np.array([3]), Note("2026-01-02T03:04:05+00:00"))
    assert promise(less.threshold, less.journal) == (
        f"{fitted.threshold.score:.4f}, set on 19 good pictures for 5 % of them, and changed since "
        "by teach-miss on 2026-01-02 (revision 1); set it anew with golden learn --calibrate: no "
        "rate of false alarms is known"
    )
    assert "Set on 19 good pictures, and changed since" in told_on_the_page(less.threshold)
    counted = set_cost(less, 2, 100)
    assert "2 of 100 good pictures became false alarms" in promise(less.threshold, counted.journal)
    counted.journal.check()
    back = revert(counted, 0, Note(""))
    assert promise(back.threshold, back.journal) == promise(fitted.threshold)


def test_the_table_of_limits():
    used = compute_limits(SCORES, Promise(0.05))
    truth = LabelledScores(np.array([1.0, 39.5]), np.array([20.0, 50.0, 60.0]))
    rows = table(SCORES, used, truth)
    assert [row.score for row in rows] == sorted(row.score for row in rows)
    own = next(row for row in rows if row.in_use)
    assert (own.score, own.rate, own.alarms, own.misses) == (38, 0.05, 1, 1)
    assert own.interval[0] < 0.05 < own.interval[1]
    assert [row.estimate for row in rows] == sorted(row.estimate for row in rows)
    assert rows[-1].rate == 0.005
    assert rows[-1].score >= 39
    places, alarms, missed = curves(SCORES, truth)
    assert len(places) == len(alarms) == len(missed) == 42
    assert (alarms[0], missed[0], missed[-1]) == (39 / 40, 0.0, 1.0)
    assert curves(SCORES, None)[2] is None


def test_commands(tiny_file, tmp_path):
    for seed in range(40):
        save_picture(tmp_path / f"good/{seed}.png", part(seed))
    for seed in range(50, 54):
        save_picture(tmp_path / f"set/test/good/{seed}.png", part(seed))
        save_picture(tmp_path / f"set/test/hole/{seed}.png", part(seed, defect=True))
    save_picture(tmp_path / "set/train/good/1.png", part(1))
    file = tmp_path / "a.golden"
    network = ("--backbone", f"onnx:{tiny_file}", "--size", "64x64")
    done = golden("fit", tmp_path / "good", "-o", file, *network, "--review", "60%")
    assert done.returncode == 0, done.stderr
    assert "look again above" in done.stdout
    said = golden("inspect", file, tmp_path / "good", "--json", "--fail-on-defect")
    verdicts = [json.loads(line)["verdict"] for line in said.stdout.splitlines()]
    assert "review" in verdicts
    assert said.returncode == int("defect" in verdicts)
    page = golden("inspect", file, tmp_path / "good", "--report", tmp_path / "r")
    assert page.returncode == 0
    assert "look again" in (tmp_path / "r/report.html").read_text(encoding="utf-8")
    shown = golden("thresholds", file, "--data", tmp_path / "set", "--report", tmp_path / "r")
    assert shown.returncode == 0, shown.stderr
    assert "in use" in shown.stdout
    assert "0 of 4" in shown.stdout
    assert "<svg" in (tmp_path / "r/thresholds.html").read_text(encoding="utf-8")
    changed = golden("thresholds", file, "--set", "10%", "--reason", "too many alarms")
    assert "of 100 good parts about 10 are called defects and 50 more" in changed.stdout
    assert golden("history", file).stdout.splitlines()[-1].endswith("(too many alarms)")
    none = json.loads(golden("thresholds", file, "--set", "5%", "--review", "0", "--json").stdout)
    assert (none["revision"], none["threshold"]["review"]) == (2, None)
    assert (
        "--review and --reason must go with --set"
        in golden("thresholds", file, "--review", "9%").stderr
    )
    assert "must rest on 999 good pictures" in golden("thresholds", file, "--set", "0.1%").stderr
    values = json.loads(golden("thresholds", file, "--json").stdout)
    assert values["rests_on"] == 19
    assert values["limits"][0]["misses"] is None
    golden("fit", tmp_path / "good", "-o", file, *network, "--false-alarms", "0")
    refused = golden("thresholds", file)
    assert refused.returncode == 2
    assert "kept out of the fit" in refused.stderr
