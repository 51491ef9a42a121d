"""Gateways in the graph: filters, streams, what the audit and the journal tell, who fell silent."""

import asyncio
from base64 import b64decode
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest

from domain.gateways.commands import ScannerReport
from domain.gateways.models import Connectivity
from domain.gateways.operations import presence
from domain.gateways.ports import GatewaySettings
from domain.gateways.repository import gateways, packages
from domain.gateways.rows import GatewayRow, Heard
from domain.gateways.sweeper import GatewaySweeper
from tests.support.clients import Client, Json
from tests.support.clocks import ManualClock
from tests.support.factory import FactoryServer
from tests.support.gateways import common_name, hears, opened, scanner_heard
from tests.support.log import facts
from tests.support.valtronics import set_clock

HOUR_S = 3_600
CREATE = """mutation ($input: CreateGatewayInput!) { createGateway(input: $input) {
  id uuid name thingName version connectivity } }"""
UPDATE = """mutation ($input: UpdateGatewayInput!) { updateGateway(input: $input) {
  name version thingName } }"""
PREPARE = """mutation ($id: ID!) { prepareGatewayProvisioning(id: $id) {
  token expiresAt gateway { connectivity tokenExpiresAt } } }"""
PROVISION = """mutation ($input: ProvisionGatewayInput!) { provisionGateway(input: $input) {
  pkcs12 certificateCommonName mqttEndpoint mqttTopicPrefix
  gateway { thingName certificate { fingerprint expiresAt } } } }"""
PACKAGES = """mutation ($input: CreateProvisioningPackagesInput!) {
  createProvisioningPackages(input: $input) { filename content gateway { uuid } } }"""
LIST = """query ($filter: GatewayFilterInput) { gateways(filter: $filter) {
  totalCount edges { node { name connectivity } } } }"""
STREAM = """subscription ($after: String, $id: ID) { gateways(after: $after, gatewayId: $id) {
  cursor at previousConnectivity gateway { name connectivity version } } }"""


async def create(client: Client, name: str = "Gateway1", **more: Any) -> Json:
    given = {"name": name, "usecase": "Picking", "station": "Station3", **more}
    found: Json = (await client.ask(CREATE, input=given))["createGateway"]
    return found


async def row_of(factory: FactoryServer, uuid: str) -> GatewayRow:
    async with factory.database.read() as session:
        found = await gateways.find(session, factory.customer_id, uuid)
    assert found is not None
    return found


async def test_one_gateway_by_every_name(each_factory: FactoryServer) -> None:
    manager = await each_factory.logged_in("manager")
    made = await create(manager, "Gate 1", serial="PGGW1", type="MOBILE", model="S8")
    assert made["thingName"] == "Gate-1"
    query = "query ($id: ID!) { gateway(id: $id) { id type serial model manufacturer } }"
    expected = {"type": "MOBILE", "serial": "PGGW1", "model": "S8", "manufacturer": None}
    for key in (made["id"], made["uuid"], made["uuid"].replace("-", ""), "Gate-1", "PGGW1"):
        assert (await manager.ask(query, id=key))["gateway"] == {"id": made["id"], **expected}
    assert (await manager.ask(query, id="Gate 1"))["gateway"] is None


async def test_a_serial_is_given_once(each_factory: FactoryServer) -> None:
    manager = await each_factory.logged_in("manager")
    await create(manager, "a", serial="PGGW1")
    await create(manager, "b")
    await create(manager, "c")
    before = await each_factory.contents()
    given = {"name": "d", "usecase": "x", "station": "y", "serial": "PGGW1"}
    assert await manager.code(CREATE, input=given) == "CONFLICT"
    assert await manager.code(UPDATE, input={"id": "b", "serial": "PGGW1"}) == "CONFLICT"
    assert await each_factory.contents() == before


