"""Where pictures lie: paths on disk, and URLs in object stores and on web servers.

The only room that knows fsspec, which is imported when a URL is given and not before.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from urllib.request import url2pathname

from goldensample.errors import ArtifactError, GoldenError, ImageError, StoreError

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_WEB = ("http://", "https://")
_STAMPS = ("ETag", "etag", "md5Hash", "content_md5", "Content-MD5", "Last-Modified")
_TIMES = ("LastModified", "last_modified", "updated", "mtime", "created")
_CREDENTIALS = re.compile(r"(?i)credential|expired|signature|token|access ?key")
"""In an error of rights: it is about who asks, not about the one file."""


@dataclass(frozen=True, slots=True)
class Remote:
    """A file at a URL.

    Args:
        url: of the file.
        size_bytes: of it; None where a listing does not tell.
        stamp: what the store says that changes with the contents: a tag, a checksum or a time.
    """

    url: str
    size_bytes: int | None = None
    stamp: str = ""

    def __str__(self) -> str:
        return self.url

    @property
    def parts(self) -> tuple[str, ...]:
        """What stands between slashes, as people read it: the last parts make the name."""
        path = unquote(self.url) if is_web(self.url) else self.url
        return tuple(path.split("/"))


Place = Path | Remote


def is_url(given: object) -> bool:
    """Return whether something given is a URL: text with ://; a `Path` never is one."""
    return isinstance(given, str) and _URL.match(given) is not None


def is_web(url: str) -> bool:
    """Return whether a URL is of a web server, which has no folders, only pages with links."""
    return url.lower().startswith(_WEB)


def local(given: str) -> str:
    """Return the path of a file:// URL, as `Path.as_uri` writes it; anything else as it is.

    Example: "file:///a%20b/*.png" is "/a b/*.png".
    """
    if not given.lower().startswith("file://"):
        return given
    host, slash, path = given[len("file://") :].partition("/")
    if host not in ("", "localhost") or not slash:
        raise ImageError(f"a file URL must be file:///PATH, of this machine; got {given}")
    return url2pathname(slash + path)


def read_bytes(place: Place) -> bytes:
    """Return what a file holds.

    Raises:
        ImageError: why it cannot be read, without its name.
        StoreError: its store does not answer: nothing can be said of the file.
        OSError: the disk refused.
    """
    if isinstance(place, Path):
        if not place.is_file():
            raise ImageError("it is not a file" if place.exists() else "there is no such file")
        return place.read_bytes()
    with in_words(place.url):
        store, path = store_of(place.url)
        data: bytes = store.cat_file(path)
    return data


def stamp(place: Place) -> tuple[int, int | str]:
    """Return a file's bytes, and a time or a tag that changes with them; (0, "") if it is gone."""
    try:
        if isinstance(place, Path):
            about = place.stat()
            return about.st_size, about.st_mtime_ns
        known = place if place.size_bytes is not None and place.stamp else look(place.url)
        return (known.size_bytes or 0, known.stamp) if isinstance(known, Remote) else (0, "")
    except (OSError, ImageError):
        return 0, ""


def look(url: str) -> Remote | str | None:
    """Return the file at a URL; "folder" for a folder; None where nothing is.

    Raises:
        ImageError: there are no rights to look.
        StoreError: the store does not answer, or its package is not installed.
    """
    try:
        with in_words(url):
            store, path = store_of(url)
            about = store.info(path)
    except _MissingError:
        return None
    return "folder" if about["type"] == "directory" else _remote(url, about)


def below(url: str) -> list[Remote]:
    """Return all files below a URL, sorted as paths are; hidden files and folders are left out.

    Raises:
        ImageError: there is no such folder, or no rights to look into it.
        StoreError: see `look`.
    """
    root = url.rstrip("/") if is_url(url.rstrip("/")) else url
    with in_words(url):
        store, path = store_of(root)
        path = path.rstrip("/")
        if is_web(url):  # a part that fails would be left out otherwise
            found = store.find(f"{path}/", detail=True, on_error="raise")
        else:
            found = store.find(path, detail=True)
    remotes = []
    for name, about in found.items():
        inner = name[len(path) + 1 :]
        if inner and not any(part.startswith(".") for part in inner.split("/")):
            remotes.append(_remote(f"{root}/{inner}", about))
    return sorted(remotes, key=lambda one: one.parts)


def _remote(url: str, about: dict[str, Any]) -> Remote:
    """Return a file with what a store tells of it."""
    known = (about.get(key) for key in (*_STAMPS, *_TIMES))
    return Remote(url, about.get("size"), next((str(one) for one in known if one), ""))


def store_of(url: str) -> tuple[Any, str]:
    """Return fsspec's file system for a URL, and the path in it.

    Raises:
        StoreError: fsspec, or its package for the scheme, is not installed.
    """
    scheme, rest = url.split("://", 1)
    store = _open(f"{scheme}://{rest.split('/', 1)[0]}")
    return store, store._strip_protocol(url)


@cache
def _open(root: str) -> Any:
    """Return the file system of a bucket or a server: one a process, as each has its connections.

    Listings are not kept: they would be old, and large.
    """
    scheme = root.split("://", 1)[0]
    try:
        from fsspec.core import url_to_fs
        from fsspec.registry import known_implementations
    except ImportError:
        raise StoreError(
            f"{scheme}:// must have the extra [remote]; install it with "
            "pip install 'goldensample[remote]'"
        ) from None
    # of S3, a picture is one request: to fetch pieces at once, s3fs would ask for its size first
    more = {"max_concurrency": 1} if scheme in ("s3", "s3a") else {}
    try:
        return url_to_fs(root, use_listings_cache=False, **more)[0]
    except ImportError as error:
        package = known_implementations[scheme]["class"].split(".")[0]
        how = f"install it with pip install {package}" if package != "fsspec" else str(error)
        raise StoreError(
            f"{scheme}:// must have a package of its own; it is not here; {how}"
        ) from (error)
    except ValueError as error:
        raise StoreError(
            f"a URL must be of a kind that fsspec knows (s3://, gs://, https://); got {root}"
        ) from error


class _MissingError(ImageError):
    """Nothing is at a URL."""


@contextmanager
def in_words(url: str) -> Iterator[None]:
    """Turn what a store raises into an error for people.

    Raises:
        ImageError: it is about the one file: it is not there, or there are no rights to it.
        StoreError: it is about the store: no server, no answer, wrong credentials.
    """
    try:
        yield
    except GoldenError:
        raise
    except NotImplementedError as error:
        raise ArtifactError(f"{url} must be where files can be written; it is not") from error
    except Exception as raised:  # each store has its own
        # of web servers, fsspec says "not found" whatever it was
        cause = (raised.__cause__ if is_web(url) else None) or raised
        raise _mistake(url, cause) from raised


def _mistake(url: str, raised: BaseException) -> GoldenError:
    """Return what a store raised as an error for people, see `in_words`."""
    status = getattr(raised, "status", None)
    if isinstance(raised, FileNotFoundError | IsADirectoryError) or status in (404, 410):
        return _MissingError("there is no such file")
    words = " ".join(str(raised).split()) or type(raised).__name__
    refused = isinstance(raised, PermissionError) or status in (401, 403)
    if refused and not _CREDENTIALS.search(f"{words} {raised.__cause__}"):
        return ImageError(f"there are no rights to it ({words})")
    return StoreError(
        f"{url} must be in a store that answers; it did not ({words}); check its address, the "
        "network and your credentials"
    )
