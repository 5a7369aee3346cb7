"""The demo's line of parts: every picture can be drawn again, every mask is right."""

from functools import lru_cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy import ndimage

from goldensample.demo import FAMILIES, LOGICAL, Part, render, write_dataset
from goldensample.demo.families import VISIBLE
from goldensample.demo.line import picture_seed
from goldensample.synthetic.fields import box_distance, segment_distance, smooth_noise, smoothstep

EVERY = FAMILIES | LOGICAL
DAMAGE = [(family.name, defect) for family in EVERY.values() for defect in family.defects]


@lru_cache(maxsize=32)
def good(family: str, seed: int) -> Part:
    return render(family, seed)


def test_there_are_families_of_several_kinds() -> None:
    assert len(FAMILIES) >= 5
    assert all(len(family.defects) >= 3 for family in FAMILIES.values())
    assert any(family.size_hw[0] != family.size_hw[1] for family in FAMILIES.values())
    assert all(name == family.name for name, family in EVERY.items())


@pytest.mark.parametrize("family", EVERY)
def test_a_good_part_is_a_picture_with_an_empty_mask(family: str) -> None:
    part = good(family, 1)
    assert part.pixels.shape == (*EVERY[family].size_hw, 3)
    assert part.pixels.dtype == np.uint8
    assert part.mask.shape == EVERY[family].size_hw
    assert part.mask.dtype == bool
    assert not part.mask.any()
    assert part.pixels.std() > 5
    assert np.mean(part.pixels == 255) < 0.05, "burnt out"


@pytest.mark.parametrize("family", EVERY)
def test_a_seed_decides_the_picture(family: str) -> None:
    assert np.array_equal(render(family, 1).pixels, good(family, 1).pixels)
    assert not np.array_equal(good(family, 2).pixels, good(family, 1).pixels)
    brightness = [float(good(family, seed).pixels.mean()) for seed in range(1, 5)]
    assert np.ptp(brightness) > 1, "the light does not vary"


def test_a_kit_changes_by_whole_components() -> None:
    """Of each defect, the mask has as many patches as the components that were moved."""
    patches = {}
    for defect in LOGICAL["kit"].defects:
        mask = render("kit", 5, defect).mask
        labels, count = ndimage.label(ndimage.binary_closing(mask, iterations=4))
        sizes = ndimage.sum_labels(mask, labels, range(1, count + 1))
        patches[defect] = int(np.sum(sizes > 40))
    assert patches == {"missing": 1, "extra": 1, "swapped": 2, "cut_lead": 1}


def test_no_global_random_state_is_touched() -> None:
    before = np.random.get_state(legacy=False)
    render("cap", 3, "scratch")
    after = np.random.get_state(legacy=False)
    assert str(before) == str(after)


@pytest.mark.parametrize("seed", [11, 12])
@pytest.mark.parametrize(("family", "defect"), DAMAGE)
def test_the_mask_is_where_the_damaged_part_differs(family: str, defect: str, seed: int) -> None:
    sound, damaged = good(family, seed), render(family, seed, defect)
    change = np.abs(damaged.pixels.astype(int) - sound.pixels).max(axis=2)
    near = ndimage.binary_dilation(damaged.mask, iterations=2)
    assert not change[~near].any(), "the picture changed outside the mask"
    assert 15 <= damaged.mask.sum() <= 0.25 * damaged.mask.size
    # A change beyond the limit is in the mask; noise and rounding move it by 2 levels at most.
    assert damaged.mask[change > VISIBLE + 2].all()
    assert np.mean(change[damaged.mask] >= VISIBLE - 2) > 0.6, "the mask is larger than the change"
    assert change.max() >= 15, "nobody could see this"


@pytest.mark.parametrize(
    ("family", "defect", "word"), [("spoon", None, "washer"), ("washer", "knot", "scratch")]
)
def test_what_is_not_known_is_refused_with_the_choices(
    family: str, defect: str | None, word: str
) -> None:
    with pytest.raises(ValueError, match=word):
        render(family, 0, defect)


def test_the_line_is_written_in_mvtec_layout(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    write_dataset(tmp_path, ["screw"], 2, 1, 1, lambda *words: told.append(words))
    defects = FAMILIES["screw"].defects
    expected = {"train/good/000.png", "train/good/001.png", "test/good/000.png"}
    expected |= {f"test/{defect}/000.png" for defect in defects}
    expected |= {f"ground_truth/{defect}/000_mask.png" for defect in defects}
    folder = tmp_path / "screw"
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*.*")} == expected
    total = 3 + len(defects)
    assert told == [("screw", done, total) for done in range(total + 1)]
    part = render("screw", picture_seed("screw", "test", "bent", 0), "bent")
    with Image.open(folder / "test/bent/000.png") as picture:
        assert np.array_equal(np.asarray(picture), part.pixels)
    with Image.open(folder / "ground_truth/bent/000_mask.png") as mask:
        assert np.array_equal(np.asarray(mask), part.mask * np.uint8(255))


def test_a_line_with_an_unknown_family_writes_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="family must be one of"):
        write_dataset(tmp_path, ["cap", "spoon"], 1, 1, 1, lambda *_: None)
    assert not list(tmp_path.iterdir())


def test_no_two_pictures_of_a_line_share_a_seed() -> None:
    seeds = [
        picture_seed(family.name, split, kind, index)
        for family in EVERY.values()
        for split, kind in [("train", "good"), *(("test", k) for k in ("good", *family.defects))]
        for index in range(100)
    ]
    assert len(set(seeds)) == len(seeds)


def test_outlines_by_hand() -> None:
    x, y = np.array([[3, 0]], np.float32), np.array([[0, 1]], np.float32)
    assert box_distance(x, y, (2.0, 4.0)).tolist() == [[1.0, -2.0]]
    distance, along = segment_distance(x, y, (0.0, 0.0), (2.0, 0.0))
    assert distance.tolist() == [[1.0, 1.0]]
    assert along.tolist() == [[1.0, 0.0]]
    assert smoothstep(0.0, 2.0, np.array([-1, 1, 5], np.float32)).tolist() == [0.0, 0.5, 1.0]


def test_a_cloud_is_smooth_and_of_unit_strength() -> None:
    field = smooth_noise(np.random.default_rng(0), (400, 300), (8, 5))
    assert field.shape == (400, 300)
    assert field.dtype == np.float32
    assert abs(float(field.mean())) < 0.1
    assert 0.9 < float(field.std()) < 1.1
    assert float(np.abs(np.diff(field, axis=0)).max()) < 1
