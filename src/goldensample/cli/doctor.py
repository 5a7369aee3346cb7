"""`golden doctor`: what is installed here, what is missing, and what that means."""

import os
import platform
import shutil
import socket
import sys
import tempfile
from dataclasses import asdict, dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Annotated

import typer

from goldensample._version import __version__
from goldensample.cli.console import print_json, say
from goldensample.cli.extras import EXTRAS
from goldensample.cli.options import Json
from goldensample.station.inputs.genicam_address import PRODUCERS, find_producers

ANSWER_S, ICON_BYTES = 3.0, 10_000
"""How long a program at the port may take to answer, and what is read of it."""
LEAST_FREE = 2 * 10**9
"""Bytes of disk below which fits and stations may fail."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found.

    Args:
        subject: looked at.
        state: "ok", "missing" (an extra that some commands need) or "wrong".
        text: what is here, and what that means.
        remedy: what to do; "" where there is nothing.
    """

    subject: str
    state: str
    text: str
    remedy: str = ""


def command(
    port: Annotated[
        int, typer.Option(min=1, max=65535, help="Port that a station shall listen on.")
    ] = 8080,
    folder: Annotated[
        Path, typer.Option(help="Folder of files and stations.", metavar="DIR")
    ] = Path(),
    json: Json = False,
) -> None:
    """Say what is installed, what is missing and how to get it; exit 1 where something is wrong."""
    findings = [find_package(), *find_processor(), find_memory(), *find_disks(folder)]
    findings += [find_port(port), find_cameras(), *find_extras()]
    if json:
        print_json({"findings": [asdict(finding) for finding in findings]})
    else:
        marks = {"ok": "ok", "missing": "-", "wrong": "WRONG"}
        width = max(len(finding.subject) for finding in findings)
        for finding in findings:
            remedy = f"; {finding.remedy}" if finding.remedy else ""
            line = f"{marks[finding.state]:6}{finding.subject:{width}}  {finding.text}{remedy}"
            say(line)
    if any(finding.state == "wrong" for finding in findings):
        raise typer.Exit(1)


def find_package() -> Finding:
    """Look at the package, its Python, and whether its compiled code is there."""
    from goldensample.native.library import library

    text = f"{__version__}, Python {platform.python_version()} on {platform.platform()}"
    if library() is None:
        return Finding(
            "golden",
            "wrong",
            f"{text}; its compiled code is missing: everything works, several times slower",
            "install a C compiler, then pip install --force-reinstall --no-deps goldensample",
        )
    return Finding("golden", "ok", text)


def find_processor() -> list[Finding]:
    """Look at the cores, and at the precisions that the processor computes in."""
    from goldensample.backbones.openvino import processor_has
    from goldensample.native.threads import cores

    known = Finding("processor", "ok", f"{platform.machine()}, {cores()} cores to use")
    if processor_has("bf16"):
        text = (
            "here: networks may run in 16 bits, faster; limits are set for each precision, so a "
            "file fitted in bf16 has none on a processor without it"
        )
        remedy = "fit with --precision fp32 or int8 for lines whose processors differ"
        return [known, Finding("bf16", "ok", text, remedy)]
    text = "not in this processor: networks run in 32 bits, or in int8 where a fit chose it"
    return [known, Finding("bf16", "ok", text)]


def find_memory() -> Finding:
    """Look at the memory of the machine."""
    from goldensample.fitting.machine import memory_bytes

    size = memory_bytes()
    text = "unknown" if size is None else f"{size / 1e9:.1f} GB; a fit takes at most 80 % of it"
    return Finding("memory", "ok", text, "--memory sets another bound")


def find_disks(folder: Path) -> list[Finding]:
    """Look at the disks of a folder and of temporary files."""
    findings = []
    for subject, where in {"disk": folder, "temporary": Path(tempfile.gettempdir())}.items():
        try:
            free = shutil.disk_usage(where).free
        except OSError as error:
            findings.append(Finding(subject, "wrong", f"{where}: {error.strerror}", "name another"))
            continue
        is_full, may_write = free < LEAST_FREE, os.access(where, os.W_OK)
        text = f"{free / 1e9:,.1f} GB free at {where.absolute()}"
        text += "" if may_write else ", which cannot be written"
        remedy = "make room" if is_full else "" if may_write else "allow it, or take another place"
        findings.append(Finding(subject, "wrong" if remedy else "ok", text, remedy))
    return findings


def find_port(port: int) -> Finding:
    """Look whether a port is free, or a station has it already."""
    with socket.socket() as listener:
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            if is_station(port):
                remedy = "another one takes another --port"
                return Finding(f"port {port}", "ok", "a station is running here", remedy)
            remedy = "take another with golden serve --port, or stop what has it"
            return Finding(f"port {port}", "wrong", f"taken or refused ({error.strerror})", remedy)
    return Finding(f"port {port}", "ok", "free for golden serve")


def is_station(port: int) -> bool:
    """Tell whether a station answers at a port of this machine: its icon is there for all."""
    icon = Path(__file__).parents[1] / "station/web/static/icon.svg"
    connection = HTTPConnection("127.0.0.1", port, timeout=ANSWER_S)
    try:
        connection.request("GET", "/static/icon.svg")
        return connection.getresponse().read(ICON_BYTES) == icon.read_bytes()
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def find_cameras() -> Finding:
    """Look for the producers of industrial cameras, as their makers install them."""
    if found := sorted(file.name for file in find_producers()):
        remedy = "golden cameras looks for devices"
        return Finding("cameras", "ok", f"producers: {', '.join(found)}", remedy)
    text = f"{PRODUCERS} names no folder with a .cti file: no industrial camera's driver is here"
    return Finding("cameras", "missing", text, "streams and USB cameras need none")


def find_extras() -> list[Finding]:
    """Look which extras are installed."""
    findings = []
    for name, extra in EXTRAS.items():
        missing = extra.missing()
        text = extra.use if not missing else f"{extra.use}; {', '.join(missing)} not installed"
        remedy = f'{Path(sys.executable).name} -m pip install "goldensample[{name}]"'
        state = "missing" if missing else "ok"
        findings.append(Finding(f"[{name}]", state, text, remedy if missing else ""))
    return findings
