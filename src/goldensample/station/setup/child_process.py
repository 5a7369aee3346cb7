"""Subprocesses that do long work beside the line, and tell its progress as lines of JSON."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from goldensample.station.setup.source_folders import printable


def launch(module: str, folder: Path) -> "subprocess.Popen[str]":
    """Start a subprocess that works in a folder, and tells its progress as lines of JSON."""
    log = open(folder / "fit.log", "w", encoding="utf-8")  # noqa: SIM115 (the child's)
    with log:
        return subprocess.Popen(
            [sys.executable, "-m", module, str(folder)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            encoding="utf-8",
            start_new_session=True,  # Ctrl-C reaches the station only, which then ends the fit
        )


def follow(
    process: "subprocess.Popen[str]", advance: Callable[[str, int, int], None]
) -> tuple[int, str]:
    """Read what a subprocess tells until it ends.

    Args:
        process: of `launch`.
        advance: called with the stage, and the steps done and in all.

    Returns:
        Its exit code, and the last error that it told, or "".
    """
    assert process.stdout, "it tells its progress"
    error = ""
    for line in process.stdout:
        if not line.startswith("{"):
            continue  # output of a library
        values = json.loads(line)
        error = printable(values.get("error", error))
        if "stage" in values:
            advance(values["stage"], values["done"], values["total"])
    return process.wait(), error
