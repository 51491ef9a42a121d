"""The graph's face of synchronisation, against a real cloud."""

from typing import Any

import pytest
import strawberry
from strawberry.schema.config import StrawberryConfig

from domain.kernel import eventlog
from domain.kernel.errors import DomainError
from domain.kernel.permissions import Role
from domain.sync.repository import connection
from drivers.cloud.simulator import RunningCloud
from graph.scalars import SCALARS
from graph.sync.fields import SyncMutation, SyncQuery
from tests.support.cloud import EMAIL, PASSWORD
from tests.support.edges import Edge

SCHEMA = strawberry.Schema(SyncQuery, SyncMutation, config=StrawberryConfig(scalar_map=SCALARS))
STATUS = "{ syncStatus { queueSize oldestItem lastSync syncErrors mode connected } }"
SIGN_IN = """mutation ($email: String!, $password: String!) {
  signInToCloud(email: $email, password: $password) { status deviceId } }"""
ACTIVATE = """mutation ($input: ActivateDeviceInput!) {
  activateDevice(input: $input) {
    status deviceId deviceIdentifier companyName seqNumber industry activatedAt } }"""
GOOD: dict[str, Any] = {"email": EMAIL, "password": PASSWORD}
DEVICE: dict[str, Any] = {"input": {"deviceId": "device-001"}}
SYNC = "mutation { syncNow { synced failed remaining } }"
MODE = "mutation ($mode: ConnectionMode!) { setConnectionMode(mode: $mode) { mode allowSwitch } }"
READS = (
    STATUS,
    "{ provisioning { status deviceId } }",
    "{ connection { mode allowSwitch } }",
)


async def ask(
    edge: Edge,
    document: str,
    variables: dict[str, Any] | None = None,
    role: Role | None = Role.ADMIN,
) -> dict[str, Any]:
    """The data. Raises the domain error that the field ended with."""
    result = await SCHEMA.execute(
        document, variable_values=variables, context_value=edge.context(role)
    )
    if result.errors:
        assert isinstance(result.errors[0].original_error, DomainError), result.errors
        raise result.errors[0].original_error
    assert result.data is not None
    return result.data


async def refused(edge: Edge, document: str, role: Role | None = Role.ADMIN, **values: Any) -> str:
    with pytest.raises(DomainError) as error:
        await ask(edge, document, values, role)
    return str(error.value.code)


async def test_the_story(edge: Edge) -> None:
    assert (await ask(edge, STATUS))["syncStatus"] == {
        "queueSize": 0,
        "oldestItem": None,
        "lastSync": None,
        "syncErrors": 0,
        "mode": "DIRECT_CLOUD",
        "connected": False,
    }
    signed_in = await ask(edge, SIGN_IN, GOOD)
    assert signed_in["signInToCloud"] == {"status": "SIGNED_IN", "deviceId": None}
    listed = await ask(edge, "{ provisioningDevices { id name companyId seqNumber deviceMode } }")
    assert [device["id"] for device in listed["provisioningDevices"]] == [
        "device-001",
        "device-002",
    ]
    activated = (await ask(edge, ACTIVATE, DEVICE))["activateDevice"]
    assert activated["status"] == "PROVISIONED"
    assert activated["companyName"] == "Demo Factory LLC"
    assert activated["activatedAt"] == "2026-01-01T00:00:00Z"
    await edge.scan(2)
    status = (await ask(edge, STATUS))["syncStatus"]
    assert (status["queueSize"], status["oldestItem"]) == (2, "2026-01-01T00:00:00Z")
    assert (await ask(edge, SYNC))["syncNow"] == {"synced": 2, "failed": 0, "remaining": 0}
    cloud = await ask(
        edge,
        """{ cloudLines { id name identifier productId party }
             cloudCompany { id industry timeZone }
             cloudCodes(limit: 2, requestKey: "k") { codes remaining } }""",
    )
    assert cloud["cloudLines"][0]["party"] == "PARTY-001"
    assert cloud["cloudCompany"]["timeZone"] == "Europe/Moscow"
    assert cloud["cloudCodes"]["remaining"] == 9_998
    gone = await ask(edge, "mutation { deprovision { status deviceId } }")
    assert gone["deprovision"] == {"status": "NOT_PROVISIONED", "deviceId": None}


