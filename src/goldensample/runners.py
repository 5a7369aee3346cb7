"""Where work is done: here, or elsewhere, behind one promise."""

from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

Shared = TypeVar("Shared")
Item = TypeVar("Item")
Result = TypeVar("Result")


class Runner(Protocol):
    """Carries out a task for many items, wherever that is.

    The place changes no result. So a task hangs on its two arguments alone and changes neither
    (what it computes once for all, such as a compiled network, it may keep in `shared`), and it may
    be done twice where a machine was lost on the way.
    """

    @property
    def threads(self) -> int:
        """How many threads a task should use; 0 for all that the machine has."""

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


class Here:
    """The runner of this process: a loop."""

    threads = 0

    def run(
        self, task: Callable[[Shared, Item], Result], shared: Shared, items: Iterable[Item]
    ) -> Iterator[Result]:
        """See `Runner.run`; an item is taken when its result is asked for."""
        for item in items:
            yield task(shared, item)


here = Here()
