#!/bin/sh
# aqdefreader 1.3.0: the day and the month of a Q-DAS value change places where both are at most 12.
# A good guess: 12.11.2026/08:00:00 in a .dfq file is the day before 13.11.2026/08:00:00, for the format
# writes dd.mm.yyyy. In fact the reader gives the text to dateutil, which takes the first number for the
# month where it can: the two days are read as 11 December and 13 November, and nobody is told.
# It also imports pandas, chardet and dateutil, which it does not ask for.
# Guard in the product: the test that reads our file back uses a day above 12 (tests/test_qualify_qdas.py),
# and the page on qualifications names it.
set -eu
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3.11 -m venv "$here/env"
"$here/env/bin/pip" install --quiet aqdefreader==1.3.0 pandas==2.3.3 chardet==5.2.0 python-dateutil==2.9.0.post0
cat > "$here/read.py" <<'EOF'
from importlib.metadata import requires, version

from aqdefreader import DfqFile

lines = ["K0100 1", "K1001 part", "K2001/1 1", "K2002/1 length"]
lines += ["1.5\x140\x1412.11.2026/08:00:00", "1.6\x140\x1413.11.2026/08:00:00"]
values = DfqFile(lines).get_part(0).get_characteristics()[0].get_measurements()
days = [value.datetime.strftime("%d %B") for value in values]
print(version("aqdefreader"), "asks for", requires("aqdefreader"), "and reads", days)
assert requires("aqdefreader") is None
assert days == ["11 December", "13 November"], days
EOF
"$here/env/bin/python" "$here/read.py"
