"""Features that are kept on disk, so that many runs compute them once.

One file a picture, named by a hash of the prepared picture; a folder for each network with its
levels. A file is written whole or not at all and carries a checksum, so that a run may be killed
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


class KeptBackbone:
    """A `Backbone` that asks another one only for what is not on disk yet.

    Args:
        inner: computes what is missing.
        folder: of this network and these levels alone.
    """

    def __init__(self, inner: Backbone, folder: Path) -> None:
        self._inner, self._folder = inner, folder

    @property
    def network(self) -> Network:
        """The network that computes."""
        return self._inner.network

    @property
    def precision(self) -> str:
        """What it computes in."""
        return self._inner.precision

    def extract(self, pictures: Array) -> tuple[Array, ...]:
        """Return feature maps; see `Backbone.extract`."""
        files = [self._folder / f"{_key(picture)}.maps" for picture in pictures]
        found = [_read(file) for file in files]
        missing = [index for index, maps in enumerate(found) if maps is None]
        if missing:
            computed = self._inner.extract(pictures[missing])
            for position, index in enumerate(missing):
                maps = tuple(level[position] for level in computed)
                _write(files[index], maps)
                found[index] = maps
        return tuple(np.stack(level) for level in zip(*(m for m in found if m), strict=True))


def _key(picture: Array) -> str:
    shape = json.dumps(picture.shape).encode()
    return blake2b(shape + np.ascontiguousarray(picture).tobytes(), digest_size=16).hexdigest()


def _write(file: Path, maps: Sequence[Array]) -> None:
    head = json.dumps([level.shape for level in maps]).encode() + b"\n"
    body = head + b"".join(level.astype("<f4").tobytes() for level in maps)
    write_atomic(file, zlib.crc32(body).to_bytes(4, "little") + body)


def _read(file: Path) -> tuple[Array, ...] | None:
    """Return a picture's maps; None where there is no file, or a damaged one."""
    if not file.is_file():
        return None
    data = file.read_bytes()
    if len(data) < 4 or zlib.crc32(data[4:]) != int.from_bytes(data[:4], "little"):
        return None
    end = data.index(b"\n", 4)
    maps, at = [], end + 1
    for shape in json.loads(data[4:end]):
        count = int(np.prod(shape))
        maps.append(np.frombuffer(data, "<f4", count, at).reshape(shape))
        at += 4 * count
    return tuple(maps)
