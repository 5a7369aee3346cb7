"""Run a network on the CPU with OpenVINO."""

import sys
from typing import Any

import numpy as np

from goldensample.backbones import Network
from goldensample.errors import WeightsError
from goldensample.records import Array


class OpenVINOBackbone:
    """A network compiled for the CPU in float32.

    Pictures go through one by one (several at a time on different cores), so that the size of a
    batch cannot change a value.

    Args:
        network: what to run; a picture size that does not fit it is a `WeightsError`.
        threads: CPU threads to use; 0 for all. Changes the speed only.
    """

    def __init__(self, network: Network, threads: int = 0) -> None:
        self.network = network
        self._threads = threads
        self._queues: dict[tuple[int, int], Any] = {}

    def extract(self, pictures: Array) -> tuple[Array, ...]:
        """Compute feature maps; see `Backbone.extract`."""
        queue = self._queue(pictures.shape[2], pictures.shape[3])
        mean = np.asarray(self.network.mean, np.float32).reshape(3, 1, 1) * 255
        std = np.asarray(self.network.std, np.float32).reshape(3, 1, 1) * 255
        found: list[list[Array]] = [[] for _ in pictures]

        def keep(request: Any, index: int) -> None:
            found[index] = [
                request.get_tensor(level).data[0].copy() for level in self.network.levels
            ]

        queue.set_callback(keep)
        try:
            for index, picture in enumerate(pictures):
                queue.start_async({0: ((picture - mean) / std)[None]}, userdata=index)
        finally:  # requests left in flight would outlive an interrupted program
            queue.wait_all()
        return tuple(np.stack(level) for level in zip(*found, strict=True))

    def _queue(self, height: int, width: int) -> Any:
        """Return the requests compiled for one picture size."""
        if (height, width) not in self._queues:
            openvino = _import_openvino()
            core = openvino.Core()
            try:
                model = core.read_model(self.network.graph)
                model.reshape([1, 3, height, width])
                # ask for the precision: where the processor has bf16 OpenVINO would take it unasked
                wishes: dict[str, Any] = {
                    "INFERENCE_PRECISION_HINT": "f32",
                    "PERFORMANCE_HINT": "THROUGHPUT",
                }
                if self._threads:
                    wishes["INFERENCE_NUM_THREADS"] = self._threads
                compiled = core.compile_model(model, "CPU", wishes)
            except RuntimeError as error:
                raise WeightsError(
                    f"{self.network.name} must take pictures of {height}x{width} pixels; "
                    f"OpenVINO says: {str(error).strip().rpartition(chr(10))[2]}"
                ) from error
            self._queues[height, width] = openvino.AsyncInferQueue(compiled)
        return self._queues[height, width]


def _import_openvino() -> Any:
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
