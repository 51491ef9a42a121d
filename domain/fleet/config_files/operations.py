"""Writes of configuration files inside a given unit of work. Their bytes are stored before, and
thrown away after."""

from domain.fleet.config_files import events, repository
from domain.fleet.config_files.commands import MAX_FILES, PutConfigFile
from domain.fleet.config_files.rows import ConfigFileRow, PutFile
from domain.kernel.artifacts import StoredArtifact
from domain.kernel.errors import Conflict
from domain.kernel.ids import new_id
from domain.kernel.uow import UnitOfWork

ENTITY = "Device config file"


async def put(work: UnitOfWork, command: PutConfigFile, stored: StoredArtifact) -> PutFile:
    """Of two at once each replaces what it finds: the later one stays. Raises Conflict where there
    are as many as there may be."""
    session, customer_id = work.session, work.customer_id
    row = ConfigFileRow(
        id=new_id(),
        size_bytes=stored.size_bytes,
        sha256=stored.sha256,
        object_key=stored.key,
        created_at_us=work.now_us,
        updated_at_us=work.now_us,
        **command.model_dump(),
    )
    if await repository.insert(session, customer_id, row):
        if await repository.count(session, customer_id) > MAX_FILES:
            raise Conflict(f"There are {MAX_FILES} device config files already")
        events.record(work, events.STORED, row)
        return PutFile(row, None)
    before = await repository.lock_named(session, customer_id, command.identifier)
    if before is None:
        raise Conflict("The device config file was removed meanwhile", id=command.identifier)
    row = row._replace(id=before.id, created_at_us=before.created_at_us)
    await repository.replace(session, customer_id, row)
    events.record(work, events.STORED, row, before)
    return PutFile(row, before.object_key)


async def remove(work: UnitOfWork, key: str) -> ConfigFileRow | None:
    """What it was; None where there is none, so that again is the same as once."""
    row = await repository.lock(work.session, work.customer_id, key)
    if row is None:
        return None
    await repository.delete(work.session, work.customer_id, row.id)
    events.record(work, events.REMOVED, row)
    return row
