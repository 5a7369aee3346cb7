#!/bin/sh
# Pillow 13.0.0: most of the time a PNG of camera pictures takes is its Paeth filter, not zlib.
# A good guess: decoding a PNG is decompression, so a faster zlib is what helps. In fact rows with the
# Paeth filter (what encoders choose for photographs) take several times as long as rows without one,
# here with data that zlib only stores; libspng undoes the filter of the same file in a fraction.
# Guard in the product: native/png_rows.c undoes the filters of common files; docs/why.md ("Speed").
set -eu
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
"${PYTHON:-python3.11}" -m venv "$here/env"
"$here/env/bin/pip" install --quiet pillow==13.0.0 numpy==2.2.6 pyspng==0.1.4
"$here/env/bin/python" - <<'EOF'
import io
import random
import struct
import time
import zlib

import numpy as np
import PIL
import pyspng
from PIL import Image

SIDE = 512


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(number):
    """Return an RGB file whose rows all have one filter, stored without compression."""
    bytes_of = random.Random(0).randbytes
    rows = b"".join(bytes([number]) + bytes_of(3 * SIDE) for _ in range(SIDE))
    head = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 2, 0, 0, 0)
    parts = (b"IHDR", head), (b"IDAT", zlib.compress(rows, 0)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def least_ms(decode, file):
    """Return the least processor time of 25 runs in ms."""
    times = []
    for _ in range(25):
        start = time.process_time()
        decode(file)
        times.append(1000 * (time.process_time() - start))
    return min(times)


def pillow(file):
    Image.open(io.BytesIO(file)).load()


files = {name: png(k) for k, name in enumerate(("none", "sub", "up", "average", "paeth"))}
assert all(np.array_equal(pyspng.load(f), Image.open(io.BytesIO(f))) for f in files.values())
found = {name: (least_ms(pillow, f), least_ms(pyspng.load, f)) for name, f in files.items()}
print("Pillow", PIL.__version__, "and pyspng 0.1.4, 512x512 RGB, ms of processor time")
for name, (first, second) in found.items():
    print(f"{name:8} {first:6.2f} {second:6.2f}")
assert found["paeth"][0] > 3 * found["none"][0], found
assert found["paeth"][1] < found["paeth"][0] / 2, found
EOF
