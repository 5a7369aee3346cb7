"""Pictures and heat maps on disk, under the hash of what they hold."""

import os
import re
import secrets
from collections.abc import AsyncIterator, Container, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

from goldensample.errors import ArtifactError, ImageError

_SHA = re.compile(r"[0-9a-f]{64}")
AT_ONCE = 8
"""Files that are flushed to the disk at the same time."""
COMING = "coming"
"""Where files lie until their records are stored; `Archive.recover` empties it at the start."""


@dataclass(frozen=True, slots=True)
class Coming:
    """A file that has arrived whole and is not yet stored; its name begins with its hash."""

    path: Path
    sha256: str
    size: int


class TooLargeError(ImageError):
    """A file is larger than the station takes."""


class Archive:
    """Files by the SHA-256 of their bytes; the name of none comes from outside.

    Args:
        folder: made if need be.

    Raises:
        ArtifactError: it cannot be made or written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            (folder / COMING).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ArtifactError(
                f"the station's folder must be one it can write; {folder} is not "
                f"({error.strerror}); give another with --folder"
            ) from error

    def recover(self, wanted: Container[str]) -> None:
        """Tidy up after a run that was killed: place what records speak of, delete the rest.

        A file is made safe first, then its record is stored, then the file is placed. Whenever the
        run ended, each record's file is here or in its place.

        Args:
            wanted: hashes of the newest records' files.
        """
        for left in (self.folder / COMING).iterdir():
            digest = left.name.partition(".")[0]
            if _SHA.fullmatch(digest) and digest in wanted:
                self.place([Coming(left, digest, left.stat().st_size)])
            else:
                left.unlink()

    async def receive(self, chunks: AsyncIterator[bytes], limit_bytes: int) -> Coming:
        """Write what arrives to disk, never more than the limit.

        Raises:
            TooLargeError: there is more.
        """
        with self._new() as (path, file):
            digest, size = sha256(), 0
            async for chunk in chunks:
                size += len(chunk)
                if size > limit_bytes:
                    raise TooLargeError(
                        f"a file must have {limit_bytes:,} bytes at most; it has more"
                    )
                digest.update(chunk)
                file.write(chunk)
        return _named(path, digest.hexdigest(), size)

    def take(self, data: bytes) -> Coming:
        """Write bytes to disk, as `receive` does."""
        with self._new() as (path, file):
            file.write(data)
        return _named(path, sha256(data).hexdigest(), len(data))

    def secure(self, some: Sequence[Coming]) -> None:
        """Return when files are on the disk for good, though not in their places yet."""
        new = [coming for coming in some if not self.path(coming.sha256).exists()]
        with ThreadPoolExecutor(AT_ONCE) as pool:  # a disk writes several in the time of one
            for done in [pool.submit(_flush, coming.path) for coming in new]:
                done.result()
        for part in {self.path(coming.sha256).parent for coming in new}:
            if not part.exists():
                part.mkdir()
                _sync(self.folder)
        if new:
            _sync(self.folder / COMING)

    def place(self, some: Sequence[Coming]) -> None:
        """Put secured files under their hashes."""
        for coming in some:
            place = self.path(coming.sha256)
            if place.exists():
                self.discard(coming)
            else:
                os.replace(coming.path, place)

    def discard(self, coming: Coming) -> None:
        """Delete a file that is not stored; one that cannot be deleted goes at the next start."""
        with suppress(OSError):
            coming.path.unlink()

    def path(self, digest: str) -> Path:
        """Return where a file of a hash lies, or would lie.

        Raises:
            ValueError: it is no SHA-256 in lower-case hexadecimal digits.
        """
        if not _SHA.fullmatch(digest):
            raise ValueError("a hash must have 64 hexadecimal digits")
        return self.folder / digest[:2] / digest

    def used(self) -> int:
        """Return the bytes of all that is stored."""
        total = 0
        for part in self._parts():
            for entry in os.scandir(part):
                with suppress(FileNotFoundError):  # dropped meanwhile
                    total += entry.stat().st_size
        return total

    def names(self) -> list[str]:
        """Return the hashes of all that is stored."""
        names = [entry.name for part in self._parts() for entry in os.scandir(part)]
        return [name for name in names if _SHA.fullmatch(name)]

    def drop(self, digest: str) -> None:
        """Delete a file; nothing where there is none."""
        self.path(digest).unlink(missing_ok=True)

    def _parts(self) -> list[Path]:
        return [one for one in self.folder.iterdir() if len(one.name) == 2 and one.is_dir()]

    @contextmanager
    def _new(self) -> Iterator[tuple[Path, BinaryIO]]:
        """Give a new file among those that come, and delete it if it does not become whole."""
        path = self.folder / COMING / secrets.token_hex(16)
        try:
            with open(path, "xb") as file:
                yield path, file
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def _named(path: Path, digest: str, size: int) -> Coming:
    """Rename a whole file so that its name begins with its hash."""
    return Coming(path.rename(path.with_name(f"{digest}.{path.name}")), digest, size)


def _flush(path: Path) -> None:
    """Return when a file's bytes are on the disk for good."""
    with open(path, "r+b") as file:  # Windows flushes only what may be written
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Make the names in a folder outlive a loss of power, where the system can."""
    if os.name == "nt":
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
