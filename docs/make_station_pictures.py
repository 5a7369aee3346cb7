"""Photograph the station's pages for docs/station, from a demo station that this script runs.

Needs Chromium and the group of tests: `python docs/make_station_pictures.py [NAME…]` renews all
pictures, or those whose names begin so. Look at each before it is committed.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
from playwright.sync_api import Browser, Page, sync_playwright

PICTURES = Path(__file__).parent / "station"
SIZES = {"desk": (1920, 1080), "tablet": (1024, 768)}
PORT, TOKEN = 8931, "engineer:of-the-demo-line"
WAIT_S = 300
WORKER = "Ada"


@contextmanager
def serve(folder: Path, port: int, *options: str) -> Iterator[httpx.Client]:
    """Run a station, and stop it at the end."""
    command = [sys.executable, "-m", "goldensample.cli", "serve", "--folder", str(folder)]
    process = subprocess.Popen([*command, "--port", str(port), *options])
    try:
        headers = {"x-operator": WORKER}
        url = f"http://localhost:{port}"
        with httpx.Client(base_url=url, headers=headers, timeout=WAIT_S) as client:
            wait(lambda: is_up(client))
            yield client
    finally:
        process.terminate()
        process.wait()


def is_up(client: httpx.Client) -> bool:
    """Tell whether a station answers."""
    try:
        return client.get("/static/icon.svg").is_success
    except httpx.TransportError:
        return False


def wait(poll: Callable[[], bool]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + WAIT_S
    while not poll():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.2)


class Camera:
    """Takes pictures of pages in all sizes.

    Args:
        browser: to take them in.
        url: of the station.
        wanted: beginnings of the names of pictures to take.
    """

    def __init__(self, browser: Browser, url: str, wanted: list[str]) -> None:
        self._browser, self._url, self._wanted = browser, url, wanted

    def take(self, name: str, path: str, focus: str = "", whole: bool = False) -> None:
        """Take a page in each size.

        Args:
            name: of the pictures.
            path: of the page.
            focus: a selector to scroll to, or "".
            whole: all of the page, not a screen of it.
        """
        if self._wanted and not name.startswith(tuple(self._wanted)):
            return
        for size, (width, height) in SIZES.items():
            with self._browser.new_context(
                base_url=self._url,
                locale="en",
                timezone_id="Europe/Berlin",
                viewport={"width": width, "height": height},
            ) as context:
                page = context.new_page()
                page.goto("/")
                page.request.post("/api/login", data={"name": WORKER})
                page.goto(path)
                settle(page)
                if focus:
                    page.locator(focus).first.evaluate("one => one.scrollIntoView()")
                    page.wait_for_timeout(500)
                page.screenshot(path=PICTURES / f"{name}-{size}.png", full_page=whole)
            print(f"{name}-{size}.png")


def settle(page: Page) -> None:
    """Wait until the pictures and counts of a page are there."""
    page.wait_for_load_state("load")
    page.wait_for_timeout(1500)


def photograph_line(camera: Camera, client: httpx.Client) -> None:
    """Take the pages of the line: pictures judged, answered and learned."""
    records = client.get("/api/records").json()["records"]
    odd = next(one for one in records if one["verdict"] == "defect")
    camera.take("live", "/")
    camera.take("kiosk", "/?kiosk")
    camera.take("inbox", "/inbox")
    camera.take("record", f"/records/{odd['id']}", whole=True)
    good = sorted((one for one in records if "/good/" in one["name"]), key=lambda one: one["score"])
    alarm, missed = good[-1], good[0]  # the oddest, whatever its verdict, and the least odd
    answers = {alarm["id"]: "good", missed["id"]: "defect", odd["id"]: "defect"}
    kept = [
        client.post("/api/feedback", json={"record": number, "answer": answer}).json()
        for number, answer in answers.items()
    ]
    camera.take("learning", "/learning")
    if kept[0]["proposed"]:
        client.post(f"/api/feedback/{kept[0]['id']}/decision", json={"learn": True})
    camera.take("history", "/history")
    camera.take("products", "/products")
    camera.take("product", "/products/cap")
    camera.take("product-revisions", "/products/cap", "#revisions-title")
    camera.take("health", "/health")


def photograph_setup(camera: Camera, client: httpx.Client, pictures: Path) -> None:
    """Take the pages of a new product, with a defect among its pictures that is then left out."""
    camera.take("setup", "/setup")
    draft = client.post("/api/drafts", json={}).json()["draft"]
    good = sorted((pictures / "train/good").glob("*.png"))
    scratched = pictures / "test/scratch/000.png"
    for path, name in [*((path, path.name) for path in good), (scratched, "scratched.png")]:
        added = client.post(
            f"/api/drafts/{draft}/pictures", params={"name": name}, content=path.read_bytes()
        )
        added.raise_for_status()
    for name, left_out in (("setup-odd", []), ("setup-ready", [len(good)])):
        wanted = {"name": "washer", "false_alarms": 0.05, "review": 0.2, "leave_out": left_out}
        client.post(f"/api/drafts/{draft}/fit", json=wanted).raise_for_status()
        if not left_out:
            camera.take("setup-learning", f"/setup/{draft}")
        wait(lambda: client.get(f"/api/drafts/{draft}").json()["state"] != "fitting")
        camera.take(name, f"/setup/{draft}")


def main(wanted: list[str]) -> None:
    """Take all pictures, or those whose names begin with one of `wanted`."""
    program = shutil.which("chromium") or shutil.which("chrome")
    with (
        tempfile.TemporaryDirectory() as kept,
        sync_playwright() as driver,
        driver.chromium.launch(executable_path=program, args=["--no-sandbox"]) as browser,
    ):
        folder = Path(kept) / "station"
        options = ("--demo", "--confirm-learning", "--shifts", "06:00,14:00,22:00")
        with serve(folder, PORT, *options) as client:
            camera = Camera(browser, str(client.base_url), wanted)
            photograph_line(camera, client)
            if not wanted or any(name.startswith("setup") for name in wanted):  # it takes minutes
                photograph_setup(camera, client, folder / "demo/washer")
        with serve(folder, PORT + 1, "--token", TOKEN) as client:
            Camera(browser, str(client.base_url), wanted).take("login", "/login")


if __name__ == "__main__":
    main(sys.argv[1:])
