"""Features of a fit on disk, beside the file that is being made: `NAME.partial`.

A line of JSON says what the features are of; then comes one record a picture, all of one size:
its maps in half precision, which cells are valid, and a checksum. Records are only ever appended,
so a run that is killed leaves whole records and at most a cut last one. Reading is plain reading:
pages mapped into memory would count as memory used.
"""

import json
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from goldensample.errors import ArtifactError
from goldensample.fitting import halved
from goldensample.records import Features
from goldensample.writing import check_writable

BATCH_BYTES = 64_000_000
"""Of the records read at a time; a picture alone may have more."""
HalfMaps = Sequence[tuple[int, int, int]]


class Spool:
    """A `FeatureStore` in a file.

    Args:
        path: of the file; made anew unless `resume`.
        of: what the features are of (pictures, network, preparation), as JSON values; a file of
            anything else is not gone on with.
        shapes: (d_j, h_j, w_j) of each level, finest first.
        resume: go on with the file if there is one.

    Raises:
        ArtifactError: the file cannot be written, or is of something else.
    """

    def __init__(self, path: Path, of: Mapping[str, Any], shapes: HalfMaps, resume: bool) -> None:
        self.path, self._shapes = path, [tuple(shape) for shape in shapes]
        self._values = sum(d * h * w for d, h, w in self._shapes)
        self._cells = self._shapes[0][1] * self._shapes[0][2]
        self._size = record_bytes(shapes)
        head = {"of": of, "shapes": self._shapes}
        self._head = json.dumps(head, sort_keys=True, separators=(",", ":")).encode() + b"\n"
        check_writable(path)
        self._count = self._found() if resume and path.exists() else 0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            if not self._count:
                path.write_bytes(self._head)
            os.truncate(path, len(self._head) + self._count * self._size)
        except OSError as error:
            raise self._refused(error) from error

    def _found(self) -> int:
        """Return how many whole pictures an earlier run has left."""
        with open(self.path, "rb") as file:
            if file.readline() != self._head:
                raise ArtifactError(
                    f"{self.path} must be of the same pictures, network and preparation to go on "
                    "with; it is not; run without --resume to begin anew"
                )
        count = (self.path.stat().st_size - len(self._head)) // self._size
        while count and not self._whole(count - 1):  # cut by a power failure, not by a kill
            count -= 1
        return count

    def _whole(self, index: int) -> bool:
        with open(self.path, "rb") as file:
            file.seek(len(self._head) + index * self._size)
            record = file.read(self._size)
        return zlib.crc32(record[4:]) == int.from_bytes(record[:4], "little")

    def __len__(self) -> int:
        return self._count

    def append(self, features: Features) -> None:
        """Write features, in half precision.

        Raises:
            ArtifactError: the disk refused.
        """
        half = halved(features)
        try:
            with open(self.path, "ab") as file:
                for index in range(len(half)):
                    parts = [level[index].tobytes() for level in half.maps]
                    body = b"".join([*parts, np.packbits(half.valid[index]).tobytes()])
                    file.write(zlib.crc32(body).to_bytes(4, "little") + body)
        except OSError as error:
            raise self._refused(error) from error
        self._count += len(half)

    def __iter__(self) -> Iterator[Features]:
        """Read all that is kept, some pictures at a time.

        Raises:
            ArtifactError: the file was damaged meanwhile.
        """
        with open(self.path, "rb", buffering=0) as file:
            file.seek(len(self._head))
            step = max(1, min(8, BATCH_BYTES // self._size))
            for first in range(0, self._count, step):
                count = min(step, self._count - first)
                data = bytearray()
                while len(data) < count * self._size:
                    part = file.read(count * self._size - len(data))
                    if not part:
                        raise ArtifactError(f"{self.path} is shorter than it was; fit anew")
                    data += part
                yield self._features(memoryview(data), first, count)

    def _features(self, data: memoryview, first: int, count: int) -> Features:
        """Return the features of some records."""
        maps: list[list[np.ndarray]] = [[] for _ in self._shapes]
        valid = []
        for index in range(count):
            record = data[index * self._size : (index + 1) * self._size]
            if zlib.crc32(record[4:]) != int.from_bytes(record[:4], "little"):
                raise ArtifactError(f"{self.path}: picture {first + index} is damaged; fit anew")
            at = 4
            for level, shape in zip(maps, self._shapes, strict=True):
                size = 2 * int(np.prod(shape))
                level.append(np.frombuffer(record[at : at + size], np.float16).reshape(shape))
                at += size
            bits = np.unpackbits(np.frombuffer(record[at:], np.uint8), count=self._cells)
            valid.append(bits.reshape(self._shapes[0][1:]).astype(bool))
        stacked = tuple(np.stack(level).astype(np.float32) for level in maps)
        return Features(stacked, np.stack(valid), first)

    def remove(self) -> None:
        """Delete the file."""
        self.path.unlink(missing_ok=True)

    def _refused(self, error: OSError) -> ArtifactError:
        return ArtifactError(
            f"features must be written to {self.path}; they were not ({error.strerror}); make room "
            "or choose another place, then go on with --resume"
        )


def record_bytes(shapes: HalfMaps) -> int:
    """Return the bytes that one picture takes on disk."""
    _, h, w = shapes[0]
    return 4 + sum(2 * d * rows * columns for d, rows, columns in shapes) + -(-h * w // 8)
