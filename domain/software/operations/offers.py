"""What devices run, and what they are offered in its place."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from domain.kernel.database import ReadSession
from domain.kernel.errors import NotFound
from domain.kernel.uow import UnitOfWork
from domain.software import events
from domain.software.commands import EndpointQuery, ReportInstalled
from domain.software.models import RolloutStrategy
from domain.software.ports import DeviceDirectory, RunningSoftware
from domain.software.repository import filters, installed, releases
from domain.software.rows import EdgeRow, InstalledRow, ReleaseRow, SoftwareView, TargetingRow
from domain.software.rules.offers import Candidate, OfferFilter, offered, strategy_of
from domain.software.rules.versions import rank


async def report_installed(
    work: UnitOfWork, command: ReportInstalled, devices: DeviceDirectory
) -> InstalledRow:
    """The same version again is a report as well, and no fact."""
    running = await require_running(work.session, work.customer_id, command.device, devices)
    row = InstalledRow(running.device_id, command.application, command.version, work.now_us)
    before = of_application(running, command.application)
    await _hold(work, command)
    await installed.put(work.session, work.customer_id, row)
    if before is None or before.version != row.version:
        was = None if before is None else {"version": before.version}
        told = {"application": row.application, "version": row.version}
        work.record_change(events.STREAM, events.SOFTWARE_REPORTED, row.device_id, was, **told)
    return row


async def _hold(work: UnitOfWork, command: ReportInstalled) -> None:
    """The version, where it is one of ours: whoever deletes it, or replaces its file, has to see
    that it is in use, or comes first."""
    release = await releases.release_by_version(
        work.session, work.customer_id, command.application, command.version
    )
    if release is not None:
        await releases.lock_release(work.session, work.customer_id, release.id)


async def require_running(
    session: ReadSession, customer_id: int, device: str, devices: DeviceDirectory
) -> RunningSoftware:
    found = await devices.running(session, customer_id, device)
    if found is None:
        raise NotFound("Device", device)
    return found


def of_application(running: RunningSoftware, application: str | None) -> InstalledRow | None:
    """What was reported of it; the last report of all for None."""
    wanted = (row for row in running.installed if application in (None, row.application))
    return next(wanted, None)


async def views_within(
    session: ReadSession, customer_id: int, rows: list[ReleaseRow]
) -> list[SoftwareView]:
    """Of all releases of an application, in the order of their versions."""
    if not rows:
        return []
    application_id = rows[0].application_id
    paths: dict[str, list[EdgeRow]] = defaultdict(list)
    for edge in await releases.edges_of(session, customer_id, application_id):
        paths[edge.release_id].append(edge)
    targeting = await filters.targeting_within(session, customer_id, application_id)
    ordered = sorted(rows, key=lambda row: rank(row.version))
    return [_view(row, paths[row.id], targeting.get(row.id, ())) for row in ordered]


async def views_of(
    session: ReadSession, customer_id: int, rows: Sequence[ReleaseRow]
) -> list[SoftwareView]:
    """In the order given, in two statements however many there are."""
    ids = [row.id for row in rows]
    paths = await releases.edges_into(session, customer_id, ids)
    targeting = await filters.targeting_of(session, customer_id, ids)
    return [_view(row, paths[row.id], targeting[row.id]) for row in rows]


async def offer_for(
    session: ReadSession,
    customer_id: int,
    current: InstalledRow,
    devices: DeviceDirectory,
    now_us: int,
) -> SoftwareView | None:
    """The one version that the device may install over what it runs now."""
    rows = await releases.releases_over(session, customer_id, current.application, current.version)
    views = {view.release.version: view for view in await views_of(session, customer_id, rows)}
    matched = await _matched(session, customer_id, current.device_id, list(views.values()), devices)
    candidates = [_candidate(view, matched) for view in views.values()]
    found = offered(candidates, current.version, now_us)
    return None if found is None else views[found.version]


async def _matched(
    session: ReadSession,
    customer_id: int,
    device_id: str,
    views: list[SoftwareView],
    devices: DeviceDirectory,
) -> frozenset[str]:
    """The identifiers of those filters that find the device."""
    named = {one.filter_identifier for view in views for one in view.targeting}
    if not named:
        return frozenset()
    rows = await filters.by_identifiers(session, customer_id, sorted(named))
    queries = {name: EndpointQuery.model_validate_json(row.query) for name, row in rows.items()}
    return await devices.matching(session, customer_id, device_id, queries)


def _candidate(view: SoftwareView, matched: frozenset[str]) -> Candidate:
    row = view.release
    strategy = strategy_of(row.state, row.is_targeted)
    return Candidate(
        version=row.version,
        upgradable_from=frozenset(edge.from_version for edge in view.paths),
        is_suspended=strategy is RolloutStrategy.SUSPENDED,
        is_general=strategy is RolloutStrategy.GENERAL,
        needs_file=row.needs_file,
        has_file=row.object_key is not None,
        filters=tuple(_filter(one, matched) for one in view.targeting),
    )


def _filter(one: TargetingRow, matched: frozenset[str]) -> OfferFilter:
    return OfferFilter(one.filter_identifier in matched, one.active_from_us)


def _view(
    row: ReleaseRow, edges: Iterable[EdgeRow], targeting: Iterable[TargetingRow]
) -> SoftwareView:
    ordered = sorted(edges, key=lambda edge: rank(edge.from_version))
    return SoftwareView(row, tuple(ordered), tuple(targeting))
