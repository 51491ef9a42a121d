"""The installation itself: copies of its database, links to them, a restart. All of it is for
administrators of the customer whose installation it is: what is in the database is everybody's."""

from typing import Any, NamedTuple

from domain.identity import repository, rules
from domain.identity.installation import operations
from domain.identity.installation import rules as links
from domain.identity.installation.ports import BackupRow, Download, InstallationServices
from domain.kernel import signing
from domain.kernel.errors import Forbidden, NotFound, Unavailable
from domain.kernel.permissions import Permission
from graph.context import Context

NOT_YOURS = "Only those whose installation this is may do that"


class KeptBackup(NamedTuple):
    """With a link that is good for a while, and for whoever has it."""

    row: BackupRow
    url: str
    url_expires_at_us: int


async def take_backup(context: Context, *, compress: bool = False) -> Download:
    """Kept nowhere. Raises Forbidden, Unavailable, UpstreamFailed, TimedOut."""
    context.actor.require(Permission.IDENTITY_INSTALLATION_BACKUP)
    made = await _owned(context).backups.take(compress=compress)
    async with context.transaction() as work:
        await operations.backup_made(work, made.name, made.size_bytes)
    return made


async def create_backup(context: Context, *, compress: bool = False) -> KeptBackup:
    """Raises Forbidden, Unavailable, UpstreamFailed, TimedOut."""
    context.actor.require(Permission.IDENTITY_INSTALLATION_BACKUP)
    row, removed = await _owned(context).backups.keep(compress=compress)
    async with context.transaction() as work:
        await operations.backup_made(work, row.name, row.size_bytes)
        for gone in removed:
            await operations.backup_removed(work, gone)
    return _linked(context, row)


async def backups(context: Context) -> list[KeptBackup]:
    """Those that are kept, newest first. Raises Forbidden."""
    context.actor.require(Permission.IDENTITY_INSTALLATION_BACKUP)
    return [_linked(context, row) for row in await _owned(context).backups.kept()]


async def remove_backup(context: Context, name: str) -> BackupRow:
    """What it was. Raises Forbidden, NotFound."""
    context.actor.require(Permission.IDENTITY_INSTALLATION_BACKUP)
    row = await _owned(context).backups.remove(name)
    if row is None:
        raise NotFound("Backup", name)
    async with context.transaction() as work:
        await operations.backup_removed(work, row)
    return row


async def open_backup(context: Context, name: str, token: str) -> Download:
    """Public. The link is what opens it. Raises Forbidden for one that was tampered with or is
    over, NotFound for a backup that is gone."""
    macs, now_us = context.services.identity.macs, context.services.clock.now_us()
    if signing.read_in_time(macs, links.PURPOSE, token, now_us)["name"] != name:
        raise signing.not_good()
    found = await _installed(context).backups.open(name)
    if found is None:
        raise NotFound("Backup", name)
    return found


async def restart_installation(context: Context) -> None:
    """Begun when this returns. Raises Forbidden, and NotSupervised where nobody would start it
    again."""
    context.actor.require(Permission.IDENTITY_INSTALLATION_RESTART)
    restarter = _owned(context).restarter
    restarter.check()
    async with context.transaction() as work:
        await operations.restart_asked(work)
    restarter.begin()


async def users_allowed(context: Context, permission: Permission) -> list[str]:
    """Names of the customer's users who may do it, for one who may not: whom to ask."""
    context.actor.require_known()
    roles = rules.roles_with(permission)
    async with context.read() as session:
        return await repository.usernames_of(session, context.customer_id, roles)


def recent_log(context: Context) -> list[dict[str, Any]]:
    """Of this process; for whoever sends them to support."""
    context.actor.require(Permission.FLEET_LOG_READ)
    return _owned(context).recent.lines()


def _installed(context: Context) -> InstallationServices:
    found = context.services.installation
    if found is None:
        raise Unavailable("There is no installation here")
    return found


def _owned(context: Context) -> InstallationServices:
    found = _installed(context)
    if context.customer_id != found.owner_id:
        raise Forbidden(NOT_YOURS)
    return found


def _linked(context: Context, row: BackupRow) -> KeptBackup:
    expires_at_us = context.services.clock.now_us() + links.LINK_US
    macs = context.services.identity.macs
    token = signing.sign_until(macs, links.PURPOSE, {"name": row.name}, expires_at_us)
    return KeptBackup(row, links.link(row.name, token), expires_at_us)
