"""PNG chunks and their checksums, which Pillow does not verify."""

import re
import struct
import zlib

from goldensample.errors import ImageError


def check_png(data: bytes) -> bool:
    """Verify all chunks of a PNG; return whether text or EXIF follows the pixels.

    Raises:
        ImageError: the file is truncated or damaged.
    """
    start, kinds = 8, [b""]
    while kinds[-1] != b"IEND":
        length, kind = struct.unpack(">I4s", data[start : start + 8].ljust(8, b"\0"))
        end = start + 12 + length
        if end > len(data):
            raise ImageError(f"the file ends after {len(data):,} of at least {end:,} bytes")
        checksum = zlib.crc32(memoryview(data)[start + 4 : end - 4])
        if checksum != int.from_bytes(data[end - 4 : end], "big"):
            raise ImageError(f"the file is damaged (checksum of {kind!r} at byte {start:,})")
        kinds.append(kind)
        start = end
    return bool(re.search(b"IDAT.*(eXIf|tEXt|zTXt|iTXt)", b"".join(kinds)))
