"""Cameras for tests: JPEG frames, and a web server that sends them as a network camera does."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from conftest import part
from part_files import VIEWS, view_pixels

from goldensample.images.codec import encode_jpeg


def jpeg(seed: int, defect: bool = False) -> bytes:
    """A rendered part as a JPEG, whose noise differs from that of any other seed."""
    return encode_jpeg(part(seed, defect=defect), 90)


class Gate:
    """Frames that come only while it is open, each with a noise of its own."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.open.set()

    def frame(self, number: int) -> bytes:
        """The JPEG of a number, once it is open."""
        self.open.wait()
        return jpeg(number % 200)


@contextmanager
def jpeg_camera(frame: Callable[[int], bytes | None], rate: float) -> Iterator[str]:
    """Serve multipart MJPEG; give its URL.

    Args:
        frame: the JPEG of each number, or None to send nothing any more; counts over connections.
        rate: frames a second.
    """
    numbers, stop = iter(range(10**9)), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "multipart/x-mixed-replace; boundary=frame")
            self.end_headers()
            while not stop.is_set():
                data = frame(next(numbers))
                if data is None:
                    stop.wait(600)
                    return
                head = f"--frame\r\ncontent-type: image/jpeg\r\ncontent-length: {len(data)}\r\n\r\n"
                try:
                    self.wfile.write(head.encode() + data + b"\r\n")
                except OSError:
                    return
                time.sleep(1 / rate)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/stream"
    finally:
        stop.set()
        server.shutdown()
        server.server_close()


class Scene:
    """What the cameras of a part see: a good one, or a defect in a view; views may be dark."""

    def __init__(self) -> None:
        self.defect, self.open = "", {view: threading.Event() for view in VIEWS}
        self.light()

    def light(self) -> None:
        """Have all views seen."""
        for gate in self.open.values():
            gate.set()

    def frame(self, view: str, number: int) -> bytes:
        """The JPEG of a view, once it is seen."""
        self.open[view].wait()
        return encode_jpeg(view_pixels(view, 20 + number % 100, view == self.defect), 95)


@contextmanager
def part_cameras(scene: Scene) -> Iterator[list[str]]:
    """Run a camera for each view of the part "bracket"; give them as the command names them."""
    with ExitStack() as stack:
        urls = []
        for view in VIEWS:
            frames = jpeg_camera(lambda number, view=view: scene.frame(view, number), 20)
            urls.append(f"bracket/{view}={stack.enter_context(frames)}")
        try:
            yield urls
        finally:
            scene.light()


def camera_options(*urls: str) -> list[str]:
    """Options of a station whose cameras wait for triggers."""
    return ["--every", "0", *(word for url in urls for word in ("--camera", url))]
