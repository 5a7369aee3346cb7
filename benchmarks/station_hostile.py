"""Robustness of a station against hostile uploads: `python benchmarks/station_hostile.py`.

Ten thousand requests with a fixed seed: cut and damaged files, bombs, files of other kinds, names
that are paths, headers, lengths and chunks that are wrong, and callers who hang up. Each is
answered 4xx, or 2xx where the damage left a picture; nothing else stays on disk, and the memory
stays small.
"""

import argparse
import io
import json
import random
import socket
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import quote

import numpy as np
from PIL import Image

RESULTS = Path(__file__).parent / "results"
GOLDEN = [sys.executable, "-m", "goldensample.cli"]
PORT = 8918
KINDS = ("PNG", "JPEG", "BMP", "TIFF", "WEBP")
PATHS = (
    *("../../etc/passwd", "/etc/passwd", "..\\..\\boot.ini", "C:\\con.png", "\0", "a" * 255),
    *("%00", "....//", "\u202egnp.exe", "🧨" * 60, "<script>alert(1)</script>", "a\r\nX: y", "'--"),
)
ZEROS = zlib.compress(bytes(20_000_000), 9)
HANGING = ("hang up", "chunks", "malformed")
"""Kinds of which a station may wait for the rest."""
OTHERS = (
    *(b"", b"\0", b"MZ\x90", b"\x7fELF", b"%PDF-1.7", b"GIF89a" + bytes(50), b"PK\x03\x04"),
    *(b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<html>", b"{}", b"\x1f\x8b\x08", b"BM"),
    *(b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"II*\0", b"MM\0*", b"RIFF\xff\xff\xff\xffWEBP"),
)


def sample(kind: str, rng: random.Random) -> bytes:
    """Return a small noisy picture as a file."""
    pixels = np.random.default_rng(rng.randrange(2**32)).integers(0, 256, (48, 48, 3), np.uint8)
    Image.fromarray(pixels).save(file := io.BytesIO(), kind)
    return file.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return a part of a PNG."""
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def bomb(rng: random.Random) -> bytes:
    """Return a small file that claims, or holds, far too much."""
    side = rng.choice((10_000, 13_000, 60_000, 2**31 - 1))
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    small_header = chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 4, 8, 0, 0, 0, 0))
    start, end = b"\x89PNG\r\n\x1a\n", chunk(b"IEND", b"")
    variant = rng.randrange(5)
    if variant == 0:
        return start + header + chunk(b"IDAT", ZEROS) + chunk(b"tEXt", b"a\0b") + end
    if variant == 1:
        pixels = chunk(b"IDAT", zlib.compress(bytes(20)))
        return start + small_header + pixels + chunk(b"zTXt", b"a\0\0" + ZEROS) + end
    if variant == 2:
        bmp = bytearray(sample("BMP", rng))
        bmp[18:26] = struct.pack("<ii", min(side, 2**31 - 1), min(side, 2**31 - 1))
        return bytes(bmp)
    if variant == 3:
        jpeg = bytearray(sample("JPEG", rng))
        offset = jpeg.find(b"\xff\xc0") + 5
        jpeg[offset : offset + 4] = struct.pack(">HH", 65500, 65500)
        return bytes(jpeg)
    return start + small_header + chunk(b"IDAT", ZEROS) * 3 + end


def corrupt(rng: random.Random) -> bytes:
    """Return a picture with some bytes changed; the change may spare the picture."""
    data = bytearray(sample(rng.choice(KINDS), rng))
    for _ in range(rng.choice((1, 3, 30))):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data)


def truncate(rng: random.Random) -> bytes:
    """Return the first part of a picture."""
    data = sample(rng.choice(KINDS), rng)
    return data[: rng.randrange(1, len(data))]


def post(
    body: bytes,
    product: str = "part",
    query: str = "",
    extra_headers: bytes = b"",
    length: str | None = None,
) -> bytes:
    """Return a request as it goes over the line."""
    size = str(len(body)) if length is None else length
    header = f"POST /api/inspect/{product}{query} HTTP/1.1\r\nHost: localhost\r\n"
    header += f"Content-Length: {size}\r\nConnection: close\r\n"
    return header.encode() + extra_headers + b"\r\n" + body


def bad_chunks(rng: random.Random) -> bytes:
    """Return a request whose chunks are wrong."""
    header = b"POST /api/inspect/part HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    header += (
        b"Transfer-Encoding: " + rng.choice((b"chunked", b"gzip", b"chunked, chunked")) + b"\r\n"
    )
    if rng.random() < 0.3:
        header += b"Content-Length: 5\r\n"
    sizes = (b"-1", b"zz", b"ffffffffffffffff", b"5;" + b"a" * 9000, b"", b"0x5", b"5", b"3")
    return header + b"\r\n" + b"".join(rng.choice(sizes) + b"\r\nhello\r\n" for _ in range(3))


def bad_headers(rng: random.Random) -> bytes:
    """Return a request with headers that are wrong, or that no browser of ours sends."""
    noise = bytes(rng.randrange(1, 256) for _ in range(rng.randrange(1, 60)))
    lines = (
        b"X-Operator: " + noise.replace(b"\n", b"").replace(b"\r", b""),
        noise + b": a",
        b"Cookie: golden_session=" + noise.hex().encode() * 50,
        b"Authorization: Bearer " + noise.hex().encode(),
        b"Origin: http://[",
        b"Host: evil.example",
        b"Sec-Fetch-Site: cross-site",
        b"X: " + b"a" * rng.choice((10, 70_000)),
        b"Expect: 100-continue",
        b"Content-Encoding: gzip",
        b"Content-Type: multipart/form-data; boundary=" + noise.hex().encode(),
        b"Range: bytes=0-",
    )
    extra_headers = b"".join(rng.choice(lines) + b"\r\n" for _ in range(rng.randrange(1, 4)))
    return post(truncate(rng), extra_headers=extra_headers)


def malformed_request(rng: random.Random) -> bytes:
    """Return what is hardly a request."""
    lines = (
        b"GET /static/../app.py HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"GET //etc/passwd HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"GET /static/%2e%2e/%2e%2e/app.py HTTP/1.0\r\nHost: localhost\r\n\r\n",
        b"GET http://evil.example/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"PUT /api/inspect/../../etc HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"TRACE / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
        b"POST /api/inspect/part HTTP/9.9\r\n\r\n",
        b"POST /api/inspect/part\r\n\r\n",
        bytes(rng.randrange(256) for _ in range(200)),
        b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + bytes(80),
    )
    return rng.choice(lines)


def requests(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Give (kind, bytes) of hostile requests."""
    makers = {
        "cut": lambda rng: post(truncate(rng)),
        "damaged": lambda rng: post(corrupt(rng)),
        "bomb": lambda rng: post(bomb(rng)),
        "other kind": lambda rng: post(rng.choice(OTHERS)),
        "noise": lambda rng: post(rng.randbytes(rng.randrange(1, 3000))),
        "name": lambda rng: post(truncate(rng), query=f"?name={quote(rng.choice(PATHS))}"),
        "product": lambda rng: post(truncate(rng), product=quote(rng.choice(PATHS), safe="./")),
        "length": lambda rng: post(
            b"abc", length=rng.choice(("-1", "9" * 30, "99999999999", "1e9", "0x3", "", "2", "١"))
        ),
        "hang up": lambda rng: post(truncate(rng), length="9999"),
        "chunks": bad_chunks,
        "headers": bad_headers,
        "malformed": malformed_request,
    }
    names = list(makers)
    for number in range(count):
        rng = random.Random(seed * 1_000_003 + number)
        kind = names[number % len(names)]
        yield kind, makers[kind](rng)


def send(port: int, data: bytes, patience_s: float = 60.0) -> int:
    """Send bytes, and return the status of what comes back; 0 for nothing.

    Who gets no answer in time hangs up.
    """
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=patience_s) as connection:
        try:
            connection.sendall(data)
            while part := connection.recv(65536):
                answer += part
        except OSError:  # it had heard enough, or waits for more
            pass
    statuses = [int(text[:3]) for text in answer.split(b"HTTP/1.1 ")[1:] if text[:3].isdigit()]
    return statuses[-1] if statuses else 0


