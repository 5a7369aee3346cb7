"""MVTec LOCO's sPRO: its file, its channels, and a slow reference written from its definition."""

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import fit, part
from hypothesis import given
from hypothesis import strategies as st
from picture_files import save_picture
from PIL import Image

from goldensample import Preparation
from goldensample.cli.evaluate import format_evaluation
from goldensample.datasets import labelled, read_category
from goldensample.datasets.saturation import Saturation
from goldensample.errors import ImageError
from goldensample.evaluation.evaluate import Tally, evaluate
from goldensample.evaluation.pixel_metrics import Channel, PixelTally
from goldensample.images.codec import read_samples
from test_evaluation import KINDS, MASK, inspected

CONFIG = [
    ("missing_pin", 255, 30, False),
    ("broken_pin", 254, 0.5, True),
    ("two_pins", 253, 10_000, False),
]


def spro(maps: list[np.ndarray], channels: list[list[Channel]], limit: float) -> float:
    """sPRO as its paper defines it: threshold by threshold, channel by channel."""
    curve = [(0.0, 0.0)]
    unions = [
        np.any([c.mask for c in of_map] or [np.zeros(m.shape, bool)], axis=0)
        for m, of_map in zip(maps, channels, strict=True)
    ]
    good = sum((~union).sum() for union in unions)
    for threshold in np.unique(np.concatenate([m.ravel() for m in maps]))[::-1]:
        false = sum(
            ((m >= threshold) & ~union).sum() for m, union in zip(maps, unions, strict=True)
        )
        shares = [
            min(((m >= threshold) & c.mask).sum() / c.saturation, 1)
            for m, of_map in zip(maps, channels, strict=True)
            for c in of_map
        ]
        curve.append((false / good, float(np.mean(shares))))
    rates, overlaps = np.array(curve).T
    inside = rates <= limit
    rates = np.append(rates[inside], limit)
    overlaps = np.append(overlaps[inside], _at(np.array(curve), limit))
    return float(np.trapezoid(overlaps, rates) / limit)


def _at(curve: np.ndarray, limit: float) -> float:
    """The overlap at a false positive rate, on the straight line between two thresholds."""
    before = np.flatnonzero(curve[:, 0] <= limit)[-1]
    if before + 1 == len(curve):
        return curve[-1, 1]
    (low, first), (high, second) = curve[before : before + 2]
    return first + (second - first) * (limit - low) / (high - low)


@given(st.integers(0, 10**6), st.sampled_from([0.05, 0.3, 1.0]))
def test_spro_is_the_slow_reference(seed, limit):
    rng = np.random.default_rng(seed)
    maps, channels, tally = [], [], PixelTally()
    for number in range(4):
        values = (rng.integers(0, 60, (9, 11)) / 64).astype(np.float32)  # with ties, each its bin
        masks = [rng.random((9, 11)) < 0.2 for _ in range(number)]  # overlapping, in many parts
        rules = [Saturation("a", 4, False), Saturation("b", 0.3, True), Saturation("c", 999, False)]
        of_map = [
            Channel(mask, rule.pixels(int(mask.sum())))
            for mask, rule in zip(masks, rules, strict=False)
            if mask.any()
        ]
        union = np.any([c.mask for c in of_map] or [np.zeros((9, 11), bool)], axis=0)
        tally.add(values, union, None, of_map)
        maps.append(values)
        channels.append(of_map)
    found = tally.curve().spro(limit)
    assert found is not None
    assert found.value == pytest.approx(spro(maps, channels, limit), abs=1e-9)


@pytest.mark.parametrize(
    ("rule", "area", "pixels"),
    [
        (Saturation("a", 30, False), 100, 30),
        (Saturation("a", 30, False), 20, 20),  # clipped at the defect's area
        (Saturation("a", 0.5, True), 101, 50),
        (Saturation("a", 0.1, True), 3, 1),
    ],
)
def test_saturations(rule, area, pixels):
    assert rule.pixels(area) == pixels


def test_a_saturated_defect_is_found_whole():
    values = np.zeros((10, 10), np.float32)
    mask = np.zeros((10, 10), bool)
    mask[:, :4] = True
    values[:5, :4] = 1  # half of it
    tally = PixelTally()
    tally.add(values, mask, None, [Channel(mask, 20)])
    curve = tally.curve()
    assert (curve.spro(0.3).value, curve.pro(0.3).value) == (1, pytest.approx(0.5, abs=0.1))


