"""A real browser opens the report page from disk, without a word of complaint."""

import re
import shutil
import subprocess

import pytest

from goldensample.report import Report
from test_report import LIMITS, inspected, labelled_report, names

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--enable-logging=stderr",
    "--virtual-time-budget=4000",
    "--dump-dom",
]


def browse(tmp_path, page, address="", script=""):
    """Open the page from disk in a real browser; return its elements after `script` has run."""
    if BROWSER is None:
        pytest.skip("no Chromium on this machine")
    if script:  # the page's own policy would refuse it
        page = re.sub(rb'<meta http-equiv="Content-Security-Policy"[^>]*>', b"", page)
        page = page.replace(b"</body>", f"<script>{script}</script></body>".encode())
    path = tmp_path / "report.html"
    path.write_bytes(page)
    command = [BROWSER, *FLAGS, f"--user-data-dir={tmp_path / 'user'}", path.as_uri() + address]
    done = subprocess.run(command, capture_output=True, check=True, timeout=120)
    assert b"CONSOLE" not in done.stderr, done.stderr.decode()
    return done.stdout.decode()


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("", ["b.png", "e.png", "d.png", "c.png", "a.png"]),
        ("#only=defect", ["b.png", "e.png", "d.png"]),
        ("#only=good", ["c.png", "a.png"]),
        ("#only=wrong&heat=20&lines=0", ["d.png", "c.png"]),
        ("#find=BROKEN", ["b.png", "e.png"]),
        ("#only=good&find=b.png", []),
    ],
)
def test_browser_shows_what_is_asked_for(tmp_path, address, shown):
    elements = browse(tmp_path, labelled_report().html(), address)
    items = re.findall(r'<li( hidden="")?><article class="card.*?</article></li>', elements, re.S)
    cards = re.findall(r'<li(?: hidden="")?><article class="card.*?</article></li>', elements, re.S)
    assert len(cards) == 5
    visible = [names(card)[0] for card, hidden in zip(cards, items, strict=True) if not hidden]
    assert visible == shown
    assert f"{len(shown)} of 5 pictures shown" in elements
    assert ("--heat: 0.2" in elements) == ("heat=20" in address)


def test_browser_enlarges_a_card_and_puts_it_back(tmp_path):
    script = """
    const large = document.getElementById("large");
    const inside = () => large.querySelector(".name")?.textContent;
    document.querySelectorAll(".enlarge")[1].click();
    const seen = [large.open, inside()];
    large.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight" }));
    seen.push(inside());
    large.close();
    setTimeout(() => {
      const order = [...document.querySelectorAll(".cards .name")].map((name) => name.textContent);
      document.title = JSON.stringify([...seen, large.open, order.join(" ")]);
    }, 100);
    """
    elements = browse(tmp_path, labelled_report().html(), script=script)
    assert '<title>[true,"e.png","d.png",false,"b.png e.png d.png c.png a.png"]</title>' in elements


def test_browser_runs_no_script_of_a_file_name(tmp_path):
    evil = "<img src=x onerror=\"document.title='run'\"><script>document.title='run'</script>"
    report = Report("calm", {evil: evil}, LIMITS)
    report.add(*inspected(evil, 3.0, note=evil), True, evil)
    report.add_failure(evil, evil)
    assert "<title>calm</title>" in browse(tmp_path, report.html())
