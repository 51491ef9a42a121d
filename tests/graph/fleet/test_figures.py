"""What devices measured, what asks for attention, and what that adds up to, in the graph."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from domain.kernel.clock import SystemClock
from domain.kernel.errors import Conflict, Forbidden, ValidationFailed
from domain.kernel.permissions import Role
from tests.graph.fleet.conftest import Ask, taken
from tests.support.clocks import ManualClock
from tests.support.fleet import Factory, Statements, everything

REGISTER = """mutation($input: [RegisterDeviceInput!]!) { registerDevices(input: $input) {
  id identifier number status } }"""
RECORD = "mutation($input: [RecordTelemetryInput!]!) { recordTelemetries(input: $input) }"
ALERTS = """mutation($input: [RecordDeviceAlertInput!]!) { recordDeviceAlerts(input: $input) {
  severity source category message data } }"""
SUMMARIES = """query($first: Int) { devices(first: $first) { edges { node { identifier lastSeenAt
  telemetrySeries { metric points latest { value } } latestTelemetry { metric }
  telemetrySummary { totalPoints recentPoints latest { metric value } }
  hour: telemetrySummary(range: LAST_HOUR) { recentPoints }
  alertSummary { total active critical } } } } }"""
CONFIGURED = """subscription($after: String, $id: ID) {
  deviceConfig(after: $after, deviceId: $id) {
    cursor deviceId identifier number version author document changed at } }"""
STATISTICS = """{ deviceStatistics(range: LAST_WEEK) { total online newDevices activeDevices
  dataPoints uptimePercent since until byStatus { status count } byKind { kind count }
  byPlace { name count } byManufacturer { name count } } }"""


async def registered(ask: Ask, *names: str, **more: Any) -> list[dict[str, Any]]:
    given = [{"identifier": name, "kind": "SENSOR", **more} for name in names]
    made: list[dict[str, Any]] = (await ask(REGISTER, input=given))["registerDevices"]
    return made


async def test_many_at_once_or_none(factory: Factory, ask: Ask) -> None:
    made = await registered(ask, "a", "b", status="ONLINE", configuration={"x": 1})
    assert [(one["identifier"], one["number"]) for one in made] == [("a", 1), ("b", 2)]
    found = await ask('{ deviceConfig(deviceId: "b") { desired { version document } } }')
    assert found["deviceConfig"]["desired"] == {"version": 1, "document": {"x": 1}}
    before = await everything(factory.database)
    with pytest.raises(Conflict):
        await registered(ask, "c", "a")
    with pytest.raises(ValidationFailed):
        await registered(ask, "d", configuration="none")
    with pytest.raises(Forbidden):
        await ask(REGISTER, role=Role.OPERATOR, input=[{"identifier": "e"}])
    assert await everything(factory.database) == before


async def test_summaries_of_many_devices_cost_the_same(factory: Factory, ask: Ask) -> None:
    names = [f"s-{number}" for number in range(8)]
    await registered(ask, *names)
    points = [{"metric": "t", "value": 1.5}, {"metric": "h", "value": 2}]
    await ask(RECORD, input=[{"deviceId": name, "points": points} for name in names])
    given = {"message": "warm", "severity": "CRITICAL", "data": {"at": 26}}
    told = await ask(ALERTS, input=[{"deviceId": name, **given} for name in names])
    assert told["recordDeviceAlerts"][0] == {
        "severity": "CRITICAL",
        "source": "s-0",
        "category": "ALERT",
        "message": "warm",
        "data": {"at": 26},
    }

    async def cost(first: int) -> int:
        with Statements(factory.database) as statements:
            found = (await ask(SUMMARIES, first=first))["devices"]["edges"]
        assert len(found) == first
        for edge in found:
            node = edge["node"]
            assert node["telemetrySummary"]["totalPoints"] == 2
            assert node["telemetrySummary"]["recentPoints"] == node["hour"]["recentPoints"] == 2
            assert [one["metric"] for one in node["latestTelemetry"]] == ["h", "t"]
            assert node["alertSummary"] == {"total": 1, "active": 1, "critical": 1}
            assert node["lastSeenAt"]
        return len(statements.seen)

    await cost(8)  # connections that are new say a word of their own
    assert await cost(2) == await cost(8) <= 8


async def test_statistics(factory: Factory, ask: Ask) -> None:
    clock = ManualClock(SystemClock().now_us())
    factory.services.transactions.clock = clock
    factory.services = replace(factory.services, clock=clock)
    await registered(ask, "a", "b", status="WARNING", location="Zone A - 1", manufacturer="M")
    clock.advance(3600)
    await registered(ask, "c")
    await ask(RECORD, input=[{"deviceId": "a", "points": [{"metric": "t", "value": 1}]}])
    clock.advance(3600)
    found = (await ask(STATISTICS))["deviceStatistics"]
    assert found.pop("since") < found.pop("until")
    assert found.pop("uptimePercent") == 80, "four hours of five"
    assert found == {
        "total": 3,
        "online": 2,
        "newDevices": 3,
        "activeDevices": 2,
        "dataPoints": 1,
        "byStatus": [{"status": "OFFLINE", "count": 1}, {"status": "WARNING", "count": 2}],
        "byKind": [{"kind": "SENSOR", "count": 3}],
        "byPlace": [{"name": "Zone A", "count": 2}, {"name": None, "count": 1}],
        "byManufacturer": [{"name": "M", "count": 2}, {"name": None, "count": 1}],
    }


async def test_devices_by_place(ask: Ask) -> None:
    for name, location in (("a", "Zone A"), ("b", "Zone A - Hall"), ("c", "Zone AB")):
        await registered(ask, name, location=location)
    found = await ask(
        '{ devices(filter: {place: "Zone A"}) { totalCount edges { node { identifier } } } }'
    )
    assert found["devices"]["totalCount"] == 2
    assert [one["node"]["identifier"] for one in found["devices"]["edges"]] == ["b", "a"]


async def test_what_is_told_with_a_change_is_shown(ask: Ask) -> None:
    await registered(ask, "a")
    await ask(
        """mutation { setDeviceStatus(input: {id: "a", status: MAINTENANCE, reason: "service",
          details: {hours: 2}}) { updatedAt } }"""
    )
    await ask(
        """mutation { updateDevice(input: {id: "a", status: ERROR, configuration: {x: 1}}) {
          status } }"""
    )
    await ask(
        """mutation { setDeviceConfig(input: {deviceId: "a", document: {}, renew: true,
          details: {by: "ann"}}) { version details } }"""
    )
    found = await ask(
        """{ deviceStatusHistory(deviceId: "a") { status reason details }
          deviceConfigVersions(deviceId: "a") { version details } }"""
    )
    assert found["deviceStatusHistory"] == [
        {"status": "ERROR", "reason": None, "details": None},
        {"status": "MAINTENANCE", "reason": "service", "details": {"hours": 2}},
    ]
    assert found["deviceConfigVersions"] == [
        {"version": 2, "details": {"by": "ann"}},
        {"version": 1, "details": None},
    ]


async def test_configurations_as_they_are_set(factory: Factory, ask: Ask) -> None:
    start = factory.services.tail.cursor(0)
    made = await registered(ask, "a", "b", configuration={"x": 1, "y": 2})
    await ask(
        """mutation { setDeviceConfig(input: {deviceId: "a", document: {x: 3, y: null}}) {
          version } }"""
    )
    async with asyncio.timeout(10):
        seen = await taken(factory, CONFIGURED, 2, after=start, id=made[0]["id"])
    first, second = (one["deviceConfig"] for one in seen)
    assert (first["version"], first["changed"]) == (1, {"x": 1, "y": 2})
    assert {name: second[name] for name in second if name not in ("cursor", "at")} == {
        "deviceId": made[0]["id"],
        "identifier": "a",
        "number": 1,
        "version": 2,
        "author": "admin",
        "document": {"x": 3},
        "changed": {"x": 3, "y": None},
    }


@pytest.mark.parametrize("severity", ["DEBUG", "INFO"])
async def test_what_asks_for_nothing_is_refused(factory: Factory, ask: Ask, severity: str) -> None:
    await registered(ask, "a")
    before = await everything(factory.database)
    with pytest.raises(ValidationFailed):
        await ask(ALERTS, input=[{"deviceId": "a", "message": "x", "severity": severity}])
    assert await everything(factory.database) == before
