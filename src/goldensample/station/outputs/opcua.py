"""OPC UA server with the last verdict of each product, for controllers. Off by default."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from asyncua import Server, ua

from goldensample.errors import ArtifactError
from goldensample.station.connection_state import ConnectionState
from goldensample.station.records.rows import Record, iso

NAMESPACE = "urn:goldensample:station"
TIMEOUT_S = 30.0
NO_SCORE = float("nan")
VARIABLES: dict[str, tuple[Any, Callable[[Record], Any]]] = {
    "Verdict": (ua.VariantType.String, lambda record: record.verdict or ""),
    "Score": (
        ua.VariantType.Double,
        lambda record: NO_SCORE if record.score is None else record.score,
    ),
    "Threshold": (ua.VariantType.Double, lambda record: record.limit_score or 0.0),
    "PValue": (ua.VariantType.Double, lambda record: record.p_value or 0.0),
    "Regions": (ua.VariantType.Int32, lambda record: len(record.regions)),
    "Name": (ua.VariantType.String, lambda record: record.name),
    "Time": (ua.VariantType.String, lambda record: iso(record.time)),
    "Revision": (ua.VariantType.Int32, lambda record: record.revision),
    "Record": (ua.VariantType.Int64, lambda record: record.id),
}
"""Variables of a product in the order of writing: `Record` last, so that a client that subscribes
to it finds the others updated."""


class OpcUa:
    """A server whose nodes `GoldenSample/PRODUCT/...` hold the last verdict, read only.

    Args:
        endpoint: opc.tcp://host:port to listen on.
        products: their keys; later ones get their nodes with their first verdict.

    Raises:
        ValueError: the endpoint is invalid.
        ArtifactError: the server cannot listen there.
    """

    def __init__(self, endpoint: str, products: Sequence[str]) -> None:
        parts = urlsplit(endpoint)
        if parts.scheme != "opc.tcp" or not parts.hostname or not parts.port:
            raise ValueError(f"--opcua must be opc.tcp://host:port; got {endpoint!r}")
        self._endpoint, self._nodes = endpoint, dict[str, dict[str, Any]]()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="station-opcua", daemon=True
        )
        self._thread.start()
        try:
            self._run(self._open(list(products))).result(TIMEOUT_S)
        except (OSError, TimeoutError) as error:
            self._stop_loop()
            raise ArtifactError(
                f"the OPC UA server must listen at {endpoint}; it cannot ({error}); choose another "
                "port"
            ) from error

    def send(self, record: Record) -> None:
        """Publish a verdict without blocking."""
        self._run(self._write(record))

    def state(self) -> ConnectionState:
        """Return how it is connected now."""
        return ConnectionState("opcua", "opcua", "working", 0.0, None, 0, 0, 0, "")

    def close(self) -> None:
        """Stop the server."""
        self._run(self._server.stop()).result(TIMEOUT_S)
        self._stop_loop()

    def _run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def _stop_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _open(self, products: list[str]) -> None:
        self._server = Server()
        await self._server.init()
        self._server.allow_remote_admin(False)  # else the user "admin" could write
        self._server.set_endpoint(self._endpoint)
        self._server.set_server_name("Golden Sample station")
        self._server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        self._namespace = await self._server.register_namespace(NAMESPACE)
        self._root = await self._server.nodes.objects.add_object(
            ua.NodeId("GoldenSample", self._namespace),
            ua.QualifiedName("GoldenSample", self._namespace),
        )
        for product in products:
            await self._add(product)
        await self._server.start()

    async def _add(self, product: str) -> None:
        """Create the nodes of a product."""
        browse_name, namespace = ua.QualifiedName(product, self._namespace), self._namespace
        folder = await self._root.add_object(ua.NodeId(product, namespace), browse_name)
        self._nodes[product] = {
            name: await folder.add_variable(
                ua.NodeId(f"{product}.{name}", namespace),
                ua.QualifiedName(name, namespace),
                "" if kind is ua.VariantType.String else 0,
                kind,
            )
            for name, (kind, _) in VARIABLES.items()
        }

    async def _write(self, record: Record) -> None:
        if record.product not in self._nodes:
            await self._add(record.product)
        for name, (kind, read_value) in VARIABLES.items():
            await self._nodes[record.product][name].write_value(read_value(record), kind)
