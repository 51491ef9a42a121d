"""Fields of the installation itself: backups, a restart. All of them are administrators'."""

import strawberry

from graph.identity import resolvers
from graph.identity.resolvers import KeptBackup
from graph.info import Info
from graph.scalars import Timestamp


@strawberry.type(description="A copy of the whole database, made while it was in use")
class Backup:
    name: str = strawberry.field(description="Of the file: `.db` (SQLite), `.db.gz`, `.dump`")
    size_bytes: float
    created_at: Timestamp
    url: str = strawberry.field(description="A path on this host; whoever has it may download")
    url_expires_at: Timestamp


@strawberry.input
class CreateBackupInput:
    compress: bool = True


@strawberry.type
class InstallationQuery:
    @strawberry.field(description="Backups that are kept, newest first, each with a fresh link")
    async def backups(self, info: Info) -> list[Backup]:
        return [_backup(one) for one in await resolvers.backups(info.context)]


@strawberry.type
class InstallationMutation:
    @strawberry.mutation(description="Answers when it is whole; the oldest one too many goes")
    async def create_backup(self, info: Info, input: CreateBackupInput | None = None) -> Backup:
        given = input or CreateBackupInput()
        made = await resolvers.create_backup(info.context, compress=given.compress)
        return _backup(made)

    @strawberry.mutation(description="The name of what was removed")
    async def remove_backup(self, info: Info, name: str) -> str:
        return (await resolvers.remove_backup(info.context, name)).name

    @strawberry.mutation(
        description="SERVICE_UNAVAILABLE where nobody would start the service again"
    )
    async def restart_installation(self, info: Info) -> bool:
        await resolvers.restart_installation(info.context)
        return True


def _backup(kept: KeptBackup) -> Backup:
    return Backup(
        name=kept.row.name,
        size_bytes=kept.row.size_bytes,
        created_at=Timestamp(kept.row.created_at_us),
        url=kept.url,
        url_expires_at=Timestamp(kept.url_expires_at_us),
    )
