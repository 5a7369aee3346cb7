"""Find a cluster by name: join it, or start it, and leave it, or stop it, in the end."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from goldensample.errors import RunnerError
from goldensample.ray_runner.cluster import Cluster, answers, first_line
from goldensample.ray_runner.runner import RayRunner
from goldensample.ray_runner.worker import Place
from goldensample.runners import Runner, here
from goldensample.storage.atomic import write_atomic


@contextmanager
def open_runner(name: str, output: Path | None) -> Iterator[Runner]:
    """Give the runner of a name, and leave its cluster, or stop it, in the end.

    A program that has joined a cluster with `ray.init` keeps it.

    Args:
        name: "here"; "ray" for a cluster on this machine, until the end; "ray://HOST:PORT" for one
            that runs; "auto" for the one that RAY_ADDRESS or this machine knows of.
        output: folder that tasks write into; made if it is not there. None: they write into none,
            and all their paths are absolute, or URLs.

    Raises:
        ValueError: the name is none of these.
        RunnerError: Ray is not installed, or there is no such cluster.
    """
    if name == "here":
        yield here
        return
    with joined(name) as (ray, head):
        if not output:
            yield RayRunner(Cluster(ray, head, Place(str(Path.cwd()), "")))
            return
        mark = output.absolute() / f".shared-{secrets.token_hex(8)}"
        write_atomic(mark, b"")
        try:
            yield RayRunner(Cluster(ray, head, Place(str(Path.cwd()), str(mark))))
        finally:
            mark.unlink(missing_ok=True)


@contextmanager
def joined(name: str) -> Iterator[tuple[Any, tuple[str, int]]]:
    """Give the library, and the head of the cluster of a name; see `open_runner`."""
    if name not in ("ray", "auto") and not name.startswith("ray://"):
        raise ValueError(f"--runner must be here, ray, ray://HOST:PORT or auto; got {name!r}")
    ray = _import(name)
    if name == "auto":
        name = os.environ.get("RAY_ADDRESS") or name
    ours = not ray.is_initialized()
    if ours:
        _join(ray, name)
    try:
        yield ray, _head(ray, name)
    finally:
        if ours:
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
        if ":" in known and not answers(_split(known)):
            raise ConnectionError(f"{known} does not answer")  # Ray would try for minutes
        own = {"include_dashboard": False} if name == "ray" else {}
        ray.init(address="local" if name == "ray" else name, **own, **quiet)
    except Exception as error:  # a node that starts too slowly raises no type of its own
        raise RunnerError(
            f"--runner {name} must have a cluster that answers; there is none "
            f"({first_line(error)}); start one with: ray start --head"
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
