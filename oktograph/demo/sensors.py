"""The demo's sensors and actuators: registered once with a day of history, then measuring live."""

from collections.abc import Iterator
from typing import Any, Final

from domain.fleet.commands import RecordDeviceAlert, RecordTelemetry, RegisterDevice
from domain.fleet.models import DeviceKind, DeviceStatus
from domain.journal.models import Severity
from domain.kernel.actor import Actor, ActorKind
from domain.kernel.clock import SECOND_US
from domain.kernel.permissions import Permission
from drivers.factory.simulation.sensors import SensorCredentials, Signal
from graph.context import Context
from graph.fleet import resolvers as fleet
from graph.journal import resolvers as journal
from oktograph.factory.runtime import FactoryRuntime

TEMPERATURE: Final = Signal("temperature", 22.0, 1.5)
HUMIDITY: Final = Signal("humidity", 45.0, 6.0, period_s=7_200)
PRESSURE: Final = Signal("pressure", 2.4, 0.2, period_s=900)
FLOW: Final = Signal("flow", 12.5, 3.0, period_s=1_800)
HISTORY_S: Final = 24 * 3_600
EVERY_S: Final = 600

DEVICES: Final[tuple[dict[str, Any], ...]] = (
    {
        "identifier": "TEMP-001",
        "name": "Cold store, north wall",
        "kind": DeviceKind.SENSOR,
        "location": "Zone A - Cold Store",
        "manufacturer": "Thermal Works",
        "model": "TW-2",
        "firmware_version": "2.1.4",
        "configuration": {"sampling_rate": 60, "alert_threshold": 25.0},
        "attributes": {"installation_date": "2025-03-01"},
    },
    {
        "identifier": "TEMP-002",
        "name": "Cold store, door",
        "kind": DeviceKind.SENSOR,
        "location": "Zone A - Cold Store",
        "manufacturer": "Thermal Works",
        "model": "TW-2",
        "firmware_version": "2.1.4",
        "configuration": {"sampling_rate": 60, "alert_threshold": 25.0},
    },
    {
        "identifier": "PRES-001",
        "name": "Filler, supply pressure",
        "kind": DeviceKind.SENSOR,
        "location": "Zone B - Filling",
        "manufacturer": "Barometrics",
        "model": "B-10",
        "firmware_version": "1.0.7",
    },
    {
        "identifier": "VALVE-001",
        "name": "Filler, main valve",
        "kind": DeviceKind.ACTUATOR,
        "location": "Zone B - Filling",
        "manufacturer": "Valvetronic",
        "model": "V-40",
        "firmware_version": "3.2.0",
    },
    {
        "identifier": "MON-001",
        "name": "Packing, panel",
        "kind": DeviceKind.MONITOR,
        "location": "Zone C - Packing",
        "manufacturer": "Barometrics",
        "model": "P-1",
        "status": DeviceStatus.MAINTENANCE,
    },
)
SIGNALS: Final[dict[str, tuple[Signal, ...]]] = {
    "TEMP-001": (TEMPERATURE, HUMIDITY),
    "TEMP-002": (TEMPERATURE,),
    "PRES-001": (PRESSURE,),
    "VALVE-001": (FLOW,),
}
"""What those measure that are alive."""
WORDS: Final = {"TEMP-002": "warning"}
ALERTS: Final = (
    ("TEMP-001", Severity.WARNING, "Temperature above 25"),
    ("TEMP-001", Severity.WARNING, "Humidity above 50"),
    ("TEMP-002", Severity.ERROR, "Probe drifts, calibration is due"),
)
_MAY: Final = frozenset(
    {
        Permission.FLEET_CONFIGURATION_WRITE,
        Permission.FLEET_DEVICE_READ,
        Permission.FLEET_DEVICE_REPORT,
        Permission.FLEET_DEVICE_WRITE,
        Permission.FLEET_TOKEN_ISSUE,
        Permission.JOURNAL_EVENT_ACKNOWLEDGE,
    }
)


async def prepared_sensors(factory: FactoryRuntime) -> list[SensorCredentials]:
    """Fresh tokens for those that are there; they are made once."""
    actor = Actor(ActorKind.SYSTEM, factory.core.customer.id, "", "demo", _MAY)
    context = Context(actor, factory.services)
    if await fleet.device(context, "TEMP-001") is None:
        await _stock(context)
    found: list[SensorCredentials] = []
    for name, signals in SIGNALS.items():
        if await fleet.device(context, name) is not None:
            token = (await fleet.issue_device_token(context, name)).token
            found.append(SensorCredentials(name, token, signals, WORDS.get(name, "healthy")))
    return found


async def _stock(context: Context) -> None:
    await fleet.register_devices(context, [RegisterDevice.of(**one) for one in DEVICES])
    await fleet.record_telemetries(context, list(_history(context.services.clock.now_us())))
    alerts = [
        RecordDeviceAlert.of(device=name, severity=severity, message=message)
        for name, severity, message in ALERTS
    ]
    first, *_ = await fleet.record_alerts(context, alerts)
    await journal.acknowledge_event(context, first.id)


def _history(now_us: int) -> Iterator[RecordTelemetry]:
    """Of the last day, every ten minutes."""
    moments = range(now_us - HISTORY_S * SECOND_US, now_us, EVERY_S * SECOND_US)
    for name, signals in SIGNALS.items():
        points = tuple(
            {"metric": one.metric, "value": one.at(at_us, 0.0), "measured_at_us": at_us}
            for at_us in moments
            for one in signals
        )
        yield RecordTelemetry.of(device=name, points=points)
