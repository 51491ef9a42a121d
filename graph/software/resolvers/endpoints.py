"""Software by application and version, what endpoints run of it, and what they are offered."""

from typing import NamedTuple

from domain.kernel.actor import ActorKind
from domain.kernel.database import ReadSession
from domain.kernel.errors import Forbidden, NotFound
from domain.kernel.permissions import Permission
from domain.software.commands import FindOffer, ReleaseChanges, ReportInstalled
from domain.software.links import FileLink
from domain.software.operations import offers
from domain.software.operations import releases as operations
from domain.software.repository import releases
from domain.software.rows import InstalledRow, ReleaseRow, SoftwareName, SoftwareView
from graph.context import Context
from graph.software.access import known_version, require_strategy, signed_link, software


class Offer(NamedTuple):
    """What a device may install over `current`; the link is to its file, where it has one."""

    current: InstalledRow
    view: SoftwareView
    link: FileLink | None


async def list_software(context: Context, application: str) -> list[SoftwareView]:
    """All versions, the lowest first. NotFound for an application that is not there."""
    context.actor.require(Permission.SOFTWARE_RELEASE_READ)
    async with context.read() as session:
        rows = await releases.releases_named(session, context.customer_id, application)
        if not rows and await _is_unknown(context, session, application):
            raise NotFound("Application", application)
        return await offers.views_within(session, context.customer_id, rows)


async def _is_unknown(context: Context, session: ReadSession, application: str) -> bool:
    found = await releases.application_by_name(session, context.customer_id, application)
    return found is None


async def software_version(context: Context, name: SoftwareName) -> SoftwareView:
    context.actor.require(Permission.SOFTWARE_RELEASE_READ)
    row = await known_version(context, name)
    async with context.read() as session:
        [view] = await offers.views_of(session, context.customer_id, [row])
    return view


async def update_software(
    context: Context, name: SoftwareName, changes: ReleaseChanges
) -> ReleaseRow:
    context.actor.require(Permission.SOFTWARE_RELEASE_WRITE)
    require_strategy(context, changes.strategy)
    found = await known_version(context, name)
    async with context.transaction() as work:
        return await operations.update_release(work, found.id, changes)


async def delete_software(context: Context, name: SoftwareName) -> ReleaseRow:
    """With its file. Conflict while it is used."""
    context.actor.require(Permission.SOFTWARE_RELEASE_DELETE)
    services = software(context)
    found = await known_version(context, name)
    async with context.transaction() as work:
        row = await operations.delete_release(work, found.id, services.devices)
    if row.object_key is not None:
        await services.artifacts.discard(row.object_key)
    return row


async def current_software(context: Context, device: str) -> SoftwareView:
    """What the device last reported as installed. NotFound where that is nothing, or nothing that
    is known here."""
    context.actor.require(Permission.FLEET_DEVICE_READ)
    devices = software(context).devices
    async with context.read() as session:
        running = await offers.require_running(session, context.customer_id, device, devices)
        told = offers.of_application(running, None)
        row = None
        if told is not None:
            row = await releases.release_by_version(
                session, context.customer_id, told.application, told.version
            )
        if row is None:
            raise NotFound("Software", device)
        [view] = await offers.views_of(session, context.customer_id, [row])
    return view


async def installed_software(context: Context, device: str) -> list[InstalledRow]:
    """What a device last reported of every application; the last word first."""
    context.actor.require_known()
    if not _is_own(context, device):
        context.actor.require(Permission.FLEET_DEVICE_READ)
    devices = software(context).devices
    async with context.read() as session:
        found = await offers.require_running(session, context.customer_id, device, devices)
    return list(found.installed)


async def report_installed(context: Context, command: ReportInstalled) -> InstalledRow:
    """A device reports for itself alone."""
    context.actor.require(Permission.SOFTWARE_UPDATE_REPORT)
    _is_own(context, command.device)
    devices = software(context).devices
    async with context.transaction() as work:
        return await offers.report_installed(work, command, devices)


async def offered_software(context: Context, wanted: FindOffer) -> Offer | None:
    """One hop, to the highest version that may be installed now; None where there is none, or
    the device has not told what it runs. A device asks for itself alone."""
    context.actor.require(Permission.SOFTWARE_ARTIFACT_READ)
    if not _is_own(context, wanted.device):
        context.actor.require(Permission.FLEET_DEVICE_READ)
        context.actor.require(Permission.SOFTWARE_RELEASE_READ)
    services, customer_id = software(context), context.customer_id
    now_us = context.services.clock.now_us()
    async with context.read() as session:
        running = await offers.require_running(
            session, customer_id, wanted.device, services.devices
        )
        current = offers.of_application(running, wanted.application)
        if current is None:
            return None
        view = await offers.offer_for(session, customer_id, current, services.devices, now_us)
    if view is None:
        return None
    has_file = view.release.object_key is not None
    return Offer(current, view, signed_link(context, services, view.release) if has_file else None)


def _is_own(context: Context, key: str) -> bool:
    """Whether a device asks for itself. Raises Forbidden where it asks for another."""
    actor = context.actor
    if actor.kind is not ActorKind.DEVICE:
        return False
    if key not in (actor.id, actor.name):
        raise Forbidden("A device's token opens its own things only")
    return True