def attack(port: int, count: int, seed: int) -> dict:
    """Send hostile requests from eight callers at once; return the answers by kind."""
    counts: dict[str, Counter] = {}
    with ThreadPoolExecutor(8) as pool:
        generator = requests(count, seed)
        while batch := [pair for _, pair in zip(range(64), generator, strict=False)]:
            answers = pool.map(
                lambda pair: send(port, pair[1], 0.5 if pair[0] in HANGING else 60.0), batch
            )
            for (kind, _), status in zip(batch, answers, strict=True):
                counts.setdefault(kind, Counter())[status] += 1
    return {
        kind: {str(k): n for k, n in sorted(counter.items())} for kind, counter in counts.items()
    }


def orphans(folder: Path) -> set[str]:
    """Return the names of stored files that no record refers to."""
    from goldensample.station.records.ledger import Ledger
    from goldensample.station.records.migration import open_database
    from goldensample.station.records.rows import Filter

    ledger = Ledger(open_database(f"sqlite:///{folder / 'records.sqlite'}"))
    records = list(ledger.iterate(Filter()))
    ledger.close()
    referenced = {
        digest for record in records for digest in (record.picture_sha256, record.heat_sha256)
    }
    return {path.name for path in (folder / "pictures").rglob("*") if path.is_file()} - referenced


