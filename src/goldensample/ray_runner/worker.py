"""Executed in a worker process: tasks, and actors that hold states."""

import os
import socket
import traceback
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any

from threadpoolctl import threadpool_limits

from goldensample._version import __version__
from goldensample.errors import RunnerError
from goldensample.native import threads


@dataclass(frozen=True, slots=True)
class JobEnvironment:
    """The environment of a job.

    Args:
        folder: working directory of the command.
        marker: a file in the output folder, which shows that a machine shares the folder; "" for
            tasks without an output folder.
        version: of this package.
    """

    folder: str
    marker: str
    version: str = __version__


@dataclass(frozen=True, slots=True)
class TaskError:
    """An exception of a task; Ray would wrap it in another type."""

    error: Exception


_cached_task: dict[Any, Any] = {}
"""The unpacked task and shared value of the current run of this worker."""


def run_task(environment: JobEnvironment, payload: Any, item: Any) -> Any:
    """Run a task on an item.

    Args:
        environment: of the job.
        payload: the task and its shared value, from `Cluster.put`.
        item: argument of the task.

    Returns:
        Its result, or a `TaskError`.
    """
    try:
        _enter_environment(environment)
        (reference,) = payload
        if reference not in _cached_task:
            _cached_task.clear()
            _cached_task[reference] = _unpack(payload)
        task, shared = _cached_task[reference]
        return task(shared, item)
    except Exception as error:
        return TaskError(_make_picklable(error))


class StateActor:
    """A Ray actor that holds a state."""

    def __init__(self) -> None:
        self._error: TaskError | None = None

    def make(
        self, environment: JobEnvironment, payload: Any, item: Any, history: list[Any]
    ) -> None:
        """Make the state, and replay its history; errors are returned by `call`.

        Args:
            environment: of the job.
            payload: the factory and its shared value, from `Cluster.put`.
            item: argument of the factory.
            history: tasks with their messages, each from `Cluster.send`.
        """
        try:
            _enter_environment(environment)
            make, shared = _unpack(payload)
            self._state = make(shared, item)
            for entry in history:
                task, message = _unpack(entry)
                with suppress(Exception):  # it was raised the first time
                    task(self._state, message)
        except Exception as error:
            self._error = TaskError(_make_picklable(error))

    def call(self, payload: Any) -> Any:
        """Return the result of a task on a message, or a `TaskError`."""
        if self._error:
            return self._error
        try:
            task, message = _unpack(payload)
            return task(self._state, message)
        except Exception as error:
            return TaskError(_make_picklable(error))


def _unpack(payload: Any) -> Any:
    """Return the arguments of `Cluster.put` or `Cluster.send`."""
    import ray

    return ray.cloudpickle.loads(payload) if isinstance(payload, bytes) else ray.get(payload[0])


def _enter_environment(environment: JobEnvironment) -> None:
    """Change to the working directory, and check that this machine has the job's environment."""
    host = socket.gethostname()
    if environment.version != __version__:
        raise RunnerError(
            f"all machines must have the same goldensample; {host} has {__version__}, the "
            f"command {environment.version}; install the same"
        )
    checks = (
        (environment.folder, environment.folder),
        (os.path.dirname(environment.marker), environment.marker),
    )
    for path, required in checks if environment.marker else ():
        if not os.path.exists(required):
            raise RunnerError(
                f"all machines must see the same {path}; {host} does not; share it, under the "
                "same path"
            )
    with suppress(FileNotFoundError):
        os.chdir(environment.folder)
    _limit_threads()


@cache
def _limit_threads() -> None:
    """Limit the task to one thread, which also makes results bit-identical on any machine."""
    threads.use_threads(1)
    threadpool_limits(1, "blas")


def _make_picklable(error: Exception) -> Exception:
    """Return a picklable error, with the worker's traceback as a note."""
    import ray

    error.add_note(f"on {socket.gethostname()}:\n{''.join(traceback.format_exception(error))}")
    try:
        copy = ray.cloudpickle.loads(ray.cloudpickle.dumps(error))
        if type(copy) is type(error) and str(copy) == str(error):
            return error
    except Exception:  # whatever an error of any library may do when it is packed
        pass
    return RuntimeError(f"{type(error).__name__}: {error}")
