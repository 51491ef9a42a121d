"""What the use cases of software share."""

from domain.kernel.errors import NotFound, Unavailable
from domain.kernel.ids import is_id
from domain.software.ports import SoftwareServices
from domain.software.repository import releases
from domain.software.rows import (
    ReleaseRow,
)
from graph.context import Context


async def known_release(context: Context, release_id: str) -> ReleaseRow:
    found = {}
    if is_id(release_id):
        async with context.read() as session:
            found = await releases.releases_by_ids(session, context.customer_id, [release_id])
    if release_id not in found:
        raise NotFound("Release", release_id)
    return found[release_id]


def software(context: Context) -> SoftwareServices:
    found = context.services.software
    if found is None:
        raise Unavailable("Software is not distributed from here")
    return found
