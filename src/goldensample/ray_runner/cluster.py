"""A cluster that this process has joined: what is sent to it, and what is waited for from it."""

import socket
from dataclasses import dataclass
from typing import Any

from goldensample.errors import RunnerError
from goldensample.ray_runner.worker import Failed, Place

RETRIES = 3
"""How often what a lost worker or machine did is begun again."""
POLL_S, ANSWER_S, MISSED = 2.0, 2.0, 3
"""How long a result is waited for between looks at the head, how long the head has to answer, and
how often in a row it must not have answered to be called lost."""
SMALL_BYTES = 2**16
"""What is no larger travels with the call, which is four times as quick as the object store."""


class LostWorkerError(RunnerError):
    """A worker was lost, with what it had; its machine perhaps, too."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster that this process has joined.

    Args:
        ray: the library.
        head: host and port at which the cluster's head answers.
        place: where the command is given.
    """

    ray: Any
    head: tuple[str, int]
    place: Place

    def check(self) -> None:
        """Make sure that the head answers: else Ray would wait, and then end this process."""
        if not answers(self.head):
            raise self._lost("it does not answer")

    def put(self, *values: Any) -> Any:
        """Return what stands for values in the object store, which has them as long as it lives."""
        return [self.ray.put(values)]  # in a list, or Ray would hand over the values themselves

    def send(self, *values: Any) -> Any:
        """Return values as they travel with a call: packed, or in the object store; see `put`."""
        pack = self.ray.cloudpickle.dumps
        arrays: list[Any] = []
        packed = pack(values, protocol=5, buffer_callback=arrays.append)
        if len(packed) + sum(array.raw().nbytes for array in arrays) > SMALL_BYTES:
            return self.put(*values)
        return pack(values) if arrays else packed

    def take(self, reference: Any) -> Any:
        """Wait for a result; a task's exception is a `Failed`.

        Raises:
            LostWorkerError: its worker was lost.
            RunnerError: the cluster's head was lost.
        """
        errors = self.ray.exceptions
        try:
            missed = 0
            while not self.ray.wait([reference], timeout=POLL_S, fetch_local=False)[0]:
                missed = 0 if answers(self.head) else missed + 1
                if missed == MISSED:
                    raise self._lost("it does not answer")
            return self.ray.get(reference)
        except ConnectionError as error:
            raise self._lost(first_line(error)) from error
        except errors.RayTaskError as error:  # around a task: its result cannot be sent
            return Failed(error.cause)
        except errors.RayError as error:
            raise LostWorkerError(
                f"a task's worker must live until it is done; it was lost, and {RETRIES} at most "
                f"after it ({first_line(error)}); often memory is the reason"
            ) from error

    def _lost(self, why: str) -> RunnerError:
        return RunnerError(
            f"the cluster's head, {self.head[0]}:{self.head[1]}, must stay until the end; it was "
            f"lost ({why}); what was written is whole: start the cluster again and go on from there"
        )


def answers(head: tuple[str, int]) -> bool:
    """Return whether a head can be reached."""
    try:
        socket.create_connection(head, ANSWER_S).close()
        return True
    except (OSError, OverflowError):  # a port beyond 65535
        return False


def first_line(error: Exception) -> str:
    """Return the first line of what an error says."""
    return str(error).strip().partition("\n")[0]
