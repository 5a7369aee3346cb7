"""Regions as data: contours, masks, COCO, sizes, and the reasons for them."""

import io
import json
from contextlib import redirect_stdout

import numpy as np
import pytest
from commands import golden
from conftest import fit, part
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image

from goldensample import ArtifactError
from goldensample.masks.annotations import draw_regions, mask_paths
from goldensample.masks.coco import CocoWriter
from goldensample.masks.rle import encode
from goldensample.records import Inspection, Threshold
from goldensample.regions.contours import contours, outlines
from goldensample.regions.heatmap import region_mask, regions, regions_of_verdict
from goldensample.wording.regions import RegionOptions, region_lines, regions_json


def masks() -> st.SearchStrategy[np.ndarray]:
    """Masks of any shape, empty and full ones among them."""
    return arrays(bool, array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40))


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
        own[top : top + height, left : left + width] = region_mask(values, region)
        assert own.sum() == region.area_px
        assert np.array_equal(within(contours(values, region), values.shape), own)
        seen += own
    assert np.array_equal(seen, (values > limit).astype(int))


def test_a_contour_by_hand():
    values = np.float32([[0, 0, 0, 0], [0, 2, 2, 0], [0, 0, 0, 0]])
    (loop,) = contours(values, regions(values, 1.0)[0])
    expected = {(1.0, 1.5), (1.0, 2.5), (1.5, 1.0), (1.5, 3.0), (2.0, 1.5), (2.0, 2.5)}
    assert set(map(tuple, loop.tolist())) == expected


def test_contours_at_saddles_begin_and_run_as_in_earlier_records():
    values = np.array([[2.0, 0, 0, 0], [0, 2, 0, 2], [0, 0, 0, 2]])
    joined, last = (loop.tolist() for loop in outlines(values, 0.9, 1, values.shape))
    assert joined[:4] == [[0, 0.5], [0.5, 0], [pytest.approx(1.05), 0.5], [1.5, 0.95]]
    assert joined[4:] == [[pytest.approx(2.05), 1.5], [1.5, 2.05], [0.95, 1.5], [0.5, 1.05]]
    assert last == [[0.95, 3.5], [1.5, 2.95], [2.5, 2.95], [3, 3.5], [2.5, 4], [1.5, 4]]
    apart = outlines(values, 1.5, 1, values.shape)
    starts = [loop[0].tolist() for loop in apart]
    assert starts == [[0, 0.5], [1.5, 1.75], [1.25, 3.5]]


def test_a_region_over_the_whole_picture_runs_along_its_edge():
    values = np.full((4, 6), 5.0, np.float32)
    (loop,) = contours(values, regions(values, 1.0)[0])
    assert (loop.min(axis=0).tolist(), loop.max(axis=0).tolist()) == ([0, 0], [4, 6])


def test_a_limit_that_a_pixel_has_exactly_in_half_its_digits():
    limit = float(np.float32(0.1)) + 1e-10  # as float32, it is the value of the pixel
    values = np.float32([[0.1, 0.1, 0.1], [0.1, 3, 0.1]])
    (region,) = regions(values, limit)
    assert region.area_px == 1
    assert within(contours(values, region), (2, 3)).sum() == 1


def said(values: np.ndarray, limit: float, name: str = "a/b.png") -> Inspection:
    found = tuple(regions(values, limit))
    return Inspection(name, 3.0, "defect", values, (0, 0, *values.shape), found)


