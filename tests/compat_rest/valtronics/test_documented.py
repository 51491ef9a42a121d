"""The documented examples, body for body, to the second."""

from typing import Any

from tests.support.clients import Client, Json
from tests.support.clocks import ManualClock
from tests.support.valtronics import (
    ALPHA,
    DEVICES,
    NOON,
    alert,
    beat,
    create,
    data,
    error,
    measure,
    ok,
)

MINUTES_30 = 30 * 60
DAY_S = 24 * 3_600
METADATA = {"installation_date": "2024-01-01", "warranty_expires": "2025-01-01"}
CONFIGURATION = {"sampling_rate": 60, "alert_threshold": 25.0}
TEMP_002 = {
    "name": "New Temperature Sensor",
    "device_id": "TEMP-002",
    "device_type": "sensor",
    "manufacturer": "SensorTech",
    "model": "ST-T2000",
    "firmware_version": "3.0.0",
    "location": "Zone B - Office",
    "status": "online",
    "metadata": METADATA,
    "configuration": CONFIGURATION,
}
TIMES = {"created_at": NOON, "updated_at": NOON, "last_seen": NOON}
LISTED = {"id": 1} | ALPHA | {"is_active": True} | TIMES
ONE_PAGE = {"page": 1, "size": 10, "pages": 1, "has_next": False, "has_prev": False}


async def alpha(client: Client, **more: Any) -> None:
    """The documented device number 1, seen at noon."""
    data(await client.http.post(DEVICES, json=ALPHA | more))
    await beat(client)


async def test_a_list(manager: Client, noon: ManualClock) -> None:
    await alpha(manager)
    for number in range(2, 6):
        await create(manager, f"X-{number}", status="online")
    query = "?page=1&size=10&status=online&sort=name&order=asc"
    body = ok(await manager.http.get(DEVICES + query))
    assert body.keys() == {"success", "data"}
    assert body["data"]["items"][0] == LISTED
    assert body["data"]["pagination"] == ONE_PAGE | {"total": 5}
    assert len(body["data"]["items"]) == 5


async def test_a_new_device(manager: Client, noon: ManualClock) -> None:
    await create(manager)
    assert ok(await manager.http.post(DEVICES, json=TEMP_002)) == {
        "success": True,
        "data": {
            "id": 2,
            "name": "New Temperature Sensor",
            "device_id": "TEMP-002",
            "device_type": "sensor",
            "manufacturer": "SensorTech",
            "model": "ST-T2000",
            "firmware_version": "3.0.0",
            "location": "Zone B - Office",
            "status": "online",
            "is_active": True,
            "created_at": "2024-01-01T12:00:00Z",
            "updated_at": "2024-01-01T12:00:00Z",
            "last_seen": None,
            "metadata": {"installation_date": "2024-01-01", "warranty_expires": "2025-01-01"},
            "configuration": {"sampling_rate": 60, "alert_threshold": 25.0},
        },
        "message": "Device created successfully",
    }


async def test_a_device_in_detail(manager: Client, noon: ManualClock) -> None:
    await alpha(manager, metadata=METADATA, configuration=CONFIGURATION)
    noon_us = noon.now_us()
    temperature = [
        {"metric": "temperature", "value": 23.5, "measuredAt": _minute(place)}
        for place in range(720)
    ]
    humidity = [one | {"metric": "humidity", "value": 45.2} for one in temperature]
    await measure(manager, "TEMP-001", *temperature)
    await measure(manager, "TEMP-001", *humidity)
    alerts = await alert(manager, "TEMP-001", "WARNING", "ERROR", "WARNING")
    for one in alerts[:2]:
        await manager.ask("mutation ($id: ID!) { acknowledgeEvent(id: $id) { id } }", id=one)
    assert noon.now_us() == noon_us
    assert ok(await manager.http.get(DEVICES + "1")) == {
        "success": True,
        "data": LISTED
        | {
            "metadata": {"installation_date": "2024-01-01", "warranty_expires": "2025-01-01"},
            "configuration": {"sampling_rate": 60, "alert_threshold": 25.0},
            "telemetry_summary": {
                "total_data_points": 1440,
                "last_24h_points": 1440,
                "latest_values": {"temperature": 23.5, "humidity": 45.2},
            },
            "alert_summary": {"total_alerts": 3, "active_alerts": 1, "critical_alerts": 0},
        },
    }


def _minute(place: int) -> str:
    """Of the twelve hours up to noon."""
    return f"2024-01-01T{place // 60:02}:{place % 60:02}:00Z"


