"""`golden inspect --output` to CSV and Excel, and the sum at the end of every run."""

import csv
import io
import json
import sys

import pytest
from conftest import part
from typer.testing import CliRunner

import goldensample
from goldensample.cli.app import app
from goldensample.errors import ArtifactError, GoldenError
from goldensample.images.codec import encode_png
from goldensample.storage import verdict_sheet


@pytest.fixture(scope="module")
def line(tiny, good_parts, tmp_path_factory):
    """A file and a folder: two good parts, a defect, and one that is no picture."""
    folder = tmp_path_factory.mktemp("sheet")
    fitted = goldensample.fit(good_parts, backbone=tiny, false_alarms=0.1)
    goldensample.save(fitted, folder / "part.golden")
    (folder / "new").mkdir()
    for name, picture in {"a": part(1), "=b": part(2), "c": part(72, defect=True)}.items():
        (folder / f"new/{name}.png").write_bytes(encode_png(picture))
    (folder / "new/d.png").write_bytes(b"no picture")
    return folder


def run(*words: object):
    return CliRunner().invoke(app, [str(word) for word in words])


def inspected(line) -> dict[str, dict]:
    done = run("inspect", line / "part.golden", line / "new", "--json")
    return {row["picture"]: row for row in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize(
    ("delimiter", "mark", "point"), [("comma", ",", "."), ("semicolon", ";", ",")]
)
def test_a_csv_has_what_json_says(line, tmp_path, delimiter, mark, point):
    file = tmp_path / "results.csv"
    words = ("inspect", line / "part.golden", line / "new", "--output", file)
    done = run(*words, "--delimiter", delimiter)
    assert done.exit_code == 2  # one could not be read
    assert done.stderr.splitlines()[-1].startswith("1 of 4 defects, 2 good, 1 could not be read; ")
    text = file.read_bytes().decode("utf-8")
    assert text[0] == "\ufeff"
    rows = list(csv.DictReader(io.StringIO(text[1:]), delimiter=mark))
    expected = inspected(line)
    assert [row["picture"] for row in rows] == ["'=b.png", "a.png", "c.png", "d.png"]
    for row in rows[:3]:
        there = expected[row["picture"].lstrip("'")]
        assert row["verdict"] == there["verdict"]
        assert float(row["score"].replace(point, ".")) == there["score"]
        assert int(row["regions"]) == len(there["regions"])
    worst = max(expected["c.png"]["regions"], key=lambda region: region["peak"])
    assert [int(rows[2]["row_px"]), int(rows[2]["column_px"])] == list(worst["peak_px"])
    assert rows[3]["verdict"] == "error"
    assert "d.png" in rows[3]["error"]


def test_an_excel_file_has_the_same_and_no_formula(line, tmp_path):
    openpyxl = pytest.importorskip("openpyxl")
    run("inspect", line / "part.golden", line / "new", "-o", tmp_path / "results.xlsx")
    sheet = openpyxl.load_workbook(tmp_path / "results.xlsx").active
    header, *rows = sheet.iter_rows(values_only=True)
    assert header[:3] == ("picture", "verdict", "score")
    assert [row[0] for row in rows] == ["=b.png", "a.png", "c.png", "d.png"]
    assert sheet["A2"].data_type == "s"
    assert rows[2][2] == pytest.approx(inspected(line)["c.png"]["score"], rel=1e-12)


def test_what_cannot_be_written_is_told_before_the_work(line, tmp_path, monkeypatch):
    words = ("inspect", line / "part.golden", line / "new", "-o")
    for given, reason in (
        ((tmp_path / "a.csv", "--delimiter", "tab"), "comma or semicolon; got tab"),
        ((tmp_path / "a.csv", "--resume"), "--resume must go with an --output that ends"),
        (("s3://somewhere/a.csv",), "path of this machine"),
    ):
        assert reason in str(run(*words, *given).exception)
    monkeypatch.setattr(verdict_sheet, "MOST_ROWS", 1)
    sheet = verdict_sheet.VerdictSheet(tmp_path / "a.xlsx", ["picture"])
    for name in "ab":
        sheet.add({"picture": name})
    with pytest.raises(ArtifactError, match=r"at most 1 rows.* it has 2"):
        sheet.write()
    monkeypatch.setitem(sys.modules, "xlsxwriter", None)
    with pytest.raises(GoldenError, match=r"extra \[excel\]"):
        verdict_sheet.VerdictSheet(tmp_path / "a.xlsx", ["picture"])
    assert not list(tmp_path.iterdir())