async def test_the_mode(edge: Edge) -> None:
    changed = await ask(edge, MODE, {"mode": "VIA_LOCAL_SERVER"})
    assert changed["setConnectionMode"] == {"mode": "VIA_LOCAL_SERVER", "allowSwitch": True}
    assert await refused(edge, SYNC) == "SERVICE_UNAVAILABLE"
    async with edge.context().transaction() as work:
        await connection.change(work.session, edge.customer_id, allow_switch=False)
    assert await refused(edge, MODE, mode="DIRECT_CLOUD") == "CONFLICT"
    assert await ask(edge, MODE, {"mode": "VIA_LOCAL_SERVER"})
    async with edge.database.read() as session:
        facts = await eventlog.read_after(session, 0, 100)
    modes = [fact.data for fact in facts if fact.kind == "connection.mode_changed"]
    assert modes == [{"mode": "VIA_LOCAL_SERVER", "previous": "DIRECT_CLOUD"}]


async def test_errors_have_their_codes(edge: Edge, cloud: RunningCloud) -> None:
    assert await refused(edge, SYNC) == "CONFLICT"
    assert await refused(edge, "{ cloudLines { id } }") == "CONFLICT"
    assert await refused(edge, SIGN_IN, email=EMAIL, password="wrong") == "UNAUTHORIZED"
    assert await refused(edge, SIGN_IN, email="", password="x") == "VALIDATION_ERROR"
    assert await refused(edge, ACTIVATE, **DEVICE) == "CONFLICT"
    await ask(edge, SIGN_IN, GOOD)
    unknown = {"deviceId": "../company"}
    assert await refused(edge, ACTIVATE, input=unknown) == "NOT_FOUND"
    assert await refused(edge, ACTIVATE, input={"deviceId": ""}) == "VALIDATION_ERROR"
    await ask(edge, ACTIVATE, DEVICE)
    for limit in (0, 1_001):
        document = "query ($limit: Int!) { cloudCodes(limit: $limit) { remaining } }"
        assert await refused(edge, document, limit=limit) == "VALIDATION_ERROR"
    cloud.state.faults.fail_next(3)
    assert await refused(edge, "{ cloudLines { id } }") == "UPSTREAM_ERROR"


async def test_without_a_cloud(edge: Edge) -> None:
    alone = edge.with_cloud(None)
    for document in (SYNC, "{ cloudLines { id } }", "{ provisioningDevices { id } }"):
        assert await refused(alone, document) == "SERVICE_UNAVAILABLE"
    assert await refused(alone, SIGN_IN, **GOOD) == "SERVICE_UNAVAILABLE"
    status = (await ask(alone, STATUS))["syncStatus"]
    assert status["connected"] is False


@pytest.mark.parametrize(("role", "code"), [(None, "UNAUTHORIZED"), (Role.AUDITOR, "FORBIDDEN")])
async def test_denied_calls_change_nothing(
    edge: Edge, cloud: RunningCloud, role: Role | None, code: str
) -> None:
    await edge.provision()
    (row,) = await edge.scan(1)
    async with edge.database.read() as session:
        before = await eventlog.head(session)
    calls = len(cloud.state.calls)
    assert await refused(edge, SIGN_IN, role, **GOOD) == code
    assert await refused(edge, ACTIVATE, role, **DEVICE) == code
    assert await refused(edge, "mutation { deprovision { status } }", role) == code
    assert await refused(edge, MODE, role, mode="VIA_LOCAL_SERVER") == code
    assert await refused(edge, SYNC, role) == code
    assert await refused(edge, "{ cloudCodes { remaining } }", role) == code
    async with edge.database.read() as session:
        assert await eventlog.head(session) == before
    assert len(cloud.state.calls) == calls
    assert (await edge.rows([row.id]))[row.id].status == 0
    assert cloud.state.codes_left == {"product-001": 10_000}


async def test_who_may_read(edge: Edge) -> None:
    for document in READS:
        assert await ask(edge, document, role=Role.AUDITOR)
        assert await refused(edge, document, None) == "UNAUTHORIZED"


def test_no_token_is_in_the_schema() -> None:
    assert "token" not in SCHEMA.as_str().lower()
