"""Valtronics' API as its clients call it: envelopes, refusals, and a factory by a clock that a test
moves."""

from dataclasses import replace
from typing import Any

import httpx2

from domain.kernel.clock import parse_iso
from tests.support.clients import Client, Json
from tests.support.clocks import ManualClock
from tests.support.factory import FactoryServer

DEVICES = "/valtronics/api/v1/devices/"
NOON = "2024-01-01T12:00:00Z"
CODES = {400: "VALIDATION_ERROR", 401: "AUTHORIZATION_ERROR", 403: "AUTHORIZATION_ERROR"}
CODES |= {404: "RESOURCE_NOT_FOUND", 405: "RESOURCE_NOT_FOUND", 413: "VALIDATION_ERROR"}
CODES |= {429: "RATE_LIMIT_EXCEEDED"}
ALPHA = {
    "name": "Temperature Sensor Alpha",
    "device_id": "TEMP-001",
    "device_type": "sensor",
    "manufacturer": "SensorTech",
    "model": "ST-T1000",
    "firmware_version": "2.1.4",
    "location": "Zone A - Server Room",
    "status": "online",
}
RECORD = """mutation ($input: [RecordTelemetryInput!]!) { recordTelemetries(input: $input) }"""
ALERTS = """mutation ($input: [RecordDeviceAlertInput!]!) {
  recordDeviceAlerts(input: $input) { id } }"""


def set_clock(factory: FactoryServer, text: str = NOON) -> ManualClock:
    """From now on it is that time for whatever is read and written."""
    clock = ManualClock(parse_iso(text))
    runtime = factory.runtime
    runtime.services.transactions.clock = clock
    runtime.entry.services = replace(runtime.services, clock=clock)
    return clock


def ok(answer: httpx2.Response) -> Json:
    """The whole body of an answer that is none of a refusal."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/json"
    body: Json = answer.json()
    assert body["success"] is True
    assert body.keys() in ({"success", "data"}, {"success", "data", "message"})
    return body


def data(answer: httpx2.Response) -> Any:
    return ok(answer)["data"]


def error(answer: httpx2.Response, status: int) -> Json:
    """The error of a documented refusal, whole and in its shape."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/json"
    body = answer.json()
    assert body.keys() == {"success", "error"}
    assert body["success"] is False
    found: Json = body["error"]
    assert found.keys() <= {"code", "message", "details"}
    assert found["code"] == CODES[status], found
    assert found["message"]
    return found


async def create(client: Client, device_id: str = "TEMP-001", **more: Any) -> Json:
    body = {"name": f"The {device_id}", "device_id": device_id, "device_type": "sensor"} | more
    found: Json = data(await client.http.post(DEVICES, json=body))
    return found


async def beat(client: Client, device_id: str = "TEMP-001") -> None:
    document = "mutation ($input: DeviceHeartbeatInput!) { deviceHeartbeat(input: $input) { id } }"
    await client.ask(document, input={"deviceId": device_id})


async def measure(client: Client, device_id: str, *points: Json) -> None:
    await client.ask(RECORD, input=[{"deviceId": device_id, "points": list(points)}])


async def alert(client: Client, device_id: str, *severities: str) -> list[str]:
    """The ids of as many alerts."""
    given = [
        {"deviceId": device_id, "message": f"Alert {place}", "severity": severity}
        for place, severity in enumerate(severities)
    ]
    found = (await client.ask(ALERTS, input=given))["recordDeviceAlerts"]
    return [one["id"] for one in found]
