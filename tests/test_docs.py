"""What the documents say is so."""

import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
from commands import COMMAND, golden
from conftest import ROOT, load_script, part
from PIL import Image

import goldensample
from goldensample.backbones.openvino import processor_has
from goldensample.methods.registry import CHOICES, METHODS

README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", README, re.DOTALL)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder as the README's reader has it."""
    root = tmp_path_factory.mktemp("reader")
    for name, count in (("good", 40), ("new", 3), ("parts/good", 4), ("parts/dent", 1)):
        (root / name).mkdir(parents=True)
        for k in range(count):
            Image.fromarray(part(k, shape=(96, 96))).save(root / name / f"{k:03d}.png")
    return root


def golden_lines() -> list[str]:
    lines = [line.split("  #")[0].strip() for block in blocks("sh") for line in block.splitlines()]
    return [line for line in lines if line.startswith("golden ")]


def test_the_commands_of_the_start_run_as_written(folder):
    # other networks need weights; the paper's figures take long: see test_bench; a station runs
    # until it is stopped: see test_station_api
    needy = ("--backbone", "--preset", "golden bench", "golden serve", "golden replicas")
    start = [line for line in golden_lines() if not any(word in line for word in needy)]
    assert [line.split()[1] for line in start] == (
        [
            "fit",
            "inspect",
            "audit",
            *["fit"] * 4,
            *(
                "thresholds",
                "thresholds",
                "inspect",
                "inspect",
                "fit",
                "fit",
                "inspect",
                "inspect",
                "inspect",
                "learn",
                "history",
                "revert",
            ),
            "fit",
            "inspect",
            "inspect",
            "export",
            "export",
            "verify",
            "fit",
            *["data"] * 2,
        ]
    )
    imported: set[str] = set()
    for line in start:
        words = shlex.split(line, comments=True)[1:]
        if words[0] in imported:
            done = golden(*words, cwd=folder)
        else:  # the first of each command in a process that imports anew
            imported.add(words[0])
            done = subprocess.run([*COMMAND, *words], cwd=folder, capture_output=True, text=True)
        if words[0] == "verify" and processor_has("bf16") and done.returncode:
            assert "ask for float32" in done.stderr  # the runtime's own default was too coarse
            continue
        assert done.returncode == 0, (line, done.stderr)
    assert (folder / "report/report.html").is_file()
    assert (folder / "audit/report.html").is_file()


def test_the_page_of_own_networks_and_methods_runs(folder):
    pytest.importorskip("torch", reason="torch is not installed")
    page = (ROOT / "docs/how-to/own-network-or-method.md").read_text(encoding="utf-8")
    for name, text in re.findall(r"```(?:python|toml)\n# (\S+\.(?:py|toml))\b(.*?)```", page, re.S):
        (folder / name).write_text("#" + text, encoding="utf-8")
    script = [sys.executable, "-W", "ignore", "own_network.py"]  # torch warns of itself
    done = subprocess.run(script, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for block in re.findall(r"```sh\n(.*?)```", page, re.S):
        for line in block.splitlines():
            small = ["--size", "64x64", "--precision", "fp32"] if " fit " in line else []
            done = golden(*shlex.split(line, comments=True)[1:], *small, cwd=folder)
            assert done.returncode == 0, (line, done.stderr)
    assert "few pictures" in done.stdout
    assert len(list((folder / "results/raw").glob("*own_method.py-Fewest*"))) == 1


def test_options_in_the_readme_exist():
    page = (ROOT / "docs/reference.md").read_text(encoding="utf-8")
    for option in set(re.findall(r"--[a-z][a-z-]+", README)):
        assert option in page, option


def test_the_program_runs(folder, monkeypatch):
    monkeypatch.chdir(folder)
    image = np.asarray(Image.open("new/000.png"))
    (code,) = blocks("python")
    names = {"image": image}
    exec(compile(code, "README", "exec"), names)
    assert names["inspection"].heat_map.shape == (96, 96)


def test_the_reference_is_what_the_code_says():
    reference = load_script("docs/make_reference.py").reference
    assert (ROOT / "docs/reference.md").read_text(encoding="utf-8") == reference(), "run make docs"


def test_the_architecture_is_what_the_imports_say():
    module = load_script("docs/make_architecture.py")
    text = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    assert text == module.page(text), "run make docs"
    drawn = (ROOT / "docs/architecture.svg").read_text(encoding="utf-8")
    assert drawn == module.picture(module.wing_arrows()), "run make docs"


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "README.ko.md",
        "CONTRIBUTING.md",
        "docs/architecture.md",
        "docs/how-to/own-network-or-method.md",
        "SECURITY.md",
        "docs/words.md",
    ],
)
def test_links_to_files_lead_somewhere(name):
    text = (ROOT / name).read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", text)
    assert links
    for link in links:
        assert ((ROOT / name).parent / link).exists(), link


def test_the_korean_readme_has_the_commands_of_the_english_one():
    def parts(text: str) -> tuple[list[str], list[str], list[str]]:
        code = re.findall(r"```(?:sh|python|text)\n(.*?)```", text, re.DOTALL)
        lines = [
            re.split(r" +# ", line)[0].strip() for block in code for line in block.splitlines()
        ]
        return (
            [line for line in lines if line],
            re.findall(r"^\| `(golden [^`]+)`", text, re.M),
            code,
        )

    korean = (ROOT / "README.ko.md").read_text(encoding="utf-8")
    (lines, commands, blocks), (all_lines, all_commands, _) = parts(korean), parts(README)
    assert len(blocks) == 6
    assert not set(lines) - set(all_lines)
    assert commands == all_commands


def test_every_knob_and_public_name_is_documented():
    page = (ROOT / "docs/reference.md").read_text(encoding="utf-8")
    for name in CHOICES:
        assert all(f"| `{field.name}` |" in page for field in fields(METHODS[name]))
    assert all(f"### {name}\n" in page for name in goldensample.__all__)


def test_extras_are_named_in_one_way():
    known = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    extras = set(known["project"]["optional-dependencies"])
    named = 0
    for path in [*(ROOT / "src").rglob("*.py"), *(ROOT / "docs/how-to").glob("*.md")]:
        text = path.read_text(encoding="utf-8").replace('\\"', '"')
        for before, name in re.findall(r"(.{1,13})goldensample\[([\w,]+)[^\]]*\]", text):
            assert before.endswith('"'), (path, before)
            assert set(name.split(",")) <= extras, (path, name)
            named += 1
    assert named > 20


def test_public_names_are_what_is_there():
    assert sorted(goldensample.__all__) == [n for n in dir(goldensample) if n != "__version__"]
    for name in goldensample.__all__:
        assert getattr(goldensample, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = goldensample.nothing


def test_every_dependency_has_its_sentence():
    why = (ROOT / "docs/why.md").read_text(encoding="utf-8").lower()
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for text in settings["project"]["dependencies"]:
        assert re.split(r"[<>=]", text)[0].lower() in why, text


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
def test_make_knows_the_commands_of_the_readme():
    for target in re.findall(r"^make ([a-z]+)", README, re.MULTILINE):
        done = subprocess.run(
            ["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
