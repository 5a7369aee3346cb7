"""Data sets in MVTec AD's layout."""

from pathlib import Path

import numpy as np
import pytest
from picture_files import write_png
from PIL import Image

from goldensample.datasets import Item, labelled, read_dataset, read_mask
from goldensample.datasets.items import unmasked_note
from goldensample.errors import ImageError
from goldensample.images.codec import read_shape
from goldensample.images.folder import read_images

DATA = Path(__file__).parents[2] / "shared" / "data"
MASK = np.zeros((6, 8), np.uint8)
MASK[1:3, 2:5] = 255


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small whole data set, with masks named both ways."""
    for name in ("train/good/0.png", "train/good/1.png", "test/good/0.png", "test/dent/0.png"):
        write_png(tmp_path / name)
    write_png(tmp_path / "test/hole/7.bmp")
    write_png(tmp_path / "ground_truth/dent/0_mask.png", MASK)
    write_png(tmp_path / "ground_truth/hole/7.tif", MASK)
    return tmp_path


def test_the_layout_is_read(root: Path) -> None:
    dataset = read_dataset(root)
    assert dataset.root == root
    assert dataset.train == (root / "train/good/0.png", root / "train/good/1.png")
    masks = root / "ground_truth"
    assert dataset.test == (
        Item("dent/0.png", root / "test/dent/0.png", "dent", True, (masks / "dent/0_mask.png",)),
        Item("good/0.png", root / "test/good/0.png", "good", False),
        Item("hole/7.bmp", root / "test/hole/7.bmp", "hole", True, (masks / "hole/7.tif",)),
    )
    assert dataset.has_masks
    assert (dataset.name, dataset.category) == (root.name, "")
    assert read_dataset(str(root)) == dataset


def test_masks_are_read(root: Path) -> None:
    dent, good, hole = read_dataset(root).test
    for item in (dent, hole):
        mask = read_mask(item, (6, 8))
        assert mask.dtype == bool
        assert np.array_equal(mask, MASK > 0)
    assert not read_mask(good, (6, 8)).any()
    assert read_mask(good, (6, 8)).shape == (6, 8)


@pytest.mark.parametrize("kind", ["L1", "I;16", "1", "P"])
def test_every_value_but_0_is_defect(root: Path, kind: str) -> None:
    values = (MASK > 0).astype(np.uint16 if kind == "I;16" else np.uint8)
    picture = Image.fromarray(values if kind in ("L1", "I;16") else MASK)
    path = root / "ground_truth/dent/0_mask.png"
    (picture if kind in ("L1", "I;16") else picture.convert(kind)).save(path)
    assert np.array_equal(read_mask(read_dataset(root).test[0], (6, 8)), MASK > 0)


def test_masks_that_do_not_fit_are_refused(root: Path) -> None:
    item = read_dataset(root).test[0]
    with pytest.raises(ImageError, match=r"0_mask\.png is 8x6 and .*0\.png is 9x6"):
        read_mask(item, (6, 9))
    (root / "ground_truth/dent/0_mask.png").write_bytes(b"")
    with pytest.raises(ImageError, match=r"0_mask\.png: the file is empty"):
        read_mask(item, (6, 8))
    with pytest.raises(ValueError, match=r"must have a mask; dent/0\.png has none"):
        read_mask(Item("dent/0.png", item.path, "dent", True), (6, 8))


def test_a_missing_mask_is_told(root: Path) -> None:
    (root / "ground_truth/dent/0_mask.png").unlink()
    data = read_dataset(root)
    words = "1 defect picture has no mask and cannot count in the figures on pixels: dent/0.png"
    assert unmasked_note(data) == words
    assert [item.mask is None for item in labelled(data, None)] == [True, False, False]
    for k in range(12):
        write_png(root / f"test/dent/{k + 20}.png")
    note = unmasked_note(read_dataset(root))
    assert note.startswith("13 defect pictures have no mask")
    assert note.endswith(", …")


def test_two_masks_for_one_picture_are_an_error(root: Path) -> None:
    write_png(root / "ground_truth/dent/0.png", MASK)
    with pytest.raises(ImageError, match=r"must have one mask; .*test/dent/0\.png has .*remove"):
        read_dataset(root)


def test_without_ground_truth_there_are_no_masks(root: Path) -> None:
    for path in sorted((root / "ground_truth").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    assert unmasked_note(read_dataset(root)).startswith("2 defect pictures have no mask")
    (root / "ground_truth").rmdir()
    dataset = read_dataset(root)
    assert not dataset.has_masks
    assert [item.masks for item in dataset.test] == [()] * 3


def test_train_may_be_missing_but_not_empty(root: Path) -> None:
    for path in dict(enumerate(read_dataset(root).train)).values():
        path.unlink()
    with pytest.raises(ImageError, match=r"must hold pictures .*train.good holds none"):
        read_dataset(root)
    (root / "train/good").rmdir()
    assert read_dataset(root).train == ()


def test_good_and_defect_must_both_be_there(root: Path) -> None:
    (root / "test/good/0.png").unlink()
    with pytest.raises(ImageError, match=r"good and defect pictures; it holds dent, hole\n"):
        read_dataset(root)


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ([], "must hold good and defect pictures; it holds none\n"),
        (["test/good/0.png"], "must hold good and defect pictures; it holds good\n"),
        (["test/0.png", "test/good/1.png"], r"must have a label; 1 have none: 0\.png; move"),
        (["good/0.png", "bad/0.png"], "it has no folder test"),
        (["cup/test/good/0.png", "jug/test/good/0.png"], "it has data sets in cup, jug: name one"),
    ],
)
def test_a_wrong_layout_is_shown_the_right_one(
    tmp_path: Path, files: list[str], reason: str
) -> None:
    (tmp_path / "set").mkdir()
    for name in files:
        write_png(tmp_path / "set" / name)
    if not files:
        (tmp_path / "set/test").mkdir()
    with pytest.raises(ImageError, match=reason) as caught:
        read_dataset(tmp_path / "set")
    assert "ground_truth/TYPE/NAME_mask.png" in str(caught.value)


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="there is no such folder\n  train/good"):
        read_dataset(tmp_path / "no")


@pytest.mark.real
@pytest.mark.parametrize(
    ("name", "train", "kinds"),
    [
        ("mvtec_ad/bottle", 209, {"good": 20, "broken_large": 20, "broken_small": 22}),
        ("mvtec_ad_small/hazelnut", 50, {}),
        ("mvtec_ad_small/transistor", 50, {}),
        ("magnetic_tile", 761, {"good": 191, "blowhole": 115, "break": 85, "uneven": 103}),
    ],
)
def test_real_data_sets(name: str, train: int, kinds: dict[str, int]) -> None:
    if not (DATA / name).is_dir():
        pytest.skip(f"no {name} in {DATA}")
    dataset = read_dataset(DATA / name)
    assert len(dataset.train) == train
    assert dataset.has_masks
    counts = {kind: sum(item.defect_type == kind for item in dataset.test) for kind in kinds}
    assert counts == kinds
    empty = 0
    for item in dataset.test:
        mask = read_mask(item, read_shape(item.path))
        assert item.defect or not mask.any()
        empty += item.defect and not mask.any()
        assert mask.mean() < 0.99
    assert empty == (4 if name == "magnetic_tile" else 0)  # published masks that mark nothing


@pytest.mark.real
def test_real_pictures_are_read() -> None:
    if not (DATA / "mvtec_ad_small").is_dir():
        pytest.skip(f"no mvtec_ad_small in {DATA}")
    pictures = read_images(DATA / "mvtec_ad_small/hazelnut/train/good")
    assert set(pictures.shapes()) == {(256, 256)}
    assert pictures.grey_range is None
    assert len({picture.pixels.tobytes() for picture in pictures}) == len(pictures)
