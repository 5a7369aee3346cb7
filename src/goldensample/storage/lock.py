"""Exclusive file locks between processes."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from goldensample.errors import ArtifactError
from goldensample.storage.atomic import check_writable


@contextmanager
def lock_file(path: Path) -> Iterator[None]:
    """Lock a file exclusively, from before it is read until after it is written again.

    The lock is on an empty file next to it, which stays; it ends with the process that holds it,
    even if that is killed. Symbolic links are followed.

    Raises:
        ArtifactError: another process holds the lock, or the folder cannot be written.
    """
    target = Path(os.path.realpath(path))
    check_writable(target)
    with open(target.with_name(f".{target.name}.lock"), "ab") as file:
        try:
            _lock(file.fileno())
        except OSError as error:
            raise ArtifactError(
                f"{path} must be changed by one at a time; another golden is at it; try again when "
                "it is done"
            ) from error
        yield


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
