"""The runner: tasks and states on the cluster that this process has joined."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from goldensample.errors import RunnerError
from goldensample.ray_runner.cluster import RETRIES, Cluster
from goldensample.ray_runner.states import RayStates
from goldensample.ray_runner.worker import Failed, carry
from goldensample.runners import States

Shared = TypeVar("Shared")
Item = TypeVar("Item")
Result = TypeVar("Result")
State = TypeVar("State")
LOOKS = 64
"""After how many tasks the processors are counted again."""


class RayRunner:
    """A `Runner` on a cluster; each of its processors is a worker.

    Args:
        cluster: it.
    """

    threads = 1

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    @property
    def workers(self) -> int:
        """See `Runner.workers`: the processors that the cluster has by now, if any."""
        return max(1, int(self._cluster.ray.cluster_resources().get("CPU", 0)))

    @property
    def in_flight(self) -> int:
        """How many tasks may be on their way."""
        return 2 * self.workers

    def run(
        self, task: Callable[[Shared, Item], Result], shared: Shared, items: Iterable[Item]
    ) -> Iterator[Result]:
        """See `Runner.run`; `in_flight` items at most are on their way.

        Raises:
            RunnerError: the cluster's head was lost, or a task's worker was, too often.
        """
        cluster = self._cluster
        cluster.check()
        sent = cluster.put(task, shared)
        carried = cluster.ray.remote(num_cpus=1, max_retries=RETRIES)(carry)
        waiting: deque[Any] = deque()
        try:
            room = self.in_flight
            for number, item in enumerate(items, start=1):
                waiting.append(carried.remote(cluster.place, sent, item))
                if not number % LOOKS:  # a cluster may grow
                    room = self.in_flight
                while len(waiting) >= room:
                    yield self._result(waiting.popleft())
            while waiting:
                yield self._result(waiting.popleft())
        except RunnerError:
            waiting.clear()  # nobody is there to be told to stop
            raise
        finally:
            for left in waiting:
                with suppress(Exception):
                    cluster.ray.cancel(left)

    def _result(self, reference: Any) -> Any:
        """Wait for a result; raise what its task raised."""
        result = self._cluster.take(reference)
        if isinstance(result, Failed):
            raise result.error
        return result

    @contextmanager
    def keep(
        self, make: Callable[[Shared, Item], State], shared: Shared, items: Iterable[Item]
    ) -> Iterator[States[State]]:
        """See `Runner.keep`; a state is in the memory of one machine, never in the object store.

        Raises:
            RunnerError: the cluster's head was lost, or a state was, too often.
        """
        self._cluster.check()
        states = RayStates[State](self._cluster, self._cluster.put(make, shared), list(items))
        try:
            states.ask(_nothing, None)
            yield states
        finally:
            states.end()


def _nothing(state: object, message: None) -> None:
    """Do nothing: the state is made."""
