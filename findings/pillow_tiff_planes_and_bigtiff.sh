#!/bin/sh
# Pillow 13.0.0: 16-bit RGB in separate planes is read right with LZW and wrong without compression;
# and a big-endian BigTIFF is no picture, though its first bytes are in the list of those it opens.
# A good guess: a TIFF that opens without a word has the right pixels, however it is compressed; and
# one who reads both byte orders of TIFF, and BigTIFF, reads both byte orders of BigTIFF.
# Guard in the product: planes are read one by one, and a big-endian BigTIFF is refused as not
# supported (tests/test_codec_kinds.py).
set -eu
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
"${PYTHON:-python3.11}" -m venv "$here/env"
"$here/env/bin/pip" install --quiet pillow==13.0.0 numpy==2.2.6 tifffile==2026.3.3 imagecodecs==2026.3.6
"$here/env/bin/python" - <<'EOF'
import io

import numpy as np
import PIL
import tifffile
from PIL import Image, TiffImagePlugin, UnidentifiedImageError

y, x = np.mgrid[:32, :48]
stored = np.stack([1000 * x, 65535 - 1000 * x, 2000 * y]).astype(np.uint16)


def tiff(pixels, **options):
    tifffile.imwrite(file := io.BytesIO(), pixels, metadata=None, **options)
    file.seek(0)
    assert np.array_equal(tifffile.imread(file), pixels)
    file.seek(0)
    return file


print("Pillow", PIL.__version__, "stored, high bytes", stored[:, 5, 10] >> 8)
for compression, is_right in (("lzw", True), (None, False)):
    file = tiff(stored, photometric="rgb", planarconfig="separate", compression=compression)
    read = np.asarray(Image.open(file))
    print(f"planes, compression {compression}: {read.dtype}", read[5, 10])
    assert np.array_equal(read, (stored >> 8).transpose(1, 2, 0)) == is_right

assert b"MM\0+" in TiffImagePlugin.PREFIXES
for order, big, opens in (("<", False, True), (">", False, True), ("<", True, True), (">", True, False)):
    file = tiff(stored[0], byteorder=order, bigtiff=big)
    try:
        said = np.array_equal(np.asarray(Image.open(file)), stored[0])
    except UnidentifiedImageError as error:
        said = str(error)[:30]
    print("BigTIFF" if big else "TIFF", "little" if order == "<" else "big", "endian:", said)
    assert (said is True) == opens
EOF
