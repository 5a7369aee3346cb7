"""Tasks for runners, in a module that workers can import."""

import os
import signal
import threading
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


def forever(seconds, item):
    """Do item 0 at once, and no other."""
    time.sleep(seconds * item)
    return item


def begin(folder, name):
    """Leave a mark with this machine's name in it, and wait to be told to go on."""
    import ray

    mark = Path(folder) / f"{name}-{os.getpid()}"
    mark.with_suffix(".part").write_text(ray.get_runtime_context().get_node_id())
    mark.with_suffix(".part").rename(mark)
    while not (Path(folder) / "go").exists():
        time.sleep(0.02)


def held_up(folder, item):
    if item:
        begin(folder, "task")
    return item


def listed(shared, item):
    """Make a state: a list."""
    return [shared, item]


def add(state, message):
    state.append(message)
    return sum(state)


def held_up_add(state, folder):
    begin(folder, "state")
    return add(state, 1)


def stumble(state, message):
    """Change the state, and fail in those of items 1 and 2."""
    state.append(message)
    if state[1] in (1, 2):
        raise KeyError(state[1])


def die_once_add(state, message):
    """Kill the worker of item 1, the first time."""
    mark, value = Path(message[0]), message[1]
    if state[1] == 1 and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return add(state, value)


def content(state, message):
    return list(state)


def process(state, message):
    return os.getpid()


def scaled(state, message):
    return message * state[1]


def locked(state, message):
    """Return what cannot be sent."""
    return threading.Lock()


def wait(state, seconds):
    time.sleep(seconds)
