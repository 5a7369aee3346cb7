"""Importing stays light, the base needs no torch, and nothing calls home."""

import inspect
import subprocess
import sys

import numpy as np
import pytest

from goldensample.cli.app import COMMANDS, load_command

HEAVY = {"numpy", "PIL", "openvino", "faiss", "torch", "timm", "onnx", "scipy"}

NO_NETWORK = """
import socket, sys
def refuse(*_, **__):
    raise SystemExit("something opened a connection")
socket.socket.connect = socket.socket.connect_ex = socket.getaddrinfo = refuse
"""


def run(code: str, *words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


COMMAND = """
import sys
from goldensample.cli.app import main
try: main()
except SystemExit as end: print("CODE", end.code)
"""


def loaded_modules(printed: str) -> set[str]:
    return {name.split(".")[0] for name in printed.split("LOADED")[1].split()}


@pytest.mark.parametrize(
    ("words", "end"), [(["--help"], "CODE 0"), (["inspct"], "CODE 2"), (["--version"], "CODE 0")]
)
def test_help_and_a_wrong_command_import_no_command(words, end):
    printed = run(f"{COMMAND}\nprint('LOADED', *sys.modules)", *words)
    assert end in printed
    assert (HEAVY | {"rich"}).isdisjoint(loaded_modules(printed))


def test_importing_the_package_stays_light():
    printed = run("import goldensample, sys; print('LOADED', *sys.modules)")
    assert HEAVY.isdisjoint(loaded_modules(printed))


@pytest.mark.parametrize("name", COMMANDS)
def test_the_line_of_a_command_in_the_help_is_its_own(name):
    own = inspect.cleandoc(load_command(name).help).split("\n\n")[0]
    assert COMMANDS[name][1] == own.replace("\n", " ")


def test_the_main_job_needs_no_torch_and_calls_nobody(tmp_path, tiny_file):
    """Fit and inspect with connections refused; OpenVINO's telemetry client is not even loaded."""
    code = NO_NETWORK + (
        "import numpy as np, goldensample as golden\n"
        "rng = np.random.default_rng(0)\n"
        "good = [rng.integers(0, 255, (48, 48, 3), np.uint8) for _ in range(3)]\n"
        "inspector = golden.fit(good, backbone='onnx:' + sys.argv[1])\n"
        "golden.save(inspector, sys.argv[2])\n"
        "print(golden.load(sys.argv[2]).inspect(good[0]).score)\n"
        "loaded = {name.split('.')[0] for name in sys.modules}\n"
        "assert not loaded & {'torch', 'timm', 'openvino_telemetry', 'faiss'}, loaded\n"
    )
    assert float(run(code, str(tiny_file), str(tmp_path / "a.golden"))) >= 0


def test_timms_hub_client_sends_no_telemetry():
    pytest.importorskip("timm", reason="the extra [torch] is not installed")
    code = NO_NETWORK + (
        "from goldensample import open_backbone\n"
        "open_backbone('timm:resnet18', weights='random')\n"
        "import huggingface_hub.constants as c; print(c.HF_HUB_DISABLE_TELEMETRY)\n"
    )
    assert run(code).strip() == "True"


def test_a_file_fitted_with_timm_is_inspected_without_torch(tmp_path, good_parts):
    pytest.importorskip("timm", reason="the extra [torch] is not installed")
    from goldensample import fit, open_backbone, save

    fitted = fit(good_parts[:3], backbone=open_backbone("timm:resnet18", weights="random"))
    save(fitted, tmp_path / "a.golden")
    code = (
        "import sys; sys.modules['torch'] = sys.modules['timm'] = None\n"
        "import numpy as np, goldensample as golden\n"
        "picture = np.full((48, 48, 3), 90, np.uint8)\n"
        "print(golden.load(sys.argv[1]).inspect(picture).score)"
    )
    found = float(run(code, str(tmp_path / "a.golden")))
    assert found == fitted.inspect(np.full((48, 48, 3), 90, np.uint8)).score
