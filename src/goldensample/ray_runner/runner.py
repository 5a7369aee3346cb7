"""A runner on a Ray cluster: tasks and states."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from goldensample.errors import RunnerError
from goldensample.ray_runner.cluster import RETRIES, Cluster
from goldensample.ray_runner.states import RayStates
from goldensample.ray_runner.worker import TaskError, run_task
from goldensample.runners import States

Shared = TypeVar("Shared")
Item = TypeVar("Item")
Result = TypeVar("Result")
State = TypeVar("State")
RECOUNT_EVERY = 64
"""Number of tasks after which the processors of the cluster are counted again."""


class RayRunner:
    """A `Runner` on a cluster; each of its processors is a worker.

    Args:
        cluster: of this process.
    """

    threads = 1

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    @property
    def workers(self) -> int:
        """See `Runner.workers`: the current number of processors of the cluster, at least 1."""
        return max(1, int(self._cluster.ray.cluster_resources().get("CPU", 0)))

    @property
    def in_flight(self) -> int:
        """Maximum number of submitted, unfinished tasks."""
        return 2 * self.workers

    def run(
        self, task: Callable[[Shared, Item], Result], shared: Shared, items: Iterable[Item]
    ) -> Iterator[Result]:
        """See `Runner.run`; at most `in_flight` items are submitted at a time.

        Raises:
            RunnerError: the cluster's head was lost, or a task's worker was, too often.
        """
        cluster = self._cluster
        cluster.check()
        payload = cluster.put(task, shared)
        remote_task = cluster.ray.remote(num_cpus=1, max_retries=RETRIES)(run_task)
        pending: deque[Any] = deque()
        try:
            limit = self.in_flight
            for number, item in enumerate(items, start=1):
                pending.append(remote_task.remote(cluster.environment, payload, item))
                if not number % RECOUNT_EVERY:  # a cluster may grow
                    limit = self.in_flight
                while len(pending) >= limit:
                    yield self._result(pending.popleft())
            while pending:
                yield self._result(pending.popleft())
        except RunnerError:
            pending.clear()  # no cluster is left to cancel them
            raise
        finally:
            for reference in pending:
                with suppress(Exception):
                    cluster.ray.cancel(reference)

    def _result(self, reference: Any) -> Any:
        """Wait for a result; raise what its task raised."""
        result = self._cluster.wait_for(reference)
        if isinstance(result, TaskError):
            raise result.error
        return result

    @contextmanager
    def create_states(
        self, make: Callable[[Shared, Item], State], shared: Shared, items: Iterable[Item]
    ) -> Iterator[States[State]]:
        """See `Runner.create_states`; each state is in the memory of one machine.

        Raises:
            RunnerError: the cluster's head was lost, or a state was, too often.
        """
        self._cluster.check()
        states = RayStates[State](self._cluster, self._cluster.put(make, shared), list(items))
        try:
            states.query(_no_operation, None)
            yield states
        finally:
            states.end()


def _no_operation(state: object, message: None) -> None:
    """Do nothing: waits until the state exists."""
