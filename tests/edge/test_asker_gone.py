"""Whoever told an edge how to be goes before it is so: it becomes so all the same, or it stays what
it was; and what it says that it runs on is what it runs on."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from domain.fleet.commands import SetConfiguration
from domain.fleet.protocol import ConnectionFrame
from domain.kernel.errors import Conflict, DomainError, Unavailable
from domain.sync.models import ConnectionMode
from drivers.link import LinkState
from drivers.plcs.opc_ua.simulator import OpcUaSimulator
from drivers.scanners.simulation import SimulatorConfig
from drivers.scanners.simulator import ScannerSimulator
from graph.fleet import resolvers as fleet
from oktograph.edge.control import EdgeControl
from tests.edge.conftest import Json, Site, connected, entries, side
from tests.support.edge import Client, Edge
from tests.support.opc_ua import simulated
from tests.support.proxy import Trouble, proxied
from tests.support.waiting import eventually, until

RELOAD = "mutation { reloadConfiguration }"
PATIENCE_S = 30.0
SET_PLCS = "mutation ($plcs: [PlcInput!]!) { setPlcs(plcs: $plcs) { name } }"


@dataclass(slots=True)
class Devices:
    """Two scanners, of which the edge runs on `old`, and a controller that it takes slow leave of
    once it is stalled."""

    old: ScannerSimulator
    new: ScannerSimulator
    controller: OpcUaSimulator

    def document(self, scanner: ScannerSimulator, name: str) -> Json:
        return {"scanners": [_dialled(scanner.port)], "plcs": [self.plc(name)]}

    def plc(self, name: str) -> Json:
        where = {"host": "127.0.0.1", "port": self.controller.port, "opc_ua": {"path": "/line"}}
        named = {"id": "press", "name": name, "protocol": "OPC_UA"}
        return named | where | {"timeout_s": PATIENCE_S}

    async def begun(self) -> None:
        """The old devices are stopping, and one of them is not done with it."""
        await eventually(lambda: self.old.peer_count == 0)

    async def in_force(self, edge: Edge, scanner: ScannerSimulator, name: str) -> None:
        """All of it, at the devices themselves."""
        other = self.old if scanner is self.new else self.new
        await eventually(lambda: (scanner.peer_count, other.peer_count) == (1, 0))
        line = edge.runtime.line
        await eventually(
            lambda: (
                [(one.name, one.link.state) for one in line.plcs()] == [(name, LinkState.CONNECTED)]
            )
        )


def _dialled(port: int) -> Json:
    return {"index": 0, "name": "Scanner 1", "host": "127.0.0.1", "port": port}


@pytest.fixture
async def devices(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Devices]:
    # However slow this machine, the old devices are stopping until the test lets them.
    monkeypatch.setattr("drivers.plcs.opc_ua.client.FAREWELL_S", PATIENCE_S)
    async with AsyncExitStack() as stack:
        quiet = SimulatorConfig(rate=None)
        one, two = [await stack.enter_async_context(ScannerSimulator(quiet)) for _ in range(2)]
        controller = await stack.enter_async_context(simulated())
        try:
            yield Devices(one, two, controller)
        finally:
            controller.relay.resume()


@asynccontextmanager
async def on_the_old(site: Site, devices: Devices, **settings: Any) -> AsyncIterator[Edge]:
    told = devices.document(devices.old, "before")
    async with site.edge(**told, **settings) as edge:
        await devices.in_force(edge, devices.old, "before")
        devices.controller.relay.stall()
        try:
            yield edge
        finally:
            devices.controller.relay.resume()


@pytest.fixture
async def alone(standing: Site, devices: Devices) -> AsyncIterator[Edge]:
    """No factory answers it."""
    async with on_the_old(standing, devices) as edge:
        yield edge


async def test_a_factory_whose_link_is_lost_meanwhile_is_obeyed_and_told(
    site: Site, devices: Devices
) -> None:
    async with (
        proxied(site.found.port) as proxy,
        on_the_old(site, devices, factory_url=proxy.url) as edge,
    ):
        await connected(edge)
        wanted = devices.document(devices.new, "after")
        command = SetConfiguration.of(device="edge-001", document=wanted)
        version = (await fleet.set_configuration(site.found.factory.context(), command)).version
        await devices.begun()
        proxy.set(Trouble.REFUSE)
        proxy.cut()
        await side(edge).task.wait_for_state(LinkState.LOST, 10.0)
        assert await edge.runtime.control.version() == 0, "nobody was told of it"
        devices.controller.relay.resume()
        await devices.in_force(edge, devices.new, "after")
        assert edge.runtime.control.status().config_version == version
        proxy.set(Trouble.NONE)

        async def told() -> bool:
            context = site.found.factory.context()
            row = await fleet.reported_configuration(context, site.device.id)
            return row is not None and (row.version, row.error) == (version, None)

        await until(told)
        assert await edge.runtime.control.version() == version
        await devices.in_force(edge, devices.new, "after")


async def _closes_its_socket(client: Client, query: str, values: Json, begun: Any) -> None:
    async with client.subscribe(query, **values):
        await begun()


async def _gives_it_up(client: Client, query: str, values: Json, begun: Any) -> None:
    async with client.subscribe(query, **values) as subscription:
        await begun()
        await subscription.socket.send(json.dumps({"id": "1", "type": "complete"}))
        await subscription.socket.send(json.dumps({"type": "ping"}))
        assert (await subscription.message())["type"] == "pong"


async def _closes_its_stream(client: Client, query: str, values: Json, begun: Any) -> None:
    async with client.event_source(query, **values):
        await begun()


LEAVING = [_closes_its_socket, _gives_it_up, _closes_its_stream]
Leaves = Callable[[Client, str, Json, Any], Awaitable[None]]


@pytest.mark.parametrize("leaves", LEAVING)
async def test_a_reload_whose_caller_goes_meanwhile_is_done(
    alone: Edge, devices: Devices, leaves: Leaves
) -> None:
    operator = await alone.logged_in("operator")
    wanted = devices.document(devices.new, "after")
    told = {"set": {name: json.dumps(value) for name, value in wanted.items()}}
    assert (await operator.http.put("/api/v1/config", json=told)).status_code == 200
    await leaves(operator, RELOAD, {}, devices.begun)
    devices.controller.relay.resume()
    await devices.in_force(alone, devices.new, "after")
    assert len(alone.runtime.control.status().overrides) == 2


@pytest.mark.parametrize("leaves", LEAVING)
async def test_devices_configured_in_place_by_one_who_goes_run(
    alone: Edge, devices: Devices, leaves: Leaves
) -> None:
    operator = await alone.logged_in("operator")

    async def stored() -> bool:
        return bool((await operator.ask("{ overrides { key } }"))["overrides"])

    plc = devices.plc("after")
    named = {name: plc.pop(name) for name in ("id", "name", "protocol", "host", "port")}
    values = {"plcs": [named | {"settings": plc}]}
    await leaves(operator, SET_PLCS, values, lambda: until(stored))
    devices.controller.relay.resume()
    await devices.in_force(alone, devices.old, "after")
    assert alone.runtime.control.status().overrides == ("l2.override.plcs",)


async def _cancelled(asking: "asyncio.Task[Any]") -> None:
    asking.cancel()
    await asyncio.wait({asking})
    assert asking.cancelled()


async def test_an_edge_that_is_stopped_meanwhile_lets_it_take_effect_and_no_other(
    alone: Edge, devices: Devices
) -> None:
    control = alone.runtime.control
    first = devices.document(devices.new, "first")
    asking = asyncio.create_task(control.apply(1, first))
    await devices.begun()
    waiting = asyncio.create_task(control.apply(2, devices.document(devices.old, "second")))
    await _cancelled(asking)
    stopping = asyncio.create_task(control.stop())
    await asyncio.wait({stopping}, timeout=0.02)
    devices.controller.relay.resume()
    await stopping
    assert control.status().config_version == 1
    await devices.in_force(alone, devices.new, "first")
    for late in (waiting, asyncio.create_task(control.reload())):
        with pytest.raises(Unavailable):
            await late
    assert control.status().config_version == 1


async def test_the_old_one_asked_back_while_the_new_one_begins_is_what_runs(
    alone: Edge, devices: Devices
) -> None:
    control = alone.runtime.control
    asking = asyncio.create_task(control.apply(1, devices.document(devices.new, "after")))
    await devices.begun()
    await _cancelled(asking)
    back = asyncio.create_task(control.apply(2, devices.document(devices.old, "before")))
    devices.controller.relay.resume()
    await back
    await devices.in_force(alone, devices.old, "before")
    assert control.status().config_version == await control.version() == 2


async def _refusing(edge: Edge, table: str, condition: str = "1") -> None:
    async with edge.database.engine.begin() as connection:
        await connection.exec_driver_sql(
            f"CREATE TRIGGER refusing BEFORE INSERT ON {table} WHEN {condition} "
            "BEGIN SELECT RAISE(ABORT, 'no'); END"
        )


async def _taking_again(edge: Edge) -> None:
    async with edge.database.engine.begin() as connection:
        await connection.exec_driver_sql("DROP TRIGGER refusing")


async def _applied(control: EdgeControl, edge: Edge) -> None:
    await control.apply(3, {"packSize": 4})


async def _pushed(control: EdgeControl, edge: Edge) -> None:
    await control.push(3, {"packSize": 4})


async def _switched(control: EdgeControl, edge: Edge) -> None:
    await control.switch(edge.system, enabled=False, reason="holiday")


async def _connection_told(control: EdgeControl, edge: Edge) -> None:
    frame = ConnectionFrame(
        default_mode=ConnectionMode.VIA_LOCAL_SERVER,
        allow_device_override=True,
        cloud_sync_enabled=False,
    )
    await control.connect(frame)


@pytest.mark.parametrize("tell", [_applied, _pushed, _switched, _connection_told])
async def test_what_was_not_committed_is_not_told(
    edge: Edge, tell: Callable[[EdgeControl, Edge], Awaitable[None]]
) -> None:
    control, runner = edge.runtime.control, edge.runtime.services.sync.runner

    def told() -> Any:
        scans = edge.runtime.services.scans
        held = (control.running.pack_size, runner.cloud_allowed, scans.enabled)
        return replace(control.status()), held, control._told.state

    before = told()
    await _refusing(edge, "event_log")
    with pytest.raises(DomainError):
        await tell(control, edge)
    assert told() == before
    assert await control.version() == 0
    await _taking_again(edge)
    await tell(control, edge)
    assert told() != before


async def test_what_failed_half_way_is_not_said_to_run_and_leaves_nothing_of_itself(
    alone: Edge, devices: Devices
) -> None:
    """The devices are new already when the packing cannot be."""
    control = alone.runtime.control
    devices.controller.relay.resume()
    wanted = devices.document(devices.new, "after") | {"packSize": 2}
    await _refusing(alone, "event_log_reader", "NEW.name = 'accumulation'")
    with pytest.raises(Conflict):
        await control.apply(1, wanted)
    await devices.in_force(alone, devices.new, "after")
    assert control.status().config_version == await control.version() == 0
    await control.apply(2, {})
    await devices.in_force(alone, devices.old, "before")
    await _taking_again(alone)
    await control.apply(3, wanted)
    await devices.in_force(alone, devices.new, "after")
    assert control.status().config_version == await control.version() == 3
    assert any("Configuration 3 of the factory" in told for told in await entries(alone))
