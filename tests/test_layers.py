"""Imports follow one order, run in no circle, and every heavy library has one home."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import goldensample

ROOT = Path(goldensample.__file__).parent
PACKAGE = "goldensample"

WINGS = (
    *("errors", "records", "arrays", "native", "runners", "_version", "locales"),
    *("storage", "images", "preparation", "backbones", "features", "search", "coreset"),
    *(
        "regions",
        "calibration",
        "drift",
        "methods",
        "inspection",
        "wording",
        "masks",
        "label_tools",
    ),
    *("synthetic", "graphs", "evaluation", "datasets", "fitting", "learning", "artifact", "export"),
    *(
        "parts",
        "report",
        "qualification",
        "demo",
        "bench",
        "ray_runner",
        "library",
        "__init__",
        "station",
        "cli",
    ),
)
"""From the ground up: what stands later may import what stands earlier, never the reverse."""
STATION = (
    *("shifts", "settings", "connection_state", "troubles", "records", "products", "line", "setup"),
    *("metrics", "qualifying"),
    *("station_folder", "backup", "station", "inputs", "outputs"),
    *(
        "feedback",
        "misses",
        "rescope",
        "health",
        "connections",
        "demo",
        "web",
        "replica",
        "serving",
    ),
)
"""The same within the station."""
COMPUTING = (
    *("errors", "records", "arrays", "runners", "preparation", "features", "search", "coreset"),
    *("regions", "calibration", "drift", "methods", "inspection", "wording", "synthetic"),
)
"""Wings that only compute: no file, no clock, no printing, no environment."""
TIMM = ("backbones.torch", "backbones.transformer", "backbones.weights")
HOMES = {
    "faiss": {"search.approximate"},
    "onnx": {"graphs"},
    "openvino": {"backbones.openvino", "graphs"},
    "onnxruntime": {"graphs"},
    "nncf": {"graphs"},
    "sklearn": {"methods.estimators"},
    "torch": {*TIMM, "methods.trained"},
    "timm": set(TIMM),
    "PIL": {f"images.{name}" for name in ("codec", "decoding", "marked", "opening", "png_pixels")},
    "isal": {"images.png_pixels"},
    "pillow_heif": {"images.opening"},
    "pillow_jxl": {"images.opening"},
    "fsspec": {"storage.locations"},
    "pyarrow": {"storage.verdict_table"},
    "zxingcpp": {"parts.codes"},
    "pycocotools": {"label_tools.marks"},
    "xlsxwriter": {"storage.verdict_sheet"},
    "typer": {"cli"},
    "rich": {"cli"},
    "safetensors": {"artifact.container", "backbones.weights"},
    "matplotlib": {"bench"},
    "tifffile": {"bench"},
    "fpdf": {"report.pdf", "report.pdf_pages"},
    "fastapi": {"station"},
    "starlette": {"station"},
    "uvicorn": {"station"},
    "jinja2": {"station"},
    "sqlalchemy": {"station"},
    "alembic": {"station"},
    "paho": {"station"},
    "asyncua": {"station"},
    "prometheus_client": {"station"},
    "av": {"station"},
    "pymodbus": {"station.outputs.modbus"},
    "snap7": {"station.outputs.s7"},
    "genicam": {"station.inputs.genicam_device", "station.inputs.genicam_features"},
    "harvesters": {"station.inputs.genicam_device"},
    "ray": {"ray_runner"},
    "pickle": set(),
}
SPEAKING = {"print", "open", "input", "exec", "eval"}
OUTSIDE = {"time", "datetime", "logging", "random", "os", "pathlib", "shutil", "subprocess"}
ROOT_FILES = 8
LINES, FUNCTION_LINES, COMMAND_LINES = 250, 40, 100
LONG_FUNCTIONS = {"cli/fit_one.py:fit_one": "one option a line, then the steps of a fit in order"}


def modules(root: Path) -> dict[str, ast.Module]:
    """Return the syntax tree of each file, by its dotted name below the package."""
    trees = {}
    for path in sorted(root.rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        is_package = parts[-1] == "__init__" and len(parts) > 1
        tree = ast.parse(path.read_text(encoding="utf-8"))
        trees[".".join(parts[:-1] if is_package else parts)] = tree
    return trees


def imports_of(tree: ast.AST) -> Iterator[str]:
    """Give the dotted names that a file imports, at its top or in a function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "imports name the package"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def arrows(trees: dict[str, ast.Module]) -> dict[str, set[str]]:
    """Return which files of the package each file imports."""
    found: dict[str, set[str]] = {name: set() for name in trees}
    for name, tree in trees.items():
        for target in imports_of(tree):
            parts = target.split(".")
            if parts[0] != PACKAGE:
                continue
            inside = ".".join(parts[1:]), ".".join(parts[1:-1])
            found[name].add(next((one for one in inside if one in trees), "__init__"))
        found[name].discard(name)
    return found


def place(name: str, order: tuple[str, ...]) -> int:
    """Return where a wing stands."""
    wing = name.split(".")[0]
    assert wing in order, f"{name} has no wing: give it one in tests/test_layers.py"
    return order.index(wing)


