"""Request bodies are short: only pictures are large, and they are streamed to the disk."""

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

MAX_BODY_BYTES = 2**20
"""Largest body that is read into memory."""


def is_picture(path: str) -> bool:
    """Tell whether a body may be a picture, which `uploads.receive` bounds."""
    is_draft = path.startswith("/api/drafts/") and path.endswith("/pictures")
    return is_draft or path.startswith(("/api/inspect/", "/api/parts/"))


def limit_body(receive: Receive, limit_bytes: int) -> Receive:
    """Return a `receive` that refuses a body beyond a limit.

    Raises:
        HTTPException: as soon as there are more bytes.
    """
    remaining = limit_bytes

    async def receive_limited() -> Message:
        nonlocal remaining
        message = await receive()
        remaining -= len(message.get("body", b""))
        if remaining < 0:
            raise HTTPException(413, f"a body must have {limit_bytes:,} bytes at most; it has more")
        return message

    return receive_limited
