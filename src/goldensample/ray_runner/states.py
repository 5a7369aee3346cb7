"""States in Ray actors, one each; a lost one is made again and told again all that it was told."""

from collections.abc import Callable
from threading import Lock
from typing import Any, Generic, TypeVar

from goldensample.ray_runner.cluster import RETRIES, Cluster, LostWorkerError, answers
from goldensample.ray_runner.worker import Failed, Keeper

State = TypeVar("State")
Message = TypeVar("Message")
Result = TypeVar("Result")


class RayStates(Generic[State]):
    """See `States`. All are made when the first answer is given.

    Several threads may speak; they take turns. What is told is kept in this process, or where it
    is large in its object store, as long as the states are: to be told again.

    Args:
        cluster: what keeps them.
        made: how a state is made and what is shared, as `Cluster.put` gives it.
        items: what each is made from.
    """

    def __init__(self, cluster: Cluster, made: Any, items: list[Any]) -> None:
        self._cluster, self._made, self._items = cluster, made, items
        self._told: list[Any] = []
        self._lock = Lock()
        kind = cluster.ray.remote(num_cpus=0)(Keeper)  # none to be had after a loss: no waiting
        self._kind = kind
        self._actors: list[Any] = [None] * len(items)
        for number in range(len(items)):
            self._begin(number)

    def __len__(self) -> int:
        return len(self._items)

    def tell(self, task: Callable[[State, Message], Result], message: Message) -> list[Result]:
        """See `States.tell`.

        Raises:
            RunnerError: a state was lost too often on the way, or the cluster's head was.
        """
        with self._lock:
            sent = self._cluster.send(task, message)
            try:
                return self._answers(sent)
            finally:
                self._told.append(sent)

    def ask(self, task: Callable[[State, Message], Result], message: Message) -> list[Result]:
        """See `States.ask`; raises what `tell` does."""
        with self._lock:
            return self._answers(self._cluster.send(task, message))

    def end(self) -> None:
        """Give up the states, and all that was told."""
        if answers(self._cluster.head):
            for actor in self._actors:
                self._cluster.ray.kill(actor)
        self._actors, self._told, self._made = [], [], None

    def _begin(self, number: int) -> None:
        """Make a state, on a machine that is there."""
        strategies, nodes = self._cluster.ray.util.scheduling_strategies, self._nodes()
        place = nodes[number % len(nodes)]
        there = strategies.NodeAffinitySchedulingStrategy(place, soft=False)  # soft goes astray
        actor = self._kind.options(scheduling_strategy=there).remote()
        actor.make.remote(self._cluster.place, self._made, self._items[number], self._told)
        self._actors[number] = actor

    def _nodes(self) -> list[str]:
        """List a node for each processor, in turns, so that few states are on many machines."""
        found = [node for node in self._cluster.ray.nodes() if node["Alive"]]
        counts = sorted((int(n["Resources"].get("CPU", 0)), n["NodeID"]) for n in found)
        most = counts[-1][0]
        if not most:  # none has a processor: any will do
            return [node for _, node in counts]
        return [node for turn in range(most) for count, node in counts[::-1] if count > turn]

    def _answers(self, sent: Any) -> list[Any]:
        """Tell all states, and again those that were lost; raise what the first one raised."""
        found: dict[int, Any] = {}
        for left in range(RETRIES, -1, -1):
            waiting = {
                number: self._actors[number].tell.remote(sent)
                for number in range(len(self))
                if number not in found
            }
            for number in list(waiting):
                try:
                    found[number] = self._cluster.take(waiting.pop(number))
                except LostWorkerError:
                    if not left:
                        raise
                    self._cluster.check()
                    self._cluster.ray.kill(self._actors[number])
                    self._begin(number)
        results = [found[number] for number in range(len(self))]
        for result in results:
            if isinstance(result, Failed):
                raise result.error
        return results
