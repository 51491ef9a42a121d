"""Files that devices are configured by. `key` is what a client calls a file by, or its id."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Final, NamedTuple

from domain.fleet.config_files import operations, repository
from domain.fleet.config_files.commands import PutConfigFile
from domain.fleet.config_files.ports import ConfigFileServices
from domain.fleet.config_files.rows import ConfigFileRow
from domain.fleet.config_files.uploads import content, stored
from domain.kernel import signing
from domain.kernel.artifacts import discarded
from domain.kernel.clock import SECOND_US
from domain.kernel.database import ReadSession
from domain.kernel.errors import NotFound, Unavailable
from domain.kernel.ids import is_id
from domain.kernel.paging import Page, PageRequest
from domain.kernel.permissions import Permission
from graph.context import Context

LINK: Final = "device-config-link"
"""The purpose that links to these files are signed for."""
Find = Callable[[ReadSession], Awaitable[ConfigFileRow | None]]


@dataclass(frozen=True, slots=True)
class OpenFile:
    """`chunks` are its bytes, to be iterated once."""

    row: ConfigFileRow
    chunks: AsyncIterator[bytes]


class FileLink(NamedTuple):
    """`token` opens the file to whoever has it, until then."""

    row: ConfigFileRow
    token: str
    expires_at_us: int


async def list_config_files(context: Context, window: PageRequest) -> Page[ConfigFileRow]:
    context.actor.require(Permission.FLEET_CONFIGURATION_READ)
    async with context.read() as session:
        return await repository.page(session, context.customer_id, window)


async def count_config_files(context: Context) -> int:
    context.actor.require(Permission.FLEET_CONFIGURATION_READ)
    async with context.read() as session:
        return await repository.count(session, context.customer_id)


async def all_config_files(context: Context) -> list[ConfigFileRow]:
    """In one piece, oldest first."""
    context.actor.require(Permission.FLEET_CONFIGURATION_READ)
    async with context.read() as session:
        return await repository.listed(session, context.customer_id)


async def config_file(context: Context, key: str) -> ConfigFileRow | None:
    context.actor.require(Permission.FLEET_CONFIGURATION_READ)
    async with context.read() as session:
        return await repository.find(session, context.customer_id, key)


async def config_file_by_id(context: Context, file_id: str) -> ConfigFileRow | None:
    context.actor.require(Permission.FLEET_CONFIGURATION_READ)
    if not is_id(file_id):
        return None
    async with context.read() as session:
        found = await repository.by_ids(session, context.customer_id, [file_id])
    return found.get(file_id)


async def open_config_file(context: Context, key: str) -> OpenFile:
    """Raises NotFound."""
    context.actor.require(Permission.FLEET_CONFIGURATION_READ)
    return await _opened(context, partial(_called, context.customer_id, key), key)


async def put_config_file(
    context: Context, command: PutConfigFile, chunks: AsyncIterator[bytes]
) -> ConfigFileRow:
    """Creates it or replaces what it was."""
    context.actor.require(Permission.FLEET_CONFIGURATION_WRITE)
    files = _files(context)
    async with stored(files, chunks) as found, context.transaction() as work:
        put = await operations.put(work, command, found)
    if put.replaced is not None:
        await discarded(files.artifacts, put.replaced)
    return put.row


async def remove_config_file(context: Context, key: str) -> ConfigFileRow | None:
    """What it was; None where it was not there."""
    context.actor.require(Permission.FLEET_CONFIGURATION_WRITE)
    files = _files(context)
    async with context.transaction() as work:
        row = await operations.remove(work, key)
    if row is not None:
        await discarded(files.artifacts, row.object_key)
    return row


async def link_config_file(context: Context, key: str) -> FileLink:
    """A link to it for whoever has no token. Raises NotFound."""
    context.actor.require(Permission.FLEET_CONFIGURATION_READ)
    files = _files(context)
    async with context.read() as session:
        row = await repository.find(session, context.customer_id, key)
    if row is None:
        raise NotFound(operations.ENTITY, key)
    expires_at_us = context.services.clock.now_us() + round(files.link_s * SECOND_US)
    named = {"customer": context.customer_id, "file": row.id}
    token = signing.sign_until(context.services.identity.macs, LINK, named, expires_at_us)
    return FileLink(row, token, expires_at_us)


async def open_config_file_link(context: Context, token: str) -> OpenFile:
    """Public. The token is what permits; of whom it was, only who made it had to be let in. Raises
    Forbidden for one that is no longer good, NotFound where the file is gone since."""
    macs, now_us = context.services.identity.macs, context.services.clock.now_us()
    named = signing.read_in_time(macs, LINK, token, now_us)
    customer_id, file_id = named["customer"], named["file"]
    return await _opened(context, partial(_numbered, customer_id, file_id), file_id)


async def _opened(context: Context, find: Find, key: str) -> OpenFile:
    """What is replaced between finding it and reading it is found once more."""
    files = _files(context)
    for attempt in (1, 2):
        async with context.read() as session:
            row = await find(session)
        if row is None:
            break
        try:
            return OpenFile(row, await content(files, row))
        except NotFound:
            if attempt == 2:
                raise
    raise NotFound(operations.ENTITY, key)


async def _called(customer_id: int, key: str, session: ReadSession) -> ConfigFileRow | None:
    return await repository.find(session, customer_id, key)


async def _numbered(customer_id: int, file_id: str, session: ReadSession) -> ConfigFileRow | None:
    """Never by a name: whoever puts another file under a name that looks like the id of this one
    would have it opened by this one's links."""
    return (await repository.by_ids(session, customer_id, [file_id])).get(file_id)


def _files(context: Context) -> ConfigFileServices:
    """Raises Unavailable where none are kept, on an edge."""
    if context.services.config_files is None:
        raise Unavailable("No device config files are kept here")
    return context.services.config_files
