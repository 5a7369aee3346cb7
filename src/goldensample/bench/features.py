"""A feature cache on disk, so that many runs compute features once.

One file a picture, named by a hash of the prepared picture; a folder for each network with its
levels. Files are written atomically and carry a checksum, so that a run may be killed
at any time and several processes may share the folder: two that compute the same picture write the
same bytes. The folder may be deleted whenever no suite runs.
"""

import json
import zlib
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path

import numpy as np

from goldensample.backbones.network import Backbone, Network
from goldensample.records import Array
from goldensample.storage.atomic import write_atomic


class CachingBackbone:
    """A `Backbone` that calls another one only for pictures that are not in the cache.

    Args:
        inner: computes features that are not in the cache.
        folder: of the cache, for this network and these levels only.
    """

    def __init__(self, inner: Backbone, folder: Path) -> None:
        self._inner, self._folder = inner, folder

    @property
    def network(self) -> Network:
        """Network of the inner backbone."""
        return self._inner.network

    @property
    def precision(self) -> str:
        """Precision of the inner backbone."""
        return self._inner.precision

    def extract(self, pictures: Array) -> tuple[Array, ...]:
        """Return feature maps; see `Backbone.extract`."""
        files = [self._folder / f"{_picture_hash(picture)}.maps" for picture in pictures]
        cached = [_read(file) for file in files]
        missing = [index for index, maps in enumerate(cached) if maps is None]
        if missing:
            computed = self._inner.extract(pictures[missing])
            for position, index in enumerate(missing):
                maps = tuple(level[position] for level in computed)
                _write(files[index], maps)
                cached[index] = maps
        return tuple(np.stack(level) for level in zip(*(m for m in cached if m), strict=True))


def _picture_hash(picture: Array) -> str:
    shape = json.dumps(picture.shape).encode()
    return blake2b(shape + np.ascontiguousarray(picture).tobytes(), digest_size=16).hexdigest()


def _write(file: Path, maps: Sequence[Array]) -> None:
    header = json.dumps([level.shape for level in maps]).encode() + b"\n"
    body = header + b"".join(level.astype("<f4").tobytes() for level in maps)
    write_atomic(file, zlib.crc32(body).to_bytes(4, "little") + body)


def _read(file: Path) -> tuple[Array, ...] | None:
    """Return a picture's maps; None where there is no file, or a damaged one."""
    if not file.is_file():
        return None
    data = file.read_bytes()
    if len(data) < 4 or zlib.crc32(data[4:]) != int.from_bytes(data[:4], "little"):
        return None
    end = data.index(b"\n", 4)
    levels, offset = [], end + 1
    for shape in json.loads(data[4:end]):
        count = int(np.prod(shape))
        levels.append(np.frombuffer(data, "<f4", count, offset).reshape(shape))
        offset += 4 * count
    return tuple(levels)
