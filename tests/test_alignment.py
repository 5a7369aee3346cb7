"""Parts that lie askew are moved to lie as in a reference, and all that is told is moved back."""

from dataclasses import replace

import numpy as np
import pytest
from commands import golden
from conftest import check_batch, check_round_trip, fit
from picture_files import save_picture
from scipy.ndimage import affine_transform

from goldensample import Preparation, load, read_images
from goldensample.drift.measures import UNALIGNED
from goldensample.errors import ImageError
from goldensample.features.extraction import align_to
from goldensample.graphs.graph import to_onnx
from goldensample.inspection.streams import inspect_stream
from goldensample.learning.learn import forget, learn
from goldensample.learning.revisions import Note
from goldensample.learning.teach_miss import masked_cells
from goldensample.methods.mean_map import MeanMap
from goldensample.methods.padim import PaDiM
from goldensample.native.library import library
from goldensample.preparation.alignment import MIN_AGREEMENT, Reference, min_agreement, reference_of
from goldensample.preparation.motion import Motion, _warp_plain, inside_mask, warp
from goldensample.preparation.placement import EDGE_RADIUS
from goldensample.preparation.preparation import small_grey
from goldensample.preparation.registration import coarse_motions, refine_motion
from goldensample.preparation.roi import roi_from_mask
from goldensample.preparation.template import compute_template, structure
from goldensample.records import Picture

SIDE = 80
CANVAS = Preparation((SIDE, SIDE))
DEFECT = (52.0, 30.0)  # row and column of its middle, where the part is not moved
STILL = Motion(0.0, 0.0, 0.0)
ASKEW = [Motion(7.0, 0.04, -0.05), Motion(-9.0, -0.05, 0.03), Motion(3.0, 0.05, 0.05)]


def board(
    seed: int, motion: Motion = STILL, defect: bool = False, share: float = 1.0
) -> np.ndarray:
    """A board of 30 fixed spots, computed where it lies: no pixel is made from others."""
    spots = np.random.default_rng(0).uniform([-5, -5, 2, -70], [85, 85, 6, 70], (30, 4))
    matrix, offset = motion.inverse((SIDE, SIDE))
    side = round(SIDE * share)
    at = np.stack(np.meshgrid(*[(np.arange(side) + 0.5) / share - 0.5] * 2, indexing="ij"))
    rows, columns = np.tensordot(matrix, at, 1) + offset[:, None, None]
    grey = np.full((side, side), 120.0)
    for row, column, size, height in spots:
        grey += height * np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / size**2)
    if defect:
        grey[np.maximum(abs(rows - DEFECT[0]), abs(columns - DEFECT[1])) < 4] = 40
    noise = np.random.default_rng([1, seed]).normal(0, 3, (side, side, 3))
    return np.clip(grey[..., None] + noise, 0, 255).astype(np.uint8)


def apart(one: Motion, other: Motion, shape_hw: tuple[int, int] = (SIDE, SIDE)) -> float:
    """Return how many pixels apart two motions bring points, at most, half way to the corners."""
    points = np.array([[y, x] for y in (0.25, 0.75) for x in (0.25, 0.75)]).T * SIDE
    ends = [m @ points + o[:, None] for m, o in (k.forward(shape_hw) for k in (one, other))]
    return float(np.abs(ends[0] - ends[1]).max())


@pytest.fixture(scope="module")
def aligning() -> Preparation:
    """A preparation that aligns to a board."""
    boards = [board(k) for k in range(8)]
    return align_to(CANVAS, board(0), boards, range(8))


@pytest.fixture(scope="module")
def boards() -> list[np.ndarray]:
    """Good boards, moved at random."""
    rng = np.random.default_rng(5)
    motions = rng.uniform([-8, -0.05, -0.05], [8, 0.05, 0.05], (40, 3)).tolist()
    return [board(k, Motion(*motion)) for k, motion in enumerate(motions)]


@pytest.fixture(scope="module")
def bank(tiny, aligning, boards):
    """PatchCore, fitted on boards that lie askew."""
    return fit(boards, backbone=tiny, preparation=aligning)


