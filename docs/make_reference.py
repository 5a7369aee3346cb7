"""Write docs/reference.md from the code: commands, knobs and public names."""

import inspect
import re
from dataclasses import fields
from pathlib import Path

import goldensample
from goldensample.cli.app import load_command
from goldensample.methods.registry import CHOICES, METHODS

COMMANDS = (
    *(
        "audit",
        "fit",
        "inspect",
        "thresholds",
        "learn",
        "forget",
        "regions",
        "teach-miss",
        "history",
    ),
    *(
        "revert",
        "evaluate",
        "qualify",
        "export",
        "verify",
        "info",
        "data list",
        "data check",
        "bench",
    ),
    *("part new", "part info", "part risk", "part calibrate", "part inspect"),
    *("serve", "replicas", "demo"),
)


def reference() -> str:
    """Return the page as Markdown."""
    parts = [
        "# Reference\n\nMade by `make docs` from the code; do not edit.\n\n## Commands\n",
        *(_command(name) for name in COMMANDS),
        "## Knobs of the methods\n",
        *(_knobs(name) for name in CHOICES),
        "## Public names\n",
        *(_public_name(name) for name in sorted(goldensample.__all__)),
    ]
    return "\n".join(parts)


def _command(name: str) -> str:
    """Return a command's purpose and its parameters as a table."""
    first, *others = name.split()
    command = load_command(first)
    for word in others:
        command = command.commands[word]
    lines = [f"### golden {name}\n", f"{inspect.cleandoc(command.help)}\n"]
    lines += ["| argument or option | what it is |", "|---|---|"]
    for parameter in command.params:
        names = ", ".join(f"`{text}`" for text in parameter.opts)
        if not names.startswith("`-"):
            names = f"`{parameter.metavar or parameter.name.upper()}`"
        description = parameter.help.replace("\\[", "[").replace("|", "\\|")
        if parameter.default not in (None, False) and "[default" not in description:
            description += f" [default: {parameter.default}]"
        lines.append(f"| {names} | {description} |")
    return "\n".join(lines) + "\n"


def _knobs(name: str) -> str:
    """Return a method's knobs as a table."""
    rows = [f"| `{f.name}` | {f.default} | {f.metadata['help']} |" for f in fields(METHODS[name])]
    header = ["| knob | default | what it is |", "|---|---|---|"] if rows else ["It has no knob."]
    return "\n".join([f"### {name}\n", *header, *rows]) + "\n"


def _public_name(name: str) -> str:
    """Return a public name with its signature and its docstring."""
    value = getattr(goldensample, name)
    signature = "" if isinstance(value, type) else str(inspect.signature(value)).replace("'", "")
    signature = re.sub(r"<function (\w+) at \w+>", r"\1", signature)
    return f"### {name}\n\n```text\n{name}{signature}\n\n{inspect.getdoc(value)}\n```\n"


if __name__ == "__main__":
    Path(__file__).with_name("reference.md").write_text(reference(), encoding="utf-8")
