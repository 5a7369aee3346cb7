"""Tasks for runners, in a module that workers can import."""

import os
import signal
import time
from pathlib import Path

from goldensample.errors import ImageError


class Counted:
    """Shared by tasks; counts how often it is packed to be sent."""

    packed = 0

    def __getstate__(self):
        Counted.packed += 1
        return {"value": 7}


class TwoWordsError(Exception):
    """An error that cannot be sent: it is made of two words and keeps one."""

    def __init__(self, one, two):
        super().__init__(f"{one} {two}")


def times(shared, item):
    return shared * item


def identity(shared, item):
    time.sleep(0.05)
    return os.getpid(), id(shared)


def picky(shared, item):
    if item == 2:
        raise shared
    return item


def unsendable(shared, item):
    raise TwoWordsError("odd", "error")


def refuse(shared, item):
    raise ImageError(f"picture {item} must be whole; it is not")


def first_waits(folder, item):
    """Do all items but the first at once; the first when no other has come for a while."""
    marks = Path(folder)
    if item:
        (marks / str(item)).touch()
        return item
    seen = 0
    while not seen or len(list(marks.iterdir())) > seen:
        seen = len(list(marks.iterdir()))
        time.sleep(0.5)
    return seen


def die_once(folder, item):
    """Kill the worker at items 1 and 2, the first time."""
    mark = Path(folder) / str(item)
    if item in (1, 2) and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def die(shared, item):
    os.kill(os.getpid(), signal.SIGKILL)


def slowly(seconds, item):
    """Take the longer the larger the item; no time for 0."""
    time.sleep(seconds * item)
    return item
