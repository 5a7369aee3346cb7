"""Autoscaled replicas of a web application on a Ray cluster (Ray Serve)."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from signal import SIGINT, SIGTERM, signal
from types import FrameType
from typing import Any, TypeVar

from goldensample.errors import RunnerError
from goldensample.ray_runner.address import Address, is_local
from goldensample.ray_runner.cluster import MAX_MISSED, Cluster, first_line, is_reachable
from goldensample.ray_runner.connect import join_cluster
from goldensample.ray_runner.worker import JobEnvironment

Config = TypeVar("Config")
NAME = "golden"
"""Name of the application and of its deployment."""
SPARE_REQUESTS = 8
"""Requests of a replica beyond `max_requests`, so that it can still answer that it is full."""
PROXY_QUEUE = 64
"""Maximum queue length of the proxy while replicas are full; further requests get 503."""
CHECK_S = 1.0
"""Seconds between checks of the replicas and of the head."""
BUSY_S, IDLE_S = 3.0, 300.0
"""Delays before replicas are added under load, and removed when idle."""
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ReplicaOptions:
    """Number, load and address of replicas.

    Args:
        address: of the proxy on the cluster's head.
        max_replicas: at least 1; one is always running.
        target_requests: requests per replica above which another one is started. At least 1.
        max_requests: of a replica at a time.
    """

    address: Address
    max_replicas: int
    target_requests: int
    max_requests: int


def run_replicas(
    name: str, make: Callable[[Config], Any], config: Config, options: ReplicaOptions, tell: Tell
) -> None:
    """Run replicas on the cluster of a name until Ctrl-C or SIGTERM, then drain them.

    Args:
        name: "ray" or "auto", as for `open_runner`; files cannot be sent from outside of a
            cluster.
        make: an importable function; returns an ASGI application.
        config: its argument; sent once to each machine.
        options: of the replicas.
        tell: called with status messages.

    Raises:
        ValueError: the name is none of these.
        RunnerError: there is no such cluster, the port is taken, replicas cannot be started, or
            the cluster's head was lost.
    """
    if name.startswith("ray://"):
        raise RunnerError(
            f"--runner must be ray or auto; got {name!r}; give the command with auto on a machine "
            "of the cluster"
        )
    if name == "ray":  # the cluster will be on this machine
        options.address.check_free()
    with join_cluster(name) as (ray, head), _interrupt_on_signals():  # Ray has a SIGTERM of its own
        cluster, serve = Cluster(ray, head, JobEnvironment("", "")), _import_serve()
        foreign_apps = bool(serve.status().proxies)  # of other programs
        if name != "ray" and not foreign_apps and is_local(head[0]):
            options.address.check_free()
        payload = cluster.put(make, config)
        try:
            _deploy(serve, payload, options)
            _monitor(cluster, serve, options, tell)
        except KeyboardInterrupt:
            tell("stopping: what was accepted is answered first")
        finally:
            if is_reachable(cluster.head):
                if NAME in serve.status().applications:
                    serve.delete(NAME)
                if name != "ray" and not foreign_apps:  # else it stays, or ends with the cluster
                    serve.shutdown()


def _import_serve() -> Any:
    """Return Ray Serve, with its log messages off the terminal."""
    try:
        from ray import serve
    except ImportError as error:
        raise RunnerError(
            f"replicas must have Ray Serve; it is not whole ({first_line(error)}); "
            'pip install "goldensample[station,ray]"'
        ) from error
    logging.getLogger("ray.serve").setLevel(logging.ERROR)
    return serve


def _deploy(serve: Any, payload: Any, options: ReplicaOptions) -> None:
    """Deploy the replicas without waiting for their start."""
    serve.start("HeadOnly", {"host": options.address.host, "port": options.address.port})
    deployment = serve.deployment(
        name=NAME,
        ray_actor_options={"num_cpus": 1},
        max_ongoing_requests=options.max_requests + SPARE_REQUESTS,
        max_queued_requests=PROXY_QUEUE,
        autoscaling_config={
            "min_replicas": 1,
            "max_replicas": options.max_replicas,
            "target_ongoing_requests": options.target_requests,
            "upscale_delay_s": BUSY_S,
            "downscale_delay_s": IDLE_S,
            "look_back_period_s": BUSY_S,
            "metrics_interval_s": CHECK_S,
        },
    )
    target = deployment(serve.ingress(LazyApp(payload))()).bind()
    try:
        serve.run_many(
            [serve.RunTarget(target, NAME, "/")],
            wait_for_ingress_deployment_creation=False,
            wait_for_applications_running=False,
        )
    except (ValueError, serve.exceptions.RayServeException) as error:
        raise RunnerError(
            f"replicas must be started; the cluster's Serve refuses ({first_line(error)}); see "
            "what runs there with: serve status"
        ) from error


class LazyApp:
    """An ASGI application that is created in the serving process, before its first request.

    Args:
        payload: factory and config of the application, from `Cluster.put`.
    """

    def __init__(self, payload: Any) -> None:
        self._payload = payload
        self._app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Handle a request; the first one creates the application."""
        if self._app is None:
            import ray

            make, config = ray.get(self._payload[0])
            self._app = make(config)
        await self._app(scope, receive, send)


def _monitor(cluster: Cluster, serve: Any, options: ReplicaOptions, tell: Tell) -> None:
    """Report when the replicas are ready and how many there are, until interrupted.

    Raises:
        RunnerError: the head was lost, or replicas cannot be started.
    """
    ready, reported, missed = False, "", 0
    while True:
        missed = 0 if is_reachable(cluster.head) else missed + 1
        if missed == MAX_MISSED:
            cluster.check()
        if not missed:
            running, status = _replica_state(cluster, serve, options)
            if running and not ready:
                options.address.check_reachable(cluster.head[0])
                ready = True
                url = options.address.describe(cluster.head[0])
                tell(f"replicas are at {url}; Ctrl-C stops them")
            if status != reported:
                tell(status)
                reported = status
        time.sleep(CHECK_S)


def _replica_state(cluster: Cluster, serve: Any, options: ReplicaOptions) -> tuple[int, str]:
    """Return the number of running replicas, and a status message.

    Raises:
        RunnerError: none can be started.
    """
    application = serve.status().applications.get(NAME)
    if application is None or NAME not in application.deployments:
        return 0, "starting the first replica"
    deployment = application.deployments[NAME]
    if application.status == "DEPLOY_FAILED":
        reason = (deployment.message or application.message).strip().rpartition("\n")[2]
        raise RunnerError(
            f"a replica must start; none does ({reason}); all machines must have the same "
            "goldensample, with the extras [station,ray]"
        )
    states = deployment.replica_states
    running, starting = states.get("RUNNING", 0), states.get("STARTING", 0)
    cores = int(cluster.ray.cluster_resources().get("CPU", 0))
    unscheduled = min(starting, max(0, running + starting - cores))
    status = f"{running} of at most {options.max_replicas} replicas run"
    status += f", {starting - unscheduled} being started" if starting > unscheduled else ""
    status += f", {unscheduled} waiting for a processor" if unscheduled else ""
    if deployment.status == "UNHEALTHY":
        status += f"; {first_line(Exception(deployment.message))}"
    return running, status


@contextmanager
def _interrupt_on_signals() -> Iterator[None]:
    """Raise KeyboardInterrupt on SIGTERM and SIGINT, even where a shell ignores SIGINT."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    handlers = {number: signal(number, stop) for number in (SIGINT, SIGTERM)}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal(number, handler)
