#!/bin/sh
# typer 0.27.3: what it says of wrong options goes past gettext, while typer 0.15.4 with click 8.1.8 uses it.
# A good guess: click's texts go through the standard library's gettext, and so do "Options" and "default" of
# typer's own help, so a catalog of the domain "messages" translates "Missing option", too. In fact typer brings
# its own copy of click, whose texts are plain English: with one catalog the headings of the help are German and
# the error below them is English, and nobody is told.
# Guard in the product: it translates such lines as they are printed (cli/usage.py; tests/test_language.py).
set -eu
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
cd "$here"
mkdir -p locale/de/LC_MESSAGES
cat > de.po <<'END'
msgid ""
msgstr "Content-Type: text/plain; charset=utf-8\n"

msgid "Options"
msgstr "Optionen"

msgid "Missing option"
msgstr "Es fehlt die Option"
END
cat > command.py <<'END'
import gettext
import os

os.environ["LANGUAGE"] = "de"
gettext.bindtextdomain("messages", "locale")

import typer

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def command(to: str = typer.Option()) -> None: ...


app()
END
said() {  # the versions of typer and click: what the help and an error say
    python3.11 -m venv "env$1"
    "env$1/bin/pip" install --quiet "typer==$1" "click==$2" babel==2.17.0
    "env$1/bin/pybabel" --quiet compile -i de.po -o locale/de/LC_MESSAGES/messages.mo
    "env$1/bin/python" command.py --help | grep '^Option'
    "env$1/bin/python" command.py 2>&1 | grep -- '--to'
}
{ echo "typer 0.15.4:"; said 0.15.4 8.1.8; echo "typer 0.27.3:"; said 0.27.3 8.1.8; } | tee said.txt
cat > expected.txt <<'END'
typer 0.15.4:
Optionen:
Error: Es fehlt die Option '--to'.
typer 0.27.3:
Optionen:
Error: Missing option '--to'.
END
cmp said.txt expected.txt