def test_a_motion_by_hand():
    quarter = Motion(90.0, 0.0, 0.5)
    matrix, offset = quarter.forward((4, 4))
    # the middle (1.5, 1.5) goes to (1.5, 3.5); one row below it, to one column right of there
    assert matrix @ [1.5, 1.5] + offset == pytest.approx([1.5, 3.5])
    assert matrix @ [2.5, 1.5] + offset == pytest.approx([1.5, 4.5])
    there = matrix @ [0.3, 3.0] + offset
    matrix, offset = quarter.inverse((4, 4))
    assert matrix @ there + offset == pytest.approx([0.3, 3.0])
    shifted = np.arange(4.0, dtype=np.float32).reshape(1, 4)
    assert Motion(0.0, 0.0, 0.25).restore(shifted).tolist() == [[0, 0, 1, 2]]
    colours = np.repeat(shifted[..., None], 3, axis=2)
    assert Motion(0.0, 0.0, 0.25).align(colours)[..., 1].tolist() == [[1, 2, 3, 3]]
    assert inside_mask(Motion(0.0, 0.0, 0.25).forward((1, 4)), (1, 4)).tolist() == [[1, 1, 1, 0]]


@pytest.mark.parametrize("numbers", [(181, 0, 0), (0, 1.5, 0), (0, 0, -2), (float("nan"), 0, 0)])
def test_motions_that_cannot_be(numbers):
    with pytest.raises(ValueError, match="a motion must be at most half a turn"):
        Motion(*numbers)


