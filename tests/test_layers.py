"""Imports point down only, and every heavy library has one home."""

import ast
from pathlib import Path

import goldensample

ROOT = Path(goldensample.__file__).parent

FLOORS = [
    ["errors", "records", "runners", "_version"],
    [
        *("preparation", "placing", "zoning", "moving", "registering", "aligning", "viewing"),
        *("tiling", "patches", "projection", "shards", "coreset", "streaming"),
        *("merging", "sampling", "growing"),
        *("denoise", "coverage", "pruning", "neighbors", "sharded"),
        *("approximate", "heatmap", "outlining"),
        *("metrics", "pixel_metrics", "conformal", "tails", "tradeoff", "watching"),
        "feature_store",
        *("habits", "journal"),
    ],
    ["backbones"],
    ["methods"],
    [
        *("inspector", "extracting", "judging", "zoned", "fitting", "calibrating", "planning"),
        *("evaluation", "auditing", "learning", "revising", "misses", "teaching"),
        "relimiting",
    ],
    [
        *("places", "shelves", "png_parts", "images", "finding", "folders", "verdict_tables"),
        *("datasets", "store", "journal_parts", "container", "writing"),
        *("locking", "spool", "header", "weights", "baking", "precisions", "exporting"),
        *("annotating", "thumbnails", "view_files", "zone_files", "ray_runner", "sharded_files"),
    ],
    ["library", "report", "demo", "bench", "station", "cli", "__init__"],
]
HOMES = {
    "faiss": {"approximate"},
    "onnx": {"baking"},
    "openvino": {"backbones.openvino", "baking"},
    "onnxruntime": {"baking"},
    "sklearn": {"methods.estimators"},
    "torch": {"backbones.torch"},
    "timm": {"backbones.torch"},
    "PIL": {"images"},
    "fsspec": {"places"},
    "pyarrow": {"verdict_tables"},
    "typer": {"cli"},
    "rich": {"cli"},
    "safetensors": {"container", "backbones.torch"},
    "matplotlib": {"bench"},
    "fastapi": {"station"},
    "starlette": {"station"},
    "uvicorn": {"station"},
    "jinja2": {"station"},
    "sqlalchemy": {"station"},
    "alembic": {"station"},
    "paho": {"station"},
    "asyncua": {"station"},
    "av": {"station"},
    "ray": {"ray_runner"},
    "pickle": set(),
}
SPEAKING = {"print", "open", "input", "exec", "eval"}


def rooms():
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts)
        yield name, ast.parse(path.read_text(encoding="utf-8"))


def floor_of(room: str) -> int:
    names = {name: number for number, floor in enumerate(FLOORS) for name in floor}
    assert room.split(".")[0] in names, f"{room} has no floor: give it one here and in docs/why.md"
    return names[room.split(".")[0]]


def imports_of(tree: ast.AST):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports name the package"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def test_imports_point_down():
    known = {name for floor in FLOORS for name in floor}
    for room, tree in rooms():
        for name in imports_of(tree):
            parts = name.split(".")
            if parts[0] == "goldensample" and len(parts) > 1 and parts[1] in known:
                assert floor_of(parts[1]) <= floor_of(room), f"{room} imports {name}"


def test_heavy_libraries_have_one_home():
    for room, tree in rooms():
        for name in imports_of(tree):
            homes = HOMES.get(name.split(".")[0])
            at_home = homes is None or any(room == h or room.startswith(f"{h}.") for h in homes)
            assert at_home, f"{room} imports {name}"


def test_lower_floors_only_compute():
    for room, tree in rooms():
        if floor_of(room) > 4:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in SPEAKING, f"{room} calls {node.func.id}"
        for name in imports_of(tree):
            assert name.split(".")[0] not in {"time", "datetime", "logging", "random", "os"}, room
            if name.split(".")[0] == "pathlib":
                assert room == "backbones.torch", room  # reads weights, as torch does


def test_files_and_functions_stay_small():
    for path in ROOT.rglob("*.py"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 250, path
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef):
                size = node.end_lineno - node.lineno + 1
                size -= len((ast.get_docstring(node) or "").splitlines())
                is_command = path.parent.name == "cli" and node.name == "command"
                assert size <= (100 if is_command else 40), f"{path.name}:{node.name} {size}"
