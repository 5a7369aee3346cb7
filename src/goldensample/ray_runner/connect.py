"""Open a runner by name: connect to a Ray cluster or start one, and disconnect or stop it."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from goldensample.errors import RunnerError
from goldensample.ray_runner.cluster import Cluster, first_line, is_reachable
from goldensample.ray_runner.runner import RayRunner
from goldensample.ray_runner.worker import JobEnvironment
from goldensample.runners import Runner, local_runner
from goldensample.storage.atomic import write_atomic


@contextmanager
def open_runner(name: str, output: Path | None) -> Iterator[Runner]:
    """Yield the runner of a name; disconnect from its cluster, or stop it, afterwards.

    A program that has called `ray.init` itself stays connected.

    Args:
        name: "here"; "ray" for a cluster on this machine, until the end; "ray://HOST:PORT" for one
            that runs; "auto" for the one that RAY_ADDRESS or this machine knows of.
        output: folder that tasks write into; created if missing. None: they write into none,
            and all their paths are absolute, or URLs.

    Raises:
        ValueError: the name is none of these.
        RunnerError: Ray is not installed, or there is no such cluster.
    """
    if name == "here":
        yield local_runner
        return
    with join_cluster(name) as (ray, head):
        if not output:
            yield RayRunner(Cluster(ray, head, JobEnvironment(str(Path.cwd()), "")))
            return
        marker = output.absolute() / f".shared-{secrets.token_hex(8)}"
        write_atomic(marker, b"")
        try:
            yield RayRunner(Cluster(ray, head, JobEnvironment(str(Path.cwd()), str(marker))))
        finally:
            marker.unlink(missing_ok=True)


@contextmanager
def join_cluster(name: str) -> Iterator[tuple[Any, tuple[str, int]]]:
    """Yield the library, and the address of the head of a cluster; see `open_runner`."""
    if name not in ("ray", "auto") and not name.startswith("ray://"):
        raise ValueError(f"--runner must be here, ray, ray://HOST:PORT or auto; got {name!r}")
    ray = _import(name)
    if name == "auto":
        name = os.environ.get("RAY_ADDRESS") or name
    started = not ray.is_initialized()
    if started:
        _join(ray, name)
    try:
        yield ray, _head_address(ray, name)
    finally:
        if started:
            ray.shutdown()


def _import(name: str) -> Any:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
    os.environ["RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO"] = "0"  # else Ray warns of its own future
    try:
        import ray
    except ImportError:
        raise RunnerError(
            f'--runner {name} must have the extra [ray]; pip install "goldensample[ray]"'
        ) from None
    return ray


def _join(ray: Any, name: str) -> None:
    """Connect to a cluster, or start one."""
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    address_file = Path(os.environ.get("RAY_TMPDIR") or gettempdir(), "ray", "ray_current_cluster")
    address = (
        address_file.read_text().strip() if name == "auto" and address_file.is_file() else name
    )
    address = address.removeprefix("ray://")
    try:
        if ":" in address and not is_reachable(_split(address)):
            raise ConnectionError(f"{address} does not answer")  # Ray would try for minutes
        extra = {"include_dashboard": False} if name == "ray" else {}
        ray.init(address="local" if name == "ray" else name, **extra, **options)
    except Exception as error:  # a node that starts too slowly raises no type of its own
        raise RunnerError(
            f"--runner {name} must have a cluster that answers; there is none "
            f"({first_line(error)}); start one with: ray start --head"
        ) from error


def _head_address(ray: Any, name: str) -> tuple[str, int]:
    """Return the address of the cluster's head."""
    address = name.removeprefix("ray://")
    return _split(ray.get_runtime_context().gcs_address if address == name else address)


def _split(address: str) -> tuple[str, int]:
    """Return the host and the port of HOST:PORT."""
    host, _, port = address.rpartition(":")
    if not (host and port.isdecimal()):
        raise ValueError(f"an address must be HOST:PORT; got {address!r}")
    return host.strip("[]"), int(port)
