"""The environment of a result: processor, cores, library versions."""

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from goldensample._version import __version__
from goldensample.native.threads import cores

LIBRARIES = ("numpy", "scipy", "openvino", "faiss-cpu", "torch", "timm")


@cache
def machine() -> dict[str, Any]:
    """Return the processor, and how many of its cores this process may use."""
    return {"processor": _processor(), "cores": cores(), "system": platform.system()}


def versions() -> dict[str, str]:
    """Return the versions of Python and of the installed libraries."""
    installed = {"goldensample": __version__, "python": platform.python_version()}
    for name in LIBRARIES:
        try:
            installed[name] = version(name)
        except PackageNotFoundError:
            continue
    return installed


def _processor() -> str:
    """Return the processor's name as reported by the system."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()
