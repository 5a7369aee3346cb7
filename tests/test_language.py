"""What people read is there in every language, whole, and the right one is chosen."""

import ast
import base64
import io
import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from commands import ENGLISH, check_printed, golden
from conftest import ROOT
from station_parts import open_station, picture, run_station, small_product

from goldensample.drift.words import THAN_FIT, UNALIGNED, compare
from goldensample.inspection.inspector import BELOW_PIXEL_LIMIT
from goldensample.locales import language
from goldensample.locales.language import (
    LANGUAGES,
    counted,
    gettext,
    ngettext,
    of_environment,
    preferred,
    speak,
    speaking,
)
from goldensample.locales.unmarked import translated
from goldensample.station.web.rendering import SCRIPT_PLURALS, SCRIPT_TEXTS, odds, script_words
from goldensample.wording.notes import told
from test_report import labelled_report

PACKAGE = ROOT / "src/goldensample"
OTHERS = [name for name in LANGUAGES if name != "en"]
DOMAINS = ("goldensample", "unmarked")
PAGES = ("/", "/inbox", "/history", "/products", "/setup", "/health", "/learning", "/controllers")
TEXTS = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const found = [];
  while (walker.nextNode()) {
    const inside = walker.currentNode.parentElement.closest("script, style, bdi, code, [lang=en]");
    if (!inside) found.push(walker.currentNode.textContent.trim());
  }
  for (const one of document.querySelectorAll("[aria-label]")) found.push(one.ariaLabel);
  return [document.title, ...found].filter(Boolean);
}"""
DROP = """([name, data]) => {
  const bytes = Uint8Array.from(atob(data), (one) => one.charCodeAt(0));
  const carried = new DataTransfer();
  carried.items.add(new File([bytes], name, { type: "image/png" }));
  dispatchEvent(new DragEvent("drop", { dataTransfer: carried, cancelable: true }));
}"""


@pytest.fixture
def process_language():
    """A function that chooses the language of this process; English afterwards."""
    yield speak
    speak("en")


def catalog(name: str, domain: str = "goldensample"):
    """Return the catalog of a language, as people edit it."""
    pofile = pytest.importorskip("babel.messages.pofile", reason="Babel is not installed")
    with (PACKAGE / f"locales/{name}/LC_MESSAGES/{domain}.po").open("rb") as file:
        return pofile.read_po(file)


def texts_of(domain: str) -> set:
    """Return the texts of code, templates and scripts, as `make languages` finds them."""
    extract = pytest.importorskip("babel.messages.extract", reason="Babel is not installed")
    frontend = pytest.importorskip("babel.messages.frontend")
    with (PACKAGE / f"locales/{domain}.cfg").open(encoding="utf-8") as file:
        methods, options = frontend.parse_mapping_cfg(file)
    keywords = {**extract.DEFAULT_KEYWORDS, "mark": None, "counted": (1, 2)}
    found = extract.extract_from_dir(str(PACKAGE), methods, options, keywords)
    return {text for _, _, text, _, _ in found}


@pytest.fixture(scope="module")
def sources() -> set:
    """The texts that are marked."""
    return texts_of("goldensample")


def texts_of_calls() -> set:
    """The texts that Python files hand to the functions of locales/language.py."""
    found = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            texts = [one.value for one in node.args if isinstance(one, ast.Constant)]
            if texts and node.func.id in ("gettext", "mark"):
                found.add(texts[0])
            elif node.func.id in ("ngettext", "counted") and len(texts) > 1:
                found.add((texts[0], texts[1]))
            elif node.func.id in ("ngettext", "counted"):  # Babel finds none of variables
                assert path.name in ("language.py", "rendering.py"), path
    return found


def test_babel_finds_every_text_of_the_code(sources):
    """It does not look into an f-string."""
    assert texts_of_calls() - sources == set()


@pytest.mark.parametrize("domain", DOMAINS)
def test_no_text_is_missing_or_left_over(domain):
    sources = texts_of(domain)
    for name in OTHERS:
        check_whole(name, domain, sources)


def check_whole(name: str, domain: str, sources: set) -> None:
    """Check that a catalog has every text, translated, and no other."""
    messages = {message.id: message for message in catalog(name, domain) if message.id}
    assert set(messages) == sources, "make languages brings the catalogs up to date"
    for message in messages.values():
        texts = [message.string] if isinstance(message.string, str) else message.string
        assert all(texts), f"{message.id} has no translation"
        assert not message.fuzzy, message.id


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("name", OTHERS)
def test_a_translation_has_the_places_and_tags_of_its_text(name, domain):
    for message in catalog(name, domain):
        if not message.id:
            continue
        texts = [message.string] if isinstance(message.string, str) else message.string
        original = message.id if isinstance(message.id, str) else message.id[-1]
        for text in texts:
            assert set(re.findall(r"%\(\w+\)s|%%", text)) == set(
                re.findall(r"%\(\w+\)s|%%", original)
            ), text
            tags = re.findall(r"<[^>]+>", original)
            assert sorted(re.findall(r"<[^>]+>", text)) == sorted(tags), text


@pytest.mark.parametrize("name", OTHERS)
def test_a_refusal_is_found_again_by_its_words_alone(name):
    """No other text of the catalog has them too, and no value runs over into the next place."""
    with speaking(name):
        for message in catalog(name, "unmarked"):
            places = dict.fromkeys(re.findall(r"%\((\w+)\)s", message.id))
            values = {place: f"value{number}" for number, place in enumerate(places)}
            assert translated(message.id % values) == message.string % values or not message.id


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("name", OTHERS)
def test_the_compiled_catalog_is_that_of_the_texts(name, domain):
    mofile = pytest.importorskip("babel.messages.mofile", reason="Babel is not installed")
    with (PACKAGE / f"locales/{name}/LC_MESSAGES/{domain}.mo").open("rb") as file:
        compiled = mofile.read_mo(file)
    mofile.write_mo(file := io.BytesIO(), catalog(name, domain))
    file.seek(0)
    again = mofile.read_mo(file)
    assert [(m.id, m.string) for m in compiled if m.id] == [(m.id, m.string) for m in again if m.id]


def test_the_texts_of_scripts_are_those_that_babel_finds(sources):
    assert {*SCRIPT_TEXTS, *SCRIPT_PLURALS} <= sources
    scripts = "".join(p.read_text("utf-8") for p in (PACKAGE / "station/web/static").glob("*.js"))
    assert len(re.findall(r"\b_\(", scripts)) - 2 <= len(SCRIPT_TEXTS)  # its own two lines
    with speaking("ko"):
        assert script_words()["%(num)s picture judged"] == "사진 %(num)s장을 판정했습니다"
    assert script_words() == {}


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("ko-KR,ko;q=0.9", "ko"),
        ("zh-CN", "zh_Hans"),
        ("zh", "zh_Hans"),
        ("zh-Hans-SG", "zh_Hans"),
        ("zh-TW,zh-Hant;q=0.9", "en"),
        ("fr,de;q=0.4,ko;q=0.5", "ko"),
        ("de;q=0,ko;q=0.1", "ko"),
        ("de;q=nan,xx;q=2", "en"),
        ("en-GB,de;q=0.9", "en"),
        ("fr", "en"),
        ("*", "en"),
        ("", "en"),
        (",;q=,;;", "en"),
    ],
)
def test_the_language_is_the_first_that_is_spoken(header, name):
    assert preferred(header) == name


def test_a_language_holds_within_its_block():
    with speaking("de"):
        assert gettext("good") == "in Ordnung"
        assert ngettext("%(num)s picture", "%(num)s pictures", 2) == "%(num)s Bilder"
        assert odds(0.05) == "höchstens 1 von 20 guten Teilen sieht so ungewöhnlich aus"
        with speaking("zh_Hans"):
            assert language.language() == "zh_Hans"
    assert gettext("good") == "good"
    assert gettext("this was never translated") == "this was never translated"


@pytest.mark.parametrize(
    ("variables", "name"),
    [
        ({"LANG": "de_DE.UTF-8"}, "de"),
        ({"LANG": "de_DE.UTF-8", "LC_ALL": "ko_KR.UTF-8"}, "ko"),
        ({"LANG": "de_DE.UTF-8", "LC_MESSAGES": "zh_CN"}, "zh_Hans"),
        ({"LANG": "zh_TW.UTF-8"}, "en"),
        ({"LANG": "de_DE", "LANGUAGE": "fr:zh_CN:ko"}, "zh_Hans"),
        ({"LANG": "de_DE", "LC_ALL": "C", "LANGUAGE": "de"}, "en"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "C.UTF-8", "LANGUAGE": "de"}, "de"),
        ({"LANGUAGE": "sr@latin:de@euro"}, "de"),
        ({"LANG": ""}, "en"),
        ({}, "en"),
    ],
)
def test_the_environment_chooses_as_gettext_users_expect(variables, name):
    assert of_environment(variables) == name


def test_a_language_of_the_process_holds_in_threads_and_not_in_a_block(process_language):
    process_language("de")
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(gettext, "good").result() == "in Ordnung"
    with speaking("en"):
        assert gettext("good") == "good"
        assert counted("%(num)s picture", "%(num)s pictures", 1) == "1 picture"
    assert gettext("") == ""


def test_a_note_is_told_in_the_language(process_language):
    amount = "3 patches are like a; b.png around row 4, column 5, where 1 is usual"
    for note in (
        f"{compare(['darker', 'bluer'])}; {BELOW_PIXEL_LIMIT}; {UNALIGNED}",
        "something is missing in the upper left quarter: "
        "1 patch is like a b.png around row 3, column 4, where 2 are usual",
        f"there is too much of something in the lower right quarter: {amount}",
        compare(["sharper"], THAN_FIT),
        "an older note, of another version",
        "",
    ):
        process_language("en")
        assert told(note) == note
        process_language("ko")
        is_known = note.startswith(("darker", "something", "sharper"))
        assert not (is_known and re.search(ENGLISH, told(note))), told(note)
    assert "a b.png" in told("1 patch is like a b.png around row 3, column 4, where 2 are usual")
    process_language("de")
    assert told(compare(["darker", "redder"])).startswith("dunkler und rötlicher als die gelernten")


def test_pages_do_not_speak_the_language_of_the_process(tiny, tmp_path, process_language):
    process_language("de")
    with open_station(tmp_path / "one", small_product(tiny, tmp_path)) as client:
        page = client.get("/products", headers={"accept-language": "ko"}).text
        assert '<html lang="ko">' in page
        assert "Produkt" not in client.get("/products", headers={"accept-language": "en"}).text
        address = "/api/products/part/limits/preview?false_alarms=0.2"
        assert "good parts" in client.get(address).json()["promise"]


@pytest.mark.parametrize("name", LANGUAGES)
def test_inspect_reports_in_each_language(name, tiny, tmp_path):
    file = small_product(tiny, tmp_path)
    for number, data in enumerate((picture(300), picture(301, defect=True), b"none")):
        (tmp_path / f"{number}.png").write_bytes(data)
    options = ("--report", tmp_path / "out", "--language", name)
    done = golden("inspect", file, *(tmp_path / f"{number}.png" for number in range(3)), *options)
    assert done.returncode == 2  # one cannot be read
    page = (tmp_path / "out/report.html").read_text("utf-8")
    assert f'<html lang="{name.replace("_", "-")}">' in page
    with speaking(name):
        told_sum = gettext("%(count)s could not be read") % {"count": 1}
        assert gettext("Pictures, oddest first") in page
    assert told_sum in page
    assert told_sum in done.stderr
    table = base64.b64decode(re.search(r"data:text/csv;base64,([^\"]*)", page)[1]).decode()
    assert table.startswith("\ufeffpicture,verdict,score")  # machines read it


def test_commands_speak_the_language_of_the_environment(tiny, tmp_path, monkeypatch):
    file = small_product(tiny, tmp_path)
    for number in range(2):
        (tmp_path / f"{number}.png").write_bytes(picture(310 + number, defect=bool(number)))
    monkeypatch.setenv("LC_ALL", "ko_KR.UTF-8")
    monkeypatch.setenv("LANGUAGE", "ko")
    pictures = [tmp_path / f"{number}.png" for number in range(2)]
    done = golden("inspect", file, *pictures, "--explain")
    assert done.returncode == 0, done.stderr
    assert "불량" in done.stdout
    assert not re.search(ENGLISH, done.stdout + done.stderr)
    assert not re.search(ENGLISH, golden("thresholds", file).stdout)
    assert not re.search(ENGLISH, golden("inspect", file, tmp_path / "none.png").stderr)
    assert "사진을 판정하고 불량을 찾아" in golden("--help").stdout
    told_limits = json.loads(golden("info", file, "--json").stdout)["threshold_in_words"]
    assert "good pictures" in told_limits  # machines read it
    first = json.loads(golden("inspect", file, pictures[1], "--json").stdout)
    assert first["verdict"] == "defect"
    assert "must be there" in golden("--language", "en", "inspect", file, "none.png").stderr
    monkeypatch.setenv("LC_ALL", "C")
    assert "must be there" in golden("inspect", file, "none.png").stderr


def test_doctor_speaks_the_language():
    check_printed("doctor", told="검사 스테이션", allowed=(0, 1))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["inspect"], "인수 'FILE'이(가) 없습니다."),
        (["export", "a.golden"], "옵션 '--to'이(가) 없습니다."),
        (["export", "--nothing"], "--nothing 옵션은 없습니다"),
        (["doctor", "--port", "x"], "'--port'의 값이 잘못되었습니다: 'x'"),
        (["doctor", "--port", "0"], "범위 1<=x<=65535 밖입니다."),
        (["doctor", "a", "b"], "불필요한 인수가 있습니다(a b)"),
        (["doctor", "--port"], "옵션 '--port'에는 값이 필요합니다."),
        (["doctor", "--json=1"], "옵션 '--json'은(는) 값을 받지 않습니다."),
        (["data", "nothing"], "'nothing' 명령은 없습니다."),
        (["inspekt"], "'inspekt' 명령은 없습니다."),
        (["--debug"], "명령이 없습니다."),
    ],
)
def test_what_is_wrong_with_options_is_told_in_the_language(words, told, monkeypatch):
    monkeypatch.setenv("LC_ALL", "ko_KR.UTF-8")
    monkeypatch.delenv("LANGUAGE", raising=False)
    done = golden(*words)
    assert done.returncode == 2
    assert told in done.stderr
    assert not re.search(ENGLISH, done.stderr)
    monkeypatch.setenv("LC_ALL", "C")
    assert "Error: " in golden(*words).stderr


def test_a_language_that_is_not_there_is_refused():
    assert "must be one of en, de" in golden("doctor", "--language", "fr").stderr


@pytest.mark.parametrize("name", ["de", "ko"])
def test_a_report_holds_no_english(browser, name, tmp_path):
    from browser_parts import check_accessibility, console_errors, expect, new_context

    with speaking(name):
        page = labelled_report()
        page.add_failure("x.png", "the file is empty")
        (tmp_path / "report.html").write_bytes(page.html({"image_auroc": 0.9, "f1": 0.8}))
    with new_context(browser) as context:
        one = context.new_page()
        complaints = console_errors(one)
        one.goto((tmp_path / "report.html").as_uri())
        assert one.locator("html").get_attribute("lang") == name
        shown = "5 von 5 Bildern gezeigt" if name == "de" else "사진 5장 중 5장 표시"
        expect(one.locator("#shown")).to_have_text(shown)
        check_accessibility(one)
        if name == "ko":  # no sentence that nobody gave to the catalogs
            found = one.evaluate(TEXTS)
            assert not [text for text in found if re.search(ENGLISH, text)]
        assert not complaints


def test_cookie_then_station_then_browser_choose(tiny, tmp_path):
    file = small_product(tiny, tmp_path)
    with open_station(tmp_path / "any", file) as client:
        german = {"accept-language": "de"}
        assert '<html lang="de">' in client.get("/products", headers=german).text
        assert '<html lang="en">' in client.get("/products").text
        chosen = {**german, "cookie": "golden_language=zh_Hans"}
        page = client.get("/products", headers=chosen).text
        assert '<html lang="zh-Hans">' in page
        assert "新建一个产品" in page
        chosen["cookie"] = "golden_language=../../etc"
        assert '<html lang="de">' in client.get("/products", headers=chosen).text
        preview = "limits/part?false_alarms=0.2"
        assert "guten Teilen" in client.get(f"/parts/{preview}", headers=german).json()["promise"]
        address = "/api/products/part/limits/preview?false_alarms=0.2"
        answer = client.get(address, headers=german).json()
        assert "good parts" in answer["promise"]  # machines read it
        missing = client.get("/products/none", headers={**german, "accept": "text/html"})
        assert "Das kann nicht gezeigt werden" in missing.text
    with open_station(tmp_path / "korean", file, language="ko") as client:
        assert '<html lang="ko">' in client.get("/products", headers=german).text
    with pytest.raises(ValueError, match="must be one of en, de, ko, zh_Hans; got 'fr'"):
        open_station(tmp_path / "french", file, language="fr").__enter__()


@pytest.fixture(scope="module")
def station(tiny, tmp_path_factory):
    """A station with a good part, a defect, and a file that is no picture."""
    folder: Path = tmp_path_factory.mktemp("languages")
    with run_station(folder / "kept", [small_product(tiny, folder)]) as one:
        for number, data in enumerate((picture(300), picture(301, defect=True), b"none")):
            one.client.post(f"/api/inspect/part?name={number}.png", content=data)
        yield one


@pytest.mark.parametrize("name", ["de", "ko"])
def test_pages_hold_no_english(browser, station, name):
    from browser_parts import check_accessibility, console_errors, expect, new_context

    known = {}
    for message in catalog(name):
        if isinstance(message.id, str) and message.id != message.string:
            known[message.id] = message.string
    with new_context(browser, base_url=station.url, locale=name) as context:
        page = context.new_page()
        complaints = console_errors(page)
        for path in (*PAGES, "/products/part", "/records/2", "/api"):
            page.goto(path)
            assert page.locator("html").get_attribute("lang") == name
            found = page.evaluate(TEXTS)
            translated = set(known.values())
            assert sum(text in translated for text in found) > 10, path
            assert not [text for text in found if text in known and text not in translated], path
            if name == "ko":  # no sentence that nobody gave to the catalogs
                assert not [text for text in found if re.search(ENGLISH, text)], path
        page.goto("/")
        check_accessibility(page)
        data = base64.b64encode(picture(302)).decode()
        page.evaluate(DROP, ["new.png", data])
        said = "1 Bild beurteilt." if name == "de" else "사진 1장을 판정했습니다."
        expect(page.locator("#said")).to_have_text(said)
        with page.expect_navigation():
            page.locator("#language").select_option("zh_Hans")
        assert page.locator("html").get_attribute("lang") == "zh-Hans"
        assert json.loads(page.locator("#words").text_content())["good"] == "合格"
        assert not complaints
