"""What is done in a worker: tasks, and states that are kept."""

import os
import socket
import traceback
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

from threadpoolctl import threadpool_limits

from goldensample.backbones.openvino import use_threads
from goldensample.errors import RunnerError


@dataclass(frozen=True, slots=True)
class Failed:
    """What a task raised; Ray would wrap it in a type of its own."""

    error: Exception


_held: dict[Any, Any] = {}
"""The task and what is shared, of the one run that this worker works for."""


def carry(place: tuple[str, str], sent: Any, item: Any) -> Any:
    """Do a task for an item.

    Args:
        place: see `Cluster`.
        sent: the task and what is shared, as `Cluster.put` gives it.
        item: what it is done for.

    Returns:
        Its result, or a `Failed`.
    """
    try:
        _enter(*place)
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

    def make(self, place: tuple[str, str], sent: Any, item: Any, told: list[Any]) -> None:
        """Make the state, and tell it again what it was told; `tell` says how that went.

        Args:
            place: see `Cluster`.
            sent: how it is made and what is shared, as `Cluster.put` gives it.
            item: what it is made from.
            told: tasks with their messages, each as `Cluster.send` gives it.
        """
        self._failed: Failed | None = None
        try:
            _enter(*place)
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


def _enter(folder: str, mark: str) -> None:
    """Go to the folder that paths start from, and make sure that the output is shared."""
    for path, seen in ((folder, folder), (os.path.dirname(mark), mark)):
        if not os.path.exists(seen):
            raise RunnerError(
                f"all machines must see the same {path}; {socket.gethostname()} does not; share "
                "it, under the same path"
            )
    os.chdir(folder)
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
