"""MQTT: a broker gets each verdict as JSON, and whether the station runs."""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from goldensample.station.outputs.addresses import check_topic, parse_address
from goldensample.station.outputs.messages import encode_message
from goldensample.station.outputs.mqtt_options import MqttOptions, make_tls
from goldensample.station.outputs.receiver import RefusedError, UnreachableError
from goldensample.station.records.rows import Record

TIMEOUT_S = 10.0
KEEPALIVE_S = 30
"""The broker takes a station that is silent for one and a half times as long for offline."""
OLD_PROTOCOL = 0x84
"""Reason: the broker does not speak this version of MQTT."""
WAITING = (0x80, 0x83, 0x97)
"""Reasons of a publication that may pass later: unspecified, internal, quota exceeded."""
REFUSING = (0x87, 0x90, 0x95, 0x99, 0x9A, 0x9B)
"""Reasons to disconnect that a publication has caused, and would cause again."""


class Mqtt:
    """Publishes verdicts to `PREFIX/PRODUCT/verdict`, retained; a `Receiver`.

    A verdict is taken when the broker acknowledges it (QoS 1). `PREFIX/status` is "online" while
    the station is connected, else "offline": by its last will, also after a crash. MQTT 5, or
    3.1.1 where the broker speaks no other.

    Args:
        url: mqtt://[user:password@]host[:port][/prefix], or mqtts:// for TLS.
        options: of the connection.
        products: their keys, to check the topics.

    Raises:
        ValueError: the URL or an option is invalid.
    """

    kind = "mqtt"

    def __init__(self, url: str, options: MqttOptions, products: list[str]) -> None:
        form = "mqtt://host:port/topic or mqtts://host:port/topic"
        self._address = parse_address("--mqtt", url, {"mqtt": 1883, "mqtts": 8883}, form)
        self._prefix = self._address.path or "golden"
        check_topic(self._prefix, products)
        if "?" in url:
            raise ValueError(f"--mqtt must be {form}, without ?; got {self._address.shown!r}")
        self.name, self._options = self._address.shown, options
        self._tls = make_tls(self._address.scheme, options)
        self._protocol = mqtt.MQTTv5
        self._change = threading.Condition()
        self._client: mqtt.Client | None = None
        self._on_lost: Callable[[], None] = lambda: None
        self._reset()

    def connect(self, on_lost: Callable[[], None]) -> None:
        """Connect unless connected, and say "online".

        Args:
            on_lost: called, from any thread, when the connection is lost later.

        Raises:
            UnreachableError: the broker is away, refuses the station or has ended its connection.
        """
        if self._client is not None and self._lost is None:
            return
        if self._client is not None:
            reason = self._lost
            self._drop()
            raise UnreachableError(f"the broker has ended the connection: {reason}")
        self._on_lost = on_lost
        answer = self._open()
        if answer.value == OLD_PROTOCOL and self._protocol == mqtt.MQTTv5:
            self._drop()
            if self._options.expiry_s is not None:
                raise UnreachableError(
                    "the broker does not speak MQTT 5, so verdicts cannot expire there; leave "
                    "--mqtt-expiry out"
                )
            self._protocol = mqtt.MQTTv311
            answer = self._open()
        if answer.is_failure:
            self._drop()
            raise UnreachableError(f"the broker refuses the station: {answer}")
        self._publish(f"{self._prefix}/status", b"online", None)

    def deliver(self, record: Record) -> None:
        """Publish a verdict, and wait for the acknowledgement.

        Raises:
            UnreachableError: it does not come, or asks to come back later.
            RefusedError: the broker will not take it.
        """
        expiry = None
        if self._options.expiry_s is not None:
            expiry = Properties(PacketTypes.PUBLISH)
            expiry.MessageExpiryInterval = self._options.expiry_s
        topic = f"{self._prefix}/{record.product}/verdict"
        try:
            reason = self._publish(topic, encode_message(record), expiry)
        except UnreachableError:
            if self._lost is not None and getattr(self._lost, "value", 0) in REFUSING:
                raise RefusedError(f"the broker refuses {topic}: {self._lost}") from None
            raise
        if reason.value in WAITING:
            raise UnreachableError(f"the broker does not take {topic} now: {reason}")
        if reason.is_failure:
            raise RefusedError(f"the broker refuses {topic}: {reason}")

    def close(self) -> None:
        """Say "offline", and disconnect."""
        if self._client is not None and self._client.is_connected():
            with suppress(UnreachableError):
                self._publish(f"{self._prefix}/status", b"offline", None)
        self._drop()

    def _open(self) -> Any:
        """Connect a new client; return the broker's answer."""
        self._reset()
        self._client = self._new_client()
        try:
            self._client.connect(self._address.host, self._address.port, KEEPALIVE_S)
        except (OSError, ValueError) as error:
            self._drop()
            raise UnreachableError(f"the broker is not reached: {_words(error)}") from error
        self._client.loop_start()
        self._wait(lambda: self._answer is not None)
        return self._answer

    def _new_client(self) -> mqtt.Client:
        """Return a client with the last will; it connects once, and is then thrown away."""
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            self._options.client_id,
            protocol=self._protocol,
            reconnect_on_failure=False,
        )
        client.connect_timeout = TIMEOUT_S
        client.will_set(f"{self._prefix}/status", b"offline", qos=1, retain=True)
        if self._address.username:
            client.username_pw_set(self._address.username, self._address.password)
        if self._tls is not None:
            client.tls_set_context(self._tls)
        client.on_connect = self._note_connected
        client.on_disconnect = self._note_lost
        client.on_publish = self._note_taken
        return client

    def _publish(self, topic: str, payload: bytes, properties: Properties | None) -> Any:
        """Publish, and return the reason code of the acknowledgement."""
        assert self._client is not None, "connected before"
        try:
            info = self._client.publish(topic, payload, 1, True, properties)
        except ValueError as error:
            raise RefusedError(f"{topic} cannot be published: {error}") from error
        self._wait(lambda: info.mid in self._taken)
        return self._taken.pop(info.mid)

    def _wait(self, is_done: Callable[[], bool]) -> None:
        """Wait for a sign of the broker."""
        end = time.monotonic() + TIMEOUT_S
        with self._change:
            self._change.wait_for(
                lambda: is_done() or self._lost is not None, end - time.monotonic()
            )
            if is_done():
                return
            reason = self._lost or "no answer"
        self._drop(reason)
        raise UnreachableError(f"the connection to the broker is lost: {reason}")

    def _reset(self) -> None:
        self._answer: Any = None
        self._lost: Any = None
        self._taken: dict[int, Any] = {}

    def _drop(self, reason: Any = None) -> None:
        """Throw the client away."""
        client, self._client = self._client, None
        if client is not None:
            client.on_disconnect = None
            client.disconnect()
            client.loop_stop()
        self._reset()
        self._lost = reason

    def _note_connected(self, client: Any, _: Any, __: Any, reason: Any, ___: Any) -> None:
        with self._change:
            self._answer = reason
            self._change.notify_all()

    def _note_lost(self, client: Any, _: Any, __: Any, reason: Any, ___: Any) -> None:
        with self._change:
            self._lost = reason if reason.is_failure else "it gave no reason"  # not "Success"
            self._change.notify_all()
        self._on_lost()

    def _note_taken(self, client: Any, _: Any, mid: int, reason: Any, __: Any) -> None:
        with self._change:
            self._taken[mid] = reason
            self._change.notify_all()


def _words(error: Exception) -> str:
    """Return what went wrong, in short."""
    return str(getattr(error, "strerror", None) or error or type(error).__name__)
