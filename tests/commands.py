"""`golden` as a user runs it: a process of its own, its streams and its exit code.

To import the libraries takes longer than most commands. So, where the system can fork, one server
imports them once, and each command runs in a fork of it. Imports anew are tested by
test_imports.py and by the README's commands in test_docs.py. A command can be killed while it
works: a fork starts with the libraries imported.
"""

import atexit
import importlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path

PRELOADED = [
    "array_api_compat.numpy",
    "goldensample.learning.learn",
    "goldensample.fitting.precision",
    "onnx",
]
PRELOADED += ["goldensample.artifact.thumbnails", "pydantic", "rich.console", "safetensors.numpy"]
PRELOADED += ["scipy.ndimage", "scipy.sparse"]
ENGLISH = r"[A-Za-z]+ [a-z]+ [a-z]+"
"""A sentence that nobody gave to the catalogs, where no letter should be Latin."""
COMMAND = [sys.executable, "-W", "error", "-m", "goldensample.cli"]


def golden(
    *arguments: object, cwd: Path | None = None, killed_after_s: float | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end, or, where the system can fork, until it is killed."""
    command = [str(argument) for argument in arguments]
    if not hasattr(os, "fork"):
        return subprocess.run(
            [*COMMAND, *command], capture_output=True, text=True, cwd=cwd, encoding="utf-8"
        )
    with tempfile.TemporaryDirectory() as folder:
        streams = [f"{folder}/stdout", f"{folder}/stderr"]
        for stream in streams:  # a process that is killed at once has made none
            Path(stream).touch()
        job = {"arguments": command, "cwd": str(cwd or Path.cwd()), "streams": streams}
        job["killed_after_s"] = killed_after_s
        process = server()
        process.stdin.write(json.dumps({**job, "environment": dict(os.environ)}) + "\n")
        process.stdin.flush()
        code = int(process.stdout.readline())
        outputs = [Path(stream).read_text(encoding="utf-8") for stream in streams]
    return subprocess.CompletedProcess(command, code, *outputs)


def golden_in_process(*arguments: object, allowed_codes: tuple[int, ...] = ()) -> str:
    """Run a command in this process; return what it printed, and raise what it failed with."""
    from typer.testing import CliRunner

    from goldensample.cli.app import app

    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    stopped = isinstance(result.exception, SystemExit) and result.exit_code in allowed_codes
    if result.exception and not stopped:
        raise result.exception
    return result.output


def check_printed(*words: object, told: str, allowed: tuple[int, ...] = (0,)) -> str:
    """Check that results hold Korean and no English sentence, and JSON English alone.

    Args:
        words: of the command.
        told: in the results, in Korean.
        allowed: exit codes.
    """
    done = golden(*words, "--language", "ko")
    assert done.returncode in allowed, done.stderr
    printed = done.stdout + done.stderr
    assert told in done.stdout
    without_commands = re.sub(r"golden( [a-z]+)+|pip install", "", printed)
    assert not re.search(ENGLISH, without_commands), printed
    for line in golden(*words, "--json", "--language", "ko").stdout.splitlines():
        values = json.dumps(json.loads(line), ensure_ascii=False)
        assert not re.search("[\u3131-\ud7a3]", values), values  # machines read it
    return printed


@cache
def server() -> subprocess.Popen[str]:
    """Start the process that runs the commands; it ends with this one."""
    command = [sys.executable, "-W", "error", __file__]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    )
    atexit.register(process.__exit__, None, None, None)
    return process


def serve() -> None:
    """Run each job of stdin in a fork, and write its exit code to stdout."""
    import gc

    from goldensample.backbones.openvino import import_openvino
    from goldensample.cli.app import COMMANDS, load_command, main

    import_openvino()
    for name in COMMANDS:
        load_command(name)
    for name in PRELOADED:
        importlib.import_module(name)
    gc.freeze()  # forks need not traverse the objects that they share
    for line in sys.stdin:
        job = json.loads(line)
        child = os.fork()
        if not child:
            apply_job(job)
            main()
            return
        if job["killed_after_s"] is not None:
            time.sleep(job["killed_after_s"])
            os.kill(
                child, signal.SIGKILL
            )  # it may have ended; its id is not reused before the wait
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(code, flush=True)


def apply_job(job: dict) -> None:
    """Set this process's folder, environment, arguments and streams to those of a job."""
    os.chdir(job["cwd"])
    os.environ.clear()
    os.environ.update(job["environment"])
    sys.argv = ["golden", *job["arguments"]]
    for number, path in enumerate([os.devnull, *job["streams"]]):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
        os.dup2(descriptor, number)
        os.close(descriptor)


if __name__ == "__main__":
    serve()
