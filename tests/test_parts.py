"""`golden part`: pictures of several views, one verdict a part."""

import json
import re

import numpy as np
import pytest
from part_files import VIEWS, view_files
from typer.testing import CliRunner

from goldensample.cli.app import app
from goldensample.errors import ArtifactError, ImageError
from goldensample.images.codec import encode_png
from goldensample.parts.grouping import NamePattern
from goldensample.parts.inspector import load_part
from goldensample.parts.manifest import PartManifest, View, read_manifest, write_manifest
from goldensample.parts.rule import by_whole_parts


def run(*words: object):
    return CliRunner().invoke(app, [str(word) for word in words])


def show(folder, serial: str, seed: int, defect: str = "", without: str = "") -> None:
    """Write the pictures of a part."""
    folder.mkdir(exist_ok=True)
    for view, data in view_files(seed, defect, without).items():
        (folder / f"{serial}_{view}.png").write_bytes(data)


@pytest.fixture
def bracket(views, tmp_path):
    """A part's file beside copies of its views' files."""
    for view in VIEWS:
        (tmp_path / f"{view}.golden").write_bytes((views / f"{view}.golden").read_bytes())
    options = [word for v in VIEWS for word in ("--view", f"{v}={tmp_path}/{v}.golden")]
    done = run("part", "new", tmp_path / "bracket", *options, "--false-alarms", "10%")
    assert done.exit_code == 0, done.output
    return tmp_path / "bracket.golden-part"


@pytest.fixture(scope="module")
def line(tmp_path_factory):
    """Parts of a line: two good, one with a defect on its left, and one without its left view."""
    folder = tmp_path_factory.mktemp("parts") / "new"
    show(folder, "A1", 20)
    show(folder, "A2", 22)
    show(folder, "A3", 3, defect="left")
    show(folder, "A4", 4, without="left")
    return folder


def inspected(bracket, *words: object) -> dict[str, dict]:
    done = run("part", "inspect", bracket, *words, "--json")
    assert done.exit_code in (0, 2), done.output
    return {row["serial"]: row for row in map(json.loads, done.stdout.splitlines())}


def test_a_part_has_one_verdict_and_says_which_view_spoke(bracket, line):
    done = run("part", "inspect", bracket, line)
    assert done.exit_code == 2  # one could not be judged
    lines = done.stdout.splitlines()
    assert [one.split()[:2] for one in lines] == [
        ["good", "A1"],
        ["good", "A2"],
        ["defect", "A3"],
        ["error", "A4"],
    ]
    assert lines[2].endswith("the oddest view is left")
    assert lines[3].endswith("view left missing")
    assert done.stderr.splitlines()[-1] == (
        "1 of 4 parts are defects, 2 good, 1 could not be judged"
    )
    rows = inspected(bracket, line)
    assert rows["A3"]["p_value"] == pytest.approx(3 / 31)  # three views, 30 pictures each
    assert rows["A3"]["views"]["left"]["regions"]
    assert rows["A4"]["p_value"] is None
    assert set(rows["A4"]["views"]) == {"top", "under"}


def test_whole_parts_set_one_limit_for_all_views(bracket, line, tmp_path):
    for seed in range(100, 120):
        show(tmp_path / "good", f"g{seed}", seed)
    done = run("part", "calibrate", bracket, tmp_path / "good", "--false-alarms", "5%")
    assert done.exit_code == 0, done.output
    assert "20 whole good parts" in done.stdout
    rows = inspected(bracket, line)
    assert (rows["A3"]["verdict"], rows["A3"]["view"]) == ("defect", "left")
    assert rows["A3"]["p_value"] == pytest.approx(1 / 21)
    opened = load_part(bracket)
    calibration = opened.manifest.calibration
    scores = {k: rows["A1"]["views"][view]["score"] for k, view in enumerate(VIEWS)}
    assert rows["A1"]["p_value"] == by_whole_parts(calibration, scores).p_value
    told = json.loads(run("part", "info", bracket, "--json").stdout)
    assert (told["rule"], told["calibrated_on"], told["proven_rate"]) == ("whole parts", 20, 0.05)


