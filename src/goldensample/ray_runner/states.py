"""States in Ray actors, one each; a lost one is made again and its history replayed."""

from collections.abc import Callable
from threading import Lock
from typing import Any, Generic, TypeVar

from goldensample.ray_runner.cluster import RETRIES, Cluster, LostWorkerError, is_reachable
from goldensample.ray_runner.worker import StateActor, TaskError

State = TypeVar("State")
Message = TypeVar("Message")
Result = TypeVar("Result")


class RayStates(Generic[State]):
    """See `States`. All exist when the first call returns.

    Calls of several threads are serialised. Messages are stored in this process, or large ones in
    its object store, as long as the states exist: for replay after a loss.

    Args:
        cluster: of the actors.
        factory: of a state, and its shared value, from `Cluster.put`.
        items: argument of the factory for each state.
    """

    def __init__(self, cluster: Cluster, factory: Any, items: list[Any]) -> None:
        self._cluster, self._factory, self._items = cluster, factory, items
        self._history: list[Any] = []
        self._lock = Lock()
        # no CPU: none may be free after a loss
        self._actor_class = cluster.ray.remote(num_cpus=0)(StateActor)
        self._actors: list[Any] = [None] * len(items)
        for number in range(len(items)):
            self._start_actor(number)

    def __len__(self) -> int:
        return len(self._items)

    def update(self, task: Callable[[State, Message], Result], message: Message) -> list[Result]:
        """See `States.update`.

        Raises:
            RunnerError: a state was lost too often, or the cluster's head was.
        """
        with self._lock:
            payload = self._cluster.send(task, message)
            try:
                return self._call_all(payload)
            finally:
                self._history.append(payload)

    def query(self, task: Callable[[State, Message], Result], message: Message) -> list[Result]:
        """See `States.query`; raises what `update` does."""
        with self._lock:
            return self._call_all(self._cluster.send(task, message))

    def end(self) -> None:
        """Release the states and their history."""
        if is_reachable(self._cluster.head):
            for actor in self._actors:
                self._cluster.ray.kill(actor)
        self._actors, self._history, self._factory = [], [], None

    def _start_actor(self, number: int) -> None:
        """Start the actor of a state on a machine that is alive."""
        strategies, nodes = self._cluster.ray.util.scheduling_strategies, self._nodes()
        node = nodes[number % len(nodes)]
        # a soft affinity may be ignored
        strategy = strategies.NodeAffinitySchedulingStrategy(node, soft=False)
        actor = self._actor_class.options(scheduling_strategy=strategy).remote()
        actor.make.remote(
            self._cluster.environment, self._factory, self._items[number], self._history
        )
        self._actors[number] = actor

    def _nodes(self) -> list[str]:
        """List a node for each processor, round robin, so that few states spread over machines."""
        alive = [node for node in self._cluster.ray.nodes() if node["Alive"]]
        counts = sorted((int(n["Resources"].get("CPU", 0)), n["NodeID"]) for n in alive)
        max_count = counts[-1][0]
        if not max_count:  # none has a processor: any will do
            return [node for _, node in counts]
        return [node for turn in range(max_count) for count, node in counts[::-1] if count > turn]

    def _call_all(self, payload: Any) -> list[Any]:
        """Call all states, and again those that were lost; raise the first error."""
        answers: dict[int, Any] = {}
        for retries_left in range(RETRIES, -1, -1):
            pending = {
                number: self._actors[number].call.remote(payload)
                for number in range(len(self))
                if number not in answers
            }
            for number in list(pending):
                try:
                    answers[number] = self._cluster.wait_for(pending.pop(number))
                except LostWorkerError:
                    if not retries_left:
                        raise
                    self._cluster.check()
                    self._cluster.ray.kill(self._actors[number])
                    self._start_actor(number)
        results = [answers[number] for number in range(len(self))]
        for result in results:
            if isinstance(result, TaskError):
                raise result.error
        return results
