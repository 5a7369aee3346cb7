"""Atomic file writes."""

import os
import re
import secrets
from pathlib import Path

from goldensample.errors import ArtifactError

URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
"""The start of a URL after `Path` has collapsed its slashes; a drive has one letter."""


def check_writable(path: Path) -> None:
    """Make sure, before long work, that a file can be written at a path.

    Raises:
        ArtifactError: the path is a folder or a device, its folder cannot be created or written,
            or it was a URL.
    """
    if URL.match(str(path)):
        raise ArtifactError(
            f"{path} must be a path of this machine; it was a URL; write it here, then copy it"
        )
    if path.exists() and not path.is_file():
        raise ArtifactError(
            f"{path} must be a file; it is a folder or a device; choose another name"
        )
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise ArtifactError(
            f"{path} must be in a folder that can be written; {folder} is not; choose another place"
        )


def write_atomic(path: Path, data: bytes) -> None:
    """Write a file atomically: a temporary file in the same folder is renamed to it.

    Symbolic links are followed, so the file they point to is replaced.

    Raises:
        ArtifactError: see `check_writable`, or the disk refused; an existing file is untouched.
    """
    path = Path(os.path.realpath(path))
    check_writable(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise ArtifactError(
            f"{path} must be written whole; it was not ({error.strerror}), and what was there "
            "before is untouched; make room or choose another place"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
