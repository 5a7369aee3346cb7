"""Loads the compiled search; see `hatch_build.py` for how it is made."""

import ctypes
import hashlib
from functools import cache
from pathlib import Path

SOURCES = ("nearest.c", "nearest_kernel.h")


@cache
def library() -> ctypes.CDLL | None:
    """Return the compiled search; None where the package was built without a compiler.

    Its calls hold no lock of Python's.
    """
    folder = Path(__file__).parent
    source = b"".join((folder / name).read_bytes() for name in SOURCES)
    digest = hashlib.sha256(source).hexdigest()[:12]  # what another version left is not loaded
    for path in folder.glob(f"_nearest_{digest}.*"):
        compiled = ctypes.CDLL(str(path))
        compiled.nearest_rows.restype = ctypes.c_int64
        return compiled
    return None
