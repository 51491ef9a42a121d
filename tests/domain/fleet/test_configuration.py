"""Desired and reported configuration, logs and telemetry."""

import asyncio

import orjson
import pytest

from domain.fleet.commands import (
    LogFilter,
    RecordLogs,
    RecordTelemetry,
    ReportConfiguration,
    RollbackConfiguration,
    SetConfiguration,
    TelemetryFilter,
    UpdateDevice,
)
from domain.fleet.models import DeviceKind, LogLevel
from domain.kernel.errors import Conflict, NotFound, ValidationFailed
from domain.kernel.paging import PageRequest
from domain.sync.models import ConnectionMode
from graph.fleet import resolvers
from tests.support.clocks import ManualClock
from tests.support.fleet import Factory, everything, kinds
from tests.support.log import facts


async def put(factory: Factory, document: dict[str, object], **values: object) -> int:
    command = SetConfiguration.of(device="edge-001", document=document, **values)
    return (await resolvers.set_configuration(factory.context(), command)).version


async def test_a_mode_that_people_choose_for_an_edge_is_desired_of_it(factory: Factory) -> None:
    await factory.register()
    sensor = await factory.register("sensor-1", kind=DeviceKind.SENSOR)
    ann = factory.context()
    direct = {"connection_mode": ConnectionMode.DIRECT_CLOUD}
    for key in ("edge-001", "sensor-1"):
        await resolvers.update_device(ann, UpdateDevice.of(device=key, **direct))
    await resolvers.update_device(ann, UpdateDevice.of(device="edge-001", name="Line 1"))
    desired = await resolvers.desired_configuration(ann, "edge-001", None)
    assert desired is not None
    assert (desired.version, desired.document) == (1, '{"connectionMode":"DIRECT_CLOUD"}')
    none = await resolvers.desired_configuration(ann, sensor.id, None)
    assert none is not None
    assert none.version == 0
    await resolvers.update_device(ann, UpdateDevice.of(device="edge-001", connection_mode=None))
    freed = await resolvers.desired_configuration(ann, "edge-001", None)
    assert freed is not None
    assert (freed.version, freed.document) == (2, "{}")


async def test_versions_merge_replace_and_roll_back(factory: Factory) -> None:
    await factory.register()
    ann = factory.context()
    assert await put(factory, {"a": 1, "b": {"c": 2}}) == 1
    assert await put(factory, {"b": {"c": None, "d": 3}}) == 2
    assert await put(factory, {"a": 1}) == 2  # nothing would change
    assert await put(factory, {"x": 1}, merge=False) == 3
    found = await resolvers.desired_configuration(ann, "edge-001", 2)
    assert found is not None
    assert orjson.loads(found.document) == {"a": 1, "b": {"d": 3}}
    back = await resolvers.rollback_configuration(
        ann, RollbackConfiguration.of(device="edge-001", version=1)
    )
    assert (back.version, back.document) == (4, '{"a":1,"b":{"c":2}}')
    versions = await resolvers.configuration_versions(ann, "edge-001", None, 10)
    assert [row.version for row in versions] == [4, 3, 2, 1]
    before = await everything(factory.database)
    for wrong in (9, -1):
        with pytest.raises(NotFound):
            await resolvers.rollback_configuration(
                ann, RollbackConfiguration.of(device="edge-001", version=wrong)
            )
    with pytest.raises(Conflict):
        await put(factory, {"z": 1}, expected_version=3)
    assert await everything(factory.database) == before


async def test_many_who_write_make_a_version_each(factory: Factory) -> None:
    await factory.register()
    made = await asyncio.gather(*(put(factory, {f"k{n}": n}) for n in range(6)))
    assert sorted(made) == [1, 2, 3, 4, 5, 6]
    found = await resolvers.desired_configuration(factory.context(), "edge-001")
    assert found is not None
    assert orjson.loads(found.document) == {f"k{n}": n for n in range(6)}


async def test_a_device_reports_what_it_runs_on(factory: Factory) -> None:
    device = await factory.register()
    own = factory.as_device(device)
    assert await resolvers.reported_configuration(own, "edge-001") is None
    for version in (1, 2):
        report = ReportConfiguration.of(device=device.id, version=version, document={"a": 1})
        await resolvers.report_configuration(own, report)
    found = await resolvers.reported_configuration(own, "edge-001")
    assert found is not None
    assert found.version == 2


async def test_logs_are_kept_in_order(factory: Factory) -> None:
    device = await factory.register()
    command = RecordLogs.of(
        device="edge-001",
        entries=({"message": "one"}, {"message": "two", "level": "ERROR", "source": "plc"}),
    )
    await resolvers.record_logs(factory.as_device(device), command)
    ann = factory.context()
    page = await resolvers.list_logs(ann, device.id, LogFilter(), PageRequest())
    assert [row.message for row in page.rows] == ["two", "one"]
    assert await resolvers.count_logs(ann, device.id, LogFilter(level=LogLevel.ERROR)) == 1
    assert kinds(await facts(factory.database, "fleet"))[-1] == "logs.recorded"


async def test_a_point_sent_again_counts_once(factory: Factory, clock: ManualClock) -> None:
    device = await factory.register("TEMP-001")
    at_us = clock.now_us()
    points = (
        {"metric": "temperature", "value": 23.5, "measured_at_us": at_us},
        {"metric": "temperature", "value": 24.5, "measured_at_us": at_us + 1},
        {"metric": "humidity", "value": 45.2, "measured_at_us": at_us},
    )
    ann = factory.context()
    batch = RecordTelemetry.of(device="TEMP-001", points=points)
    for _ in range(2):
        assert await resolvers.record_telemetries(ann, [batch]) == 3
    found = await resolvers.telemetry(ann, "TEMP-001", TelemetryFilter())
    assert [(row.metric, row.value) for row in found] == [
        ("temperature", 24.5),
        ("humidity", 45.2),
        ("temperature", 23.5),
    ]
    series = (await resolvers.telemetry_series(ann, [device.id]))[device.id]
    assert [(row.metric, row.points, row.value) for row in series] == [
        ("humidity", 1, 45.2),
        ("temperature", 2, 24.5),
    ]


@pytest.mark.parametrize(
    "point",
    [
        {"metric": "", "value": 1},
        {"metric": "a b", "value": 1},
        {"metric": "a", "value": float("nan")},
        {"metric": "a", "value": float("inf")},
        {"metric": "a", "value": 1, "measured_at_us": -1},
        {"metric": "a", "value": 1, "measured_at_us": 2**63},
    ],
)
def test_a_point_is_a_number_at_a_time(point: dict[str, object]) -> None:
    with pytest.raises(ValidationFailed):
        RecordTelemetry.of(device="x", points=(point,))
