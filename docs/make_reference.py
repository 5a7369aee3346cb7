"""Write docs/reference.md from the code: commands, knobs and public names."""

import inspect
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import goldensample
from goldensample.methods.patchcore import PatchCore

COMMANDS = ("fit", "inspect", "evaluate", "info", "demo")


def reference() -> str:
    """Return the page."""
    parts = [
        "# Reference\n\nMade by `make docs` from the code; do not edit.\n\n## Commands\n",
        *(f"### golden {name}\n\n```text\n{_help(name)}\n```\n" for name in COMMANDS),
        "## Knobs of PatchCore\n",
        "| knob | default | what it is |\n|---|---|---|",
        *(f"| `{f.name}` | {f.default} | {f.metadata['help']} |" for f in fields(PatchCore)),
        "\n## Public names\n",
        *(_name(name) for name in sorted(goldensample.__all__)),
    ]
    return "\n".join(parts)


def _help(name: str) -> str:
    """Return a command's help as a terminal of 100 columns shows it, without its frames."""
    run = subprocess.run(
        [sys.executable, "-m", "goldensample.cli", name, "--help"],
        capture_output=True,
        text=True,
        check=True,
        encoding="utf-8",
        env=_environment(),
    )
    lines = (line.strip("│╭╮╰╯─ ").rstrip() for line in run.stdout.splitlines())
    return "\n".join(line for line in lines if line)


def _environment() -> dict[str, str]:
    import os

    fixed = {
        "TERMINAL_WIDTH": "100",
        "COLUMNS": "100",
        "NO_COLOR": "1",
        "PYTHONIOENCODING": "utf-8",
    }
    return {**os.environ, **fixed}


def _name(name: str) -> str:
    """Return a public name with its signature and its docstring."""
    value = getattr(goldensample, name)
    signature = "" if isinstance(value, type) else str(inspect.signature(value)).replace("'", "")
    signature = re.sub(r"<function (\w+) at \w+>", r"\1", signature)
    return f"### {name}\n\n```text\n{name}{signature}\n\n{inspect.getdoc(value)}\n```\n"


if __name__ == "__main__":
    Path(__file__).with_name("reference.md").write_text(reference(), encoding="utf-8")
