"""Work on a Ray cluster: on this machine's cores, or on many machines.

Each task is one Ray task with one processor. Tasks run in the folder that the command was given in,
so that paths mean the same everywhere, and write into a folder that all machines share; a mark in
it tells every worker that it sees that very folder.
"""

import os
import secrets
import socket
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import gettempdir
from typing import Any, TypeVar

from goldensample.errors import RunnerError
from goldensample.runners import Runner, here
from goldensample.writing import write_atomic

Shared = TypeVar("Shared")
Item = TypeVar("Item")
Result = TypeVar("Result")

RETRIES = 3
"""How often a task is begun again whose worker or machine was lost."""
POLL_S, ANSWER_S, MISSED = 2.0, 2.0, 3
"""How long a result is waited for between looks at the head, how long the head has to answer, and
how often in a row it must not have answered to be called lost."""


@contextmanager
def open_runner(name: str, output: Path) -> Iterator[Runner]:
    """Give the runner of a name, and leave its cluster, or stop it, in the end.

    A program that has joined a cluster with `ray.init` keeps it.

    Args:
        name: "here"; "ray" for a cluster on this machine, until the end; "ray://HOST:PORT" for one
            that runs; "auto" for the one that RAY_ADDRESS or this machine knows of.
        output: folder that tasks write into; made if it is not there.

    Raises:
        ValueError: the name is none of these.
        RunnerError: Ray is not installed, or there is no such cluster.
    """
    if name == "here":
        yield here
        return
    if name not in ("ray", "auto") and not name.startswith("ray://"):
        raise ValueError(f"--runner must be here, ray, ray://HOST:PORT or auto; got {name!r}")
    ray = _import(name)
    if name == "auto":
        name = os.environ.get("RAY_ADDRESS") or name
    joined = not ray.is_initialized()
    if joined:
        _join(ray, name)
    mark = output.absolute() / f".shared-{secrets.token_hex(8)}"
    try:
        write_atomic(mark, b"")
        try:
            yield RayRunner(ray, _head(ray, name), mark)
        finally:
            mark.unlink(missing_ok=True)
    finally:
        if joined:
            ray.shutdown()


def _import(name: str) -> Any:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"  # else Ray warns of its own future
    try:
        import ray
    except ImportError:
        raise RunnerError(
            f"--runner {name} must have the extra [ray]; install it with "
            "pip install 'goldensample[ray]'"
        ) from None
    return ray


def _join(ray: Any, name: str) -> None:
    """Join a cluster, or start one."""
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    noted = Path(os.environ.get("RAY_TMPDIR") or gettempdir(), "ray", "ray_current_cluster")
    known = noted.read_text().strip() if name == "auto" and noted.is_file() else name
    known = known.removeprefix("ray://")
    try:
        if ":" in known and not _answers(_split(known)):
            raise ConnectionError(f"{known} does not answer")  # Ray would try for minutes
        own = {"include_dashboard": False} if name == "ray" else {}
        ray.init(address="local" if name == "ray" else name, **own, **quiet)
    except (ConnectionError, TimeoutError, ValueError, RuntimeError) as error:
        raise RunnerError(
            f"--runner {name} must have a cluster that answers; there is none "
            f"({_first_line(error)}); start one with: ray start --head"
        ) from error


def _head(ray: Any, name: str) -> tuple[str, int]:
    """Return where the cluster's head answers."""
    address = name.removeprefix("ray://")
    return _split(ray.get_runtime_context().gcs_address if address == name else address)


def _split(address: str) -> tuple[str, int]:
    """Return the host and the port of HOST:PORT."""
    host, _, port = address.rpartition(":")
    if not (host and port.isdecimal()):
        raise ValueError(f"an address must be HOST:PORT; got {address!r}")
    return host.strip("[]"), int(port)


