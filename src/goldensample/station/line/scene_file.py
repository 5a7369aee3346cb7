"""The watch of a product's scene, and its file."""

import io
import json
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

from goldensample.drift.martingale import Watch
from goldensample.errors import ArtifactError


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm: the scene has changed.

    Args:
        since: id of the record at which the change most likely began.
        at: id of the record at which it was detected.
        time: of that record.
        words: message: what has changed.
    """

    since: int
    at: int
    time: float
    words: str


@dataclass(frozen=True, slots=True, eq=False)
class SceneWatch:
    """The watch of a product.

    Args:
        reference_sha256: hash of the reference statistics that it compares with.
        seen: pictures since the first start of the watch; it seeds the breaking of ties.
        state: of the martingale.
        alarm: None while the scene is unchanged; after an alarm, nothing more is measured.
    """

    reference_sha256: str
    seen: int
    state: Watch
    alarm: Alarm | None = None


def to_bytes(scene_watch: SceneWatch) -> bytes:
    """Encode a watch as a compressed NPZ file."""
    state = scene_watch.state
    alarm = scene_watch.alarm and asdict(scene_watch.alarm)
    metadata = {"of": scene_watch.reference_sha256, "seen": scene_watch.seen, "alarm": alarm}
    np.savez_compressed(
        file := io.BytesIO(),
        facts=np.frombuffer(json.dumps(metadata).encode(), np.uint8),
        names=np.array([int(name) for name in state.names], np.int64),
        values=state.values,
        gains=state.gains,
        rises=state.rises,
        since=state.since,
    )
    return file.getvalue()


def from_bytes(data: bytes, path: Path) -> SceneWatch:
    """Decode the file of `to_bytes`.

    Raises:
        ArtifactError: the file is damaged.
    """
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as parts:
            metadata = json.loads(parts["facts"].tobytes())
            names = tuple(map(str, parts["names"].tolist()))
            arrays = [parts[name] for name in ("values", "gains", "rises", "since")]
        alarm = metadata["alarm"] and Alarm(**metadata["alarm"])
        return SceneWatch(metadata["of"], int(metadata["seen"]), Watch(names, *arrays), alarm)
    except (ValueError, OSError, LookupError, EOFError, TypeError, BadZipFile, zlib.error) as error:
        raise ArtifactError(
            f"{path} must be what the station wrote; it is not ({error})"
        ) from error
