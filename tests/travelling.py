"""A runner in this process that pickles its values as between machines, and may lose its states."""

import pickle
from contextlib import contextmanager


class PicklingRunner:
    """Pickles all arguments and results of tasks; counts the bytes.

    Args:
        lose_states: whether each update first creates the states again from all earlier updates.
    """

    threads, workers = 1, 3

    def __init__(self, lose_states: bool = False) -> None:
        self.lose_states = lose_states
        self.sizes: list[int] = []

    def round_trip(self, value):
        data = pickle.dumps(value)
        self.sizes.append(len(data))
        return pickle.loads(data)

    def run(self, task, shared, items):
        shared = self.round_trip(shared)
        for item in items:
            yield self.round_trip(self.round_trip(task)(shared, self.round_trip(item)))

    @contextmanager
    def create_states(self, make, shared, items):
        yield _States(
            self, [(self.round_trip(make), self.round_trip((shared, item))) for item in items]
        )


class _States:
    def __init__(self, runner: PicklingRunner, makers: list) -> None:
        self.runner, self.makers, self.updates = runner, makers, []
        self.states = self.create()

    def create(self) -> list:
        return [make(*arguments) for make, arguments in self.makers]

    def __len__(self) -> int:
        return len(self.makers)

    def query(self, task, message):
        copy = self.runner.round_trip
        return [copy(copy(task)(state, copy(message))) for state in self.states]

    def update(self, task, message):
        if self.runner.lose_states:
            self.states = self.create()
            for update in self.updates:
                self.query(*update)
        self.updates.append((task, message))
        return self.query(task, message)