class RayRunner:
    """A `Runner` on the cluster that this process has joined.

    Args:
        ray: the library.
        head: host and port at which the cluster's head answers.
        mark: file in the folder that tasks write into.
    """

    threads = 1

    def __init__(self, ray: Any, head: tuple[str, int], mark: Path) -> None:
        self._ray, self._head = ray, head
        self._place = str(Path.cwd()), str(mark)
        self.in_flight = 2 * max(1, int(ray.cluster_resources().get("CPU", 1)))

    def run(
        self, task: Callable[[Shared, Item], Result], shared: Shared, items: Iterable[Item]
    ) -> Iterator[Result]:
        """See `Runner.run`; `in_flight` items at most are on their way.

        Raises:
            RunnerError: the cluster's head was lost, or a task's worker was, too often.
        """
        if not _answers(self._head):  # Ray would wait, and then end this process
            raise self._lost("it does not answer")
        sent = self._ray.put((task, shared))
        carry = self._ray.remote(num_cpus=1, max_retries=RETRIES)(_carry)
        waiting: deque[Any] = deque()
        try:
            for item in items:
                waiting.append(carry.remote([sent], self._place, item))
                if len(waiting) == self.in_flight:
                    yield self._taken(waiting.popleft())
            while waiting:
                yield self._taken(waiting.popleft())
        except RunnerError:
            waiting.clear()  # nobody is there to be told to stop
            raise
        finally:
            for left in waiting:
                with suppress(Exception):
                    self._ray.cancel(left)

    def _taken(self, reference: Any) -> Any:
        """Wait for a result; raise what its task raised."""
        try:
            missed = 0
            while not self._ray.wait([reference], timeout=POLL_S)[0]:
                missed = 0 if _answers(self._head) else missed + 1
                if missed == MISSED:
                    raise self._lost("it does not answer")
            result = self._ray.get(reference)
        except ConnectionError as error:
            raise self._lost(_first_line(error)) from error
        except self._ray.exceptions.RayError as error:
            raise RunnerError(
                f"a task's worker must live until it is done; it was lost, and {RETRIES} at most "
                f"after it ({_first_line(error)}); often memory is the reason"
            ) from error
        if isinstance(result, Failed):
            raise result.error
        return result

    def _lost(self, why: str) -> RunnerError:
        return RunnerError(
            f"the cluster's head, {self._head[0]}:{self._head[1]}, must stay until the end; it was "
            f"lost ({why}); what was written is whole: start the cluster again and go on from there"
        )


@dataclass(frozen=True, slots=True)
class Failed:
    """What a task raised; Ray would wrap it in a type of its own."""

    error: Exception


_held: dict[Any, Any] = {}
"""In a worker: the task and what is shared, of the one run it works for."""


def _carry(sent: list[Any], place: tuple[str, str], item: Any) -> Any:
    """Do a task for an item, in a worker."""
    import ray

    (reference,) = sent
    try:
        _enter(*place)
        if reference not in _held:
            _held.clear()
            _held[reference] = ray.get(reference)
        task, shared = _held[reference]
        return task(shared, item)
    except Exception as error:
        return Failed(_portable(ray, error))


def _enter(folder: str, mark: str) -> None:
    """Go to the folder that paths start from, and make sure that the output is shared."""
    for path, seen in ((folder, folder), (os.path.dirname(mark), mark)):
        if not os.path.exists(seen):
            raise RunnerError(
                f"all machines must see the same {path}; {socket.gethostname()} does not; share "
                "it, under the same path"
            )
    os.chdir(folder)


def _portable(ray: Any, error: Exception) -> Exception:
    """Return an error that can be sent, with the worker's trace as a note."""
    error.add_note(f"on {socket.gethostname()}:\n{''.join(traceback.format_exception(error))}")
    try:
        again = ray.cloudpickle.loads(ray.cloudpickle.dumps(error))
        if type(again) is type(error) and str(again) == str(error):
            return error
    except Exception:  # whatever an error of any library may do when it is packed
        pass
    return RuntimeError(f"{type(error).__name__}: {error}")


def _answers(head: tuple[str, int]) -> bool:
    """Return whether a head can be reached."""
    try:
        socket.create_connection(head, ANSWER_S).close()
        return True
    except (OSError, OverflowError):  # a port beyond 65535
        return False


def _first_line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0]
