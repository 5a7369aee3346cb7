"""Features of a fit on disk, beside the file that is being made: the folder `NAME.partial`.

A file of JSON says what the features are of. Each part is a file of its own, written whole or not
at all: a checksum, the maps of its pictures in half precision, and which cells are valid. So many
processes, on many machines, may write parts, and one that is killed leaves whole ones. Reading is
plain reading: pages mapped into memory would count as memory used.
"""

import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from io import BytesIO
from math import prod
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from goldensample.errors import ArtifactError
from goldensample.features.store import to_half_precision
from goldensample.records import Array, Features
from goldensample.storage.atomic import write_atomic

HEAD, ENDING, ASIDE = "of.json", ".features", ".npz"
OURS = re.compile(r"\.?[0-9a-f]{16}-[0-9a-z-]+\.(features|npz)(\.[0-9a-f]{8}\.partial)?")
HalfMaps = Sequence[tuple[int, int, int]]


@dataclass(frozen=True, slots=True)
class Spool:
    """A `FeatureStore` in a folder, for all processes that see it.

    Args:
        path: of the folder; see `open_spool`.
        key: what the names of its files start with: a hash of what the features are of, so that a
            task of another fit that lives on for a while cannot write among them.
        shapes: (d_j, h_j, w_j) of each level, finest first.
        step: pictures in each part; in the last there may be fewer.
        total: pictures of the fit.
        pictures: range of those whose parts it gives.
    """

    path: Path
    key: str
    shapes: tuple[tuple[int, int, int], ...]
    step: int
    total: int
    pictures: range

    def __len__(self) -> int:
        found = {path.name for path in self.path.glob(f"*{ENDING}")}
        return sum(count for first, count in self._parts() if self._file(first).name in found)

    def has(self, first: int) -> bool:
        """See `FeatureStore.has`."""
        return self._file(first).exists()

    def put(self, features: Features) -> None:
        """See `FeatureStore.put`.

        Raises:
            ArtifactError: the disk refused, or the fit is over.
        """
        if not self.path.is_dir():
            raise ArtifactError(f"{self.path} must be there until the fit is done; it is not")
        half = to_half_precision(features)
        body = b"".join([*(level.tobytes() for level in half.maps), _packed(half.valid).tobytes()])
        write_atomic(self._file(half.first), zlib.crc32(body).to_bytes(4, "little") + body)

    def __iter__(self) -> Iterator[Features]:
        """See `FeatureStore.__iter__`.

        Raises:
            ArtifactError: a part is missing or was damaged meanwhile.
        """
        for first, count in self._parts():
            yield self._read(first, count)

    def read_range(self, start: int, end: int) -> Iterable[Features]:
        """See `FeatureStore.read_range`."""
        chosen = range(max(start, self.pictures.start), min(end, self.pictures.stop))
        return replace(self, pictures=chosen)

    def array_store(self, name: str) -> "Arrays":
        """See `FeatureStore.array_store`."""
        return Arrays(self.path, f"{self.key}-{name}")

    def remove(self) -> None:
        """Delete what fits have put there, and the folder unless something else is in it."""
        for path in self.path.glob("*"):
            if OURS.fullmatch(path.name):
                path.unlink(missing_ok=True)
        (self.path / HEAD).unlink(missing_ok=True)  # last: without it the rest is nobody's
        with suppress(OSError):
            self.path.rmdir()

    def _parts(self) -> list[tuple[int, int]]:
        """Return the first picture and the number of pictures of each part, in order."""
        begin = self.pictures.start // self.step * self.step
        firsts = range(begin, self.pictures.stop if self.pictures else begin, self.step)
        return [(first, min(self.step, self.total - first)) for first in firsts]

    def _file(self, first: int) -> Path:
        return self.path / f"{self.key}-{first:09}{ENDING}"

    def _read(self, first: int, count: int) -> Features:
        """Return the features of a part."""
        path = self._file(first)
        try:
            data = memoryview(path.read_bytes())
        except OSError as error:
            raise ArtifactError(
                f"{path} must be there until the fit is done; it is not ({error.strerror}); go on "
                "with --resume"
            ) from error
        whole = len(data) == 4 + count * (record_bytes(self.shapes) - 4)
        if not whole or zlib.crc32(data[4:]) != int.from_bytes(data[:4], "little"):
            raise ArtifactError(f"{path} is damaged; remove it and go on with --resume")
        at, maps = 4, []
        for shape in self.shapes:
            size = 2 * count * prod(shape)
            maps.append(np.frombuffer(data[at : at + size], np.float16).reshape(count, *shape))
            at += size
        grid_hw = self.shapes[0][1:]
        bits = np.frombuffer(data[at:], np.uint8).reshape(count, -1)
        valid = np.unpackbits(bits, axis=1, count=prod(grid_hw)).reshape(count, *grid_hw)
        return Features(tuple(m.astype(np.float32) for m in maps), valid.astype(bool), first)


