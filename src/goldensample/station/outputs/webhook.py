"""Webhook: a web server gets each verdict as JSON."""

import base64
import http.client
import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlsplit

from goldensample.station.outputs.addresses import parse_address
from goldensample.station.outputs.messages import encode_message
from goldensample.station.outputs.receiver import RefusedError, UnreachableError
from goldensample.station.records.rows import Record

TIMEOUT_S = 10.0
PASSING = (408, 425, 429)
"""Answers of the 400s that ask to come back later."""
REDIRECTS = range(300, 400)


class Webhook:
    """Posts verdicts; a `Receiver`. A verdict is taken when the answer is of the 200s.

    Args:
        url: http:// or https://, with user:password@ for basic authentication.

    Raises:
        ValueError: the URL is invalid.
    """

    kind = "webhook"

    def __init__(self, url: str) -> None:
        form = "http://host/path or https://host/path"
        ports: dict[str, int | None] = {"http": 80, "https": 443}
        self._address = parse_address("--webhook", url, ports, form)
        self.name = self._address.shown
        self._url = _ascii_url(self.name)
        self._headers = {"content-type": "application/json", "user-agent": "golden-station"}
        if self._address.username:
            pair = f"{self._address.username}:{self._address.password}".encode()
            self._headers["authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        self._opener = urllib.request.build_opener(_NoRedirect)
        self._reached = False

    def connect(self, on_lost: Callable[[], None]) -> None:
        """Look whether the server listens, until it did once; nothing is sent.

        Args:
            on_lost: not called: each post is a connection of its own.

        Raises:
            UnreachableError: it does not.
        """
        if self._reached or _is_behind_proxy(self._address.scheme, self._address.host):
            return
        try:
            socket.create_connection((self._address.host, self._address.port), TIMEOUT_S).close()
        except OSError as error:
            raise UnreachableError(f"the web server is not reached: {_words(error)}") from error
        self._reached = True

    def deliver(self, record: Record) -> None:
        """Post a verdict.

        Raises:
            UnreachableError: the server is away, or asks to come back later.
            RefusedError: the server answers with another of the 300s or 400s.
        """
        request = urllib.request.Request(self._url, encode_message(record), self._headers)
        try:
            with self._opener.open(request, timeout=TIMEOUT_S):
                self._reached = True
        except urllib.error.HTTPError as error:
            with error:
                raise _refusal(error) from error
        except (OSError, http.client.HTTPException) as error:
            self._reached = False
            raise UnreachableError(f"the web server is not reached: {_words(error)}") from error

    def close(self) -> None:
        """Do nothing: each post is a connection of its own."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: it would turn a post into a get without the verdict."""

    def redirect_request(self, *_: Any) -> None:
        """Give no request to follow."""


def _refusal(error: urllib.error.HTTPError) -> UnreachableError | RefusedError:
    """Return what an answer outside the 200s means."""
    words = f"{error.code} {error.reason or http.client.responses.get(error.code, '')}".strip()
    if error.code in REDIRECTS:
        target = error.headers.get("location", "nowhere")
        return RefusedError(
            f"the web server sends verdicts on to {target} ({words}); give that as --webhook"
        )
    if 400 <= error.code < 500 and error.code not in PASSING:
        return RefusedError(f"the web server refuses verdicts: {words}")
    return UnreachableError(f"the web server does not take verdicts now: {words}", _pause(error))


def _pause(error: urllib.error.HTTPError) -> float:
    """Return the seconds that an answer asks to wait, or 0."""
    try:
        return max(0.0, float(error.headers.get("retry-after", "0")))
    except ValueError:  # a date: rare, and clocks differ
        return 0.0


def _words(error: Exception) -> str:
    """Return what went wrong, in short."""
    reason = getattr(error, "reason", error)
    return str(getattr(reason, "strerror", None) or reason or type(error).__name__)


def _ascii_url(url: str) -> str:
    """Return a URL as it is sent: its host in IDNA, all else percent-encoded."""
    parts = urlsplit(url)
    host = (parts.hostname or "").encode("idna").decode()
    host = f"[{host}]" if ":" in host else host
    place = host if parts.port is None else f"{host}:{parts.port}"
    safe = "/%:@!$&'()*+,;=~-._?"
    return parts._replace(
        netloc=place, path=quote(parts.path, safe=safe), query=quote(parts.query, safe=safe)
    ).geturl()


def _is_behind_proxy(scheme: str, host: str) -> bool:
    """Tell whether the environment names a proxy for a host."""
    return scheme in urllib.request.getproxies() and not urllib.request.proxy_bypass(host)
