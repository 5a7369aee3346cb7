"""Runners: carry out tasks in this process, or behind the same interface on other machines."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Generic, Protocol, TypeVar

Shared = TypeVar("Shared")
Item = TypeVar("Item")
Result = TypeVar("Result")
State = TypeVar("State")
State_co = TypeVar("State_co", covariant=True)
Message = TypeVar("Message")


class States(Protocol[State_co]):
    """Stateful workers (actors), such as shards of data, each on the machine that created it."""

    def __len__(self) -> int:
        """Return the number of states."""

    def update(self, task: Callable[[State_co, Message], Result], message: Message) -> list[Result]:
        """Return `task(state, message)` of every state, in order; it may change its state.

        The task depends on its arguments alone and does not change the message. A state that is
        lost with its machine is created again, and all its updates are replayed in order. Where a
        task raises an exception, the other states are updated all the same.

        Args:
            task: a function of a module.
            message: the same for all states; it is sent once.

        Raises:
            Exception: what a task raised, of its own type; of several, the first state's.
        """

    def query(self, task: Callable[[State_co, Message], Result], message: Message) -> list[Result]:
        """Return `task(state, message)` of every state, in order; it changes nothing.

        See `update`; queries are not replayed for a state that is created again. Several threads
        may query at a time.
        """


class Runner(Protocol):
    """Carries out a task for many items, on this machine or others.

    Where it runs changes no result. So a task depends on its two arguments alone and changes
    neither (it may cache in `shared` what all items need, such as a compiled network), and it may
    run twice where a machine was lost.
    """

    @property
    def threads(self) -> int:
        """How many threads a task should use; 0 for all of the machine."""

    @property
    def workers(self) -> int:
        """How many tasks run at a time, at least 1."""

    def run(
        self, task: Callable[[Shared, Item], Result], shared: Shared, items: Iterable[Item]
    ) -> Iterator[Result]:
        """Yield `task(shared, item)` for each item, in order.

        Args:
            task: a function of a module.
            shared: the same for all items; it is sent once.
            items: consumed one by one as workers become free: no more are in flight than the
                runner can work on, whether results are consumed or not.

        Raises:
            Exception: what a task raised, with its type and message, at the position of its item;
                nothing is yielded after it.
        """

    def create_states(
        self, make: Callable[[Shared, Item], State], shared: Shared, items: Iterable[Item]
    ) -> AbstractContextManager[States[State]]:
        """Create a state for each item, `make(shared, item)`, until the context ends.

        Args:
            make: a function of a module; its result depends on its arguments alone.
            shared: the same for all items; it is sent once.
            items: one for each state; `workers` of them use all workers.

        Raises:
            Exception: what `make` raised, with its type and message.
        """


class LocalRunner:
    """The runner of this process: a loop."""

    threads, workers = 0, 1

    def __repr__(self) -> str:
        return "here"

    def run(
        self, task: Callable[[Shared, Item], Result], shared: Shared, items: Iterable[Item]
    ) -> Iterator[Result]:
        """See `Runner.run`; an item is consumed when its result is."""
        for item in items:
            yield task(shared, item)

    @contextmanager
    def create_states(
        self, make: Callable[[Shared, Item], State], shared: Shared, items: Iterable[Item]
    ) -> Iterator[States[State]]:
        """See `Runner.create_states`."""
        yield _LocalStates([make(shared, item) for item in items])


class _LocalStates(Generic[State]):
    """States in this process."""

    def __init__(self, states: list[State]) -> None:
        self._states = states

    def __len__(self) -> int:
        return len(self._states)

    def update(self, task: Callable[[State, Message], Result], message: Message) -> list[Result]:
        """See `States.update`."""
        results, errors = [], []
        for state in self._states:
            try:
                results.append(task(state, message))
            except Exception as error:
                errors.append(error)
        if errors:
            raise errors[0]
        return results

    query = update


local_runner = LocalRunner()
