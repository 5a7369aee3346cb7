"""MQTT triggers: a message has a camera take a picture, and the answer is published."""

import json
import threading
import time
from concurrent.futures import Future
from typing import Any

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from goldensample.errors import GoldenError
from goldensample.station.connection_state import ConnectionState
from goldensample.station.line.triggers import Trigger, TriggerBusyError, Triggers
from goldensample.station.outputs.addresses import check_topic, parse_address
from goldensample.station.outputs.messages import verdict_message
from goldensample.station.outputs.mqtt_options import MqttOptions, make_tls
from goldensample.station.records.rows import Record
from goldensample.station.troubles import Trouble


class MqttTriggers:
    """Takes `PREFIX/camera/NAME/trigger`, answers `PREFIX/camera/NAME/answer`; an `Input`.

    What the message says comes back in the answer as "request"; where it is a JSON object, its
    "serial" and "job" are of the part. A retained message is no trigger: it would be one at each
    start.

    Args:
        url: of the broker, as for `Mqtt`.
        options: of the connection; its client gets a name of its own.
        triggers: cameras by name.
        trouble: of reaching the broker.

    Raises:
        ValueError: a camera's name cannot be part of a topic.
    """

    def __init__(
        self, url: str, options: MqttOptions, triggers: Triggers, trouble: Trouble
    ) -> None:
        self._address = parse_address("--mqtt", url, {"mqtt": 1883, "mqtts": 8883}, "mqtt://host")
        self._prefix = self._address.path or "golden"
        check_topic(self._prefix, [f"camera/{name}" for name in triggers.cameras])
        self._triggers, self._trouble = triggers, trouble
        self._since = time.time()
        self._last: float | None = None
        self._connected = threading.Event()
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, f"{options.client_id}-trigger")
        if self._address.username:
            self._client.username_pw_set(self._address.username, self._address.password)
        if (tls := make_tls(self._address.scheme, options)) is not None:
            self._client.tls_set_context(tls)
        self._client.on_connect = self._subscribe
        self._client.on_disconnect = self._note_lost
        self._client.on_connect_fail = self._note_lost
        self._client.on_message = self._take
        self._client.reconnect_delay_set(1, 30)
        self._client.connect_async(self._address.host, self._address.port, 30)
        self._client.loop_start()

    def state(self) -> ConnectionState:
        """Return how the broker is connected."""
        words = self._trouble.words
        state = "trouble" if words else "working" if self._connected.is_set() else "waiting"
        words = words or ("takes triggers" if state == "working" else "is being connected")
        name = f"{self._address.shown} (triggers)"
        return ConnectionState(name, "mqtt", state, self._since, self._last, 0, 0, 0, words)

    def close(self) -> None:
        """Take no more triggers."""
        self._client.on_disconnect = None
        self._client.disconnect()
        self._client.loop_stop()

    def _subscribe(self, client: Any, _: Any, __: Any, reason: Any, ___: Any) -> None:
        if reason.is_failure:
            self._trouble.begin(f"the broker refuses triggers: {reason}")
            return
        for camera in self._triggers.cameras:
            client.subscribe(f"{self._prefix}/camera/{camera}/trigger", qos=1)
        self._connected.set()
        self._since = time.time()
        self._trouble.end("triggers are taken again")

    def _note_lost(self, *_: Any) -> None:
        self._connected.clear()
        self._trouble.begin("the broker is not reached, so it brings no triggers")

    def _take(self, client: Any, _: Any, message: mqtt.MQTTMessage) -> None:
        """Have a camera take a picture."""
        if message.retain:
            return
        self._last = time.time()
        camera = message.topic.removeprefix(f"{self._prefix}/camera/").removesuffix("/trigger")
        request = message.payload[:1000].decode("utf-8", "replace")
        try:
            future = self._triggers.fire(camera, read_trigger(message.payload))
        except TriggerBusyError as error:
            self._answer(camera, {"error": str(error), "busy": error.busy, "request": request})
            return
        except (GoldenError, OSError, ValueError) as error:  # no database or disk: Health says so
            self._answer(camera, {"error": str(error), "request": request})
            return
        future.add_done_callback(lambda done: self._answer_done(camera, done, request))

    def _answer_done(self, camera: str, done: "Future[Record]", request: str) -> None:
        """Publish the verdict of a picture that was asked for."""
        error = done.exception()
        values = {"error": str(error)} if error else verdict_message(done.result())
        self._answer(camera, {**values, "request": request})

    def _answer(self, camera: str, values: dict[str, Any]) -> None:
        topic = f"{self._prefix}/camera/{camera}/answer"
        self._client.publish(topic, json.dumps(values, allow_nan=False), 1)


def read_trigger(payload: bytes) -> Trigger:
    """Return what a message says: serial number and job of a JSON object, nothing of other text.

    Raises:
        ValueError: one of them is no text, or too long.
    """
    try:
        values = json.loads(payload)
    except ValueError:
        return Trigger("mqtt")
    if not isinstance(values, dict):
        return Trigger("mqtt")
    texts = {name: values.get(name, "") for name in ("serial", "job")}
    for name, text in texts.items():
        if not isinstance(text, str):
            raise ValueError(f"a trigger's {name} must be a text in quotes; got {text!r:.60}")
    return Trigger("mqtt", texts["serial"], texts["job"])
