"""Figures, the audit log and the catalogues."""

from datetime import UTC, datetime, timedelta
from typing import Any

from drivers.upstream.wire import dump, emit_sync
from tests.support.clients import Client
from tests.support.deliveries import batch, bottle, pallet
from tests.support.factories import delivery
from tests.support.factory import FactoryServer
from tests.support.factory_api import SUCCESS, data, device_client, error, neighbour, ok, register
from tests.support.rawedge import raw_device

AUDIT = "/api/v1/audit-log"
CATALOG = "/api/v1/catalog"


async def test_the_overview_counts_today(factory: FactoryServer, manager: Client) -> None:
    await register(manager)
    await register(manager, "edge-002")
    device = await device_client(factory, manager, "edge-001")
    await device.http.post("/api/v1/devices/edge-001/heartbeat", json={"queueSize": 5})
    now = datetime.now(UTC)
    early: dict[str, Any] = {"created_at": now - timedelta(days=3), "updated_at": now}
    today: dict[str, Any] = {"created_at": now, "updated_at": now}
    states: list[Any] = [bottle(n, **today) for n in (1, 2, 3)]
    states += [bottle(4, **early), batch(1, **today), pallet(1, **today)]
    text = dump({"deviceId": "edge-001", **emit_sync(delivery(states))})
    assert data(await device.http.post("/api/v1/sync", content=text))["accepted"] == 6
    assert data(await manager.http.get("/api/v1/dashboard/overview")) == {
        "devicesOnline": 1,
        "devicesOffline": 1,
        "bottlesToday": 3,
        "batchesToday": 1,
        "palletsToday": 1,
        "palletsTodayfalse": 1,
        "syncQueueTotal": 5,
    }


async def test_every_write_is_in_the_audit_log(manager: Client, auditor: Client) -> None:
    made = await register(manager)
    await manager.http.put("/api/v1/devices/edge-001", json={"location": "Hall 2"})
    await manager.http.put("/api/v1/devices/edge-001/config", json={"config": {}, "actor": "Eve"})
    await manager.http.delete("/api/v1/devices/edge-001")
    found = data(await auditor.http.get(f"{AUDIT}?entityId=edge-001"))
    actions = [one["action"] for one in found]
    assert actions == [
        "device.removed",
        "configuration.set",
        "device.updated",
        "device.registered",
    ]
    assert {one["username"] for one in found} == {"manager"}
    assert {one["entityId"] for one in found} == {"edge-001"}
    updated = found[2]
    assert updated["before"] == {"location": None}
    assert updated["after"]["device"]["location"] == "Hall 2"
    assert updated.keys() == {
        "id",
        "timestamp",
        "actorKind",
        "userId",
        "username",
        "action",
        "entityType",
        "entityId",
        "before",
        "after",
        "hash",
    }
    assert found == data(await auditor.http.get(f"{AUDIT}?entityId={made['uuid']}"))
    whose = updated["userId"]
    assert len(data(await auditor.http.get(f"{AUDIT}?userId={whose}&limit=2"))) == 2
    assert data(await auditor.http.get(f"{AUDIT}?userId=nobody")) == []
    since = updated["timestamp"]
    late = data(await auditor.http.get(f"{AUDIT}?since={since}"))
    assert [one["action"] for one in late] == actions[:3]
    assert data(await auditor.http.get(f"{AUDIT}?since=2999-01-01T00:00:00Z")) == []
    for wrong in ("since=yesterday", "limit=0", "entityId=a%00b", "userId="):
        error(await auditor.http.get(f"{AUDIT}?{wrong}"), "VALIDATION_ERROR")


async def test_an_issued_token_is_in_the_audit_log_without_itself(
    manager: Client, auditor: Client
) -> None:
    await register(manager)
    issued = data(await manager.http.post("/api/v1/devices/edge-001/token"))
    answer = await auditor.http.get(AUDIT)
    assert data(answer)[0]["action"] == "device.token_issued"
    assert issued["token"] not in answer.text


async def test_what_a_device_tells_all_day_is_not_audited(
    factory: FactoryServer, manager: Client, auditor: Client
) -> None:
    await register(manager)
    device = await device_client(factory, manager, "edge-001")
    before = data(await auditor.http.get(AUDIT))
    for status in ("healthy", "error"):
        await device.http.post("/api/v1/devices/edge-001/heartbeat", json={"status": status})
    async with raw_device(f"ws://{factory.address}/ws/device", device.token or "") as socket:
        await socket.say(type="log", entries=[{"message": "x"}])
        await socket.say(type="telemetry", points=[{"metric": "t", "value": 1}])
        await socket.say(type="config_report", version=0)
        await socket.say(type="result", id="0" * 32)
        await socket.hear("recorded")
    assert data(await auditor.http.get(AUDIT)) == before


CATALOGUES: tuple[tuple[str, str, dict[str, Any]], ...] = (
    ("sites", "code", {"code": "msk-1", "name": "Moscow", "timeZone": "Europe/Moscow"}),
    ("variants", "code", {"code": "WET", "name": "Wet cabinet", "description": "IP65"}),
    ("cloud-endpoints", "id", {"name": "production", "url": "https://cloud.example/api"}),
)


async def test_catalogues_are_read_by_anybody_and_written_by_managers(
    factory: FactoryServer, manager: Client, admin: Client, operator: Client
) -> None:
    anybody = factory.client()
    for name, key, body in CATALOGUES:
        where = f"{CATALOG}/{name}"
        assert data(await anybody.http.get(where)) == []
        error(await operator.http.post(where, json=body), "FORBIDDEN")
        error(await anybody.http.post(where, json=body), "UNAUTHORIZED")
        made = data(await manager.http.post(where, json=body))
        assert body.items() <= made.items()
        assert made.keys() >= {"id", "name", "description", "createdAt"}
        error(await admin.http.post(where, json=body), "CONFLICT")
        assert data(await anybody.http.get(where)) == [made]
        assert data(await operator.http.get(where)) == [made]
        error(await operator.http.delete(f"{where}/{made[key]}"), "FORBIDDEN")
        assert ok(await admin.http.delete(f"{where}/{made[key]}")) == SUCCESS
        error(await admin.http.delete(f"{where}/{made[key]}"), "NOT_FOUND")
        assert data(await anybody.http.get(where)) == []


async def test_each_customer_has_its_own_catalogues(
    factory: FactoryServer, manager: Client
) -> None:
    other = await neighbour(factory)
    for name, _, body in CATALOGUES:
        where = f"{CATALOG}/{name}"
        data(await other.http.post(where, json=body))
        assert len(data(await other.http.get(where))) == 1
        assert data(await manager.http.get(where)) == []
        assert data(await factory.client().http.get(where)) == []
        error(await factory.client("forged").http.get(where), "UNAUTHORIZED")
