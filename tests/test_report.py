"""The report page: what it holds, and that it is safe and calm."""

import base64
import csv
import io
import re
from html import unescape

import numpy as np
import pytest
from PIL import Image

from goldensample.records import Inspection, Region, Source, Threshold
from goldensample.report import Report
from goldensample.report.entry import HEAT_PX, THUMBNAIL_PX, make_entry
from goldensample.report.scale import STEPS, ColourScale, palette

LIMITS = Threshold(score=2.0, pixel=2.0, false_alarms=0.01, held_out=42, kind="split")


def inspected(name, peak, size_hw=(40, 60), verdict="by score", **more):
    """Return pixels and an inspection with one hot square of heat `peak` on a ground of 0.5."""
    heat_map = np.full(size_hw, 0.5, np.float32)
    heat_map[10:20, 30:40] = peak
    regions = ()
    if peak > LIMITS.pixel:
        reason = Source("train/good/<7>.png", 12.0, 34.0)
        regions = (Region((10, 30, 10, 10), 100, float(peak), (10, 30), reason),)
    if verdict == "by score":
        verdict = "defect" if peak > LIMITS.score else "good"
    pixels = np.full((*size_hw, 3), 120, np.uint8)
    box_px = more.pop("box_px", (0, 0, *size_hw))
    return pixels, Inspection(name, float(peak), verdict, heat_map, box_px, regions, **more)


def labelled_report():
    """Five pictures: two found defects, one missed, one good, one false alarm."""
    report = Report("Bottles", {"file": "bottle.golden"}, LIMITS)
    mask = np.zeros((40, 60), bool)
    mask[10:20, 30:40] = True
    for name, peak, label, kind in (
        ("a.png", 1.0, False, "good"),
        ("b.png", 5.0, True, "broken"),
        ("c.png", 1.5, True, "scratch"),
        ("d.png", 2.5, False, "good"),
        ("e.png", 3.0, True, "broken"),
    ):
        report.add(*inspected(name, peak), label, kind, mask if label else ~mask & mask)
    return report


def names(page):
    return [unescape(name) for name in re.findall(r'class="name"><bdi>(.*?)</bdi>', page)]


def overlays(page):
    """Return the decoded overlay of each card that has one, (h, w, 4)."""
    found = re.findall(r'class="heat"[^>]*base64,([^"]*)"', page)
    return [
        np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGBA")) for data in found
    ]


def test_every_picture_is_there_oddest_first():
    page = labelled_report().html().decode()
    assert names(page) == ["b.png", "e.png", "d.png", "c.png", "a.png"]
    assert page.count("data:image/jpeg;base64,") == 5
    assert "<b>100 px</b> (4.17\N{NO-BREAK SPACE}% of the picture), oddest at row 10, " in page
    assert "column 30, <b>2.50 × the limit</b>" in page
    assert "nearest good patch: <bdi>train/good/&lt;7&gt;.png</bdi>, row 12, column 34" in page


def tables(page):
    """The files that the page's links hold, by name."""
    found = re.findall(r'download="([^"]*)" href="data:[^,]*;base64,([^"]*)"', page)
    return {name: base64.b64decode(data) for name, data in found}


def test_the_sum_comes_first_and_the_table_is_in_the_page():
    from openpyxl import load_workbook

    report = labelled_report()
    report.add_failure("=1+1.png", "the file is empty")
    page = report.html().decode()
    assert '<p class="sum">3 of 6 defects, 2 good, 1 could not be read</p>' in page
    assert page.index('class="sum"') < page.index('class="tiles"') < page.index('class="card')
    files = tables(page)
    rows = list(csv.DictReader(io.StringIO(files["verdicts.csv"].decode("utf-8-sig"))))
    assert [row["picture"] for row in rows] == [*(f"{n}.png" for n in "bedca"), "'=1+1.png"]
    assert (rows[0]["verdict"], rows[0]["regions"], rows[0]["row_px"]) == ("defect", "1", "10")
    assert (rows[-1]["verdict"], rows[-1]["error"]) == ("error", "the file is empty")
    assert [row["label"] for row in rows] == ["defect", "defect", "good", "defect", "good", ""]
    sheet = load_workbook(io.BytesIO(files["verdicts.xlsx"])).active
    assert [cell.value for cell in sheet["A"]][1:3] == ["b.png", "e.png"]


def test_equal_scores_are_ordered_by_name_and_the_page_is_reproducible():
    pages = []
    for order in ("xyz", "zyx"):
        report = Report("t", {}, LIMITS)
        for name in order:
            report.add(*inspected(name, 3.0))
        pages.append(report.html())
    assert pages[0] == pages[1]
    assert names(pages[0].decode()) == ["x", "y", "z"]


def test_foreign_text_is_escaped_everywhere():
    evil = "<script>alert(1)</script>\"'&ü漢\udcff$title.png"
    report = Report(evil, {evil: evil}, LIMITS)
    report.add(*inspected(evil, 3.0, note=evil), True, evil)
    report.add_failure(evil, evil)
    page = report.html({evil: 1.0}).decode()
    assert page.count("<script>") == 1
    assert "alert(1)</script>" not in page
    assert names(page) == [evil.replace("\udcff", "\\udcff")]


def test_nothing_is_loaded_from_elsewhere():
    page = labelled_report().html({"image_auroc": 0.9}).decode()
    assert "://" not in page
    assert "default-src 'none'" in page
    targets = re.findall(r'(?:href|src)="([^"]*)"', page)
    assert targets
    inside = ("#", "data:image/", "data:text/csv;", "data:application/vnd.openxml")
    assert all(target.startswith(inside) for target in targets)
    assert "url(" not in page
    assert "@import" not in page


