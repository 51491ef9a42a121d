"""From a certificate to a scan that everybody sees: a factory with its broker, both databases."""

import asyncio
import os
import signal
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest

from domain.kernel.ids import new_id
from drivers.link import LinkState, PeerLost
from drivers.mqtt.client import Arrived
from drivers.mqtt.payload import MAX_BYTES
from drivers.mqtt.topics import topic_of
from tests.support import documents as ask
from tests.support.codes import milk_codes
from tests.support.factory import FactoryServer, running_factory
from tests.support.gateways import stranger
from tests.support.mqtt import (
    BUNDLED,
    LetIn,
    admitted,
    connected,
    let_in,
    let_in_by,
    link_of,
    scan_event,
    scanned,
    scans_of,
)
from tests.support.waiting import eventually, unchanging, until

FULL: dict[str, Any] = {
    "scan_duration": 2.34,
    "scan_decode_symbology": "QR_CODE",
    "device_id": "M2MR141204452",
    "device_battery": 93,
    "device_firmware": "0.0.1",
    "device_temperature": 31.5,
    "metrics_worker_steps": 7,
}
STREAM = """subscription { scans { cursor scan { code source gateway { eventId station } } } }"""
GATEWAY = "query ($id: ID!) { gateway(id: $id) { connectivity lastScanAt lastMessageAt } }"
RESET = "mutation ($id: ID!) { resetGatewayProvisioning(id: $id) { thingName } }"
JOURNAL = """{ events(first: 100, filter: {category: "GATEWAY"}) {
  edges { node { message severity source } } } }"""


async def ready(factory: FactoryServer, name: str = "Gateway1") -> LetIn:
    await connected(factory)
    gateway = await let_in(factory, name)
    await admitted(gateway)
    return gateway


async def journal(factory: FactoryServer) -> list[str]:
    manager = await factory.logged_in("manager")
    edges = (await manager.ask(JOURNAL))["events"]["edges"]
    return [edge["node"]["message"] for edge in reversed(edges)]


def counted(factory: FactoryServer) -> dict[str, int]:
    link = factory.runtime.gateways
    assert link is not None
    return dict(link.counted())


async def test_what_a_gateway_tells_is_a_scan_in_the_graph_and_on_its_stream(
    each_factory: FactoryServer,
) -> None:
    gateway = await ready(each_factory)
    operator = await each_factory.logged_in("operator")
    event = scan_event("1234567890", **FULL)
    async with operator.subscribe(STREAM) as stream:
        await each_factory.subscribers(1)
        await gateway.tell(event)
        live = (await stream.next())["scans"]["scan"]
    assert live == {
        "code": "1234567890",
        "source": "GATEWAY",
        "gateway": {"eventId": event["id"], "station": "Station3"},
    }
    [stored] = await scans_of(operator)
    assert (stored["valid"], stored["duplicate"], stored["bottle"]) == (True, False, None)
    assert stored["timestamp"] == "2026-01-01T00:00:00.123000Z"
    assert stored["gateway"] == {
        "eventId": event["id"],
        "gatewayId": gateway.id,
        "usecase": "Picking",
        "station": "Station3",
        "symbology": "QR_CODE",
        "durationS": 2.34,
        "deviceId": "M2MR141204452",
        "deviceBattery": 93,
        "deviceFirmware": "0.0.1",
        "deviceTemperature": 31.5,
        "workerSteps": 7,
    }


async def test_one_of_our_codes_meets_its_bottle_and_makes_none(
    each_factory: FactoryServer,
) -> None:
    gateway = await ready(each_factory)
    manager = await each_factory.logged_in("manager")
    known, unknown = milk_codes(2)
    await manager.ask(ask.CREATE_BOTTLES, input={"bottles": [{"identifier": known}]})
    await gateway.tell(scan_event(known), scan_event(unknown), scan_event(known))
    found = await scanned(manager, 3)
    met = [one["bottle"] and one["bottle"]["identifier"] for one in found]
    assert met == [known, None, known]
    assert all(one["valid"] and not one["duplicate"] for one in found)
    assert (await manager.ask("{ bottles { totalCount } }"))["bottles"]["totalCount"] == 1


