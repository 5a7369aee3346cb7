"""A station's folder as one ZIP file, made while it runs; and back again, into a new folder.

The records are copied first, as one state, by SQLite's own backup; then the files that they name.
A file is always written before its record, so what a record names is there, unless it was deleted
meanwhile because it was old: such files are counted. Each file has its SHA-256 in the manifest.
"""

import json
import os
import secrets
import shutil
import sqlite3
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from goldensample._version import __version__
from goldensample.errors import ArtifactError
from goldensample.records import Notify
from goldensample.station.records.archive import INCOMING, Archive
from goldensample.station.records.migration import open_database
from goldensample.storage.atomic import check_writable

RECORDS, PICTURES, MANIFEST = "records.sqlite", "pictures", "backup.json"
FORMAT = 1
BLOCK = 2**20
"""Bytes that are copied at a time."""
TRIES = 3
"""How often a file is looked for: it may just be on its way to its place."""


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup holds.

    Args:
        records: rows of inspected pictures.
        files: besides the records.
        deleted: pictures and heat maps that records name and that were deleted as old.
        elsewhere: products of which there are records, whose files lie outside the folder.
    """

    records: int
    files: int
    deleted: int
    elsewhere: tuple[str, ...]


def back_up(folder: Path, target: Path, notify: Notify) -> Backup:
    """Write a station's folder to a ZIP file, atomically; the station may run meanwhile.

    Args:
        folder: of the station, with its records in SQLite.
        target: the file; an existing one is replaced.
        notify: told ("backup", files done, files).

    Raises:
        ArtifactError: the folder has no records of its own, or something cannot be read or written.
    """
    if not (folder / RECORDS).is_file():
        raise ArtifactError(
            f"{folder} must be a station's folder with its {RECORDS}; it has none; name the folder "
            "of golden serve --folder; records in another database are backed up by its own tool "
            "(pg_dump), and the folder by any other"
        )
    if folder.resolve() in target.resolve().parents:
        raise ArtifactError(
            f"{target} must be outside {folder}, or the next backup holds it, too; choose another "
            "place, best on another disk"
        )
    check_writable(target)
    partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}.partial")
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=target.parent) as temporary:
            copy = Path(temporary) / RECORDS
            copy_records(folder / RECORDS, copy)
            made = _write(partial, folder, copy, notify)
        with open(partial, "r+b") as file:
            os.fsync(file.fileno())
        os.replace(partial, target)
    except (OSError, sqlite3.Error) as error:
        raise ArtifactError(
            f"{target} must be written whole; it was not ({error}), and what was there before is "
            "untouched; make room or choose another place"
        ) from error
    finally:
        partial.unlink(missing_ok=True)
    return made


def copy_records(source: Path, copy: Path) -> None:
    """Copy an SQLite database as it is at one moment, while others write to it."""
    with (
        closing(sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True)) as theirs,
        closing(sqlite3.connect(copy)) as ours,
    ):
        theirs.backup(ours)


def _write(partial: Path, folder: Path, copy: Path, notify: Notify) -> Backup:
    """Write the ZIP file: records, what they name, all other files, and the manifest."""
    with closing(sqlite3.connect(copy)) as database:
        count = database.execute("SELECT count(*) FROM records").fetchone()[0]
        named = database.execute(
            "SELECT picture_sha256 FROM records UNION SELECT heat_sha256 FROM records"
        )
        digests = sorted(digest for (digest,) in named if digest)
        products = [name for (name,) in database.execute("SELECT DISTINCT product FROM records")]
    others = sorted(_other_files(folder))
    hashes, deleted = dict[str, str](), 0
    with zipfile.ZipFile(partial, "w", zipfile.ZIP_STORED, strict_timestamps=False) as backup:
        hashes[RECORDS] = _add(backup, RECORDS, copy)
        archive = Archive(folder / PICTURES)
        for number, digest in enumerate(digests, start=1):
            name = f"{PICTURES}/{digest[:2]}/{digest}"
            found = _add_stored(backup, name, archive, digest)
            hashes |= {name: digest} if found else {}
            deleted += not found
            notify("backup", number, len(digests) + len(others))
        for number, path in enumerate(others, start=len(digests) + 1):
            name = path.relative_to(folder).as_posix()
            hashes[name] = _add(backup, name, path)
            notify("backup", number, len(digests) + len(others))
        manifest = {"format": FORMAT, "goldensample": __version__, "records": count}
        manifest |= {"deleted": deleted, "sha256": hashes}
        backup.writestr(MANIFEST, json.dumps(manifest, indent=1))
    here = {path.stem for path in (folder / "products").glob("*.golden")}
    return Backup(count, len(hashes) - 1, deleted, tuple(sorted(set(products) - here)))


def _other_files(folder: Path) -> Iterator[Path]:
    """Yield all files but the records, the pictures, and what is only there while it runs."""
    for path in folder.rglob("*"):
        parts = path.relative_to(folder).parts
        is_temporary = path.suffix in (".lock", ".partial") or parts[0].startswith(RECORDS)
        if parts[0] != PICTURES and not is_temporary and path.is_file():
            yield path


def _add_stored(backup: zipfile.ZipFile, name: str, archive: Archive, digest: str) -> bool:
    """Add a picture or heat map, wherever it is on its way; return whether it is still there."""
    for _ in range(TRIES):
        coming = (archive.folder / INCOMING).glob(f"{digest}.*")
        for path in (archive.path(digest), *coming):
            try:
                found = _add(backup, name, path)
            except FileNotFoundError:
                continue
            if found != digest:
                raise ArtifactError(
                    f"{path} must be the file of its name, a SHA-256; it is damaged; see the disk, "
                    "and the last backup"
                )
            return True
    return False


def _add(backup: zipfile.ZipFile, name: str, path: Path) -> str:
    """Add a file; return its SHA-256."""
    with open(path, "rb") as source, backup.open(name, "w", force_zip64=True) as target:
        return _copy(source, target)


def _copy(source: Any, target: Any) -> str:
    digest = sha256()
    while block := source.read(BLOCK):
        digest.update(block)
        target.write(block)
    return digest.hexdigest()


def restore(source: Path, folder: Path, notify: Notify) -> Backup:
    """Make a station's folder of a backup: all of it, checked and brought to this version, or none.

    Args:
        source: what `back_up` wrote.
        folder: a new one, or an empty one.
        notify: told ("restore", files done, files).

    Raises:
        ArtifactError: the file is none of ours, is damaged or of a later version; or the folder is
            not empty.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ArtifactError(
            f"{folder} must be a new folder; there is something in it; name another --folder, so "
            "that nothing is lost"
        )
    partial = folder.absolute().with_name(f".{folder.name}.{secrets.token_hex(4)}.partial")
    try:
        with zipfile.ZipFile(source) as backup:
            manifest = _read_manifest(backup, source)
            hashes: dict[str, str] = manifest["sha256"]
            for number, (name, digest) in enumerate(hashes.items(), start=1):
                target = partial / name
                target.parent.mkdir(parents=True, exist_ok=True)
                with backup.open(name) as packed, open(target, "xb") as file:
                    _check_hash(_copy(packed, file), digest, name, source)
                    _flush(file)
                notify("restore", number, len(hashes))
        open_database(f"sqlite:///{(partial / RECORDS).absolute()}").dispose()  # migrates the copy
        folder.parent.mkdir(parents=True, exist_ok=True)
        if folder.exists():
            folder.rmdir()
        os.replace(partial, folder)
    except (OSError, zipfile.BadZipFile, KeyError) as error:
        raise ArtifactError(
            f"{source} must be restored whole; it was not ({error}), and {folder} is as it was; "
            "see that the file is a whole backup and that there is room"
        ) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return Backup(manifest["records"], len(hashes) - 1, manifest["deleted"], ())


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _read_manifest(backup: zipfile.ZipFile, source: Path) -> dict[str, Any]:
    """Return the manifest, once it is one of this format and all its names stay in the folder."""
    try:
        manifest = json.loads(backup.read(MANIFEST))
        is_ours = manifest["format"] == FORMAT and RECORDS in manifest["sha256"]
        paths = [PurePosixPath(name) for name in manifest["sha256"]]
        is_ours &= isinstance(manifest["records"], int) and isinstance(manifest["deleted"], int)
    except (KeyError, TypeError, ValueError):
        is_ours, paths = False, []
    stay = all(not path.is_absolute() and ".." not in path.parts for path in paths)
    if not is_ours or not stay or any("\\" in str(path) or ":" in str(path) for path in paths):
        raise ArtifactError(
            f"{source} must be a backup by golden station backup, of this version or an earlier "
            "one; it is not; name another file, or update goldensample"
        )
    return dict(manifest)


def _check_hash(found: str, expected: str, name: str, source: Path) -> None:
    if found != expected:
        raise ArtifactError(
            f"{name} in {source} must be as it was backed up; it is damaged; take another backup"
        )
