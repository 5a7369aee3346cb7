"""Texts that stand in the code without a mark, for Babel: refusals and the help of options.

A refusal stands as an f-string where it is raised. Its places get names: `{path.name}` in the code
is `%(name)s` in the catalogs.
"""

import ast
import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import BinaryIO

MIN_LETTERS = 10
"""A refusal with fewer letters of its own, such as f"{name}: {error}", says nothing itself."""
_REASONS = ("reason", "advice", "lacks_effnet")
"""Variables and functions that hold a part of a refusal."""
_AFTER_STATUS = ("HTTPException", "json_error")
"""Calls whose text comes after a number."""
_DECORATORS = ("command", "callback")


def unmarked(
    fileobj: BinaryIO, keywords: object, comment_tags: object, options: Mapping[str, str]
) -> Iterator[tuple[int, str, str, list[str]]]:
    """Yield the texts of a Python file: line, function, text and comments, as Babel takes them.

    Args:
        fileobj: the file.
        keywords: not used, nor are the others.
        comment_tags: of Babel's method of extraction.
        options: `commands`, names of functions that are commands of `golden`: they have help, too.
    """
    commands = options.get("commands", "").split()
    for line, text in texts(fileobj.read().decode("utf-8"), commands):
        yield line, "", text, []


def texts(code: str, commands: Sequence[str] = ()) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of each refusal, and each help, in Python code."""
    tree = ast.parse(code)
    constants = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and (
            node.name in commands or any(map(_is_command, node.decorator_list))
        ):
            yield node.lineno, inspect.cleandoc(ast.get_docstring(node) or "").replace("%", "%%")
        least_letters = [(one, 1) for one in _help_in(node)]
        least_letters += [(one, MIN_LETTERS) for one in _refusals_in(node)]
        for one, least in least_letters:
            value = constants.get(one.id, one) if isinstance(one, ast.Name) else one
            for branch in (value.body, value.orelse) if isinstance(value, ast.IfExp) else (value,):
                text, letters = template(branch)
                if letters >= least:
                    yield getattr(node, "lineno", 1), text


def _help_in(node: ast.AST) -> list[ast.expr]:
    """Return the help that a call gives to an option, or to a knob of a method."""
    if not isinstance(node, ast.Call):
        return []
    found = [word.value for word in node.keywords if word.arg == "help"]
    return found + (node.args[1:2] if _name(node.func) == "knob" else [])


def _refusals_in(node: ast.AST) -> list[ast.expr]:
    """Return what a part of the code refuses with, and its reasons."""
    if isinstance(node, ast.Call) and _name(node.func) == "check" and len(node.args) == 4:
        return [_knob_refusal(*node.args[1:3])]
    if isinstance(node, ast.Call):
        return node.args[: 2 if _name(node.func) in _AFTER_STATUS else 1] if refuses(node) else []
    if isinstance(node, ast.Assign) and _name(node.targets[0]) in _REASONS:
        return [node.value]
    if isinstance(node, ast.FunctionDef) and node.name.strip("_") in _REASONS:
        returns = (one.value for one in ast.walk(node) if isinstance(one, ast.Return))
        return [value for value in returns if value]
    return []


def _knob_refusal(name: ast.expr, requirement: ast.expr) -> ast.JoinedStr:
    """Return what `methods.validation.check` refuses a knob's value with."""
    must, got = ast.Constant(" must be "), ast.Constant("; got ")
    parts = [*_parts(name), must, *_parts(requirement), got, *_parts(ast.Name("value"))]
    return ast.JoinedStr(parts)


def _parts(text: ast.expr) -> list[ast.expr]:
    """Return a text as parts of an f-string."""
    if isinstance(text, ast.JoinedStr):
        return text.values
    return [text if isinstance(text, ast.Constant) else ast.FormattedValue(text, -1)]


def refuses(node: ast.Call) -> bool:
    """Return whether a call makes an error that people read."""
    name = _name(node.func)
    if name in ("AssertionError", "AttributeError"):
        return False
    return name.endswith("Error") or name in (*_AFTER_STATUS, "refuse")


def template(node: ast.expr) -> tuple[str, int]:
    """Return a text with its places by name, and how many letters are its own; else "" and 0."""
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    text, letters = "", 0
    places: dict[str, str] = {}
    for part in parts:
        if isinstance(part, ast.Constant) and isinstance(part.value, str):
            text += part.value.replace("%", "%%")
            letters += sum(map(str.isalpha, part.value))
        elif isinstance(part, ast.FormattedValue):
            text += f"%({_place(part, places)})s"
    return text, letters


def _place(part: ast.FormattedValue, places: dict[str, str]) -> str:
    """Return the name of a place: that of the last variable, attribute or key; a new one each."""
    written = ast.unparse(part)
    names = [
        found
        for node in ast.walk(part.value)
        if (found := _name(node)) and found not in ("join", "sorted", "map", "str", "len")
    ]
    first = names[0].strip("_").lower() if names else "value"
    name = next(
        n
        for n in (first, *(f"{first}{k}" for k in range(2, 9)))
        if places.get(n, written) == written
    )
    places[name] = written
    return name


def _name(node: ast.AST) -> str:
    """Return the name of a variable, attribute or key; "" of anything else."""
    if isinstance(node, ast.Attribute):
        return node.attr
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value if node.value.isidentifier() else ""
    return ""


def _is_command(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and _name(node.func) in _DECORATORS
