"""The last verdict for other machines: a webhook, an MQTT broker. Each is off by default."""

import http.client
import json
import threading
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

from goldensample.station.records.rows import Record, iso

HELD = 1000
"""Verdicts that wait while the other side is away; beyond it the oldest are left out."""
TIMEOUT_S = 10.0
LONGEST_S = 60.0
"""Seconds between two tries, at most."""
TOLD = ("box_px", "area_px", "peak", "peak_px", "p_value")


def message(record: Record) -> dict[str, Any]:
    """Return a record as other machines get it."""
    return {
        "record": record.id,
        "product": record.product,
        "name": record.name,
        "time": iso(record.time),
        "verdict": record.verdict,
        "score": record.score,
        "threshold": record.limit_score,
        "p_value": record.p_value,
        "regions": [{name: region[name] for name in TOLD} for region in record.regions],
        "revision": record.revision,
        "file_sha256": record.file_sha256,
        "picture_sha256": record.picture_sha256,
    }


class Webhook:
    """Posts each verdict as JSON, in order, and tries again until it is taken.

    What waits is in memory: a station that stops tries for a last few seconds, then leaves it.

    Args:
        url: http:// or https://.
        trouble: told, once, when the other side cannot be reached, and when it can again.

    Raises:
        ValueError: the URL is another.
    """

    def __init__(self, url: str, trouble: Callable[[str], None]) -> None:
        if urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
            raise ValueError(f"--webhook must be http:// or https://; got {url!r}")
        self._url, self._trouble = url, trouble
        self._waiting: deque[dict[str, Any]] = deque(maxlen=HELD)
        self._change, self._stopping = threading.Condition(), False
        self._thread = threading.Thread(target=self._run, name="station-webhook", daemon=True)
        self._thread.start()

    def send(self, record: Record) -> None:
        """Take a verdict to be sent; never waits."""
        with self._change:
            self._waiting.append(message(record))
            self._change.notify_all()

    def close(self) -> None:
        """Send what waits, as long as it is taken at once, and stop."""
        with self._change:
            self._stopping = True
            self._change.notify_all()
        self._thread.join()

    def _run(self) -> None:
        pause, failing = 1.0, False
        while True:
            with self._change:
                while not self._waiting and not self._stopping:
                    self._change.wait()
                if not self._waiting:
                    return
                first = self._waiting[0]
            error = self._post(first)
            if error is None:
                pause, failing = (
                    1.0,
                    self._told(failing, False, "webhook: verdicts are taken again"),
                )
                with self._change:
                    if self._waiting and self._waiting[0] is first:
                        self._waiting.popleft()
                continue
            failing = self._told(failing, True, f"webhook: verdicts are not taken: {error}")
            with self._change:
                if self._stopping:
                    return
                self._change.wait_for(lambda: self._stopping, pause)
            pause = min(2 * pause, LONGEST_S)

    def _told(self, before: bool, now: bool, words: str) -> bool:
        if before != now:
            self._trouble(words)
        return now

    def _post(self, values: dict[str, Any]) -> str | None:
        """Post once; return why it failed, or None. What the other side refuses is not repeated."""
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
        trouble: told when the broker is lost, and when it is back.

    Raises:
        ValueError: the URL is another.
    """

    def __init__(self, url: str, trouble: Callable[[str], None]) -> None:
        from paho.mqtt import client as mqtt
        from paho.mqtt.enums import CallbackAPIVersion

        parts = urlsplit(url)
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise ValueError("--mqtt must be mqtt://host:port or mqtts://host:port; it is not")
        self._prefix = parts.path.strip("/") or "golden"
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2)
        self._client.max_queued_messages_set(HELD)
        if parts.username:
            self._client.username_pw_set(unquote(parts.username), unquote(parts.password or ""))
        if parts.scheme == "mqtts":
            self._client.tls_set()
        self._client.on_disconnect = lambda *_: trouble("MQTT: the broker is not there")
        self._client.on_connect = lambda *given: trouble(f"MQTT: the broker says {given[3]}")
        self._client.connect_async(
            parts.hostname, parts.port or (8883 if parts.scheme == "mqtts" else 1883)
        )
        self._client.loop_start()

    def send(self, record: Record) -> None:
        """Take a verdict to be sent; never waits."""
        words = json.dumps(message(record), allow_nan=False)
        self._client.publish(f"{self._prefix}/{record.product}/verdict", words, qos=1, retain=True)

    def close(self) -> None:
        """Let the broker go."""
        self._client.disconnect()
        self._client.loop_stop()
