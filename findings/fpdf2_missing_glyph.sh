#!/bin/sh
# fpdf2 2.8.9: a letter that no font in use has ends in the PDF without an error, and cannot be read there.
# A good guess: as with the built-in fonts, which refuse what Latin-1 lacks with FPDFUnicodeEncodingException,
# a letter that an added font lacks is an error. In fact the page is written, the letter is an empty box, and
# only a line in Python's log, level WARNING, tells of it.
# Guard in the product: letters are looked up in the fonts first and written as codes where none has them; a
# language that no font can write is refused before the work (report/pdf_pages.py, tests/test_report_pdf.py).
set -eu
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
"${PYTHON:-python3.11}" -m venv "$here/env"
"$here/env/bin/pip" install --quiet fpdf2==2.8.9 matplotlib==3.10.3  # matplotlib brings DejaVu Sans
"$here/env/bin/python" - <<'EOF'
import logging
from pathlib import Path

import matplotlib
from fpdf import FPDF
from fpdf.errors import FPDFUnicodeEncodingException

told = []
handler = logging.Handler()
handler.emit = lambda record: told.append((record.levelname, record.getMessage()))
logging.getLogger("fpdf").addHandler(handler)

pages = FPDF()
pages.add_page()
pages.set_font("helvetica", size=12)
try:
    pages.cell(text="결함")
    refused = False
except FPDFUnicodeEncodingException as error:
    refused = True
    print("built-in font:", error)
assert refused

font = Path(matplotlib.get_data_path()) / "fonts/ttf/DejaVuSans.ttf"
pages = FPDF()
pages.add_page()
pages.add_font("sans", fname=font)
pages.set_font("sans", size=12)
pages.cell(text="결함")
written = pages.output()
print("added font:", len(written), "bytes written;", told)
assert len(written) > 1000
assert [level for level, _ in told] == ["WARNING"]
assert "missing the following glyphs" in told[0][1]
EOF
