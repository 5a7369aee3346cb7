"""Triggers of a Siemens S7: requests that the controller writes into its data block."""

import struct
from dataclasses import dataclass

from goldensample.errors import GoldenError
from goldensample.station.line.controller_words import ACKNOWLEDGE, TEXT_BYTES, read_text
from goldensample.station.line.triggers import Trigger, TriggerBusyError, Triggers

START = 2 * ACKNOWLEDGE
"""First byte that the controller writes."""
KIND = f">HHH{TEXT_BYTES}s{TEXT_BYTES}s"
"""Acknowledgement, number of the request, camera, serial number and job."""
BYTES = struct.calcsize(KIND)
ANSWERED = ">HH"
"""What the block says at `requested`: number of the last request, and what became of it."""
RESULTS = {"none": 0, "taken": 1, "busy": 2, "no camera": 3, "not now": 4, "text": 5}
"""What became of a request. "not now": it was written while the station was away, or the station
cannot keep a part now. "text": serial number or job is not in ASCII."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a controller has written; a request is a number other than that of the last one."""

    acknowledged: int
    number: int
    camera: int
    serial: bytes
    job: bytes


def read_request(data: bytes) -> Request:
    """Return what the bytes from START on say."""
    return Request(*struct.unpack(KIND, data))


def fire(triggers: Triggers, request: Request) -> int:
    """Have a camera take a picture; return what became of the request, see RESULTS.

    Args:
        triggers: cameras, the first of which has the number 0.
        request: of the controller.
    """
    cameras = triggers.cameras
    if request.camera >= len(cameras):
        return RESULTS["no camera"]
    try:
        trigger = Trigger("s7", read_text(request.serial), read_text(request.job))
        triggers.fire(cameras[request.camera], trigger)
    except ValueError:
        return RESULTS["text"]
    except TriggerBusyError:
        return RESULTS["busy"]
    except (GoldenError, OSError):
        return RESULTS["not now"]
    return RESULTS["taken"]
