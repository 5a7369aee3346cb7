"""Methods of one's own: Python files that their user names, and no `.golden` file brings along.

A `.golden` file of such a method holds its name and the SHA-256 of its Python file, to recognise it
by. Code runs only where a user names the file, with `--method FILE.py:Class`.
"""

import sys
from dataclasses import is_dataclass
from functools import cache
from hashlib import sha256
from inspect import getsourcefile
from pathlib import Path
from types import ModuleType, TracebackType
from typing import Any, cast

from goldensample.errors import ArtifactError, GoldenError
from goldensample.methods.protocols import Method
from goldensample.methods.registry import METHODS, is_own

OPENED: dict[str, str] = {}
"""SHA-256 of the Python files that users have named, by the names of their modules."""


def open_method(text: str) -> type[Method]:
    """Run a Python file and return a class in it.

    Args:
        text: "FILE.py:Class", from the user and never from data.

    Raises:
        ValueError: there is no such file or class, or the class is no method.
        GoldenError: the file fails as it runs.
    """
    path, _, name = text.rpartition(":")
    file = Path(path)
    if file.suffix != ".py" or not file.is_file():
        raise ValueError(
            f"--method must be one of golden's, or FILE.py:Class; there is no file {path or text}"
        )
    source = file.read_bytes()
    module = ModuleType(file.name)
    module.__file__ = str(file.resolve())
    sys.modules[file.name] = module  # dataclasses look their module up
    OPENED[file.name] = sha256(source).hexdigest()
    try:
        exec(compile(source, str(file), "exec"), module.__dict__)
    except Exception as error:
        raise GoldenError(
            f"{file} must run without an error; {type(error).__name__}: {error}; "
            "golden --debug shows where"
        ) from error
    kind: Any = getattr(module, name, None)
    if not isinstance(kind, type) or kind.__module__ != file.name:
        raise ValueError(f"{file} must have a class {name}; it has none of its own")
    lacks = [part for part in ("fit", "restore") if not callable(getattr(kind, part, None))]
    if lacks or not is_dataclass(kind):
        missing = f"lacks {' and '.join(lacks)}" if lacks else "is no dataclass"
        raise ValueError(f"{name} must be a dataclass with fit and restore; it {missing}")
    method = cast(type[Method], kind)
    source_sha256(method)  # of what was run, whatever becomes of the file
    return method


@cache
def source_sha256(kind: type[Method]) -> str:
    """Return the SHA-256 of the Python file that a class is from, as it was at the first call.

    Raises:
        ValueError: it is from no file.
    """
    if kind.__module__ in OPENED:
        return OPENED[kind.__module__]
    try:
        return sha256(Path(getsourcefile(kind) or "").read_bytes()).hexdigest()
    except (OSError, TypeError) as error:
        raise ValueError(
            f"a method to save must be from a Python file, to be recognised by; {kind.__name__} is "
            "from none; move it to one"
        ) from error


def source_name(kind: type[Method]) -> str:
    """Return "FILE.py:Class" of a class from a Python file."""
    return f"{Path(getsourcefile(kind) or '').name}:{kind.__qualname__}"


def find_method(file: str, header: dict[str, Any], own: type[Method] | None) -> type[Method]:
    """Return the method of a file: one of `METHODS`, or the user's.

    Args:
        file: its name, for messages.
        header: of the file.
        own: what its user has named for it, if anything.

    Raises:
        ArtifactError: it is of another method than the user's, or of one that nobody has named.
    """
    name = header["method"]
    if not isinstance(name, str) or not is_own(name):
        if own:
            raise ArtifactError(
                f"{file}: it was fitted with golden's own method {name}, not with {own.__name__}; "
                "leave --method away"
            )
        return METHODS[name]
    script, _, short = name.rpartition(":")
    if own is None:
        raise ArtifactError(
            f"{file}: it was fitted with a method of somebody's own, {short} in {script}, and no "
            "code is run because a file asks for it. If you have that Python file and trust it: "
            f"golden inspect, evaluate, thresholds, info and soak take --method {script}:{short}, "
            "in a program load takes method="
        )
    if own.__qualname__ != short or source_sha256(own) != header.get("method_sha256"):
        raise ArtifactError(
            f"{file}: it was fitted with {short} in {script} as that was then (SHA-256 "
            f"{str(header.get('method_sha256'))[:12]}…); what you gave is {own.__qualname__}, "
            f"SHA-256 {source_sha256(own)[:12]}…; give the Python file of the fit, or fit anew"
        )
    return own


def is_at_fault(traceback: TracebackType | None) -> bool:
    """Return whether an error came up in a module that a user has named."""
    while traceback:
        if traceback.tb_frame.f_globals.get("__name__") in OPENED:
            return True
        traceback = traceback.tb_next
    return False
