"""Siemens S7: a client that writes the last verdict into a data block, and reads requests there."""

import struct
import threading
import time
from contextlib import suppress
from urllib.parse import parse_qsl

from snap7.client import Client
from snap7.error import S7Error

from goldensample.station.connection_state import ConnectionState
from goldensample.station.line.controller_image import ControllerImage
from goldensample.station.line.controller_words import FIELDS, WORDS
from goldensample.station.line.triggers import Triggers
from goldensample.station.outputs.addresses import parse_address
from goldensample.station.outputs.s7_requests import (
    ANSWERED,
    BYTES,
    RESULTS,
    START,
    fire,
    read_request,
)
from goldensample.station.records.rows import Record
from goldensample.station.troubles import Trouble

FORM = "s7://host[:port]/DB?rack=0&slot=1"
POLL_S, BEAT_S, RETRY_S = 0.1, 0.5, 5.0
"""Seconds between two looks at the block, between two writes while nothing happens, and between two
attempts to connect."""
ANSWER_BYTE = 2 * FIELDS["requested"][0]
ERRORS = (S7Error, OSError, RuntimeError)


class S7:
    """Writes the image of the station into a data block; an `Output`.

    Byte 2·n of the block is word n of the image, see `controller_words`. What follows is read: the
    controller's acknowledgement and requests, see `s7_requests`. A request that is there already
    when the block is first read was written while the station was away, and is refused.

    Args:
        url: s7://host[:port]/DB, with rack and slot after a question mark.
        image: what controllers read.
        triggers: cameras that requests have take a picture.
        trouble: of reaching the controller.

    Raises:
        ValueError: the URL is invalid.
    """

    def __init__(
        self, url: str, image: ControllerImage, triggers: Triggers, trouble: Trouble
    ) -> None:
        base, _, query = url.partition("?")
        self._address = parse_address("--s7", base, {"s7": 102}, FORM)
        try:
            self._block = int(self._address.path.upper().removeprefix("DB"))
            places = {"rack": "0", "slot": "1", **dict(parse_qsl(query))}
            self._rack, self._slot = int(places.pop("rack")), int(places.pop("slot"))
            if places or not 1 <= self._block <= 65535:
                raise ValueError(f"{', '.join(places) or self._address.path}")
        except ValueError as error:
            raise ValueError(f"--s7 must be {FORM}; got {url!r} ({error})") from error
        self._image, self._triggers, self._trouble = image, triggers, trouble
        self._requested = 0
        self._written = 0.0
        self._client: Client | None = None
        self._last_success: float | None = None
        self._lost, self._shown = 0, image.shown
        self._change, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="station-s7", daemon=True)
        self._thread.start()

    def send(self, record: Record) -> None:
        """Have the verdict, which the image has already, written at once."""
        self._change.set()

    def test(self, record: Record) -> None:
        """Have the test, which the image has already, written at once."""
        self._change.set()

    def retry(self) -> int:
        """Return 0: a controller refuses no single verdict."""
        return 0

    def state(self) -> ConnectionState:
        """Return how the controller is reached; `lost` are verdicts that it never showed."""
        words = self._trouble.words or (
            "takes the last verdicts" if self._last_success else "is being connected"
        )
        state = "working" if self._last_success else "waiting"
        state = "trouble" if self._trouble.words else state
        since, name = self._trouble.since, f"{self._address.shown}"
        return ConnectionState(
            name, "s7", state, since, self._last_success, 0, self._lost, 0, words
        )

    def close(self) -> None:
        """Write the last verdict, and disconnect."""
        self._stop.set()
        self._change.set()
        self._thread.join()

    def _run(self) -> None:
        while True:
            stopping = self._stop.is_set()
            self._change.clear()
            try:
                client = self._client or self._connect()
                answered = self._answer(client)
                is_new = self._image.shown != self._shown
                if is_new or answered or stopping or time.monotonic() - self._written > BEAT_S:
                    self._write(client)
                self._trouble.end("takes verdicts again")
            except ERRORS as error:
                self._drop()
                self._trouble.begin(f"the controller is not reached: {error}")
                self._stop.wait(0 if stopping else RETRY_S)
            if stopping:
                break
            self._change.wait(POLL_S)
        self._drop()

    def _connect(self) -> Client:
        """Connect, and refuse a request that was written meanwhile.

        Raises:
            S7Error: the controller is away, or refuses.
        """
        client = Client()
        try:
            client.connect(self._address.host, self._rack, self._slot, self._address.port)
            data = bytes(client.db_read(self._block, ANSWER_BYTE, START + BYTES - ANSWER_BYTE))
        except ERRORS:
            client.disconnect()
            raise
        requested, result = struct.unpack_from(ANSWERED, data)
        number = read_request(data[-BYTES:]).number
        if number != self._requested:
            self._requested = number
            is_old = number == requested
            self._image.show_request(number, result if is_old else RESULTS["not now"])
        self._client = client
        return client

    def _answer(self, client: Client) -> bool:
        """Read what the controller writes, and do it; tell whether there was a request.

        Raises:
            S7Error: the controller is away, or refuses.
        """
        request = read_request(bytes(client.db_read(self._block, START, BYTES)))
        self._image.acknowledge_if_new(request.acknowledged)
        if request.number == self._requested:
            return False
        self._image.show_request(request.number, fire(self._triggers, request))
        self._requested = request.number
        return True

    def _write(self, client: Client) -> None:
        """Write the image.

        Raises:
            S7Error: the controller is away, or refuses.
        """
        shown = self._image.shown
        data = bytearray(struct.pack(f">{WORDS}H", *self._image.words()))
        client.db_write(self._block, 0, data)
        self._lost += max(shown - self._shown - 1, 0)  # the block has the newest alone
        self._shown = shown
        self._written, self._last_success = time.monotonic(), time.time()

    def _drop(self) -> None:
        """Disconnect; the next write connects anew."""
        client, self._client = self._client, None
        if client is not None:
            with suppress(*ERRORS):
                client.disconnect()
