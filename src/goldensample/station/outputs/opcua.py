"""OPC UA server with the last verdict of each product, for controllers. Off by default."""

import asyncio
import logging
import socket
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

from asyncua import Server, ua

from goldensample.errors import ArtifactError
from goldensample.station.connection_state import ConnectionState
from goldensample.station.outputs.addresses import Address, parse_address
from goldensample.station.outputs.opcua_security import (
    OpcUaSecurity,
    Users,
    application_uri,
    secure,
)
from goldensample.station.outputs.opcua_values import (
    EMPTY,
    VARIABLES,
    data_values,
    method_answer,
    method_arguments,
    waiting_value,
)
from goldensample.station.records.rows import Record

NAMESPACE = "urn:goldensample:station"
START_S, STOP_S = 180.0, 30.0
"""Seconds to start, which takes 2 on an idle machine, and to stop."""
RECENT = 100
"""Verdicts that are kept at hand; older ones are asked of the database."""
log = logging.getLogger(__name__)


class OpcUa:
    """A server whose nodes `GoldenSample/PRODUCT/...` hold the last verdict, read only.

    The method `GoldenSample/VerdictOf` gives all of a record's verdict at once, by its number.

    Args:
        endpoint: opc.tcp://host:port to listen on.
        security: users and encryption.
        products: their keys; later ones get their nodes with their first verdict.
        find: returns the record of a number, or None.

    Raises:
        ValueError: the endpoint is invalid.
        ArtifactError: the server cannot listen there, or its certificate cannot be used.
    """

    def __init__(
        self,
        endpoint: str,
        security: OpcUaSecurity,
        products: Sequence[str],
        find: Callable[[int], Record | None],
    ) -> None:
        form = "opc.tcp://host:port"
        self._address = parse_address("--opcua", endpoint, {"opc.tcp": None}, form)
        self._security, self._find = security, find
        self._nodes = dict[str, dict[str, Any]]()
        self._recent: OrderedDict[int, Record] = OrderedDict()
        self._since, self._lost = time.time(), 0
        self._last_success: float | None = None
        self._words = ""
        logging.getLogger("asyncua").setLevel(logging.CRITICAL + 1)  # we say what is wrong
        _check_free(self._address)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=self._loop.run_forever, name="station-opcua", daemon=True
        )
        self._thread.start()
        opening = self._run(self._open(list(products)))
        try:
            opening.result(START_S)
        except BaseException as error:
            opening.cancel()
            self._stop_loop()
            if isinstance(error, OSError | TimeoutError):
                raise _listen_error(self._address, error) from error
            raise

    def send(self, record: Record) -> None:
        """Publish a verdict without blocking."""
        self._run(self._write(record))

    def state(self) -> ConnectionState:
        """Return how the server is."""
        state = "working" if self._last_success else "waiting"
        words = "offers the last verdicts" if self._last_success else "waits for the first verdict"
        return ConnectionState(
            name=self._address.shown,
            kind="opcua",
            state="trouble" if self._words else state,
            since=self._since,
            last_success=self._last_success,
            waiting=0,
            lost=self._lost,
            failed=0,
            words=self._words or words,
        )

    def retry(self) -> int:
        """Return 0: a server refuses nothing."""
        return 0

    def close(self) -> None:
        """Stop the server."""
        self._run(self._server.stop()).result(STOP_S)
        self._stop_loop()

    def _run(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop)

    def _stop_loop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _open(self, products: list[str]) -> None:
        self._server = Server(user_manager=Users(self._security.users))
        await self._server.init()
        self._server.allow_remote_admin(False)  # else the user "admin" could write
        self._server.set_endpoint(self._address.shown)
        self._server.set_server_name("Golden Sample station")
        uri = application_uri(self._address.port)
        await self._server.set_application_uri(uri)
        await secure(self._server, self._security, uri)
        self._namespace = await self._server.register_namespace(NAMESPACE)
        self._root = await self._server.nodes.objects.add_object(
            ua.NodeId("GoldenSample", self._namespace),
            ua.QualifiedName("GoldenSample", self._namespace),
        )
        await self._root.add_method(
            ua.NodeId("VerdictOf", self._namespace),
            ua.QualifiedName("VerdictOf", self._namespace),
            self._verdict_of,
            *method_arguments(),
        )
        for product in products:
            await self._add(product)
        await self._server.start()

    async def _add(self, product: str) -> None:
        """Create the nodes of a product, whose values have to be waited for."""
        browse_name, namespace = ua.QualifiedName(product, self._namespace), self._namespace
        folder = await self._root.add_object(ua.NodeId(product, namespace), browse_name)
        nodes = {
            name: await folder.add_variable(
                ua.NodeId(f"{product}.{name}", namespace),
                ua.QualifiedName(name, namespace),
                EMPTY[kind],
                kind,
            )
            for name, (kind, _) in VARIABLES.items()
        }
        for node in nodes.values():
            await self._server.write_attribute_value(node.nodeid, waiting_value())
        self._nodes[product] = nodes

    async def _write(self, record: Record) -> None:
        """Publish a verdict: all variables with one source timestamp, in one turn of the loop."""
        try:
            self._recent[record.id] = record
            if len(self._recent) > RECENT:
                self._recent.popitem(last=False)
            if record.product not in self._nodes:
                await self._add(record.product)
            values = data_values(record)
            for name, node in self._nodes[record.product].items():
                await self._server.write_attribute_value(node.nodeid, values[name])
        except Exception as error:
            log.exception("OPC UA: an error of golden itself at record %d", record.id)
            self._lost, self._words = self._lost + 1, f"record {record.id} is not shown: {error}"
            return
        if self._last_success is None or self._words:
            self._since = time.time()
        self._last_success, self._words = time.time(), ""

    async def _verdict_of(self, parent: ua.NodeId, number: ua.Variant) -> Any:
        """Answer with the verdict of a record; BadNotFound where there is none."""
        record = self._recent.get(number.Value)
        if record is None:
            record = await asyncio.to_thread(self._find, number.Value)
        if record is None:
            return ua.StatusCode(ua.UInt32(ua.StatusCodes.BadNotFound))
        return method_answer(record)


def _check_free(address: Address) -> None:
    """Check that the server can listen at an address.

    Raises:
        ArtifactError: it cannot, as when another program does.
    """
    try:
        family, kind, _, _, place = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind) as listener:
            if socket.has_dualstack_ipv6() and family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            if hasattr(socket, "SO_REUSEPORT"):  # not Windows, where reusing would steal the port
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(place)
            listener.listen()
    except OSError as error:
        raise _listen_error(address, error) from error


def _listen_error(address: Address, error: BaseException) -> ArtifactError:
    """Return the error of a server that cannot listen."""
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return ArtifactError(
        f"the OPC UA server must listen at {address.shown}; it cannot ({reason}); stop the program "
        "that does, or choose another port"
    )
