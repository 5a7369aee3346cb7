"""The byte format of `.golden` files: arrays and a header, each with its checksum.

A `.golden` file is a safetensors file: its tensors are the network's graph (bytes) and the
detector's arrays; its metadata is a header in JSON, preceded by the header's SHA-256. The header
holds the settings and the SHA-256 of each tensor. Nothing in it is executed, and it has no date:
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
from goldensample.storage.atomic import write_atomic

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
OPTIONAL = {"journal", "intake", "digests", "method_sha256", "hold_out"}
"""Keys of files with revisions since the fit, whose fit counted its pictures, of own methods, whose
fit held whole groups out."""
CHUNK_VALUES = 2**22
"""Number of values of a large array that are checked at a time."""


def write_parts(path: Path, header: dict[str, Any], arrays: dict[str, Array]) -> None:
    """Write a file atomically, in place of the one that was there.

    Args:
        path: where.
        header: all of KEYS but format, version and checksums, and any of OPTIONAL, as JSON values.
        arrays: by name; not changed.
    """
    from safetensors.numpy import save as to_bytes

    full_header = {
        "format": FORMAT,
        "goldensample": __version__,
        "sha256": {name: _hash(array) for name, array in arrays.items()},
        **header,
    }
    text = json.dumps(full_header, sort_keys=True, separators=(",", ":"))
    golden = sha256(text.encode()).hexdigest() + text
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    write_atomic(path, to_bytes(contiguous, {"golden": golden}))


def read_parts(path: Path, skip: str = "") -> tuple[dict[str, Any], dict[str, Array]]:
    """Read and check a file: its header, and its arrays by name.

    Args:
        path: where.
        skip: an array that is neither read nor checked; see `check_array`.

    Raises:
        ArtifactError: see `load`.
    """
    from safetensors import SafetensorError, safe_open

    _check_exists(path)
    try:
        with safe_open(path, framework="numpy") as file:
            text = (file.metadata() or {}).get("golden", "")
            header = _parse_header(path.name, text)
            names = set(file.keys()) - {skip}
            arrays = {name: file.get_tensor(name) for name in sorted(names)}
    except (SafetensorError, TypeError, AttributeError) as error:  # the latter: unknown dtypes
        size = path.stat().st_size
        raise ArtifactError(
            f"{path.name}: must be a whole .golden file; its {size:,} bytes are truncated, damaged "
            f"or of another kind ({error}); copy it again from where it was made"
        ) from error
    hashes = {part: digest for part, digest in header["sha256"].items() if part != skip}
    _check_arrays(path.name, hashes, arrays)
    return header, arrays


def read_rows(path: Path, name: str, rows: slice) -> Array:
    """Return a slice of the rows of an array in a file; see `check_array`."""
    from safetensors import safe_open

    _check_exists(path)
    with safe_open(path, framework="numpy") as file:
        values: Array = file.get_slice(name)[rows]
    return values


def check_array(path: Path, name: str, hashes: dict[str, str]) -> tuple[int, int]:
    """Check an array that may be larger than memory, in chunks, and return its shape.

    Args:
        path: a file whose other parts are checked already.
        name: of the array, which must have two axes.
        hashes: checksums in the header, by name.

    Raises:
        ArtifactError: see `load`.
    """
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        if name not in set(file.keys()) & hashes.keys():
            raise ArtifactError(f"{path.name}: '{name}' is missing; the file is damaged")
        rows = file.get_slice(name)
        shape = tuple(rows.get_shape())
        if len(shape) != 2:
            raise ArtifactError(f"{path.name}: '{name}' must have two axes; got {shape}")
        digest = sha256(f"{rows[:0].dtype.str}{shape}".encode())
        step = max(1, CHUNK_VALUES // max(1, shape[1]))
        for start in range(0, shape[0], step):
            chunk = rows[start : min(start + step, shape[0])]
            digest.update(np.ascontiguousarray(chunk).tobytes())
            _check_finite(path.name, name, chunk)
    _check_hash(path.name, name, digest.hexdigest(), hashes[name])
    return shape


def _parse_header(name: str, text: str) -> dict[str, Any]:
    """Return the header from the metadata, or raise an error that says what is wrong with it."""
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
        mismatched = ", ".join(sorted(set(header) - OPTIONAL ^ KEYS)) or "sha256"
        raise ArtifactError(
            f"{name}: the header must have its keys; amiss: {mismatched}; fit it anew"
        )
    return header


def _check_arrays(name: str, hashes: dict[str, str], arrays: dict[str, Array]) -> None:
    """Verify checksums and refuse values that are not finite."""
    for part in sorted(hashes.keys() | arrays.keys()):
        if part not in arrays or part not in hashes:
            raise ArtifactError(f"{name}: '{part}' is missing; the file is damaged")
        _check_hash(name, part, _hash(arrays[part]), hashes[part])
        _check_finite(name, part, arrays[part])


def _check_exists(path: Path) -> None:
    if not path.is_file():
        reason = "it is a folder" if path.is_dir() else "there is none"
        raise ArtifactError(f"{path} must be a .golden file; {reason}; make one with golden fit")


def _check_hash(name: str, part: str, actual: str, expected: str) -> None:
    if actual != expected:
        raise ArtifactError(f"{name}: checksum of '{part}' does not match; the file is damaged")


def _check_finite(name: str, part: str, values: Array) -> None:
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise ArtifactError(f"{name}: '{part}' must be finite; it is not; fit the file anew")


def _hash(array: Array) -> str:
    """Return the SHA-256 of an array's dtype, shape and bytes."""
    digest = sha256(f"{array.dtype.str}{array.shape}".encode())
    digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
