"""What devices were told and what they told goes in its time, by the settings as they are."""

from typing import Any, Final

from sqlalchemy import func, select, text

from domain.fleet.commands import RecordLogs, RecordTelemetry, SetDeviceStatus, TelemetryFilter
from domain.fleet.models import CommandState, CommandType, DeviceStatus
from domain.fleet.repository import commands
from domain.fleet.repository.commands import COMMAND
from domain.fleet.rows import BulkRow, CommandRow, DeviceRow
from domain.fleet.rules import OPEN
from domain.kernel.actor import system_actor
from domain.kernel.clock import SystemClock
from domain.kernel.ids import new_id
from domain.kernel.paging import PageRequest
from domain.kernel.retention import Trimmer
from graph.fleet import resolvers
from oktograph.retention import DAY_S, retentions
from oktograph.settings import Settings
from tests.support.clocks import ManualClock
from tests.support.fleet import Factory

SETTINGS: Final = Settings(_env_file=None)


def command(device: DeviceRow, state: CommandState, bulk_id: str | None = None) -> CommandRow:
    made = new_id()
    given: dict[str, Any] = dict.fromkeys(CommandRow._fields) | {
        "id": made,
        "device_id": device.id,
        "key": made,
        "type": CommandType.FORCE_SYNC,
        "arguments": "{}",
        "state": state,
        "timeout_ms": 1_000,
        "actor_id": "1",
        "actor": "ann",
        "bulk_id": bulk_id,
        "created_at_us": 0,
        "expires_at_us": 0,
    }
    return CommandRow(**given)


async def bulk(factory: Factory, *rows: CommandRow) -> BulkRow:
    row = BulkRow(new_id(), new_id(), new_id(), CommandType.FORCE_SYNC, "{}", "ann", 0)
    ours = [one._replace(bulk_id=row.id) for one in rows]
    async with factory.transactions.begin(system_actor("test", factory.customer_id)) as work:
        await commands.insert_bulk(work.session, factory.customer_id, row)
        await commands.insert_rows(work.session, factory.customer_id, ours)
    return row


async def after(factory: Factory, clock: ManualClock, days: float) -> Trimmer:
    """One round so many days from now, by the clock that makes ids."""
    clock.advance((SystemClock().now_us() - clock.now_us()) / 1e6 + days * DAY_S)
    trimmer = Trimmer(factory.transactions, retentions(SETTINGS))
    await trimmer.round()
    return trimmer


async def count(factory: Factory, table: Any) -> int:
    async with factory.database.read() as session:
        return await session.scalar(select(func.count()).select_from(table)) or 0


async def test_ended_commands_go_and_open_ones_stay(factory: Factory, clock: ManualClock) -> None:
    device = await factory.register()
    mixed = [command(device, state) for state in CommandState]
    over = await bulk(factory, command(device, CommandState.SUCCEEDED))
    going_on = await bulk(factory, *mixed)
    await after(factory, clock, SETTINGS.command_retention_days - 1)
    assert await count(factory, COMMAND) == len(mixed) + 1
    trimmer = await after(factory, clock, SETTINGS.command_retention_days + 1)
    async with factory.database.read() as session:
        kept = await commands.of_bulk(session, factory.customer_id, going_on.id)
        assert {row.state for row in kept} == OPEN
        assert await commands.bulk(session, factory.customer_id, over.id) is None
        assert await commands.bulk(session, factory.customer_id, going_on.id) == going_on
    assert trimmer.removed["device_command"] == len(mixed) + 1 - len(OPEN)
    assert trimmer.removed["command_bulk"] == 1


async def test_what_devices_tell_goes_each_in_its_time(
    factory: Factory, clock: ManualClock
) -> None:
    device = await factory.register()
    entries = ({"message": "one"}, {"message": "two"})
    logs = RecordLogs.of(device="edge-001", entries=entries)
    await resolvers.record_logs(factory.as_device(device), logs)
    points = tuple(
        {"metric": "temperature", "value": 1.5, "measured_at_us": SystemClock().now_us() + place}
        for place in range(120)
    )
    batch = RecordTelemetry.of(device="edge-001", points=points)
    await resolvers.record_telemetries(factory.context(), [batch])
    told = SetDeviceStatus.of(device="edge-001", status=DeviceStatus.MAINTENANCE)
    await resolvers.set_device_status(factory.context(), told)
    kept = {
        SETTINGS.device_log_retention_days: ("device_log",),
        SETTINGS.telemetry_retention_days: ("telemetry", "telemetry_series", "telemetry_rollup"),
        SETTINGS.device_status_retention_days: ("device_status_change",),
    }
    every = [name for names in kept.values() for name in names]
    left = {name: await count(factory, text(name)) for name in every}
    assert all(left.values())
    for kept_days, names in kept.items():
        await after(factory, clock, kept_days - 1)
        assert {name: await count(factory, text(name)) for name in every} == left
        await after(factory, clock, kept_days + 1)
        left |= dict.fromkeys(names, 0)
        assert {name: await count(factory, text(name)) for name in every} == left
    assert await resolvers.telemetry(factory.context(), "edge-001", TelemetryFilter()) == []
    history = await resolvers.status_history(factory.context(), device.id, PageRequest())
    assert history.rows == []
    now = await factory.device(device)
    assert now.status is DeviceStatus.MAINTENANCE, "how it stands is not history"