def memory_mb(pid: int, field: str) -> int:
    """Return the memory of a process now (VmRSS) or at most (VmHWM)."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith(field))


def main() -> None:
    """Run the station and the attack, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("product", type=Path, help="a .golden file; it is copied as part.golden")
    parser.add_argument("--count", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        folder, product, log = (
            Path(directory) / "kept",
            Path(directory) / "part.golden",
            Path(directory) / "log",
        )
        product.write_bytes(options.product.read_bytes())
        command = [*GOLDEN, "serve", str(product), "--folder", str(folder), "--port", str(PORT)]
        with log.open("wb") as file:
            process = subprocess.Popen(command, stdout=file, stderr=file)
        request = b"GET /api/products HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        while True:
            try:
                if send(PORT, request) == 200:
                    break
            except OSError:
                time.sleep(0.2)
        send(PORT, post(sample("PNG", random.Random(0))))
        before, start = memory_mb(process.pid, "VmRSS"), time.monotonic()
        answers = attack(PORT, options.count, 1)
        elapsed_s = time.monotonic() - start
        after = memory_mb(process.pid, "VmRSS"), memory_mb(process.pid, "VmHWM")
        alive = send(PORT, request) == 200
        process.terminate()
        exit_code = process.wait()
        partial_files = len(list((folder / "pictures" / "coming").iterdir()))
        figures = {
            "requests": options.count,
            "seconds": round(elapsed_s, 1),
            "answers": answers,
            "answers of 500 and more": sum(
                n for counter in answers.values() for k, n in counter.items() if int(k) >= 500
            ),
            "files left that are on their way": partial_files,
            "files that no record needs": len(orphans(folder)),
            "pictures answered 200": sum(counter.get("200", 0) for counter in answers.values()) + 1,
            "memory_mb before, after, at most": [before, *after],
            "answers afterwards": alive,
            "exit code": exit_code,
            "tracebacks in the log": log.read_text(errors="replace").count("Traceback"),
        }
        log_tail = log.read_text(errors="replace")[-2000:]
    print(json.dumps(figures, indent=1))
    print(log_tail, file=sys.stderr)
    (RESULTS / "station_hostile.json").write_text(json.dumps(figures, indent=1) + "\n")


if __name__ == "__main__":
    main()
