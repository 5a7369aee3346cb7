"""Siemens S7: a client that writes the last verdict into a data block of the controller."""

import struct
import threading
import time
from contextlib import suppress
from urllib.parse import parse_qsl

from snap7.client import Client
from snap7.error import S7Error

from goldensample.station.connection_state import ConnectionState
from goldensample.station.line.controller_image import ACKNOWLEDGE, WORDS, ControllerImage
from goldensample.station.outputs.addresses import parse_address
from goldensample.station.records.rows import Record
from goldensample.station.troubles import Trouble

FORM = "s7://host[:port]/DB?rack=0&slot=1"
BEAT_S, RETRY_S = 0.5, 5.0
"""Seconds between two writes while nothing happens, and between two attempts to connect."""
ERRORS = (S7Error, OSError, RuntimeError)


class S7:
    """Writes the image of the station into a data block; an `Output`.

    Byte 2·n of the block is word n of the image, see `controller_image`. The word after the image
    is read, as the controller's acknowledgement.

    Args:
        url: s7://host[:port]/DB, with rack and slot after a question mark.
        image: what controllers read.
        trouble: of reaching the controller.

    Raises:
        ValueError: the URL is invalid.
    """

    def __init__(self, url: str, image: ControllerImage, trouble: Trouble) -> None:
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
        self._image, self._trouble = image, trouble
        self._client: Client | None = None
        self._last_success: float | None = None
        self._lost, self._unsent = 0, 0
        self._lock = threading.Lock()
        self._change, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="station-s7", daemon=True)
        self._thread.start()

    def send(self, record: Record) -> None:
        """Have the verdict, which the image has already, written at once."""
        with self._lock:
            self._unsent += 1
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
            pause_s = BEAT_S
            try:
                self._write()
                self._trouble.end("takes verdicts again")
            except ERRORS as error:
                self._drop()
                self._trouble.begin(f"the controller is not reached: {error}")
                pause_s = RETRY_S
            if stopping:
                break
            if pause_s == RETRY_S:
                self._stop.wait(pause_s)
            else:
                self._change.wait(pause_s)
            self._change.clear()
        self._drop()

    def _write(self) -> None:
        """Write the image, and read the acknowledgement.

        Raises:
            S7Error: the controller is away, or refuses.
        """
        if self._client is None:
            client = Client()
            try:
                client.connect(self._address.host, self._rack, self._slot, self._address.port)
            except ERRORS:
                client.disconnect()
                raise
            self._client = client
        with self._lock:
            unsent, self._unsent = self._unsent, 0
        try:
            data = struct.pack(f">{WORDS}H", *self._image.words())
            self._client.db_write(self._block, 0, bytearray(data))
            answer = self._client.db_read(self._block, 2 * ACKNOWLEDGE, 2)
        except ERRORS:
            self._lost += unsent
            raise
        self._lost += max(unsent - 1, 0)  # the block has the newest alone
        self._image.acknowledge_if_new(int.from_bytes(answer, "big"))
        self._last_success = time.time()

    def _drop(self) -> None:
        """Disconnect; the next write connects anew."""
        client, self._client = self._client, None
        if client is not None:
            with suppress(*ERRORS):
                client.disconnect()
