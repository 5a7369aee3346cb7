"""Write files so that nothing is ever half written, and keep inspectors in `.golden` files.

A `.golden` file is a safetensors file: its tensors are the network's graph (bytes) and the
detector's arrays; its metadata is a header in JSON, preceded by the header's SHA-256. The header
holds the settings and the SHA-256 of each tensor. Nothing in it is executed, and it holds no time:
the same fit gives the same bytes.
"""

import json
import os
import secrets
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from goldensample._version import __version__
from goldensample.backbones import Network
from goldensample.errors import ArtifactError
from goldensample.inspector import Inspector, TrainingPicture
from goldensample.methods import METHODS
from goldensample.preparation import Preparation
from goldensample.records import Array, Threshold, knobs_of

FORMAT = 1


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file whole or not at all: beside its place first, then moved there.

    Raises:
        OSError: as for any file; what was there before is then untouched.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        with open(beside, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def save(inspector: Inspector, path: str | Path) -> None:
    """Write an inspector to a `.golden` file.

    Args:
        inspector: what to write; not changed.
        path: where; replaced as a whole if it exists.
    """
    from safetensors.numpy import save as to_bytes

    arrays = dict(inspector.detector.arrays())
    arrays["network"] = np.frombuffer(inspector.backbone.network.graph, np.uint8)
    header = _header(inspector, {name: _hash(array) for name, array in arrays.items()})
    text = json.dumps(header, sort_keys=True, separators=(",", ":"))
    golden = sha256(text.encode()).hexdigest() + text
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    write_atomic(Path(path), to_bytes(contiguous, {"golden": golden}))


def _header(inspector: Inspector, hashes: dict[str, str]) -> dict[str, Any]:
    """Return the settings that a file carries, as plain JSON values."""
    network = inspector.backbone.network
    return {
        "format": FORMAT,
        "goldensample": __version__,
        "sha256": hashes,
        "network": {
            "name": network.name,
            "levels": network.levels,
            "mean": network.mean,
            "std": network.std,
            "stride": network.stride,
        },
        "method": inspector.method_name,
        "knobs": knobs_of(inspector.method),
        "preparation": asdict(inspector.preparation),
        "threshold": asdict(inspector.threshold) if inspector.threshold else None,
        "pictures": [[picture.name, *picture.shape_hw] for picture in inspector.pictures],
    }


def load(path: str | Path) -> Inspector:
    """Read an inspector from a `.golden` file.

    Raises:
        ArtifactError: the file is missing, damaged, truncated, of an unknown version or holds a
            value that is not finite; the message names the part.
    """
    header, arrays = read_parts(Path(path))
    name = Path(path).name
    try:
        graph = arrays.pop("network").tobytes()
        network = Network(graph=graph, **_tuples(header["network"]))
        preparation = Preparation(**_tuples(header["preparation"]))
        threshold = Threshold(**header["threshold"]) if header["threshold"] else None
        method = METHODS[header["method"]](**header["knobs"])
        detector = method.restore(arrays)
        pictures = tuple(TrainingPicture(n, (h, w)) for n, h, w in header["pictures"])
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactError(
            f"{name}: the header and the arrays must fit each other; they do not ({error}); "
            "fit the file anew"
        ) from error
    from goldensample.backbones.openvino import OpenVINOBackbone

    return Inspector(
        preparation=preparation,
        backbone=OpenVINOBackbone(network),
        method=method,
        detector=detector,
        threshold=threshold,
        pictures=pictures,
    )


def read_parts(path: Path) -> tuple[dict[str, Any], dict[str, Array]]:
    """Read and check a file: its header, and its arrays by name.

    Raises:
        ArtifactError: see `load`.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise ArtifactError(
            f"{path} must be a .golden file; there is none; make one with golden fit"
        )
    try:
        with safe_open(path, framework="numpy") as file:
            text = (file.metadata() or {}).get("golden", "")
            header = _parse_header(path.name, text)
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except SafetensorError as error:
        size = path.stat().st_size
        raise ArtifactError(
            f"{path.name}: must be a whole .golden file; its {size:,} bytes are truncated, damaged "
            f"or of another kind ({error}); copy it again from where it was made"
        ) from error
    _check_arrays(path.name, header["sha256"], arrays)
    return header, arrays


def _parse_header(name: str, text: str) -> dict[str, Any]:
    """Return the header from the metadata, or say what is wrong with it."""
    digest, body = text[:64], text[64:]
    if not text:
        raise ArtifactError(f"{name}: must be a .golden file; it is another safetensors file")
    if sha256(body.encode()).hexdigest() != digest:
        raise ArtifactError(f"{name}: checksum of 'header' does not match; the file is damaged")
    header: dict[str, Any] = json.loads(body)
    if header.get("format") != FORMAT:
        raise ArtifactError(
            f"{name}: format must be {FORMAT}; got {header.get('format')!r}, written by "
            f"goldensample {header.get('goldensample')}; this is {__version__}: update it"
        )
    return header


def _check_arrays(name: str, hashes: dict[str, str], arrays: dict[str, Array]) -> None:
    """Compare checksums and refuse values that are not finite."""
    for part in sorted(hashes.keys() | arrays.keys()):
        if part not in arrays or part not in hashes:
            raise ArtifactError(f"{name}: '{part}' is missing; the file is damaged")
        if _hash(arrays[part]) != hashes[part]:
            raise ArtifactError(f"{name}: checksum of '{part}' does not match; the file is damaged")
        if arrays[part].dtype.kind == "f" and not np.isfinite(arrays[part]).all():
            raise ArtifactError(f"{name}: '{part}' must be finite; it is not; fit the file anew")


def _hash(array: Array) -> str:
    """Return the SHA-256 of an array's kind, shape and bytes."""
    digest = sha256(f"{array.dtype.str}{array.shape}".encode())
    digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def _tuples(values: dict[str, Any]) -> dict[str, Any]:
    """Return the values with JSON's lists made tuples again."""
    return {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
