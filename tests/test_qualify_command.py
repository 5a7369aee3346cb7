"""`golden qualify`: the paper by command, in its four forms, and what it refuses."""

import csv
import io
import json
import re
from datetime import UTC, datetime

import numpy as np
import openpyxl
import pypdfium2
import pytest
from commands import golden
from conftest import part, part_mask
from PIL import Image

from goldensample.cli.qualify_tables import read_csv
from goldensample.errors import GoldenError, ImageError
from goldensample.locales.language import speaking
from goldensample.qualification.appraisers import appraisers, read_appraisals
from goldensample.qualification.build import Question, qualify
from goldensample.qualification.files import FILES, write
from goldensample.qualification.found_by_size import found_by_size
from goldensample.qualification.pictures import defect_items, good_items
from goldensample.qualification.sizes import measure
from goldensample.qualification.trials import Trial
from goldensample.records import silent
from goldensample.report import pdf_pages
from goldensample.report.facts import Occasion

pytestmark = pytest.mark.skipif(
    not pdf_pages.found_fonts("en"), reason="no font where fonts usually lie (fonts-dejavu)"
)


def save(path, pixels) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Good parts of another day, defects of growing size with masks, and two repeats."""
    folder = tmp_path_factory.mktemp("qualify")
    for seed in range(12):
        save(folder / f"good/{seed:02}.png", part(1000 + seed))
    save(folder / "good/learned.png", part(3))
    for seed in range(24):
        pixels, mask = part(2000 + seed), np.zeros((48, 48), np.uint8)
        mask[20:30, 20 : 22 + seed // 2] = 255
        pixels[mask > 0] = 20 if seed % 5 else 110
        save(folder / f"defects/dent/{seed:02}.png", pixels)
        save(folder / f"ground_truth/dent/{seed:02}_mask.png", mask)
    save(folder / "defects/spot/a.png", part(5, defect=True))
    for time in (1, 2, 3):
        for seed in range(4):
            save(folder / f"again{time}/p{seed}.png", part(100 * time + seed, defect=seed == 0))
    rows = [["Appraiser", "Part", "Trial", "Call", "Reference"]]
    for who in "AB":
        for trial in "12":
            for seed in range(4):
                call = "defect" if seed == 0 or (who, trial, seed) == ("B", "2", 1) else "good"
                rows.append([who, f"p{seed}", trial, call, "good" if seed else "defect"])
    with (folder / "people.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    with (folder / "line.csv").open("w", newline="", encoding="utf-8") as file:
        rows = [["time", "product", "verdict", "score", "p_value", "answer"]]
        for k in range(60):
            time = f"2026-03-{k // 2 + 1:02}T06:00:00+00:00"
            rows.append([time, "part", "good", 1 + k % 7, (k % 19 + 1) / 20, ""])
        csv.writer(file).writerows(rows)
    return folder


def test_the_paper_in_its_four_forms(product, pictures, tmp_path):
    arguments = ["--good", pictures / "good", "--defects", pictures / "defects", "-o", tmp_path]
    for time in (1, 2, 3):
        arguments += ["--repeat", pictures / f"again{time}"]
    arguments += ["--appraisals", pictures / "people.csv", "--mm-per-px", 0.5, "--rate", "20%"]
    ran = golden("qualify", product, *arguments, "--lot-size", 100, "--operator", "Kim",
                 "--records", pictures / "line.csv")  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    assert "good parts were called defects" in ran.stdout
    values = json.loads((tmp_path / FILES[3]).read_text(encoding="utf-8"))
    assert values["false_alarms"]["good"] == 12
    assert values["false_alarms"]["left_out"] == 1
    assert values["detection"]["defects"] == 25
    assert values["detection"]["unit"] == "mm"
    assert values["repeatability"]["parts"] == 4
    assert values["agreement"]["A"]["kappa"] == 1
    assert values["agreement"]["B"]["false_alarm_rate"] == pytest.approx(1 / 6)
    assert "the inspection" in values["agreement"]
    assert values["over_time"]["score"]["points"] == 60
    assert values["synthetic"]["unit"] == "mm"
    assert sum(row[4] for row in values["synthetic"]["cells"]) == values["synthetic"]["drawn"]
    assert len(values["pictures"]) == 12 + 25 + 12
    page = (tmp_path / FILES[0]).read_text(encoding="utf-8")
    assert page.count("It does not show:") == 6
    assert "<script" not in page
    assert "http" not in re.sub(r"http-equiv", "", page)
    with pypdfium2.PdfDocument((tmp_path / FILES[1]).read_bytes()) as document:
        said = " ".join(sheet.get_textpage().get_text_range() for sheet in document)
    assert "Kim" in said
    assert "released by" in said
    assert b"/FontFile" in (tmp_path / FILES[1]).read_bytes()
    book = openpyxl.load_workbook(io.BytesIO((tmp_path / FILES[2]).read_bytes()))
    assert len(book.sheetnames) == 8
    assert any(
        row[:2] == ("scratch", 1.5) for row in book["Synthetic defects"].iter_rows(values_only=True)
    )
    assert any(row[0] == "alarms" for row in book["False alarms"].iter_rows(values_only=True))


def test_the_same_input_gives_the_same_bytes_but_for_the_date(product, pictures, tmp_path):
    from goldensample.artifact.store import load

    question = Question(
        good=good_items(pictures / "good"),
        defects=defect_items(pictures / "defects"),
        repeats=[good_items(pictures / f"again{time}") for time in (1, 2, 3)],
        appraisals=read_appraisals(read_csv(pictures / "people.csv")),
    )
    forms: list[list[bytes]] = []
    for name, day in (("a", 21), ("b", 21), ("c", 22)):
        made = datetime(2026, 1, day, tzinfo=UTC)
        occasion = Occasion(date=f"{made:%Y-%m-%d}", file=product.name)
        write(qualify(load(product), product, occasion, question, silent), tmp_path / name, made)
        forms.append([(tmp_path / name / file).read_bytes() for file in FILES])
    assert forms[0] == forms[1]
    for number, (first, other) in enumerate(zip(forms[0], forms[2], strict=True)):
        assert first != other
        moved = (
            content(number, other).replace("2026-01-22", "2026-01-21").replace("22.01.", "21.01.")
        )
        assert content(number, first) == moved


def content(number: int, data: bytes) -> str:
    """Return what one of FILES says; of a PDF and a workbook, which are compressed, the text."""
    if number == 1:
        with pypdfium2.PdfDocument(data) as document:
            return " ".join(sheet.get_textpage().get_text_range() for sheet in document)
    if number == 2:
        book = openpyxl.load_workbook(io.BytesIO(data))
        return str([list(sheet.iter_rows(values_only=True)) for sheet in book.worksheets])
    return data.decode("utf-8")


def test_what_cannot_be_qualified_is_refused(product, pictures, tmp_path):
    learned = tmp_path / "learned"
    save(learned / "a.png", part(3))
    options = ["--defects", pictures / "defects", "-o", tmp_path / "out"]
    ran = golden("qualify", product, "--good", learned, *options)
    assert ran.returncode == 2
    assert "others than those of the fit" in ran.stderr
    ran = golden("qualify", product, "--good", tmp_path / "none", *options)
    assert "there is no such folder" in ran.stderr
    options += ["--good", pictures / "good"]
    ran = golden("qualify", product, *options, "--repeat", pictures / "again1")
    assert "--repeat must be given at least twice" in ran.stderr
    ran = golden("qualify", product, *options, "--mm-per-px", 0)
    assert "--mm-per-px must be above 0" in ran.stderr
    ran = golden("qualify", product, *options, "--rate", "100%")
    assert "--rate must be between 0 and 1" in ran.stderr
    assert not (tmp_path / "out").exists()


def test_masks_are_found_by_their_paths(pictures, tmp_path):
    items = defect_items(pictures / "defects")
    assert sum(bool(item.masks) for item in items) == 24
    assert {item.defect_type for item in items} == {"dent", "spot"}
    items = defect_items(pictures / "defects/dent", pictures / "ground_truth/dent")
    assert all(item.masks and item.defect_type == "defect" for item in items)
    for name in ("part.png", "good/fine.png"):
        save(tmp_path / name, part(1))
    save(tmp_path / "part_mask.png", part_mask())
    (item,) = defect_items(tmp_path)
    assert item.masks[0].name == "part_mask.png"
    with pytest.raises(ImageError, match="must hold pictures"):
        defect_items(tmp_path / "good" / "fine.png")


def test_the_size_is_that_of_the_longest_part():
    mask = np.zeros((60, 60), bool)
    mask[5:8, 10:50] = True
    mask[20:30, 20:30] = True
    size = measure(mask)
    assert (size.area_px, size.width_px) == (120, pytest.approx(3))
    assert size.length_px == pytest.approx(np.hypot(40, 3), rel=2e-4)
    tilted = np.eye(40, dtype=bool)
    assert measure(tilted).length_px == pytest.approx(40 * np.sqrt(2))
    assert measure(tilted).width_px == pytest.approx(np.sqrt(2))
    assert measure(mask & False) is None


@pytest.mark.parametrize("language", ["en", "de", "ko", "zh_Hans"])
def test_each_case_without_a_bound_is_said_in_words(language):
    def section(lengths, found):
        square = [measure(np.ones((1, int(length)), bool)) for length in lengths]
        trials = [
            Trial(f"{k}", "dent", "defect" if hit else "good", 1.0, "", size, hit)
            for k, (size, hit) in enumerate(zip(square, found, strict=True))
        ]
        return found_by_size(trials, 0.1)

    rng = np.random.default_rng(0)
    sizes = np.sort(rng.integers(10, 400, 60))
    cases = {
        "few": (sizes[:5], sizes[:5] > 0),
        "all_found": (sizes, sizes > 0),
        "none_found": (sizes, sizes < 0),
        "separated": (sizes, sizes > 100),
        "no_slope": (sizes, np.arange(60) % 2 == 0),
    }
    with speaking(language):
        said = {case: section(*trials).answer[1] for case, trials in cases.items()}
        whole = section(sizes, rng.random(60) < 1 / (1 + (sizes / 80) ** -2.5))
    assert len(set(said.values())) == len(cases)
    assert not any("%" in text.replace("90 %", "") for text in said.values()), said
    assert "a90/95" in whole.answer[2]
    assert len(whole.tables[1].rows) == 6
    if language == "en":
        assert all("does not exist" in text for text in said.values())


def test_each_kind_of_defect_has_its_curve_or_words():
    rng = np.random.default_rng(4)
    sizes = rng.integers(10, 400, 60)
    found = {
        "dent": rng.random(60) < 1 / (1 + (sizes / 80) ** -2.5),
        "hair": sizes > 0,
        "spot": sizes > 0,
    }
    trials = [
        Trial(f"{kind}{k}", kind, "defect" if hit else "good", 1.0, "", size, hit)
        for kind, hits in found.items()
        for k, (length, hit) in enumerate(zip(sizes, hits, strict=True))
        if kind != "spot" or k < 4
        for size in [measure(np.ones((1, int(length)), bool))]
    ]
    section = found_by_size(trials, None)
    rows = {row[0]: row for row in section.tables[1].rows}
    assert rows["dent"][1:4] == pytest.approx(
        [60, *(section.values["by_kind"][0][k] for k in (2, 3))]
    )
    assert float(rows["dent"][4]) > rows["dent"][3]
    assert rows["hair"][2:] == [None, None, rows["hair"][4]]
    assert rows["hair"][4].startswith("all were found")
    assert rows["spot"][4].startswith("there are fewer than 10")
    assert [row[5] for row in section.values["by_kind"]] == ["", "all_found", "few"]
    assert len(section.figures) == 2
    assert len(found_by_size([t for t in trials if t.kind == "dent"], None).figures) == 1


def test_a_table_of_people_must_be_whole():
    row = {"appraiser": "A", "part": "1", "trial": "1", "call": "good", "reference": "defect"}
    calls, parts, reference = read_appraisals([row, {**row, "part": "2"}])
    assert (parts, calls["A"].shape, reference.all()) == (["1", "2"], (2, 1), True)
    assert appraisers(calls, reference).tables[0].rows[0][4].startswith("none")
    for changed, words in (
        ({"call": ""}, "row 3 lacks call"),
        ({"call": "maybe"}, "must be good or defect"),
        ({"reference": "good"}, "one reference"),
        ({"appraiser": "B", "part": "2"}, "complete the table"),
    ):
        with pytest.raises(GoldenError, match=words):
            read_appraisals([row, {**row, **changed}])
