"""Whole groups are held out, the same ones again, and what was kept aside is said."""

import json
import re

import numpy as np
import pytest
from commands import golden
from conftest import part
from PIL import Image

import goldensample
from goldensample.artifact.container import read_parts
from goldensample.calibration import conformal
from goldensample.calibration.tradeoff import measure
from goldensample.datasets.by_table import read_paths
from goldensample.errors import ImageError
from goldensample.fitting.calibrate import fold_detectors
from goldensample.images.folder import Folder, read_images
from goldensample.images.groups import day_of, with_groups
from goldensample.learning.learn import learn
from goldensample.learning.revisions import Note


def test_whole_groups_are_drawn_and_drawn_again():
    groups = [f"day {k // 10}" for k in range(60)]
    held_out = conformal.hold_out(60, 0.05, groups)
    assert 19 <= len(held_out) <= 30
    chosen = {groups[k] for k in held_out}
    assert sorted(held_out) == [k for k in range(60) if groups[k] in chosen]
    again = conformal.draw_indices(60, len(held_out), groups)
    assert again.tolist() == held_out.tolist()


def test_a_group_too_large_to_be_held_out_is_learned_from():
    groups = ["large"] * 50 + [f"{k}" for k in range(30)]
    held_out = conformal.hold_out(80, 0.05, groups)
    assert len(held_out) == 19
    assert "large" not in {groups[k] for k in held_out}
    assert len(conformal.hold_out(80, 0.05, ["one"] * 80)) == 0


def test_without_groups_nothing_changes():
    expected = np.sort(np.random.default_rng(0).choice(60, 19, replace=False))
    assert conformal.hold_out(60, 0.05).tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("path", "day"),
    [
        ("a/IMG_20261130_081500.png", "2026-11-30"),
        ("2026-11-30/part 7.png", "2026-11-30"),
        ("a/20261399.png", ""),
        ("a/120261130.png", ""),
    ],
)
def test_days_of_names(tmp_path, path, day):
    (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / path)
    assert day_of(tmp_path / path) == day


def test_the_day_of_exif(tmp_path):
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2026:11:29 23:59:01"
    Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(tmp_path / "a.jpg", exif=exif)
    assert day_of(tmp_path / "a.jpg") == "2026-11-29"


@pytest.fixture(scope="module")
def days(tmp_path_factory):
    """Sixty good pictures of six days, a folder each, and a table of them."""
    root = tmp_path_factory.mktemp("days")
    lines = ["path;shift;split;label"]
    for k in range(60):
        path = root / f"line/2026-11-{k // 10 + 1:02}/{k:03}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(part(k)).save(path)
        name = path.relative_to(root).as_posix().replace("/", "\\")
        lines.append(f"{name};{'early' if k % 3 else 'late'};train;good")
    (root / "parts.csv").write_text("\n".join(lines))
    return root


@pytest.mark.parametrize("by", ["folder", "day", r"name:2026-11-(\d+)"])
def test_the_ways_to_group(days, by):
    pictures = with_groups(read_images([days / "line"]), by, {})
    assert len(set(pictures.groups)) == 6
    assert pictures.grouped_by == by


def test_what_cannot_be_grouped(days):
    pictures = read_images([days / "line"])
    with pytest.raises(ValueError, match="--groups must be folder, day, name:PATTERN or column"):
        with_groups(pictures, "week", {})
    with pytest.raises(ValueError, match="must be a regular expression"):
        with_groups(pictures, "name:(", {})
    with pytest.raises(ImageError, match="60 have none, such as"):
        with_groups(pictures, "name:(lot)", {})


def test_a_fit_holds_whole_days_out_and_finds_them_again(days):
    pictures = with_groups(read_images([days / "line"]).distinct(), "day", {})
    inspector = goldensample.fit(pictures, precision="fp32")
    assert isinstance(pictures, Folder)
    facts = inspector.hold_out
    assert (facts.by, facts.groups, facts.held_out, facts.pictures) == ("day", 6, 2, 20)
    [(_, held_out)] = fold_detectors(inspector, 60, pictures.groups)
    fitted = {picture.name for picture in inspector.pictures}
    assert {pictures.names[k] for k in held_out} == set(pictures.names) - fitted
    assert len({pictures.groups[k] for k in held_out}) == 2