async def test_a_version_is_changed_once(each_factory: FactoryServer) -> None:
    manager = await each_factory.logged_in("manager")
    made = await create(manager)
    found = await manager.ask(UPDATE, input={"id": made["id"], "name": "New", "version": 1})
    assert found["updateGateway"] == {"name": "New", "version": 2, "thingName": "Gateway1"}
    before = await each_factory.contents()
    late = {"id": made["id"], "name": "Late", "version": 1}
    assert await manager.code(UPDATE, input=late) == "CONFLICT"
    assert await each_factory.contents() == before
    await manager.ask(PREPARE, id=made["id"])
    await hears(each_factory, made["uuid"])
    row = await row_of(each_factory, made["uuid"])
    assert (row.version, row.last_message_at_us is not None) == (2, True)


async def test_the_filter_sees_what_the_rule_says(each_factory: FactoryServer) -> None:
    manager = await each_factory.logged_in("manager")
    clock = set_clock(each_factory)
    names = ("new", "prepared", "silent", "forgotten", "active")
    made = {name: await create(manager, name) for name in names}
    for name in names[1:]:
        await manager.ask(PREPARE, id=made[name]["id"])
    await hears(each_factory, made["silent"]["uuid"], scanned=True)
    await hears(each_factory, made["forgotten"]["uuid"], scanned=False)
    clock.advance(2 * HOUR_S + 1)
    await hears(each_factory, made["active"]["uuid"], scanned=False)
    expected = {
        "NOT_REGISTERED": {"new"},
        "REGISTERING": {"prepared", "forgotten"},
        "ACTIVE": {"active"},
        "INACTIVE": {"silent"},
    }
    assert expected.keys() == set(Connectivity)
    for connectivity, wanted in expected.items():
        found = (await manager.ask(LIST, filter={"connectivity": connectivity}))["gateways"]
        nodes = [edge["node"] for edge in found["edges"]]
        assert {node["name"] for node in nodes} == wanted
        assert {node["connectivity"] for node in nodes} == {connectivity}
        assert found["totalCount"] == len(wanted)
    assert (await manager.ask(LIST, filter={"name": "new"}))["gateways"]["totalCount"] == 1
    assert (await manager.ask(LIST, filter={"station": "x"}))["gateways"]["totalCount"] == 0


async def test_it_is_let_in_by_the_graph(each_factory: FactoryServer) -> None:
    manager, gateway = await each_factory.logged_in("manager"), each_factory.client()
    made = await create(manager)
    token = (await manager.ask(PREPARE, id=made["id"]))["prepareGatewayProvisioning"]["token"]
    given = {"token": token, "password": "sesame"}
    found = (await gateway.ask(PROVISION, input=given))["provisionGateway"]
    certificate = opened(found["pkcs12"], b"sesame")
    assert common_name(certificate) == found["certificateCommonName"] == "Gateway1"
    with pytest.raises(ValueError, match="password"):
        opened(found["pkcs12"])
    assert await gateway.code(PROVISION, input=given) == "FORBIDDEN"
    assert await gateway.code(PROVISION, input={"token": "x"}) == "UNAUTHORIZED"
    assert await manager.code(PREPARE, id=made["id"]) == "FORBIDDEN"
    assert await manager.code(PACKAGES, input={"gatewayIds": [made["id"]]}) == "FORBIDDEN"


async def test_the_audit_names_who_and_no_secret(each_factory: FactoryServer) -> None:
    admin, gateway = await each_factory.logged_in("admin"), each_factory.client()
    made = await create(admin)
    token = (await admin.ask(PREPARE, id=made["id"]))["prepareGatewayProvisioning"]["token"]
    await gateway.ask(PROVISION, input={"token": token})
    await admin.ask(
        "mutation ($id: ID!) { resetGatewayProvisioning(id: $id) { id } }", id="Gateway1"
    )
    found = await admin.ask(
        """{ auditLog(filter: {entityType: "gateway"}) { edges { node {
          action actor { username } after } } } }"""
    )
    nodes = [edge["node"] for edge in found["auditLog"]["edges"]][::-1]
    assert [(node["action"], (node["actor"] or {}).get("username")) for node in nodes] == [
        ("gateway.created", "admin"),
        ("gateway.prepared", "admin"),
        ("gateway.connectivity_changed", "admin"),
        ("gateway.provisioned", "Gateway1"),
        ("gateway.reset", "admin"),
        ("gateway.connectivity_changed", "admin"),
    ]
    assert token not in str(nodes)


