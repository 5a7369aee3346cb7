"""`golden doctor`: what is installed here, what is missing, and what that means."""

import os
import platform
import shutil
import socket
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Annotated

import typer

from goldensample._version import __version__
from goldensample.cli.console import padded, print_json, say, width_of
from goldensample.cli.extras import EXTRAS
from goldensample.cli.options import Json
from goldensample.locales.language import counted, gettext, language, mark, speaking
from goldensample.station.inputs.genicam_address import PRODUCERS, find_producers

ANSWER_S, ICON_BYTES = 3.0, 10_000
"""How long a program at the port may take to answer, and what is read of it."""
LEAST_FREE = 2 * 10**9
"""Bytes of disk below which fits and stations may fail."""
MARKS = {"ok": mark("ok"), "missing": "-", "wrong": mark("WRONG")}
"""What a state is called on a line."""


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
    with speaking("en" if json else language()):
        findings = [find_package(), *find_processor(), find_memory(), *find_disks(folder)]
        findings += [find_port(port), find_cameras(), *find_extras()]
    if json:
        print_json({"findings": [asdict(finding) for finding in findings]})
    else:
        for line in finding_lines(findings):
            say(line)
    if any(finding.state == "wrong" for finding in findings):
        raise typer.Exit(1)


def finding_lines(findings: Sequence[Finding]) -> list[str]:
    """Return findings as lines for people."""
    states = {state: gettext(text) for state, text in MARKS.items()}
    first = max(5, *map(width_of, states.values())) + 1
    second = max(width_of(finding.subject) for finding in findings) + 2
    return [
        padded(states[finding.state], first)
        + padded(finding.subject, second)
        + "; ".join(filter(None, (finding.text, finding.remedy)))
        for finding in findings
    ]


def find_package() -> Finding:
    """Look at the package, its Python, and whether its compiled code is there."""
    from goldensample.native.library import library

    text = gettext("%(version)s, Python %(python)s on %(system)s") % {
        "version": __version__,
        "python": platform.python_version(),
        "system": platform.platform(),
    }
    if library() is None:
        lacks = gettext("its compiled code is missing: everything works, several times slower")
        remedy = gettext(
            "install a C compiler, then pip install --force-reinstall --no-deps goldensample"
        )
        return Finding("golden", "wrong", f"{text}; {lacks}", remedy)
    return Finding("golden", "ok", text)


def find_processor() -> list[Finding]:
    """Look at the cores, and at the precisions that the processor computes in."""
    from goldensample.backbones.openvino import processor_has
    from goldensample.native.threads import cores

    used = counted("%(num)s core to use", "%(num)s cores to use", cores())
    known = Finding(gettext("processor"), "ok", f"{platform.machine()}, {used}")
    if processor_has("bf16"):
        text = gettext(
            "here: networks may run in 16 bits, faster; limits are set for each precision, so a "
            "file fitted in bf16 has none on a processor without it"
        )
        remedy = gettext("fit with --precision fp32 or int8 for lines whose processors differ")
        return [known, Finding("bf16", "ok", text, remedy)]
    text = gettext(
        "not in this processor: networks run in 32 bits, or in int8 where a fit chose it"
    )
    return [known, Finding("bf16", "ok", text)]


def find_memory() -> Finding:
    """Look at the memory of the machine."""
    from goldensample.fitting.machine import memory_bytes

    size, text = memory_bytes(), gettext("unknown")
    if size is not None:
        values = {"size": f"{size / 1e9:.1f}"}
        text = gettext("%(size)s GB; a fit takes at most 80 %% of it") % values
    return Finding(gettext("memory"), "ok", text, gettext("--memory sets another bound"))


def find_disks(folder: Path) -> list[Finding]:
    """Look at the disks of a folder and of temporary files."""
    findings = []
    places = {gettext("disk"): folder, gettext("temporary"): Path(tempfile.gettempdir())}
    for subject, where in places.items():
        try:
            free = shutil.disk_usage(where).free
        except OSError as error:
            reason = f"{where}: {error.strerror}"
            findings.append(Finding(subject, "wrong", reason, gettext("name another")))
            continue
        text, remedy = gettext("%(free)s GB free at %(place)s"), ""
        if not os.access(where, os.W_OK):
            text = gettext("%(free)s GB free at %(place)s, which cannot be written")
            remedy = gettext("allow it, or take another place")
        if free < LEAST_FREE:
            remedy = gettext("make room")
        text %= {"free": f"{free / 1e9:,.1f}", "place": where.absolute()}
        findings.append(Finding(subject, "wrong" if remedy else "ok", text, remedy))
    return findings


def find_port(port: int) -> Finding:
    """Look whether a port is free, or a station has it already."""
    subject = gettext("port %(number)s") % {"number": port}
    with socket.socket() as listener:
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as error:
            if is_station(port):
                remedy = gettext("another one takes another --port")
                return Finding(subject, "ok", gettext("a station is running here"), remedy)
            text = gettext("taken or refused (%(reason)s)") % {"reason": error.strerror}
            remedy = gettext("take another with golden serve --port, or stop what has it")
            return Finding(subject, "wrong", text, remedy)
    return Finding(subject, "ok", gettext("free for golden serve"))


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
    subject = gettext("cameras")
    if found := sorted(file.name for file in find_producers()):
        text = gettext("drivers: %(files)s") % {"files": ", ".join(found)}
        return Finding(subject, "ok", text, gettext("golden cameras looks for devices"))
    text = gettext(
        "%(variable)s names no folder with a .cti file: no industrial camera's driver is here"
    )
    remedy = gettext("streams and USB cameras need none")
    return Finding(subject, "missing", text % {"variable": PRODUCERS}, remedy)


def find_extras() -> list[Finding]:
    """Look which extras are installed."""
    findings = []
    for name, extra in EXTRAS.items():
        use = gettext(extra.use)
        if missing := extra.missing():
            lacks = gettext("%(names)s not installed") % {"names": ", ".join(missing)}
            remedy = f'{Path(sys.executable).name} -m pip install "goldensample[{name}]"'
            findings.append(Finding(f"[{name}]", "missing", f"{use}; {lacks}", remedy))
        else:
            findings.append(Finding(f"[{name}]", "ok", use))
    return findings
