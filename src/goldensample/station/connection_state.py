"""State of an input or output, for people and for monitoring."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ConnectionState:
    """How a camera, folder, broker, web server or controller is connected now.

    Args:
        name: address or folder, without a password.
        kind: "camera", "folder", "webhook", "mqtt", "modbus", "s7" or "opcua".
        state: "working", "waiting" (nothing has come or gone yet) or "trouble".
        since: seconds since 1970, when this state began.
        last_success: seconds since 1970 of the last picture or verdict that passed, or None.
        waiting: pictures or verdicts that wait to pass.
        lost: those that were dropped since the start.
        failed: those that were refused for good, and are kept until somebody decides.
        words: a sentence for people; why, in trouble.
    """

    name: str
    kind: str
    state: str
    since: float
    last_success: float | None
    waiting: int
    lost: int
    failed: int
    words: str
