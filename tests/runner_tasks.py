"""Tasks for runners, in a module that workers can import."""

import os
import signal
import threading
import time
from pathlib import Path

from goldensample.errors import ImageError


class PickleCounter:
    """Shared by tasks; counts how often it is pickled."""

    count = 0

    def __getstate__(self):
        PickleCounter.count += 1
        return {"value": 7}


class TwoWordsError(Exception):
    """An error that cannot be unpickled: it takes two arguments and stores one."""

    def __init__(self, first, second):
        super().__init__(f"{first} {second}")


def multiply(shared, item):
    return shared * item


def identify(shared, item):
    time.sleep(0.05)
    return os.getpid(), id(shared)


def raise_at_two(shared, item):
    if item == 2:
        raise shared
    return item


def raise_unpicklable(shared, item):
    raise TwoWordsError("odd", "error")


def raise_image_error(shared, item):
    raise ImageError(f"picture {item} must be whole; it is not")


def first_waits(folder, item):
    """Do all items but the first at once; the first when no other has come for a while."""
    marks = Path(folder)
    if item:
        (marks / str(item)).touch()
        return item
    count = 0
    while not count or len(list(marks.iterdir())) > count:
        count = len(list(marks.iterdir()))
        time.sleep(0.5)
    return count


def die_once(folder, item):
    """Kill the worker at items 1 and 2, the first time."""
    mark = Path(folder) / str(item)
    if item in (1, 2) and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return item


def die(shared, item):
    os.kill(os.getpid(), signal.SIGKILL)


def sleep_items(seconds, item):
    """Do item 0 at once, and no other."""
    time.sleep(seconds * item)
    return item


def mark_and_wait(folder, name):
    """Write a file with the ID of this node, and wait for the file `go`."""
    import ray

    mark = Path(folder) / f"{name}-{os.getpid()}"
    mark.with_suffix(".part").write_text(ray.get_runtime_context().get_node_id())
    mark.with_suffix(".part").rename(mark)
    while not (Path(folder) / "go").exists():
        time.sleep(0.02)


def wait_at_others(folder, item):
    if item:
        mark_and_wait(folder, "task")
    return item


def make_list(shared, item):
    """Create a state: a list."""
    return [shared, item]


def add(state, message):
    state.append(message)
    return sum(state)


def wait_and_add(state, folder):
    mark_and_wait(folder, "state")
    return add(state, 1)


def append_and_fail(state, message):
    """Change the state, then fail in the states of items 1 and 2."""
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


def items_of(state, message):
    return list(state)


def process_id(state, message):
    return os.getpid()


def scale_index(state, message):
    return message * state[1]


def unpicklable(state, message):
    """Return what cannot be pickled."""
    return threading.Lock()


def wait(state, seconds):
    time.sleep(seconds)
