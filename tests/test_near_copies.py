"""Near-copies are found, lie on one side of the hold-out, and count once; what was done is said."""

import json

import numpy as np
import pytest
from commands import golden
from PIL import Image
from scipy.cluster.hierarchy import linkage
from scipy.ndimage import gaussian_filter, shift
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

import goldensample
from goldensample.artifact.store import load, save
from goldensample.calibration import conformal
from goldensample.demo.families import render
from goldensample.fitting import fit as fitting
from goldensample.fitting.calibrate import fold_detectors
from goldensample.fitting.distinct import distinct
from goldensample.fitting.near_copies import (
    find_groups,
    group_near_copies,
    groups_apart,
    shortest_links,
)
from goldensample.graphs.open_backbone import open_backbone
from goldensample.images.folder import read_images
from goldensample.images.groups import same_second
from goldensample.methods.patchcore import PatchCore

LIMITS = (PatchCore(), 0.05, "auto")


def one_part(seed):
    """A part (128, 128, 3) like no other: spots of its own on a plate."""
    rng = np.random.default_rng(seed)
    spots = gaussian_filter(rng.normal(0, 1, (128, 128)), 4)
    return 120 + 300 * spots[..., None] * np.ones(3)


def shot(part, seed):
    """A photograph of a part: moved by 0.3 % of its sides, 1 % lighter, noise of 2 grey levels."""
    rng = np.random.default_rng(seed)
    moved = shift(part, (*rng.uniform(-0.4, 0.4, 2), 0), order=1, mode="nearest")
    moved *= rng.uniform(0.99, 1.01)
    return np.clip(moved + rng.normal(0, 2, part.shape), 0, 255).astype(np.uint8)


def shots(counts):
    """Photographs of parts, so many of each; the parts that they show."""
    parts = np.repeat(np.arange(len(counts)), counts)
    return [shot(one_part(int(k)), 1000 + n) for n, k in enumerate(parts)], parts


@pytest.fixture(scope="module")
def network():
    return open_backbone("builtin")


def test_shots_of_one_part_are_found_and_different_parts_are_not(network):
    pictures, parts = shots([1, 3, 1, 2, 1, 1, 5, 1] + [1] * 12)
    groups = find_groups(distinct(pictures), network)
    assert (groups[:, None] == groups).tolist() == (parts[:, None] == parts).tolist()
    alike = distinct([shot(one_part(0) * 0 + 120, k) for k in range(20)])  # plain plates: all alike
    assert len(set(find_groups(alike, network).tolist())) == 20


def test_parts_that_are_alike_anyway_are_no_near_copies(network):
    """Washers at any angle: many pairs differ by less than a washer from a copy of itself."""
    washers = [render("washer", k).pixels for k in range(40)]
    assert len(set(find_groups(distinct(washers), network).tolist())) == 40
    again = [shot(washers[k].astype(float), k) for k in (3, 17)]
    groups = find_groups(distinct([*washers, *again]), network)
    assert (groups[[40, 41]] == groups[[3, 17]]).all()
    assert len(set(groups.tolist())) == 40


@pytest.mark.parametrize("seed", range(6))
def test_groups_are_those_of_a_slow_single_linkage(seed):
    rng = np.random.default_rng(seed)
    centres = rng.normal(0, 1, (12, 3))
    points = np.repeat(centres, rng.integers(1, 4, 12), axis=0)
    points = points + rng.normal(0, rng.choice([0.01, 0.2, 0.5], (len(points), 1)), points.shape)
    links, lengths = shortest_links(points)
    merges = linkage(points, "single")
    assert lengths == pytest.approx(merges[:, 2])
    members = [{k} for k in range(len(points))]
    found: list[set[int]] = []  # the largest groups of short links that stand apart
    for one, other, length, _ in merges:
        for part in (int(one), int(other)):
            own = merges[part - len(points), 2] if part >= len(points) else None
            if own is not None and own < 0.6 and length >= 2 * own:
                found = [group for group in found if not group < members[part]] + [members[part]]
        members.append(members[int(one)] | members[int(other)])
    pairs = groups_apart(links, lengths, 0.6)
    graph = coo_array((np.ones(pairs.shape[1]), (pairs[0], pairs[1])), shape=(len(points),) * 2)
    numbers = connected_components(graph, directed=False)[1]
    groups = [set(np.flatnonzero(numbers == k).tolist()) for k in np.unique(numbers)]
    assert sorted(map(sorted, found)) == sorted(sorted(g) for g in groups if len(g) > 1)


