"""Pictures of any shape come to one size, and positions find their way back."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from references import resize_loop

from goldensample.preparation.placement import Placement
from goldensample.preparation.preparation import Preparation, choose_size
from goldensample.preparation.resizing import resizing_matrix

PREPARATIONS = [
    Preparation((64, 96)),
    Preparation((64, 96), "stretch"),
    Preparation((80, 80), "shorter", (64, 64)),
    Preparation((64, 64), "stretch", (48, 56)),
]


def picture(h: int, w: int) -> np.ndarray:
    return np.random.default_rng(h * w).integers(0, 256, (h, w, 3), np.uint8)


@pytest.mark.parametrize(("old", "new"), [(50, 20), (20, 50), (33, 33), (7, 6)])
def test_resizing_equals_the_loop(old, new):
    line = np.random.default_rng(0).random(old)
    placement = Placement((old, 1), (new, 1), (new, 1), False)
    found = resizing_matrix(placement, 0) @ line
    np.testing.assert_allclose(found, resize_loop(line, new), rtol=1e-5)


@pytest.mark.parametrize("shape", [(90, 70), (33, 150), (5, 9)])
@pytest.mark.parametrize("preparation", PREPARATIONS)
def test_resizing_gives_what_the_whole_matrices_give(shape, preparation, monkeypatch):
    pixels = picture(*shape)
    canvas, placement = preparation.apply(pixels)
    monkeypatch.setattr("goldensample.preparation.resizing.library", lambda: None)
    in_bands, _ = preparation.apply(pixels)
    np.testing.assert_array_equal(canvas, in_bands)  # compiled, and SciPy's
    rows, columns = (resizing_matrix(placement, axis).toarray() for axis in (0, 1))
    expected = np.einsum("hH,HWk,wW->khw", *(rows, pixels.astype(np.float64), columns))
    np.testing.assert_allclose(canvas, expected, rtol=1e-5)


def test_threads_resize_pictures_of_many_shapes():
    shapes = [(40 + 7 * k, 90 - 5 * k) for k in range(12)]
    preparation, pictures = Preparation((48, 32), "stretch"), [picture(*hw) for hw in shapes]
    expected = [preparation.apply(pixels)[0] for pixels in pictures]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda pixels: preparation.apply(pixels)[0], pictures * 40))
    assert all(np.array_equal(a, b) for a, b in zip(found, expected * 40, strict=True))


def test_resizing_is_pillows_up_to_its_rounding():
    from PIL import Image

    pixels = picture(90, 70)
    theirs = np.asarray(Image.fromarray(pixels).resize((32, 48), Image.Resampling.BILINEAR))
    ours, _ = Preparation((48, 32), "stretch").apply(pixels)
    assert np.abs(ours.transpose(1, 2, 0) - theirs).max() <= 1.5


def test_paper_preparation_is_torchvisions():
    transforms = pytest.importorskip("torchvision.transforms.v2", reason="torchvision is missing")
    from PIL import Image

    for h, w in [(300, 400), (401, 299), (256, 256)]:
        pixels = picture(h, w)
        chain = transforms.Compose([transforms.Resize(256), transforms.CenterCrop(224)])
        theirs = np.asarray(chain(Image.fromarray(pixels)))
        ours, placement = Preparation((256, 256), "shorter", (224, 224)).apply(pixels)
        assert ours.shape == (3, 224, 224)
        assert np.abs(ours.transpose(1, 2, 0) - theirs).max() <= 1.5
        assert placement.box_px()[2] < h or placement.box_px()[3] < w


def test_fit_keeps_the_aspect_and_repeats_the_edge():
    pixels = picture(40, 80)
    canvas, placement = Preparation((64, 64)).apply(pixels)
    assert not placement.stretched
    assert placement.scale_hw == (0.8, 0.8)
    assert placement.offset_hw == (16.0, 0.0)
    assert placement.box_px() == (0, 0, 40, 80)
    np.testing.assert_allclose(canvas[:, 0], canvas[:, 15], atol=2.0)  # padding is the edge
    valid = placement.valid((8, 8))
    assert valid.sum() == 32
    assert valid[2:6].all()


def test_what_would_waste_half_is_stretched():
    canvas, placement = Preparation((64, 64)).apply(picture(20, 80))
    assert placement.stretched
    assert placement.valid((8, 8)).all()
    assert canvas.shape == (3, 64, 64)


@pytest.mark.parametrize("shape", [(1, 1), (3, 500), (17, 16), (1000, 700)])
@pytest.mark.parametrize("preparation", PREPARATIONS)
def test_every_shape_gives_finite_pictures_and_a_place(shape, preparation):
    canvas, placement = preparation.apply(picture(*shape))
    assert canvas.shape[1:] == preparation.canvas_hw
    assert canvas.dtype == np.float32
    assert 0 <= canvas.min() <= canvas.max() <= 255.001
    top, left, height, width = placement.box_px()
    assert 0 <= top < top + height <= shape[0]
    assert 0 <= left < left + width <= shape[1]
    assert placement.valid((8, 8)).any()


def test_a_point_finds_its_way_back():
    placement = Preparation((256, 256), "shorter", (224, 224)).placement((512, 512))
    assert placement.scale_hw == (0.5, 0.5)
    assert placement.box_px() == (32, 32, 448, 448)
    assert placement.picture_px(np.zeros(2))[0] == 32


def test_canvas_follows_the_median_shape():
    assert choose_size([(900, 900)], 16) == (256, 256)
    height, width = choose_size([(100, 400), (110, 400), (3000, 3000)], 16)
    assert (height, width) == (128, 496)
    assert choose_size([(10, 5000)], 16) == (32, 5728)


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (((0, 64),), "size_hw"),
        (((64, 64), "tile"), "mode"),
        (((64, 64), "stretch", (65, 64)), "crop_hw"),
        (((64, 64), "shorter"), "crop_hw"),
    ],
)
def test_wrong_values_are_named(arguments, word):
    with pytest.raises(ValueError, match=word):
        Preparation(*arguments)
