#!/bin/sh
# Pillow 13.0.0: a 12-bit grey JPEG 2000 comes back with every sample 16 times as large.
# A good guess: a lossless file gives the samples that were stored, as a 12-bit TIFF does. In fact
# samples of 9 to 15 bits are moved up to fill 16, and nothing in the picture tells by how much.
# Guard in the product: the depth is read from the file and undone (tests/test_codec_kinds.py).
set -eu
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
"${PYTHON:-python3.11}" -m venv "$here/env"
"$here/env/bin/pip" install --quiet pillow==13.0.0 numpy==2.2.6 imagecodecs==2026.3.6
"$here/env/bin/python" - <<'EOF'
import io

import imagecodecs
import numpy as np
import PIL
from PIL import Image

stored = (np.arange(64).reshape(8, 8) * 65).astype(np.uint16)
file = imagecodecs.jpeg2k_encode(stored, level=0, codecformat="j2k", reversible=True, bitspersample=12)
assert np.array_equal(imagecodecs.jpeg2k_decode(file), stored)
read = np.asarray(Image.open(io.BytesIO(file)))
print("Pillow", PIL.__version__, read.dtype, "stored", stored[0, :4], "read", read[0, :4])
assert np.array_equal(read, stored * 16), read[0]
EOF
