"""The old system's way, whole: a gateway made, prepared and let in by Insight's routes publishes
over MQTT, and its scan is in Insight's list, in the graph and on its stream."""

import base64
from typing import Any

from drivers.mqtt.topics import topic_of
from tests.support.factory import FactoryServer
from tests.support.insight import base_of, ok
from tests.support.mqtt import LetIn, admitted, connected, scan_event, scanned
from tests.support.waiting import until

STREAM = "subscription { scans { scan { code gateway { gatewayId deviceId } } } }"


async def by_insight(factory: FactoryServer, base: str) -> LetIn:
    manager = await factory.logged_in("manager")
    given = {"name": "Gateway1", "usecase": "Picking", "station": "Station3"}
    made: dict[str, Any] = ok(await manager.http.post(f"{base}/gateways", json=given), 201)
    prepare = f"{base}/gateways/{made['id']}/prepare-provisioning"
    token = ok(await manager.http.post(prepare))["token"]
    nobody = factory.client().http
    told = ok(await nobody.post("/insight/provisioning", json={"token": token}))
    assert told["certificate_common_name"] == made["thing_name"]
    return LetIn(
        id=made["id"],
        uuid=made["id"],
        thing_name=made["thing_name"],
        url=told["mqtt_endpoint"],
        prefix=told["mqtt_topic_prefix"],
        bundle=base64.b64decode(told["pkcs12"]),
    )


async def test_from_its_making_to_its_scan(each_factory: FactoryServer) -> None:
    await connected(each_factory)
    operator = await each_factory.logged_in("operator")
    base = await base_of(operator)
    gateway = await by_insight(each_factory, base)
    await admitted(gateway)
    event = scan_event(
        "1234567890",
        created=each_factory.runtime.core.clock.now_us() // 1_000,
        scan_duration=2.34,
        scan_decode_symbology="QR_CODE",
        device_id="M2MR141204452",
        device_battery=93,
    )
    async with operator.subscribe(STREAM) as stream:
        await each_factory.subscribers(1)
        assert gateway.topic == topic_of("insight", gateway.uuid)
        await gateway.tell(event)
        live = (await stream.next())["scans"]["scan"]
    [stored] = await scanned(operator, 1)
    assert live["code"] == stored["code"] == "1234567890"
    assert live["gateway"]["gatewayId"] == stored["gateway"]["gatewayId"]
    manager = await each_factory.logged_in("manager")
    for query in ({}, {"gateway_id": gateway.uuid}):
        [listed] = ok(await manager.http.get(f"{base}/events", params=query))["items"]
        assert listed["scan_code"] == "1234567890"
        assert (listed["gateway_id"], listed["gateway_station"]) == (gateway.uuid, "Station3")
        assert (listed["scan_duration"], listed["device_battery"]) == (2.34, 93)
        assert listed["scan_decode_symbology"] == "QR_CODE"

    async def is_active() -> bool:
        shown = ok(await manager.http.get(f"{base}/gateways/{gateway.uuid}"))
        return bool(shown["connectivity_status"] == "ACTIVE")

    await until(is_active)