async def test_an_update(manager: Client, noon: ManualClock) -> None:
    await alpha(manager)
    noon.advance(MINUTES_30)
    change = {
        "name": "Updated Temperature Sensor",
        "location": "Zone C - Warehouse",
        "status": "warning",
        "firmware_version": "2.1.5",
        "configuration": {"sampling_rate": 30, "alert_threshold": 24.0},
    }
    assert ok(await manager.http.put(DEVICES + "1", json=change)) == {
        "success": True,
        "data": {
            "id": 1,
            "name": "Updated Temperature Sensor",
            "device_id": "TEMP-001",
            "device_type": "sensor",
            "manufacturer": "SensorTech",
            "model": "ST-T1000",
            "firmware_version": "2.1.5",
            "location": "Zone C - Warehouse",
            "status": "warning",
            "is_active": True,
            "created_at": "2024-01-01T12:00:00Z",
            "updated_at": "2024-01-01T12:30:00Z",
            "last_seen": "2024-01-01T12:00:00Z",
        },
        "message": "Device updated successfully",
    }
    shown = data(await manager.http.get(DEVICES + "1"))
    assert shown["configuration"] == change["configuration"]


async def test_a_removal(manager: Client) -> None:
    await create(manager)
    assert ok(await manager.http.delete(DEVICES + "1")) == {
        "success": True,
        "data": None,
        "message": "Device deleted successfully",
    }
    assert data(await manager.http.get(DEVICES))["items"] == []


async def fleet_of_five(client: Client, clock: ManualClock) -> None:
    """Four sensors and an actuator in five zones: three online, one warning, one offline; 7,200
    points, and 4.8 % of yesterday's time down."""
    clock.advance(-40 * 3_600)
    for place, zone in enumerate("ABCDE"):
        kind = "actuator" if zone == "E" else "sensor"
        await create(
            client,
            f"D-{place}",
            device_type=kind,
            location=f"Zone {zone} - Room",
            status="online",
        )
    clock.advance(16 * 3_600)
    down_s = 0.048 * 5 * DAY_S
    clock.advance(DAY_S - down_s)
    await client.http.put(DEVICES + "5/status", json={"status": "offline"})
    clock.advance(down_s)
    await client.http.put(DEVICES + "1/status", json={"status": "warning"})
    for place in range(5):
        points = [
            {"metric": "temperature", "value": 20.0, "measuredAt": _minute(minute % 720)}
            for minute in range(720)
        ]
        await measure(client, f"D-{place}", *points)
        await measure(client, f"D-{place}", *(one | {"metric": "humidity"} for one in points))


async def test_statistics(manager: Client, noon: ManualClock) -> None:
    await fleet_of_five(manager, noon)
    query = "stats?time_range=24h&group_by=device_type"
    assert ok(await manager.http.get(DEVICES + query)) == {
        "success": True,
        "data": {
            "total_devices": 5,
            "online_devices": 4,
            "offline_devices": 1,
            "error_devices": 0,
            "warning_devices": 1,
            "devices_by_type": {"sensor": 4, "actuator": 1},
            "devices_by_location": {
                "Zone A": 1,
                "Zone B": 1,
                "Zone C": 1,
                "Zone D": 1,
                "Zone E": 1,
            },
            "devices_by_status": {"online": 4, "offline": 1},
            "uptime_percentage": 95.2,
            "data_points_24h": 7200,
            "new_devices_24h": 0,
            "active_devices_24h": 5,
        },
    }


async def test_a_list_by_status(manager: Client, noon: ManualClock) -> None:
    for number in range(2, 5):
        await create(manager, f"X-{number}", status="online")
    await create(manager, "X-5")
    noon.advance(1)
    await alpha(manager)
    body = ok(await manager.http.get(DEVICES + "status/online?page=1&size=10"))
    assert body["data"]["items"][0] == {
        "id": 5,
        "name": "Temperature Sensor Alpha",
        "device_id": "TEMP-001",
        "device_type": "sensor",
        "status": "online",
        "last_seen": "2024-01-01T12:00:01Z",
    }
    assert body["data"]["pagination"] == ONE_PAGE | {"total": 4}


async def test_a_new_status(manager: Client, noon: ManualClock) -> None:
    noon.advance(-15 * 60)
    await alpha(manager)
    noon.advance(15 * 60)
    told = {
        "status": "offline",
        "reason": "Maintenance scheduled",
        "metadata": {"maintenance_start": "2024-01-01T12:00:00Z", "expected_duration": "2h"},
    }
    assert ok(await manager.http.put(DEVICES + "1/status", json=told)) == {
        "success": True,
        "data": {
            "id": 1,
            "status": "offline",
            "updated_at": "2024-01-01T12:00:00Z",
            "last_seen": "2024-01-01T11:45:00Z",
        },
        "message": "Device status updated successfully",
    }
    asked = """{ device(number: 1) { statusReason }
      deviceStatusHistory(deviceId: "TEMP-001", first: 1) { reason details } }"""
    found = await manager.ask(asked)
    assert found["device"]["statusReason"] == "Maintenance scheduled"
    assert found["deviceStatusHistory"] == [
        {"reason": "Maintenance scheduled", "details": told["metadata"]}
    ]


