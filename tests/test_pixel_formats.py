"""A camera's bytes become the sensor's samples: test vectors, and a reference that is slow."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goldensample.errors import ImageError
from goldensample.images.codec import encode_png, read_samples
from goldensample.images.pixel_formats import (
    BAYER,
    FORMATS,
    GROUPS,
    STREAMS,
    decode_pixels,
    demosaic,
)


def written(samples: np.ndarray, name: str) -> bytes:
    """Write grey samples bit by bit, as the naming convention of pixel formats draws them."""
    if name in STREAMS:
        size = STREAMS[name]
        bits = [value >> index & 1 for value in samples.ravel().tolist() for index in range(size)]
        bits += [0] * (-len(bits) % 8)
        return bytes(
            sum(bit << index for index, bit in enumerate(bits[at : at + 8]))
            for at in range(0, len(bits), 8)
        )
    low, data = GROUPS[name] - 8, bytearray()
    values = [*samples.ravel().tolist(), 0]
    for first, second in zip(values[:-1:2], values[1::2], strict=False):
        between = first % (1 << low) | (second % (1 << low)) << 4
        data += bytes([first >> low, between, second >> low])
    return bytes(data[: (3 * samples.size + 1) // 2])  # of half a pair two bytes


@pytest.mark.parametrize(
    ("name", "text"),
    [("Mono12p", "BC 3A 12"), ("Mono12Packed", "AB 3C 12"), ("Mono12", "BC 0A 23 01")],
)
def test_the_vectors_of_twelve_bits(name, text):
    assert decode_pixels(bytes.fromhex(text), name, 1, 2).tolist() == [[0xABC, 0x123]]


@given(st.integers(1, 5), st.integers(1, 9), st.sampled_from([*STREAMS, *GROUPS]), st.data())
@settings(max_examples=60, deadline=None)
def test_packed_samples_come_back(height, width, name, data):
    bits = {**STREAMS, **GROUPS}[name]
    seed = data.draw(st.integers(0, 2**32 - 1))
    samples = np.random.default_rng(seed).integers(0, 1 << bits, (height, width)).astype(np.uint16)
    assert np.array_equal(decode_pixels(written(samples, name), name, height, width), samples)
    rows = b"".join(written(row, name) + b"\xee" * 3 for row in samples)  # padded: rows are whole
    assert np.array_equal(decode_pixels(rows, name, height, width, 3), samples)


def test_whole_bytes_are_taken_as_they_are():
    data = bytes(range(24))
    assert decode_pixels(data, "Mono8", 4, 5, 1).tolist()[1] == [6, 7, 8, 9, 10]
    assert decode_pixels(data, "Mono16", 2, 3)[1].tolist() == [0x0706, 0x0908, 0x0B0A]
    assert decode_pixels(data, "RGB8", 2, 4)[1, 3].tolist() == [21, 22, 23]
    assert decode_pixels(data, "BGR8", 2, 4)[0, 0].tolist() == [2, 1, 0]
    assert decode_pixels(data, "RGBa8", 2, 3)[0, 1].tolist() == [4, 5, 6]
    assert decode_pixels(data, "BGR8Packed", 2, 4)[0, 0].tolist() == [2, 1, 0]


def slow_demosaic(mosaic: np.ndarray, red: tuple[int, int]) -> np.ndarray:
    """Mean of the nearest samples of each colour, pixel by pixel; mirrored at the border."""
    height, width = mosaic.shape

    def colour(row: int, column: int) -> int:
        return (row - red[0]) % 2 + (column - red[1]) % 2

    def mirrored(index: int, size: int) -> int:
        return -index if index < 0 else 2 * size - 2 - index if index >= size else index

    out = np.zeros((height, width, 3), np.uint8)
    for row in range(height):
        for column in range(width):
            for wanted in range(3):
                if colour(row, column) == wanted:
                    out[row, column, wanted] = mosaic[row, column]
                    continue
                around = [(a, b) for a in (-1, 0, 1) for b in (-1, 0, 1)]
                found = [(a, b) for a, b in around if colour(row + a, column + b) == wanted]
                nearest = min(abs(a) + abs(b) for a, b in found)
                values = [
                    int(mosaic[mirrored(row + a, height), mirrored(column + b, width)])
                    for a, b in found
                    if abs(a) + abs(b) == nearest
                ]
                out[row, column, wanted] = (2 * sum(values) + len(values)) // (2 * len(values))
    return out


@pytest.mark.parametrize("name", BAYER)
@pytest.mark.parametrize("size", [(2, 2), (5, 7), (6, 4)])
def test_a_mosaic_is_interpolated_as_by_hand(name, size):
    mosaic = np.random.default_rng(3).integers(0, 256, size).astype(np.uint8)
    found = decode_pixels(mosaic.tobytes(), name, *size)
    assert np.array_equal(found, slow_demosaic(mosaic, BAYER[name]))


def test_a_mosaic_of_one_colour_is_that_colour():
    colour = np.array([200, 90, 30], np.uint8)
    mosaic = np.empty((6, 8), np.uint8)
    for row in range(6):
        for column in range(8):
            mosaic[row, column] = colour[row % 2 + column % 2]
    assert (demosaic(mosaic, (0, 0)) == colour).all()


def test_too_few_bytes_and_unknown_formats_are_refused():
    for name in FORMATS:
        with pytest.raises(ImageError, match="must have"):
            decode_pixels(b"\0", name, 4, 4)
    with pytest.raises(ImageError, match=r"must be one of Mono8.*it is YUV422"):
        decode_pixels(bytes(99), "YUV422_8", 2, 2)


def test_deep_pixels_are_kept_in_a_png(tmp_path):
    samples = np.arange(20, dtype=np.uint16).reshape(4, 5) * 200
    (tmp_path / "deep.png").write_bytes(encode_png(samples))
    assert np.array_equal(read_samples(tmp_path / "deep.png"), samples)
