#!/bin/sh
# Babel 2.17.0 with Python 3.11: a text inside an f-string's braces is not extracted, and nobody is told.
# A good guess: gettext("good") is found wherever it is called, also in f"{gettext('good')}". In fact the
# tokeniser of Python 3.11 gives an f-string as one piece, and Babel does not look into it: the text is
# missing in the catalog without a warning, and stays English in every language.
# Guard in the product: a test walks the syntax tree and compares it with the catalog (tests/test_language.py).
set -eu
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3.11 -m venv "$here/env"
"$here/env/bin/pip" install --quiet babel==2.17.0
cd "$here"
cat > page.py <<'EOF'
from gettext import gettext

print(gettext("found outside"))
print(f"verdict: {gettext('lost inside')}")
EOF
"$here/env/bin/pybabel" --quiet extract -o texts.pot page.py
cat texts.pot | grep '^msgid "[a-z]' > found.txt
cat found.txt
test "$(cat found.txt)" = 'msgid "found outside"'
test "$(env/bin/python page.py | tail -1)" = "verdict: lost inside"
