"""Addresses of receivers, from the command line."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed address.

    Args:
        scheme: as given, in lower case.
        host: name or number, without brackets.
        port: given or usual.
        path: without its first and last slash, decoded.
        username: decoded, or "".
        password: decoded, or "".
        shown: the address without user and password.
    """

    scheme: str
    host: str
    port: int
    path: str
    username: str
    password: str
    shown: str


def parse_address(option: str, url: str, ports: dict[str, int | None], form: str) -> Address:
    """Parse the address of a receiver.

    Args:
        option: of the command line, for errors.
        url: to parse.
        ports: the schemes allowed, with their usual ports; None where a port must be given.
        form: what it must look like, for errors.

    Raises:
        ValueError: it is not of that form; the message does not show a password.
    """
    try:
        parts = urlsplit(url)
        port, host = parts.port, parts.hostname or ""
        host.encode("idna")
    except ValueError as error:
        raise ValueError(f"{option} must be {form}; it is not ({error})") from error
    port = ports.get(parts.scheme) if port is None else port
    if parts.scheme not in ports or not host or not port:
        raise ValueError(f"{option} must be {form}; got {_without_user(url)!r}")
    if any(character.isspace() or not character.isprintable() for character in url):
        raise ValueError(f"{option} must have no spaces; it has one; write it as %20")
    if parts.fragment or url.endswith("#"):
        raise ValueError(f"{option} must be {form}, without #; got {_without_user(url)!r}")
    username, password = unquote(parts.username or ""), unquote(parts.password or "")
    path = unquote(parts.path).strip("/")
    return Address(parts.scheme, host, port, path, username, password, _without_user(url))


def check_topic(prefix: str, names: Sequence[str]) -> None:
    """Check that verdicts can be published below a prefix.

    Raises:
        ValueError: a broker would take none of its topics.
    """
    for name in names:
        topic = f"{prefix}/{name}/verdict"
        if any(character in topic for character in "+#\0"):
            raise ValueError(
                f"--mqtt must have a topic without +, # and control characters, which brokers keep "
                f"for subscriptions; got {topic!r}; give another after the port"
            )
        if topic.startswith("$") or "//" in topic or len(topic.encode()) > 65535:
            raise ValueError(
                f"--mqtt must have a topic that brokers take: no $ at its start, no empty part; "
                f"got {topic!r}; give another after the port"
            )


def _without_user(url: str) -> str:
    """Return an address without user and password."""
    scheme, separator, rest = url.partition("://")
    place, slash, path = rest.partition("/")
    return scheme + separator + place.rpartition("@")[2] + slash + path
