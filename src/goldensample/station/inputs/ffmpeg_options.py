"""The options that FFmpeg knows: it passes over others in silence, and PyAV cannot list them."""

import ctypes
import sys

import av._core

_CHILDREN, _CLASS_ALONE = 1, 2
"""AV_OPT_SEARCH_CHILDREN and AV_OPT_SEARCH_FAKE_OBJ of libavutil/opt.h: as the program ffmpeg."""


def is_option(name: str) -> bool:
    """Tell whether FFmpeg has an option, of any format, protocol, device or decoder.

    The functions asked belong to the libraries that PyAV has loaded; on Windows these cannot be
    reached so, and every name passes.
    """
    if sys.platform == "win32":
        return True
    ffmpeg = ctypes.CDLL(av._core.__file__)
    ffmpeg.av_opt_find.restype = ctypes.c_void_p
    ffmpeg.av_opt_find.argtypes = [ctypes.c_void_p, *[ctypes.c_char_p] * 2, *[ctypes.c_int] * 2]
    for class_of in (ffmpeg.avformat_get_class, ffmpeg.avcodec_get_class):
        class_of.restype = ctypes.c_void_p
        owner = ctypes.pointer(ctypes.c_void_p(class_of()))
        if ffmpeg.av_opt_find(owner, name.encode(), None, 0, _CHILDREN | _CLASS_ALONE):
            return True
    return False
