"""What was measured before there were sums of it is in them."""

from typing import Any

from alembic import command
from sqlalchemy import Connection, text

from domain.kernel.database import WRITE, Database
from domain.kernel.ids import new_id_bytes
from migrations import configuration

HOUR_US = 3_600_000_000
POINTS = (("t", 5, 1.0), ("t", HOUR_US, 2.0), ("t", HOUR_US + 1, 3.0), ("h", 9, 4.0))
CUSTOMER = "INSERT INTO customer (id, public_id, name) VALUES (1, :id, 'a')"
DEVICE = """INSERT INTO device (id, customer_id, identifier, number, name, kind, status,
    status_at_us, reported, alive, enabled, queue_size, attributes, revision, token_generation,
    created_at_us, updated_at_us, last_heartbeat_at_us)
  VALUES (:id, 1, 'a', 1, 'a', 'SENSOR', 'ONLINE', 0, 'ONLINE', :yes, :yes, 0, '{}', 1, 0,
    0, 0, 7)"""
POINT = """INSERT INTO telemetry (device_id, metric, measured_at_us, customer_id, value)
  VALUES (:id, :metric, :at_us, 1, :value)"""
SERIES = "SELECT metric, points, measured_at_us, value FROM telemetry_series ORDER BY metric"
HOURS = "SELECT hour_us, points FROM telemetry_rollup ORDER BY hour_us"
SEEN = "SELECT last_seen_at_us FROM device"


def _before(connection: Connection) -> None:
    """The tables as revision 0006 has them, with a device that has measured."""
    command.upgrade(configuration(connection), "0006")
    plain = new_id_bytes()
    key: Any = plain if connection.dialect.name == "sqlite" else plain.hex()
    connection.execute(text(CUSTOMER), {"id": key})
    connection.execute(text(DEVICE), {"id": key, "yes": True})
    for metric, at_us, value in POINTS:
        given = {"id": key, "metric": metric, "at_us": at_us, "value": value}
        connection.execute(text(POINT), given)


def _after(connection: Connection) -> list[list[Any]]:
    command.upgrade(configuration(connection), "head")
    return [[tuple(row) for row in connection.execute(text(one))] for one in (SERIES, HOURS, SEEN)]


async def test_sums_begin_with_what_is_there(empty: Database) -> None:
    async with empty.engine.connect() as connection:
        connection = await connection.execution_options(**{WRITE: True})
        async with connection.begin():
            await connection.run_sync(_before)
            series, hours, seen = await connection.run_sync(_after)
    assert series == [("h", 1, 9, 4.0), ("t", 3, HOUR_US + 1, 3.0)]
    assert hours == [(0, 2), (HOUR_US, 2)]
    assert seen == [(7,)]
