"""Keep inspectors in `.golden` files.

A `.golden` file is a safetensors file: its tensors are the network's graph (bytes) and the
detector's arrays; its metadata is a header in JSON, preceded by the header's SHA-256. The header
holds the settings and the SHA-256 of each tensor. Nothing in it is executed, and it holds no time:
the same fit on the same machine and libraries gives the same bytes.
"""

import json
from dataclasses import asdict
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np

from goldensample._version import __version__
from goldensample.backbones import Network
from goldensample.errors import ArtifactError, WeightsError
from goldensample.header import build, convert
from goldensample.inspector import Inspector, TrainingPicture
from goldensample.methods import METHODS, BankDetector
from goldensample.preparation import Preparation
from goldensample.records import Array, Threshold
from goldensample.writing import write_atomic

FORMAT = 1
GRAPHS = {
    "network": "graph",
    "network_int8": "int8_graph",
    "network_int8_weights": "int8_weights",
}
"""The arrays that hold a network's bytes."""
SAMPLE = "sample"
"""What the names of the pictures kept for checks start with."""
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


def save(inspector: Inspector, path: str | Path) -> None:
    """Write an inspector to a `.golden` file.

    Args:
        inspector: what to write; not changed.
        path: where; replaced as a whole if it exists.
    """
    from safetensors.numpy import save as to_bytes

    arrays = dict(inspector.detector.arrays())
    network = inspector.backbone.network
    for name, field in GRAPHS.items():
        if part := getattr(network, field):
            arrays[name] = np.frombuffer(part, np.uint8)
    for index, sample in enumerate(inspector.samples):
        arrays[f"{SAMPLE}{index}"] = sample
    header = _header(inspector, {name: _hash(array) for name, array in arrays.items()})
    text = json.dumps(header, sort_keys=True, separators=(",", ":"))
    golden = sha256(text.encode()).hexdigest() + text
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    write_atomic(Path(path), to_bytes(contiguous, {"golden": golden}))


def _header(inspector: Inspector, hashes: dict[str, str]) -> dict[str, Any]:
    """Return the settings that a file carries, as plain JSON values."""
    network = asdict(inspector.backbone.network)
    for field in GRAPHS.values():
        del network[field]
    return {
        "format": FORMAT,
        "goldensample": __version__,
        "sha256": hashes,
        "network": network,
        "method": inspector.method_name,
        "knobs": asdict(inspector.method),
        "preparation": asdict(inspector.preparation),
        "precision": inspector.backbone.precision,
        "thresholds": {name: asdict(limit) for name, limit in inspector.thresholds.items()},
        "pictures": [[picture.name, *picture.shape_hw] for picture in inspector.pictures],
    }


def load(path: str | Path) -> Inspector:
    """Read an inspector from a `.golden` file.

    Raises:
        ArtifactError: the file is missing, damaged, truncated, of an unknown version or holds a
            value that is not finite; the message names the part.
    """
    header, arrays = read_parts(Path(path))
    try:
        inspector = _assemble(header, arrays)
        height, width = inspector.preparation.canvas_hw
        # graph, bank and knobs must fit
        found = inspector.inspect(np.zeros((height, width, 3), np.uint8))
        for limit in inspector.thresholds.values():
            if (limit.pixel is None) != (found.heat_map is None):
                raise ValueError(f"a limit for pixels must go with a map; got {limit.pixel}")
    except (WeightsError, *MISFITS) as error:
        raise ArtifactError(
            f"{Path(path).name}: its parts must fit each other; they do not ({error}); fit it anew"
        ) from error
    return inspector


MISFITS = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RuntimeError)
"""What parts that do not fit can raise, wherever it shows."""


def _assemble(header: dict[str, Any], arrays: dict[str, Array]) -> Inspector:
    """Make the inspector from a checked file's parts."""
    from goldensample.backbones.openvino import HINTS, OpenVINOBackbone, processor_has

    graphs = {
        field: arrays.pop(name).tobytes() if name in arrays else b""
        for name, field in GRAPHS.items()
    }
    network = build(Network, header["network"], graphs)
    kept = sorted(name for name in arrays if name.startswith(SAMPLE))
    samples = tuple(arrays.pop(name) for name in kept)
    precision = convert(header["precision"], str, "precision")
    if precision in HINTS and not processor_has(precision):
        precision = "fp32"  # fitted on another processor; its limits are in the file, too
    if not header["thresholds"].keys() <= HINTS.keys():
        raise ValueError(f"thresholds must be by precision; got {header['thresholds'].keys()}")
    method = build(METHODS[header["method"]], header["knobs"])
    pictures = tuple(
        TrainingPicture(*convert([name, [height, width]], tuple[str, tuple[int, int]], "pictures"))
        for name, height, width in header["pictures"]
    )
    detector = method.restore(arrays)
    numbers = detector.origins[:, 0] if isinstance(detector, BankDetector) else np.empty(0)
    if (
        any(min(p.shape_hw) < 1 for p in pictures)
        or not np.isin(numbers, range(len(pictures))).all()
    ):
        raise ValueError("every bank row must come from one of the pictures")
    return Inspector(
        preparation=build(Preparation, header["preparation"]),
        backbone=OpenVINOBackbone(network, precision=precision),
        method=method,
        detector=detector,
        thresholds={
            convert(name, str, "thresholds"): build(Threshold, limit)
            for name, limit in header["thresholds"].items()
        },
        pictures=pictures,
        samples=samples,
    )


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
    if set(header) != KEYS or not isinstance(header["sha256"], dict):
        odd = ", ".join(sorted(set(header) ^ KEYS)) or "sha256"
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
