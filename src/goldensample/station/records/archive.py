"""Content-addressed store of pictures and heat maps on disk."""

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
FLUSH_THREADS = 8
"""Files that are flushed to disk concurrently."""
INCOMING = "coming"
"""Folder of files whose records are not stored yet; `Archive.recover` empties it at the start."""


@dataclass(frozen=True, slots=True)
class IncomingFile:
    """A complete file that is not yet stored; its name begins with its hash."""

    path: Path
    sha256: str
    size: int


class TooLargeError(ImageError):
    """A file is larger than the station's limit."""


class Archive:
    """Files by the SHA-256 of their bytes; no file name comes from a client.

    Args:
        folder: created if missing.

    Raises:
        ArtifactError: it cannot be created or written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            (folder / INCOMING).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ArtifactError(
                f"the station's folder must be one it can write; {folder} is not "
                f"({error.strerror}); give another with --folder"
            ) from error

    def recover(self, expected: Container[str]) -> None:
        """Clean up after a crash: commit incoming files that records refer to, delete the others.

        A file is flushed first, then its record is stored, then the file is committed. At
        whatever point a run was killed, each record's file is incoming or committed.

        Args:
            expected: hashes of the newest records' files.
        """
        for path in (self.folder / INCOMING).iterdir():
            digest = path.name.partition(".")[0]
            if _SHA.fullmatch(digest) and digest in expected:
                self.commit([IncomingFile(path, digest, path.stat().st_size)])
            else:
                path.unlink()

    async def receive(self, chunks: AsyncIterator[bytes], limit_bytes: int) -> IncomingFile:
        """Write a stream to an incoming file, up to the limit.

        Raises:
            TooLargeError: the stream is longer.
        """
        with self._create_file() as (path, file):
            digest, size = sha256(), 0
            async for chunk in chunks:
                size += len(chunk)
                if size > limit_bytes:
                    raise TooLargeError(
                        f"a file must have {limit_bytes:,} bytes at most; it has more"
                    )
                digest.update(chunk)
                file.write(chunk)
        return _rename_to_hash(path, digest.hexdigest(), size)

    def receive_bytes(self, data: bytes) -> IncomingFile:
        """Write bytes to an incoming file."""
        with self._create_file() as (path, file):
            file.write(data)
        return _rename_to_hash(path, sha256(data).hexdigest(), len(data))

    def flush(self, files: Sequence[IncomingFile]) -> None:
        """Flush incoming files to the device; they are not committed yet."""
        unstored = [file for file in files if not self.path(file.sha256).exists()]
        with ThreadPoolExecutor(FLUSH_THREADS) as pool:  # a disk flushes several in the time of one
            for future in [pool.submit(_fsync_file, file.path) for file in unstored]:
                future.result()
        for shard in {self.path(file.sha256).parent for file in unstored}:
            if not shard.exists():
                shard.mkdir()
                _fsync_folder(self.folder)
        if unstored:
            _fsync_folder(self.folder / INCOMING)

    def commit(self, files: Sequence[IncomingFile]) -> None:
        """Move flushed files to the paths of their hashes."""
        for file in files:
            path = self.path(file.sha256)
            if path.exists():
                self.discard(file)
            else:
                os.replace(file.path, path)

    def discard(self, file: IncomingFile) -> None:
        """Delete an incoming file; where that fails, `recover` does at the next start."""
        with suppress(OSError):
            file.path.unlink()

    def path(self, digest: str) -> Path:
        """Return the path of a stored file.

        Args:
            digest: SHA-256 in lower-case hexadecimal digits.

        Raises:
            ValueError: it is none.
        """
        if not _SHA.fullmatch(digest):
            raise ValueError("a hash must have 64 hexadecimal digits")
        return self.folder / digest[:2] / digest

    def used_bytes(self) -> int:
        """Return the size of all stored files."""
        total = 0
        for shard in self._shards():
            for entry in os.scandir(shard):
                with suppress(FileNotFoundError):  # deleted meanwhile
                    total += entry.stat().st_size
        return total

    def hashes(self) -> list[str]:
        """Return the hashes of all stored files."""
        names = [entry.name for shard in self._shards() for entry in os.scandir(shard)]
        return [name for name in names if _SHA.fullmatch(name)]

    def delete(self, digest: str) -> None:
        """Delete a stored file, if it exists."""
        self.path(digest).unlink(missing_ok=True)

    def _shards(self) -> list[Path]:
        return [path for path in self.folder.iterdir() if len(path.name) == 2 and path.is_dir()]

    @contextmanager
    def _create_file(self) -> Iterator[tuple[Path, BinaryIO]]:
        """Open a new incoming file, and delete it if writing fails."""
        path = self.folder / INCOMING / secrets.token_hex(16)
        try:
            with open(path, "xb") as file:
                yield path, file
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def _rename_to_hash(path: Path, digest: str, size: int) -> IncomingFile:
    """Rename a complete file so that its name begins with its hash."""
    return IncomingFile(path.rename(path.with_name(f"{digest}.{path.name}")), digest, size)


def _fsync_file(path: Path) -> None:
    """Flush a file's bytes to the device."""
    with open(path, "r+b") as file:  # Windows flushes only what may be written
        os.fsync(file.fileno())


def _fsync_folder(folder: Path) -> None:
    """Flush the entries of a folder to the device, where the system can."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