STORED: Json = {
    "sampling_rate": 60,
    "alert_threshold": 25.0,
    "communication_protocol": "mqtt",
    "data_retention_days": 30,
    "backup_enabled": True,
    "auto_recovery": True,
}


async def configured_twice(admin: Client) -> None:
    await create(admin, configuration={"sampling_rate": 10})
    data(await admin.http.put(DEVICES + "1/configuration", json={"configuration": STORED}))


async def test_a_configuration(admin: Client, noon: ManualClock) -> None:
    await configured_twice(admin)
    assert ok(await admin.http.get(DEVICES + "1/configuration")) == {
        "success": True,
        "data": {
            "device_id": 1,
            "configuration": {
                "sampling_rate": 60,
                "alert_threshold": 25.0,
                "communication_protocol": "mqtt",
                "data_retention_days": 30,
                "backup_enabled": True,
                "auto_recovery": True,
            },
            "metadata": {
                "last_configured": "2024-01-01T12:00:00Z",
                "configured_by": "admin",
                "config_version": "1.2",
            },
        },
    }


async def test_a_new_configuration(admin: Client, manager: Client, noon: ManualClock) -> None:
    """Named by the client, merged, one version up; who it was is in the audit."""
    await configured_twice(admin)
    noon.advance(MINUTES_30)
    given = {
        "configuration": {
            "sampling_rate": 30,
            "alert_threshold": 24.0,
            "data_retention_days": 60,
        },
        "metadata": {"configured_by": "admin", "change_reason": "Optimize data collection"},
    }
    assert ok(await manager.http.put(DEVICES + "1/configuration", json=given)) == {
        "success": True,
        "data": {
            "device_id": 1,
            "configuration": {
                "sampling_rate": 30,
                "alert_threshold": 24.0,
                "communication_protocol": "mqtt",
                "data_retention_days": 60,
                "backup_enabled": True,
                "auto_recovery": True,
            },
            "metadata": {
                "last_configured": "2024-01-01T12:30:00Z",
                "configured_by": "admin",
                "config_version": "1.3",
            },
        },
        "message": "Device configuration updated successfully",
    }
    asked = """{ deviceConfig(deviceId: "TEMP-001") { desired { author note details } }
      auditLog(first: 1) { edges { node { action actor { username } } } } }"""
    found = await admin.ask(asked)
    assert found["deviceConfig"]["desired"] == {
        "author": "manager",
        "note": "Optimize data collection",
        "details": given["metadata"],
    }
    assert found["auditLog"]["edges"][0]["node"] == {
        "action": "configuration.set",
        "actor": {"username": "manager"},
    }


async def test_refusals(manager: Client, operator: Client) -> None:
    await create(manager)
    twice = {"name": "Again", "device_id": "TEMP-001", "device_type": "sensor"}
    assert error(await manager.http.post(DEVICES, json=twice), 400) == {
        "code": "VALIDATION_ERROR",
        "message": "Invalid input data",
        "details": {"field": "device_id", "issue": "Device ID already exists"},
    }
    assert error(await manager.http.get(DEVICES + "999"), 404) == {
        "code": "RESOURCE_NOT_FOUND",
        "message": "Device not found",
        "details": {"device_id": 999},
    }
    assert error(await operator.http.delete(DEVICES + "1"), 403) == {
        "code": "AUTHORIZATION_ERROR",
        "message": "Insufficient permissions to access this device",
        "details": {"required_permission": "device:write", "user_permissions": ["device:read"]},
    }


async def test_many_devices_one_by_one(manager: Client) -> None:
    """The documented loop."""
    devices = [
        {"name": "Sensor 1", "device_id": "SENS-001", "device_type": "sensor"},
        {"name": "Sensor 2", "device_id": "SENS-002", "device_type": "sensor"},
        {"name": "Actuator 1", "device_id": "ACT-001", "device_type": "actuator"},
    ]
    for number, device in enumerate(devices, 1):
        made = ok(await manager.http.post(DEVICES, json=device))
        assert made["message"] == "Device created successfully"
        assert {name: made["data"][name] for name in device} == device
        assert (made["data"]["id"], made["data"]["status"]) == (number, "offline")
        assert (made["data"]["metadata"], made["data"]["configuration"]) == ({}, {})
        assert made["data"]["is_active"] is True
