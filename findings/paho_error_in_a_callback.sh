#!/bin/sh
# paho-mqtt 2.2.0: an error in on_message ends the client's thread, and the client says it is connected.
# A good guess: what a program raises while it takes a message is logged, and the next message comes; or the
# connection is lost, and on_disconnect says so. In fact the thread of loop_start ends with a traceback on
# stderr: on_disconnect is not called, is_connected() stays True and publish() still sends, but nothing is heard
# any more. (client.suppress_exceptions = True keeps the thread.)
# Guard in the product: whatever a trigger can raise is answered as an error; a test has the database away and
# wants the next trigger heard (tests/test_station_database.py, a_trigger_that_cannot_be_kept).
set -eu
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
python3.11 -m venv "$here/env"
"$here/env/bin/pip" install --quiet paho-mqtt==2.2.0
cat > "$here/broker.py" <<'EOF'
import socket
import threading
import time
from importlib.metadata import version

from paho.mqtt import client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

listener = socket.create_server(("127.0.0.1", 0))
sent = bytearray()


def broker():
    """Speak the little MQTT 3.1.1 that is needed: two messages of quality 0 to who subscribes."""
    peer, _ = listener.accept()
    peer.recv(1000)
    peer.sendall(b"\x20\x02\x00\x00")  # the connection is accepted
    peer.recv(1000)
    peer.sendall(b"\x90\x03\x00\x01\x00")  # the subscription, too
    for text in (b"1", b"2"):
        peer.sendall(b"\x30\x04\x00\x01t" + text)
        time.sleep(0.5)
    while data := peer.recv(1000):
        sent.extend(data)


threading.Thread(target=broker, daemon=True).start()
heard, lost = [], []


def take(client, _, message):
    heard.append(message.payload)
    raise LookupError("an error of the program")


client = mqtt.Client(CallbackAPIVersion.VERSION2)
client.on_connect = lambda client, *_: client.subscribe("t")
client.on_message = take
client.on_disconnect = lambda *_: lost.append(1)
client.connect("127.0.0.1", listener.getsockname()[1])
client.loop_start()
time.sleep(3)
result = client.publish("answer", "3")
time.sleep(1)
threads = [one.name for one in threading.enumerate() if "paho" in one.name]
print(version("paho-mqtt"), "heard", heard, "of two; connected:", client.is_connected(), end="; ")
print("on_disconnect:", bool(lost), "threads:", threads, "publish:", result.rc, "sent:", bytes(sent))
assert heard == [b"1"]
assert client.is_connected()
assert not lost
assert not threads
assert result.rc == mqtt.MQTT_ERR_SUCCESS
assert b"answer3" in sent
EOF
"$here/env/bin/python" "$here/broker.py"
