"""Controllers for tests: a Modbus client, and an S7 controller with a data block."""

import struct
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from pymodbus.client import ModbusTcpClient
from snap7.server import Server
from snap7.type import SrvArea

from goldensample.station.line.controller_words import ACKNOWLEDGE, WORDS

BLOCK_NUMBER = 10
LAYOUT = ">HHIHHffIHHHH32s32s32sHHH"
REQUEST_BYTE = 200


@dataclass(frozen=True)
class Block:
    """What a controller reads, by the table of the documentation."""

    heartbeat: int
    status: int
    number: int
    verdict: int
    error: int
    score: float
    limit: float
    milliseconds: int
    regions: int
    refused: int
    late: int
    version: int
    name: bytes
    serial: bytes
    job: bytes
    views: int
    requested: int
    result: int
    each_view: tuple[tuple[int, int, float], ...]

    def bit(self, number: int) -> bool:
        """Return a bit of the status word."""
        return bool(self.status >> number & 1)


def text_of(data: bytes) -> str:
    """Return a text of a block."""
    return data.rstrip(b"\0").decode()


def block_of(data: bytes) -> Block:
    """Read a block of 198 bytes."""
    head, views = struct.unpack(LAYOUT, data[:134]), struct.iter_unpack(">HHf", data[134:198])
    return Block(*head, tuple(views)[: head[-3]])


@contextmanager
def modbus_client(port: int) -> Iterator[ModbusTcpClient]:
    """Connect as a controller does."""
    with closing(ModbusTcpClient("127.0.0.1", port=port)) as client:
        assert client.connect()
        yield client


def read_modbus(client: ModbusTcpClient, start: int = 0) -> Block:
    """Read a block of input registers at once."""
    found = client.read_input_registers(start, count=WORDS, device_id=1)
    assert not found.isError(), found
    return block_of(struct.pack(f">{WORDS}H", *found.registers))


def acknowledge(client: ModbusTcpClient, number: int) -> None:
    """Write the low word of a verdict's number."""
    assert not client.write_register(ACKNOWLEDGE, number & 0xFFFF, device_id=1).isError()


@contextmanager
def s7_controller(port: int) -> Iterator[bytearray]:
    """Run an S7 server with a data block; give the block's bytes."""
    data, server = bytearray(268), Server()
    server.register_area(SrvArea.DB, BLOCK_NUMBER, data)
    server.start(tcp_port=port)
    try:
        yield data
    finally:
        server.stop()


def write_texts(client: ModbusTcpClient, serial: bytes, job: bytes, coil: int = 0) -> None:
    """Write serial number and job of the part that is triggered next."""
    words = struct.unpack(">32H", struct.pack(">32s32s", serial, job))
    written = client.write_registers(7000 + 100 * coil, list(words), device_id=1)
    assert not written.isError()


def request_s7(block: bytearray, number: int, camera: int, serial: bytes, job: bytes) -> None:
    """Ask for a picture as the program of an S7 does: the number last."""
    struct.pack_into(">H32s32s", block, REQUEST_BYTE + 2, camera, serial, job)
    struct.pack_into(">H", block, REQUEST_BYTE, number)


def acknowledge_s7(block: bytearray, number: int) -> None:
    """Write the low word of a verdict's number as the program of an S7 does."""
    struct.pack_into(">H", block, 2 * ACKNOWLEDGE, number & 0xFFFF)
