"""What a request says is short: only pictures are large, and they go straight to the disk."""

from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

LIMIT_BYTES = 2**20
"""Of a body that is kept in memory, at most."""


def is_picture(path: str) -> bool:
    """Tell whether a body may be a picture, which `uploads.receive` bounds."""
    of_draft = path.startswith("/api/drafts/") and path.endswith("/pictures")
    return of_draft or path.startswith("/api/inspect/")


def bounded(receive: Receive, limit_bytes: int) -> Receive:
    """Return what receives a request, and refuses a body that goes on beyond a limit.

    Raises:
        HTTPException: there is more, as soon as it is so.
    """
    left = limit_bytes

    async def received() -> Message:
        nonlocal left
        message = await receive()
        left -= len(message.get("body", b""))
        if left < 0:
            raise HTTPException(413, f"a body must have {limit_bytes:,} bytes at most; it has more")
        return message

    return received
