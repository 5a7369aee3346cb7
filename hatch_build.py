"""Compiles `native/*.c` when the package is built; without a compiler NumPy goes on, slower."""

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

FLAGS = ("-O3", "-fno-math-errno", "-Wno-psabi", "-fPIC", "-shared", "-fvisibility=hidden")
ENDING = ".dll" if os.name == "nt" else ".so"
ZIG = {("Linux", "x86_64"), ("Linux", "aarch64"), ("Darwin", "arm64"), ("Windows", "AMD64")}
"""Machines for which the package index has a C compiler, ziglang."""


class NativeHook(BuildHookInterface):
    """Puts the compiled code beside its source and into the wheel."""

    def dependencies(self) -> list[str]:
        """Return what a build needs: a compiler from the package index where there is none."""
        has_zig = (platform.system(), platform.machine()) in ZIG
        return ["ziglang>=0.13"] if has_zig and _installed_compiler() is None else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compile; a wheel with the result is for this kind of machine alone."""
        folder = Path(self.root, "src", "goldensample", "native")
        for stale in folder.glob("_native_*"):
            stale.unlink()
        compiler = _installed_compiler()
        if compiler is None and find_spec("ziglang"):
            compiler = [sys.executable, "-m", "ziglang", "cc", "-mcpu=baseline", "-s"]
        if compiler is None:
            self.app.display_warning("no C compiler: the work is left to NumPy, and slower")
            return
        code = b"".join(path.read_bytes() for path in sorted(folder.glob("*.[ch]")))
        result = folder / f"_native_{hashlib.sha256(code).hexdigest()[:12]}{ENDING}"
        partial = result.with_suffix(".partial")
        files = map(str, sorted(folder.glob("*.c")))
        command = [*compiler, *FLAGS, "-o", str(partial), *files, "-lm"]
        run = subprocess.run(command, capture_output=True, text=True, check=False)
        if run.returncode:
            partial.unlink(missing_ok=True)
            self.app.display_warning(f"{run.stderr}\nthe work is left to NumPy, and slower")
            return
        partial.replace(result)
        build_data["artifacts"].append(f"src/goldensample/native/{result.name}")
        build_data["pure_python"] = False
        kind = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"py3-none-{kind}"


def _installed_compiler() -> list[str] | None:
    """Return the command of a C compiler that knows GCC's vectors."""
    names = [os.environ.get("CC", ""), "cc", "gcc", "clang"]
    if os.name == "nt":
        names.remove("cc")
    for name in names:
        if name and shutil.which(name.split()[0]):
            return name.split()
    return None
