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

MISSING = "s3fs is not installed: pip install 'goldensample[remote]'"


class Web:
    """Serves a folder; can hold answers back, and refuse them.

    Args:
        folder: to serve.

    Attributes:
        asked: how often each file was asked for (GET).
        held: words; a file with one in its path waits until it is taken out.
        refused: status by word, for files with it in their path.
    """

    def __init__(self, folder: Path) -> None:
        self.asked: Counter[str] = Counter()
        self.held: set[str] = set()
        self.refused: dict[str, int] = {}
        self.changed = threading.Condition()
        handler = partial(_Handler, web=self, directory=str(folder))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def wait(self, *words: str) -> None:
        """Wait until, for each word, a file with it in its path has been asked for."""
        with self.changed:
            found = self.changed.wait_for(
                lambda: all(any(word in path for path in self.asked) for word in words), 60
            )
        assert found, self.asked

    def release(self) -> None:
        """Hold nothing back."""
        with self.changed:
            self.held.clear()
            self.changed.notify_all()

    def close(self) -> None:
        """Stop serving."""
        self.release()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(SimpleHTTPRequestHandler):
    def __init__(self, *given, web: Web, **named) -> None:
        self.web = web
        super().__init__(*given, **named)

    def do_GET(self) -> None:
        web = self.web
        with web.changed:
            web.asked[self.path] += 1
            web.changed.notify_all()
            web.changed.wait_for(lambda: not any(word in self.path for word in web.held))
        for word, status in web.refused.items():
            if word in self.path:
                self.send_error(status)
                return
        try:
            super().do_GET()
        except OSError:  # who asked was killed meanwhile
            self.close_connection = True

    def log_message(self, *words: object) -> None:
        """Say nothing."""


@contextmanager
def serving(folder: Path):
    """Give a web server of a folder."""
    pytest.importorskip("aiohttp", reason=MISSING)
    served = Web(folder)
    yield served
    served.close()
    locations._open.cache_clear()


@contextmanager
def s3_store():
    """Give the file system of an S3 server with an empty bucket "line"."""
    s3fs = pytest.importorskip("s3fs", reason=MISSING)
    moto = pytest.importorskip("moto.server", reason="moto is not installed")
    server = moto.ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ACCESS_KEY_ID", "who")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
        locations._open.cache_clear()
        s3fs.S3FileSystem.clear_instance_cache()
        reset = urllib.request.Request(f"http://{host}:{port}/moto-api/reset", method="POST")
        urllib.request.urlopen(reset).close()  # what servers keep is this process's
        store = s3fs.S3FileSystem(skip_instance_cache=True, use_listings_cache=False)
        store.mkdir("line")
        yield store
        locations._open.cache_clear()
    server.stop()
