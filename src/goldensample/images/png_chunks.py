"""PNG chunks and their checksums, which Pillow does not verify."""

import re
import struct
import zlib
from collections.abc import Iterator

from goldensample.errors import ImageError


def chunks(data: bytes, start: int = 8) -> Iterator[tuple[bytes, memoryview]]:
    """Yield kind and contents of the chunks from a byte on, until the last one, IEND.

    Raises:
        ImageError: the file is truncated.
    """
    view, kind = memoryview(data), b""
    while kind != b"IEND":
        length, kind = struct.unpack(">I4s", data[start : start + 8].ljust(8, b"\0"))
        end = start + 12 + length
        if end > len(data):
            raise ImageError(f"the file ends after {len(data):,} of at least {end:,} bytes")
        yield kind, view[start + 8 : end - 4]
        start = end


def check_png(data: bytes) -> bool:
    """Verify all chunks of a PNG; return whether text or EXIF follows the pixels.

    Raises:
        ImageError: the file is truncated or damaged.
    """
    start, kinds = 8, []
    for kind, contents in chunks(data):
        end = start + 8 + len(contents)
        if zlib.crc32(contents, zlib.crc32(kind)) != int.from_bytes(data[end : end + 4], "big"):
            raise ImageError(f"the file is damaged (checksum of {kind!r} at byte {start:,})")
        kinds.append(kind)
        start = end + 4
    return bool(re.search(b"IDAT.*(eXIf|tEXt|zTXt|iTXt)", b"".join(kinds)))
