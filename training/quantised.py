"""The built-in network in 8 bits: `python -m training.quantised BUILTIN.onnx`.

Its ranges are measured on training pictures of all kinds, at 256 pixels; the two files are written
beside the network.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from goldensample.backbones.network import Network
from goldensample.graphs.quantization import quantise
from training import pictures
from training.validate import photograph_paths

COUNT, SIZE = 128, 256


def examples(photographs: list[Image.Image]) -> list[np.ndarray]:
    """Return training pictures, (3, SIZE, SIZE) float32 in [0, 255]; each second one a surface."""
    random, made = np.random.default_rng(21), []
    for number in range(COUNT):
        draw = pictures.surface if number % 2 else pictures.varied
        picture = pictures.degraded(random, draw(random, photographs, SIZE))
        made.append(picture.transpose(2, 0, 1).astype(np.float32))
    return made


def write(path: Path, photographs: list[Image.Image]) -> None:
    """Write NAME_int8.xml and NAME_int8.bin beside NAME.onnx."""
    network = Network("builtin", path.read_bytes(), ("level2", "level3"))
    made = quantise(network, examples(photographs))
    path.with_name(f"{path.stem}_int8.xml").write_bytes(made.int8_graph)
    path.with_name(f"{path.stem}_int8.bin").write_bytes(made.int8_weights)


def main() -> None:
    """Quantise the file named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--without-photographs", action="store_true")
    chosen = parser.parse_args()
    paths = [] if chosen.without_photographs else photograph_paths(chosen.shared, held_out=False)
    write(chosen.file, [Image.open(path).convert("RGB") for path in paths])


if __name__ == "__main__":
    main()
