"""Loads the compiled code; see `hatch_build.py` for how it is made."""

import ctypes
import hashlib
from functools import cache
from pathlib import Path


@cache
def library() -> ctypes.CDLL | None:
    """Return the compiled code; None where it was not built, or does not load here.

    Its calls hold no lock of Python's.
    """
    name = f"_native_{source_digest()}.*"  # what another version left is not loaded
    return next(filter(None, map(load, Path(__file__).parent.glob(name))), None)


def source_digest() -> str:
    """Return what the name of a library compiled from this source ends with."""
    source = b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.[ch]")))
    return hashlib.sha256(source).hexdigest()[:12]


def load(path: Path) -> ctypes.CDLL | None:
    """Return compiled code; None where the system refuses it: damaged, or of another kind."""
    try:
        compiled = ctypes.CDLL(str(path))
    except OSError:
        return None
    number, address = ctypes.c_int64, ctypes.c_void_p
    compiled.nearest_rows.restype = compiled.png_rows.restype = number
    compiled.png_rows.argtypes = [ctypes.c_char_p, number, number, number, address]
    compiled.resize.argtypes = [address, number, address, address, address, address]
    compiled.coreset_update.argtypes = [address, address, number, number, address]
    compiled.warp.argtypes = [address, number, number, number, address, number, address]
    compiled.resize.restype = compiled.coreset_update.restype = compiled.warp.restype = None
    compiled.coreset_choose.argtypes = [address, number, address]
    compiled.widen_halves.argtypes = [address, address, number]
    compiled.coreset_choose.restype = compiled.widen_halves.restype = number
    return compiled
