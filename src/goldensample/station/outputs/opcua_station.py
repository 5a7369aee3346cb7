"""How the station is, as nodes of the OPC UA server: heartbeat, signals and state machines.

States have their names and numbers of OPC 40100-1 (machine vision). The machines are of types of
their own below FiniteStateMachineType, and have neither methods nor transitions.
"""

from typing import Any

from asyncua import Node, Server, ua

from goldensample.station.line.controller_image import ControllerImage
from goldensample.station.outputs.opcua_values import BEATS, EMPTY, station_values

VISION_STATES = {"Preoperational": 1, "Halted": 2, "Error": 3, "Operational": 4}
AUTOMATIC_STATES = {"Initialized": 5, "Ready": 6, "SingleExecution": 7, "ContinuousExecution": 8}


class StateMachine:
    """A finite state machine, read only.

    Args:
        server: whose nodes these are.
        namespace: index of the nodes.
        states: numbers by their names.
    """

    def __init__(self, server: Server, namespace: int, states: dict[str, int]) -> None:
        self._server, self._namespace, self._states = server, namespace, states
        self._ids: dict[str, ua.NodeId] = {}
        self._shown: str | None = None

    async def open(self, parent: Node, name: str) -> Node:
        """Add the machine's type, and its nodes to a parent; return the machine."""
        base = self._server.get_node(
            ua.NodeId(ua.ObjectIds.FiniteStateMachineType)
        )  # which is abstract
        kind = await base.add_object_type(
            ua.NodeId(f"{name}Type", self._namespace),
            ua.QualifiedName(f"{name}Type", self._namespace),
        )
        machine = await self._add(parent, name, kind.nodeid)
        current = await machine.get_child("0:CurrentState")
        number = await current.add_property(
            ua.NodeId(f"{name}.Number", self._namespace), "0:Number", 0, ua.VariantType.UInt32
        )
        self._nodes = [current.nodeid, (await current.get_child("0:Id")).nodeid, number.nodeid]
        for state, value in self._states.items():
            node = await self._add(machine, f"{name}.{state}", ua.NodeId(ua.ObjectIds.StateType))
            state_number = await node.get_child("0:StateNumber")
            await self._write(state_number.nodeid, ua.Variant(value, ua.VariantType.UInt32))
            self._ids[state] = node.nodeid
        return machine

    async def show(self, state: str) -> None:
        """Show the current state; "" while the machine is not active."""
        if state == self._shown:
            return
        self._shown = state
        if not state:
            code = ua.StatusCode(ua.UInt32(ua.StatusCodes.BadStateNotActive))
            for node in self._nodes:
                await self._server.write_attribute_value(node, ua.DataValue(ua.Variant(), code))
            return
        values = (
            ua.Variant(ua.LocalizedText(state, "en"), ua.VariantType.LocalizedText),
            ua.Variant(self._ids[state], ua.VariantType.NodeId),
            ua.Variant(self._states[state], ua.VariantType.UInt32),
        )
        for node, value in zip(self._nodes, values, strict=True):
            await self._write(node, value)

    async def _add(self, parent: Node, node_id: str, kind: ua.NodeId) -> Node:
        """Add an object, whose name is what follows the last dot of its identifier."""
        return await parent.add_object(
            ua.NodeId(node_id, self._namespace),
            ua.QualifiedName(node_id.rpartition(".")[2], self._namespace),
            objecttype=kind,
            instantiate_optional=False,
        )

    async def _write(self, node: ua.NodeId, value: ua.Variant) -> None:
        await self._server.write_attribute_value(node, ua.DataValue(value))


class StationNodes:
    """The nodes below `GoldenSample` that say how the station is.

    Args:
        server: whose nodes these are.
        namespace: index of the nodes.
        image: how the station is.
    """

    def __init__(self, server: Server, namespace: int, image: ControllerImage) -> None:
        self._server, self._namespace, self._image = server, namespace, image
        self._beats: dict[str, Any] = {}
        self._vision = StateMachine(server, namespace, VISION_STATES)
        self._automatic = StateMachine(server, namespace, AUTOMATIC_STATES)

    async def open(self, root: Node) -> None:
        """Add the nodes."""
        for name, kind in BEATS.items():
            browse_name = ua.QualifiedName(name, self._namespace)
            node_id = ua.NodeId(name, self._namespace)
            self._beats[name] = await root.add_variable(node_id, browse_name, EMPTY[kind], kind)
        vision = await self._vision.open(root, "VisionStateMachine")
        await self._automatic.open(vision, "AutomaticModeStateMachine")

    async def write(self) -> None:
        """Write how the station is now."""
        values = station_values(self._image)
        for name, value in values.items():
            variant = ua.Variant(value, BEATS[name])
            node = self._beats[name].nodeid
            await self._server.write_attribute_value(node, ua.DataValue(variant))
        await self._vision.show(values["State"])
        await self._automatic.show(values["AutomaticModeState"])

    async def halt(self) -> None:
        """Show that the station stops."""
        await self._vision.show("Halted")
        await self._automatic.show("")
