"""Run exported models in the installed runtimes, and convert them to OpenVINO's format."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from goldensample.backbones.network import Network
from goldensample.backbones.openvino import import_openvino
from goldensample.errors import ArtifactError
from goldensample.graphs.anomalib import ANOMALIB_INPUT, MODEL_INFO, OUTPUTS, Compute, natively
from goldensample.graphs.graph import INPUT, PROPERTY
from goldensample.records import Array

NEEDED = {"score"}
F32 = {"INFERENCE_PRECISION_HINT": "f32"}
"""Settings of OpenVINO without which it computes in bfloat16 or half precision where the processor
can."""
COMPUTING = {"Convolution", "Deconvolution", "FullyConnected", "MatMul"}
"""Layers of OpenVINO whose precision is the model's: others, such as Gather, move values as they
are stored, in 16 bits where that loses nothing."""
HALF = {"bf16", "f16"}


@dataclass(frozen=True)
class Exported:
    """An exported model in memory, for all runtimes.

    Args:
        name: of the file, for errors.
        graph: an ONNX model, or the XML of an OpenVINO model.
        weights: of the OpenVINO model; None for an ONNX model.
    """

    name: str
    graph: bytes
    weights: bytes | None = None

    def files(self, path: Path) -> list[tuple[Path, bytes]]:
        """Return the files to write; the one that refers to the other comes last."""
        if self.weights is None:
            return [(path, self.graph)]
        return [(path.with_suffix(".bin"), self.weights), (path, self.graph)]


@dataclass(frozen=True)
class Run:
    """An exported model in a runtime, to be called.

    Args:
        compute: (n, H, W, 3) uint8 pictures to outputs by name.
        computed_in: the precisions of its convolutions and matrix products on this processor, in
            OpenVINO's words: "f32", "bf16", "f32, u8".
    """

    compute: Compute
    computed_in: str

    def __call__(self, pictures: Array) -> dict[str, Array]:
        return self.compute(pictures)

    @property
    def half(self) -> bool:
        """Whether it computes in bfloat16 or half precision."""
        return not HALF.isdisjoint(self.computed_in.split(", "))


Opened = tuple[set[str], set[str], Run]
"""Names of inputs, names of outputs, the model."""


def open_all(model: Exported) -> dict[str, Run]:
    """Load the model in each installed runtime that supports it, on the CPU; return them by name.

    They run with their defaults, as most users will. Where those of OpenVINO compute in bfloat16 or
    half precision, the model runs a second time as "OpenVINO, f32", with float32 asked for.

    Raises:
        ArtifactError: a runtime cannot load it, or it is not from `golden export`.
    """
    runs = {"OpenVINO": _open(model, "OpenVINO", partial(_openvino, config={}))}
    if runs["OpenVINO"].half:  # elsewhere asking for float32 changes nothing
        runs["OpenVINO, f32"] = _open(model, "OpenVINO", partial(_openvino, config=F32))
    if model.weights is None and find_spec("onnxruntime"):
        runs["ONNX Runtime"] = _open(model, "ONNX Runtime", _onnxruntime)
    return runs


def _open(model: Exported, runtime: str, opener: Callable[[Exported], Opened]) -> Run:
    """Load a model in a runtime and check its inputs and outputs; wrap errors of later runs."""
    try:
        inputs, outputs, run = opener(model)
    except Exception as error:  # ONNX Runtime's errors have no other base class
        raise _refusal(model, runtime, error) from error
    if inputs == {ANOMALIB_INPUT} and outputs == set(OUTPUTS):
        inputs, outputs = {INPUT}, NEEDED
        run = replace(run, compute=natively(run.compute, contract_of(model)["threshold"]))
    if inputs != {INPUT} or not outputs >= NEEDED:
        raise ArtifactError(
            f"{model.name} must take {INPUT} and give {', '.join(sorted(NEEDED))}; it takes "
            f"{', '.join(sorted(inputs))} and gives {', '.join(sorted(outputs))}; make one with "
            "golden export"
        )

    def compute(pictures: Array) -> dict[str, Array]:
        try:
            return run.compute(pictures)
        except Exception as error:
            raise _refusal(model, runtime, error) from error

    return replace(run, compute=compute)


def _refusal(model: Exported, runtime: str, error: Exception) -> ArtifactError:
    lines = [line for line in str(error).splitlines() if line.strip()] or [type(error).__name__]
    return ArtifactError(
        f"{model.name} must be a model that {runtime} can run; it is not ({lines[-1].strip()}); "
        "export it anew"
    )


def _openvino(model: Exported, config: dict[str, str]) -> Opened:
    """Compile for the CPU."""
    compiled = import_openvino().Core().compile_model(_read(model), "CPU", config)

    def compute(pictures: Array) -> dict[str, Array]:
        results = compiled(pictures)
        return {name: results[port].copy() for port in compiled.outputs for name in port.names}

    inputs, outputs = (
        {name for port in ports for name in port.names}
        for ports in (compiled.inputs, compiled.outputs)
    )
    return inputs, outputs, Run(compute, computed_in(compiled.get_runtime_model()))


def computed_in(executed: Any) -> str:
    """Return the precisions that a model computes in, see `Run`.

    Args:
        executed: what OpenVINO made of a model for this processor (its runtime model); the hint
            that it was asked for tells nothing, since a processor may lack that precision.
    """
    facts = [op.get_rt_info() for op in executed.get_ordered_ops()]
    precisions = {
        fact["runtimePrecision"].astype(str)
        for fact in facts
        if fact["layerType"].astype(str) in COMPUTING
    }
    return ", ".join(sorted(precisions))


def _read(model: Exported) -> Any:
    """Read a model with OpenVINO."""
    parts = [model.graph] if model.weights is None else [model.graph, model.weights]
    return import_openvino().Core().read_model(*parts)


def _onnxruntime(model: Exported) -> Opened:
    """Open a session on the CPU without messages and telemetry; its defaults keep to float32."""
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model.graph, options, providers=["CPUExecutionProvider"])
    inputs, outputs = (
        [value.name for value in values] for values in (session.get_inputs(), session.get_outputs())
    )

    def compute(pictures: Array) -> dict[str, Array]:
        return dict(zip(outputs, session.run(outputs, {inputs[0]: pictures}), strict=True))

    return set(inputs), set(outputs), Run(compute, "f32")


def to_openvino(name: str, graph: bytes, network: Network, model_info: bool = False) -> Exported:
    """Convert an exported ONNX model to OpenVINO's format (IR), with the contract in its `rt_info`.

    Weights stay as they are: in half precision where that is exact, see `Nodes.constant`.

    Args:
        name: of the file to write.
        graph: from `to_onnx`.
        network: the one in it; its int8 form replaces it where the contract says int8.
        model_info: whether to add what Model API is to know.
    """
    openvino = import_openvino()
    core = openvino.Core()
    model = core.read_model(graph)
    contract = contract_of(Exported(name, graph))
    if contract["precision"] == "int8":
        _replace_network(model, core.read_model(network.int8_graph, network.int8_weights))
    model.set_rt_info(json.dumps(contract, sort_keys=True), [PROPERTY])
    for name in MODEL_INFO if model_info else ():
        model.set_rt_info(MODEL_INFO[name], ["model_info", name])
    with TemporaryDirectory() as folder:
        path = Path(folder, "model.xml")
        openvino.save_model(model, path, compress_to_fp16=False)
        return Exported(name, path.read_bytes(), path.with_suffix(".bin").read_bytes())


def _replace_network(model: Any, network: Any) -> None:
    """Replace the part between the values named "network/…" by another form of the network."""
    ports = {
        name: port for op in model.get_ordered_ops() for port in op.outputs() for name in port.names
    }
    (picture,) = network.inputs
    for target in picture.get_target_inputs():
        target.replace_source_output(ports[f"network/{picture.any_name}"])
    for level in network.outputs:
        source = level.get_node().input_value(0)
        for target in ports[f"network/{level.any_name}"].get_target_inputs():
            target.replace_source_output(source)
    model.validate_nodes_and_infer_types()


def contract_of(model: Exported) -> dict[str, Any]:
    """Return the contract in a model, see `graph.contract`.

    Raises:
        ArtifactError: it has none, so it is not from `golden export`.
    """
    try:
        if model.weights is None:
            import onnx

            entries = onnx.load_model_from_string(model.graph).metadata_props
            text = next(entry.value for entry in entries if entry.key == PROPERTY)
        else:
            text = _read(model).get_rt_info([PROPERTY]).astype(str)
        return dict(json.loads(text))
    except Exception as error:  # three libraries raise their own errors on other files
        raise ArtifactError(
            f"{model.name} must be an export with its contract inside; it is not; make one with "
            "golden export"
        ) from error
