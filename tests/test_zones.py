"""Zones: other limits in parts of the picture, in one unit with all the rest."""

import json
from dataclasses import asdict, replace

import numpy as np
import pytest
from commands import golden
from conftest import check_batch, check_round_trip, fit, part, part_mask, read_writable_parts
from PIL import Image

from goldensample import ArtifactError, ImageError, PatchCore, Preparation, load, save
from goldensample.artifact.container import write_parts
from goldensample.cli.info import _file_info as file_info
from goldensample.fitting.audit import audit
from goldensample.graphs.graph import to_onnx
from goldensample.learning.learn import learn
from goldensample.learning.revisions import Note
from goldensample.learning.teach_miss import analyse_miss
from goldensample.masks.zone_files import read_zones
from goldensample.methods.cross_fitted import Crossed
from goldensample.methods.ensemble import Ensemble
from goldensample.methods.mean_map import MeanMap
from goldensample.methods.nearest import Nearest
from goldensample.methods.padim import PaDiM
from goldensample.methods.spade import SPADE
from goldensample.preparation.roi import roi_from_mask
from goldensample.preparation.zones import Zone, zone_indices, zone_limits
from goldensample.records import Picture, silent
from goldensample.wording.regions import RegionOptions, region_lines
from test_method_contract import features

NOTE = Note("2026-01-02T03:04:05+00:00")
COLUMNS = np.arange(48)
RIGHT = roi_from_mask(np.broadcast_to(COLUMNS >= 24, (48, 48)))
ALL = roi_from_mask(np.ones((1, 1), bool))


def spoilt(seed: int, left: int, grey: float = 10) -> np.ndarray:
    """A good part with a square of ten pixels at rows 20 to 30, mixed in so that 10 is plain."""
    picture = part(seed).astype(float)
    picture[20:30, left : left + 10] += grey - 120
    return np.clip(picture, 0, 255).astype(np.uint8)


def fitted(tiny, good_parts, *zones: Zone, **how):
    preparation = Preparation((48, 48), zones=zones)
    return fit(good_parts, backbone=tiny, preparation=preparation, **how)


@pytest.fixture(scope="module")
def plain(tiny, good_parts):
    """Without a composition, as those with zones are."""
    return fitted(tiny, good_parts, method=PatchCore(composition="off"))


@pytest.fixture(scope="module")
def tolerant(tiny, good_parts):
    """In the right half, a defect must be thirty times as odd."""
    return fitted(tiny, good_parts, Zone("label", 30, RIGHT))


@pytest.fixture(scope="module")
def strict(tiny, good_parts):
    return fitted(tiny, good_parts, Zone("seam", 0.25, RIGHT))


def test_zones_by_hand():
    upper = roi_from_mask(np.array([[True], [False]]))
    zones = (
        Zone("right", 2.0, roi_from_mask(np.array([[False, True]]))),
        Zone("upper", 0.5, upper),
    )
    at = np.array([0.25, 0.75])
    numbers = zone_indices(zones, at, at)
    assert numbers.tolist() == [[1, 1], [-1, 0]]  # the later one counts where they overlap
    assert zone_limits(zones, numbers).tolist() == [[0.5, 0.5], [1.0, 2.0]]
    assert (zone_indices((), at, at) == -1).all()


@pytest.mark.parametrize("limit", [0, -1.0, float("nan"), float("inf"), 1e-9, 101])
def test_limits_that_cannot_be(limit):
    with pytest.raises(ValueError, match=r"limit must be 0\.01 to 100 times"):
        Zone("label", limit, RIGHT)


@pytest.mark.parametrize("name", ["", "x" * 61, "two\nlines", "\udc80"])
def test_names_that_cannot_be(name):
    with pytest.raises(ValueError, match="name must be 1 to 60 printable"):
        Zone(name, 1.0, RIGHT)


def test_two_zones_of_one_name_are_refused():
    with pytest.raises(ValueError, match="a name of its own; a is there twice"):
        Preparation((48, 48), zones=(Zone("a", 1.0, RIGHT), Zone("a", 2.0, ALL)))


def test_what_a_tolerant_zone_holds_is_no_defect_and_elsewhere_it_is(plain, tolerant):
    inside, outside = spoilt(100, 32), spoilt(100, 6)
    assert [plain.inspect(one).verdict for one in (inside, outside)] == ["defect"] * 2
    assert tolerant.inspect(inside).verdict == "good"
    assert not tolerant.inspect(inside).regions
    found = tolerant.inspect(outside)
    assert found.verdict == "defect"
    assert [(region.zone, region.zone_limit) for region in found.regions] == [(None, 1.0)]


