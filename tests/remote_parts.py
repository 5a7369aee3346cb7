"""A web server and an S3 server for tests, in threads of this process."""

import threading
import urllib.request
from collections import Counter
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from goldensample.storage import locations

S3FS_MISSING = "s3fs is not installed: pip install 'goldensample[remote]'"


class WebServer:
    """Serves a folder; can delay responses, and refuse them.

    Args:
        folder: to serve.

    Attributes:
        requests: number of GET requests of each path.
        delayed: substrings of paths whose responses wait until they are removed.
        refused: status code by substring of the path.
    """

    def __init__(self, folder: Path) -> None:
        self.requests: Counter[str] = Counter()
        self.delayed: set[str] = set()
        self.refused: dict[str, int] = {}
        self.changed = threading.Condition()
        handler = partial(_Handler, web=self, directory=str(folder))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def wait(self, *names: str) -> None:
        """Wait until each name is part of a path that has been requested."""
        with self.changed:
            complete = self.changed.wait_for(
                lambda: all(any(name in path for path in self.requests) for name in names), 60
            )
        assert complete, self.requests

    def release(self) -> None:
        """Delay nothing."""
        with self.changed:
            self.delayed.clear()
            self.changed.notify_all()

    def close(self) -> None:
        """Stop serving."""
        self.release()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, *args, web: WebServer, **kwargs) -> None:
        self.web = web
        super().__init__(*args, **kwargs)

    def do_GET(self) -> None:
        web = self.web
        with web.changed:
            web.requests[self.path] += 1
            web.changed.notify_all()
            web.changed.wait_for(lambda: not any(name in self.path for name in web.delayed))
        for name, status in web.refused.items():
            if name in self.path:
                self.send_error(status)
                return
        try:
            super().do_GET()
        except OSError:  # the client was killed meanwhile
            self.close_connection = True

    def log_message(self, *args: object) -> None:
        """Log nothing."""


@contextmanager
def serve_folder(folder: Path):
    """Give a web server of a folder."""
    pytest.importorskip("aiohttp", reason=S3FS_MISSING)
    server = WebServer(folder)
    yield server
    server.close()
    locations._open_file_system.cache_clear()


@contextmanager
def s3_store():
    """Give the file system of an S3 server with an empty bucket "line"."""
    s3fs = pytest.importorskip("s3fs", reason=S3FS_MISSING)
    moto = pytest.importorskip("moto.server", reason="moto is not installed")
    server = moto.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "who")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        locations._open_file_system.cache_clear()
        s3fs.S3FileSystem.clear_instance_cache()
        reset = urllib.request.Request(f"http://{host}:{port}/moto-api/reset", method="POST")
        urllib.request.urlopen(reset).close()  # moto keeps its buckets per process
        store = s3fs.S3FileSystem(skip_instance_cache=True, use_listings_cache=False)
        store.mkdir("line")
        yield store
        locations._open_file_system.cache_clear()
    server.stop()
