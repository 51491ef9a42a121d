"""Ids of the fleet and its software: global or plain, null for whatever is not there, and nothing
at all for another customer."""

from domain.identity import operations as identity
from domain.identity.commands import CreateUser
from domain.kernel.actor import system_actor
from domain.kernel.permissions import Role
from tests.graph.production.test_node import NODE, made_up, plain
from tests.support.clients import Client
from tests.support.databases import new_customer
from tests.support.factory import FactoryServer
from tests.support.fleet_nodes import TYPES, one_of_each
from tests.support.waiting import until

SINGLES = {
    "device": "Device",
    "deviceGroup": "DeviceGroup",
    "command": "DeviceCommand",
    "deviceConfigFile": "DeviceConfigFile",
    "endpointFilter": "EndpointFilter",
    "gateway": "Gateway",
    "gatewayScanner": "GatewayScanner",
    "jobConfiguration": "JobConfiguration",
    "release": "Release",
    "rollout": "Rollout",
}
LISTS = (
    *("devices", "deviceGroups", "commands", "applications", "releases", "rollouts"),
    *("deviceConfigFiles", "endpointFilters", "gateways", "gatewayScanners", "jobConfigurations"),
)
WRITES = {
    "Device": (
        'mutation ($id: ID!) { updateDevice(input: {id: $id, name: "mine"}) { id } }',
        "mutation ($id: ID!) { removeDevice(id: $id) { id } }",
        "mutation ($id: ID!) { issueDeviceToken(deviceId: $id) { token } }",
        "mutation ($id: ID!) { setDeviceConfig(input: {deviceId: $id, document: {}}) { version } }",
    ),
    "DeviceGroup": ("mutation ($id: ID!) { deleteDeviceGroup(id: $id) { id } }",),
    "Gateway": (
        'mutation ($id: ID!) { updateGateway(input: {id: $id, name: "mine"}) { id } }',
        "mutation ($id: ID!) { prepareGatewayProvisioning(id: $id) { token } }",
        "mutation ($id: ID!) { resetGatewayProvisioning(id: $id) { id } }",
    ),
    "GatewayScanner": (
        "mutation ($id: ID!) { updateGatewayScanner(input: {id: $id, status: INACTIVE}) { id } }",
    ),
    "DeviceCommand": ("mutation ($id: ID!) { cancelCommand(id: $id) { id } }",),
    "DeviceConfigFile": ("mutation ($id: ID!) { linkDeviceConfigFile(id: $id) { url } }",),
    "JobConfiguration": (
        "mutation ($id: ID!) { deleteJobConfiguration(id: $id) { id } }",
        'mutation ($id: ID!) { updateJobConfiguration(input: {id: $id, name: "b"}) { id } }',
    ),
    "EndpointFilter": (
        'mutation ($id: ID!) { updateEndpointFilter(input: {id: $id, name: "mine"}) { id } }',
        "mutation ($id: ID!) { deleteEndpointFilter(id: $id) { id } }",
    ),
    "Release": (
        'mutation ($id: ID!) { updateRelease(input: {id: $id, notes: "mine"}) { id } }',
        "mutation ($id: ID!) { suspendRelease(id: $id) { id } }",
        "mutation ($id: ID!) { deleteRelease(id: $id) { id } }",
    ),
    "Rollout": (
        "mutation ($id: ID!) { startRollout(id: $id) { id } }",
        "mutation ($id: ID!) { cancelRollout(id: $id) { id } }",
    ),
}


async def stranger(factory: FactoryServer) -> Client:
    """An administrator of a second customer on the same installation."""
    customer_id = await new_customer(factory.database, "Dairy Two")
    command = CreateUser.of(username="stranger", password="long enough", role=Role.ADMIN)
    transactions = factory.runtime.services.transactions
    async with transactions.begin(system_actor("test", customer_id)) as work:
        user = await identity.create_user(work, command, "no hash: nobody logs in by a password")
    return factory.client(factory.token(user))


async def is_sent(manager: Client, deployment: str) -> bool:
    """From then on it is the device's turn: nothing here changes by itself."""
    query = "query ($id: ID!) { node(id: $id) { ... on Deployment { targets { state } } } }"
    found = await manager.ask(query, id=deployment)
    return [one["state"] for one in found["node"]["targets"]] == ["DISPATCHED"]


async def test_every_type_is_found_again(each_factory: FactoryServer) -> None:
    manager = await each_factory.logged_in("manager")
    known = await one_of_each(each_factory, manager)
    assert known.keys() == TYPES
    for name, key in known.items():
        found = await manager.ask(NODE, id=key)
        assert found["node"] == {"__typename": name, "id": key}


async def test_what_is_not_there_is_null(each_factory: FactoryServer) -> None:
    manager = await each_factory.logged_in("manager")
    known = await one_of_each(each_factory, manager)
    foreign = [made_up(name, key) for name in known for key in ("0" * 32, "nonsense", "a\0b")]
    foreign += [made_up("Release", plain(known["Device"])), made_up("Rollout", "")]
    for key in foreign:
        assert (await manager.ask(NODE, id=key))["node"] is None, key


async def test_single_objects_by_either_id(sqlite_factory: FactoryServer) -> None:
    manager = await sqlite_factory.logged_in("manager")
    known = await one_of_each(sqlite_factory, manager)
    for field, name in SINGLES.items():
        query = f"query ($id: ID!) {{ {field}(id: $id) {{ id }} }}"
        for key in (known[name], plain(known[name])):
            assert (await manager.ask(query, id=key))[field] == {"id": known[name]}
        for key in ("0" * 32, "nonsense", "", known["RolloutTarget"], made_up(name, "x")):
            assert (await manager.ask(query, id=key))[field] is None, (field, key)


async def test_a_stranger_sees_and_changes_nothing(each_factory: FactoryServer) -> None:
    manager = await each_factory.logged_in("manager")
    known = await one_of_each(each_factory, manager)
    other = await stranger(each_factory)
    await until(lambda: is_sent(manager, known["Deployment"]))
    before = await each_factory.contents()
    for key in known.values():
        assert (await other.ask(NODE, id=key))["node"] is None
    for field in LISTS:
        found = await other.ask(f"{{ {field} {{ totalCount edges {{ node {{ id }} }} }} }}")
        assert found[field] == {"totalCount": 0, "edges": []}
    assert (await other.ask('{ device(identifier: "press-1") { id } }'))["device"] is None
    for name, documents in WRITES.items():
        for document in documents:
            for key in (known[name], plain(known[name])):
                assert await other.code(document, id=key) == "NOT_FOUND", document
    assert await each_factory.contents() == before


async def test_a_rollout_can_be_read_whole(sqlite_factory: FactoryServer) -> None:
    manager = await sqlite_factory.logged_in("manager")
    known = await one_of_each(sqlite_factory, manager)
    found = await manager.ask(
        """query ($id: ID!) { rollout(id: $id) { name state release { version } groups {
          name state total counts { state count }
          targets { edges { node { deviceId state error steps { state message at } } } } } } }""",
        id=known["Rollout"],
    )
    (group,) = found["rollout"]["groups"]
    assert [edge["node"]["state"] for edge in group["targets"]["edges"]] == ["WAITING"]