def test_what_a_tolerant_zone_holds_does_not_spill_over_its_edge(plain, tolerant):
    at_the_edge = spoilt(100, 27)
    assert any(region.box_px[1] < 24 for region in plain.inspect(at_the_edge).regions)
    assert not any(region.zone for region in tolerant.inspect(at_the_edge).regions)


def test_a_strict_zone_catches_what_passes_elsewhere(strict):
    faint = [strict.inspect(spoilt(100, left, 108)) for left in (32, 6)]
    assert [one.verdict for one in faint] == ["defect", "good"]
    (region, *_) = faint[0].regions
    assert (region.zone, region.zone_limit) == ("seam", 0.25)
    assert region.distance > strict.threshold.pixel


def test_limits_of_one_change_nothing(plain, tiny, good_parts):
    zones = (Zone("left", 1, roi_from_mask(np.array([[True, False]]))), Zone("right", 1, RIGHT))
    zoned = fitted(tiny, good_parts, *zones)
    assert zoned.thresholds == plain.thresholds
    for picture in (part(100), spoilt(100, 32), spoilt(100, 6)):
        ours, theirs = zoned.inspect(picture), plain.inspect(picture)
        assert (ours.score, ours.verdict, ours.p_value) == (
            theirs.score, theirs.verdict, theirs.p_value,
        )  # fmt: skip
        assert np.array_equal(ours.heat_map, theirs.heat_map)
        assert tuple(replace(region, zone=None) for region in ours.regions) == theirs.regions
        assert {region.zone for region in ours.regions} <= {"left", "right"}


def test_a_zone_over_all_scales_all(plain, tiny, good_parts):
    zoned = fitted(tiny, good_parts, Zone("all", 4, ALL))
    picture = spoilt(100, 32)
    ours, theirs = zoned.inspect(picture), plain.inspect(picture)
    assert 4 * ours.score == theirs.score
    assert ours.p_value == theirs.p_value
    assert 4 * zoned.threshold.score == plain.threshold.score
    np.testing.assert_allclose(4 * ours.heat_map, theirs.heat_map, rtol=1e-5)


def test_saved_and_loaded_the_same(tolerant, tmp_path):
    check_round_trip(tolerant, tmp_path / "a.golden", spoilt(7, 6), spoilt(7, 32))


def test_a_batch_is_as_alone_whatever_the_shapes(strict):
    shapes = [(48, 48), (96, 60), (40, 48), (48, 90)]
    many = [part(seed, shape=shapes[seed % 4]) for seed in range(9)] + [spoilt(3, 32)]
    check_batch(strict, many)


METHODS = [
    PatchCore(coreset=0.2, stride=2),
    PatchCore(coreset=0.2, image_score="top"),
    Crossed(patchcore=PatchCore(coreset=0.2)),
    Ensemble(members=(0, 1), patchcore=PatchCore(coreset=0.2)),
    PaDiM(),
    MeanMap(),
]


@pytest.mark.parametrize("method", METHODS, ids=lambda method: type(method).__name__)
def test_methods_divide_each_patch_by_its_limit(method):
    detector, new = method.fit([features(10, 0)], silent), features(3, 5)
    limits = np.ones(new.valid.shape, np.float32)
    limits[:, :4], limits[:, 6:] = 4, 0.5
    plain, zoned = detector.score(new), detector.score(replace(new, limits=limits))
    step = getattr(method, "stride", 1)
    np.testing.assert_allclose(zoned.grid, plain.grid / limits[:, ::step, ::step], rtol=1e-6)
    if not isinstance(method, Crossed | Ensemble):  # they name the row of the detector that counts
        assert np.array_equal(zoned.nearest, plain.nearest)
    assert np.array_equal(
        detector.score(replace(new, limits=np.ones_like(limits))).image, plain.image
    )
    quarter = detector.score(replace(new, limits=np.full_like(limits, 4))).image
    np.testing.assert_allclose(quarter, plain.image / 4, rtol=1e-6)
    alone = detector.score(replace(new, limits=limits).select(1))
    assert alone.image[0] == zoned.image[1]


def test_a_crossed_fit_holds_each_fold_against_the_limits(tiny, good_parts):
    crossed = fitted(
        tiny,
        good_parts,
        Zone("label", 30, RIGHT),
        method=PatchCore(coreset=0.05),
        calibration="cross",
    )
    assert crossed.threshold.kind == "cross"
    assert crossed.inspect(spoilt(100, 32)).verdict == "good"
    assert crossed.inspect(spoilt(100, 6)).verdict == "defect"


@pytest.mark.parametrize(
    ("method", "words"),
    [
        (SPADE(), "patchcore, padim or mean_map; got spade"),
        (Nearest(), "got nearest"),
        (PatchCore(image_score="statistics"), "an image_score of distances"),
        (PatchCore(composition="on"), "zones must go with composition off or auto"),
        (Ensemble(patchcore=PatchCore(image_score="statistics")), "an image_score of distances"),
    ],
)
def test_methods_that_zones_say_nothing_to_are_refused(tiny, good_parts, method, words):
    with pytest.raises(ValueError, match=words):
        fitted(tiny, good_parts[:3], Zone("label", 2, RIGHT), method=method, false_alarms=None)


