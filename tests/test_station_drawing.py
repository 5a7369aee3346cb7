"""Drawing on a picture in a real browser: by mouse, by touch, by keyboard; and what it marks."""

import json
import shutil

import numpy as np
import pytest
from browser_parts import Hand, check_accessibility, console_errors, expect, new_context
from commands import golden
from conftest import part
from station_parts import picture, run_station

from goldensample.images.codec import encode_png
from goldensample.masks.reading import read_marked

GOOD_SEEDS = range(700, 724)


def faint_part(seed: int, depth: int) -> bytes:
    """A part with a defect of so many grey levels."""
    pixels = part(seed).astype(int)
    pixels[20:30, 30:40] += depth
    return encode_png(np.clip(pixels, 0, 255).astype(np.uint8))


def inspect(client, data: bytes, name: str) -> dict:
    return client.post("/api/inspect/part", params={"name": name}, content=data).json()


def find_verdict(client, verdict: str) -> tuple[dict, bytes]:
    """Inspect ever plainer defects up to one of a verdict."""
    for depth in range(2, 60):
        data = faint_part(905, depth)
        found = inspect(client, data, f"{verdict}{depth}.png")
        if found["verdict"] == verdict:
            return found, data
        client.post("/api/feedback", json={"record": found["id"], "answer": "defect"})
    raise AssertionError("none was judged so")


@pytest.fixture(scope="module")
def fitted(product, tmp_path_factory):
    """The product's file before it is taught anything."""
    return shutil.copy(product, tmp_path_factory.mktemp("fitted") / "part.golden")