async def test_heard_of_it_is_active_and_its_scanner_is_known(each_factory: FactoryServer) -> None:
    gateway = await ready(each_factory)
    manager = await each_factory.logged_in("manager")

    async def stands(status: str) -> dict[str, Any]:
        found: dict[str, Any] = {}

        async def holds() -> bool:
            nonlocal found
            found = (await manager.ask(GATEWAY, id=gateway.id))["gateway"]
            return bool(found["connectivity"] == status)

        await until(holds)
        return found

    await stands("REGISTERING")
    await gateway.tell({"type": "heartbeat"})
    assert (await stands("ACTIVE"))["lastScanAt"] is None
    await gateway.tell(scan_event("1", **FULL))

    async def scanner_is_known() -> bool:
        asked = "{ gatewayScanners { edges { node { serial battery firmware } } } }"
        edges = (await manager.ask(asked))["gatewayScanners"]["edges"]
        wanted = {"serial": "M2MR141204452", "battery": 93, "firmware": "0.0.1"}
        return [edge["node"] for edge in edges] == [wanted]

    await until(scanner_is_known)
    assert (await stands("ACTIVE"))["lastScanAt"] is not None
    assert await scans_of(manager) == await scanned(manager, 1)


async def test_told_again_it_is_the_same_scan(each_factory: FactoryServer) -> None:
    gateway = await ready(each_factory)
    operator = await each_factory.logged_in("operator")
    first, second = scan_event("1"), scan_event("2")
    nameless = {"scan_code": "3", "created": 1_767_225_600_000}
    await gateway.tell(first, first, second, nameless, first, nameless)
    await eventually(lambda: counted(each_factory)["repeated"] == 3)
    assert [one["code"] for one in await scans_of(operator)] == ["1", "2", "3"]
    assert counted(each_factory)["stored"] == 3


async def test_two_gateways_may_call_their_events_the_same(each_factory: FactoryServer) -> None:
    one, other = await ready(each_factory, "One"), await ready(each_factory, "Other")
    event = scan_event("1")
    await one.tell(event)
    await other.tell(event)
    found = await scanned(await each_factory.logged_in("operator"), 2)
    assert {scan["gateway"]["gatewayId"] for scan in found} == {one.id, other.id}


BAD = (b"", b"[]", b'{"scan_code": ', b'{"id": "1"}', b'{"scan_code": "1", "id": "1" * 2}')
TOO_LONG = b'{"id": "1", "scan_code": "' + b"9" * MAX_BYTES + b'"}'


async def test_what_is_no_event_is_counted_journalled_and_holds_up_nothing(
    each_factory: FactoryServer,
) -> None:
    gateway = await ready(each_factory)
    operator = await each_factory.logged_in("operator")
    await gateway.publish(*BAD, TOO_LONG)
    await gateway.tell(scan_event("good"))
    assert [one["code"] for one in await scanned(operator, 1)] == ["good"]
    found = counted(each_factory)
    assert (found["malformed"], found["oversize"]) == (len(BAD), 1)
    assert (found["waiting"], found["stored"]) == (0, 1)
    said = [one for one in await journal(each_factory) if "no event" in one or "too long" in one]
    assert len(said) == 2, "one of each kind a minute"
    assert all(one.startswith("Gateway1: ") for one in said)


async def test_a_code_with_a_nul_is_kept_as_well_as_it_can_be(each_factory: FactoryServer) -> None:
    gateway = await ready(each_factory)
    await gateway.tell(scan_event("a\0b"))
    [found] = await scanned(await each_factory.logged_in("operator"), 1)
    assert found["code"] == "a\ufffdb"


