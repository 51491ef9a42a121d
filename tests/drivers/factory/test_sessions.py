"""Sessions of devices: one each, wherever it is held; who breaks the protocol is shown out."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from itertools import islice

import pytest

from domain.fleet.commands import LogFilter, SetConnectionSettings, TelemetryFilter
from domain.fleet.models import DeviceStatus
from domain.fleet.protocol import LogEntry, Point
from domain.kernel.errors import Unauthorized
from domain.kernel.paging import PageRequest
from graph.fleet import resolvers
from tests.drivers.factory.conftest import Site
from tests.support.databases import new_customer
from tests.support.edge_link import linked_edge
from tests.support.fleet import HASTY, Factory, everything
from tests.support.log import facts
from tests.support.rawedge import raw_device
from tests.support.waiting import until


async def becomes(factory: Factory, site: Site, status: DeviceStatus) -> None:
    async def is_so() -> bool:
        return (await factory.device(site.device)).status is status

    await until(is_so)


async def test_a_device_is_online_with_its_socket_and_offline_without(site: Site) -> None:
    async with linked_edge(lambda: site.one.url, site.token, site.book) as edge:
        await edge.connected()
        found = await site.two.device(site.device)
        assert (found.status, found.queue_size) == (DeviceStatus.ONLINE, 7)
        (session,) = await resolvers.connected_devices(site.two.context())
        assert (session.device_id, session.address) == (site.device.id, "127.0.0.1")
        assert session.process_id == site.one.fleet.sessions.process_id
        assert [one.device_id for one in site.one.fleet.channel.sessions()] == [site.device.id]
    await becomes(site.one, site, DeviceStatus.OFFLINE)
    assert await resolvers.connected_devices(site.two.context()) == []
    assert len(site.one.fleet.sessions) == 0


async def test_every_edge_is_told_how_it_reaches_the_cloud(site: Site, customer_id: int) -> None:
    """At its connection and whenever that changes, through whichever process."""
    async with raw_device(site.one.url, site.token) as device:
        assert await device.hear("connection") == {
            "type": "connection",
            "defaultMode": "VIA_LOCAL_SERVER",
            "allowDeviceOverride": True,
            "cloudSyncEnabled": True,
        }
        stranger = await new_customer(site.one.database, "Dairy Two")
        foreign = site.two.context(customer_id=stranger)
        off = SetConnectionSettings.of(cloud_sync_enabled=False)
        await resolvers.set_connection_settings(foreign, off)
        fixed = SetConnectionSettings.of(allow_device_override=False)
        await resolvers.set_connection_settings(site.two.context(), fixed)
        told = await device.hear("connection")
        assert (told["allowDeviceOverride"], told["cloudSyncEnabled"]) == (False, True)


async def test_heartbeats_keep_a_device_online_and_tell_how_it_is(site: Site) -> None:
    async with linked_edge(lambda: site.one.url, site.token, site.book) as edge:
        await edge.connected()
        first = (await site.one.device(site.device)).last_heartbeat_at_us
        edge.report = type(edge.report)(status="degraded", queue_size=9)
        await becomes(site.one, site, DeviceStatus.WARNING)
        found = await site.one.device(site.device)
        assert found.queue_size == 9
        assert (found.last_heartbeat_at_us or 0) > (first or 0)
        await site.one.sweeper.sweep()
        assert (await site.one.device(site.device)).status is DeviceStatus.WARNING


async def test_a_silent_device_is_shown_out(site: Site) -> None:
    site.one.fleet = replace(site.one.fleet, settings=HASTY)
    async with raw_device(site.one.url, site.token) as device:
        assert await device.hear("ping") == {"type": "ping"}
        assert await device.closed() == 4408
    await becomes(site.one, site, DeviceStatus.OFFLINE)


async def test_a_device_that_answers_pings_stays(site: Site) -> None:
    async with raw_device(site.one.url, site.token) as device:
        for _ in range(8):
            await device.hear("ping")
            await device.say(type="pong")
        assert (await site.one.device(site.device)).status is DeviceStatus.ONLINE


@pytest.mark.parametrize("elsewhere", [False, True])
async def test_a_newer_session_takes_the_older_ones_place(site: Site, elsewhere: bool) -> None:
    second = site.two if elsewhere else site.one
    async with (
        raw_device(site.one.url, site.token) as older,
        raw_device(second.url, site.token),
    ):
        assert await older.closed() == 4409
        assert (await site.one.device(site.device)).status is DeviceStatus.ONLINE
        (session,) = await resolvers.connected_devices(site.one.context())
        assert session.process_id == second.fleet.sessions.process_id
    await becomes(site.one, site, DeviceStatus.OFFLINE)
    changes = [
        row.data["status"]
        for row in await facts(site.one.database, "fleet")
        if row.kind == "device.status_changed"
    ]
    assert changes == ["ONLINE", "OFFLINE"]


async def test_many_sessions_at_once_leave_one(site: Site) -> None:
    async with AsyncExitStack() as stack:
        urls = [site.one.url] * 4 + [site.two.url] * 4
        crowd = [
            await stack.enter_async_context(raw_device(url, site.token, hello=False))
            for url in urls
        ]
        await asyncio.gather(*(device.say(type="hello", protocol=1) for device in crowd))
        closing = [asyncio.create_task(device.closed()) for device in crowd]
        others = islice(asyncio.as_completed(closing), len(crowd) - 1)
        assert [await code for code in others] == [4409] * 7
        (left,) = (task for task in closing if not task.done())
        left.cancel()
    await becomes(site.one, site, DeviceStatus.OFFLINE)
    assert await resolvers.connected_devices(site.one.context()) == []


async def test_a_removed_device_is_cut_off_at_once(site: Site) -> None:
    async with raw_device(site.one.url, site.token) as device:
        await resolvers.remove_device(site.two.context(), "edge-001")
        assert await device.closed() == 4401
    before = await everything(site.one.database)
    for process in (site.one, site.two):
        with pytest.raises(Unauthorized):
            await process.tokens.actor(site.token)
        async with raw_device(process.url, site.token, hello=False) as device:
            assert await device.closed() == 4401
    assert await everything(site.one.database) == before


async def test_ended_tokens_end_the_session(site: Site) -> None:
    async with raw_device(site.two.url, site.token) as device:
        await resolvers.issue_device_token(site.one.context(), "edge-001", end_others=True)
        assert await device.closed() == 4401


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "[]",
        "{}",
        '{"type": 7}',
        '{"type": "heartbeat"}',
        '{"type": "hello"}',
        '{"type": "hello", "protocol": 2}',
        '{"type": "hello", "protocol": 1, "queueSize": -1}',
    ],
)
async def test_a_session_begins_with_a_good_hello(site: Site, text: str) -> None:
    before = await everything(site.one.database)
    async with raw_device(site.one.url, site.token, hello=False) as device:
        await device.say_text(text)
        assert await device.closed() == 4400
    assert await everything(site.one.database) == before


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        '{"type": "ack"}',
        '{"type": "ack", "id": "1"}',
        '{"type": "telemetry", "points": []}',
        '{"type": "log", "entries": [{}]}',
        '{"type": "result", "id": "' + "0" * 32 + '", "error": {"code": "x"}}',
    ],
)
async def test_a_malformed_frame_ends_the_session(site: Site, text: str) -> None:
    async with raw_device(site.one.url, site.token) as device:
        await device.say_text(text)
        assert await device.closed() == 4400


async def test_what_is_not_known_is_ignored(site: Site) -> None:
    async with raw_device(site.one.url, site.token) as device:
        await device.say(type="from_the_future", x=1)
        await device.say(type="result", id="0" * 32, result=1)
        assert await device.hear("recorded") == {"type": "recorded", "id": "0" * 32}
        await device.say(type="heartbeat", queueSize=5, news="x")
        await becomes(site.one, site, DeviceStatus.ONLINE)


async def test_logs_and_telemetry_come_over_the_socket(site: Site) -> None:
    async with linked_edge(lambda: site.one.url, site.token, site.book) as edge:
        assert not edge.link.send_logs([LogEntry(message="too early")])
        await edge.connected()
        assert edge.link.send_logs([LogEntry(message="hello", source="plc")])
        assert edge.link.send_telemetry([Point(metric="temperature", value=21.5)])
        ann = site.two.context()

        async def is_stored() -> bool:
            return bool(await resolvers.telemetry(ann, "edge-001", TelemetryFilter()))

        await until(is_stored)
        page = await resolvers.list_logs(ann, "edge-001", LogFilter(), PageRequest())
        assert [(row.message, row.source) for row in page.rows] == [("hello", "plc")]
        assert edge.link.counters()["dropped"] == 1


async def test_a_process_that_stops_sends_its_devices_elsewhere(site: Site) -> None:
    where = [site.one.url]
    async with linked_edge(lambda: where[0], site.token, site.book) as edge:
        await edge.connected()
        await site.one.fleet.sessions.close()
        await becomes(site.one, site, DeviceStatus.OFFLINE)
        assert site.one.ends[-1].code == 1001