def test_the_same_heat_has_the_same_colour_in_every_picture():
    report = Report("t", {}, LIMITS)
    for name, peak in (("hot", 9.0), ("warm", 3.0), ("calm", 1.9)):
        pixels, inspection = inspected(name, peak)
        inspection.heat_map[0:5, 0:5] = 1.9 if name == "calm" else 2.2
        report.add(pixels, inspection)
    hot, warm = overlays(report.html().decode())  # the calm one has none
    assert (hot[2, 2] == warm[2, 2]).all()
    assert 100 < hot[2, 2, 3] < 200  # just beyond the limit: seen
    assert hot[12, 32, 3] == 255
    assert hot[30, 50, 3] == 0  # within the limit: nothing


def test_without_threshold_the_largest_heat_of_the_run_has_the_last_colour():
    report = Report("t", {}, None)
    for name, peak in (("hot", 9.0), ("warm", 4.5)):
        report.add(*inspected(name, peak, verdict=None))
    hot, warm = overlays(report.html().decode())
    colours = palette(ColourScale(0.0, 9.0, None))
    assert (hot[12, 32] == colours[-1]).all()
    assert (warm[12, 32] == colours[STEPS // 2]).all()


@pytest.mark.parametrize("size_hw", [(1, 1), (2, 3000), (3000, 2)])
def test_pictures_of_odd_shapes_are_shown(size_hw):
    report = Report("t", {}, LIMITS)
    heat_map = np.full(size_hw, 3.0, np.float32)
    said = Inspection("odd", 3.0, "defect", heat_map, (0, 0, *size_hw))
    report.add(np.zeros((*size_hw, 3), np.uint8), said, True, "", np.ones(size_hw, bool))
    page = report.html().decode()
    assert f'viewBox="0 0 {size_hw[1]} {size_hw[0]}"' in page
    assert "nan" not in re.sub(r"base64,[^\"]*", "", page.split("<main>")[1].split("<script>")[0])


def test_a_calm_picture_has_no_overlay_at_all():
    report = Report("t", {}, LIMITS)
    report.add(*inspected("calm", 0.9))
    assert overlays(report.html().decode()) == []


def test_what_is_kept_of_a_picture_is_small():
    pixels, inspection = inspected("large", 3.0, (2000, 3000))
    entry = make_entry(pixels, inspection, None, "", None)
    assert max(Image.open(io.BytesIO(entry.thumbnail)).size) == THUMBNAIL_PX
    assert max(entry.heat.share.shape) <= HEAT_PX
    assert entry.heat.share.dtype == np.float16
    assert entry.inspection.heat_map is None


def test_labels_give_measures_and_tables():
    page = labelled_report().html(
        {"image_auroc": 0.875, "pro": None, "f1": 0.8, "misclassified": {"false_positive": 1}}
    )
    text = re.sub(r"<[^>]*>", " ", page.decode()).replace("\N{NO-BREAK SPACE}", " ")
    text = re.sub(r"\s+", " ", text)
    assert "0.875 image AUROC" in text
    assert "PRO" not in text
    assert "labelled good 1 of 2 (50 %) 1 of 2 (50 %) ✕ false alarms" in text
    assert "labelled defect 1 of 3 (33.3 %) ✕ missed 2 of 3 (66.7 %)" in text
    assert "broken 2 of 2 (100 %) scratch 0 of 1 (0 %)" in text
    assert "ROC, image AUROC 0.8333" in text  # 5 of 6 pairs are in order
    assert text.count("✕ missed defect") == 1
    assert page.count(b'class="truth" href') == 3


def test_threshold_is_put_in_plain_words():
    words = Report("t", {}, LIMITS).html().decode()
    assert "42 good pictures" in words
    assert "1\N{NO-BREAK SPACE}% (1 in 100)" in words
    assert "given by hand" in Report("t", {}, Threshold(score=2.0, pixel=2.0)).html().decode()
    report = Report("t", {}, None)
    report.add(*inspected("a", 3.0, verdict=None))
    page = report.html().decode()
    assert "No threshold was set" in page
    assert "<fieldset" not in page
    assert 'class="contour"' not in page


def test_a_crop_is_shown_and_many_regions_are_counted():
    pixels, inspection = inspected("a", 3.0, box_px=(5, 5, 30, 50))
    many = Inspection(
        "b", 3.0, "defect", inspection.heat_map, (5, 5, 30, 50), 99 * inspection.regions
    )
    report = Report("t", {}, LIMITS)
    report.add(pixels, many)
    page = report.html().decode()
    assert 'class="outside"' in page
    assert "95 more regions" in page
    assert "75 regions with smaller peaks" in page


def test_values_that_do_not_fit_are_refused():
    report = Report("t", {}, LIMITS)
    pixels, inspection = inspected("a", 3.0)
    with pytest.raises(ValueError, match=r"pixels must be \(H, W, 3\) uint8; got \(40, 60\)"):
        report.add(pixels[..., 0], inspection)
    with pytest.raises(ValueError, match=r"mask must be \(40, 60\)"):
        report.add(pixels, inspection, mask=np.zeros((4, 4), bool))
    inspection.heat_map[0, 0] = np.nan
    with pytest.raises(ValueError, match="must be finite"):
        report.add(pixels, inspection)


def test_an_empty_report_is_a_page():
    report = Report("t", {}, None)
    report.add_failure("a.png", "the file is empty")
    assert "1 picture could not be read" in report.html().decode()
