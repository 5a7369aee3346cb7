"""The spool: features of a fit on disk, beside the output file, in the folder `NAME.partial`.

A JSON file holds metadata of the features. Each part is a separate file, written atomically: a
checksum, the maps of its pictures in half precision, and the mask of valid cells. So many
processes, on many machines, may write parts, and a killed one leaves complete parts. Files are
read, not mapped: mapped pages would count as memory of the process.
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

METADATA_NAME, PART_SUFFIX, ARRAYS_SUFFIX = "of.json", ".features", ".npz"
SPOOL_FILE = re.compile(r"\.?[0-9a-f]{16}-[0-9a-z-]+\.(features|npz)(\.[0-9a-f]{8}\.partial)?")
MapShapes = Sequence[tuple[int, int, int]]


@dataclass(frozen=True, slots=True)
class Spool:
    """A `FeatureStore` in a folder, for all processes that can access it.

    Args:
        path: of the folder; see `open_spool`.
        key: prefix of the names of its files, a hash of the metadata, so that a task of another
            fit that has not ended yet cannot overwrite them.
        shapes: (d_j, h_j, w_j) of each level, finest first.
        step: pictures in each part; in the last there may be fewer.
        total: pictures of the fit.
        pictures: range of those whose parts are read.
    """

    path: Path
    key: str
    shapes: tuple[tuple[int, int, int], ...]
    step: int
    total: int
    pictures: range

    def __len__(self) -> int:
        names = {path.name for path in self.path.glob(f"*{PART_SUFFIX}")}
        return sum(count for first, count in self._parts() if self._file(first).name in names)

    def has(self, first: int) -> bool:
        """See `FeatureStore.has`."""
        return self._file(first).exists()

    def put(self, features: Features) -> None:
        """See `FeatureStore.put`.

        Raises:
            ArtifactError: writing failed, or the fit is over.
        """
        if not self.path.is_dir():
            raise ArtifactError(f"{self.path} must be there until the fit is done; it is not")
        half = to_half_precision(features)
        body = b"".join(
            [*(level.tobytes() for level in half.maps), _pack_bits(half.valid).tobytes()]
        )
        write_atomic(self._file(half.first), zlib.crc32(body).to_bytes(4, "little") + body)

    def __iter__(self) -> Iterator[Features]:
        """See `FeatureStore.__iter__`.

        Raises:
            ArtifactError: a part is missing or damaged.
        """
        for first, count in self._parts():
            yield self._read(first, count)

    def read_range(self, start: int, end: int) -> Iterable[Features]:
        """See `FeatureStore.read_range`."""
        chosen = range(max(start, self.pictures.start), min(end, self.pictures.stop))
        return replace(self, pictures=chosen)

    def array_store(self, name: str) -> "SpoolArrayStore":
        """See `FeatureStore.array_store`."""
        return SpoolArrayStore(self.path, f"{self.key}-{name}")

    def remove(self) -> None:
        """Delete the files of fits, and the folder unless it contains others."""
        for path in self.path.glob("*"):
            if SPOOL_FILE.fullmatch(path.name):
                path.unlink(missing_ok=True)
        (self.path / METADATA_NAME).unlink(
            missing_ok=True
        )  # last: without it the other files have no owner
        with suppress(OSError):
            self.path.rmdir()

    def _parts(self) -> list[tuple[int, int]]:
        """Return the first picture and the number of pictures of each part, in order."""
        start = self.pictures.start // self.step * self.step
        firsts = range(start, self.pictures.stop if self.pictures else start, self.step)
        return [(first, min(self.step, self.total - first)) for first in firsts]

    def _file(self, first: int) -> Path:
        return self.path / f"{self.key}-{first:09}{PART_SUFFIX}"

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
        is_complete = len(data) == 4 + count * (record_bytes(self.shapes) - 4)
        if not is_complete or zlib.crc32(data[4:]) != int.from_bytes(data[:4], "little"):
            raise ArtifactError(f"{path} is damaged; remove it and go on with --resume")
        start, maps = 4, []
        for shape in self.shapes:
            stop = start + 2 * count * prod(shape)
            maps.append(np.frombuffer(data[start:stop], np.float16).reshape(count, *shape))
            start = stop
        grid_hw = self.shapes[0][1:]
        bits = np.frombuffer(data[start:], np.uint8).reshape(count, -1)
        valid = np.unpackbits(bits, axis=1, count=prod(grid_hw)).reshape(count, *grid_hw)
        return Features(tuple(m.astype(np.float32) for m in maps), valid.astype(bool), first)


@dataclass(frozen=True, slots=True)
class SpoolArrayStore:
    """An `ArrayStore` in a folder, for all processes that can access it."""

    path: Path
    prefix: str

    def has(self, name: str) -> bool:
        """See `ArrayStore.has`."""
        return self._file(name).exists()

    def get(self, name: str) -> Mapping[str, Array]:
        """See `ArrayStore.get`.

        Raises:
            ArtifactError: the file is missing or damaged.
        """
        try:
            data = BytesIO(self._file(name).read_bytes())
            with np.load(data, allow_pickle=False) as arrays:
                return dict(arrays)
        except (OSError, ValueError, EOFError, BadZipFile) as error:
            raise ArtifactError(
                f"{self._file(name)} must be whole until the fit is done; it is not ({error}); "
                "remove it and go on with --resume"
            ) from error

    def put(self, name: str, arrays: Mapping[str, Array]) -> None:
        """See `ArrayStore.put`.

        Raises:
            ArtifactError: writing failed.
        """
        if not self.path.is_dir():
            raise ArtifactError(f"{self.path} must be there until the fit is done; it is not")
        np.savez(file := BytesIO(), allow_pickle=False, **arrays)
        write_atomic(self._file(name), file.getvalue())

    def _file(self, name: str) -> Path:
        return self.path / f"{self.prefix}-{name}{ARRAYS_SUFFIX}"


def open_spool(
    path: Path, metadata: Mapping[str, Any], shapes: MapShapes, size: tuple[int, int], resume: bool
) -> Spool:
    """Return the spool of a fit.

    Args:
        path: of its folder; its content is replaced unless `resume`.
        metadata: of the features (pictures, network, preparation), as JSON values; a folder with
            other metadata is not resumed.
        shapes: (d_j, h_j, w_j) of each level, finest first.
        size: number of pictures, and of pictures in a part.
        resume: use the parts in the folder.

    Raises:
        ArtifactError: the folder cannot be written, or belongs to another fit.
    """
    total, step = size
    content = {"of": metadata, "shapes": shapes, "size": size}
    header = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
    key = sha256(header).hexdigest()[:16]
    levels = tuple((d, h, w) for d, h, w in shapes)
    spool = Spool(path, key, levels, step, total, range(total))
    if path.exists() and not path.is_dir():
        raise ArtifactError(f"{path} must be a folder of features; it is a file; remove it")
    header_path = path / METADATA_NAME
    if path.exists() and not header_path.is_file() and any(path.iterdir()):
        raise ArtifactError(
            f"{path} must be of a stopped fit; it has no {METADATA_NAME}; remove it"
        )
    if resume and header_path.is_file() and header_path.read_bytes() != header:
        raise ArtifactError(
            f"{path} must be of the same pictures, network and preparation to go on with; it is "
            "not; run without --resume to begin anew"
        )
    if not resume and path.exists():
        spool.remove()
    write_atomic(header_path, header)
    return spool


def record_bytes(shapes: MapShapes) -> int:
    """Return the bytes of one picture on disk, at most."""
    _, h, w = shapes[0]
    return 4 + sum(2 * d * rows * columns for d, rows, columns in shapes) + -(-h * w // 8)


def _pack_bits(valid: Any) -> Any:
    """Return (n, bytes) uint8, one bit for each cell."""
    return np.packbits(valid.reshape(len(valid), -1), axis=1)
