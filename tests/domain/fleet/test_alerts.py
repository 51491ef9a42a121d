"""What asks for attention about a device: recorded, counted, acknowledged."""

import pytest

from domain.fleet.commands import RecordDeviceAlert, SetDeviceStatus
from domain.fleet.models import DeviceStatus
from domain.fleet.repository import alerts
from domain.fleet.rows import DeviceRow
from domain.fleet.rules import StatisticsRange
from domain.journal.commands import RecordEvent
from domain.journal.models import Severity
from domain.kernel.errors import NotFound, ValidationFailed
from graph.fleet import resolvers
from graph.journal import resolvers as journal
from tests.support.clocks import ManualClock
from tests.support.fleet import Factory, everything


async def counts(factory: Factory, device: DeviceRow) -> tuple[int, int, int]:
    """In all, active, critical; of removed devices too."""
    async with factory.database.read() as session:
        return (await alerts.counts(session, factory.customer_id, [device.id]))[device.id]


def alert(device: str, message: str = "too warm", **more: object) -> RecordDeviceAlert:
    return RecordDeviceAlert.of(device=device, message=message, **more)


async def test_an_alert_is_an_entry_of_the_journal(factory: Factory, clock: ManualClock) -> None:
    device = await factory.register("TEMP-001")
    assert await counts(factory, device) == (0, 0, 0)
    data = {"temperature": 26.1, "threshold": 25.0}
    found = await resolvers.record_alert(factory.as_device(device), alert("TEMP-001", data=data))
    assert (found.category, found.source, found.severity) == ("ALERT", "TEMP-001", "WARNING")
    assert await journal.event(factory.context(), found.id) == found
    assert (await factory.device(device)).last_seen_at_us == clock.now_us()
    critical = alert(device.id, "burns", severity=Severity.CRITICAL)
    await resolvers.record_alert(factory.context(), critical)
    assert await counts(factory, device) == (2, 2, 1)
    await journal.acknowledge_event(factory.context(), found.id)
    assert await counts(factory, device) == (2, 1, 1)


async def test_several_are_recorded_in_the_order_given(factory: Factory) -> None:
    two, one = await factory.register("two"), await factory.register("one")
    given = [alert("two", "a"), alert("one", "b"), alert("two", "c")]
    found = await resolvers.record_alerts(factory.context(), given)
    assert [(row.source, row.message) for row in found] == [
        ("two", "a"),
        ("one", "b"),
        ("two", "c"),
    ]
    assert ((await counts(factory, one))[0], (await counts(factory, two))[0]) == (1, 2)
    found_one = await resolvers.device_overview(
        factory.context(), one.number, StatisticsRange.LAST_DAY
    )
    assert found_one is not None
    assert found_one.alerts == (1, 1, 0)


async def test_all_or_none(factory: Factory) -> None:
    await factory.register("one")
    before = await everything(factory.database)
    with pytest.raises(NotFound):
        await resolvers.record_alerts(factory.context(), [alert("one"), alert("nobody")])
    with pytest.raises(ValidationFailed):
        await resolvers.record_alerts(factory.context(), [alert("one")] * 1_001)
    assert await everything(factory.database) == before


async def test_what_counts_and_what_does_not(factory: Factory) -> None:
    """Notes of people about it do, from WARNING on; how it stands is its status."""
    device, ann = await factory.register("TEMP-001"), factory.context()
    for status in (DeviceStatus.ERROR, DeviceStatus.OFFLINE):
        told = SetDeviceStatus.of(device=device.id, status=status)
        await resolvers.set_device_status(ann, told)
    for severity in Severity:
        note = RecordEvent.of(message="noted", severity=severity, source="TEMP-001")
        await journal.record_event(ann, note)
    await journal.record_event(ann, RecordEvent.of(message="no", severity=Severity.ERROR))
    assert await counts(factory, device) == (3, 3, 1)


async def test_a_name_that_is_given_again_begins_anew(factory: Factory, clock: ManualClock) -> None:
    old = await factory.register("TEMP-001")
    await resolvers.record_alert(factory.context(), alert("TEMP-001"))
    clock.advance(1)
    await resolvers.remove_device(factory.context(), old.id)
    clock.advance(1)
    new = await factory.register("TEMP-001")
    assert await counts(factory, new) == (0, 0, 0)
    await resolvers.record_alert(factory.context(), alert("TEMP-001"))
    assert await counts(factory, new) == (1, 1, 0)
    assert await counts(factory, old) == (1, 1, 0)


@pytest.mark.parametrize("severity", [Severity.DEBUG, Severity.INFO])
def test_what_asks_for_nothing_is_no_alert(severity: Severity) -> None:
    with pytest.raises(ValidationFailed) as refused:
        alert("x", severity=severity)
    assert refused.value.details["field"] == "severity"


@pytest.mark.parametrize("message", ["", "\x00", "\ud800", "x" * 4_001])
def test_an_alert_says_something(message: str) -> None:
    with pytest.raises(ValidationFailed):
        alert("x", message)


async def test_another_customer_sees_none(factory: Factory, other_customer: int) -> None:
    device = await factory.register("TEMP-001")
    await resolvers.record_alert(factory.context(), alert("TEMP-001"))
    eve = factory.context(customer_id=other_customer)
    async with factory.database.read() as session:
        assert await alerts.counts(session, other_customer, [device.id]) == {device.id: (0, 0, 0)}
    with pytest.raises(NotFound):
        await resolvers.record_alert(eve, alert(device.id))
    namesake = await resolvers.register_devices(eve, [])
    assert namesake == []
