"""Each picture against the others, and the command that ranks them."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from commands import golden
from conftest import fit, part
from picture_files import save_picture

from goldensample import PatchCore, Preparation
from goldensample.fitting.audit import audit, outlier_limit, rank_pictures, without_picture

PLANTED = (3, 11)
PREPARATION = Preparation((48, 48))


@pytest.fixture(scope="module")
def pictures() -> list[np.ndarray]:
    """Twenty pictures, two of them with a defect that should not be there."""
    made = [part(seed, defect=seed in PLANTED) for seed in range(20)]
    made[11] = np.rot90(made[11])  # another place, so that the two do not excuse each other
    return [np.ascontiguousarray(picture) for picture in made]


def fitted(pictures, tiny, **knobs):
    method = PatchCore(**knobs)
    return fit(pictures, backbone=tiny, method=method, preparation=PREPARATION, false_alarms=None)


def test_planted_pictures_come_first(pictures, tiny):
    found = list(audit(fitted(pictures, tiny), pictures))
    assert [inspection.name for inspection in found] == [str(k) for k in range(20)]
    order = np.argsort([-inspection.score for inspection in found])
    assert set(order[:2]) == set(PLANTED)
    assert all(inspection.verdict is None for inspection in found)
    row, column = np.unravel_index(found[3].heat_map.argmax(), (48, 48))
    assert 16 <= row <= 34
    assert 26 <= column <= 44


def test_without_subsampling_it_is_a_fit_on_the_others(pictures, tiny):
    """With the whole bank kept, to leave rows out is to fit without the picture."""
    inspector = fitted(pictures, tiny, coreset=1.0)
    found = list(audit(inspector, pictures))
    for index in (0, 3, 19):
        others = pictures[:index] + pictures[index + 1 :]
        again = fitted(others, tiny, coreset=1.0)
        bank = without_picture(inspector.detector, index, "").bank
        assert np.array_equal(bank, again.detector.bank)
        expected = again.inspect(pictures[index])
        assert found[index].score == expected.score
        assert np.array_equal(found[index].heat_map, expected.heat_map)


def test_rows_of_the_picture_alone_are_left_out(pictures, tiny):
    detector = fitted(pictures, tiny).detector
    own = detector.origins[:, 0] == 3
    assert own.any()
    left = without_picture(detector, 3, "3")
    assert np.array_equal(left.bank, detector.bank[~own])
    assert np.array_equal(left.origins, detector.origins[~own])
    assert len(detector.bank) == len(own)  # nothing is changed


def test_the_same_twice_and_progress(pictures, tiny):
    inspector, told = fitted(pictures, tiny), []
    first = [found.score for found in audit(inspector, pictures, lambda *at: told.append(at))]
    assert first == [found.score for found in audit(inspector, pictures)]
    assert told[0] == ("audit", 1, 20)
    assert told[-1] == ("audit", 20, 20)


def test_what_cannot_be_audited(pictures, tiny):
    with pytest.raises(ValueError, match="at least two pictures; got 1"):
        next(audit(fitted(pictures[:1], tiny), pictures[:1]))
    inspector = fitted(pictures, tiny)
    with pytest.raises(ValueError, match="the pictures of the fit"):
        next(audit(inspector, pictures[:5]))
    turned = replace(inspector, pictures=inspector.pictures[::-1])
    with pytest.raises(ValueError, match="the pictures of the fit"):
        next(audit(turned, pictures))
    copies = [pictures[0]] * 3  # a fit counts them once
    with pytest.raises(ValueError, match="got 3 pictures for a fit on 1"):
        list(audit(fitted(copies, tiny), copies))


def test_places_by_hand():
    places = rank_pictures([("a", 1.0, ""), ("b", 3.0, "x"), ("c", 1.0, "")])
    said = [(place.picture, place.rank, place.worse_than, place.note) for place in places]
    assert said == [("b", 1, 1.0, "x"), ("a", 2, 0.0, ""), ("c", 2, 0.0, "")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory, pictures):
    """The pictures as a user has them."""
    root = tmp_path_factory.mktemp("good")
    for index, picture in enumerate(pictures):
        save_picture(root / f"{index:03d}.png", picture)
    return root


def test_the_command_prints_the_worst_first(folder, tiny_file, tmp_path):
    words = ("audit", folder, "--backbone", f"onnx:{tiny_file}", "--size", "48")
    done = golden(*words, "--json", "--report", tmp_path)
    places = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, done.stderr
    assert len(places) == 20
    assert set(places[0]) == {"picture", "score", "rank", "worse_than", "stands_out", "note"}
    assert {place["picture"] for place in places[:2]} == {"003.png", "011.png"}
    assert [place["rank"] for place in places] == list(range(1, 21))
    assert places[0]["worse_than"] == 1.0
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.index("003.png") < page.index("000.png")
    assert [place["picture"] for place in places if place["stands_out"]] == [
        place["picture"] for place in places[:2]
    ]
    assert "2 stand out; look at these and at the next ten" in done.stderr
    said = golden(*words, "--worst", "3").stdout.splitlines()
    assert len(said) == 3
    assert said[0].split()[0] == "1"
    assert [line.endswith("(stands out)") for line in said] == [True, True, False]
    copy = shutil.copytree(folder, tmp_path / "good")
    moved = golden("audit", copy, *words[2:], "--move-to", tmp_path / "odd")
    assert moved.returncode == 0, moved.stderr
    assert {path.name for path in (tmp_path / "odd").iterdir()} == {"003.png", "011.png"}
    assert len(list(copy.iterdir())) == 18
    shutil.copy(tmp_path / "odd/003.png", copy)
    shutil.copy(tmp_path / "odd/011.png", copy)
    refused = golden("audit", copy, *words[2:], "--move-to", tmp_path / "odd")
    assert "no picture was moved" in refused.stderr
    assert len(list(copy.iterdir())) == 20


def test_the_limit_of_what_stands_out_by_hand():
    assert outlier_limit(np.array([1.0, 2.0, 3.0, 4.0, 5.0])) == 4 + 3 * 2
    assert outlier_limit(np.ones(4)) == np.inf


def test_the_command_must_have_two_pictures(folder, tiny_file):
    done = golden("audit", folder / "000.png", "--backbone", f"onnx:{tiny_file}")
    assert (done.returncode, done.stdout) == (2, "")
    assert "at least two pictures; got 1" in done.stderr
