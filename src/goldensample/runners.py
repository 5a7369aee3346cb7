"""Where work is done: here, or elsewhere, behind one promise."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Generic, Protocol, TypeVar

Shared = TypeVar("Shared")
Item = TypeVar("Item")
Result = TypeVar("Result")
State = TypeVar("State")
Kept = TypeVar("Kept", covariant=True)
Message = TypeVar("Message")


class States(Protocol[Kept]):
    """States, such as shards of data, each of which stays where it was made."""

    def __len__(self) -> int:
        """Return how many there are."""

    def tell(self, task: Callable[[Kept, Message], Result], message: Message) -> list[Result]:
        """Return `task(state, message)` of every state, in order; it may change its state.

        It hangs on its arguments alone and does not change the message. A state that is lost with
        its machine is made again and told again all that it was told, in order. Where a task
        raises an exception the other states are told all the same.

        Args:
            task: a function of a module.
            message: the same for all states; it travels once.

        Raises:
            Exception: what a task raised, of its own type; of several, the first state's.
        """

    def ask(self, task: Callable[[Kept, Message], Result], message: Message) -> list[Result]:
        """Return `task(state, message)` of every state, in order; it changes nothing.

        See `tell`; it is not done again for a state that is made again later. Several threads may
        ask at a time.
        """


class Runner(Protocol):
    """Carries out a task for many items, wherever that is.

    The place changes no result. So a task hangs on its two arguments alone and changes neither
    (what it computes once for all, such as a compiled network, it may keep in `shared`), and it may
    be done twice where a machine was lost on the way.
    """

    @property
    def threads(self) -> int:
        """How many threads a task should use; 0 for all that the machine has."""

    @property
    def workers(self) -> int:
        """How many tasks are worked on at a time, at least 1."""

    def run(
        self, task: Callable[[Shared, Item], Result], shared: Shared, items: Iterable[Item]
    ) -> Iterator[Result]:
        """Give `task(shared, item)` for each item, in order.

        Args:
            task: a function of a module.
            shared: what is the same for all items; it travels once.
            items: taken one by one as room comes free: only so many are ever on their way as the
                runner can work on, whether results are waited for or not.

        Raises:
            Exception: what a task raised, of its own type and in its own words, at the place of its
                item; nothing after it is given.
        """

    def keep(
        self, make: Callable[[Shared, Item], State], shared: Shared, items: Iterable[Item]
    ) -> AbstractContextManager[States[State]]:
        """Make a state for each item, `make(shared, item)`, until the context ends.

        Args:
            make: a function of a module; what it gives hangs on its arguments alone.
            shared: what is the same for all items; it travels once.
            items: as many as there are to be states; `workers` of them use all workers.

        Raises:
            Exception: what `make` raised, of its own type and in its own words.
        """


class Here:
    """The runner of this process: a loop."""

    threads, workers = 0, 1

    def __repr__(self) -> str:
        return "here"

    def run(
        self, task: Callable[[Shared, Item], Result], shared: Shared, items: Iterable[Item]
    ) -> Iterator[Result]:
        """See `Runner.run`; an item is taken when its result is asked for."""
        for item in items:
            yield task(shared, item)

    @contextmanager
    def keep(
        self, make: Callable[[Shared, Item], State], shared: Shared, items: Iterable[Item]
    ) -> Iterator[States[State]]:
        """See `Runner.keep`."""
        yield _Here([make(shared, item) for item in items])


class _Here(Generic[State]):
    """States in this process."""

    def __init__(self, states: list[State]) -> None:
        self._states = states

    def __len__(self) -> int:
        return len(self._states)

    def tell(self, task: Callable[[State, Message], Result], message: Message) -> list[Result]:
        """See `States.tell`."""
        results, errors = [], []
        for state in self._states:
            try:
                results.append(task(state, message))
            except Exception as error:
                errors.append(error)
        if errors:
            raise errors[0]
        return results

    ask = tell


here = Here()
