"""Regions as data: contours, masks, COCO, sizes, and the reasons for them."""

import json

import numpy as np
import pytest
from commands import golden
from conftest import part
from PIL import Image

from goldensample import ArtifactError, fit
from goldensample.masks.annotations import Coco, draw_regions, mask_paths
from goldensample.records import Inspection, Threshold
from goldensample.regions.contours import contours
from goldensample.regions.heatmap import region_mask, regions
from goldensample.wording.regions import RegionOptions, region_lines, regions_json


def bumpy(seed: int, size_hw: tuple[int, int] = (23, 31)) -> np.ndarray:
    """A map with many regions, some with holes, some at the edge, some inside others' boxes."""
    return np.random.default_rng(seed).choice(
        np.float32([0.0, 1.0, 2.0, 3.0]), size=size_hw, p=(0.4, 0.25, 0.2, 0.15)
    )


def within(loops: list[np.ndarray], size_hw: tuple[int, int]) -> np.ndarray:
    """Tell for each pixel, by counting crossings, whether its centre lies in closed loops."""
    rows, columns = np.meshgrid(*(np.arange(side) + 0.5001 for side in size_hw), indexing="ij")
    found = np.zeros(size_hw, bool)
    for loop in loops:
        for (y0, x0), (y1, x1) in zip(loop, np.roll(loop, -1, axis=0), strict=True):
            crossed = (y0 > rows) != (y1 > rows)
            if y0 != y1:
                found ^= crossed & (columns < x0 + (rows - y0) / (y1 - y0) * (x1 - x0))
    return found


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("limit", [0.7, 1.4])
def test_contours_hold_the_pixels_of_their_region_and_no_others(seed, limit):
    values, seen = bumpy(seed), np.zeros((23, 31), int)
    for region in regions(values, limit):
        top, left, height, width = region.box_px
        own = np.zeros(values.shape, bool)
        own[top : top + height, left : left + width] = region_mask(values, limit, region)
        assert own.sum() == region.area_px
        assert np.array_equal(within(contours(values, limit, region), values.shape), own)
        seen += own
    assert np.array_equal(seen, (values > limit).astype(int))


def test_a_contour_by_hand():
    values = np.float32([[0, 0, 0, 0], [0, 2, 2, 0], [0, 0, 0, 0]])
    (loop,) = contours(values, 1.0, regions(values, 1.0)[0])
    expected = {(1.0, 1.5), (1.0, 2.5), (1.5, 1.0), (1.5, 3.0), (2.0, 1.5), (2.0, 2.5)}
    assert set(map(tuple, loop.tolist())) == expected


def test_a_region_over_the_whole_picture_runs_along_its_edge():
    values = np.full((4, 6), 5.0, np.float32)
    (loop,) = contours(values, 1.0, regions(values, 1.0)[0])
    assert (loop.min(axis=0).tolist(), loop.max(axis=0).tolist()) == ([0, 0], [4, 6])


def test_a_limit_that_a_pixel_has_exactly_in_half_its_digits():
    limit = float(np.float32(0.1)) + 1e-10  # as float32, it is the value of the pixel
    values = np.float32([[0.1, 0.1, 0.1], [0.1, 3, 0.1]])
    (region,) = regions(values, limit)
    assert region.area_px == 1
    assert within(contours(values, limit, region), (2, 3)).sum() == 1


def test_filled_contours_have_no_holes():
    values = np.zeros((7, 7), np.float32)
    values[1:6, 1:6] = 2
    values[3, 3] = 0
    (region,) = regions(values, 1.0)
    assert len(contours(values, 1.0, region)) == 2
    (outer,) = contours(values, 1.0, region, holes=False)
    assert within([outer], (7, 7)).sum() == 25


def said(values: np.ndarray, limit: float, name: str = "a/b.png") -> Inspection:
    found = tuple(regions(values, limit))
    return Inspection(name, 3.0, "defect", values, (0, 0, *values.shape), found)


def test_a_mask_holds_the_regions_that_count():
    values = bumpy(1)
    found = said(values, 1.4)
    assert np.array_equal(draw_regions(values, 1.4, found.regions) > 0, values > 1.4)
    large = RegionOptions(smallest_px=5).drop_small(found)
    assert large.verdict == "defect"
    assert 0 < len(large.regions) < len(found.regions)
    assert (draw_regions(values, 1.4, large.regions) > 0).sum() == sum(
        r.area_px for r in large.regions
    )


def test_coco_holds_polygons_boxes_and_areas(tmp_path):
    values = bumpy(2)
    coco = Coco()
    calm = np.zeros((5, 5), np.float32)
    coco.add(said(calm, 1.0, "good.png"), calm, 1.0)
    coco.add(said(values, 1.4), values, 1.4)
    coco.write(tmp_path / "a.json")
    written = json.loads((tmp_path / "a.json").read_text())
    assert [one["file_name"] for one in written["images"]] == ["good.png", "a/b.png"]
    assert written["images"][1] | {"id": 0} == {
        "id": 0, "file_name": "a/b.png", "height": 23, "width": 31,
    }  # fmt: skip
    assert {one["image_id"] for one in written["annotations"]} == {2}
    assert sum(one["area"] for one in written["annotations"]) == (values > 1.4).sum()
    filled = np.zeros(values.shape, bool)
    for one in written["annotations"]:
        x, y, width, height = one["bbox"]
        for polygon in one["segmentation"]:
            assert len(polygon) >= 6
            loop = np.asarray(polygon).reshape(-1, 2)[:, ::-1]
            inner = within([loop], values.shape)
            rows, columns = np.nonzero(inner)
            assert y <= rows.min() <= rows.max() < y + height
            assert x <= columns.min() <= columns.max() < x + width
            filled |= inner
    assert (filled | ~(values > 1.4)).all()