def test_the_command_says_what_it_kept_aside(days, tmp_path, monkeypatch):
    file = tmp_path / "part.golden"
    wish = ("--groups", "column:shift", "--precision", "fp32", "--false-alarms", "5%")
    done = golden("fit", days / "parts.csv", "-o", file, *wish)
    assert done.returncode == 0, done.stderr
    assert "20 good pictures were kept aside: 1 whole groups of 2, by column:shift" in done.stdout
    told = json.loads(golden("info", file, "--json").stdout)["hold_out"]
    assert told == {"pictures": 20, "by": "column:shift", "groups": 2, "held_out": 1}
    other = tmp_path / "other"
    other.mkdir()
    for k in range(25):
        Image.fromarray(part(500 + k) // 2).save(other / f"{k}.png")  # half as bright
    found = golden("thresholds", file, "--another-day", other)
    assert "of 25 good pictures of the other recording" in found.stdout
    assert "more than the 5 % that were set: the limit does not hold there" in found.stdout
    values = json.loads(golden("thresholds", file, "--another-day", other, "--json").stdout)
    assert (values["pictures"], values["promised"]) == (25, 0.05)
    assert values["limit_that_holds"] > values["score_limit"]
    assert values["interval"][0] > 0.05
    monkeypatch.setenv("LANGUAGE", "ko")
    monkeypatch.setenv("LC_ALL", "ko_KR.UTF-8")
    translated = golden("thresholds", file, "--another-day", other).stdout
    assert not re.search("[A-Za-z]+ [a-z]+ [a-z]+", translated.replace("golden learn", ""))
    monkeypatch.setenv("LANGUAGE", "en")
    few = golden("fit", days / "line/2026-11-01", "-o", file, "--groups", "day")
    assert few.returncode == 2
    assert "got 10 pictures in 1 groups, the largest 2026-11-01 with 10" in few.stderr


def test_a_file_without_groups_is_as_earlier_builds_read_it(days, tmp_path):
    path = tmp_path / "part.golden"
    inspector = goldensample.fit(read_images([days / "line"]).distinct(), precision="fp32")
    goldensample.save(inspector, path)
    assert "hold_out" not in read_parts(path)[0]
    loaded = goldensample.load(path)
    assert loaded.hold_out == inspector.hold_out == conformal.HoldOut(19)
    learned = learn(loaded, [part(700)], Note("2026-11-30T00:00:00+00:00"))
    goldensample.save(learned, path)
    assert goldensample.load(path).hold_out == conformal.HoldOut(19)


def test_what_a_limit_does_on_other_pictures():
    found = measure(np.arange(20.0), 18.5, 0.05)
    assert (found.alarms, found.rate, found.limit) == (1, 0.05, 19)
    assert found.interval == pytest.approx((0.001265, 0.248733), abs=1e-5)
    assert measure(np.arange(5.0), 9.0, 0.05).limit is None


def test_a_table_with_columns_of_its_own(days, tmp_path):
    names = sorted(path.relative_to(days).as_posix() for path in days.rglob("*.png"))
    lines = [f"{name.replace('/', chr(92))}\tday {k // 10}" for k, name in enumerate(names)]
    table = days / "own.tsv"
    table.write_text("Photo File\tShift\n" + "\n".join(lines))
    file = tmp_path / "part.golden"
    wish = ("--path-column", "photo file", "--groups", "column:shift", "--precision", "fp32")
    done = golden("fit", table, "-o", file, *wish)
    assert done.returncode == 0, done.stderr
    assert "60 pictures by the column photo file of own.tsv; the values of" in done.stderr
    assert "are read with a tab between them" in done.stderr
    assert "2 whole groups of 6, by column:shift" in done.stdout
    folder = golden("fit", days / "line", "-o", file, "--path-column", "photo file")
    assert folder.returncode == 2
    assert "--path-column must go with tables" in folder.stderr


def test_lines_that_are_not_learned(tmp_path):
    (tmp_path / "own.csv").write_text(
        "picture file,split,label\na.png,train,OK\nb.png,train,dent\nc.png,test,good\n"
    )
    paths, note = read_paths(tmp_path / "own.csv", "picture file")
    assert [path.name for path in paths] == ["a.png"]
    assert "2 lines of another split or label are left out" in note
    with pytest.raises(ImageError, match="must have the columns other"):
        read_paths(tmp_path / "own.csv", "other")