def test_tables_have_one_row_a_part(bracket, line, tmp_path):
    csv = tmp_path / "parts.csv"
    run("part", "inspect", bracket, line, "--output", csv)
    header, *rows = [one.split(",") for one in csv.read_text("utf-8-sig").splitlines()]
    assert header[:6] == ["part", "serial", "verdict", "p_value", "view", "error"]
    assert [row[:3] for row in rows][2:] == [["A3", "A3", "defect"], ["A4", "A4", "error"]]
    pq = pytest.importorskip("pyarrow.parquet", reason="the extra [parquet] is not installed")
    run("part", "inspect", bracket, line, "-o", tmp_path / "parts.parquet")
    table = pq.read_table(tmp_path / "parts.parquet").to_pylist()
    assert [row["verdict"] for row in table] == ["good", "good", "defect", "error"]
    assert table[2]["left_verdict"] == "defect"
    assert table[3]["left_score"] is None
    assert "must end in .csv, .xlsx, .parquet" in str(
        run("part", "inspect", bracket, line, "-o", "parts.txt").exception
    )


def test_the_report_shows_the_odd_view_first(bracket, line, tmp_path):
    run("part", "inspect", bracket, line, "--report", tmp_path / "report")
    page = (tmp_path / "report/report.html").read_text("utf-8")
    serials = [one.split("</bdi>")[0] for one in page.split("<h2><bdi>")[1:]]
    assert serials[:2] == ["A3", "A4"]
    first = page.split('<section class="part">')[1]
    names = re.findall(r'class="name"><bdi>(.*?)</bdi>', first)
    assert names == ["left: A3_left.png", "top: A3_top.png", "under: A3_under.png"]
    assert "view left missing" in page


def test_exit_codes_are_those_of_inspect(bracket, line, tmp_path):
    show(tmp_path / "defect", "B1", 3, defect="top")
    assert run("part", "inspect", bracket, tmp_path / "defect").exit_code == 0
    assert run("part", "inspect", bracket, tmp_path / "defect", "--fail-on-defect").exit_code == 1
    assert run("part", "inspect", bracket, line, "--fail-on-defect").exit_code == 2


def test_a_view_may_be_optional_or_unreadable_or_there_twice(bracket, tmp_path):
    manifest = read_manifest(bracket)
    views = tuple(
        View(v.name, v.file, v.sha256, required=v.name != "under") for v in manifest.views
    )
    write_manifest(bracket, PartManifest(views, manifest.false_alarms))
    show(tmp_path / "new", "C1", 1, without="under")
    show(tmp_path / "new", "C2", 2)
    (tmp_path / "new/C2_under.png").write_bytes(b"no picture")
    show(tmp_path / "new", "C3", 3)
    (tmp_path / "new/C3_top.jpg").write_bytes((tmp_path / "new/C3_top.png").read_bytes())
    rows = inspected(bracket, tmp_path / "new")
    assert rows["C1"]["verdict"] == "good"
    assert "view under: cannot read" in rows["C2"]["error"]
    assert rows["C3"]["error"] == "several pictures of view top"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda f: (f.parent / "left.golden").unlink(), "it is not there"),
        (lambda f: (f.parent / "left.golden").write_bytes(b"x"), "changed since"),
        (lambda f: f.write_text(f.read_text().replace("0.1", "0.2")), "checksum does not match"),
        (lambda f: f.write_text("{"), "must be a .golden-part file"),
        (lambda f: f.unlink(), "there is none; make one with golden part new"),
        (lambda f: f.write_text('{"format": 2}'), "update goldensample"),
    ],
)
def test_what_has_changed_is_refused(bracket, line, change, words):
    change(bracket)
    with pytest.raises(ArtifactError, match=words):
        load_part(bracket)


def test_parts_that_a_view_has_learned_from_calibrate_nothing(bracket, views, tmp_path):
    for seed in range(20):
        show(tmp_path / "good", f"{seed:02d}", 200 + seed)
    learned = tmp_path / "good/00_left.png"
    assert run("learn", tmp_path / "left.golden", learned).exit_code == 0
    with pytest.raises(ArtifactError, match="changed since"):
        load_part(bracket)
    words = ("part", "calibrate", bracket, tmp_path / "good")
    before = bracket.read_bytes()
    failed = run(*words).exception
    assert isinstance(failed, ImageError)
    assert "view left has learned from 00_left.png" in str(failed)
    assert bracket.read_bytes() == before
    for view in VIEWS:
        (tmp_path / f"good/00_{view}.png").unlink()
    assert run(*words, "--false-alarms", "5%").exit_code == 0  # views as they are now
    load_part(bracket)


