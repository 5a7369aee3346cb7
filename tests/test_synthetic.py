"""Synthetic defects change what their masks say, and nothing else."""

import numpy as np
import pytest
from conftest import part
from hypothesis import given, settings
from hypothesis import strategies as st

from goldensample.synthetic.defects import KINDS, LEAST_PX, fill_in, paste_defect

SHAPES = st.tuples(st.integers(1, 40), st.integers(1, 40))


@st.composite
def pictures(draw):
    """A noisy picture, grey or colour, of 8 or 16 bits."""
    shape = draw(SHAPES) + draw(st.sampled_from([(), (1,), (3,), (4,)]))
    dtype = draw(st.sampled_from([np.uint8, np.uint16]))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    return rng.integers(0, np.iinfo(dtype).max, shape, dtype, endpoint=True)


@settings(deadline=None, max_examples=60)
@given(
    pixels=pictures(),
    kind=st.sampled_from(list(KINDS)),
    seed=st.integers(0, 999),
    size_px=st.floats(LEAST_PX, 60),
    contrast=st.floats(1, 300),
    data=st.data(),
)
def test_the_mask_is_what_changed_and_all_of_it_is_near(
    pixels, kind, seed, size_px, contrast, data
):
    before = pixels.copy()
    height, width = pixels.shape[:2]
    middle = data.draw(st.tuples(st.integers(0, height - 1), st.integers(0, width - 1)))
    within = np.random.default_rng(seed).random((height, width)) < 0.8
    within[middle] = True

    def paste():
        rng = np.random.default_rng(seed)
        options = {"size_px": size_px, "contrast": contrast, "middle": middle, "within": within}
        return paste_defect(pixels, kind, rng, **options)

    after, mask = paste()
    assert np.array_equal(pixels, before)
    assert (after.shape, after.dtype, mask.dtype) == (pixels.shape, pixels.dtype, bool)
    difference = np.abs(after.astype(int) - before).reshape(height, width, -1).max(axis=-1)
    assert np.array_equal(mask, difference > 0)
    assert difference.max() <= contrast
    assert not (mask & ~within).any()
    rows, columns = np.nonzero(mask)
    assert np.all(np.hypot(rows - middle[0], columns - middle[1]) <= size_px / 2)
    assert all(np.array_equal(a, b) for a, b in zip(paste(), (after, mask), strict=True))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("pixels", [part(3), part(3)[..., 0], part(3).astype(np.uint16) * 257])
def test_each_kind_shows_in_the_size_and_contrast_that_were_asked_for(kind, pixels):
    scale = np.iinfo(pixels.dtype).max / 255
    for seed in range(5):
        rng = np.random.default_rng(seed)
        options = {"size_px": 24.0, "contrast": 60 * scale, "middle": (32, 40)}
        after, mask = paste_defect(pixels, kind, rng, **options)
        rows, columns = np.nonzero(mask)
        longest = np.hypot(np.ptp(rows) + 1, np.ptp(columns) + 1)
        assert 14 <= longest <= 24 * 1.5
        largest = np.abs(after.astype(int) - pixels).max()
        assert largest >= (0.1 if kind == "missing" else 0.6) * 60 * scale


def test_seeds_differ_and_places_are_drawn_within():
    within = np.zeros(part(1).shape[:2], bool)
    within[10:30, 20:50] = True
    masks = [
        paste_defect(
            part(1), "pit", np.random.default_rng(seed), size_px=9, contrast=50, within=within
        )[1]
        for seed in range(20)
    ]
    assert len({mask.tobytes() for mask in masks}) > 15
    assert all(mask.any() and not (mask & ~within).any() for mask in masks)


def test_a_defect_is_dark_where_there_is_room_and_bright_where_not():
    for value, darker in ((250, True), (120, True), (5, False)):
        even = np.full((40, 40), value, np.uint8)
        after, mask = paste_defect(
            even, "crack", np.random.default_rng(0), size_px=20, contrast=50, middle=(20, 20)
        )
        assert mask.any()
        assert (after[mask].astype(int) < value).all() == darker


def test_a_stain_has_a_colour_on_a_coloured_surface_alone():
    grey = np.full((40, 40, 3), 150, np.uint8)
    coloured = grey - np.uint8([0, 30, 60])
    for surface, has_colour in ((grey, False), (coloured, True)):
        after, mask = paste_defect(
            surface, "stain", np.random.default_rng(1), size_px=20, contrast=50, middle=(20, 20)
        )
        change = surface[mask].astype(int) - after[mask]
        assert (np.ptp(change, axis=1).max() > 5) == has_colour


def test_a_missing_part_is_filled_in_from_around_it():
    picture = np.full((64, 64), 90, np.uint8)
    picture[28:37, 28:37] = 220  # the part
    rng = np.random.default_rng(0)
    after, mask = paste_defect(picture, "missing", rng, size_px=30, contrast=255, middle=(32, 32))
    assert mask[28:37, 28:37].all()
    assert np.all(after == 90)
    even = np.full((64, 64), 90, np.uint8)
    assert not paste_defect(even, "missing", rng, size_px=30, contrast=255)[1].any()


@settings(deadline=None, max_examples=25)
@given(shape=SHAPES, seed=st.integers(0, 99), share=st.floats(0.01, 1))
def test_filling_in_keeps_what_is_known_and_stays_in_its_range(shape, seed, share):
    rng = np.random.default_rng(seed)
    values = rng.random((*shape, 2), np.float32)
    known = rng.random(shape) < share
    filled = fill_in(values, known)
    assert np.array_equal(filled[known], values[known])
    if known.any():
        low, high = values[known].min(axis=0), values[known].max(axis=0)
        assert np.all((filled >= low - 1e-6) & (filled <= high + 1e-6))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kind": "hole"}, "kind must be one of scratch, pit"),
        ({"size_px": 2.0}, "size_px must be at least 3"),
        ({"size_px": np.nan}, "size_px must be at least 3"),
        ({"contrast": 0.5}, "contrast at least 1"),
        ({"middle": (40, 0)}, "middle must be a pixel"),
        ({"middle": (0, -1)}, "middle must be a pixel"),
        ({"within": np.zeros((40, 40), bool)}, "with a pixel in it"),
        ({"within": np.ones((40, 41), bool)}, "within must be"),
        ({"pixels": np.zeros((40, 40), np.float32)}, "uint8 or uint16"),
        ({"pixels": np.zeros((0, 40), np.uint8)}, "not empty"),
    ],
)
def test_what_cannot_be_drawn_is_refused(changes, words):
    arguments = {"pixels": np.zeros((40, 40), np.uint8), "kind": "pit", "size_px": 9.0}
    arguments |= {"contrast": 50.0, "rng": np.random.default_rng(0)} | changes
    with pytest.raises(ValueError, match=words):
        paste_defect(**arguments)
