"""The whole: from pictures to verdicts, with a small real network."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import check_batch, fit, part, part_mask

from goldensample import PatchCore, Preparation
from goldensample.evaluation.evaluate import Labelled, evaluate
from goldensample.records import Picture


@pytest.fixture(scope="module")
def inspector(tiny, good_parts):
    return fit(good_parts, backbone=tiny, preparation=Preparation((48, 48)))


def test_a_defect_is_found_at_its_place(inspector):
    found = inspector.inspect(part(100, defect=True))
    assert found.verdict == "defect"
    assert found.heat_map.shape == (48, 48)
    row, column = np.unravel_index(found.heat_map.argmax(), (48, 48))
    assert 16 <= row <= 34
    assert 26 <= column <= 44
    region = found.regions[0]
    assert region.peak == found.heat_map.max()
    assert region.peak > inspector.threshold.pixel
    names = {picture.name for picture in inspector.pictures}
    assert region.reason.picture in names
    assert 0 <= region.reason.row_px <= 48


def test_good_pictures_pass(inspector):
    verdicts = [found.verdict for found in inspector.inspect_many(part(s) for s in range(200, 260))]
    assert verdicts.count("defect") <= 12  # 5 % promised on average over fits; seeds are fixed


def test_alone_is_as_in_a_batch(inspector):
    pictures = [part(300 + k, defect=k % 3 == 0, shape=(48, 40 + k)) for k in range(11)]
    check_batch(inspector, pictures)


def test_threshold_rests_on_pictures_outside_the_bank(inspector):
    assert inspector.threshold.held_out == 19
    assert len(inspector.pictures) == 21
    held = {str(k) for k in range(40)} - {picture.name for picture in inspector.pictures}
    scores = [inspector.inspect(part(int(k))).score for k in held]
    assert inspector.threshold.score == max(scores)  # 19 scores at 5 %: the largest


def test_one_picture_gives_scores_and_no_verdict(tiny, good_parts):
    one = fit(good_parts[:1], backbone=tiny)
    assert one.threshold is None
    assert len(one.pictures) == 1
    found = one.inspect(part(100, defect=True))
    assert (found.verdict, found.regions) == (None, ())
    assert found.score > 0


def test_nothing_is_held_out_without_a_rate(tiny, good_parts):
    small = Preparation((48, 48))
    fitted = fit(good_parts, backbone=tiny, false_alarms=None, preparation=small)
    assert len(fitted.pictures) == 40


def test_one_picture_identical_ones_and_constant_ones(tiny):
    for pictures in ([part(0)], [part(0)] * 5, [np.full((40, 60, 3), 7, np.uint8)] * 3):
        fitted = fit(pictures, backbone=tiny)
        assert len(fitted.detector.bank) >= 1
        for probe in (pictures[0], part(3, defect=True)):
            found = fitted.inspect(probe)
            assert np.isfinite(found.score)
            assert np.isfinite(found.heat_map).all()
        assert fitted.inspect(pictures[0]).score < fitted.inspect(part(3, defect=True)).score


@pytest.mark.parametrize("shape", [(1, 1), (5, 300), (300, 5), (2000, 1500)])
def test_any_shape_is_scored(inspector, shape):
    found = inspector.inspect(np.full((*shape, 3), 90, np.uint8))
    assert found.heat_map.shape == shape
    assert np.isfinite(found.score)
    assert ("stretched" in found.note) == (max(shape) / min(shape) > 2)


def test_size_follows_the_good_pictures(tiny):
    wide = fit([part(k, shape=(60, 240)) for k in range(3)], backbone=tiny)
    assert wide.preparation.size_hw == (128, 512)


def test_the_blur_is_a_knob(tiny, good_parts):
    sharp, soft = (
        fit(good_parts[:5], backbone=tiny, method=PatchCore(sigma_px=sigma)).inspect(part(9, True))
        for sigma in (0.0, 8.0)
    )
    assert sharp.score == soft.score
    assert sharp.heat_map.max() > soft.heat_map.max()


@pytest.mark.parametrize(
    "image",
    [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3)), np.zeros((0, 4, 3), np.uint8), "a.png"],
)
def test_other_arrays_are_refused_in_words(inspector, image):
    with pytest.raises(ValueError, match=r"must be a \(H, W, 3\) uint8 RGB array; got"):
        inspector.inspect(image)


def test_no_picture_is_refused(tiny):
    with pytest.raises(ValueError, match="at least one picture"):
        fit([], backbone=tiny)
    with pytest.raises(ValueError, match="false_alarms"):
        fit([part(0)], backbone=tiny, false_alarms=1.5)


def test_evaluation_with_and_without_masks_and_with_a_crop(inspector, tiny, good_parts):
    mask = part_mask() > 0
    truths = [
        Labelled(Picture(f"{k}", part(400 + k, defect=k % 2 == 1)), k % 2 == 1, mask * (k % 2 == 1))
        for k in range(20)
    ]
    found = evaluate(inspector, truths)
    assert found.image_auroc == 1.0
    assert found.pixel_auroc > 0.8
    assert 0 < found.pro <= 1
    assert (found.f1, found.false_positive, found.false_negative) == (1.0, 0, 0)
    assert (found.images, found.pixels) == (20, "full picture")
    bare = evaluate(inspector, [replace(truth, mask=None) for truth in truths])
    assert (bare.pixel_auroc, bare.pro) == (None, None)
    cropping = Preparation((48, 48), "stretch", (40, 40))
    cropped = fit(good_parts[:5], backbone=tiny, preparation=cropping)
    assert evaluate(cropped, truths).pixels == "crop"


def test_progress_is_told(tiny, good_parts):
    told = []
    small = Preparation((48, 48))
    fit(good_parts, backbone=tiny, preparation=small, notify=lambda *s: told.append(s))
    assert {stage for stage, _, _ in told} == {
        "copies",
        "features",
        "patches",
        "coreset",
        "coverage",
        "usual",
        "threshold",
    }
    assert all(0 <= done <= total for _, done, total in told)