async def test_a_gateway_that_nobody_knows_is_counted_and_forgotten(
    sqlite_factory: FactoryServer,
) -> None:
    """Such a message can only come by somebody else's broker: the bundled one lets none through."""
    gateway = await ready(sqlite_factory)
    link = sqlite_factory.runtime.gateways
    assert link is not None
    intake = link.task.driver._intake  # type: ignore[attr-defined]
    payload = orjson.dumps(scan_event("1"))
    strange = [topic_of("insight", new_id()), topic_of("insight", "nobody"), "other/x", "", "a\0b"]
    await intake.take([Arrived(topic, payload, None) for topic in strange])
    found = counted(sqlite_factory)
    assert (found["unknown_gateway"], found["foreign_topic"]) == (2, 3)
    assert await scans_of(await sqlite_factory.logged_in("operator")) == []
    await gateway.tell(scan_event("2"))
    await scanned(await sqlite_factory.logged_in("operator"), 1)


async def test_another_gateway_s_topic_reaches_nobody(each_factory: FactoryServer) -> None:
    one, other = await ready(each_factory, "One"), await ready(each_factory, "Other")
    with suppress(PeerLost):
        await one.publish(orjson.dumps(scan_event("forged")), topic=other.topic)
    await other.tell(scan_event("real"))
    operator = await each_factory.logged_in("operator")
    assert [scan["code"] for scan in await scanned(operator, 1)] == ["real"]
    assert (await scans_of(operator))[0]["gateway"]["gatewayId"] == other.id


def shown_again(factory: FactoryServer, times: int) -> bool:
    return counted(factory)["retained"] == times


async def test_what_a_broker_retains_is_taken_once_and_shown_in_vain(
    sqlite_factory: FactoryServer,
) -> None:
    """It comes again at each connection: neither a scan nor a sign that the gateway is there."""
    gateway = await ready(sqlite_factory)
    operator = await sqlite_factory.logged_in("operator")
    nameless = orjson.dumps({"scan_code": "1", "created": 1_767_225_600_000})
    async with gateway.connected() as client:
        await client.publish(gateway.topic, nameless, qos=1, retain=True)
    await scanned(operator, 1)
    assert counted(sqlite_factory)["retained"] == 0
    link = link_of(sqlite_factory)
    await link.stop()  # writes down that it was heard of
    heard = await operator.ask(GATEWAY, id=gateway.id)
    assert heard["gateway"]["connectivity"] == "ACTIVE"
    for times in (1, 2):
        link.start()
        await eventually(partial(shown_again, sqlite_factory, times))
        await link.stop()
    assert await operator.ask(GATEWAY, id=gateway.id) == heard
    link.start()
    await gateway.tell(scan_event("2"))
    await scanned(operator, 2)
    found = counted(sqlite_factory)
    assert (found["stored"], found["repeated"], found["waiting"]) == (2, 0, 0)


async def test_one_that_is_reset_is_out(sqlite_factory: FactoryServer) -> None:
    gateway = await ready(sqlite_factory)
    manager = await sqlite_factory.logged_in("manager")
    async with gateway.connected() as client:
        fresh = (await manager.ask(RESET, id=gateway.id))["resetGatewayProvisioning"]
        assert fresh["thingName"] != gateway.thing_name
        async with asyncio.timeout(10):
            with pytest.raises(PeerLost):
                await client.lost()
    with pytest.raises(PeerLost):
        async with gateway.connected():
            pass


async def test_one_that_was_stolen_stays_out_when_another_gets_its_name(
    sqlite_factory: FactoryServer,
) -> None:
    """Another customer's even: the broker knows no customers."""
    stolen = await ready(sqlite_factory)
    manager = await sqlite_factory.logged_in("manager")
    await manager.ask(RESET, id=stolen.id)
    other, _ = await stranger(sqlite_factory)
    fresh = await let_in_by(other, sqlite_factory.client(), "Gateway1")
    await admitted(fresh)
    with pytest.raises(PeerLost):
        async with stolen.connected():
            pass


