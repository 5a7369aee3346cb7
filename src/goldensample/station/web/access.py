"""Who may do what: tokens and roles, requests from other sites, rates, headers."""

import hmac
import logging
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, HTTPConnection, cookie_parser
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from goldensample.station.settings import LOOPBACK, Settings
from goldensample.station.web.body_limits import LIMIT_BYTES, bounded, is_picture

log = logging.getLogger(__name__)
COOKIE = "golden_session"
NAME = "golden_operator"
"""The cookie that holds a name where no token is asked for."""
OPEN = ("/login", "/api/login", "/static/")
"""What is answered without a token: beginnings of paths."""
SHIFT_S = 14 * 3600
"""Sessions and names last as long as the longest shift: the next one says its own."""
TRIES = 10
"""Wrong tokens of one address in a minute, at most."""
ADDRESSES = 10_000
"""Addresses whose rates are kept; beyond it the oldest are forgotten."""
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self' blob:; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
}


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks: a name, "" where none was given, and a role."""

    name: str
    role: str

    @property
    def engineer(self) -> bool:
        """Whether products may be changed."""
        return self.role == "engineer"


class Rate:
    """Counts what an address does; what it did is forgotten evenly, all of it in a minute.

    Args:
        limit: of counts at once, and of those of a long minute.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._levels: dict[str, tuple[float, float]] = {}

    def full(self, address: str) -> bool:
        """Tell whether an address has used up its minute."""
        return self._level(address) > self._limit - 1

    def count(self, address: str) -> None:
        """Count once."""
        level = self._level(address) + 1
        self._levels.pop(address, None)  # the latest address is the last of the dict
        if len(self._levels) >= ADDRESSES:
            del self._levels[next(iter(self._levels))]
        self._levels[address] = level, time.monotonic()

    def _level(self, address: str) -> float:
        level, then = self._levels.get(address, (0.0, 0.0))
        return max(0.0, level - (time.monotonic() - then) * self._limit / 60)


class Sessions:
    """Who has logged in at a page; forgotten after a shift, and when the station stops."""

    def __init__(self, tokens: Mapping[str, str]) -> None:
        self._tokens = tokens
        self._people: dict[str, tuple[Person, float]] = {}

    def role(self, token: str) -> str | None:
        """Return the role of a token, in time that does not depend on how much of it is right."""
        roles = [
            role
            for known, role in self._tokens.items()
            if hmac.compare_digest(known.encode(), token.encode())
        ]
        return roles[0] if roles else None

    def begin(self, name: str, role: str) -> str:
        """Return the secret of a new session."""
        secret = secrets.token_urlsafe(32)
        if len(self._people) >= ADDRESSES:
            del self._people[next(iter(self._people))]
        self._people[secret] = Person(name, role), time.monotonic()
        return secret

    def find(self, secret: str) -> Person | None:
        """Return who has a session, or None."""
        person, began = self._people.get(secret, (None, 0.0))
        return person if time.monotonic() - began < SHIFT_S else None

    def end(self, secret: str) -> None:
        """End a session."""
        self._people.pop(secret, None)


class Access:
    """Lets requests through, or answers them itself.

    A request that is let through has `scope["person"]`.

    Args:
        app: what answers.
        settings: tokens, host and rates.
        sessions: who has logged in.
    """

    def __init__(self, app: ASGIApp, settings: Settings, sessions: Sessions) -> None:
        self._app, self._settings, self._sessions = app, settings, sessions
        self._rate, self._tries = Rate(settings.per_minute), Rate(TRIES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        begun = False

        async def guarded(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        refused = self._refusal(scope)
        if not is_picture(scope["path"]):
            receive = bounded(receive, LIMIT_BYTES)
        try:
            await (refused or self._app)(scope, receive, guarded)
        except ClientDisconnect:  # nobody is there to be answered
            return
        except Exception as mistake:
            log.error("%s %s failed", scope["method"], scope["path"], exc_info=mistake)
            if begun:
                raise
            words = "the station could not do it; its log says why"
            await error(500, words)(scope, receive, guarded)

    def _refusal(self, scope: Scope) -> Response | None:
        """Return why a request is not answered, or None and set who asks."""
        headers, path = Headers(scope=scope), scope["path"]
        if _is_embedded(headers):  # not counted: it would use up the rate of who looks at it
            return error(403, "another site must not load parts of the station; open it itself")
        address = HTTPConnection(scope).client
        host = address.host if address else ""
        if self._rate.full(host):
            return error(429, "requests must be fewer; try again in a minute", retry_s=60)
        self._rate.count(host)
        if not self._settings.tokens and not _is_loopback(headers.get("host", "")):
            return error(421, "the station must be asked for by this machine's own name: localhost")
        if scope["method"] not in ("GET", "HEAD") and not _same_origin(headers):
            return error(403, "a change must come from the station's own pages or a program")
        person = self._person(headers)
        if person is None and self._tries.full(host):
            return error(429, "wrong tokens must be fewer; try again in a minute", retry_s=60)
        if person is None and "authorization" in headers:
            self._tries.count(host)
        if person is None and not path.startswith(OPEN):
            if path.startswith("/api/"):
                return error(401, "a request must have a token: Authorization: Bearer TOKEN")
            return RedirectResponse("/login", 303)
        scope["person"] = person or Person("", "")
        scope["tries"] = self._tries
        return None

    def _person(self, headers: Headers) -> Person | None:
        """Return who asks, by token, by session, or, where there are no tokens, by name alone."""
        cookies = cookie_parser(headers.get("cookie", ""))
        name = plain(headers.get("x-operator", ""))
        if not self._settings.tokens:
            return Person(name or plain(unquote(cookies.get(NAME, ""))), "engineer")
        kind, _, token = headers.get("authorization", "").partition(" ")
        if kind.lower() == "bearer":
            role = self._sessions.role(token.strip())
            return Person(name, role) if role else None
        return self._sessions.find(cookies.get(COOKIE, ""))


def plain(name: str) -> str:
    """Return a person's name as it is kept: printable, 64 characters at most."""
    return "".join(one for one in name if one.isprintable()).strip()[:64]


def error(status: int, words: str, retry_s: int | None = None) -> JSONResponse:
    """Return an answer that says what must be, what was, and what to do."""
    headers = {} if retry_s is None else {"retry-after": str(retry_s)}
    return JSONResponse({"error": words}, status, headers)


def _is_loopback(host: str) -> bool:
    """Tell whether a Host header names this machine: other names may be another site's trick."""
    try:
        return urlsplit(f"//{host}").hostname in LOOPBACK
    except ValueError:
        return False


def _is_embedded(headers: Headers) -> bool:
    """Tell whether a browser asks for a page of another site, and not for a page of its own."""
    site, use = headers.get("sec-fetch-site"), headers.get("sec-fetch-dest")
    return site in ("cross-site", "same-site") and use != "document"


def _same_origin(headers: Headers) -> bool:
    """Tell whether a browser says that a request comes from our pages; programs say nothing.

    Source: Fetch Metadata (W3C), with Origin for browsers that do not have it.
    """
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    try:
        return origin is None or urlsplit(origin).netloc == headers.get("host")
    except ValueError:
        return False
