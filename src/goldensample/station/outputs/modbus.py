"""Modbus TCP server with the last verdicts, for controllers; its coils are triggers."""

import asyncio
import logging
import struct
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial

from pymodbus.constants import ExcCodes
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from goldensample.errors import GoldenError
from goldensample.station.connection_state import ConnectionState
from goldensample.station.line.controller_image import ControllerImage
from goldensample.station.line.controller_words import ACKNOWLEDGE, TEXT_BYTES, WORDS, read_text
from goldensample.station.line.triggers import Trigger, TriggerBusyError, Triggers
from goldensample.station.outputs.addresses import parse_address
from goldensample.station.outputs.listening import check_free, listen_error
from goldensample.station.outputs.loop_thread import LoopThread
from goldensample.station.records.rows import Record

BLOCK = 100
"""Registers from one block to the next: of the station, then of each part and product in order."""
COILS = 64
TEXTS, TEXT_WORDS = 7000, TEXT_BYTES
"""First register that a controller writes before the first coil, each BLOCK later for the next one;
and how many: serial number, then job, each of half as many."""
REGISTERS = TEXTS + COILS * BLOCK
READ_COILS, READ_INPUTS, READ_REGISTERS = 1, 2, (3, 4)
WRITE_COILS, WRITE_REGISTERS = (5, 15), (6, 16)
START_S = 30.0
logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL + 1)  # we say what is wrong


class Modbus:
    """A server whose registers hold the last verdict; an `Output`.

    Input registers and holding registers are the same. See `controller_image` for the words.

    Args:
        url: modbus://host:port to listen on.
        image: what controllers read.
        triggers: cameras, one a coil.
        keys: returns the keys of parts and products, in the order of their blocks.

    Raises:
        ValueError: the URL is invalid.
        ArtifactError: the server cannot listen there.
    """

    def __init__(
        self,
        url: str,
        image: ControllerImage,
        triggers: Triggers,
        keys: Callable[[], list[str]],
    ) -> None:
        self._address = parse_address("--modbus", url, {"modbus": 502}, "modbus://host:port")
        self._image, self._triggers, self._keys = image, triggers, keys
        self._since, self._last_read = time.time(), 0.0
        self._running: set[int] = set()
        self._texts: dict[int, int] = {}
        check_free("Modbus server", self._address)
        self._loop = LoopThread("station-modbus")
        try:
            self._loop.run(self._open()).result(START_S)
        except (OSError, TimeoutError, RuntimeError) as error:
            self._loop.close()
            raise listen_error("Modbus server", self._address, error) from error

    def send(self, record: Record) -> None:
        """Do nothing: the image has the verdict already."""

    def test(self, record: Record) -> None:
        """Do nothing: the image has the test already."""

    def retry(self) -> int:
        """Return 0: a server refuses nothing."""
        return 0

    def state(self) -> ConnectionState:
        """Return how the server is: whether a controller reads it."""
        reads = time.time() - self._last_read < 10
        words = "is read by a controller" if reads else "no controller has read it for 10 s"
        last = self._last_read or None
        state = "working" if reads else "waiting"
        name = self._address.shown
        return ConnectionState(name, "modbus", state, self._since, last, 0, 0, 0, words)

    def close(self) -> None:
        """Stop the server."""
        self._loop.run(self._stop()).result(START_S)
        self._loop.close()

    async def _open(self) -> None:
        bits = [SimData(0, count=COILS, values=False, datatype=DataType.BITS)]
        words = [SimData(0, count=REGISTERS, values=0, datatype=DataType.REGISTERS)]
        device = SimDevice(0, simdata=(bits, bits, words, words), action=self._act)
        address = (self._address.host, self._address.port)
        self._server = ModbusTcpServer(device, address=address)
        await self._server.serve_forever(background=True)

    async def _stop(self) -> None:
        await self._server.shutdown()  # type: ignore[no-untyped-call]

    async def _act(
        self,
        function: int,
        start: int,
        address: int,
        count: int,
        current: list[int],
        values: list[int] | list[bool] | None,
    ) -> ExcCodes | None:
        """Fill what is read, and do what is written; called before each answer."""
        if not self._last_read:
            self._since = time.time()
        self._last_read = time.time()
        if values is None and function in READ_REGISTERS:
            self._fill(address, count, current)
        elif values is None and function == READ_INPUTS:
            current[0] = self._image.words()[1]
        elif values is None and function == READ_COILS:
            for word in range(COILS // 16):
                current[word] = sum(1 << coil % 16 for coil in self._running if coil // 16 == word)
        elif function in WRITE_COILS and values is not None:
            return await self._trigger([address + n for n, value in enumerate(values) if value])
        elif function in WRITE_REGISTERS and values is not None:
            return self._take(address, [int(value) for value in values])
        return None

    def _fill(self, address: int, count: int, current: list[int]) -> None:
        """Write the words that are read."""
        keys = ["", *self._keys()][: TEXTS // BLOCK]
        for block in range(address // BLOCK, (address + count - 1) // BLOCK + 1):
            if block < len(keys):
                start = block * BLOCK
                current[start : start + WORDS] = self._image.words(keys[block])
        for register in range(max(address, TEXTS), address + count):
            current[register] = self._texts.get(register, 0)

    def _take(self, address: int, values: list[int]) -> ExcCodes | None:
        """Take an acknowledgement, or serial number and job of a part that is triggered next."""
        if address == ACKNOWLEDGE and len(values) == 1:
            self._image.acknowledge(values[0])
            return None
        coil, offset = divmod(address - TEXTS, BLOCK)
        if not 0 <= coil < len(self._triggers.cameras) or offset + len(values) > TEXT_WORDS:
            return ExcCodes.ILLEGAL_ADDRESS
        self._texts.update(enumerate(values, address))
        return None

    async def _trigger(self, coils: list[int]) -> ExcCodes | None:
        """Trigger the camera of a coil, for the part of which its registers speak.

        They are empty then, so that they are not taken for the part after it.
        """
        cameras = self._triggers.cameras
        if any(coil >= len(cameras) for coil in coils):
            return ExcCodes.ILLEGAL_ADDRESS
        if len(coils) > 1:
            return ExcCodes.ILLEGAL_VALUE  # which of them was busy could not be answered
        for coil in coils:
            registers = range(TEXTS + coil * BLOCK, TEXTS + coil * BLOCK + TEXT_WORDS)
            words = [self._texts.get(register, 0) for register in registers]
            data = struct.pack(f">{TEXT_WORDS}H", *words)
            try:
                serial, job = read_text(data[:TEXT_BYTES]), read_text(data[TEXT_BYTES:])
                trigger = Trigger("modbus", serial, job)
                future = await asyncio.to_thread(self._triggers.fire, cameras[coil], trigger)
            except ValueError:
                return ExcCodes.ILLEGAL_VALUE
            except TriggerBusyError:
                return ExcCodes.DEVICE_BUSY
            except (GoldenError, OSError):  # no database or disk: Health says so
                return ExcCodes.DEVICE_FAILURE
            for register in registers:
                self._texts.pop(register, None)
            self._running.add(coil)
            future.add_done_callback(partial(self._end, coil))
        return None

    def _end(self, coil: int, _: "Future[Record]") -> None:
        """Show that the picture of a coil has its verdict."""
        self._running.discard(coil)