def test_a_file_of_a_method_that_zones_say_nothing_to_is_refused(tiny, good_parts, tmp_path):
    whole = fitted(tiny, good_parts[:3], method=Nearest(), false_alarms=None)
    save(whole, tmp_path / "a.golden")
    header, arrays = read_writable_parts(tmp_path / "a.golden")
    header["preparation"]["zones"] = [json.loads(json.dumps(asdict(Zone("label", 2, RIGHT))))]
    write_parts(tmp_path / "a.golden", header, arrays)
    with pytest.raises(ArtifactError, match="zones must go with a method"):
        load(tmp_path / "a.golden")


@pytest.mark.parametrize("covered", [False, True])
def test_a_zone_without_a_patch_is_refused(tiny, good_parts, covered):
    thin = np.zeros((480, 480), bool)
    thin[:1] = True  # no centre of a patch is so near to the edge
    zones = [Zone("thin", 2, roi_from_mask(thin))]
    if covered:
        zones = [Zone("thin", 2, RIGHT), Zone("rest", 1, ALL)]
    with pytest.raises(ValueError, match=r"centre of a patch; thin holds none on a picture of 48x"):
        fitted(tiny, good_parts[:3], *zones, false_alarms=None)


def test_an_export_with_zones_is_refused(tolerant):
    with pytest.raises(ValueError, match="must have one limit for whole pictures"):
        to_onnx(tolerant)


def test_what_is_learned_in_a_strict_zone_is_good(strict):
    odd = Picture("odd", spoilt(100, 32, 100))
    assert strict.inspect(odd).verdict == "defect"
    taught = learn(strict, [odd], NOTE)
    found = taught.inspect(odd)
    assert (found.verdict, found.regions) == ("good", ())
    assert taught.detector.radius == strict.detector.radius


def test_a_zone_over_all_changes_nothing_that_is_taught(tiny, good_parts):
    """Scores and limits are a quarter; excuses, rows, patches and alarms are the same."""
    mask = part_mask() > 0
    good = [Picture(f"g{seed}", part(seed)) for seed in range(400, 440)]
    said = []
    for zones in ((), (Zone("all", 4, ALL),)):
        fooled = fitted(tiny, good_parts, *zones, method=PatchCore(coreset=0.05, composition="off"))
        fooled = replace(fooled, detector=replace(fooled.detector, radius=0.0))
        fooled = learn(fooled, [Picture("mistake", part(700, defect=True))], NOTE)
        found = analyse_miss(fooled, Picture("miss", part(701, defect=True)), mask, good, NOTE)
        ways = [(one.action, one.size, one.alarms, one.accepted) for one in found.proposals]
        said.append((found.excuses, ways, found.score * (4 if zones else 1)))
    assert {way[0] for way in said[0][1]} == {"drop", "limit"}
    assert said[0][:2] == said[1][:2]
    assert said[0][2] == pytest.approx(said[1][2], rel=1e-6)


def test_an_audit_counts_limits(tiny, good_parts):
    both = (
        fitted(tiny, good_parts[:6], *z, false_alarms=None) for z in ((), (Zone("all", 4, ALL),))
    )
    plain, zoned = ([one.score for one in audit(each, good_parts[:6])] for each in both)
    np.testing.assert_allclose(np.multiply(zoned, 4), plain, rtol=1e-6)


def zone_file(folder, *zones: object, **more: object):
    path = folder / "zones.json"
    path.write_text(json.dumps({"zones": list(zones), **more}))
    return path


LEFT = [[0, 0], [0, 0.5], [1, 0.5], [1, 0]]


