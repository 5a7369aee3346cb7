"""Write files so that nothing is ever half written."""

import os
import re
import secrets
from pathlib import Path

from goldensample.errors import ArtifactError

URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:/")
"""What is left of the start of a URL in a `Path`; a drive has one letter."""


def check_writable(path: Path) -> None:
    """Make sure, before long work, that a file can be written there.

    Raises:
        ArtifactError: the path is a folder or another thing than a file, or its folder cannot be;
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
    """Write a file whole or not at all: beside its place first, then moved there.

    Links are followed, so the file they lead to is what is replaced.

    Raises:
        ArtifactError: see `check_writable`, or the disk refused; what was there is untouched.
    """
    path = Path(os.path.realpath(path))
    check_writable(path)
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(beside, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except OSError as error:
        raise ArtifactError(
            f"{path} must be written whole; it was not ({error.strerror}), and what was there "
            "before is untouched; make room or choose another place"
        ) from error
    finally:
        beside.unlink(missing_ok=True)