def test_without_near_copies_a_fit_is_as_it_was(network):
    pictures = distinct(shots([1] * 40)[0])
    assert group_near_copies(pictures, network, LIMITS) is None
    found = goldensample.fit(pictures.images, precision="fp32")
    before = fitting.fit(pictures, backbone=network)
    assert np.array_equal(found.detector.bank, before.detector.bank)
    assert found.threshold == before.threshold
    assert found.hold_out == conformal.HoldOut(19)


def test_what_is_held_out_has_no_near_copy_among_the_learned(network):
    pictures, parts = shots([2, 3] * 25)
    chosen = distinct(pictures)
    apart = group_near_copies(chosen, network, LIMITS)
    assert apart is not None
    kept = chosen.select(*apart)
    inspector = fitting.fit(kept, backbone=network)
    [(_, held_out)] = fold_detectors(inspector, len(kept), kept.groups)
    shown = parts[np.array(apart[0])]
    held = shown[held_out]
    assert len(set(held.tolist())) == len(held) == inspector.threshold.held_out >= 19
    assert not set(held.tolist()) & set(np.delete(shown, held_out).tolist())
    learned = np.flatnonzero(~np.isin(parts, held))  # all shots of the others are learned
    assert len(inspector.pictures) == len(learned)
    assert inspector.hold_out == conformal.HoldOut(len(held), "near-copies", 50, len(held))


def test_the_rate_on_new_parts_is_kept():
    """Scores that shots of a part have in common break 5 % where some of them are learned."""
    rng, alarms = np.random.default_rng(1), {"grouped": [], "one by one": []}
    groups = [f"{k // 5:09}" for k in range(500)]
    held_out = conformal.draw_indices(500, 100)
    for _ in range(2000):
        of_part = rng.normal(0, 1, 101)  # the last is new
        near = of_part[np.arange(500) // 5] * 0.2  # what is left where its copies are learned
        limit = conformal.limit(near[held_out], 0.05)
        alarms["one by one"].append(of_part[-1] > limit)
        alarms["grouped"].append(of_part[-1] > conformal.limit(of_part[:20], 0.05))
    assert len(set(groups)) == 100
    assert np.mean(alarms["grouped"]) <= 0.05 + 2 * (0.05 * 0.95 / 2000) ** 0.5
    assert np.mean(alarms["one by one"]) > 0.2


def test_where_too_few_parts_are_left_it_is_said(network, tmp_path):
    inspector = goldensample.fit(shots([5] * 9)[0], precision="fp32")
    assert inspector.hold_out == conformal.HoldOut(19, "near-copies")
    assert inspector.threshold.held_out == 19
    save(inspector, tmp_path / "part.golden")
    assert load(tmp_path / "part.golden").hold_out == inspector.hold_out
    told = golden("info", tmp_path / "part.golden").stdout
    assert "kept aside one by one, though there are near-copies" in " ".join(told.split())


def test_pictures_of_one_second_belong_together(tmp_path):
    names = ["20261130_081500_1.png", "20261130-081500 2.png", "20261130_081501.png", "7.png"]
    for name in names:
        Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / name)
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2026:11:29 23:59:01"
    for name in ("a.jpg", "b.jpg"):
        Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / name, exif=exif)
    paths = [tmp_path / name for name in [*names, "a.jpg", "b.jpg"]]
    assert same_second(paths).T.tolist() == [[4, 5]]
    same = [tmp_path / f"20261130_081500_{k}.png" for k in range(11)]
    for path in same:
        Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(path)
    assert same_second(same[:3]).T.tolist() == [[0, 1], [0, 2]]
    assert same_second(same).size == 0  # copied there in one second


def test_the_command_says_what_it_did(tmp_path):
    pictures, _ = shots([2] * 5 + [1] * 45)
    (tmp_path / "good").mkdir()
    for k, pixels in enumerate(pictures):
        Image.fromarray(pixels).save(tmp_path / f"good/{k:03}.png")
    file = tmp_path / "part.golden"
    done = golden("fit", tmp_path / "good", "-o", file, "--precision", "fp32")
    assert done.returncode == 0, done.stderr
    assert "of different parts were kept aside, without near-copies of them" in done.stdout
    told = json.loads(golden("info", file, "--json").stdout)["hold_out"]
    assert (told["by"], told["groups"], told["pictures"]) == ("near-copies", 50, told["held_out"])
    assert len(read_images([tmp_path / "good"])) == 55
