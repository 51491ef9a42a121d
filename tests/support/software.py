"""A factory for tests of software: real database, real files, devices in a small real table."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

import orjson
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    func,
    insert,
    select,
    update,
)

from domain.kernel.actor import Actor, ActorKind
from domain.kernel.columns import table_of
from domain.kernel.database import Database, ReadSession
from domain.kernel.errors import NotFound, RateLimited
from domain.kernel.fanout import Fanout
from domain.kernel.ids import new_id
from domain.kernel.paging import PageRequest
from domain.kernel.permissions import ROLE_PERMISSIONS, Permission, Role
from domain.kernel.tail import LogTail
from domain.kernel.uow import Transactions, UnitOfWork
from domain.software import models
from domain.software.commands import EndpointQuery, ReportUpdate, RolloutFilter, UploadRelease
from domain.software.models import TargetState
from domain.software.ports import (
    DeviceState,
    RejectRate,
    RunningSoftware,
    SignatureVerifier,
    SoftwareServices,
    SoftwareSettings,
    UndoneUpdate,
    UpdateOrder,
)
from domain.software.repository import installed
from domain.software.rows import ReleaseRow, RolloutProgress, TargetRow
from domain.software.sweeper import RolloutSweeper
from drivers.artifacts.store import LocalArtifacts
from graph.context import Context, Policy, Services
from graph.software import resolvers
from graph.software.streams import SOURCES
from graph.streams import Streams

_METADATA = MetaData()
DEVICE = Table(
    "probe_device",
    _METADATA,
    Column("id", String, primary_key=True),
    Column("customer_id", Integer),
    Column("version", String),
    Column("online", Boolean, default=True),
)
MEMBER = Table(
    "probe_member",
    _METADATA,
    Column("device_id", String, primary_key=True),
    Column("group_id", String, primary_key=True),
)
COMMAND = Table(
    "probe_command",
    _METADATA,
    Column("id", String, primary_key=True),
    Column("customer_id", Integer),
    Column("device_id", String),
    Column("payload", Text),
    Column("state", String, default="QUEUED"),
)
LINE = Table(
    "probe_line",
    _METADATA,
    Column("id", String, primary_key=True),
    Column("rejected", BigInteger),
    Column("total", BigInteger),
)
_SOFTWARE = tuple(
    table_of(model)
    for model in (
        models.Application,
        models.Release,
        models.UpgradeEdge,
        models.EndpointFilter,
        models.ReleaseTarget,
        models.InstalledSoftware,
        models.Rollout,
        models.RolloutGroup,
        models.RolloutTarget,
        models.RolloutStep,
    )
)


async def create_tables(database: Database) -> None:
    """Those of software too, wherever no migration has made them yet."""
    async with database.engine.begin() as connection:
        for table in (*_SOFTWARE, *_METADATA.sorted_tables):
            await connection.run_sync(table.create, checkfirst=True)


class TableDevices:
    """A `DeviceDirectory` on the tables above. `full` names devices that take no more commands,
    `gone` such as left the fleet."""

    def __init__(self) -> None:
        self.full: set[str] = set()
        self.gone: set[str] = set()

    async def find(
        self,
        session: ReadSession,
        customer_id: int,
        application: str,
        *,
        device_ids: Sequence[str] = (),
        group_ids: Sequence[str] = (),
        queries: Sequence[EndpointQuery] = (),
    ) -> list[DeviceState]:
        members = select(MEMBER.c.device_id).where(MEMBER.c.group_id.in_(group_ids))
        wanted = DEVICE.c.id.in_(device_ids) | DEVICE.c.id.in_(members)
        for query in queries:
            wanted |= DEVICE.c.version == query.search
        found = await self._states(session, customer_id, wanted)
        for device_id in device_ids:
            if device_id not in found:
                raise NotFound("Device", device_id)
        return list(found.values())

    async def states(
        self, session: ReadSession, customer_id: int, application: str, device_ids: Sequence[str]
    ) -> dict[str, DeviceState]:
        return await self._states(session, customer_id, DEVICE.c.id.in_(device_ids))

    async def is_installed(
        self, session: ReadSession, customer_id: int, application: str, version: str
    ) -> bool:
        query = select(func.count()).where(
            DEVICE.c.customer_id == customer_id, DEVICE.c.version == version
        )
        return bool(await session.scalar(query))

    async def running(
        self, session: ReadSession, customer_id: int, key: str
    ) -> RunningSoftware | None:
        query = select(DEVICE.c.id).where(DEVICE.c.customer_id == customer_id, DEVICE.c.id == key)
        if await session.scalar(query) is None:
            return None
        return RunningSoftware(key, tuple(await installed.of_device(session, customer_id, key)))

    async def matching(
        self,
        session: ReadSession,
        customer_id: int,
        device_id: str,
        queries: Mapping[str, EndpointQuery],
    ) -> frozenset[str]:
        """A query's `search` is a version here, the one thing that is known of a device."""
        found = await self._states(session, customer_id, DEVICE.c.id == device_id)
        version = found[device_id].version
        return frozenset(name for name, query in queries.items() if query.search == version)

    async def count(self, session: ReadSession, customer_id: int, query: EndpointQuery) -> int:
        wanted = DEVICE.c.version == query.search
        return len(await self._states(session, customer_id, wanted))

    async def send_update(self, work: UnitOfWork, device_id: str, order: UpdateOrder) -> None:
        if device_id in self.gone:
            raise NotFound("Device", device_id)
        if device_id in self.full:
            raise RateLimited("Too many commands wait for this device", retry_after_s=60)
        payload = orjson.dumps(asdict(order)).decode()
        values = {"id": order.command_id, "customer_id": work.customer_id, "payload": payload}
        await work.session.execute(insert(COMMAND).values(device_id=device_id, **values))

    async def cancel_update(self, work: UnitOfWork, device_id: str, command_id: str) -> bool:
        changed: Any = await work.session.execute(
            update(COMMAND)
            .where(COMMAND.c.id == command_id, COMMAND.c.state == "QUEUED")
            .values(state="CANCELLED")
        )
        return bool(changed.rowcount == 1)

    async def undone_updates(self, session: ReadSession, limit: int) -> list[UndoneUpdate]:
        query = select(COMMAND.c.customer_id, COMMAND.c.id).where(COMMAND.c.state == "REFUSED")
        rows = await session.execute(query.limit(limit))
        return [UndoneUpdate(row[0], row[1], "refused") for row in rows]

    async def reject_rate(
        self, session: ReadSession, customer_id: int, line_id: str, since_us: int
    ) -> RejectRate:
        query = select(LINE.c.rejected, LINE.c.total).where(LINE.c.id == line_id)
        found = (await session.execute(query)).one_or_none()
        return RejectRate(0, 0) if found is None else RejectRate(*found)

    async def _states(
        self, session: ReadSession, customer_id: int, wanted: Any
    ) -> dict[str, DeviceState]:
        query = select(DEVICE.c.id, DEVICE.c.version, DEVICE.c.online).where(
            DEVICE.c.customer_id == customer_id, wanted
        )
        rows = (await session.execute(query)).all()
        groups: dict[str, set[str]] = {}
        for device_id, group_id in await session.execute(select(MEMBER)):
            groups.setdefault(device_id, set()).add(group_id)
        return {
            row.id: DeviceState(row.id, row.version, row.online, frozenset(groups.get(row.id, ())))
            for row in rows
        }


