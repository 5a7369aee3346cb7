"""Pages of a PDF: their fonts, found on this machine and put into the file, and their foot."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from fontTools.ttLib import TTCollection, TTFont
from fpdf import FPDF
from fpdf.fonts import FontFace
from fpdf.table import Table

from goldensample.errors import GoldenError
from goldensample.locales.language import LANGUAGES, language

MARGIN_MM = 14.0
GREY, RED = (96, 96, 96), (176, 0, 0)

FONTS = (
    "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
    "/usr/share/fonts/dejavu-sans-fonts/DejaVuSans.ttf",
    "/usr/share/fonts/TTF/DejaVuSans.ttf",
    "/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf",
    "/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf",
    "C:/Windows/Fonts/segoeui.ttf",
    "C:/Windows/Fonts/seguisym.ttf",
    "/System/Library/Fonts/Supplemental/Arial Unicode.ttf",
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/google-noto-sans-cjk-fonts/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/nanum/NanumGothic.ttf",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
    "C:/Windows/Fonts/malgun.ttf",
    "C:/Windows/Fonts/msyh.ttc",
)
"""Where Linux, Windows and macOS keep fonts, the first that has a letter before the others."""
FAMILIES = {"ko": "KR", "zh_Hans": "SC"}
"""End of the name of the font in a collection that writes a language as it is usual there."""
SAMPLES = {"de": "äöüß", "ko": "결함불량양품", "zh_Hans": "缺陷良品检查"}
"""Letters without which a language cannot be read."""
SYMBOLS = "▲◆●◇✕"


class Pages(FPDF):
    """Pages of A4 with the title and their number at the foot.

    Args:
        title: of the document.

    Raises:
        GoldenError: no font of this machine has the letters of the language in use.
    """

    def __init__(self, title: str) -> None:
        super().__init__(format="A4")
        check_font()
        self._letters: set[int] = set()
        names = []
        for index, (path, number, letters) in enumerate(found_fonts(language())):
            names.append(f"text{index}")
            self.add_font(names[-1], fname=path, collection_font_number=number)
            self._letters |= letters
        self._family = names[0] if names else "helvetica"
        self.set_fallback_fonts(names[1:])
        self._title = self.printable(title)
        self.set_title(self._title)
        self.set_margins(MARGIN_MM, MARGIN_MM)
        self.set_auto_page_break(True, MARGIN_MM + 6)
        self.alias_nb_pages()

    def printable(self, text: str) -> str:
        """Return a text with what no font has written as its code; symbols are left out."""
        if not self._letters:  # the fonts that every PDF reader has know Latin-1
            text = "".join(letter for letter in text if letter not in SYMBOLS).strip()
            return text.replace("…", "...").encode("latin-1", "backslashreplace").decode("latin-1")
        return "".join(
            letter if ord(letter) in self._letters or letter in "\n\u00a0" else ascii(letter)[1:-1]
            for letter in text
        )

    def words(self, text: str, size: float = 9, colour: tuple[int, int, int] = (0, 0, 0)) -> None:
        """Write a text over the whole width, and go to the next line."""
        self.set_font(self._family, size=size)
        self.set_text_color(*colour)
        line = size * 0.48
        self.multi_cell(
            self.epw, line, self.printable(text), align="L", new_x="LMARGIN", new_y="NEXT"
        )
        self.set_text_color(0, 0, 0)

    def tag(self, text: str, at_mm: tuple[float, float]) -> None:
        """Write a few letters onto a picture, white on black, above a point."""
        self.set_font(self._family, size=8)
        self.set_fill_color(0, 0, 0)
        self.set_text_color(255, 255, 255)
        self.set_xy(at_mm[0], at_mm[1] - 3)
        self.cell(self.get_string_width(text) + 1, 3, text, fill=True)
        self.set_text_color(0, 0, 0)

    def label(self, text: str, at_mm: tuple[float, float], anchor: str, size: float = 7) -> None:
        """Write a text of a figure; its base line is at the point.

        Args:
            text: in one line.
            at_mm: the point, across and down.
            anchor: "start", "middle" or "end" of the text is there.
            size: of the letters.
        """
        self.set_font(self._family, size=size)
        shown = self.printable(text)
        share = {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor]
        self.text(at_mm[0] - share * self.get_string_width(shown), at_mm[1], shown)

    @contextmanager
    def rows(self, widths_mm: tuple[int, ...], headings: bool = False) -> Iterator[Table]:
        """Write a table with a thin line between its rows; headings come again on each page."""
        self.set_font(self._family, size=8)
        self.set_draw_color(200, 200, 200)
        self.set_line_width(0.1)
        with self.table(
            width=sum(widths_mm), col_widths=widths_mm, first_row_as_headings=headings,
            borders_layout="HORIZONTAL_LINES", text_align="LEFT", line_height=4.2, align="LEFT",
            headings_style=FontFace(color=GREY),
        ) as table:  # fmt: skip
            yield table

    def footer(self) -> None:
        """Write the title and the number of the page."""
        self.set_y(-MARGIN_MM)
        self.set_font(self._family, size=8)
        self.set_text_color(*GREY)
        self.cell(self.epw - 20, 5, self._title)
        self.cell(20, 5, f"{self.page_no()} / {{nb}}", align="R")
        self.set_text_color(0, 0, 0)


def check_font() -> None:
    """Refuse to write a PDF in a language whose letters no font of this machine has.

    Raises:
        GoldenError: with what to install.
    """
    name = language()
    letters = set().union(*(known for _, _, known in found_fonts(name)), range(32, 256))
    if not set(map(ord, SAMPLES.get(name, ""))) <= letters:
        raise GoldenError(
            f"a PDF in {LANGUAGES[name]} must have a font with its letters; this machine has none "
            "where fonts usually lie; install one (Debian and Ubuntu: apt install fonts-noto-cjk), "
            "or write the PDF in English (--language en)"
        )


@cache
def found_fonts(name: str) -> tuple[tuple[str, int, frozenset[int]], ...]:
    """Return the fonts of this machine: path, number in its collection, and letters it has.

    Args:
        name: of the language, a key of LANGUAGES.
    """
    found = []
    for path in filter(lambda path: Path(path).is_file(), FONTS):
        number = _number(path, FAMILIES.get(name, "SC")) if path.endswith(".ttc") else 0
        with TTFont(path, fontNumber=number, lazy=True) as font:
            found.append((path, number, frozenset(font.getBestCmap())))
    return tuple(found)


def _number(path: str, ending: str) -> int:
    """Return the number of the font in a collection whose name ends so; 0 where none does."""
    with TTCollection(path, lazy=True) as collection:
        names = [font["name"].getDebugName(1) or "" for font in collection.fonts]
    return next((index for index, name in enumerate(names) if name.endswith(ending)), 0)
