"""A replica: the station's API to inspect a picture, for a fleet of processes that keep nothing."""

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

from goldensample._version import __version__
from goldensample.backbones.openvino import use_threads
from goldensample.errors import ArtifactError
from goldensample.records import Inspection, Picture
from goldensample.station.health.health import of_line
from goldensample.station.line.jobs import Job, Judged
from goldensample.station.line.line import Line
from goldensample.station.products.products import Products, State
from goldensample.station.records.archive import Archive
from goldensample.station.records.rows import Record
from goldensample.station.settings import Settings
from goldensample.station.web import api
from goldensample.station.web.access import Access, Sessions
from goldensample.station.web.refusals import REFUSALS, SLOW, answer_mistakes, refuse_plainly
from goldensample.storage.lock import locked

PREFIX = "golden-replica-"
"""Of the name of a replica's folder, where the machine has what is temporary."""


@dataclass(frozen=True, slots=True)
class Copies:
    """What a replica is made from: it needs no disk that machines share.

    Args:
        settings: tokens, host and limits; its folder is not used.
        files: the bytes of `.golden` files by the products' names.
    """

    settings: Settings
    files: Mapping[str, bytes]


class Replica:
    """Products and a line that judges, without records and archive; an `Intake`.

    Args:
        copies: what it is made from.
    """

    def __init__(self, copies: Copies) -> None:
        self._mine = ExitStack()
        folder = self._mine.enter_context(own_folder())
        paths = [folder / f"{name}.golden" for name in copies.files]
        for path, data in zip(paths, copies.files.values(), strict=True):
            path.write_bytes(data)
        self.settings = replace(copies.settings, folder=folder)
        self.products = Products(paths, lambda product, words: None)
        self.archive = Archive(folder / "pictures")
        self.judged = 0
        self.line = Line(
            self.archive, self.settings.waiting, self._let_go, lambda record: None, self._seen
        )
        self.began = time.monotonic()

    def close(self) -> None:
        """Finish what was accepted, then let go of everything."""
        self.line.stop()
        self._mine.close()

    def _seen(self, job: Job, state: State, picture: Picture, found: Inspection) -> None:
        self.judged += 1

    def _let_go(self, done: Sequence[Judged]) -> list[Record]:
        """Delete the pictures; return what is told of them."""
        for one in done:
            self.archive.discard(one.job.coming)
        return [replace(one.record, kept=False) for one in done]


@contextmanager
def own_folder() -> Iterator[Path]:
    """Give a folder until the end; delete those of replicas that were killed."""
    with TemporaryDirectory(prefix=PREFIX) as name, locked(Path(name, "replica")):
        for left in Path(name).parent.glob(f"{PREFIX}*"):
            with suppress(OSError, ArtifactError), locked(left / "replica"):
                shutil.rmtree(left)
        yield Path(name)


def make(copies: Copies) -> FastAPI:
    """Return the application of a replica, which it closes.

    The network and linear algebra keep to one thread: a replica has one processor.
    """
    use_threads(1)
    threadpool_limits(1, "blas")
    replica = Replica(copies)

    @asynccontextmanager
    async def life(app: FastAPI) -> AsyncIterator[None]:
        yield
        replica.close()

    app = FastAPI(
        title="Golden Sample replica",
        version=__version__,
        lifespan=life,
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
        responses=REFUSALS,
    )
    app.state.station = replica
    app.add_api_route("/api/products", api.products)
    app.add_api_route("/api/health", health)
    app.add_api_route(
        "/api/inspect/{product}",
        api.inspect,
        methods=["POST"],
        openapi_extra=api.PICTURE,
        responses=SLOW,
    )
    answer_mistakes(app)
    app.add_exception_handler(HTTPException, refuse_plainly)
    sessions = Sessions(replica.settings.tokens)
    app.add_middleware(Access, settings=replica.settings, sessions=sessions)
    return app


def health(request: Request) -> dict[str, Any]:
    """Tell how the replica is that answers: another one may answer the next time."""
    replica: Replica = request.app.state.station
    name = f"{socket.gethostname()}:{os.getpid()}"
    return {"replica": name, "judged": replica.judged, **of_line(replica)}
