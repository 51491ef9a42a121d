"""The installation's own affairs, for its runtime: backups, a restart, the latest of its log."""

import logging
from contextlib import AsyncExitStack

from domain.identity.installation.ports import InstallationServices, Restarter
from drivers.backups.dumps import dump_of
from drivers.backups.folder import FolderBackups
from oktograph.core import Core
from oktograph.recent import RecentLines
from oktograph.settings import Place


def installation_services(
    core: Core, place: Place, restarter: Restarter, stack: AsyncExitStack
) -> InstallationServices:
    settings = core.settings
    dump = dump_of(core.database.url, settings.pg_dump, settings.backup_timeout_s)
    return InstallationServices(
        owner_id=core.customer.id,
        backups=FolderBackups(
            settings.backups, dump, core.clock, str(place), settings.backups_kept
        ),
        restarter=restarter,
        recent=_recent(stack),
    )


def _recent(stack: AsyncExitStack) -> RecentLines:
    lines, root = RecentLines(), logging.getLogger()
    root.addHandler(lines)
    stack.callback(root.removeHandler, lines)
    return lines
