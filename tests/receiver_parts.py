"""All receivers of a station at once, for tests: controllers, a broker and a web server."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from asyncua import Client
from controller_parts import Block, s7_controller
from output_parts import broker, connection, hook, listener
from station_parts import StationProcess, free_port

Told = tuple[int, str, str]
"""Number, verdict and serial number of a part, as a receiver got it."""


def told_of(message: dict) -> Told:
    """Return what a message says of a part."""
    return message["record"], message["verdict"], message["serial"]


def answer_of(block: Block) -> tuple[int, int, int, bytes, tuple]:
    """Return what a controller reads of a part."""
    return block.number, block.verdict, block.error, block.serial, block.each_view


class Receivers:
    """A Modbus client, an S7 controller, an OPC UA client, a subscriber of a broker, a web server.

    Args:
        stack: closes them.
        folder: for the broker's files.
        key: of the part or product whose verdicts they are told.
    """

    def __init__(self, stack: ExitStack, folder: Path, key: str) -> None:
        ports = [stack.enter_context(free_port()) for _ in range(5)]
        self.modbus_port, s7, opcua, mqtt, web = ports
        self.endpoint = f"opc.tcp://127.0.0.1:{opcua}"
        self.block = stack.enter_context(s7_controller(s7))
        stack.enter_context(broker(folder, mqtt))
        self.messages = stack.enter_context(listener(mqtt, f"line/{key}/verdict"))
        self.hook = stack.enter_context(hook(web))
        self.options = ["--modbus", f"modbus://127.0.0.1:{self.modbus_port}"]
        self.options += ["--s7", f"s7://127.0.0.1:{s7}/DB10", "--opcua", self.endpoint]
        self.options += ["--mqtt", f"mqtt://127.0.0.1:{mqtt}/line"]
        self.options += ["--webhook", f"http://127.0.0.1:{web}/"]

    def published(self) -> list[Told]:
        """Return what the broker got."""
        return [told_of(json.loads(one.payload)) for one in self.messages]

    def posted(self) -> list[Told]:
        """Return what the web server got."""
        return [told_of(one) for one in self.hook.taken]


def has_delivered(station: StationProcess) -> bool:
    """Tell whether nothing waits for broker or web server."""
    kinds = ("mqtt", "webhook")
    return not any(connection(station.client, kind)["waiting"] for kind in kinds)


class OpcUaReader:
    """Notes each message of a part or product that a subscription brings."""

    def __init__(self) -> None:
        self.seen: list[Told] = []

    def datachange_notification(self, node, value, data) -> None:
        """Take a message; the server has none before the first."""
        if value:
            self.seen.append(told_of(json.loads(value)))


@contextmanager
def opcua_reader(endpoint: str, key: str) -> Iterator[OpcUaReader]:
    """Subscribe to the messages of a part or product."""
    reader, ended = OpcUaReader(), threading.Event()

    async def read() -> None:
        async with Client(endpoint) as client:
            space = await client.get_namespace_index("urn:goldensample:station")
            node = client.get_node(f"ns={space};s={key}.Message")
            subscription = await client.create_subscription(20, reader)
            await subscription.subscribe_data_change(node, queuesize=100)
            await asyncio.to_thread(ended.wait)

    thread = threading.Thread(target=lambda: asyncio.run(read()), daemon=True)
    thread.start()
    try:
        yield reader
    finally:
        ended.set()
        thread.join()
