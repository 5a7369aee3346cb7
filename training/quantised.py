"""Quantise the built-in network to int8: `python -m training.quantised BUILTIN.onnx`.

Ranges are calibrated on training pictures of all kinds, at 256 pixels; the two files are written
next to the network.
"""

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from goldensample.backbones.network import Network
from goldensample.graphs.quantization import quantise
from training import pictures
from training.validate import PHOTOGRAPHS, photograph_paths

COUNT, SIZE = 128, 256


def examples(photographs: list[Image.Image]) -> list[np.ndarray]:
    """Return training pictures, (3, SIZE, SIZE) float32 in [0, 255]; every second one a surface."""
    rng, batch = np.random.default_rng(21), []
    for number in range(COUNT):
        draw = pictures.surface_picture if number % 2 else pictures.training_picture
        picture = pictures.degrade(rng, draw(rng, photographs, SIZE))
        batch.append(picture.transpose(2, 0, 1).astype(np.float32))
    return batch


def write(path: Path, photographs: list[Image.Image]) -> None:
    """Write NAME_int8.xml and NAME_int8.bin next to NAME.onnx."""
    network = Network("builtin", path.read_bytes(), ("level2", "level3"))
    quantised = quantise(network, examples(photographs))
    path.with_name(f"{path.stem}_int8.xml").write_bytes(quantised.int8_graph)
    path.with_name(f"{path.stem}_int8.bin").write_bytes(quantised.int8_weights)


def main() -> None:
    """Quantise the file of the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--photographs", type=Path, default=PHOTOGRAPHS)
    parser.add_argument("--without-photographs", action="store_true")
    options = parser.parse_args()
    folder = options.photographs
    paths = [] if options.without_photographs else photograph_paths(folder, held_out=False)
    write(options.file, [Image.open(path).convert("RGB") for path in paths])


if __name__ == "__main__":
    main()
