"""One rule of what a mask marks: ground truth, regions of interest, zones and missed defects."""

from pathlib import Path

import numpy as np
import pytest
from commands import golden
from conftest import part, part_mask
from picture_files import save_picture, write_png
from PIL import Image

from goldensample.datasets import LAYOUTS, read_mask
from goldensample.datasets.checking import check
from goldensample.datasets.items import Item
from goldensample.errors import ImageError
from goldensample.masks.reading import read_marked, read_steering_mask
from goldensample.masks.roi_files import read_mask as read_roi_mask
from goldensample.masks.roi_files import read_roi
from goldensample.masks.zone_files import read_zones

MARKED = np.zeros((6, 8), bool)
MARKED[1:3, 2:5] = True


def palette(values: np.ndarray, *colours: int) -> Image.Image:
    picture = Image.fromarray(values.astype(np.uint8), "L")
    picture.putpalette(colours)
    return picture


def rgba(colour: np.ndarray, opaque: np.ndarray) -> Image.Image:
    return Image.fromarray(np.dstack([colour.astype(np.uint8)] * 3 + [opaque.astype(np.uint8)]))


KEYED = palette(MARKED, 0, 0, 0, 255, 0, 0)
KEYED.info["transparency"] = 0
WHITE_KEY = Image.fromarray(np.where(MARKED, 255, 9).astype(np.uint8))
WHITE_KEY.info["transparency"] = 9
PICTURES = {
    "0 and 1": Image.fromarray(MARKED.astype(np.uint8)),
    "0 and 100": Image.fromarray(MARKED.astype(np.uint8) * 100),
    "0 and 255": Image.fromarray(MARKED.astype(np.uint8) * 255),
    "0 and 1 of 16 bits": Image.fromarray(MARKED.astype(np.uint16)),
    "0 and 256 of 16 bits": Image.fromarray(MARKED.astype(np.uint16) * 256),
    "1 bit": Image.fromarray(MARKED),
    "dark blue": Image.fromarray(np.dstack([MARKED * 0, MARKED * 0, MARKED]).astype(np.uint8)),
    "a dark colour of a palette": palette(MARKED, 0, 0, 0, 0, 0, 60),
    "labels in a palette": palette(MARKED * 2, 0, 0, 0, 128, 0, 0, 0, 128, 0),
    "labels on a grey background": palette(MARKED, 120, 120, 120, 180, 120, 120),
    "labels that are all black": palette(MARKED, 0, 0, 0, 0, 0, 0),
    "white first in the palette": palette(~MARKED, 255, 255, 255, 0, 0, 0),
    "transparent by palette": KEYED,
    "transparent by value": WHITE_KEY,
    "white under alpha": rgba(np.full((6, 8), 255), MARKED * 255),
    "opaque": rgba(MARKED * 255, np.full((6, 8), 255)),
    "half transparent": rgba(MARKED * 9, np.full((6, 8), 128)),
    "grey and alpha": Image.fromarray(
        np.dstack([np.full((6, 8), 7), MARKED * 3]).astype(np.uint8), "LA"
    ),
}


@pytest.mark.parametrize("name", PICTURES)
def test_all_readers_mark_the_same(tmp_path: Path, name: str) -> None:
    file = tmp_path / "mask.png"
    keywords = {"transparency": t} if (t := PICTURES[name].info.get("transparency")) else {}
    PICTURES[name].save(file, **keywords)
    item = Item("a", tmp_path / "a.png", "dent", True, (file,))
    for marked in (read_marked(file), read_mask(item, (6, 8)), read_roi_mask(file, [(60, 80)])):
        assert marked.dtype == bool
        assert np.array_equal(marked, MARKED)
    cells = MARKED.reshape(-1)
    view = read_roi(file, None, [(6, 8)])
    assert view is not None
    assert view.share == pytest.approx(1 - cells.mean())
    (tmp_path / "zones.json").write_text(
        '{"zones": [{"name": "a", "limit": 2, "mask": "mask.png"}]}'
    )
    (zone,) = read_zones(tmp_path / "zones.json", [(6, 8)])
    assert zone.where.share == pytest.approx(cells.mean())


def test_masks_turn_with_their_exif_orientation(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    for name in ("0 and 1", "white under alpha", "a dark colour of a palette"):
        PICTURES[name].save(tmp_path / "turned.png", exif=exif)
        assert np.array_equal(read_marked(tmp_path / "turned.png"), np.rot90(MARKED, -1)), name


@pytest.mark.parametrize(("value", "words"), [(0, "marks nothing"), (1, "marks the whole picture")])
def test_a_mask_that_steers_marks_a_part(tmp_path: Path, value: int, words: str) -> None:
    file = write_png(tmp_path / "mask.png", np.full((6, 8), value, np.uint8))
    (tmp_path / "zones.json").write_text(
        '{"zones": [{"name": "a", "limit": 2, "mask": "mask.png"}]}'
    )
    for read in (
        lambda: read_steering_mask(file),
        lambda: read_roi(file, None, []),
        lambda: read_roi(None, file, []),
        lambda: read_zones(tmp_path / "zones.json"),
    ):
        with pytest.raises(ImageError, match=words):
            read()


def test_polygons_that_cover_nothing_are_refused(tmp_path: Path) -> None:
    for text in ('{"polygons": []}', '{"polygons": [[[0.1, 0.1], [0.1, 0.1], [0.1, 0.1]]]}'):
        (tmp_path / "a.json").write_text(text)
        with pytest.raises(ImageError, match="cover nothing"):
            read_roi(tmp_path / "a.json", None, [])


def test_check_tells_masks_that_mark_nothing_or_all(tmp_path: Path) -> None:
    for number, name in enumerate(("train/good/0", "test/good/0", "test/dent/0", "test/dent/1")):
        levels = np.arange(number, number + 48, dtype=np.uint8)
        save_picture(tmp_path / f"{name}.png", levels.reshape(6, 8))
    for number in (0, 1):
        write_png(tmp_path / f"ground_truth/dent/{number}.png", np.full((6, 8), number, np.uint8))
    findings = check(LAYOUTS["mvtec_ad"].read(tmp_path, ""))
    assert [(one.kind, one.problem) for one in findings] == [
        ("mask_empty", True),
        ("mask_full", True),
    ]


def test_the_commands_refuse_masks_that_steer_nowhere(line: Path, tmp_path: Path) -> None:
    missed = save_picture(tmp_path / "missed.png", part(3, defect=True))
    shape = part_mask().shape
    nothing = write_png(tmp_path / "nothing.png", np.zeros(shape, np.uint8))
    done = golden("fit", line / "train/good", "-o", tmp_path / "a.golden", "--ignore", nothing)
    assert done.returncode == 2
    assert "marks nothing" in done.stderr
    words = ("--good", line / "train/good", "--mask")
    for value, reason in ((0, "marks nothing"), (255, "marks the whole picture")):
        mask = write_png(tmp_path / "mask.png", np.full(shape, value, np.uint8))
        done = golden("teach-miss", line / "part.golden", missed, *words, mask)
        assert done.returncode == 2
        assert reason in done.stderr
        assert "Traceback" not in done.stderr
    mask = write_png(tmp_path / "mask.png", (part_mask() > 0).astype(np.uint8))
    done = golden("teach-miss", line / "part.golden", missed, *words, mask)
    assert "a miss must not be caught already" in done.stderr  # the mask was taken
