"""Access control: tokens and roles, cross-site requests, rate limits, security headers."""

import hmac
import logging
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect, HTTPConnection, cookie_parser
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from goldensample.station.settings import LOOPBACK, Settings
from goldensample.station.web.body_limits import MAX_BODY_BYTES, is_picture, limit_body

log = logging.getLogger(__name__)
SESSION_COOKIE = "golden_session"
NAME_COOKIE = "golden_operator"
"""The cookie that holds a name where no token is required."""
PUBLIC_PATHS = ("/login", "/api/login", "/static/")
"""Prefixes of the paths that need no token."""
SESSION_S = 14 * 3600
"""Lifetime of sessions and names, the longest shift: the next one logs in anew."""
LOGIN_ATTEMPTS = 10
"""Wrong tokens of one address in a minute, at most."""
MAX_ADDRESSES = 10_000
"""Addresses whose rates are stored, and sessions; beyond it the oldest are evicted."""
SECURITY_HEADERS = {
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
    """Who sends a request: a name, "" if unknown, and a role."""

    name: str
    role: str

    @property
    def engineer(self) -> bool:
        """Whether products may be changed."""
        return self.role == "engineer"


class RateLimiter:
    """Leaky bucket per address: the level falls evenly, from full to empty in a minute.

    Args:
        limit: counts at once, and per minute over a long time.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._levels: dict[str, tuple[float, float]] = {}

    def exceeded(self, address: str) -> bool:
        """Tell whether an address has used up its rate."""
        return self._level(address) > self._limit - 1

    def count(self, address: str) -> None:
        """Count one request or attempt of an address."""
        level = self._level(address) + 1
        self._levels.pop(address, None)  # the latest address is the last of the dict
        if len(self._levels) >= MAX_ADDRESSES:
            del self._levels[next(iter(self._levels))]
        self._levels[address] = level, time.monotonic()

    def _level(self, address: str) -> float:
        level, updated_s = self._levels.get(address, (0.0, 0.0))
        return max(0.0, level - (time.monotonic() - updated_s) * self._limit / 60)


class Sessions:
    """Sessions of logged-in people, in memory; they expire after a shift."""

    def __init__(self, tokens: Mapping[str, str]) -> None:
        self._tokens = tokens
        self._sessions: dict[str, tuple[Person, float]] = {}

    def role(self, token: str) -> str | None:
        """Return the role of a token, in time that does not depend on how much of it is right."""
        roles = [
            role
            for valid_token, role in self._tokens.items()
            if hmac.compare_digest(valid_token.encode(), token.encode())
        ]
        return roles[0] if roles else None

    def begin(self, name: str, role: str) -> str:
        """Return the secret of a new session."""
        secret = secrets.token_urlsafe(32)
        if len(self._sessions) >= MAX_ADDRESSES:
            del self._sessions[next(iter(self._sessions))]
        self._sessions[secret] = Person(name, role), time.monotonic()
        return secret

    def find(self, secret: str) -> Person | None:
        """Return the person of a session, or None."""
        person, begun_s = self._sessions.get(secret, (None, 0.0))
        return person if time.monotonic() - begun_s < SESSION_S else None

    def end(self, secret: str) -> None:
        """End a session."""
        self._sessions.pop(secret, None)


class AccessMiddleware:
    """Authenticates, checks origin and rate, and adds the security headers.

    A request that passes has `scope["person"]` and `scope["login_rate"]`.

    Args:
        app: the application behind it.
        settings: tokens, host and rates.
        sessions: of people who have logged in.
    """

    def __init__(self, app: ASGIApp, settings: Settings, sessions: Sessions) -> None:
        self._app, self._settings, self._sessions = app, settings, sessions
        self._request_rate = RateLimiter(settings.per_minute)
        self._login_rate = RateLimiter(LOGIN_ATTEMPTS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                for name, value in SECURITY_HEADERS.items():
                    headers[name] = value
                headers.setdefault("cache-control", "no-store")
            await send(message)

        refusal = self._refusal(scope)
        if not is_picture(scope["path"]):
            receive = limit_body(receive, MAX_BODY_BYTES)
        try:
            await (refusal or self._app)(scope, receive, send_with_headers)
        except ClientDisconnect:  # no client is left to respond to
            return
        except Exception as error:
            log.error("%s %s failed", scope["method"], scope["path"], exc_info=error)
            if started:
                raise
            message = "the station could not do it; its log says why"
            await json_error(500, message)(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        """Return the response that refuses a request, or None and set its person."""
        headers, path = Headers(scope=scope), scope["path"]
        if _is_embedded(headers):  # not counted: it would use up the viewer's own rate
            return json_error(
                403, "another site must not load parts of the station; open it itself"
            )
        address = HTTPConnection(scope).client
        host = address.host if address else ""
        if self._request_rate.exceeded(host):
            return json_error(429, "requests must be fewer; try again in a minute", retry_s=60)
        self._request_rate.count(host)
        if not self._settings.tokens and not _is_loopback(headers.get("host", "")):
            return json_error(
                421, "the station must be asked for by this machine's own name: localhost"
            )
        if scope["method"] not in ("GET", "HEAD") and not _same_origin(headers):
            return json_error(403, "a change must come from the station's own pages or a program")
        person = self._person(headers)
        if person is None and self._login_rate.exceeded(host):
            return json_error(429, "wrong tokens must be fewer; try again in a minute", retry_s=60)
        if person is None and "authorization" in headers:
            self._login_rate.count(host)
        if person is None and not path.startswith(PUBLIC_PATHS):
            if path.startswith(("/api/", "/metrics")):
                return json_error(401, "a request must have a token: Authorization: Bearer TOKEN")
            query = scope["query_string"].decode("latin-1")
            asked = urlencode({"to": f"{path}?{query}" if query else path})
            return RedirectResponse(f"/login?{asked}", 303)
        scope["person"] = person or Person("", "")
        scope["login_rate"] = self._login_rate
        return None

    def _person(self, headers: Headers) -> Person | None:
        """Return the person by token or session, or without tokens by the name alone."""
        cookies = cookie_parser(headers.get("cookie", ""))
        name = clean_name(headers.get("x-operator", ""))
        if not self._settings.tokens:
            return Person(name or clean_name(unquote(cookies.get(NAME_COOKIE, ""))), "engineer")
        scheme, _, token = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer":
            role = self._sessions.role(token.strip())
            return Person(name, role) if role else None
        return self._sessions.find(cookies.get(SESSION_COOKIE, ""))


def clean_name(name: str) -> str:
    """Return a person's name as it is stored: printable, 64 characters at most."""
    return "".join(character for character in name if character.isprintable()).strip()[:64]


def json_error(status: int, message: str, retry_s: int | None = None) -> JSONResponse:
    """Return a JSON response: what must be, what was, and what to do."""
    headers = {} if retry_s is None else {"retry-after": str(retry_s)}
    return JSONResponse({"error": message}, status, headers)


def _is_loopback(host: str) -> bool:
    """Tell whether a Host header names this machine (against DNS rebinding)."""
    try:
        return urlsplit(f"//{host}").hostname in LOOPBACK
    except ValueError:
        return False


def _is_embedded(headers: Headers) -> bool:
    """Tell whether another site's page embeds this, instead of a user who opens it."""
    site, destination = headers.get("sec-fetch-site"), headers.get("sec-fetch-dest")
    return site in ("cross-site", "same-site") and destination != "document"


def _same_origin(headers: Headers) -> bool:
    """Tell whether a request comes from the station's own pages, or from a program.

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
