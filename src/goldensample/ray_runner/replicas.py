"""Replicas of a web application on a cluster, as many as are needed (Ray Serve)."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from signal import SIGINT, SIGTERM, signal
from types import FrameType
from typing import Any, TypeVar

from goldensample.errors import RunnerError
from goldensample.ray_runner.address import Address, is_here
from goldensample.ray_runner.cluster import MISSED, Cluster, answers, first_line
from goldensample.ray_runner.connect import joined
from goldensample.ray_runner.worker import Place

Given = TypeVar("Given")
NAME = "golden"
"""Of the application and of its deployment."""
SPARE = 8
"""Requests beyond those that wait, at a replica: room for it to answer that it is full."""
QUEUE = 64
"""Requests that the proxy keeps for replicas that are full, at most; more are answered 503."""
LOOK_S = 1.0
"""Between two looks at the replicas and at the head."""
BUSY_S, IDLE_S = 3.0, 300.0
"""How long there must be too many requests until replicas are added, and too few until some go."""
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which replicas are wanted, and where they are reached.

    Args:
        at: what the proxy on the cluster's head listens on.
        most: replicas, at most; there is always one. At least 1.
        waiting: requests for each replica beyond which another one is started. At least 1.
        places: requests that a replica takes, at most.
    """

    at: Address
    most: int
    waiting: int
    places: int


def run_replicas(
    name: str, make: Callable[[Given], Any], given: Given, wanted: Wanted, tell: Tell
) -> None:
    """Run replicas on the cluster of a name until Ctrl-C or SIGTERM; let them finish then.

    Args:
        name: "ray" or "auto", as for `open_runner`; from outside of a cluster the files cannot be
            sent to replicas.
        make: a function of a module; returns an ASGI application.
        given: what it is made from; it travels once to each machine.
        wanted: which.
        tell: told, in words, what people should know meanwhile.

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
        wanted.at.check_free()
    with joined(name) as (ray, head), _until_told_to_stop():  # Ray has a SIGTERM of its own
        cluster, serve = Cluster(ray, head, Place("", "")), _serve()
        others = bool(serve.status().proxies)  # of programs that are not ours
        if name != "ray" and not others and is_here(head[0]):
            wanted.at.check_free()
        sent = cluster.put(make, given)
        try:
            _start(serve, sent, wanted)
            _watch(cluster, serve, wanted, tell)
        except KeyboardInterrupt:
            tell("stopping: what was accepted is answered first")
        finally:
            if answers(cluster.head):
                if NAME in serve.status().applications:
                    serve.delete(NAME)
                if name != "ray" and not others:  # else it stays, or ends with the cluster
                    serve.shutdown()


def _serve() -> Any:
    """Return the library, which then keeps its notes to its own files."""
    try:
        from ray import serve
    except ImportError as error:
        raise RunnerError(
            f"replicas must have Ray Serve; it is not whole ({first_line(error)}); install it with "
            "pip install 'goldensample[station,ray]'"
        ) from error
    logging.getLogger("ray.serve").setLevel(logging.ERROR)
    return serve


def _start(serve: Any, sent: Any, wanted: Wanted) -> None:
    """Have replicas started; return before they are."""
    serve.start("HeadOnly", {"host": wanted.at.host, "port": wanted.at.port})
    kind = serve.deployment(
        name=NAME,
        ray_actor_options={"num_cpus": 1},
        max_ongoing_requests=wanted.places + SPARE,
        max_queued_requests=QUEUE,
        autoscaling_config={
            "min_replicas": 1,
            "max_replicas": wanted.most,
            "target_ongoing_requests": wanted.waiting,
            "upscale_delay_s": BUSY_S,
            "downscale_delay_s": IDLE_S,
            "look_back_period_s": BUSY_S,
            "metrics_interval_s": LOOK_S,
        },
    )
    target = kind(serve.ingress(Late(sent))()).bind()
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


class Late:
    """An ASGI application that is made in the process that serves it, before its first request.

    Args:
        sent: how it is made and what from, as `Cluster.put` gives it.
    """

    def __init__(self, sent: Any) -> None:
        self._sent = sent
        self._app: Any = None

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer; the first that is asked of an application is to start."""
        if self._app is None:
            import ray

            make, given = ray.get(self._sent[0])
            self._app = make(given)
        await self._app(scope, receive, send)


def _watch(cluster: Cluster, serve: Any, wanted: Wanted, tell: Tell) -> None:
    """Tell when the replicas are ready and how many there are, until the process is told to stop.

    Raises:
        RunnerError: the head was lost, or replicas cannot be started.
    """
    ready, known, missed = False, "", 0
    while True:
        missed = 0 if answers(cluster.head) else missed + 1
        if missed == MISSED:
            cluster.check()
        if not missed:
            running, words = _state(cluster, serve, wanted)
            if running and not ready:
                wanted.at.check_reached(cluster.head[0])
                ready = True
                tell(f"replicas are at {wanted.at.words(cluster.head[0])}; Ctrl-C stops them")
            if words != known:
                tell(words)
                known = words
        time.sleep(LOOK_S)


def _state(cluster: Cluster, serve: Any, wanted: Wanted) -> tuple[int, str]:
    """Return how many replicas run, and the same in words with what comes and what is wrong.

    Raises:
        RunnerError: none can be started.
    """
    found = serve.status().applications.get(NAME)
    if found is None or NAME not in found.deployments:
        return 0, "starting the first replica"
    deployment = found.deployments[NAME]
    if found.status == "DEPLOY_FAILED":
        why = (deployment.message or found.message).strip().rpartition("\n")[2]
        raise RunnerError(
            f"a replica must start; none does ({why}); all machines must have the same "
            "goldensample, with the extras [station,ray]"
        )
    states = deployment.replica_states
    running, coming = states.get("RUNNING", 0), states.get("STARTING", 0)
    cores = int(cluster.ray.cluster_resources().get("CPU", 0))
    lacking = min(coming, max(0, running + coming - cores))
    words = f"{running} of at most {wanted.most} replicas run"
    words += f", {coming - lacking} being started" if coming > lacking else ""
    words += f", {lacking} waiting for a processor" if lacking else ""
    if deployment.status == "UNHEALTHY":
        words += f"; {first_line(Exception(deployment.message))}"
    return running, words


@contextmanager
def _until_told_to_stop() -> Iterator[None]:
    """Take Ctrl-C, also where a shell has turned it off, and SIGTERM for the end."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {one: signal(one, stop) for one in (SIGINT, SIGTERM)}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal(one, handler)