@pytest.fixture(scope="module")
def station(fitted, product, tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawing")
    with run_station(folder / "kept", [product]) as one:
        for seed in GOOD_SEEDS:
            inspect(one.client, picture(seed), f"{seed}.png")
        yield one


@pytest.fixture(params=[False, True], ids=["mouse", "touch"])
def has_touch(request):
    return request.param


@pytest.fixture
def page(browser, station, has_touch):
    size = {"width": 1024, "height": 768}
    with new_context(browser, base_url=station.url, has_touch=has_touch, viewport=size) as context:
        page = context.new_page()
        said = console_errors(page)
        yield page
        assert not said


def open_miss(page, client, name: str) -> int:
    """Open the page of a missed defect; return the record's number."""
    number = inspect(client, faint_part(905, 3), name)["id"]
    client.post("/api/feedback", json={"record": number, "answer": "defect"}).raise_for_status()
    page.goto(f"/records/{number}")
    return number


def kept_mark(page, client, number: int, folder) -> tuple[list[dict], np.ndarray]:
    """Keep what is drawn; return its shapes and its mask."""
    page.get_by_role("button", name="Keep this mark").click()
    expect(page.locator("#miss-told")).not_to_be_empty()
    mark = client.get(f"/api/records/{number}/mark").json()
    assert mark["time"].endswith("Z") or mark["time"].endswith("+00:00")
    (folder / "mask.png").write_bytes(client.get(f"/api/records/{number}/mark.png").content)
    return mark["shapes"], read_marked(folder / "mask.png")


def test_shapes_by_mouse_and_by_touch(page, station, tmp_path, has_touch):
    number = open_miss(page, station.client, "by hand.png")
    hand = Hand(page, has_touch)

    def button(name: str):
        return page.get_by_role("button", name=name, exact=True)

    expect(button("Rectangle")).to_have_attribute("aria-pressed", "true")
    check_accessibility(page)
    hand.drag((10, 12), (20, 30))
    button("Eraser").click()
    page.locator("[data-wide]").fill("10")
    hand.drag((15, 20), (15, 22))
    button("Polygon").click()
    for corner in [(30, 10), (44, 10), (44, 24), (30, 10)]:  # the first again closes it
        hand.drag(corner)
    button("Brush").click()
    hand.drag((5, 40), (30, 40))
    button("Undo").click()
    button("Undo").click()
    button("Redo").click()
    button("Rectangle").click()
    before = page.locator("svg.picture").get_attribute("viewBox")
    if has_touch:
        hand.fingers([((20, 24), (16, 24), (10, 24)), ((28, 24), (32, 24), (38, 24))])
    else:
        page.mouse.move(*hand.screen(24, 24))
        page.mouse.wheel(0, -300)
    expect(page.locator("svg.picture")).not_to_have_attribute("viewBox", before)
    page.screenshot(path=tmp_path / "zoomed.png")
    button("Whole picture").click()
    expect(page.locator("svg.picture")).to_have_attribute("viewBox", before)
    shapes, mask = kept_mark(page, station.client, number, tmp_path)
    assert [(one["kind"], one["erase"]) for one in shapes] == [
        ("rectangle", False),
        ("brush", True),
        ("polygon", False),
    ]
    assert mask[13, 11], shapes  # within the rectangle
    assert not mask[20, 14]  # erased
    assert mask[12, 40]  # within the polygon
    assert not mask[22, 32]
    assert not mask[39, 20]  # taken back
    page.reload()
    button("Clear").click()
    expect(button("Keep this mark")).to_be_disabled()
    button("Undo").click()
    expect(button("Keep this mark")).to_be_enabled()


def test_shapes_by_keyboard_are_announced(browser, station, tmp_path):
    with new_context(browser, base_url=station.url) as context:
        page = context.new_page()
        number = open_miss(page, station.client, "by key.png")
        said = page.locator("[data-said]")
        page.get_by_role("application", name="Draw on the picture").focus()
        page.keyboard.press("Shift+ArrowRight")  # from the middle of 48 x 48
        expect(said).to_have_text("Column 25, row 24")
        page.keyboard.press("Space")
        expect(said).to_have_text("First corner set; go to the opposite one.")
        for _ in range(6):
            page.keyboard.press("ArrowDown")
            page.keyboard.press("ArrowRight")
        expect(said).to_have_text("Column 31, row 30")
        page.keyboard.press("Space")
        expect(said).to_have_text("Rectangle drawn.")
        page.keyboard.press("+")
        expect(said).to_have_text("Zoom 150 %")
        page.keyboard.press("0")
        page.get_by_role("button", name="Polygon", exact=True).press("Enter")
        page.get_by_role("application").focus()
        for keys in ["Space", *["ArrowLeft"] * 8, "Space", *["ArrowUp"] * 8, "Space", "c"]:
            page.keyboard.press(keys)
        expect(said).to_have_text("Polygon drawn.")
        page.keyboard.press("Control+z")
        expect(said).to_have_text("Taken back.")
        page.keyboard.press("Control+y")
        expect(said).to_have_text("Done again.")
        page.get_by_role("button", name="Brush").press("Enter")
        page.get_by_role("application").focus()
        for keys in ["Space", "ArrowLeft", "ArrowLeft", "Space"]:
            page.keyboard.press(keys)
        expect(said).to_have_text("Stroke drawn.")
        shapes, mask = kept_mark(page, station.client, number, tmp_path)
    assert [one["kind"] for one in shapes] == ["rectangle", "polygon", "brush"]
    assert shapes[0]["points"] == [[25, 24], [31, 30]]
    assert shapes[1]["points"] == [[31, 30], [23, 30], [23, 22]]
    assert mask[25, 26]


def test_a_part_in_the_inbox_is_marked_and_taught_as_by_command(browser, station, fitted, tmp_path):
    found, data = find_verdict(station.client, "review")
    with new_context(browser, base_url=station.url) as context:
        page = context.new_page()
        errors = console_errors(page)
        page.goto(f"/inbox?product=part&record={found['id']}")
        page.locator("#operator-name").fill("Ada")
        page.keyboard.press("Enter")
        expect(page.locator("#said")).to_contain_text("You are Ada")
        page.keyboard.press("d")
        expect(page.locator("#last")).to_contain_text("It was not called a defect")
        page.get_by_role("button", name="Mark where, to teach it").click()
        expect(page.get_by_role("heading", name="Not called a defect. Mark where")).to_be_visible()
        check_accessibility(page)
        Hand(page, False).drag((30, 20), (40, 30))
        page.screenshot(path=tmp_path / "inbox.png", full_page=True)
        inspect(station.client, picture(300, defect=True), "meanwhile.png")  # it is not shown
        page.get_by_role("button", name="Keep this mark").click()
        expect(page.locator("#miss-told")).to_contain_text("would be found")
        mask = station.client.get(f"/api/records/{found['id']}/mark.png").content
        page.get_by_role("button", name="Yes, teach it").click()
        expect(page.locator("#last")).to_contain_text("Taught: revision 1")
        expect(page.locator("#waits .stage .name")).not_to_have_text(found["name"])
        page.goto("/learning?product=part")
        expect(page.locator(".decide li", has_text=found["name"])).to_contain_text("taught")
        page.goto(f"/records/{found['id']}")
        expect(page.locator("svg image.mark")).to_have_count(1)
        assert not errors
    assert station.client.get(f"/api/records/{found['id']}/mark").json()["operator"] == "Ada"
    after = inspect(station.client, data, "again.png")
    assert after["verdict"] == "defect"
    assert after["score"] == score_by_command(fitted, station.client, data, mask, tmp_path)


def score_by_command(file, client, data: bytes, mask: bytes, folder) -> float:
    """Teach the same defect with the command, and return the score it has then."""
    shutil.copy(file, folder / "part.golden")
    good = folder / "good"
    good.mkdir()
    kept = client.get("/api/records", params={"verdict": "good", "limit": 100}).json()
    unanswered = [one for one in kept["records"] if one["answer"] is None]
    for number, one in enumerate(unanswered):  # the newest first, as the station takes them
        (good / f"{number:03d}.png").write_bytes(picture(int(one["name"].removesuffix(".png"))))
    (folder / "missed.png").write_bytes(data)
    (folder / "mask.png").write_bytes(mask)
    tested = len(unanswered) - -(-len(unanswered) // 3)
    options = ["--mask", folder / "mask.png", "--good", good, "--cost", 1 / (tested + 1)]
    command = ["teach-miss", folder / "part.golden", folder / "missed.png"]
    done = golden(*command, *options, "--apply", "limit")
    assert not done.returncode, done.stderr
    judged = golden("inspect", folder / "part.golden", folder / "missed.png", "--json")
    return json.loads(judged.stdout.splitlines()[0])["score"]
