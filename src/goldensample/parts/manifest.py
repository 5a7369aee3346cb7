"""The `.golden-part` file: which views a part has, their files, and the part's calibration."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import file_digest, sha256
from pathlib import Path
from typing import Any

import numpy as np

from goldensample.errors import ArtifactError
from goldensample.parts.rule import PartCalibration
from goldensample.storage.atomic import write_atomic

ENDING = ".golden-part"
FORMAT = 1
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}")
"""A view's name: it stands in names of pictures, of columns and of fields of a form."""


@dataclass(frozen=True, slots=True)
class View:
    """One view of a part.

    Args:
        name: for instance "left".
        file: its `.golden` file, relative to the folder of the part's file.
        sha256: of that file.
        required: whether a part without a picture of it is an error.
    """

    name: str
    file: str
    sha256: str
    required: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class PartManifest:
    """What a `.golden-part` file says.

    Args:
        views: in the order in which they are shown.
        false_alarms: the rate of good parts called defect that is asked for, in (0, 1).
        calibration: on whole good parts; None for the union bound of the views' p-values.

    Raises:
        ValueError: a view's name is invalid or there twice, there is none, or the rate is no rate.
    """

    views: tuple[View, ...]
    false_alarms: float
    calibration: PartCalibration | None = None

    def __post_init__(self) -> None:
        for view in self.views:
            check_view_name(view.name)
        folded = [view.name.lower() for view in self.views]
        if not folded or len(set(folded)) < len(folded):
            raise ValueError(f"a part must have views of different names; got {folded}")
        if not any(view.required for view in self.views):
            raise ValueError("a part must have a view that is required; got optional ones alone")
        if not 0 < self.false_alarms < 1:
            raise ValueError(f"a rate of false alarms must be in (0, 1); got {self.false_alarms}")

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the views, in order."""
        return tuple(view.name for view in self.views)


def check_view_name(name: str) -> None:
    """Refuse a name that a view cannot have."""
    if not NAME.fullmatch(name):
        raise ValueError(
            "a view's name must be 1 to 32 letters, digits, - or _, and begin with a letter or "
            f"digit; got {name!r}"
        )


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return file_digest(file, "sha256").hexdigest()


def write_manifest(path: Path, manifest: PartManifest) -> None:
    """Write a `.golden-part` file atomically."""
    calibration = manifest.calibration
    content: dict[str, Any] = {
        "format": FORMAT,
        "false_alarms": manifest.false_alarms,
        "views": [
            {"name": v.name, "file": v.file, "sha256": v.sha256, "required": v.required}
            for v in manifest.views
        ],
        "calibration": None
        if calibration is None
        else {
            "parts": list(calibration.parts),
            "scores": calibration.scores.tolist(),
            "centres": calibration.centres.tolist(),
            "spreads": calibration.spreads.tolist(),
        },
    }
    content["sha256"] = _digest(content)
    write_atomic(path, (json.dumps(content, indent=1) + "\n").encode())


def read_manifest(path: Path) -> PartManifest:
    """Read a `.golden-part` file; the views' files are not opened, see `check_files`.

    Raises:
        ArtifactError: it is not there, damaged, changed by hand, or of a later version.
    """
    if not path.is_file():
        raise ArtifactError(
            f"{path} must be a {ENDING} file; there is none; make one with golden part new"
        )
    try:
        content = json.loads(path.read_bytes())
        if not isinstance(content, dict) or "format" not in content:
            raise ValueError("it is another JSON file")
        if content["format"] != FORMAT:
            raise ArtifactError(
                f"{path} must be of format {FORMAT}; it is of {content['format']}; "
                "update goldensample"
            )
        if content.pop("sha256", None) != _digest(content):
            raise ValueError("its checksum does not match its content")
        return _parse(content)
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise ArtifactError(
            f"{path} must be a {ENDING} file as golden part new writes it; it is not ({reason}); "
            "take a copy, or make it anew"
        ) from error


def check_files(path: Path, views: Sequence[View]) -> tuple[Path, ...]:
    """Return the files of views, after a check of their SHA-256.

    Raises:
        ArtifactError: one is not there, or is another than when the part's file was written.
    """
    files = tuple(path.parent / view.file for view in views)
    for view, file in zip(views, files, strict=True):
        if not file.is_file():
            raise ArtifactError(
                f"{path} must have its view {view.name} at {file}; it is not there; keep the files "
                "of a part together"
            )
        if hash_file(file) != view.sha256:
            raise ArtifactError(
                f"{file}, view {view.name}, must be as it was when {path.name} was written; it has "
                "changed since, and so has what the part's limits rest on; run golden part "
                f"calibrate {path.name} with good parts, or golden part new"
            )
    return files


def refresh_hashes(path: Path, manifest: PartManifest) -> PartManifest:
    """Return a manifest of the views' files as they are now, without its calibration."""
    files = [path.parent / view.file for view in manifest.views]
    hashes = [hash_file(file) if file.is_file() else "" for file in files]
    pairs = zip(manifest.views, hashes, strict=True)
    views = tuple(replace(view, sha256=digest) for view, digest in pairs)
    return replace(manifest, views=views, calibration=None)


def _parse(content: dict[str, Any]) -> PartManifest:
    """Return a manifest from plain JSON values."""
    stored = content["calibration"]
    calibration = None
    if stored is not None:
        calibration = PartCalibration(
            tuple(stored["parts"]),
            np.asarray(stored["scores"], "f8").reshape(len(stored["parts"]), -1),
            np.asarray(stored["centres"], "f8"),
            np.asarray(stored["spreads"], "f8"),
        )
    views = tuple(View(**view) for view in content["views"])
    if calibration and len(calibration.centres) != len(views):
        raise ValueError("its calibration is of other views")
    return PartManifest(views, content["false_alarms"], calibration)


def _digest(content: dict[str, Any]) -> str:
    """Return the SHA-256 of what a file says, without that itself."""
    values = {name: value for name, value in content.items() if name != "sha256"}
    return sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