@dataclass(frozen=True, slots=True)
class Arrays:
    """An `ArrayStore` in a folder, for all processes that see it; its files start with `of`."""

    path: Path
    of: str

    def has(self, name: str) -> bool:
        """See `ArrayStore.has`."""
        return self._file(name).exists()

    def get(self, name: str) -> Mapping[str, Array]:
        """See `ArrayStore.get`.

        Raises:
            ArtifactError: the file is not there any more, or damaged.
        """
        try:
            data = BytesIO(self._file(name).read_bytes())
            with np.load(data, allow_pickle=False) as found:
                return dict(found)
        except (OSError, ValueError, EOFError, BadZipFile) as error:
            raise ArtifactError(
                f"{self._file(name)} must be whole until the fit is done; it is not ({error}); "
                "remove it and go on with --resume"
            ) from error

    def put(self, name: str, arrays: Mapping[str, Array]) -> None:
        """See `ArrayStore.put`.

        Raises:
            ArtifactError: the disk refused.
        """
        if not self.path.is_dir():
            raise ArtifactError(f"{self.path} must be there until the fit is done; it is not")
        np.savez(file := BytesIO(), allow_pickle=False, **arrays)
        write_atomic(self._file(name), file.getvalue())

    def _file(self, name: str) -> Path:
        return self.path / f"{self.of}-{name}{ASIDE}"


def open_spool(
    path: Path, of: Mapping[str, Any], shapes: HalfMaps, size: tuple[int, int], resume: bool
) -> Spool:
    """Return the spool of a fit.

    Args:
        path: of its folder; what is there is replaced unless `resume`.
        of: what the features are of (pictures, network, preparation), as JSON values; a folder of
            anything else is not gone on with.
        shapes: (d_j, h_j, w_j) of each level, finest first.
        size: how many pictures there are, and how many make a part.
        resume: go on with the parts that are there.

    Raises:
        ArtifactError: the folder cannot be written, or is of something else.
    """
    total, step = size
    what = {"of": of, "shapes": shapes, "size": size}
    head = json.dumps(what, sort_keys=True, separators=(",", ":")).encode()
    key = sha256(head).hexdigest()[:16]
    levels = tuple((d, h, w) for d, h, w in shapes)
    spool = Spool(path, key, levels, step, total, range(total))
    if path.exists() and not path.is_dir():
        raise ArtifactError(f"{path} must be a folder of features; it is a file; remove it")
    found = path / HEAD
    if path.exists() and not found.is_file() and any(path.iterdir()):
        raise ArtifactError(f"{path} must be of a stopped fit; it has no {HEAD}; remove it")
    if resume and found.is_file() and found.read_bytes() != head:
        raise ArtifactError(
            f"{path} must be of the same pictures, network and preparation to go on with; it is "
            "not; run without --resume to begin anew"
        )
    if not resume and path.exists():
        spool.remove()
    write_atomic(found, head)
    return spool


def record_bytes(shapes: HalfMaps) -> int:
    """Return the bytes that one picture takes on disk, at most."""
    _, h, w = shapes[0]
    return 4 + sum(2 * d * rows * columns for d, rows, columns in shapes) + -(-h * w // 8)


def _packed(valid: Any) -> Any:
    """Return (n, bytes) uint8, a bit a cell."""
    return np.packbits(valid.reshape(len(valid), -1), axis=1)
