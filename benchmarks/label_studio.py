"""Brush masks beside Label Studio's own code: `python benchmarks/label_studio.py SDK`.

SDK is a folder with label-studio-sdk, as `pip install --no-deps --target SDK label-studio-sdk`
makes it; its `brush.py` needs NumPy and Pillow alone, and the rest of it many packages, so it is no
package of the tests. Random masks with holes, lines and single pixels go both ways.
"""

import importlib.util
import sys
from pathlib import Path

import numpy as np

from goldensample.label_tools.label_studio import pack, unpack


def main() -> None:
    """Compare 100 masks in both directions; exit with 1 where a pixel differs."""
    path = Path(sys.argv[1]) / "label_studio_sdk/converter/brush.py"
    spec = importlib.util.spec_from_file_location("brush", path)
    brush = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(brush)
    differ = [0, 0]
    for seed in range(100):
        rng = np.random.default_rng(seed)
        height, width = rng.integers(3, 40, 2)
        marked = rng.random((height, width)) < rng.choice([0.02, 0.5, 0.98])
        marked[rng.integers(0, height)] |= rng.random() < 0.5
        pixels = np.zeros((height, width, 4), np.uint8)
        pixels[marked] = 255
        differ[0] += not np.array_equal(brush.decode_rle(pack(pixels)), pixels.ravel())
        differ[1] += not np.array_equal(unpack(brush.encode_rle(pixels.ravel())), pixels.ravel())
    print(f"of 100 masks differ: {differ[0]} of ours read by it, {differ[1]} of its read by ours")
    sys.exit(any(differ))


if __name__ == "__main__":
    main()