async def test_what_waited_while_the_factory_was_away_is_stored_when_it_is_back(
    tmp_path: Path,
) -> None:
    folder, settings = tmp_path / "factory", dict(BUNDLED)
    async with running_factory(folder, **settings) as factory:
        gateway = await ready(factory)
        await gateway.tell(scan_event("before"))
        await scanned(await factory.logged_in("operator"), 1)
        # Only what takes the messages ends: the broker is there all the time.
        await link_of(factory).stop()
        waiting = [scan_event(f"while away {number}") for number in range(50)]
        await gateway.tell(*waiting)
        link_of(factory).start()
        found = await scanned(await factory.logged_in("operator"), 51)
        port = factory.runtime.gateways.endpoint.port  # type: ignore[union-attr]
    assert [one["code"] for one in found[1:]] == [one["scan_code"] for one in waiting]
    async with running_factory(folder, **settings | {"mqtt_port": port}) as factory:
        await connected(factory)
        await gateway.tell(scan_event("after"))
        found = await scanned(await factory.logged_in("operator"), 52)
    assert found[-1]["code"] == "after"


async def test_a_broker_that_dies_is_back_and_the_journal_says_so(
    sqlite_factory: FactoryServer,
) -> None:
    gateway = await ready(sqlite_factory)
    link = sqlite_factory.runtime.gateways
    assert link is not None
    assert link.broker is not None
    lost, broker_lost = link.task.expect(LinkState.LOST), link.broker.expect(LinkState.LOST)
    pid = link.broker.driver.settings.pid  # type: ignore[attr-defined]
    os.kill(int(pid.read_text()), signal.SIGKILL)
    await asyncio.gather(lost, broker_lost)
    await connected(sqlite_factory)
    await gateway.tell(scan_event("after"))
    await scanned(await sqlite_factory.logged_in("operator"), 1)
    said = await journal(sqlite_factory)
    assert any(one.startswith("mqtt broker lost") for one in said)
    assert any(one.startswith("mqtt lost") for one in said)
    assert sum(one.startswith("mqtt connected") for one in said) == 2


async def test_storage_that_is_away_is_waited_for(sqlite_factory: FactoryServer) -> None:
    """Nothing is acknowledged meanwhile, so that nothing is lost whatever happens."""
    gateway = await ready(sqlite_factory)
    database = sqlite_factory.database
    async with database.write_lock:
        await gateway.tell(*(scan_event(str(number)) for number in range(20)))
        await eventually(lambda: counted(sqlite_factory)["received"] >= 20)
        await unchanging(lambda: counted(sqlite_factory)["stored"])
        assert counted(sqlite_factory)["stored"] == 0
    found = await scanned(await sqlite_factory.logged_in("operator"), 20)
    assert [one["code"] for one in found] == [str(number) for number in range(20)]


async def test_metrics_tell_what_became_of_messages(sqlite_factory: FactoryServer) -> None:
    gateway = await ready(sqlite_factory)
    event = scan_event("1")
    await gateway.publish(orjson.dumps(event), orjson.dumps(event), b"{}")
    await eventually(lambda: counted(sqlite_factory)["malformed"] == 1)
    await eventually(lambda: counted(sqlite_factory)["repeated"] == 1)
    page = (await sqlite_factory.client().http.get("/metrics")).text
    for line in (
        'oktograph_mqtt{what="connected"} 1.0',
        'oktograph_mqtt_messages_total{outcome="stored"} 1.0',
        'oktograph_mqtt_messages_total{outcome="repeated"} 1.0',
        'oktograph_mqtt_messages_total{outcome="malformed"} 1.0',
        'oktograph_scans_total{verdict="checked"} 1.0',
    ):
        assert line in page, line