def test_a_mask_holds_the_regions_that_count():
    values = bumpy(1)
    found = said(values, 1.4)
    assert np.array_equal(draw_regions(values, found.regions) > 0, values > 1.4)
    large = RegionOptions(smallest_px=5).drop_small(found)
    assert large.verdict == "defect"
    assert 0 < len(large.regions) < len(found.regions)
    assert (draw_regions(values, large.regions) > 0).sum() == sum(r.area_px for r in large.regions)


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools
def test_coco_is_exact_in_pycocotools_holes_included(tmp_path):
    from pycocotools.coco import COCO

    values, ring = bumpy(2), np.zeros((17, 19), np.float32)
    ring[1:16, 1:16] = 2
    ring[5:11, 5:11] = 0
    coco = CocoWriter()
    coco.add(said(np.zeros((5, 5), np.float32), 1.0, "good.png"), np.zeros((5, 5), np.float32))
    coco.add(said(values, 1.4), values)
    coco.add(said(ring, 1.0, "ring.png"), ring)
    coco.write_dataset(tmp_path / "a.json")
    coco.write_results(tmp_path / "results.json")
    written = json.loads((tmp_path / "a.json").read_text())
    assert written["info"]["description"]
    assert [one["file_name"] for one in written["images"]] == ["good.png", "a/b.png", "ring.png"]
    with redirect_stdout(io.StringIO()):
        dataset = COCO(tmp_path / "a.json")
        loaded = dataset.loadRes(str(tmp_path / "results.json"))
    for number, truth in ((1, np.zeros((5, 5), bool)), (2, values > 1.4), (3, ring > 1)):
        for one in (dataset, loaded):
            mask = np.zeros(truth.shape, int)
            for annotation in one.loadAnns(one.getAnnIds(imgIds=[number])):
                decoded = one.annToMask(annotation)
                assert int(decoded.sum()) == annotation["area"]
                rows, columns = np.nonzero(decoded)
                box = [columns.min(), rows.min(), np.ptp(columns) + 1, np.ptp(rows) + 1]
                assert [*annotation["bbox"]] == box
                mask += decoded
            assert np.array_equal(mask, truth)
    assert [one["area"] for one in dataset.loadAnns(dataset.getAnnIds(imgIds=[3]))] == [189]


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
@given(masks())
def test_run_lengths_are_those_of_pycocotools(mask):
    from pycocotools import mask as coco_mask

    expected = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
    assert encode(mask) == {"size": [*mask.shape], "counts": expected["counts"].decode()}


@pytest.mark.parametrize("verdict", ["good", "review", "defect"])
@pytest.mark.parametrize("limit", [1.4, 5.0])
def test_regions_go_with_the_verdict(verdict, limit):
    values = bumpy(3)
    found = regions_of_verdict(values, limit, verdict)
    if verdict == "good":
        assert not found
    elif limit == 1.4:
        assert found == regions(values, 1.4)
    else:
        assert {one.limit for one in found} == {0.9 * 3.0}
        assert (draw_regions(values, found) > 0).tolist() == (values > 2.7).tolist()


def test_every_output_of_a_picture_tells_one_story(line, tmp_path):
    """A good picture has no mark anywhere, another has one everywhere, whatever the limit."""
    scores = [
        json.loads(text)["score"]
        for text in golden(
            "inspect", line / "part.golden", line / "test", "--json"
        ).stdout.splitlines()
    ]
    low, high = min(scores) * 0.99, max(scores) * 0.999
    for number, limits in enumerate(([], ["--threshold", low], ["--threshold", high])):
        out = tmp_path / str(number)
        words = ["--json", "--explain", "--masks", out / "masks", "--coco", out / "coco.json"]
        done = golden("inspect", line / "part.golden", line / "test", *limits, *words)
        assert done.returncode == 0, done.stderr
        coco = json.loads((out / "coco.json").read_text())
        numbers = {one["file_name"]: one["id"] for one in coco["images"]}
        verdicts = set()
        for one in map(json.loads, done.stdout.splitlines()):
            marked = np.asarray(Image.open(out / "masks" / one["picture"])).any()
            listed = {a["image_id"] for a in coco["annotations"]}
            expected = one["verdict"] != "good"
            assert (marked, bool(one["regions"])) == (expected, expected)
            assert (numbers[one["picture"]] in listed) == expected
            assert all(region["contour_px"] for region in one["regions"])
            verdicts.add(one["verdict"])
        assert verdicts == ({"defect"} if number == 1 else {"good", "defect"})


def test_sizes_in_millimetres_and_reasons_in_json_and_words(tiny, good_parts):
    inspector = fit(good_parts, backbone=tiny)
    found = inspector.inspect(part(100, defect=True))
    region = found.regions[0]
    peaks = inspector.calibrations["fp32"].peaks
    assert region.p_value == (1 + (peaks >= region.peak).sum()) / (len(peaks) + 1)
    assert region.distance >= region.peak  # the blur only takes from a lone peak
    told = RegionOptions(explain=True, mm_per_px=0.5)
    one = regions_json(found, told)[0]
    assert one["area_mm2"] == region.area_px / 4
    assert one["box_mm"] == [side / 2 for side in region.box_px]
    assert (one["distance"], one["p_value"]) == (region.distance, region.p_value)
    assert within([np.asarray(loop) for loop in one["contour_px"]], (48, 48)).sum() == (
        region.area_px
    )
    assert "contour_px" not in regions_json(found)[0]
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
