"""The report as a PDF: what it says and shows, in which letters, and what it refuses."""

import re
from dataclasses import replace

import numpy as np
import pypdfium2
import pytest
from commands import golden
from conftest import part
from PIL import Image

from goldensample.errors import GoldenError
from goldensample.locales.language import speaking
from goldensample.report import Report, pdf_pages
from test_report import LIMITS, inspected, labelled_report

pytestmark = pytest.mark.skipif(
    not pdf_pages.found_fonts("en"), reason="no font where fonts usually lie (fonts-dejavu)"
)
CJK = any("CJK" in path for path, _, _ in pdf_pages.found_fonts("ko"))


def texts(pdf: bytes) -> list[str]:
    """Return the text of each page."""
    with pypdfium2.PdfDocument(pdf) as document:
        return [" ".join(page.get_textpage().get_text_range().split()) for page in document]


def drawn(pdf: bytes, page: int) -> np.ndarray:
    """Return a page as it is shown, (H, W, 3), two pixels a millimetre."""
    with pypdfium2.PdfDocument(pdf) as document:
        return np.asarray(document[page].render(scale=2 * 25.4 / 72).to_pil().convert("RGB"))


def test_the_sum_first_then_cards_of_what_is_odd_or_wrong_then_all() -> None:
    pages = texts(labelled_report().pdf({"image_auroc": 0.9876, "images": 5}))
    assert pages[0].startswith("Bottles 3 of 5 defects, 2 good A picture is called defect when")
    assert "at most 1 % (1 in 100) of good pictures" in pages[0]
    assert "file bottle.golden" in pages[0]
    assert "image AUROC 0.9876" in pages[0]
    assert re.findall(r"\w\.png", " ".join(pages[1:3])) == ["b.png", "e.png", "d.png", "c.png"]
    assert "✕ false alarm" in pages[2]
    assert "✕ missed defect" in pages[2]
    assert "Region 1: 100 px (4.17 % of the picture), oddest at row 10, column 30" in pages[1]
    assert "nearest good patch: train/good/<7>.png, row 12, column 34" in pages[1]
    rows = re.findall(r"(\w)\.png . (defect|good) [\d.]+ (defect|good)", pages[3])
    assert [name for name, _, _ in rows] == ["b", "e", "d", "c", "a"]
    assert pages[3].endswith("Bottles 4 / 4")


def test_a_labelled_defect_has_the_outline_of_its_true_mask() -> None:
    pdf = labelled_report().pdf()
    page = drawn(pdf, 1).astype(int)
    cyan = (np.abs(page - (61, 245, 255)) < 40).all(2)
    assert cyan.sum() > 20
    assert np.flatnonzero(cyan.any(0)).min() > page.shape[1] / 2  # over the heat
    assert texts(pdf)[1].count("Dashed line: the true mask.") == 2
    report = Report("Part", {}, LIMITS)
    report.add(*inspected("odd.png", 4.0))
    assert "true mask" not in " ".join(texts(report.pdf()))


def test_the_picture_and_its_heat_are_side_by_side() -> None:
    report = Report("Part", {}, LIMITS)
    report.add(*inspected("odd.png", 4.0))
    page = drawn(report.pdf(), 1).astype(int)
    colourful = (page.max(2) - page.min(2) > 60) & (np.indices(page.shape[:2])[0] > 60)
    columns = np.flatnonzero(colourful.any(0))
    assert columns.min() > page.shape[1] / 2  # the heat is on the right picture alone
    plain = page[60:170, 40:190]
    assert (np.abs(plain - 120) < 4).all(2).mean() > 0.9  # the grey picture on the left


def test_without_limits_the_oddest_have_cards_and_all_are_in_the_table() -> None:
    report = Report("Scores", {}, None)
    for index in range(45):
        report.add(*inspected(f"p{index:02}.png", 1 + index / 100, verdict=None))
    pages = texts(report.pdf())
    assert len(pages) == 1 + 20 + 1
    assert "No threshold was set" in pages[0]
    assert len(re.findall(r"p\d\d\.png", pages[-1])) == 45


def test_many_regions_and_long_names_stay_in_their_half() -> None:
    report = Report("Many", {"lot": "x" * 300}, LIMITS)
    for index in range(2):
        pixels, inspection = inspected("y" * 200 + f"{index}.png", 5.0)
        report.add(pixels, replace(inspection, regions=inspection.regions * 20))
    pages = texts(report.pdf())
    assert len(pages) == 3
    assert pages[1].count("…") == 2


def test_failures_are_said_and_letters_without_a_font_are_written_as_codes() -> None:
    report = Report("Teil 7 ä", {}, LIMITS)
    report.add(*inspected("\U0001f9ff\udcff.png", 5.0))
    report.add_failure("lost.png", "the file ends too early")
    pages = texts(report.pdf())
    assert "lost.png could not be read: the file ends too early" in pages[0]
    assert pages[1].startswith(r"\U0001f9ff\udcff.png")


@pytest.mark.skipif(not CJK, reason="no font with Chinese and Korean letters (fonts-noto-cjk)")
def test_korean_and_chinese_letters_are_in_the_file() -> None:
    for name, word in (("ko", "불량"), ("zh_Hans", "缺陷")):
        with speaking(name):
            report = Report(word, {}, LIMITS)
            report.add(*inspected(f"{word}.png", 5.0))
            pdf = report.pdf()
        assert word in texts(pdf)[0]
        assert word in texts(pdf)[1]
        assert b"/FontFile" in pdf


def test_without_fonts_english_and_german_are_written_and_korean_is_refused(monkeypatch) -> None:
    monkeypatch.setattr(pdf_pages, "FONTS", ())
    pdf_pages.found_fonts.cache_clear()
    try:
        with speaking("de"):
            pages = texts(labelled_report().pdf())
        assert "Bottles" in pages[0]
        assert "b.png" in pages[1]
        with speaking("ko"), pytest.raises(GoldenError, match="fonts-noto-cjk"):
            labelled_report().pdf()
    finally:
        pdf_pages.found_fonts.cache_clear()


def test_by_command(product, tmp_path) -> None:
    Image.fromarray(part(1)).save(tmp_path / "one.png")
    written = tmp_path / "out" / "lot.pdf"
    ran = golden("inspect", product, tmp_path, "--pdf", written)
    assert ran.returncode == 0, ran.stderr
    assert f"report: {written}" in ran.stderr
    assert product.name in texts(written.read_bytes())[0]


def test_what_cannot_be_written_is_refused_before_the_work(product, tmp_path) -> None:
    Image.fromarray(part(1)).save(tmp_path / "one.png")
    ran = golden("inspect", product, tmp_path, "--pdf", tmp_path / "one.png" / "lot.pdf")
    assert ran.returncode == 2
    assert "lot.pdf" in ran.stderr
    assert not ran.stdout