@pytest.mark.parametrize("share", [1.0, 2.5])
@pytest.mark.parametrize("motion", [STILL, *ASKEW, Motion(15, 0, 0), Motion(-14, 0.19, -0.19)])
def test_known_motions_are_found(aligning, motion, share):
    pixels = board(9, motion, share=share)
    canvas, placement = aligning.apply(pixels // 3 * 2)  # in other light, too
    assert apart(placement.motion, motion) < 0.5
    assert placement.motion.degrees == pytest.approx(motion.degrees, abs=0.3)
    assert not placement.unaligned
    still = aligning.apply(board(9, share=share) // 3 * 2)[0]
    middle = (slice(None), slice(28, 52), slice(28, 52))
    assert np.abs(canvas[middle] - still[middle]).mean() < 4  # the noise alone differs


@pytest.mark.parametrize("degrees", [-180, -133, -91, -16, 0, 40, 90, 179])
def test_parts_in_any_orientation_are_found(degrees):
    boards = [board(k, Motion(37.0 * k - 90, 0.03, -0.02), share=2.0) for k in range(6)]
    aligning = align_to(CANVAS, board(0, share=2.0), boards, range(6), degrees=180)
    motion = Motion(float(degrees), 0.06, -0.04)
    found = aligning.apply(board(9, motion, share=2.0) // 3 * 2)[1].motion
    assert apart(found, motion) < 0.5


def test_a_search_of_all_orientations_finds_what_a_slow_one_does():
    template = compute_template(small_grey(board(0, share=1.6)), 180)
    slow = replace(template, coarsest=None)  # every degree at the size of the coarse search
    for k in range(12):
        values = structure(small_grey(board(k, Motion(29.0 * k - 170, 0.05, 0.02), share=1.6)))
        fast, reference = coarse_motions(values, template), coarse_motions(values, slow)
        assert fast[0] == reference[0]


def test_turning_past_half_a_turn_goes_on_from_the_other_side():
    template = compute_template(small_grey(board(0, share=1.6)), 180)
    values = structure(small_grey(board(3, Motion(-179.6, 0.0, 0.0), share=1.6)))
    found, agreement = refine_motion(values, template, Motion(179.0, 0.0, 0.0))
    assert found.degrees == pytest.approx(-179.6, abs=0.3)
    assert agreement > 0.8


@pytest.mark.parametrize("shape", [(128, 128), (40, 64, 3), (1, 4), (7, 1, 3), (5, 6, 2)])
@pytest.mark.parametrize("zero_beyond", [False, True])
def test_compiled_warping_is_scipys(shape, zero_beyond):
    if library() is None:
        pytest.skip("the package was built without a C compiler")
    values = np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)
    for motion in (*ASKEW, Motion(0.0, 0.0, 0.25), Motion(137.0, 0.1, 0.2)):
        affine = motion.forward(shape[:2])
        warped = warp(values, affine, zero_beyond)
        planes = values.reshape(*shape[:2], -1)
        mode = "constant" if zero_beyond else "nearest"
        plain = [
            affine_transform(p, *affine, order=1, mode=mode) for p in planes.transpose(2, 0, 1)
        ]
        expected = np.stack(plain, axis=-1).reshape(shape)
        assert np.allclose(warped, expected, rtol=2e-7, atol=0)  # nearly always the same bits
        assert np.array_equal(expected, _warp_plain(values, affine, zero_beyond))


def test_what_is_too_far_is_not_moved(aligning):
    for motion in (Motion(40, 0, 0), Motion(0, 0.6, 0)):
        canvas, placement = aligning.apply(board(3, motion))
        assert (placement.unaligned, placement.motion) == (True, None)
        assert np.array_equal(canvas, CANVAS.apply(board(3, motion))[0])


def test_points_go_to_the_canvas_and_back():
    placement = replace(Preparation((64, 96)).placement((120, 90)), motion=ASKEW[0])
    points = np.random.default_rng(0).uniform(0, 90, (2, 7))
    assert placement.picture_px(placement.canvas_px(points)) == pytest.approx(points)
    matrix, offset = ASKEW[0].inverse((120, 90))
    led = placement.without_motion.canvas_px(matrix @ (points - 0.5) + offset[:, None] + 0.5)
    assert placement.canvas_px(points) == pytest.approx(led)


def test_what_the_picture_does_not_show_is_not_valid():
    placement = replace(CANVAS.placement((40, 40)), motion=Motion(0.0, 0.25, 0.0))
    valid = placement.valid((8, 8))  # the part lies lower: its lowest quarter is not to be seen
    assert np.array_equal(valid, np.arange(8)[:, None] < np.full((1, 8), 6 - EDGE_RADIUS))
    assert replace(placement, motion=Motion(0.1, 0.0, 0.001)).valid((8, 8)).all()
    assert placement.box_px() == (10, 0, 30, 40)
    assert CANVAS.placement((40, 40)).valid((8, 8)).all()


@pytest.mark.parametrize("method", [PaDiM(), MeanMap()], ids=["padim", "mean_map"])
def test_methods_that_look_at_places_need_it(tiny, aligning, method):
    good = [board(k, share=2.0) for k in range(20)]
    plain, aligned = (
        fit(good, backbone=tiny, method=method, preparation=way, false_alarms=None)
        for way in (CANVAS, aligning)
    )
    usual = max(aligned.inspect(board(30 + k, share=2.0)).score for k in range(4))
    for motion in ASKEW:
        askew = board(40, motion, share=2.0)
        marked = board(40, motion, defect=True, share=2.0)
        assert aligned.inspect(askew).score < 2 * usual
        assert plain.inspect(askew).score > 10 * usual
        assert aligned.inspect(marked).score > 10 * usual


@pytest.mark.parametrize("motion", ASKEW)
def test_a_defect_is_found_where_it_is_in_the_picture_as_given(bank, motion):
    found = bank.inspect(board(50, motion, defect=True, share=1.5))
    matrix, offset = motion.forward((SIDE, SIDE))
    at = 1.5 * (matrix @ DEFECT + offset + 0.5)
    assert found.verdict == "defect"
    assert found.heat_map.shape == (120, 120)
    top, left, height, width = found.regions[0].box_px
    assert top < at[0] < top + height
    assert left < at[1] < left + width
    assert found.regions[0].peak_px + np.array(0.5) == pytest.approx(at, abs=9)
    assert bank.inspect(board(51, motion, share=1.5)).score < found.score / 3


def test_reasons_come_from_the_place_in_the_picture_as_given(bank):
    for row in range(0, len(bank.detector.origins), 7):
        number, *share = bank.detector.origins[row]
        place, motion = bank.source(row), bank.pictures[int(number)].motion
        matrix, offset = motion.forward((SIDE, SIDE))
        there = matrix @ (np.array(share) * SIDE - 0.5) + offset + 0.5
        assert (place.row_px, place.column_px) == pytest.approx(there, abs=1e-3)


def test_marks_of_a_miss_touch_the_cells_of_the_part(bank, aligning):
    pixels = board(60, ASKEW[0], defect=True)
    placement = aligning.apply(pixels)[1]
    scores = bank.detector.score(_features(bank, pixels))
    mask = np.abs(pixels.astype(int) - board(60, ASKEW[0])).max(axis=2) > 30
    touched = np.argwhere(masked_cells(mask, _picture(pixels), placement, scores))
    middle = (touched.mean(axis=0) + 0.5) / scores.valid.shape[1:] * SIDE
    assert middle == pytest.approx(np.array(DEFECT) + 0.5, abs=2)


def _picture(pixels):
    from goldensample.features.extraction import as_picture

    return as_picture(pixels, 0)


def _features(inspector, pixels):
    from goldensample.features.extraction import extract

    return extract([_picture(pixels)], inspector.preparation, inspector.backbone)[0]


@pytest.mark.parametrize("seed", [None, 0, 1])
def test_a_picture_with_nothing_to_hold_on_to_is_told_of(bank, seed):
    grey = np.full((SIDE, SIDE, 3), 128, np.uint8)
    if seed is not None:
        noise = np.random.default_rng(seed).normal(0, 9, (SIDE, SIDE, 1))
        grey = np.clip(grey + noise, 0, 255).astype(np.uint8)
    found = bank.inspect(grey)
    assert UNALIGNED in found.note
    assert np.isfinite(found.score)
    assert UNALIGNED not in bank.inspect(board(70, ASKEW[1])).note


def test_a_batch_says_what_each_says_alone(bank):
    pictures = [board(k, motion) for k, motion in enumerate(ASKEW)]
    pictures += [np.zeros((90, 40, 3), np.uint8)]
    check_batch(bank, pictures)


def test_it_is_kept_in_the_file(bank, tmp_path):
    picture = board(80, ASKEW[2], defect=True)
    again = check_round_trip(bank, tmp_path / "a.golden", picture)
    assert again.pictures == bank.pictures


def test_what_is_ignored_moves_with_the_part(tiny, aligning, boards):
    right = roi_from_mask(np.repeat([[False, True]], 2, axis=0))
    half = fit(boards[:12], backbone=tiny, preparation=replace(aligning, view=right))
    found = half.inspect(board(90, Motion(0.0, 0.0, 0.1), defect=True))  # the defect is on the left
    assert (found.heat_map[:, : 40 + 6] == 0).all()
    assert (found.heat_map[2:-2, 40 + 10 :] > 0).all()
    assert all(region.box_px[1] >= 40 for region in found.regions)


def test_a_picture_moved_out_of_the_view_is_refused_and_the_others_are_judged(tiny, aligning):
    seam = roi_from_mask(np.arange(20)[None, :] >= 17)
    straight = [board(k) for k in range(12)]
    narrow = fit(straight, backbone=tiny, preparation=replace(aligning, view=seam))
    gone = Motion(0.0, 0.0, 0.19)
    pictures = [Picture(str(k), board(90 + k, gone if k in (1, 4) else STILL)) for k in range(6)]
    for batch in (1, 2, 8):
        found = [one for _, one in inspect_stream(narrow, pictures, batch)]
        assert [isinstance(one, ImageError) for one in found] == [k in (1, 4) for k in range(6)]
        assert str(found[4]).startswith("4: a picture must show some of what is looked at")
        assert found[5].score == narrow.inspect(pictures[5]).score


def test_learning_knows_how_a_picture_lies(bank):
    odd = board(95, ASKEW[0], defect=True)
    taught = learn(bank, [odd], Note("2026-01-01T00:00:00Z", ""))
    assert apart(taught.pictures[-1].motion, ASKEW[0]) < 1  # though a spot is on it
    assert taught.inspect(odd).verdict == "good"
    forgotten = forget(taught, taught.pictures[-1].name, Note("2026-01-01T00:00:00Z", ""))
    assert forgotten.inspect(odd).score == bank.inspect(odd).score


def test_good_pictures_must_agree(aligning):
    textures = [
        np.random.default_rng(k).integers(0, 255, (SIDE, SIDE, 3), np.uint8) for k in range(5)
    ]
    with pytest.raises(ValueError, match=r"good pictures must agree .* --align-degrees 180 "):
        align_to(CANVAS, textures[0], textures[1:], range(4))
    assert min_agreement([0.9, 0.8, 0.1]) == 0.4
    assert min_agreement([MIN_AGREEMENT, 0.4]) == MIN_AGREEMENT


def test_references_that_cannot_be():
    good = reference_of(np.zeros((4, 6)))
    assert good.shape_hw == (4, 6)
    for change, words in (
        ({"shape_hw": (4, 5)}, "grey must have 4x5 values; it has 24"),
        ({"shape_hw": (400, 6)}, "shape_hw must be in 1 to 128"),
        ({"least": 1.5}, "least must be in"),
        ({"grey": "§"}, "ASCII"),
        ({"degrees": 200}, "degrees must be in 15 to 180; got 200"),
    ):
        with pytest.raises(ValueError, match=words):
            replace(good, **change)
    assert Reference((1, 1), "AA==").find_motion(np.zeros((1, 1), np.float32)) is None


def test_an_export_is_refused(bank):
    with pytest.raises(ValueError, match="must take pictures as they lie"):
        to_onnx(bank)


def test_the_commands_align(boards, tiny_file, tmp_path):
    for k, pixels in enumerate(boards[:12]):
        save_picture(tmp_path / f"good/{k:02d}.png", pixels)
    save_picture(tmp_path / "flat.png", np.full((SIDE, SIDE, 3), 99, np.uint8))
    save_picture(tmp_path / "reference.png", board(400))
    file = tmp_path / "a.golden"
    done = golden(
        "fit", tmp_path / "good", "-o", file, "--backbone", f"onnx:{tiny_file}", "--size", "80",
        "--align", tmp_path / "reference.png", "--false-alarms", "0",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert load(file).preparation.reference.shape_hw == (SIDE, SIDE)
    done = golden("inspect", file, tmp_path / "flat.png", "--strict-input")
    assert "flat.png must agree with the reference to be judged" in done.stdout
    assert done.returncode == 2


def test_the_command_searches_all_orientations(tiny_file, tmp_path):
    for k in range(12):
        save_picture(tmp_path / f"good/{k:02d}.png", board(k, Motion(30.0 * k - 170, 0.0, 0.0)))
    save_picture(tmp_path / "reference.png", board(400))
    options = ("--backbone", f"onnx:{tiny_file}", "--size", "80", "--false-alarms", "0")
    fitting = ("fit", tmp_path / "good", "-o", tmp_path / "a.golden", *options)
    done = golden(*fitting, "--align-degrees", "180")
    assert "--align-degrees must come with --align" in done.stderr
    done = golden(*fitting, "--align", tmp_path / "reference.png", "--align-degrees", "180")
    assert done.returncode == 0, done.stderr
    known = load(tmp_path / "a.golden")
    assert known.preparation.reference.degrees == 180
    motions = [picture.motion.degrees for picture in known.pictures]
    assert motions == pytest.approx([30.0 * k - 170 for k in range(12)], abs=1)


@pytest.mark.real
@pytest.mark.parametrize("name", ["mvtec_ad_small/transistor", "mvtec_ad_small/hazelnut"])
def test_motions_of_real_pictures_are_found(shared, name):
    pictures = read_images(shared / "data" / name / "train/good")
    rng = np.random.default_rng(0)
    for index in range(8):
        whole = pictures[index].pixels.astype(np.float32)
        motion = Motion(*rng.uniform([-12, -0.05, -0.05], [12, 0.05, 0.05]).tolist())
        matrix, offset = motion.inverse((200, 200))
        askew = np.stack(
            [
                affine_transform(
                    whole[..., k], matrix, offset + 28, output_shape=(200, 200), order=1
                )
                for k in range(3)
            ],
            axis=-1,
        )
        known = reference_of(small_grey(whole[28:228, 28:228]))
        found = known.find_motion(small_grey(askew, known.shape_hw))
        assert apart(found, motion, (200, 200)) < 0.5
        assert found.degrees == pytest.approx(motion.degrees, abs=0.3)