def test_too_few_parts_or_pictures_are_said(bracket, views, tmp_path):
    for seed in range(10):
        show(tmp_path / "good", f"{seed:02d}", seed)
    words = ("part", "calibrate", bracket, tmp_path / "good", "--false-alarms", "5%")
    assert "at least 19 whole good parts; got 10" in str(run(*words).exception)
    options = [word for v in VIEWS for word in ("--view", f"{v}={tmp_path}/{v}.golden")]
    done = run("part", "new", tmp_path / "strict", *options, "--false-alarms", "1%")
    assert "no verdicts yet" in done.stdout
    assert "99 or more" in done.stdout
    failed = run("part", "inspect", tmp_path / "strict.golden-part", tmp_path / "good").exception
    assert "0.0968 is the smallest" in str(failed)


def test_risk_is_told_beforehand(bracket):
    done = run("part", "risk", "--views", "20", "--rate", "1%")
    assert "about 18.2 % of good parts" in done.stdout
    assert "set each view to 0.25 %" in done.stdout
    told = json.loads(run("part", "risk", bracket, "--json").stdout)
    assert told["views"] == pytest.approx(dict.fromkeys(VIEWS, 1 / 31))
    assert told["independent"] == pytest.approx(1 - (30 / 31) ** 3)
    assert told["set_each"] == pytest.approx(0.1 / 3)
    assert "neither, or both" in str(run("part", "risk").exception)


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("{serial}_{view}", "A_1_left_top.png", ("A_1", "left_top")),
        ("{serial}_{view}.png", "lot/7_top.png", ("7", "top")),
        ("{serial}_{view}.png", "7_top.jpg", None),
        ("{serial}/{view}", "day/7/top.jpeg", ("7", "top")),
        ("{view}-{serial}", "top-1.5.png", ("1.5", "top")),
        ("{serial}_{view}", "7_side.png", None),
    ],
)
def test_names_tell_part_and_view(text, name, expected, tmp_path):
    pattern = NamePattern(text, ("top", "left_top"))
    parts, left_over = pattern.group([(name, tmp_path / name)])
    found = [(one.serial, *one.pictures) for one in parts]
    assert found == ([expected] if expected else [])
    assert left_over == ([] if expected else [name])


def test_patterns_and_names_that_cannot_be_are_refused(bracket, line, tmp_path):
    for text in ("{serial}", "{serial}_{view}_{view}", "{serial}_{part}_{view}"):
        with pytest.raises(ValueError, match=r"must have \{serial\} and \{view\}"):
            NamePattern(text, VIEWS)
    failed = run("part", "inspect", bracket, line, "--name-pattern", "{serial}-{view}").exception
    assert "none of 11 is, such as A1_left.png" in str(failed)
    for given, words in (
        (["top"], "must be VIEW=FILE"),
        ([f"a/b={tmp_path}/top.golden"], "a view's name must be"),
        ([f"top={tmp_path}/no.golden"], "is not there"),
        ([f"top={tmp_path}/top.golden", f"Top={tmp_path}/left.golden"], "different names"),
    ):
        options = [word for one in given for word in ("--view", one)]
        assert words in str(run("part", "new", tmp_path / "x", *options).exception)
    assert not (tmp_path / "x.golden-part").exists()


def test_serial_numbers_are_read_from_codes(bracket, tmp_path):
    zxingcpp = pytest.importorskip("zxingcpp", reason="the extra [codes] is not installed")
    codes = {"1": ["SN-0042"], "2": [], "3": ["SN-1", "SN-2"], "4": ["SN-7", "SN-7"]}
    for name, texts in codes.items():
        show(tmp_path / "new", name, int(name))
        pixels = np.full((90, 200, 3), 255, np.uint8)
        for k, text in enumerate(texts):
            code = zxingcpp.create_barcode(text, zxingcpp.BarcodeFormat.DataMatrix)
            grey = np.asarray(code.to_image(scale=4))
            pixels[: len(grey), 100 * k : 100 * k + grey.shape[1]] = grey[..., None]
        (tmp_path / f"new/{name}_top.png").write_bytes(encode_png(pixels))
    done = run("part", "inspect", bracket, tmp_path / "new", "--json", "--read-code", "top")
    rows = {row["part"]: row for row in map(json.loads, done.stdout.splitlines())}
    assert rows["1"]["serial"] == "SN-0042"
    assert rows["4"]["serial"] == "SN-7"
    assert rows["1"]["verdict"] == "defect"  # it shows a code, and no plate
    assert (rows["2"]["verdict"], rows["2"]["serial"]) == ("error", "2")
    assert "one code must be in the picture; there is none" in rows["2"]["error"]
    assert "there is 2: SN-1, SN-2" in rows["3"]["error"]
    failed = run("part", "inspect", bracket, tmp_path / "new", "--read-code", "side").exception
    assert "--read-code must name a view" in str(failed)
