"""A thing name that a certificate was given for is nobody's any more, once it is given up."""

import asyncio

import pytest

from domain.gateways.commands import CreateGateway
from domain.gateways.operations import gateways, provisioning
from domain.gateways.rows import GatewayRow
from domain.gateways.rules import TOKEN_PURPOSE
from domain.kernel.actor import system_actor
from domain.kernel.errors import Conflict, Forbidden
from tests.support.clients import Client, Json
from tests.support.databases import new_customer
from tests.support.factory import FactoryServer
from tests.support.gateways import stranger

CREATE = """mutation ($input: CreateGatewayInput!) { createGateway(input: $input) {
  uuid name thingName } }"""
PREPARE = "mutation ($id: ID!) { prepareGatewayProvisioning(id: $id) { token } }"
PROVISION = """mutation ($input: ProvisionGatewayInput!) {
  provisionGateway(input: $input) { certificateCommonName } }"""
RENAME = "mutation ($input: UpdateGatewayInput!) { updateGateway(input: $input) { thingName } }"
RESET = "mutation ($id: ID!) { resetGatewayProvisioning(id: $id) { thingName } }"
MANY = 6


async def create(client: Client, name: str = "Gateway1") -> Json:
    given = {"name": name, "usecase": "Picking", "station": "Station3"}
    found: Json = (await client.ask(CREATE, input=given))["createGateway"]
    return found


async def let_in(factory: FactoryServer, manager: Client, key: str) -> str:
    """The name that its certificate has."""
    token = (await manager.ask(PREPARE, id=key))["prepareGatewayProvisioning"]["token"]
    found = await factory.client().ask(PROVISION, input={"token": token})
    name: str = found["provisionGateway"]["certificateCommonName"]
    return name


async def reset(manager: Client, key: str) -> str:
    name: str = (await manager.ask(RESET, id=key))["resetGatewayProvisioning"]["thingName"]
    return name


async def test_of_a_reset_gateway_nobody_gets_the_old_one(each_factory: FactoryServer) -> None:
    """Neither its owner nor another customer, by whatever name leads to it."""
    manager = await each_factory.logged_in("manager")
    other, _ = await stranger(each_factory)
    made = await create(manager)
    given_up = []
    for _ in range(3):
        given_up.append(await let_in(each_factory, manager, made["uuid"]))
        assert await reset(manager, made["uuid"]) not in given_up
    assert given_up[0] == "Gateway1"
    await manager.ask(RENAME, input={"id": made["uuid"], "name": "Gateway2"})
    for name in given_up:
        for client in (manager, other):
            fresh = await create(client, name)
            assert fresh["name"] == name
            assert fresh["thingName"] not in given_up


async def test_without_a_certificate_it_stays(each_factory: FactoryServer) -> None:
    """Nobody could show it: there is nothing to give up."""
    manager = await each_factory.logged_in("manager")
    made = await create(manager)
    await manager.ask(PREPARE, id=made["uuid"])
    assert await reset(manager, made["uuid"]) == "Gateway1"
    assert (await each_factory.contents())["retired_thing_name"] == []


async def test_a_certificate_for_the_old_one_is_not_recorded(each_factory: FactoryServer) -> None:
    """Somebody let it in by a token and reset it while the package's certificate was made."""
    manager = await each_factory.logged_in("manager")
    services = each_factory.runtime.services
    assert services.gateways is not None
    made = await create(manager)
    late = await services.gateways.authority.issue(made["thingName"])
    await let_in(each_factory, manager, made["uuid"])
    name = await reset(manager, made["uuid"])
    before = await each_factory.contents()
    with pytest.raises(Conflict):
        async with services.transactions.begin(each_factory.system) as work:
            await provisioning.provision_by_hand(work, made["uuid"], late)
    assert await each_factory.contents() == before
    assert await let_in(each_factory, manager, made["uuid"]) == name


async def test_nor_is_one_by_a_token(each_factory: FactoryServer) -> None:
    """Whatever it names, it has to be whom the token lets in."""
    manager = await each_factory.logged_in("manager")
    services = each_factory.runtime.services
    assert services.gateways is not None
    made = await create(manager)
    late = await services.gateways.authority.issue("Gateway2")
    token = (await manager.ask(PREPARE, id=made["uuid"]))["prepareGatewayProvisioning"]["token"]
    mac = services.identity.macs.of(TOKEN_PURPOSE, token)
    before = await each_factory.contents()
    with pytest.raises(Forbidden):
        async with services.transactions.begin(each_factory.system) as work:
            await provisioning.provision_by_token(work, mac, late)
    assert await each_factory.contents() == before


async def test_whoever_asks_while_it_is_given_up_does_not_get_it(
    each_factory: FactoryServer,
) -> None:
    """On PostgreSQL the newcomers wait for the row that is renamed."""
    manager = await each_factory.logged_in("manager")
    made = await create(manager)
    await let_in(each_factory, manager, made["uuid"])
    transactions = each_factory.runtime.services.transactions
    customers = [await new_customer(each_factory.database, f"Dairy {n}") for n in range(MANY)]

    async def ask(customer_id: int) -> GatewayRow:
        command = CreateGateway.of(name="Gateway1", usecase="Picking", station="Station3")
        async with transactions.begin(system_actor("test", customer_id)) as work:
            return await gateways.create_gateway(work, command)

    async with transactions.begin(each_factory.system) as work:
        await provisioning.reset(work, made["uuid"])
        asking = [asyncio.create_task(ask(one)) for one in customers]
        await asyncio.wait(asking, timeout=0.5)
    found = await asyncio.gather(*asking)
    names = {row.thing_name for row in found}
    assert len(names) == MANY
    assert "Gateway1" not in names
