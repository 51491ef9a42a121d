"""Statistics by range and group, and the summaries of a device."""

from typing import Any

import pytest

from tests.support.clients import Client
from tests.support.clocks import ManualClock
from tests.support.valtronics import DEVICES, alert, create, data, measure

HOUR_S = 3_600


async def stats(client: Client, query: str = "") -> Any:
    return data(await client.http.get(DEVICES + "stats" + query))


async def test_a_range_has_figures_of_its_own(manager: Client, noon: ManualClock) -> None:
    """Beside those of 24 hours, which are what their names say."""
    noon.advance(-10 * 24 * HOUR_S)
    await create(manager, "old", status="online")
    noon.advance(10 * 24 * HOUR_S - 2 * HOUR_S)
    await create(manager, "new", status="online")
    noon.advance(2 * HOUR_S)
    points = [
        {"metric": "t", "value": 1, "measuredAt": at}
        for at in ("2023-12-26T00:00:00Z", "2024-01-01T09:00:00Z", "2024-01-01T11:30:00Z")
    ]
    await measure(manager, "old", *points)
    day = {"data_points_24h": 2, "new_devices_24h": 1, "active_devices_24h": 2}
    hour = {"data_points_1h": 1, "new_devices_1h": 0, "active_devices_1h": 2}
    week = {"data_points_7d": 3, "new_devices_7d": 1, "active_devices_7d": 2}
    month = {"data_points_30d": 3, "new_devices_30d": 2, "active_devices_30d": 2}
    names = day.keys() | hour.keys() | week.keys() | month.keys()
    for query, expected in {
        "": day,
        "?time_range=24h": day,
        "?time_range=1h": day | hour,
        "?time_range=7d": day | week,
        "?time_range=30d": day | month,
    }.items():
        found = await stats(manager, query)
        assert {name: found[name] for name in names & found.keys()} == expected, query


async def test_uptime_is_of_the_range(manager: Client, noon: ManualClock) -> None:
    noon.advance(-48 * HOUR_S)
    await create(manager, status="online")
    noon.advance(42 * HOUR_S)
    await manager.http.put(DEVICES + "1/status", json={"status": "error"})
    noon.advance(6 * HOUR_S)
    assert (await stats(manager))["uptime_percentage"] == 75.0
    assert (await stats(manager, "?time_range=1h"))["uptime_percentage"] == 0.0
    assert (await stats(manager, "?time_range=7d"))["uptime_percentage"] == 87.5


async def test_every_status_is_counted_once(manager: Client) -> None:
    """But for a warning, which is online as well."""
    for status in ("online", "warning", "warning", "offline", "error", "maintenance"):
        await create(manager, f"{status}-{await count(manager)}", status=status)
    found = await stats(manager)
    assert found["devices_by_status"] == {
        "online": 3,
        "error": 1,
        "maintenance": 1,
        "offline": 1,
    }
    assert sum(found["devices_by_status"].values()) == found["total_devices"] == 6
    assert (found["online_devices"], found["warning_devices"]) == (3, 2)
    assert (found["offline_devices"], found["error_devices"]) == (1, 1)


async def count(client: Client) -> int:
    total: int = data(await client.http.get(DEVICES))["pagination"]["total"]
    return total


@pytest.mark.parametrize("group", ["device_type", "location", "manufacturer", "status"])
async def test_groups(manager: Client, group: str) -> None:
    await create(manager, "a", location="Zone A - 1", manufacturer="Acme")
    await create(manager, "b", location="Zone A - 2", manufacturer="unknown")
    await create(manager, "c", device_type="monitor")
    found = await stats(manager, f"?group_by={group}")
    assert found["devices_by_type"] == {"sensor": 2, "monitor": 1}
    assert found["devices_by_location"] == {"Zone A": 2, "unknown": 1}
    assert found["devices_by_status"] == {"offline": 3}
    makers = {"Acme": 1, "unknown": 2}
    expected = makers if group == "manufacturer" else None
    assert found.get("devices_by_manufacturer") == expected


async def test_of_nothing(manager: Client) -> None:
    found = await stats(manager)
    assert found == {
        "total_devices": 0,
        "online_devices": 0,
        "offline_devices": 0,
        "error_devices": 0,
        "warning_devices": 0,
        "devices_by_type": {},
        "devices_by_location": {},
        "devices_by_status": {},
        "uptime_percentage": 0.0,
        "data_points_24h": 0,
        "new_devices_24h": 0,
        "active_devices_24h": 0,
    }


async def test_the_summaries_of_a_device(manager: Client, noon: ManualClock) -> None:
    await create(manager)
    shown = data(await manager.http.get(DEVICES + "1"))
    assert shown["telemetry_summary"] == {
        "total_data_points": 0,
        "last_24h_points": 0,
        "latest_values": {},
    }
    assert shown["alert_summary"] == {"total_alerts": 0, "active_alerts": 0, "critical_alerts": 0}
    points = [("2023-12-30T12:00:00Z", 1), ("2024-01-01T11:00:00Z", 2.5)]
    for at, value in points:
        await measure(manager, "TEMP-001", {"metric": "t", "value": value, "measuredAt": at})
    await alert(manager, "TEMP-001", "CRITICAL", "WARNING")
    await manager.ask("mutation { acknowledgeAllEvents { acknowledged } }")
    await alert(manager, "TEMP-001", "ERROR")
    noon.advance(60)
    shown = data(await manager.http.get(DEVICES + "1"))
    assert shown["last_seen"] == "2024-01-01T12:00:00Z"
    assert shown["telemetry_summary"] == {
        "total_data_points": 2,
        "last_24h_points": 1,
        "latest_values": {"t": 2.5},
    }
    assert shown["alert_summary"] == {"total_alerts": 3, "active_alerts": 1, "critical_alerts": 1}
