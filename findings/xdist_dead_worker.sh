#!/bin/sh
# pytest-xdist 3.8.0 with --dist loadfile: a test that ends its worker.
# A good guess: that test is reported as failed, once, and the others go on. It is reported; but the rest of its file,
# the very test included, goes to the next worker, which it ends as well, up to four times the number of workers
# (--max-worker-restart's default). A test that hangs until a limit ends its process costs as many limits.
# Guard in the product: the test command has --max-worker-restart 0 (Makefile).
set -eu
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
"${PYTHON:-python3.11}" -m venv "$here/env"
"$here/env/bin/pip" install --quiet pytest==9.0.2 pytest-xdist==3.8.0
cat > "$here/test_ends.py" <<'EOF'
import os
from pathlib import Path


def test_before():
    pass


def test_ends_its_worker():
    with open(Path(__file__).with_name("runs"), "a") as file:
        file.write("x")
    os._exit(3)


def test_after():
    pass
EOF
cd "$here"
count_runs() {
    rm -f runs
    env/bin/python -m pytest -q -p no:cacheprovider --numprocesses 2 --dist loadfile "$@" test_ends.py > said || true
    wc -c < runs
}
env/bin/python -m pytest --version
often=$(count_runs)
grep "crashed while running" said | sort | uniq -c
once=$(count_runs --max-worker-restart 0)
echo "the test that ends its worker ran $often times by default, $once time(s) with --max-worker-restart 0"
test "$often" -gt 1
test "$once" -eq 1
