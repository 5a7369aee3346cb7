"""The Netpbm formats (PBM, PGM, PPM), which many camera programs save: up to 16 bits a sample."""

import re
from dataclasses import dataclass

import numpy as np

from goldensample.errors import ImageError
from goldensample.records import Array

_GAP = rb"(?:[ \t\r\n\v\f]|#[^\r\n]*[\r\n])+"
_FIELDS = {
    kind: re.compile(b"P([1-6])" + _GAP + _GAP.join([rb"(\d+)"] * fields) + rb"(?=\s|$)")
    for kind, fields in ((b"bits", 2), (b"samples", 3))
}


@dataclass(frozen=True, slots=True)
class Header:
    """What stands before the samples.

    Args:
        shape: (H, W) or (H, W, 3).
        largest: sample value of white, 1 to 65535; 0 in a bitmap.
        plain: whether the samples are written as text.
        start: where the header ends, in bytes.
    """

    shape: tuple[int, ...]
    largest: int
    plain: bool
    start: int

    @property
    def bitmap(self) -> bool:
        """Whether it is a PBM, of one bit a pixel in which 1 is black."""
        return self.largest == 0


def is_netpbm(data: bytes) -> bool:
    """Return whether a file starts as a PBM, PGM or PPM."""
    return re.match(rb"P[1-6][\s#]", data) is not None


def read_header(data: bytes) -> Header:
    """Read the header of a Netpbm file.

    Raises:
        ImageError: it is damaged.
    """
    kind = b"bits" if data[1:2] in b"14" else b"samples"
    match = _FIELDS[kind].match(data)
    if match is None:
        raise ImageError("the file is damaged (its header must hold width, height and maximum)")
    form, width, height = int(match[1]), int(match[2]), int(match[3])
    largest = 0 if kind == b"bits" else int(match[4])
    if kind != b"bits" and not 1 <= largest <= 65535:
        raise ImageError(f"its largest value must be in 1 to 65535; it is {largest}; save it anew")
    shape = (height, width, 3) if form in (3, 6) else (height, width)
    return Header(shape, largest, form < 4, match.end())


def read_samples(data: bytes) -> Array:
    """Decode a Netpbm file.

    Returns:
        (H, W) or (H, W, 3): uint8, scaled so that the header's maximum is 255; or, where the
        maximum is above 255, the samples as they are, uint16.

    Raises:
        ImageError: it is damaged or cut short, or holds several pictures.

    Example: with maximum 100, the sample 50 becomes round(127.5) = 128.
    """
    header = read_header(data)
    samples = _plain(data, header) if header.plain else _binary(data, header)
    if header.bitmap:
        return (255 * (1 - samples)).astype(np.uint8)  # 1 is black
    if samples.size and int(samples.max()) > header.largest:
        above = f"{int(samples.max())} is above the header's maximum {header.largest}"
        raise ImageError(f"the file is damaged ({above})")
    if header.largest > 255:
        return samples.astype(np.uint16)
    scaled: Array = (510 * samples.astype(np.uint32) + header.largest) // (2 * header.largest)
    return scaled.astype(np.uint8)


def _plain(data: bytes, header: Header) -> Array:
    """Return the samples that are written as text."""
    text = re.sub(rb"#[^\r\n]*", b"", data[header.start :])
    if header.bitmap:
        text = b" ".join(re.findall(rb"\S", text))  # bits need no spaces between them
    words, count = text.split(), int(np.prod(header.shape))
    if len(words) < count:
        raise ImageError(f"the file ends after {len(words):,} of {count:,} samples")
    if not all(word.isdigit() and len(word) < 6 for word in words[:count]):
        raise ImageError("the file is damaged (its samples must be whole numbers)")
    _check_single(words[count:])
    return np.array(words[:count], np.int64).reshape(header.shape)


def _binary(data: bytes, header: Header) -> Array:
    """Return the samples that are written as bytes, the high byte first."""
    start, (height, width) = header.start + 1, header.shape[:2]
    kind = np.dtype(">u2" if header.largest > 255 else np.uint8)
    row = (width + 7) // 8 if header.bitmap else int(np.prod(header.shape[1:])) * kind.itemsize
    end = start + height * row
    if len(data) < end:
        raise ImageError(f"the file ends after {len(data):,} of {end:,} bytes")
    _check_single(data[end:].strip())
    samples = np.frombuffer(data, kind, height * row // kind.itemsize, start)
    if header.bitmap:
        return np.unpackbits(samples.reshape(height, row).astype(np.uint8), axis=1)[:, :width]
    return samples.reshape(header.shape)


def _check_single(rest: bytes | list[bytes]) -> None:
    if rest and (rest[:1] == b"P" or (isinstance(rest, list) and rest[0][:1] == b"P")):
        raise ImageError("a file must hold one picture; it holds several; save each by itself")
