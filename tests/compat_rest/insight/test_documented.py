"""Every documented example of these routes, word for word; what is made up here is named."""

import asyncio
import re
from typing import Any
from uuid import UUID

from domain.identity.mappings import INSIGHT
from domain.kernel.clock import parse_iso
from tests.support.clients import Client, Json
from tests.support.clocks import ManualClock
from tests.support.factory import FactoryServer
from tests.support.insight import (
    MORNING_MS,
    base_of,
    error,
    gateway,
    lines,
    ok,
    path_of,
    told,
    uuid,
)
from tests.support.valtronics import set_clock
from tests.support.waiting import DEADLINE_S

WINDOW = {"start_time_millis": MORNING_MS, "end_time_millis": MORNING_MS + 1}
JOHN = {
    "first_name": "John",
    "last_name": "Doe",
    "role": "USER_ROLE",
    "email": "john.doe@example.com",
}
NO_HEADER = {"title": "Unauthorized", "details": "No Authorization header was provided"}


async def the_event(factory: FactoryServer) -> Json:
    """Made to be the documented one; answers it."""
    row = await gateway(factory)
    done = await told(
        factory,
        row,
        "1234567890",
        MORNING_MS,
        symbology="QR_CODE",
        duration_s=2.34,
        device_id="M2MR141204452",
        device_battery=93,
        device_firmware="0.0.1",
        device_temperature=93,
        worker_steps=1,
    )
    return {
        "id": uuid(done.scan.id),
        "class": "event",
        "type": "scan",
        "created": 1557220259,
        "scan_code": "1234567890",
        "scan_duration": 2.34,
        "scan_decode_symbology": "QR_CODE",
        "device_id": "M2MR141204452",
        "device_battery": 93,
        "device_firmware": "0.0.1",
        "device_temperature": 93,
        "gateway_id": uuid(row.id),
        "gateway_usecase": "Picking",
        "gateway_station": "Station3",
        "metrics_worker_steps": 1,
    }


def as_a_line(event: Json) -> Json:
    """The same in a CSV file, where a temperature is a number with a point."""
    return {name: str(value) for name, value in event.items()} | {"device_temperature": "93.0"}


async def test_auth_information(factory: FactoryServer) -> None:
    found = ok(await factory.client().http.get("/insight/auth-information", params={"id": "demo"}))
    customer = factory.runtime.core.customer.public_id
    assert found == {
        "region": "local",
        "customer_id": uuid(customer),
        "user_pool_client_id": "demo-client",
        "user_pool_id": f"local_{customer}",
    }


async def test_events(factory: FactoryServer, operator: Client) -> None:
    expected = await the_event(factory)
    base = await base_of(operator)
    found = ok(await operator.http.get(f"{base}/events", params=WINDOW | {"limit": 23}))
    assert found == {
        "items": [expected],
        "links": {},
        "metadata": {
            "description": "Scan events, the newest first",
            "size": 1,
            "filters": [
                {"name": "start_time_millis", "value": 1557220259000},
                {"name": "end_time_millis", "value": 1557220259001},
                {"name": "limit", "value": 23},
            ],
        },
    }


async def test_the_next_page(factory: FactoryServer, operator: Client) -> None:
    row = await gateway(factory)
    made = [uuid((await told(factory, row, f"{n}", MORNING_MS)).scan.id) for n in range(3)]
    base = await base_of(operator)
    first = ok(await operator.http.get(f"{base}/events", params=WINDOW | {"limit": 2}))
    assert [one["id"] for one in first["items"]] == made[:0:-1]
    assert re.fullmatch(rf"{base}/events\?next_token=[^&]+", first["links"]["next"])
    second = ok(await operator.http.get(first["links"]["next"]))
    assert [one["id"] for one in second["items"]] == made[:1]
    assert second["links"] == {}
    assert second["metadata"]["filters"] == first["metadata"]["filters"]
    old = first["links"]["next"].replace("next_token", "next_key")
    assert ok(await operator.http.get(old)) == second


async def test_export(factory: FactoryServer, operator: Client) -> None:
    event = await the_event(factory)
    base = await base_of(operator)
    body = ok(await operator.http.get(f"{base}/events/export", params=WINDOW), 201)
    assert body.keys() == {"download_link"}
    (line,) = lines(await factory.client().http.get(path_of(body["download_link"])))
    assert line == as_a_line(event)


async def finished(client: Client, base: str, task: str) -> Json:
    async with asyncio.timeout(DEADLINE_S):
        while True:
            found: Json = ok(await client.http.get(f"{base}/events/export/tasks/{task}"))
            if found["completed"]:
                return found
            assert found == {"task": task, "completed": False, "status": "PENDING"}
            await asyncio.sleep(0.02)