def test_sizes_in_millimetres_and_reasons_in_json_and_words(tiny, good_parts):
    inspector = fit(good_parts, backbone=tiny)
    found = inspector.inspect(part(100, defect=True))
    region = found.regions[0]
    peaks = inspector.calibrations["fp32"].peaks
    assert region.p_value == (1 + (peaks >= region.peak).sum()) / (len(peaks) + 1)
    assert region.distance >= region.peak  # the blur only takes from a lone peak
    told = RegionOptions(explain=True, mm_per_px=0.5)
    one = regions_json(found, inspector.threshold, told)[0]
    assert one["area_mm2"] == region.area_px / 4
    assert one["box_mm"] == [side / 2 for side in region.box_px]
    assert (one["distance"], one["p_value"]) == (region.distance, region.p_value)
    assert within([np.asarray(loop) for loop in one["contour_px"]], (48, 48)).sum() == (
        region.area_px
    )
    assert "contour_px" not in regions_json(found, inspector.threshold)[0]
    words = region_lines(found.regions, told)[0]
    assert f"({region.area_px / 4:.4g} mm²)" in words
    assert f"away: {region.reason.picture}, row" in words
    with pytest.raises(ValueError, match="mm-per-px must be above 0; got -1"):
        RegionOptions(mm_per_px=-1)


def test_without_calibration_a_region_has_no_p_value(tiny, good_parts):
    inspector = fit(good_parts[:9], backbone=tiny, false_alarms=None)
    at_hand = {"fp32": Threshold(1.0, 1e-3)}
    found = type(inspector)(**{**vars(inspector), "thresholds": at_hand}).inspect(part(1, True))
    assert found.regions[0].p_value is None
    assert found.regions[0].distance > 0


def test_masks_stay_in_their_folder_and_replace_nothing(tmp_path):
    pictures = [tmp_path / "in" / name for name in ("a.png", "b.jpg")]
    folder = tmp_path / "out"
    paths = mask_paths(folder, ["x/a.png", "b.jpg"], pictures)
    assert paths == [folder / "x/a.png", folder / "b.png"]
    for name in ("../a.png", "/etc/a.png", "x/../../a.png"):
        with pytest.raises(ArtifactError, match="must lie in"):
            mask_paths(folder, [name], pictures)
    for names in (["a.png"], ["c.png", "c.jpg"]):
        with pytest.raises(ArtifactError, match="a name of its own"):
            mask_paths(tmp_path / "in", names, pictures)
    (tmp_path / "out").mkdir()
    (tmp_path / "out/away").symlink_to(tmp_path)
    with pytest.raises(ArtifactError, match="must lie in"):
        mask_paths(folder, ["away/a.png"], pictures)


def test_inspect_writes_masks_and_coco_and_explains(line, tmp_path):
    done = golden(
        "inspect", line / "part.golden", line / "test", "--json", "--explain", "--smallest", 20,
        "--mm-per-px", 0.1, "--masks", tmp_path / "masks", "--coco", tmp_path / "coco.json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    results = [json.loads(text) for text in done.stdout.splitlines()]
    coco = json.loads((tmp_path / "coco.json").read_text())
    assert len(coco["images"]) == len(results) == 12
    assert len(coco["annotations"]) == sum(len(one["regions"]) for one in results)
    for one in results:
        mask = np.asarray(Image.open(tmp_path / "masks" / one["picture"]))
        assert (mask.shape, mask.dtype) == ((48, 48), np.uint8)
        assert set(np.unique(mask)) <= {0, 255}
        assert (mask > 0).sum() == sum(region["area_px"] for region in one["regions"])
        assert all(region["area_px"] >= 20 for region in one["regions"])
    spot = next(one for one in results if one["picture"] == "spot/000.png")["regions"][0]
    assert {"contour_px", "distance", "p_value", "area_mm2", "box_mm"} <= set(spot)
    words = golden("inspect", line / "part.golden", line / "test/spot/000.png", "--explain").stdout
    assert "\n  region 1: " in words


def test_masks_are_refused_where_they_would_replace_pictures_or_have_no_limit(
    line,
    tiny_file,
    tmp_path,
):
    spots = line / "test/spot"
    done = golden("inspect", line / "part.golden", spots, "--masks", spots)
    assert done.returncode == 2
    assert "a mask must have a name of its own" in done.stderr
    golden(
        "fit", line / "train/good", "-o", tmp_path / "bare.golden", "--backbone",
        f"onnx:{tiny_file}", "--false-alarms", 0,
    )  # fmt: skip
    done = golden("inspect", tmp_path / "bare.golden", spots, "--coco", tmp_path / "c.json")
    assert done.returncode == 2
    assert "must have a pixel threshold" in done.stderr