def loco(root: Path, *values: int) -> Path:
    """A category with one picture of a defect, whose masks have grey values."""
    for name in ("train/good/0.png", "test/good/0.png", "test/logical_anomalies/0.png"):
        (root / name).parent.mkdir(parents=True)
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(root / name)
    folder = root / "ground_truth/logical_anomalies/0"
    folder.mkdir(parents=True)
    for number, value in enumerate(values):
        mask = np.zeros((8, 8), np.uint8)
        mask[number : number + 5, :5] = value
        Image.fromarray(mask).save(folder / f"{number:03}.png")
    keys = ("defect_name", "pixel_value", "saturation_threshold", "relative_saturation")
    text = json.dumps([dict(zip(keys, entry, strict=True)) for entry in CONFIG])
    (root / "defects_config.json").write_text(text)
    return root


def test_channels_are_read_by_their_grey_value(tmp_path):
    data = read_category(loco(tmp_path, 255, 254, 253))
    defect = next(truth for truth in labelled(data, None) if truth.defect)
    assert [channel.saturation for channel in defect.channels] == [25, 12, 25]
    assert defect.mask.sum() == 7 * 5
    good = next(truth for truth in labelled(data, None) if not truth.defect)
    assert good.channels == ()


def test_a_grey_value_that_no_defect_has(tmp_path):
    data = read_category(loco(tmp_path, 7))
    with pytest.raises(ImageError, match=r"one grey value of defects_config.json \(253, 254, 255"):
        list(labelled(data, None))


def test_a_damaged_list_and_a_missing_one(tmp_path):
    root = loco(tmp_path, 255)
    (root / "defects_config.json").write_text('[{"pixel_value": 1}]')
    with pytest.raises(ImageError, match="must be MVTec LOCO's list of defects"):
        read_category(root)
    (root / "defects_config.json").unlink()
    assert "there is no sPRO" in read_category(root).notes[0]


def whole_loco(root: Path) -> Path:
    """A category with two kinds of anomalies, absolute and relative saturations, several masks."""
    shape, keys = (32, 48), ("defect_name", "pixel_value")
    keys += ("saturation_threshold", "relative_saturation")
    kinds = {"good": [], "logical_anomalies": [255, 253], "structural_anomalies": [254]}
    for number, (kind, values) in enumerate(kinds.items()):
        for k in range(2):
            save_picture(
                root / f"test/{kind}/{k:03}.png", part(60 + 9 * number + k, bool(values), shape)
            )
            for channel, value in enumerate(values):
                mask = np.zeros(shape, np.uint8)
                mask[20 - 8 * channel : 30 - 8 * channel, 30 - k : 40] = value
                mask[2, 3 * channel] = value  # a second piece
                save_picture(root / f"ground_truth/{kind}/{k:03}/{channel:03}.png", mask)
    for k in range(12):
        save_picture(root / f"train/good/{k:03}.png", part(k, False, shape))
    text = json.dumps([dict(zip(keys, entry, strict=True)) for entry in CONFIG])
    (root / "defects_config.json").write_text(text)
    return root


def test_a_category_is_measured_as_the_paper_says(tmp_path, tiny):
    data = read_category(whole_loco(tmp_path))
    pictures = [read_samples(path) for path in data.train]
    inspector = fit(pictures, backbone=tiny, preparation=Preparation((32, 48)), false_alarms=None)
    truths = list(labelled(data, None))
    found = evaluate(inspector, truths)
    maps = [inspector.inspect(truth.picture).heat_map for truth in truths]
    by_limit = {0.3: "spro", 0.05: "spro_5"}
    for limit, name in by_limit.items():
        expected = {}
        for kind in ("logical_anomalies", "structural_anomalies"):
            chosen = [k for k, truth in enumerate(truths) if truth.kind in ("good", kind)]
            channels = [list(truths[k].channels) for k in chosen]
            expected[kind] = spro([maps[k] for k in chosen], channels, limit)
            assert getattr(found.by_type[kind], name) == pytest.approx(expected[kind], abs=1e-4)
        mean = np.mean(list(expected.values()))
        assert getattr(found, name) == pytest.approx(mean, abs=1e-4)
    assert [c.saturation for c in truths[2].channels] == [30, 101]  # 10 000 is cut to the area
    assert [c.saturation for c in truths[4].channels] == [50]  # half of 101, rounded down


def test_evaluate_says_spro_and_what_the_pro_is():
    tally = Tally()
    for index in range(9):
        inspection, defect, mask, kind = inspected(index)
        tally.add(inspection, defect, mask, kind, [Channel(MASK, 5)] * defect)
    found = tally.result()
    assert found.pro_5 < found.spro_5 <= 1
    assert found.spro_5 == np.mean([one.spro_5 for one in found.by_type.values()])
    assert found.type_auroc == np.mean([one.image_auroc for one in found.by_type.values()])
    said = format_evaluation({**found.as_json(), "seconds_per_image": 0.5})
    assert f"sPRO up to 5 %      {found.spro_5:.4f}" in said
    assert said.splitlines()[-3].endswith("sPRO up to 5 %")
    assert set(KINDS) > set(found.by_type)
