"""The container of `.golden` files: arrays and a header, each with its checksum.

A `.golden` file is a safetensors file: its tensors are the network's graph (bytes) and the
detector's arrays; its metadata is a header in JSON, preceded by the header's SHA-256. The header
holds the settings and the SHA-256 of each tensor. Nothing in it is executed, and it holds no time:
the same fit on the same machine and libraries gives the same bytes.
"""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from goldensample._version import __version__
from goldensample.errors import ArtifactError
from goldensample.records import Array
from goldensample.writing import write_atomic

FORMAT = 1
KEYS = {
    "format",
    "goldensample",
    "sha256",
    "network",
    "method",
    "knobs",
    "preparation",
    "precision",
    "thresholds",
    "pictures",
}
OPTIONAL = {"journal"}
"""What only a file has that was taught since its fit."""


def write_parts(path: Path, header: dict[str, Any], arrays: dict[str, Array]) -> None:
    """Write a file as a whole, or leave the one that was there.

    Args:
        header: all of KEYS but format, version and checksums, and what there is of OPTIONAL, as
            JSON values.
        arrays: by name; not changed.
    """
    from safetensors.numpy import save as to_bytes

    whole = {
        "format": FORMAT,
        "goldensample": __version__,
        "sha256": {name: _hash(array) for name, array in arrays.items()},
        **header,
    }
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"))
    golden = sha256(text.encode()).hexdigest() + text
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    write_atomic(path, to_bytes(contiguous, {"golden": golden}))


def read_parts(path: Path) -> tuple[dict[str, Any], dict[str, Array]]:
    """Read and check a file: its header, and its arrays by name.

    Raises:
        ArtifactError: see `load`.
    """
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        was = "it is a folder" if path.is_dir() else "there is none"
        raise ArtifactError(f"{path} must be a .golden file; {was}; make one with golden fit")
    try:
        with safe_open(path, framework="numpy") as file:
            text = (file.metadata() or {}).get("golden", "")
            header = _parse_header(path.name, text)
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, TypeError, AttributeError) as error:  # the latter: unknown dtypes
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
    try:
        header = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ArtifactError(f"{name}: the header must be JSON; it is not; fit it anew") from error
    version = header.get("format") if isinstance(header, dict) else None
    if version != FORMAT or type(version) is not int:
        raise ArtifactError(
            f"{name}: format must be {FORMAT}; got {version!r}; this is goldensample "
            f"{__version__}: update it, or fit the file anew"
        )
    if set(header) - OPTIONAL != KEYS or not isinstance(header["sha256"], dict):
        odd = ", ".join(sorted(set(header) - OPTIONAL ^ KEYS)) or "sha256"
        raise ArtifactError(f"{name}: the header must have its keys; amiss: {odd}; fit it anew")
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
