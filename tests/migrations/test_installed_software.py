"""What devices reported to have installed before there was a place for it is in it."""

from typing import Any

from alembic import command
from sqlalchemy import Connection, text

from domain.kernel.database import WRITE, Database
from domain.kernel.ids import new_id_bytes
from migrations import configuration

CUSTOMER = "INSERT INTO customer (id, public_id, name) VALUES (1, :id, 'a')"
ROLLOUT = """INSERT INTO rollout (id, customer_id, name, kind, release_id, application, version,
    state, created_by, created_by_id, created_at_us, approval_required, time_zone, deadline_s,
    jitter_s, max_attempts)
  VALUES (:id, 1, 'r', 'ROLLOUT', :id, :application, '1.0.0', 'FINISHED', 'ann', 'ann', 0, :no,
    'UTC', 60, 0, 1)"""
GROUP = """INSERT INTO rollout_group (id, customer_id, rollout_id, position, name, state,
    success_percent, error_percent, accepted_errors)
  VALUES (:id, 1, :id, 0, 'g', 'FINISHED', 90, 10, 0)"""
TARGET = """INSERT INTO rollout_target (id, customer_id, rollout_id, group_id, device_id, state,
    attempt, hop, not_before_us, installed_version, updated_at_us)
  VALUES (:id, 1, :rollout, :rollout, :device, 'SUCCEEDED', 1, 0, 0, :version, :at_us)"""
FOUND = """SELECT application, version, reported_at_us, customer_id FROM installed_software
  ORDER BY application, reported_at_us"""
TOLD = (
    ("kettle", "1.0.0", 5),
    ("kettle", "1.1.0", 9),
    ("kettle", "0.9.0", 7),
    ("kettle", None, 11),
    ("lid", "3.0.0", 2),
)


def _before(connection: Connection) -> None:
    """One device and what it said on the way, as revision 0011 has it."""
    command.upgrade(configuration(connection), "0011")

    def key() -> Any:
        plain = new_id_bytes()
        return plain if connection.dialect.name == "sqlite" else plain.hex()

    device = key()
    connection.execute(text(CUSTOMER), {"id": device})
    for application, version, at_us in TOLD:
        rollout = key()
        given = {"id": rollout, "application": application, "no": False}
        connection.execute(text(ROLLOUT), given)
        connection.execute(text(GROUP), {"id": rollout})
        told = {"id": key(), "rollout": rollout, "device": device, "version": version}
        connection.execute(text(TARGET), told | {"at_us": at_us})


def _after(connection: Connection) -> list[tuple[Any, ...]]:
    command.upgrade(configuration(connection), "head")
    return [tuple(row) for row in connection.execute(text(FOUND))]


async def test_the_last_word_of_each_application(empty: Database) -> None:
    async with empty.engine.connect() as connection:
        connection = await connection.execution_options(**{WRITE: True})
        async with connection.begin():
            await connection.run_sync(_before)
            found = await connection.run_sync(_after)
    assert found == [("kettle", "1.1.0", 9, 1), ("lid", "3.0.0", 2, 1)]
