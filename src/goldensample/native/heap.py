"""The heap of the C library."""

import ctypes
import sys

_M_ARENA_MAX = -8


def share_heap() -> None:
    """Let threads share one heap, from now on, where the C library is glibc.

    It gives each thread a heap of its own, and each keeps for itself what was freed in it.
    """
    if sys.platform == "linux":
        allocator = ctypes.CDLL(None)
        if hasattr(allocator, "mallopt"):  # others, such as musl, have one heap anyway
            allocator.mallopt(_M_ARENA_MAX, 1)
