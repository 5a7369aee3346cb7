"""One change at a time to a file, whoever asks."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from goldensample.errors import ArtifactError
from goldensample.storage.atomic import check_writable


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep a file for oneself, from before it is read until after it is written again.

    The lock is on an empty file beside it, which stays; it ends with the process that holds it,
    however that ends. Links are followed.

    Raises:
        ArtifactError: another process has it, or the folder cannot be written.
    """
    real = Path(os.path.realpath(path))
    check_writable(real)
    with open(real.with_name(f".{real.name}.lock"), "ab") as file:
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

    def _lock(number: int) -> None:
        msvcrt.locking(number, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(number: int) -> None:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