def test_zones_from_a_file(tmp_path):
    mask = np.zeros((30, 40), np.uint8)
    mask[:, 20:] = 255
    (tmp_path / "masks").mkdir()
    Image.fromarray(mask).save(tmp_path / "masks" / "a.png")
    path = zone_file(
        tmp_path,
        {"name": "label", "limit": 2, "polygons": [LEFT]},
        {"name": "seam", "limit": 0.5, "mask": "masks/a.png"},
    )
    zones = read_zones(path, [(300, 400)])
    assert [(zone.name, zone.limit, zone.where.share) for zone in zones] == [
        ("label", 2, 0.5), ("seam", 0.5, 0.5),
    ]  # fmt: skip
    assert zone_indices(zones, np.array([0.5]), np.array([0.2, 0.7])).tolist() == [[0, 1]]
    assert read_zones(None) == ()
    with pytest.raises(ImageError, match="aspect of the pictures"):
        read_zones(path, [(300, 300)])
    with pytest.raises(ImageError, match=r"cannot read .*none\.json"):
        read_zones(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        ({"name": "a", "limit": 2}, "name, limit, and polygons or mask; got name, limit"),
        ({"name": "a", "limit": 2, "polygons": [LEFT], "mask": "a.png"}, "polygons or mask"),
        (
            {"name": "a", "limit": 2, "polygons": [LEFT], "colour": 1},
            "got name, limit, polygons, c",
        ),
        ("a", "a zone must have name"),
        ({"name": "a", "limit": 0, "polygons": [LEFT]}, "limit must be 0.01 to 100"),
        ({"name": "a", "limit": float("nan"), "polygons": [LEFT]}, "limit must be 0.01 to 100"),
        ({"name": "a", "limit": 10**400, "polygons": [LEFT]}, "limit must be 0.01 to 100"),
        ({"name": "a", "limit": "2", "polygons": [LEFT]}, "limit must be a number; that of a is 2"),
        ({"name": "a", "limit": True, "polygons": [LEFT]}, "limit must be a number"),
        ({"name": 3, "limit": 2, "polygons": [LEFT]}, "name must be a text; got 3"),
        ({"name": "", "limit": 2, "polygons": [LEFT]}, "printable characters"),
        ({"name": "a", "limit": 2, "polygons": [[[0, 0], [0, 2], [1, 1]]]}, r"in \[0, 1\]"),
        ({"name": "a", "limit": 2, "polygons": LEFT}, "three pairs or more"),
        ({"name": "a", "limit": 2, "polygons": []}, "a list of them; those of a are not"),
        ({"name": "a", "limit": 2, "polygons": [[[0, 0]] * 3]}, "a covers nothing"),
        ({"name": "a", "limit": 2, "mask": 3}, "a file name; got 3"),
        ({"name": "a", "limit": 2, "mask": "none.png"}, r"none\.png"),
    ],
)
def test_zones_that_cannot_be_read(tmp_path, zone, words):
    with pytest.raises(ImageError, match=words):
        read_zones(zone_file(tmp_path, zone))


def test_files_that_hold_no_zones(tmp_path):
    zone = {"name": "a", "limit": 2, "polygons": [LEFT]}
    for path in (zone_file(tmp_path), zone_file(tmp_path, zone, more=1)):
        with pytest.raises(ImageError, match=r"cannot read zones from .*zones\.json: it must be"):
            read_zones(path)
    with pytest.raises(ImageError, match="a is there twice"):
        read_zones(zone_file(tmp_path, zone, zone))
    (tmp_path / "zones.json").write_text("{")
    with pytest.raises(ImageError, match=r"cannot read zones from .*zones\.json"):
        read_zones(tmp_path / "zones.json")


def test_the_command_line_says_which_limit_held(tmp_path, tiny_file):
    for k in range(24):
        Image.fromarray(part(k)).save(tmp_path / f"good{k:02d}.png")
    Image.fromarray(spoilt(100, 6)).save(tmp_path / "bad.png")
    zones = zone_file(tmp_path, {"name": "<label>", "limit": 0.5, "polygons": [LEFT]})
    file = tmp_path / "part.golden"
    made = golden(
        "fit", tmp_path / "good*.png", "-o", file, "--backbone", f"onnx:{tiny_file}",
        "--zones", zones, "--false-alarms", "20%",
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    words = ("inspect", file, tmp_path / "bad.png", "--json", "--coco", tmp_path / "a.json")
    told = golden(*words, "--report", tmp_path / "report")
    (line,) = map(json.loads, told.stdout.splitlines())
    assert {(one["zone"], one["zone_limit"]) for one in line["regions"]} == {("<label>", 0.5)}
    written = json.loads((tmp_path / "a.json").read_text())["annotations"]
    assert {(one["zone"], one["zone_limit"]) for one in written} == {("<label>", 0.5)}
    page = (tmp_path / "report" / "report.html").read_text()
    assert "zone <bdi>&lt;label&gt;</bdi>, limit 0.5 times that elsewhere" in page
    assert "&lt;label&gt; (50.0% of the picture): limit 0.5 times that elsewhere" in page


def test_words_for_people_say_which_limit_held(strict, plain, tmp_path):
    for inspector, words in (
        (strict, ", in zone seam, limit 0.25 times that elsewhere; "),
        (plain, ""),
    ):
        lines = region_lines(
            inspector.inspect(spoilt(100, 32)).regions, RegionOptions(explain=True)
        )
        assert lines
        assert all(words in line and ("zone" in line) == bool(words) for line in lines)
    save(strict, tmp_path / "a.golden")
    assert file_info(tmp_path / "a.golden", None)["preparation"]["zones"] == {"seam": 0.25}
