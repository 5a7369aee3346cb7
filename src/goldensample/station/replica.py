"""A replica: the station's API to inspect a picture, for a fleet of stateless processes."""

import os
import shutil
import socket
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from threadpoolctl import threadpool_limits

from goldensample.errors import ArtifactError
from goldensample.native.threads import use_threads
from goldensample.records import Inspection, Picture
from goldensample.station.health.health import line_health
from goldensample.station.line.jobs import Job, JobResult
from goldensample.station.line.line import Line
from goldensample.station.products.products import Products, State
from goldensample.station.records.archive import Archive
from goldensample.station.records.rows import Record
from goldensample.station.settings import Settings
from goldensample.station.web import api
from goldensample.station.web.base_app import create_base_app
from goldensample.station.web.refusals import SLOW_RESPONSE, http_exception_json
from goldensample.storage.lock import lock_file

PREFIX = "golden-replica-"
"""Prefix of the name of a replica's temporary folder."""


@dataclass(frozen=True, slots=True)
class ReplicaSpec:
    """What a replica is created from: it needs no shared disk.

    Args:
        settings: tokens, host and limits; its folder is not used.
        files: the bytes of `.golden` files by product key.
    """

    settings: Settings
    files: Mapping[str, bytes]


class Replica:
    """Products and a line without records and archive; an `Intake`.

    Args:
        spec: what it is created from.
    """

    def __init__(self, spec: ReplicaSpec) -> None:
        self._resources = ExitStack()
        folder = self._resources.enter_context(temporary_folder())
        paths = [folder / f"{name}.golden" for name in spec.files]
        for path, data in zip(paths, spec.files.values(), strict=True):
            path.write_bytes(data)
        self.settings = replace(spec.settings, folder=folder)
        self.products = Products(paths, lambda product, message: None)
        self.archive = Archive(folder / "pictures")
        self.inspected = 0
        self.line = Line(
            self.archive,
            self.settings.waiting,
            self._discard_files,
            lambda record, answered: None,
            self._count,
        )
        self.started = time.monotonic()

    def close(self) -> None:
        """Finish accepted pictures, then release all resources."""
        self.line.stop()
        self._resources.close()

    def _count(self, job: Job, state: State, picture: Picture, inspection: Inspection) -> Job:
        self.inspected += 1
        return job

    def _discard_files(self, results: Sequence[JobResult]) -> list[Record]:
        """Delete the pictures; return the records that are answered."""
        for result in results:
            self.archive.discard(result.job.incoming)
        return [replace(result.record, kept=False) for result in results]


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """Give a temporary folder; delete those of replicas that were killed."""
    with TemporaryDirectory(prefix=PREFIX) as name, lock_file(Path(name, "replica")):
        for stale in Path(name).parent.glob(f"{PREFIX}*"):
            with suppress(OSError, ArtifactError), lock_file(stale / "replica"):
                shutil.rmtree(stale)
        yield Path(name)


def create_app(spec: ReplicaSpec) -> FastAPI:
    """Return the web application of a replica, which it closes.

    Network and linear algebra use one thread each: a replica has one processor.
    """
    use_threads(1)
    threadpool_limits(1, "blas")
    replica = Replica(spec)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        replica.close()

    app = create_base_app("Golden Sample replica", replica, lifespan)
    app.add_api_route("/api/products", api.products)
    app.add_api_route("/api/health", health)
    app.add_api_route(
        "/api/inspect/{product}",
        api.inspect,
        methods=["POST"],
        openapi_extra=api.PICTURE_BODY,
        responses=SLOW_RESPONSE,
    )
    app.add_exception_handler(HTTPException, http_exception_json)
    return app


def health(request: Request) -> dict[str, Any]:
    """Return the health of the replica that answers: the next request may go to another."""
    replica: Replica = request.app.state.station
    name = f"{socket.gethostname()}:{os.getpid()}"
    return {"replica": name, "judged": replica.inspected, **line_health(replica)}
