"""OPC UA server with the last verdict of each product, for controllers. Off by default."""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Any

from asyncua import Server, ua

from goldensample.errors import GoldenError
from goldensample.station.connection_state import ConnectionState
from goldensample.station.line.controller_image import ControllerImage
from goldensample.station.line.triggers import Trigger, TriggerBusyError, Triggers
from goldensample.station.outputs.addresses import parse_address
from goldensample.station.outputs.listening import check_free, listen_error
from goldensample.station.outputs.loop_thread import LoopThread
from goldensample.station.outputs.opcua_security import (
    OpcUaSecurity,
    Users,
    application_uri,
    secure,
)
from goldensample.station.outputs.opcua_station import StationNodes
from goldensample.station.outputs.opcua_values import (
    EMPTY,
    VARIABLES,
    data_values,
    method_answer,
    method_arguments,
    trigger_arguments,
    waiting_value,
)
from goldensample.station.records.rows import Record

NAMESPACE = "urn:goldensample:station"
START_S, STOP_S = 180.0, 30.0
"""Seconds to start, which takes 2 on an idle machine, and to stop."""
BEAT_S = 0.25
"""Seconds between two looks at how the station is."""
RECENT = 100
"""Verdicts that are kept at hand; older ones are asked of the database."""
log = logging.getLogger(__name__)


class OpcUa:
    """A server whose nodes `GoldenSample/PRODUCT/...` hold the last verdict, read only.

    The method `GoldenSample/VerdictOf` gives all of a record's verdict at once, by its number;
    `GoldenSample/Trigger` has a camera take a picture, and gives its verdict. `Heartbeat` grows by
    one each second; `State`, `AutomaticModeState` and the machines below `VisionStateMachine` have
    states of OPC 40100-1 (machine vision).

    Args:
        endpoint: opc.tcp://host:port to listen on.
        security: users and encryption.
        products: their keys; later ones get their nodes with their first verdict.
        find: returns the record of a number, or None.
        image: how the station is.
        triggers: cameras that the method `Trigger` has take a picture.

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
        image: ControllerImage,
        triggers: Triggers,
    ) -> None:
        form = "opc.tcp://host:port"
        self._address = parse_address("--opcua", endpoint, {"opc.tcp": None}, form)
        self._security, self._find = security, find
        self._image, self._triggers = image, triggers
        self._nodes = dict[str, dict[str, Any]]()
        self._recent: OrderedDict[int, Record] = OrderedDict()
        self._since, self._lost = time.time(), 0
        self._last_success: float | None = None
        self._words = ""
        logging.getLogger("asyncua").setLevel(logging.CRITICAL + 1)  # we say what is wrong
        check_free("OPC UA server", self._address)
        self._loop = LoopThread("station-opcua")
        opening = self._loop.run(self._open(list(products)))
        try:
            opening.result(START_S)
        except BaseException as error:
            opening.cancel()
            self._loop.close()
            if isinstance(error, OSError | TimeoutError):
                raise listen_error("OPC UA server", self._address, error) from error
            raise

    def send(self, record: Record) -> None:
        """Publish a verdict without blocking."""
        self._loop.run(self._write(record))

    def test(self, record: Record) -> None:
        """Show a test as the last verdict."""
        self.send(record)

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
        self._loop.run(self._stop()).result(STOP_S)
        self._loop.close()

    async def _stop(self) -> None:
        self._beating.cancel()
        await self._station.halt()
        await self._server.stop()

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
        await self._add_method("VerdictOf", self._verdict_of, method_arguments())
        await self._add_method("Trigger", self._trigger, trigger_arguments())
        self._station = StationNodes(self._server, self._namespace, self._image)
        await self._station.open(self._root)
        for product in products:
            await self._add(product)
            if (record := self._image.last(product)) is not None:
                await self._write(record)
        await self._server.start()
        self._beating = asyncio.create_task(self._beat())

    async def _add_method(self, name: str, function: Any, arguments: tuple[Any, Any]) -> None:
        """Add a method with its inputs and outputs."""
        node_id = ua.NodeId(name, self._namespace)
        browse_name = ua.QualifiedName(name, self._namespace)
        await self._root.add_method(node_id, browse_name, function, *arguments)

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

    async def _beat(self) -> None:
        """Write how the station is, each second and so that a change is seen soon."""
        while True:
            await self._station.write()
            await asyncio.sleep(BEAT_S)

    async def _trigger(
        self, parent: ua.NodeId, camera: ua.Variant, serial: ua.Variant, job: ua.Variant
    ) -> Any:
        """Have a camera take a picture; answer with its verdict, or that the camera is busy."""
        if not all(isinstance(one.Value, str | None) for one in (camera, serial, job)):
            return ua.StatusCode(ua.UInt32(ua.StatusCodes.BadTypeMismatch))
        try:
            trigger = Trigger("opcua", serial.Value or "", job.Value or "")
            future = await asyncio.to_thread(self._triggers.fire, camera.Value or "", trigger)
            return method_answer(await asyncio.wrap_future(future))
        except ValueError:
            code = ua.StatusCodes.BadInvalidArgument
        except LookupError:
            code = ua.StatusCodes.BadNotFound
        except TriggerBusyError:
            code = ua.StatusCodes.BadInvalidState
        except (GoldenError, OSError):
            code = ua.StatusCodes.BadResourceUnavailable
        return ua.StatusCode(ua.UInt32(code))

    async def _verdict_of(self, parent: ua.NodeId, number: ua.Variant) -> Any:
        """Answer with the verdict of a record; BadNotFound where there is none."""
        record = self._recent.get(number.Value)
        if record is None:
            record = await asyncio.to_thread(self._find, number.Value)
        if record is None:
            return ua.StatusCode(ua.UInt32(ua.StatusCodes.BadNotFound))
        return method_answer(record)
