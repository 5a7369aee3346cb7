"""Exclusive file locks between processes."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from goldensample.errors import ArtifactError
from goldensample.storage.atomic import check_writable


@contextmanager
def lock_file(path: Path) -> Iterator[None]:
    """Lock a file exclusively, from before it is read until after it is written again.

    The lock is on an empty file next to it, which is removed in the end where the system allows
    that; it ends with the process that holds it, even if that is killed. Symbolic links are
    followed. The folder is made where there is none.

    Raises:
        ArtifactError: another process holds the lock, or the folder cannot be written.
    """
    target = Path(os.path.realpath(path))
    check_writable(target)
    lock = target.with_name(f".{target.name}.lock")
    file = _open_locked(path, lock)
    try:
        yield
    finally:
        with suppress(OSError):
            lock.unlink()  # still held: who waits for this very file takes a new one
        file.close()


@contextmanager
def lock_files(*paths: Path | None) -> Iterator[None]:
    """Lock several files, see `lock_file`; None stands for none."""
    with ExitStack() as stack:
        for path in paths:
            if path:
                stack.enter_context(lock_file(path))
        yield


def _open_locked(path: Path, lock: Path) -> BinaryIO:
    """Return the open lock file of a path; it is locked until it is closed."""
    while True:
        try:
            lock.parent.mkdir(parents=True, exist_ok=True)
            file = open(lock, "ab")  # noqa: SIM115 (the caller closes it)
        except OSError as error:
            raise ArtifactError(
                f"{path} must be in a folder that can be written; it is not ({error.strerror}); "
                "choose another place"
            ) from error
        try:
            _lock(file.fileno())
            if os.path.samestat(os.fstat(file.fileno()), os.stat(lock)):
                return file
        except FileNotFoundError:
            pass  # whoever held it has removed it meanwhile
        except OSError as error:
            file.close()
            raise ArtifactError(
                f"{path} must be changed by one at a time; another golden is at it; try again when "
                "it is done"
            ) from error
        file.close()


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
