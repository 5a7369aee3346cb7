"""Run a network on the CPU with OpenVINO."""

import sys
from functools import cache
from typing import Any

import numpy as np

from goldensample.backbones.network import Network
from goldensample.errors import WeightsError
from goldensample.records import Array

HINTS = {"fp32": "f32", "bf16": "bf16", "int8": "f32"}
"""What OpenVINO is asked for by precision; an int8 model says itself what it does in 8 bits."""


def processor_has(precision: str) -> bool:
    """Return whether this processor computes in a precision without loss of speed."""
    if precision == "fp32":
        return True
    return precision.upper() in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


@cache
def _core() -> Any:
    return import_openvino().Core()


_usual = {"threads": 0}


def use_threads(count: int) -> None:
    """Set how many CPU threads networks of this process use that do not say so; 0 for all.

    It holds for those that are compiled from now on, and changes the speed only.
    """
    _usual["threads"] = count


def normalised(picture: Array, network: Network) -> Array:
    """Return (3, H, W) float32 in [0, 255] as the network takes it."""
    mean = np.asarray(network.mean, np.float32).reshape(3, 1, 1) * 255
    std = np.asarray(network.std, np.float32).reshape(3, 1, 1) * 255
    return (picture - mean) / std


class OpenVINOBackbone:
    """A network compiled for the CPU.

    Pictures go through one by one (several at a time on different cores), so that the size of a
    batch cannot change a value.

    Args:
        network: what to run; a picture size that does not fit it is a `WeightsError`.
        threads: CPU threads to use; 0 for what `use_threads` says. Changes the speed only.
        precision: "fp32"; "bf16", on processors that have it; or "int8", if the network has it.

    Raises:
        ValueError: the precision cannot be had.
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

    def __reduce__(self) -> tuple[Any, ...]:
        """Say how another process makes its own: what is compiled does not travel."""
        return type(self), (self.network, self._threads, self.precision)

    def extract(self, pictures: Array) -> tuple[Array, ...]:
        """Compute feature maps; see `Backbone.extract`."""
        queue = self._queue(pictures.shape[2], pictures.shape[3], alone=len(pictures) == 1)
        found: list[list[Array]] = [[] for _ in pictures]

        def keep(request: Any, index: int) -> None:
            found[index] = [
                request.get_tensor(level).data[0].copy() for level in self.network.levels
            ]

        queue.set_callback(keep)
        try:
            for index, picture in enumerate(pictures):
                queue.start_async({0: normalised(picture, self.network)[None]}, userdata=index)
        finally:  # requests left in flight would outlive an interrupted program
            queue.wait_all()
        return tuple(np.stack(level) for level in zip(*found, strict=True))

    def _read(self, core: Any) -> Any:
        """Return the model in the precision's form."""
        if self.precision != "int8":
            return core.read_model(self.network.graph)
        return core.read_model(self.network.int8_graph, self.network.int8_weights)

    def _queue(self, height: int, width: int, alone: bool) -> Any:
        """Return the requests compiled for one picture size.

        For a picture alone all threads share the work on it; for several, each has its own.
        """
        many, queue = self._queues.get((height, width), (False, None))
        if queue is None or not (many or alone):
            try:
                model = self._read(_core())
                model.reshape([1, 3, height, width])
                # ask for the precision: where the processor has bf16 OpenVINO would take it unasked
                wishes: dict[str, Any] = {
                    "INFERENCE_PRECISION_HINT": HINTS[self.precision],
                    "PERFORMANCE_HINT": "LATENCY" if alone else "THROUGHPUT",
                }
                if threads := self._threads or _usual["threads"]:
                    wishes["INFERENCE_NUM_THREADS"] = threads
                    wishes["ENABLE_CPU_PINNING"] = False  # to the same cores in every process
                compiled = _core().compile_model(model, "CPU", wishes)
            except RuntimeError as error:
                raise WeightsError(
                    f"{self.network.name} must take pictures of {height}x{width} pixels; "
                    f"OpenVINO says: {str(error).strip().rpartition(chr(10))[2]}"
                ) from error
            queue = import_openvino().AsyncInferQueue(compiled)
            self._queues[height, width] = (not alone, queue)
        return queue


def import_openvino() -> Any:
    """Import OpenVINO without the telemetry that it would send on import.

    OpenVINO does without its telemetry client where that cannot be imported, so that is how it
    finds it; afterwards everything is as before.
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
