"""Use cases of the line's hardware and of this process's own health."""

from dataclasses import dataclass

from domain.kernel.errors import Unavailable
from domain.kernel.permissions import Permission
from domain.line.ports import ScannerStatus
from graph.context import Context


@dataclass(frozen=True, slots=True)
class Health:
    """`healthy` is false while the storage does not answer."""

    healthy: bool
    version: str
    uptime_s: int


async def health(context: Context) -> Health:
    """Public."""
    build = context.services.build
    uptime_s = (context.services.clock.now_us() - build.started_at_us) // 1_000_000
    try:
        await context.services.database.ping()
    except Unavailable:
        return Health(False, build.version, uptime_s)
    return Health(True, build.version, uptime_s)


async def scanners(context: Context) -> list[ScannerStatus]:
    context.actor.require(Permission.LINE_HARDWARE_READ)
    return context.services.line.scanners()
