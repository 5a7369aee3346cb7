"""A runner in this process whose values travel as between machines, and whose states get lost."""

import pickle
from contextlib import contextmanager


class Travelling:
    """Pickles whatever goes to a task and comes back; counts the bytes.

    Args:
        forgetful: whether every state is made again, and told again all it was told, each time.
    """

    threads, workers = 1, 3

    def __init__(self, forgetful: bool = False) -> None:
        self.forgetful = forgetful
        self.sizes: list[int] = []

    def sent(self, value):
        data = pickle.dumps(value)
        self.sizes.append(len(data))
        return pickle.loads(data)

    def run(self, task, shared, items):
        shared = self.sent(shared)
        for item in items:
            yield self.sent(self.sent(task)(shared, self.sent(item)))

    @contextmanager
    def keep(self, make, shared, items):
        yield _States(self, [(self.sent(make), self.sent((shared, item))) for item in items])


class _States:
    def __init__(self, runner: Travelling, makers: list) -> None:
        self.runner, self.makers, self.told = runner, makers, []
        self.states = self.made()

    def made(self) -> list:
        return [make(*arguments) for make, arguments in self.makers]

    def __len__(self) -> int:
        return len(self.makers)

    def ask(self, task, message):
        sent = self.runner.sent
        return [sent(sent(task)(state, sent(message))) for state in self.states]

    def tell(self, task, message):
        if self.runner.forgetful:
            self.states = self.made()
            for earlier in self.told:
                self.ask(*earlier)
        self.told.append((task, message))
        return self.ask(task, message)
