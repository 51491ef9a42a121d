"""What the use cases of software share."""

from domain.kernel.errors import NotFound, Unavailable
from domain.kernel.ids import is_id
from domain.kernel.permissions import Permission
from domain.kernel.text import is_storable
from domain.software.links import FileLink, link_to
from domain.software.models import RolloutStrategy
from domain.software.ports import SoftwareServices
from domain.software.repository import releases
from domain.software.rows import ReleaseRow, SoftwareName
from graph.context import Context


async def known_release(context: Context, release_id: str) -> ReleaseRow:
    found = {}
    if is_id(release_id):
        async with context.read() as session:
            found = await releases.releases_by_ids(session, context.customer_id, [release_id])
    if release_id not in found:
        raise NotFound("Release", release_id)
    return found[release_id]


async def known_version(context: Context, name: SoftwareName) -> ReleaseRow:
    found = None
    if is_storable(name.application) and is_storable(name.version):
        async with context.read() as session:
            found = await releases.release_by_version(session, context.customer_id, *name)
    if found is None:
        raise NotFound("Software", f"{name.application} {name.version}")
    return found


def require_strategy(context: Context, strategy: RolloutStrategy | None) -> None:
    """Whoever says whom a release is for rolls it out."""
    if strategy is not None:
        context.actor.require(Permission.SOFTWARE_ROLLOUT_DEPLOY)


def software(context: Context) -> SoftwareServices:
    found = context.services.software
    if found is None:
        raise Unavailable("Software is not distributed from here")
    return found


def signed_link(context: Context, services: SoftwareServices, row: ReleaseRow) -> FileLink:
    macs = context.services.identity.macs
    now_us = context.services.clock.now_us()
    lifetime_s = services.settings.link_lifetime_s
    return link_to(macs, context.customer_id, row, now_us, lifetime_s)
