"""What is done in a worker: tasks, and states that are kept."""

import os
import socket
import traceback
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

from threadpoolctl import threadpool_limits

from goldensample._version import __version__
from goldensample.backbones.openvino import use_threads
from goldensample.errors import RunnerError


@dataclass(frozen=True, slots=True)
class Place:
    """Where a command is given.

    Args:
        folder: that paths start from.
        mark: a file in the folder that tasks write into, which shows that a machine sees it; "" for
            tasks that write into none.
        version: of this package.
    """

    folder: str
    mark: str
    version: str = __version__


@dataclass(frozen=True, slots=True)
class Failed:
    """What a task raised; Ray would wrap it in a type of its own."""

    error: Exception


_held: dict[Any, Any] = {}
"""The task and what is shared, of the one run that this worker works for."""


def carry(place: Place, sent: Any, item: Any) -> Any:
    """Do a task for an item.

    Args:
        place: where the command was given.
        sent: the task and what is shared, as `Cluster.put` gives it.
        item: what it is done for.

    Returns:
        Its result, or a `Failed`.
    """
    try:
        _enter(place)
        (run,) = sent
        if run not in _held:
            _held.clear()
            _held[run] = _unpacked(sent)
        task, shared = _held[run]
        return task(shared, item)
    except Exception as error:
        return Failed(_portable(error))


class Keeper:
    """A Ray actor that keeps a state."""

    def __init__(self) -> None:
        self._failed: Failed | None = None

    def make(self, place: Place, sent: Any, item: Any, told: list[Any]) -> None:
        """Make the state, and tell it again what it was told; `tell` says how that went.

        Args:
            place: where the command was given.
            sent: how it is made and what is shared, as `Cluster.put` gives it.
            item: what it is made from.
            told: tasks with their messages, each as `Cluster.send` gives it.
        """
        try:
            _enter(place)
            make, shared = _unpacked(sent)
            self._state = make(shared, item)
            for one in told:
                task, message = _unpacked(one)
                with suppress(Exception):  # that was raised the first time
                    task(self._state, message)
        except Exception as error:
            self._failed = Failed(_portable(error))

    def tell(self, sent: Any) -> Any:
        """Return the result of a task with its message, or a `Failed`."""
        if self._failed:
            return self._failed
        try:
            task, message = _unpacked(sent)
            return task(self._state, message)
        except Exception as error:
            return Failed(_portable(error))


def _unpacked(sent: Any) -> Any:
    """Return what `Cluster.put` or `Cluster.send` was given."""
    import ray

    return ray.cloudpickle.loads(sent) if isinstance(sent, bytes) else ray.get(sent[0])


def _enter(place: Place) -> None:
    """Go to the folder that paths start from, and make sure that this machine is as the others."""
    machine = socket.gethostname()
    if place.version != __version__:
        raise RunnerError(
            f"all machines must have the same goldensample; {machine} has {__version__}, the "
            f"command {place.version}; install the same"
        )
    seen = ((place.folder, place.folder), (os.path.dirname(place.mark), place.mark))
    for path, sign in seen if place.mark else ():
        if not os.path.exists(sign):
            raise RunnerError(
                f"all machines must see the same {path}; {machine} does not; share it, under the "
                "same path"
            )
    with suppress(FileNotFoundError):
        os.chdir(place.folder)
    _keep_to_one_thread()


@cache
def _keep_to_one_thread() -> None:
    """Take no more than the one processor that a task has, and give the same last bits anywhere."""
    use_threads(1)
    threadpool_limits(1, "blas")


def _portable(error: Exception) -> Exception:
    """Return an error that can be sent, with the worker's trace as a note."""
    import ray

    error.add_note(f"on {socket.gethostname()}:\n{''.join(traceback.format_exception(error))}")
    try:
        again = ray.cloudpickle.loads(ray.cloudpickle.dumps(error))
        if type(again) is type(error) and str(again) == str(error):
            return error
    except Exception:  # whatever an error of any library may do when it is packed
        pass
    return RuntimeError(f"{type(error).__name__}: {error}")