async def test_the_stream_tells_all_of_it(each_factory: FactoryServer) -> None:
    manager = await each_factory.logged_in("manager")
    clock = set_clock(each_factory)
    made = await create(manager)
    other = await create(manager, "other")
    async with manager.subscribe(STREAM, id=made["id"]) as stream:
        await each_factory.subscribers(1)
        await manager.ask(PREPARE, id=made["id"])
        await manager.ask(PREPARE, id=other["id"])
        await hears(each_factory, made["uuid"])
        await hears(each_factory, made["uuid"])
        await manager.ask(UPDATE, input={"id": made["id"], "station": "Station4"})
        told = [one["gateways"] for one in await stream.take(4)]
    assert [one["previousConnectivity"] for one in told] == [
        *(None, "NOT_REGISTERED", "REGISTERING", None)
    ]
    assert [one["gateway"]["version"] for one in told] == [1, 1, 1, 2]
    clock.advance(2 * HOUR_S + 1)
    sweeper = GatewaySweeper(each_factory.runtime.services.transactions, GatewaySettings())
    assert await sweeper.sweep() == 1
    assert await sweeper.sweep() == 0
    async with manager.subscribe(STREAM, after=told[-1]["cursor"], id="Gateway1") as stream:
        silent = (await stream.next())["gateways"]
    assert silent["previousConnectivity"] == "ACTIVE"
    assert silent["gateway"]["connectivity"] == "INACTIVE"
    messages = [row.data["message"] for row in await facts(each_factory.database, "journal")]
    assert [text for text in messages if text.startswith("Gateway Gateway1")] == [
        f"Gateway Gateway1 is {word}" for word in ("REGISTERING", "ACTIVE", "INACTIVE")
    ]


async def test_messages_that_overtake_each_other(
    each_factory: FactoryServer, clock: ManualClock
) -> None:
    """A batch counts once for each gateway, the latest; what is from the future is from now."""
    manager = await each_factory.logged_in("manager")
    clock = set_clock(each_factory)
    now_us = clock.now_us()
    first, second = [(await create(manager, name))["uuid"].replace("-", "") for name in "ab"]
    await hears(each_factory, first)
    assert (await row_of(each_factory, first)).last_message_at_us is None, "it was not let in"
    for key in (first, second):
        await manager.ask(PREPARE, id=key)
    heard = [
        Heard(second, now_us + HOUR_S * 1_000_000, scanned=False),
        Heard(first, now_us - 3, scanned=True),
        Heard(first, now_us - 1, scanned=False),
        Heard("0" * 32, now_us, scanned=True),
    ]
    transactions = each_factory.runtime.services.transactions
    async with transactions.begin(each_factory.system) as work:
        await presence.heard_from_many(work, heard)
        await presence.heard_from(work, first, now_us - 10, scanned=True)
    row = await row_of(each_factory, first)
    assert (row.last_message_at_us, row.last_scan_at_us) == (now_us - 1, now_us - 1)
    row = await row_of(each_factory, second)
    assert (row.last_message_at_us, row.last_scan_at_us) == (now_us, None)


