"""Run a network on the CPU with OpenVINO."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from threading import Lock
from typing import Any

import numpy as np

from goldensample.backbones.network import Network
from goldensample.errors import WeightsError
from goldensample.native.threads import thread_limit
from goldensample.records import Array

HINTS = {"fp32": "f32", "bf16": "bf16", "int8": "f32"}
"""OpenVINO's inference precision hint by precision; an int8 model has its own 8-bit layers."""


def processor_has(precision: str) -> bool:
    """Return whether this processor supports a precision natively."""
    if precision == "fp32":
        return True
    return precision.upper() in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


@cache
def _core() -> Any:
    return import_openvino().Core()


def normalise(picture: Array, network: Network) -> Array:
    """Return (3, H, W) float32 in [0, 255] with the mean and deviation that the network takes."""
    mean = np.asarray(network.mean, np.float32).reshape(3, 1, 1) * 255
    std = np.asarray(network.std, np.float32).reshape(3, 1, 1) * 255
    return (picture - mean) / std


class OpenVINOBackbone:
    """A network compiled for the CPU; several threads may use it, one after the other.

    Each picture is a request of its own (several in parallel on different cores), so that the batch
    size cannot change a value.

    Args:
        network: what to run; a picture size that does not fit it is a `WeightsError`.
        threads: CPU threads to use; 0 for the default of `use_threads`. Changes the speed only.
        precision: "fp32"; "bf16", on processors that support it; or "int8", if the network has it.

    Raises:
        ValueError: the precision is not available.
    """

    def __init__(self, network: Network, threads: int = 0, precision: str = "fp32") -> None:
        if precision not in HINTS:
            raise ValueError(f"precision must be one of {', '.join(HINTS)}; got {precision!r}")
        if precision == "int8" and not network.int8_graph:
            raise ValueError(f"int8 must go with a quantised network; {network.name} has none")
        if not processor_has(precision):
            raise ValueError(f"{precision} must have a processor with it; this has none; take fp32")
        self.network, self.precision = network, precision
        self._threads = threads
        self._queues: dict[tuple[int, int], tuple[bool, Any]] = {}
        self._lock = Lock()  # a queue has one callback, so it serves one caller at a time
        self._others: dict[str, OpenVINOBackbone] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the arguments alone: compiled models cannot be sent to another process."""
        return type(self), (self.network, self._threads, self.precision)

    def in_precision(self, precision: str) -> "OpenVINOBackbone":
        """Return the network in a precision, always the same object, so that it compiles once."""
        if precision == self.precision:
            return self
        if precision not in self._others:
            self._others[precision] = OpenVINOBackbone(self.network, self._threads, precision)
        return self._others[precision]

    def extract(self, pictures: Array) -> tuple[Array, ...]:
        """Compute feature maps; see `Backbone.extract`."""
        maps: list[list[Array]] = [[] for _ in pictures]

        def store(request: Any, index: int) -> None:
            maps[index] = [
                request.get_tensor(level).data[0].copy() for level in self.network.levels
            ]

        with self._lock:
            queue = self._queue(pictures.shape[2], pictures.shape[3], single=len(pictures) == 1)
            queue.set_callback(store)
            try:
                for index, picture in enumerate(pictures):
                    queue.start_async({0: normalise(picture, self.network)[None]}, userdata=index)
            finally:  # requests left in flight would outlive an interrupted program
                queue.wait_all()
        return tuple(np.stack(level) for level in zip(*maps, strict=True))

    def level_shapes(self, height: int, width: int) -> list[tuple[int, int, int]]:
        """Return the (d, h, w) of each level for one picture size, without compiling for it."""
        with self._refusing(height, width):
            model = self._read(height, width)
            shapes = [model.output(level).get_partial_shape() for level in self.network.levels]
        if any(shape.is_dynamic for shape in shapes):  # known only once it has run
            maps = self.extract(np.zeros((1, 3, height, width), np.float32))
            return [(d, h, w) for _, d, h, w in (level.shape for level in maps)]
        return [(d, h, w) for _, d, h, w in (shape.to_shape() for shape in shapes)]

    def _read(self, height: int, width: int) -> Any:
        """Return the model for the precision and one picture size."""
        network = self.network
        parts = [network.graph]
        if self.precision == "int8":
            parts = [network.int8_graph, network.int8_weights]
        model = _core().read_model(*parts)
        model.reshape([1, 3, height, width])
        return model

    @contextmanager
    def _refusing(self, height: int, width: int) -> Iterator[None]:
        """Turn an error of OpenVINO into one that says what the network must take."""
        try:
            yield
        except RuntimeError as error:
            stride = self.network.stride
            fitting = [max(1, round(side / stride)) * stride for side in (height, width)]
            advice = (
                ""
                if fitting == [height, width]
                else f"take pictures of {fitting[0]}x{fitting[1]}; "
            )
            raise WeightsError(
                f"{self.network.name} must take pictures of {height}x{width} pixels; {advice}"
                f"OpenVINO says: {str(error).strip().rpartition(chr(10))[2]}"
            ) from error

    def _queue(self, height: int, width: int, single: bool) -> Any:
        """Return the request queue compiled for one picture size.

        On a single picture all threads work together; of several, each thread has its own.
        """
        parallel, queue = self._queues.get((height, width), (False, None))
        if queue is None or not (parallel or single):
            queue = None
            self._queues.pop((height, width), None)  # one compiled network at a time
            with self._refusing(height, width):
                # set the precision: on processors with bf16 OpenVINO would use that by default
                config: dict[str, Any] = {
                    "INFERENCE_PRECISION_HINT": HINTS[self.precision],
                    "PERFORMANCE_HINT": "LATENCY" if single else "THROUGHPUT",
                }
                if threads := self._threads or thread_limit():
                    config["INFERENCE_NUM_THREADS"] = threads
                    config["ENABLE_CPU_PINNING"] = False  # to the same cores in every process
                compiled = _core().compile_model(self._read(height, width), "CPU", config)
            queue = import_openvino().AsyncInferQueue(compiled)
            self._queues[height, width] = (not single, queue)
        return queue


class GraphRunner:
    """A method's own ONNX graph on the CPU, in fp32; several threads may run it at a time.

    Args:
        graph: an ONNX model whose inputs and outputs have fixed shapes, of one picture.
    """

    def __init__(self, graph: bytes) -> None:
        self._graph, self._compiled, self._lock = graph, None, Lock()

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle the graph alone: compiled models cannot be sent to another process."""
        return type(self), (self._graph,)

    def run(self, *inputs: Array) -> dict[str, Array]:
        """Return the outputs by each of their names.

        Args:
            inputs: float32, in the order of the graph's, each without the axis of pictures.

        Raises:
            ValueError: they are not as many as the graph's, or of other shapes.
        """
        compiled = self._compile()
        expected = [tuple(one.shape)[1:] for one in compiled.inputs]
        shapes = [one.shape for one in inputs]
        if shapes != expected:
            raise ValueError(f"inputs must be as at the fit, {expected}; got {shapes}")
        results = compiled.infer_new_request(
            {number: one[None] for number, one in enumerate(inputs)}
        )
        return {  # a tensor keeps the names of those that were fused into it, besides its own
            name: results[output].copy() for output in compiled.outputs for name in output.names
        }

    def _compile(self) -> Any:
        with self._lock:
            if self._compiled is None:
                config: dict[str, Any] = {"INFERENCE_PRECISION_HINT": "f32"}
                if threads := thread_limit():
                    config["INFERENCE_NUM_THREADS"] = threads
                    config["ENABLE_CPU_PINNING"] = False
                model = _core().read_model(self._graph)
                self._compiled = _core().compile_model(model, "CPU", config)
            return self._compiled


def import_openvino() -> Any:
    """Import OpenVINO without the telemetry that it would send on import.

    OpenVINO sends none where its telemetry client cannot be imported, so the client is blocked
    during the import; afterwards it can be imported as before.
    """
    client = "openvino_telemetry"
    before = sys.modules.get(client)
    sys.modules[client] = None  # type: ignore[assignment]
    try:
        import openvino
    finally:
        del sys.modules[client]
        if before is not None:
            sys.modules[client] = before
    return openvino