async def test_export_task(factory: FactoryServer, operator: Client) -> None:
    event = await the_event(factory)
    base = await base_of(operator)
    made = ok(await operator.http.post(f"{base}/events/export/tasks", params=WINDOW), 202)
    assert made.keys() == {"task", "requested"}
    assert str(UUID(made["task"])) == made["task"]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}", made["requested"])
    parse_iso(made["requested"] + "Z")
    done = await finished(operator, base, made["task"])
    link = done.pop("download_link")
    assert done == {"task": made["task"], "completed": True, "status": "SUCCESSFUL"}
    (line,) = lines(await factory.client().http.get(path_of(link)))
    assert line == as_a_line(event)


async def test_roles(admin: Client) -> None:
    found = ok(await admin.http.get(f"{await base_of(admin)}/roles"))
    admins, users = found["items"]
    assert admins == {
        "description": "Manages users and everything else",
        "name": "ADMIN_ROLE",
        "permissions": list(INSIGHT),
    }
    assert users["name"] == "USER_ROLE"
    assert {"event.read", "event.export", "gateways.read"} <= set(users["permissions"])
    assert not {"users.read", "gateways.create"} & set(users["permissions"])
    assert found["links"] == {}
    assert found["metadata"]["size"] == 2


def user(made: Json, **more: Any) -> Json:
    """The documented one, as far as it is the same each time."""
    shown = {
        "id": made["id"],
        "first_name": "John",
        "last_name": "Doe",
        "email": "john.doe@example.com",
        "created": made["created"],
        "last_updated": made["last_updated"],
        "language": "English",
        "roles": ["USER_ROLE"],
        "permissions": made["permissions"],
        "consent_general_terms": None,
        "consent_privacy_policy": None,
    }
    return shown | more


async def test_users(factory: FactoryServer, admin: Client) -> None:
    clock: ManualClock = set_clock(factory)
    base = await base_of(admin)
    made = ok(await admin.http.post(f"{base}/users", json=JOHN))
    assert made == user(made, created=clock.now_us() // 1000, last_updated=clock.now_us() // 1000)
    assert "event.read" in made["permissions"]
    one = f"{base}/users/{made['id']}"
    assert ok(await admin.http.get(one)) == made
    listed = ok(await admin.http.get(f"{base}/users"))
    assert listed["items"][0] == made
    assert listed["metadata"]["size"] == len(listed["items"]) == 5
    clock.advance(1)
    ok(await admin.http.patch(one, json={"last_name": "Dough", "role": "ADMIN_ROLE"}), 204)
    changed = ok(await admin.http.get(one))
    assert changed == user(
        made,
        last_name="Dough",
        roles=["ADMIN_ROLE"],
        permissions=list(INSIGHT),
        last_updated=made["last_updated"] + 1000,
    )
    ok(await admin.http.delete(one), 204)
    assert error(await admin.http.get(one), 404) == "User not found"


async def test_me_and_consents(factory: FactoryServer, operator: Client) -> None:
    clock = set_clock(factory)
    base = await base_of(operator)
    me = ok(await operator.http.get(f"{base}/me"))
    assert me == user(
        me, first_name="John", last_name="Operator", email="operator", roles=["USER_ROLE"]
    )
    empty: Json = {"versions": []}
    assert ok(await operator.http.get(f"{base}/me/consents")) == {
        "privacy_policy": empty,
        "terms_and_conditions_agreement": empty,
        "connected_policy": empty,
    }
    given = {"privacy_policy_version": "1.2.3", "terms_and_conditions_version": "1.2.3"}
    ok(await operator.http.post(f"{base}/me/consents", json=given), 204)
    at_ms = clock.now_us() // 1000
    clock.advance(60)
    ok(await operator.http.post(f"{base}/me/consents", json=given), 204)
    ok(await operator.http.post(f"{base}/me/consents", json={"privacy_policy_version": "2"}), 204)
    first = {"version": "1.2.3", "agreed_on": at_ms}
    second = {"version": "2", "agreed_on": at_ms + 60_000}
    assert ok(await operator.http.get(f"{base}/me/consents")) == {
        "privacy_policy": {"versions": [first, second]},
        "terms_and_conditions_agreement": {"versions": [first]},
        "connected_policy": empty,
    }
    only = await operator.http.get(f"{base}/me/consents", params={"type": "PRIVACY_POLICY"})
    assert ok(only) == {"privacy_policy": {"versions": [first, second]}}
    shown = ok(await operator.http.get(f"{base}/me"))
    assert shown["consent_general_terms"] == {"version": "1.2.3", "timestamp": at_ms}
    assert shown["consent_privacy_policy"] == {"version": "2", "timestamp": at_ms + 60_000}


async def test_no_header(factory: FactoryServer) -> None:
    client = factory.client()
    base = await base_of(client)
    for method, path in (
        ("DELETE", f"users/{'0' * 32}"),
        ("PATCH", f"users/{'0' * 32}"),
        ("POST", "me/consents"),
    ):
        answer = await client.http.request(method, f"{base}/{path}")
        assert error(answer, 401)
        assert answer.json() == NO_HEADER
