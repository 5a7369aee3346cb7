"""Connection to a Ray cluster: sends values to it and waits for results."""

import socket
from dataclasses import dataclass
from typing import Any

from goldensample.errors import RunnerError
from goldensample.ray_runner.worker import JobEnvironment, TaskError

RETRIES = 3
"""Number of retries after the loss of a worker or a machine."""
POLL_S, ANSWER_S, MAX_MISSED = 2.0, 2.0, 3
"""Seconds between checks of the head during a wait, timeout of a check, and number of consecutive
failed checks after which the head is lost."""
INLINE_BYTES = 2**16
"""Limit up to which values are sent with the call: four times as fast as the object store."""


class LostWorkerError(RunnerError):
    """A worker was lost with its state, possibly with its machine."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster that this process has joined.

    Args:
        ray: the library.
        head: host and port at which the cluster's head answers.
        environment: of the job.
    """

    ray: Any
    head: tuple[str, int]
    environment: JobEnvironment

    def check(self) -> None:
        """Check that the head answers: otherwise Ray waits, and then ends this process."""
        if not is_reachable(self.head):
            raise self._lost_head()

    def put(self, *values: Any) -> Any:
        """Return a reference to values in the object store, which stores them while it is alive."""
        return [self.ray.put(values)]  # in a list, or Ray would resolve the reference

    def send(self, *values: Any) -> Any:
        """Return values to be sent with a call: pickled, or in the object store; see `put`."""
        pack = self.ray.cloudpickle.dumps
        arrays: list[Any] = []
        packed = pack(values, protocol=5, buffer_callback=arrays.append)
        if len(packed) + sum(array.raw().nbytes for array in arrays) > INLINE_BYTES:
            return self.put(*values)
        return pack(values) if arrays else packed

    def wait_for(self, reference: Any) -> Any:
        """Wait for a result; a task's exception is returned as a `TaskError`.

        Raises:
            LostWorkerError: its worker was lost.
            RunnerError: the cluster's head was lost.
        """
        errors = self.ray.exceptions
        try:
            missed = 0
            while not self.ray.wait([reference], timeout=POLL_S, fetch_local=False)[0]:
                missed = 0 if is_reachable(self.head) else missed + 1
                if missed == MAX_MISSED:
                    raise self._lost_head()
            return self.ray.get(reference)
        except ConnectionError as error:
            raise self._lost_head(error) from error
        except errors.RayTaskError as error:  # around a task: its result cannot be sent
            return TaskError(error.cause)
        except errors.RayError as error:
            raise LostWorkerError(
                f"a task's worker must live until it is done; it was lost, and {RETRIES} at most "
                f"after it ({first_line(error)}); often memory is the reason"
            ) from error

    def _lost_head(self, error: Exception | None = None) -> RunnerError:
        reason = first_line(error) if error else "it does not answer"
        return RunnerError(
            f"the cluster's head, {self.head[0]}:{self.head[1]}, must stay until the end; it was "
            f"lost ({reason}); what was written is whole: start the cluster again and go on from "
            "there"
        )


def is_reachable(head: tuple[str, int]) -> bool:
    """Return whether a server answers at an address."""
    try:
        socket.create_connection(head, ANSWER_S).close()
        return True
    except (OSError, OverflowError):  # a port beyond 65535
        return False


def first_line(error: Exception) -> str:
    """Return the first line of an error's message."""
    return str(error).strip().partition("\n")[0]
