"""Pictures written and shrunk."""

import io

import numpy as np
import pytest
from PIL import Image

from goldensample.images.codec import encode_jpeg, encode_png, shrink

COLORS = np.random.default_rng(0).integers(0, 256, (24, 40, 3), dtype=np.uint8)
SMOOTH = np.indices((24, 40)).sum(0).astype(np.uint8)[..., None].repeat(3, axis=2)


def test_encode_png_and_jpeg() -> None:
    for pixels in (COLORS, COLORS[..., 0], COLORS[:, ::2]):
        back = np.asarray(Image.open(io.BytesIO(encode_png(pixels))))
        assert np.array_equal(back, pixels)
        assert encode_png(pixels) == encode_png(pixels.copy())
    good, poor = encode_jpeg(SMOOTH, 95), encode_jpeg(SMOOTH, 5)
    assert len(poor) < len(good)
    assert np.abs(np.asarray(Image.open(io.BytesIO(good))).astype(int) - SMOOTH).max() <= 3


@pytest.mark.parametrize("pixels", [COLORS / 255, COLORS[..., :2], COLORS[0, :, 0], COLORS[:0]])
def test_encoding_refuses_other_arrays(pixels: np.ndarray) -> None:
    for encode in (encode_png, encode_jpeg, lambda p: shrink(p, 10)):
        with pytest.raises(ValueError, match=r"pixels must be \(H, W\) or \(H, W, 3\) uint8"):
            encode(pixels)


def test_shrink() -> None:
    assert shrink(COLORS, 20).shape == (12, 20, 3)
    assert shrink(COLORS[..., 0], 20).shape == (12, 20)
    assert shrink(COLORS[:1], 4).shape == (1, 4, 3)
    assert np.array_equal(shrink(COLORS, 40), COLORS)
    stripes = np.zeros((64, 64), np.uint8)
    stripes[:, ::2] = 255  # antialiased, they become the mean and not all black or white
    assert np.abs(shrink(stripes, 16).astype(int) - 127).max() <= 16
    with pytest.raises(ValueError, match="longest_px must be at least 1; got 0"):
        shrink(COLORS, 0)
    with pytest.raises(ValueError, match=r"quality must be in \[1, 95\]; got 96"):
        encode_jpeg(COLORS, 96)