async def test_many_who_hear_at_once_tell_it_once(each_factory: FactoryServer) -> None:
    """As the processes of a factory do."""
    manager = await each_factory.logged_in("manager")
    made = [await create(manager, name) for name in "abc"]
    for one in made:
        await manager.ask(PREPARE, id=one["id"])
    keys = [one["uuid"].replace("-", "") for one in made]
    transactions = each_factory.runtime.services.transactions

    async def batch(order: int) -> None:
        now_us = transactions.clock.now_us()
        async with transactions.begin(each_factory.system) as work:
            await presence.heard_from_many(
                work, [Heard(key, now_us, scanned=True) for key in keys[::order]]
            )
            for serial in ("M2MR1", "M2MR2"):
                report = ScannerReport.of(serial=serial, gateway_id=keys[0], at_us=now_us)
                await presence.scanner_heard(work, report)

    await asyncio.gather(*(batch(order) for order in (1, -1) * 4))
    told = await facts(each_factory.database, "gateways")
    active = [row.key for row in told if row.data.get("connectivity") == "ACTIVE"]
    assert sorted(active) == sorted(keys)
    assert [row.kind for row in told].count("worn_scanner.registered") == 2


async def test_a_package_goes_with_its_link(each_factory: FactoryServer) -> None:
    manager = await each_factory.logged_in("manager")
    clock = set_clock(each_factory)
    made = [await create(manager, name) for name in "ab"]
    transactions = each_factory.runtime.services.transactions

    async def held_after_trimming() -> int:
        async with transactions.begin(each_factory.system) as work:
            await packages.trim(work.session, clock.now_us(), 10)
        return len((await each_factory.contents())["provisioning_package"])

    for place, one in enumerate(made):
        found = await manager.ask(PACKAGES, input={"gatewayIds": [one["id"]]})
        (package,) = found["createProvisioningPackages"]
        assert package["gateway"]["uuid"] == one["uuid"]
        with ZipFile(BytesIO(b64decode(package["content"]))) as archive:
            assert common_name(opened(archive.read("certificate.p12"))) == one["thingName"]
        assert await held_after_trimming() == place + 1
        clock.advance(200)
    assert await held_after_trimming() == 1
    clock.advance(101)
    assert await held_after_trimming() == 0


async def test_scanners_show_themselves(each_factory: FactoryServer) -> None:
    manager = await each_factory.logged_in("manager")
    clock = set_clock(each_factory)
    first, second = await create(manager), await create(manager, "Gateway2")
    await scanner_heard(each_factory, first["uuid"], "M2MR1", battery=50, firmware="0.0.1")
    await scanner_heard(each_factory, first["uuid"], "M2MR2")
    clock.advance(1)
    row = await scanner_heard(each_factory, second["uuid"], "M2MR1", battery=49)
    assert (row.battery, row.firmware) == (49, "0.0.1")
    late = ScannerReport.of(
        serial="M2MR1", gateway_id=first["uuid"].replace("-", ""), at_us=1, battery=99
    )
    transactions = each_factory.runtime.services.transactions
    async with transactions.begin(each_factory.system) as work:
        assert (await presence.scanner_heard(work, late)).battery == 49
    query = (
        """{ gateways { edges { node { name scanners { serial battery gateway { name } } } } } }"""
    )
    found = (await manager.ask(query))["gateways"]["edges"]
    worn = {edge["node"]["name"]: edge["node"]["scanners"] for edge in found}
    assert worn == {
        "Gateway1": [{"serial": "M2MR2", "battery": None, "gateway": {"name": "Gateway1"}}],
        "Gateway2": [{"serial": "M2MR1", "battery": 49, "gateway": {"name": "Gateway2"}}],
    }
    listed = """query ($id: ID!) { gatewayScanners(filter: {gatewayId: $id}) { totalCount } }"""
    assert (await manager.ask(listed, id=first["uuid"]))["gatewayScanners"]["totalCount"] == 1
    assert (await manager.ask(listed, id="nobody"))["gatewayScanners"]["totalCount"] == 0
    registered = [row.kind for row in await facts(each_factory.database, "gateways")]
    assert registered.count("worn_scanner.registered") == 2
