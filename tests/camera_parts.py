"""Cameras for tests: JPEG frames, and a web server that sends them as a network camera does."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from conftest import part

from goldensample.images.codec import encode_jpeg


def jpeg(seed: int, defect: bool = False) -> bytes:
    """A rendered part as a JPEG, whose noise differs from that of any other seed."""
    return encode_jpeg(part(seed, defect=defect), 90)


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