def check_order(root: Path) -> None:
    """Fail on an import against the order, and on a file outside the wings."""
    for name, targets in arrows(modules(root)).items():
        here = place(name, WINGS)
        for target in targets:
            assert place(target, WINGS) <= here, f"{name} imports {target}"
            pair = name.split(".")[1:], target.split(".")[1:]
            if name.startswith("station.") and target.startswith("station."):
                inner, other = (place(part[0], STATION) for part in pair)
                assert other <= inner, f"{name} imports {target}"


def check_no_cycle(root: Path) -> None:
    """Fail where files import each other in a circle."""
    try:
        TopologicalSorter(arrows(modules(root))).prepare()
    except CycleError as error:
        raise AssertionError(f"imports run in a circle: {' -> '.join(error.args[1])}") from None


def check_homes(root: Path) -> None:
    """Fail where a heavy library is imported outside its home."""
    for name, tree in modules(root).items():
        for target in imports_of(tree):
            homes = HOMES.get(target.split(".")[0])
            at_home = homes is None or any(name == h or name.startswith(f"{h}.") for h in homes)
            assert at_home, f"{name} imports {target}"


def check_computing(root: Path) -> None:
    """Fail where a wing that only computes opens a file, prints or asks for the time."""
    for name, tree in modules(root).items():
        if name.split(".")[0] not in COMPUTING:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in SPEAKING, f"{name} calls {node.func.id}"
        for target in imports_of(tree):
            assert target.split(".")[0] not in OUTSIDE, f"{name} imports {target}"


def check_sizes(root: Path) -> None:
    """Fail on a file or function that is too long, and on a crowded root."""
    count = len(list(root.glob("*.py")))
    assert count <= ROOT_FILES, f"{count} files at the root"
    for path in root.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= LINES, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                size = node.end_lineno - node.lineno + 1
                size -= len((ast.get_docstring(node) or "").splitlines())
                where = f"{path.relative_to(root).as_posix()}:{node.name}"
                is_command = path.parent.name == "cli" and node.name == "command"
                longer = is_command or where in LONG_FUNCTIONS
                assert size <= (COMMAND_LINES if longer else FUNCTION_LINES), f"{where} {size}"


def check_wings_say_what_they_are_for(root: Path) -> None:
    """Fail where the `__init__` of a wing lacks its docstring or holds more than names."""
    for path in root.rglob("__init__.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if path.parent != root:
            assert ast.get_docstring(tree), path
            allowed = (ast.Expr, ast.ImportFrom, ast.Assign)
            assert all(isinstance(node, allowed) for node in tree.body), path


CHECKS = [check_order, check_no_cycle, check_homes, check_computing, check_sizes]
CHECKS += [check_wings_say_what_they_are_for]


@pytest.mark.parametrize("check", CHECKS)
def test_the_package_keeps_its_order(check):
    check(ROOT)


def test_wings_are_folders_or_files_of_the_root():
    for wing in WINGS:
        assert (ROOT / wing).is_dir() or (ROOT / f"{wing}.py").is_file(), wing
    for wing in STATION:
        folder = ROOT / "station"
        assert (folder / wing).is_dir() or (folder / f"{wing}.py").is_file(), wing


PLANTED = [
    (check_order, {"search/a.py": "from goldensample.cli import app"}, "search.a imports cli"),
    (check_order, {"helpers.py": ""}, "helpers has no wing"),
    (
        check_order,
        {"station/line/a.py": "from goldensample.station.web import app"},
        "station.line.a imports station.web",
    ),
    (check_order, {"station/misc.py": "from goldensample.station import line"}, "misc has no wing"),
    (
        check_no_cycle,
        {
            "methods/a.py": "def late():\n    from goldensample.methods.b import x",
            "methods/b.py": "from goldensample.methods import a",
        },
        "circle",
    ),
    (
        check_no_cycle,
        {
            "search/a.py": "from goldensample.coreset.b import x",
            "coreset/b.py": "from goldensample.search.a import y",
        },
        "circle",
    ),
    (check_homes, {"report/a.py": "import torch"}, "report.a imports torch"),
    (check_homes, {"methods/a.py": "import pickle"}, "methods.a imports pickle"),
    (check_computing, {"features/a.py": "print(1)"}, "features.a calls print"),
    (check_computing, {"drift/a.py": "from time import time"}, "drift.a imports time"),
    (check_sizes, {f"f{number}.py": "" for number in range(9)}, "9 files"),
    (check_sizes, {"demo/a.py": "\n" * 251}, "a.py"),
    (check_sizes, {"demo/a.py": "def long():\n" + "    x = 1\n" * 41}, "long 42"),
    (check_wings_say_what_they_are_for, {"demo/__init__.py": "x = 1"}, "__init__"),
    (
        check_wings_say_what_they_are_for,
        {"demo/__init__.py": '"""Parts."""\n\n\ndef f():\n    return 1\n'},
        "__init__",
    ),
]


@pytest.mark.parametrize(("check", "files", "words"), PLANTED)
def test_a_planted_violation_is_found(tmp_path, check, files, words):
    for wing in (*WINGS, *(f"station/{one}" for one in STATION)):
        (tmp_path / wing).mkdir(parents=True, exist_ok=True)
        (tmp_path / wing / "__init__.py").write_text('"""A wing."""\n', encoding="utf-8")
    (tmp_path / "cli/app.py").write_text("", encoding="utf-8")
    (tmp_path / "station/web/app.py").write_text("", encoding="utf-8")
    check(tmp_path)
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(AssertionError, match=words):
        check(tmp_path)
