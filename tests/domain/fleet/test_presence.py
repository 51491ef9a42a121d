"""Presence: heard, missed, told; with a history of every change."""

import asyncio

import pytest

from domain.fleet.commands import Heartbeat, SetDeviceStatus
from domain.fleet.models import DeviceStatus
from domain.fleet.rows import DeviceRow
from domain.kernel.errors import NotFound
from domain.kernel.paging import PageRequest
from graph.fleet import resolvers
from tests.support.clocks import ManualClock
from tests.support.fleet import QUICK, Factory, everything
from tests.support.log import facts

SILENT_S = QUICK.silent_after_s


async def beat(factory: Factory, device: DeviceRow, status: str | None = None) -> DeviceStatus:
    command = Heartbeat.of(device=device.identifier, status=status, queue_size=3)
    return (await resolvers.heartbeat(factory.as_device(device), command)).status


async def tell(factory: Factory, device: DeviceRow, status: DeviceStatus) -> DeviceStatus:
    command = SetDeviceStatus.of(device=device.id, status=status, reason="said so")
    return (await resolvers.set_device_status(factory.context(), command)).status


async def test_three_missed_heartbeats_are_offline(factory: Factory, clock: ManualClock) -> None:
    device = await factory.register()
    assert await beat(factory, device, "healthy") is DeviceStatus.ONLINE
    clock.advance(SILENT_S)
    assert await factory.sweeper.sweep() == 0
    clock.advance(0.001)
    assert await factory.sweeper.sweep() == 1
    assert await factory.sweeper.sweep() == 0
    found = await factory.device(device)
    assert (found.status, found.status_reason) == (DeviceStatus.OFFLINE, "no heartbeat")
    assert found.queue_size == 3
    assert await beat(factory, device) is DeviceStatus.ONLINE
    page = await resolvers.status_history(factory.context(), "edge-001", PageRequest())
    assert [(row.previous, row.status) for row in page.rows] == [
        ("OFFLINE", "ONLINE"),
        ("ONLINE", "OFFLINE"),
        ("OFFLINE", "ONLINE"),
    ]
    messages = [row.data["message"] for row in await facts(factory.database, "journal")]
    assert messages == [f"edge-001 is {s}" for s in ("ONLINE", "OFFLINE", "ONLINE")]


async def test_what_was_told_outlives_heartbeats_and_silence(
    factory: Factory, clock: ManualClock
) -> None:
    device = await factory.register()
    await beat(factory, device)
    assert await tell(factory, device, DeviceStatus.WARNING) is DeviceStatus.WARNING
    assert await beat(factory, device, "healthy") is DeviceStatus.WARNING
    assert await beat(factory, device, "error") is DeviceStatus.ERROR
    assert await beat(factory, device, "healthy") is DeviceStatus.WARNING
    clock.advance(SILENT_S + 1)
    await factory.sweeper.sweep()
    assert (await factory.device(device)).status is DeviceStatus.OFFLINE
    assert await beat(factory, device) is DeviceStatus.WARNING
    assert await tell(factory, device, DeviceStatus.MAINTENANCE) is DeviceStatus.MAINTENANCE
    clock.advance(SILENT_S + 1)
    await factory.sweeper.sweep()
    assert (await factory.device(device)).status is DeviceStatus.MAINTENANCE
    assert await tell(factory, device, DeviceStatus.ONLINE) is DeviceStatus.ONLINE


async def test_a_device_without_heartbeats_is_as_told(factory: Factory, clock: ManualClock) -> None:
    device = await factory.register("TEMP-001", status=DeviceStatus.ONLINE)
    clock.advance(3600)
    assert await factory.sweeper.sweep() == 0
    assert (await factory.device(device)).status is DeviceStatus.ONLINE
    assert await tell(factory, device, DeviceStatus.OFFLINE) is DeviceStatus.OFFLINE


async def test_a_heartbeat_of_nobody_changes_nothing(factory: Factory) -> None:
    await factory.register()
    before = await everything(factory.database)
    with pytest.raises(NotFound):
        await resolvers.heartbeat(factory.context(), Heartbeat.of(device="edge-002"))
    assert await everything(factory.database) == before


async def test_two_sweepers_tell_it_once(factory: Factory, clock: ManualClock) -> None:
    for number in range(5):
        await beat(factory, await factory.register(f"edge-{number}"))
    clock.advance(SILENT_S + 1)
    counts = await asyncio.gather(*(factory.sweeper.sweep() for _ in range(3)))
    assert sum(counts) == 5
