"""An OPC UA server that is a real peer: for tests, for the demo, for trying a configuration."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self

from asyncua import ua
from asyncua.common.callback import CallbackType
from asyncua.common.node import Node
from asyncua.ua.attribute_ids import AttributeIds

from drivers.plcs.opc_ua.serving import made_server
from drivers.plcs.opc_ua.simulation import NAMESPACE_URI, SimulatedNode, SimulatorConfig
from drivers.plcs.opc_ua.values import VARIANTS
from drivers.plcs.relay import Relay
from drivers.plcs.tags import Quality, Scalar

ENCODER_STEP_S = 0.02
_STATUS = {
    Quality.GOOD: "Good",
    Quality.UNCERTAIN: "UncertainLastUsableValue",
    Quality.BAD: "BadSensorFailure",
}


class OpcUaSimulator:
    """Serves its nodes until closed. `writes` are those of clients, in order.

    While it runs: `set` gives a node a value, `written` waits for a client's; `relay` has the
    faults of the wire; `go_down` and `come_up` are a restart of the server, whose clients' sessions
    are gone. Use as `async with`, or `start` and `close`; closing twice is fine. With a `listener`
    it can be dialled before it is started, which takes a second or two: who dials waits for it.
    """

    def __init__(self, config: SimulatorConfig, listener: socket.socket | None = None) -> None:
        self.config = config
        self._listener = listener
        self.relay = Relay(config.host, config.port)
        self.writes: list[tuple[str, Scalar]] = []
        self._nodes = {node.name: node for node in config.nodes}
        self._namespace = 0
        self._server: Any = None
        self._encoder: asyncio.Task[None] | None = None
        self._changed = asyncio.Condition()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def start(self) -> None:
        """Raises OSError where the port is taken."""
        self._server = await made_server(self.config)
        self._namespace = await self._server.register_namespace(NAMESPACE_URI)
        for node in self.config.nodes:
            await self._add(node)
        self._server.subscribe_server_callback(CallbackType.PostWrite, self._on_write)
        await self._server.start()
        await self.relay.start(self._server.bserver.port, self._listener)
        if self.config.encoder is not None:
            self._encoder = asyncio.create_task(self._turn())

    async def close(self) -> None:
        if self._encoder is not None:
            self._encoder.cancel()
            await asyncio.wait({self._encoder})
        await self.relay.close()
        if self._server is not None:
            await self._end_sessions()
            await self._server.stop()
        self._server = None

    async def go_down(self) -> None:
        """The port is closed, and the server has forgotten its clients."""
        await self.relay.stop()
        await self._end_sessions()

    async def come_up(self) -> None:
        """On the same port, with the values it had."""
        await self.relay.start(self._server.bserver.port)

    @property
    def port(self) -> int:
        return self.relay.port

    def address(self, name: str, *, by_uri: bool = False) -> str:
        """The node's id, for a binding."""
        namespace = f"nsu={NAMESPACE_URI}" if by_uri else f"ns={self._namespace}"
        return f"{namespace};s={name}"

    async def add(self, node: SimulatedNode) -> None:
        """As a program does that is loaded while the controller runs."""
        self._nodes[node.name] = node
        await self._add(node)

    async def set(self, name: str, value: Scalar, quality: Quality = Quality.GOOD) -> None:
        variant = ua.Variant(value, VARIANTS[self._nodes[name].type])
        status = ua.StatusCode(_STATUS[quality])  # type: ignore[arg-type]  # names are allowed
        await self._node(name).write_value(ua.DataValue(variant, StatusCode=status))
        await self._notify()

    async def value(self, name: str) -> Scalar:
        found: Scalar = await self._node(name).read_value()
        return found

    async def written(self, name: str, value: Scalar) -> None:
        """Waits until a client has written it."""
        await self._until(lambda: (name, value) in self.writes)

    async def sessions(self, count: int) -> None:
        """Waits until clients have that many sessions."""
        await self._until(lambda: self.session_count == count)

    @property
    def session_count(self) -> int:
        """Those that were activated, whether their client is still there or not."""
        return len([s for s in self._open_sessions() if s.is_activated()])

    @property
    def subscription_count(self) -> int:
        return len(self._server.iserver.subscription_service.subscriptions)

    async def end_subscriptions(self) -> None:
        """The server forgets what its clients follow; their sessions go on."""
        service = self._server.iserver.subscription_service
        await service.delete_subscriptions(list(service.subscriptions))

    async def _add(self, node: SimulatedNode) -> None:
        parent = self._server.nodes.objects
        *folders, leaf = node.name.split(".")
        for depth, folder in enumerate(folders, 1):
            parent = await self._folder(parent, ".".join(folders[:depth]), folder)
        kind = VARIANTS[node.type]
        held = [node.initial] * 2 if node.is_array else node.initial
        variable = await parent.add_variable(
            self._node_id(node.name), ua.QualifiedName(leaf, self._namespace), held, kind
        )
        if node.writable:
            await variable.set_writable()
        text = ua.DataValue(ua.Variant(ua.LocalizedText(node.description)))
        await variable.write_attribute(AttributeIds.Description, text)

    async def _folder(self, parent: Node, path: str, name: str) -> Node:
        node_id = self._node_id(path)
        if node_id in self._server.iserver.aspace:
            return self._server.get_node(node_id)  # type: ignore[no-any-return]
        return await parent.add_folder(node_id, ua.QualifiedName(name, self._namespace))

    def _node_id(self, name: str) -> ua.NodeId:
        return ua.NodeId.from_string(f"ns={self._namespace};s={name}")

    def _node(self, name: str) -> Node:
        return self._server.get_node(self._node_id(name))  # type: ignore[no-any-return]

    async def _on_write(self, event: Any, _: object) -> None:
        if not event.is_external:
            return
        for asked, status in zip(
            event.request_params.NodesToWrite, event.response_params, strict=True
        ):
            if status.is_good() and asked.NodeId.NamespaceIndex == self._namespace:
                self.writes.append((asked.NodeId.Identifier, asked.Value.Value.Value))
        await self._notify()

    async def _turn(self) -> None:
        encoder = self.config.encoder
        assert encoder is not None  # noqa: S101
        now_s = asyncio.get_running_loop().time
        start_s, kind = now_s(), self._nodes[encoder.node]
        first = int(kind.initial)
        while True:
            await self.set(encoder.node, first + int((now_s() - start_s) * encoder.pulses_per_s))
            await asyncio.sleep(ENCODER_STEP_S)

    def _open_sessions(self) -> list[Any]:
        return list(self._server.iserver._external_sessions.values())

    async def _end_sessions(self) -> None:
        for session in self._open_sessions():
            await session.close_session(True)
        await self._notify()

    async def _until(self, holds: Callable[[], bool]) -> None:
        while not holds():
            with suppress(TimeoutError):
                async with asyncio.timeout(ENCODER_STEP_S), self._changed:
                    await self._changed.wait()

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()