@dataclass(slots=True)
class Factory:
    """One customer's software, without a face."""

    customer_id: int
    services: Services
    devices: TableDevices = field(default_factory=TableDevices)

    @property
    def database(self) -> Database:
        return self.services.database

    def context(self, role: Role = Role.MANAGER, name: str = "ann") -> Context:
        permissions = ROLE_PERMISSIONS[role]
        actor_id = f"{sum(name.encode()):032x}"
        actor = Actor(ActorKind.USER, self.customer_id, actor_id, name, permissions, role)
        return Context(actor, self.services)

    def device(self, device_id: str) -> Context:
        """A call with a device's own token."""
        permissions = frozenset(
            {Permission.SOFTWARE_ARTIFACT_READ, Permission.SOFTWARE_UPDATE_REPORT}
        )
        actor = Actor(ActorKind.DEVICE, self.customer_id, device_id, "edge", permissions)
        return Context(actor, self.services)

    def sweeper(self) -> RolloutSweeper:
        return RolloutSweeper(self.services.transactions, self.devices)

    async def add_devices(
        self, count: int, version: str | None = "1.0.0", group_id: str | None = None
    ) -> list[str]:
        ids = [new_id() for _ in range(count)]
        async with self.database.engine.begin() as connection:
            rows = [{"id": key, "customer_id": self.customer_id, "version": version} for key in ids]
            await connection.execute(insert(DEVICE), rows)
            if group_id is not None:
                members = [{"device_id": key, "group_id": group_id} for key in ids]
                await connection.execute(insert(MEMBER), members)
        return ids

    async def set_version(self, device_id: str, version: str) -> None:
        async with self.database.engine.begin() as connection:
            changed = update(DEVICE).where(DEVICE.c.id == device_id).values(version=version)
            await connection.execute(changed)

    async def set_line(self, line_id: str, rejected: int, total: int) -> None:
        async with self.database.engine.begin() as connection:
            await connection.execute(LINE.delete())
            values = {"id": line_id, "rejected": rejected, "total": total}
            await connection.execute(insert(LINE).values(values))

    async def commands(self) -> list[dict[str, Any]]:
        """Orders as they were recorded, with the state of their command."""
        query = select(COMMAND.c.device_id, COMMAND.c.payload, COMMAND.c.state)
        async with self.database.read() as session:
            rows = (await session.execute(query.order_by(COMMAND.c.id))).all()
        return [
            orjson.loads(row.payload) | {"device_id": row.device_id, "state": row.state}
            for row in rows
        ]

    async def deliver(self, device_id: str) -> None:
        """The device has its command now: it cannot be withdrawn any more."""
        async with self.database.engine.begin() as connection:
            changed = update(COMMAND).where(COMMAND.c.device_id == device_id)
            await connection.execute(changed.values(state="SENT"))

    async def upload(self, version: str = "2.0.0", body: bytes = b"firmware") -> ReleaseRow:
        command = UploadRelease.of(version=version, filename=f"fw-{version}.bin")
        return await resolvers.upload_release(self.context(), command, stream(body))

    async def targets(self, rollout_id: str) -> list[TargetRow]:
        found = await resolvers.targets_of_rollouts(self.context(), [rollout_id], None, 10_000)
        return found[rollout_id]

    async def targets_of_all(self) -> list[TargetRow]:
        page = await resolvers.list_rollouts(self.context(), RolloutFilter(), PageRequest())
        return [one for row in page.rows for one in await self.targets(row.id)]

    async def progress(self, rollout_id: str) -> RolloutProgress:
        row = await resolvers.rollout(self.context(), rollout_id)
        assert row is not None
        return (await resolvers.rollout_progress(self.context(), [row]))[rollout_id]

    async def report(
        self, target: TargetRow, state: TargetState, key: str | None = None, **changes: Any
    ) -> TargetRow:
        given: dict[str, Any] = {
            "target_id": target.id,
            "attempt": target.attempt,
            "hop": target.hop,
            "state": state,
            "report_key": key or f"{target.attempt}.{target.hop}.{state}",
        }
        command = ReportUpdate.of(**given | changes)
        return await resolvers.report_update(self.device(target.device_id), command)

    async def finish(self, rollout_id: str, *states: TargetState) -> None:
        """Every device that has an order ends as told, in turn."""
        sent = [one for one in await self.targets(rollout_id) if one.state == "DISPATCHED"]
        for place, one in enumerate(sent):
            await self.report(one, states[place % len(states)])


async def stream(body: bytes, *, chunk: int = 4096) -> AsyncIterator[bytes]:
    for start in range(0, len(body), chunk):
        yield body[start : start + chunk]


async def open_factory(
    database: Database,
    transactions: Transactions,
    tail: LogTail,
    customer_id: int,
    folder: Path,
    *,
    signatures: SignatureVerifier | None = None,
    settings: SoftwareSettings | None = None,
) -> Factory:
    await create_tables(database)
    devices = TableDevices()
    software = SoftwareServices(
        LocalArtifacts(folder), devices, signatures, settings or SoftwareSettings()
    )
    fanout = Fanout(tail)
    given: dict[str, Any] = {
        "database": database,
        "transactions": transactions,
        "clock": transactions.clock,
        "tail": tail,
        "fanout": fanout,
        "streams": Streams(fanout, SOURCES),
        "policy": Policy(),
        "software": software,
    }
    services = Services(**{one.name: None for one in fields(Services)} | given)
    return Factory(customer_id, services, devices)


def counts(progress: RolloutProgress) -> list[dict[str, int]]:
    return [{str(state): n for state, n in one.counts.items()} for one in progress.groups]


def files_in(folder: Path) -> Iterable[str]:
    return sorted(str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file())
