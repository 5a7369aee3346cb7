"""Outputs: a webhook and an MQTT broker get each verdict. Both are off by default."""

import http.client
import json
import threading
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

from goldensample.station.connection_state import ConnectionState
from goldensample.station.records.rows import Record, iso

MAX_QUEUED = 1000
"""Verdicts queued while the receiver cannot be reached; beyond it the oldest are dropped."""
TIMEOUT_S = 10.0
MAX_PAUSE_S = 60.0
"""Seconds between two attempts, at most."""
REGION_KEYS = ("box_px", "area_px", "peak", "peak_px", "p_value")


def verdict_message(record: Record) -> dict[str, Any]:
    """Return the JSON message of a record."""
    return {
        "record": record.id,
        "product": record.product,
        "name": record.name,
        "time": iso(record.time),
        "verdict": record.verdict,
        "score": record.score,
        "threshold": record.limit_score,
        "p_value": record.p_value,
        "regions": [{name: region[name] for name in REGION_KEYS} for region in record.regions],
        "revision": record.revision,
        "file_sha256": record.file_sha256,
        "picture_sha256": record.picture_sha256,
    }


class Webhook:
    """Posts each verdict as JSON, in order, and retries until it is accepted.

    The queue is in memory: a station that stops makes a last attempt, then drops it.

    Args:
        url: http:// or https://.
        on_status: called once when the receiver cannot be reached, and when it can again.

    Raises:
        ValueError: the URL is invalid.
    """

    def __init__(self, url: str, on_status: Callable[[str], None]) -> None:
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise ValueError(f"--webhook must be http:// or https://; got {url!r}")
        self._url, self._on_status = url, on_status
        self._queue: deque[dict[str, Any]] = deque(maxlen=MAX_QUEUED)
        self._change, self._stopping = threading.Condition(), False
        self._thread = threading.Thread(target=self._run, name="station-webhook", daemon=True)
        self._thread.start()

    def send(self, record: Record) -> None:
        """Queue a verdict without blocking."""
        with self._change:
            self._queue.append(verdict_message(record))
            self._change.notify_all()

    def state(self) -> ConnectionState:
        """Return how it is connected now."""
        return ConnectionState("webhook", "webhook", "working", 0.0, None, 0, 0, 0, "")

    def close(self) -> None:
        """Send the queue as long as posts succeed, and stop."""
        with self._change:
            self._stopping = True
            self._change.notify_all()
        self._thread.join()

    def _run(self) -> None:
        pause_s, failing = 1.0, False
        while True:
            with self._change:
                while not self._queue and not self._stopping:
                    self._change.wait()
                if not self._queue:
                    return
                first = self._queue[0]
            error = self._post(first)
            if error is None:
                failing = self._report_change(failing, False, "webhook: verdicts are taken again")
                pause_s = 1.0
                with self._change:
                    if self._queue and self._queue[0] is first:
                        self._queue.popleft()
                continue
            failing = self._report_change(
                failing, True, f"webhook: verdicts are not taken: {error}"
            )
            with self._change:
                if self._stopping:
                    return
                self._change.wait_for(lambda: self._stopping, pause_s)
            pause_s = min(2 * pause_s, MAX_PAUSE_S)

    def _report_change(self, before: bool, now: bool, text: str) -> bool:
        if before != now:
            self._on_status(text)
        return now

    def _post(self, values: dict[str, Any]) -> str | None:
        """Post once; return why it failed, or None. What the receiver refuses is not repeated."""
        request = urllib.request.Request(
            self._url,
            json.dumps(values, allow_nan=False).encode(),
            {"content-type": "application/json", "user-agent": "golden-station"},
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S):
                return None
        except urllib.error.HTTPError as error:
            with error:
                return None if 400 <= error.code < 500 and error.code != 429 else f"{error.code}"
        except (OSError, http.client.HTTPException) as error:
            return str(getattr(error, "reason", error)) or type(error).__name__


class Mqtt:
    """Publishes each verdict as JSON to `golden/PRODUCT/verdict`, at least once, and retained.

    Args:
        url: mqtt://[user:password@]host[:port][/prefix], or mqtts:// for TLS.
        on_status: called when the connection to the broker is lost, and when it is back.

    Raises:
        ValueError: the URL is invalid.
    """

    def __init__(self, url: str, on_status: Callable[[str], None]) -> None:
        from paho.mqtt import client as mqtt
        from paho.mqtt.enums import CallbackAPIVersion

        parts = urlsplit(url)
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise ValueError("--mqtt must be mqtt://host:port or mqtts://host:port; it is not")
        self._prefix = parts.path.strip("/") or "golden"
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self._client.max_queued_messages_set(MAX_QUEUED)
        if parts.username:
            self._client.username_pw_set(unquote(parts.username), unquote(parts.password or ""))
        if parts.scheme == "mqtts":
            self._client.tls_set()
        self._client.on_disconnect = lambda *_: on_status("MQTT: the broker is not there")
        self._client.on_connect = lambda *args: on_status(f"MQTT: the broker says {args[3]}")
        self._client.connect_async(
            parts.hostname, parts.port or (8883 if parts.scheme == "mqtts" else 1883)
        )
        self._client.loop_start()

    def send(self, record: Record) -> None:
        """Queue a verdict without blocking."""
        payload = json.dumps(verdict_message(record), allow_nan=False)
        self._client.publish(
            f"{self._prefix}/{record.product}/verdict", payload, qos=1, retain=True
        )

    def state(self) -> ConnectionState:
        """Return how it is connected now."""
        return ConnectionState("mqtt", "mqtt", "working", 0.0, None, 0, 0, 0, "")

    def close(self) -> None:
        """Disconnect from the broker."""
        self._client.disconnect()
        self._client.loop_stop()
