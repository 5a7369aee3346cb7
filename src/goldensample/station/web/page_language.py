"""The language of the pages: chosen on a page, by the station, or by the browser."""

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.types import ASGIApp, Receive, Scope, Send

from goldensample.locales.language import LANGUAGES, preferred, speaking

LANGUAGE_COOKIE = "golden_language"
"""The cookie that holds what was chosen on a page."""
FETCHED = "sec-fetch-site"
"""The header that browsers, and no programs, send: who asks the API so is a page's script."""


class LanguageMiddleware:
    """Answers each request for a page in its language; the API speaks English.

    What it refuses is told to the script of a page in that page's language, see `refusals`.

    Args:
        app: the application behind it.
        language: of all pages, a key of LANGUAGES; None for what each browser asks for.
    """

    def __init__(self, app: ASGIApp, language: str | None) -> None:
        self._app, self._language = app, language

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        is_page = scope["type"] == "http" and not scope["path"].startswith("/api/")
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            if is_page or FETCHED in headers:
                scope["reader"] = self._choose(headers)
        with speaking(scope["reader"] if is_page else "en"):
            await self._app(scope, receive, send)

    def _choose(self, headers: Headers) -> str:
        """Return the language of a request: a key of LANGUAGES."""
        chosen = cookie_parser(headers.get("cookie", "")).get(LANGUAGE_COOKIE)
        if chosen in LANGUAGES:
            return chosen
        return self._language or preferred(headers.get("accept-language", ""))
