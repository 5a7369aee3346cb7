"""Refusals and help are found again by their words, and told in the reader's language."""

import json
import re

import pytest
from commands import golden
from station_parts import open_station, picture, small_product

from goldensample.errors import ImageError
from goldensample.locales.extraction import texts
from goldensample.locales.language import speaking
from goldensample.locales.unmarked import translated

CODE = '''
INSTALL = "the thing must be there: install it"
def read(path, names):
    """Not a command."""
    if not path:
        raise ImageError(f"{path.name} must be one of {', '.join(names)}, at 5%; got {path!r}")
    reason = "it is a folder" if path.is_dir() else f"{path} is not there"
    raise ValueError(INSTALL)
class Own:
    side: int = knob(3, "how wide")
    def __post_init__(self):
        check(self.side % 2, "side", f"odd, from {LOW} to 9", self)
def command(size: Annotated[int, typer.Option(help="How large.", metavar="N")]):
    """Do it.

    Then stop.
    """
    raise GoldenError(f"{path}: {error}")
'''

REFUSED = {
    "inspect FILE DIR --precision int8": "int8 braucht ein quantisiertes Netz; onnx:tiny.onnx hat",
    "fit DIR -o OUT --backbone net": "das Backbone muss builtin, effnet-lite0 bis 2, timm:",
    "verify a.txt FILE DIR": "ein Export muss auf eines von .onnx, .xml enden; a.txt tut es nicht",
    "qualify FILE --good DIR --defects DIR -o DIR": "muss Bilder enthalten; es gibt keinen solchen",
    "fit GOOD -o OUT --size 64 --composition on": "composition muss auf 20 gemerkten guten Bildern",
    "fit GOOD -o OUT --neighbourhood 2": "neighbourhood muss eine ungerade ganze Zahl sein; ange",
    "bench none --output DIR": "SUITE muss eine von table1, ",
    "fit GOOD -o OUT --runner none": "--runner muss here, ray, ray://HOST:PORT oder auto sein; ang",
}
"""Commands and how wings refuse: backbones, graphs, export, qualification, methods, bench,
ray_runner."""


def test_texts_are_found_without_a_mark_and_places_get_names():
    assert {text for _, text in texts(CODE, ["command"])} == {
        "the thing must be there: install it",
        "%(name)s must be one of %(names)s, at 5%%; got %(path)s",
        "it is a folder",
        "%(path)s is not there",
        "Do it.\n\nThen stop.",
        "How large.",
        "how wide",
        "side must be odd, from %(low)s to 9; got %(value)s",
    }


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("en", "a/b.golden must be a .golden file; it is a folder; make one with golden fit"),
        (
            "de",
            "a/b.golden muss eine .golden-Datei sein; es ist ein Ordner; machen Sie eine mit "
            "golden fit",
        ),
        ("ko", "a/b.golden은(는) .golden 파일이어야 합니다. 폴더입니다. golden fit으로 만드십시오"),
        ("zh_Hans", "a/b.golden 必须是 .golden 文件；它是文件夹；请用 golden fit 生成"),
    ],
)
def test_a_refusal_is_told_with_what_stands_at_its_places(language, text):
    refusal = "a/b.golden must be a .golden file; it is a folder; make one with golden fit"
    with speaking(language):
        assert translated(refusal) == text


def test_of_two_texts_the_one_with_more_words_of_its_own_is_meant():
    error = ImageError("cannot read 5 %s.png: the file is damaged (its samples must be 100%)")
    with speaking("de"):
        assert translated(str(error)) == (
            "5 %s.png ist nicht lesbar: die Datei ist beschädigt (its samples must be 100%)"
        )
        assert translated("nobody wrote this in the code") == "nobody wrote this in the code"
        assert translated("") == ""


def test_the_command_refuses_in_the_language_and_writes_for_programs_in_english(tiny, tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"")
    result = golden("--language", "de", "inspect", str(small_product(tiny, tmp_path)), str(broken))
    assert result.returncode == 2
    assert "broken.png ist nicht lesbar: die Datei ist leer" in result.stdout
    result = golden(
        "--language", "de", "inspect", str(small_product(tiny, tmp_path)), str(broken), "--json"
    )
    assert json.loads(result.stdout.splitlines()[0])["error"].endswith("the file is empty")
    result = golden("--language", "ko", "inspect", str(tmp_path / "none.golden"), str(broken))
    assert ".golden 파일이어야 합니다. 없습니다. golden fit으로 만드십시오" in result.stderr


def test_each_wing_refuses_in_the_language(tiny, tmp_path):
    places = {"FILE": small_product(tiny, tmp_path), "DIR": tmp_path / "none"}
    places |= {"GOOD": tmp_path / "good", "OUT": tmp_path / "out.golden"}
    places["GOOD"].mkdir()
    for number in range(3):
        (places["GOOD"] / f"{number}.png").write_bytes(picture(300 + number))
    for command, words in REFUSED.items():
        arguments = [places.get(word, word) for word in command.split()]
        refused = golden("--language", "de", *arguments)
        assert refused.returncode == 2
        assert words in refused.stderr


@pytest.mark.parametrize("words", ["fit", "inspect", "serve", "part new", "data convert"])
def test_help_of_a_command_has_no_english_sentence(words):
    result = golden("--language", "ko", *words.split(), "--help")
    assert result.returncode == 0, result.stderr
    shown = result.stdout.replace("Show this message and", "")
    assert not re.search(r"[a-z]{2,} [a-z]{2,} [a-z]{2,} [a-z]{2,}", shown), shown


def test_the_api_refuses_a_page_in_its_language_and_a_program_in_english(tiny, tmp_path):
    with open_station(tmp_path / "kept", small_product(tiny, tmp_path)) as client:
        german = {"accept-language": "de"}
        refused = client.get("/api/records/99", headers=german)
        assert refused.status_code == 404
        assert refused.json()["error"] == "a record must be there; number 99 is not"
        page = {**german, "sec-fetch-site": "same-origin"}
        refused = client.get("/api/records/99", headers=page)
        assert refused.json()["error"] == "eine Aufzeichnung muss da sein; Nummer 99 ist es nicht"
        inspected = client.post("/api/inspect/part?name=a.png", content=b"none", headers=page)
        assert "es ist kein Bild" in inspected.json()["error"]
