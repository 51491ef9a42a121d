"""The edge as its factory and the people at its line steer it: configured, switched, over restarts.

Three layers make what it runs on, the later ones first: the overrides of the people at the line,
the factory's document, its own settings.
"""

import logging
from collections.abc import Callable, Collection, Coroutine, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final, cast

import orjson
import structlog
from pydantic import JsonValue

from domain.fleet.operations import edge as operations
from domain.fleet.protocol import ConnectionFrame
from domain.fleet.repository import edge as repository
from domain.fleet.rows import EdgeStateRow
from domain.kernel.actor import Actor, system_actor
from domain.kernel.errors import Conflict, DomainError, ValidationFailed
from domain.kernel.uow import UnitOfWork
from domain.line import repository as line_repository
from domain.line.commands import ChangeOverrides, full_key, short_key
from domain.line.models import HardwareKind
from domain.line.ports import (
    EdgeStatus,
    FactoryStatus,
    PlcCatalogue,
    PrinterCatalogue,
    ScannerCatalogue,
)
from domain.line.rows import OverrideRow
from domain.production.operations.scans import ScanIntake
from domain.sync.operations import connection
from drivers.registry import plc_catalogue, printer_catalogue, scanner_catalogue
from drivers.unbroken import Unbroken
from oktograph.core import Core
from oktograph.edge.device_secrets import DeviceSecrets, shown
from oktograph.edge.document import (
    EdgeDocument,
    Fitted,
    RunningConfiguration,
    as_they_are,
    overriding,
)
from oktograph.edge.hardware import parse_hardware
from oktograph.edge.line import EdgeLine
from oktograph.edge.packing import Labelling, Packing
from oktograph.edge.telemetry import EdgeTelemetry
from oktograph.synchronisation import Synchronisation

FACTORY: Final = "factory"
logger = structlog.get_logger(__name__)


_SECRETIVE: Final = {str(kind): kind for kind in (HardwareKind.PLCS, HardwareKind.UPS)}
"""Kinds whose settings hold secrets."""


def _json(text: str) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return None  # to be refused as what it is


@dataclass(slots=True)
class Machinery:
    """What a configuration takes effect on."""

    line: EdgeLine
    packing: Packing
    labelling: Labelling
    scans: ScanIntake
    sync: Synchronisation
    telemetry: EdgeTelemetry
    level_before: int | None = None

    async def become(self, old: RunningConfiguration | None, new: RunningConfiguration) -> None:
        """Hardware first: it alone may refuse, and then nothing has changed yet."""
        if old is None or old.hardware != new.hardware:
            await self.line.configure(new.hardware)
        plan = self.line.accumulation(new.pack_size, new.pallet_size)
        if old is None or plan != self.line.pipeline.packing:
            await self.packing.configure(plan)
            self.line.pipeline.packing = plan
        if old is None or old.hardware.lines != new.hardware.lines:
            await self.labelling.configure(new.hardware.lines)
        if old is None or old.sync_interval_s != new.sync_interval_s:
            self.sync.worker.reschedule(new.sync_interval_s)
        if old is None or old.telemetry_interval_s != new.telemetry_interval_s:
            self.telemetry.every(new.telemetry_interval_s)
        self.sync.runner.page_items = new.sync_batch_size

    def log_at(self, level: str) -> None:
        """Of this whole process."""
        root = logging.getLogger()
        if self.level_before is None:
            self.level_before = root.level
        root.setLevel(level)

    def restore_logs(self) -> None:
        if self.level_before is not None:
            logging.getLogger().setLevel(self.level_before)


@dataclass(slots=True)
class _Told:
    """What the edge was told and has stored. `in_force` is the version of the factory's document
    that it runs on; `answered` is the last of which it could tell whoever told it so."""

    state: EdgeStateRow = field(default_factory=EdgeStateRow)
    document: EdgeDocument = field(default_factory=EdgeDocument)
    overrides: dict[str, OverrideRow] = field(default_factory=dict)
    in_force: int = 0
    answered: int = 0


class EdgeControl:
    """An `EdgeConfiguration` for the factory's link and the `EdgePort` of the resolvers.

    Links and sockets go whenever they like, and a device may take seconds to stop: whatever
    changes the edge is one of `_changes`.
    """

    def __init__(
        self,
        core: Core,
        machinery: Machinery,
        secrets: DeviceSecrets,
        fitted: Fitted = as_they_are,
    ) -> None:
        self._core = core
        self._machinery = machinery
        self._secrets = secrets
        self._settings = RunningConfiguration.of_settings(core.settings, fitted)
        self._told = _Told()
        self._changes = Unbroken("configuration of this edge")
        self._settled = True
        self.running = self._settings
        self.factory_status: Callable[[], FactoryStatus | None] = lambda: None
        self.software_version: Callable[[], str] = lambda: core.build.version

    async def start(self) -> None:
        """Puts in force what was told before the restart. What can no longer be understood is left
        out and said so: an edge starts all the same."""
        core, customer_id = self._core, self._core.customer.id
        async with core.database.read() as session:
            self._told.state = await repository.state(session, customer_id)
            stored = await line_repository.overrides(session, customer_id)
        self._told.in_force = self._told.answered = self._told.state.config_version
        document = orjson.loads(self._told.state.config_document)
        self._told.document = self._understood(EdgeDocument.read, document, EdgeDocument())
        if self._understood(overriding, stored, None) is not None:
            self._told.overrides = stored
        self._machinery.scans.enabled = self._told.state.enabled
        await self._begin_connection()
        try:
            wanted = self._effective(self._told.document, self._told.overrides)
            await self._machinery.become(None, wanted)
        except ValidationFailed as error:
            logger.error("stored configuration left out", cause=error.message)
            wanted = self._settings
            await self._machinery.become(None, wanted)
        self._switch_logs(wanted)
        self.running = wanted

    async def stop(self) -> None:
        """What is under way takes effect first; nothing does any more afterwards."""
        await self._changes.close()
        self._machinery.restore_logs()

    # For the factory's link

    async def version(self) -> int:
        """What took effect when its link was gone already is told once more, and then answered."""
        return self._told.answered

    async def apply(self, version: int, document: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        found = await self._changes.run(partial(self._apply, version, document))
        self._told.answered = version
        return found

    async def push(
        self, version: int | None, document: Mapping[str, JsonValue]
    ) -> tuple[int, dict[str, JsonValue]]:
        """As a command says it, which may have come late: Conflict for an older version than runs.
        The version stays where none is given."""
        pushed, found = await self._changes.run(partial(self._push, version, document))
        self._told.answered = pushed
        return pushed, found

    async def connect(self, frame: ConnectionFrame) -> None:
        await self._changes.run(partial(self._connect, frame))

    async def switch(self, actor: Actor, *, enabled: bool, reason: str | None) -> EdgeStateRow:
        """Takes the edge out of production, or back into it; reads that are on their way end as
        they began."""
        return await self._changes.run(partial(self._switch, actor, enabled, reason))

    # For the resolvers

    def status(self) -> EdgeStatus:
        state = self._told.state
        return EdgeStatus(
            identifier=self._core.settings.edge_identifier,
            enabled=state.enabled,
            disabled_reason=state.disabled_reason,
            software_version=self.software_version(),
            config_version=self._told.in_force,
            overrides=tuple(self._told.overrides),
            factory=self.factory_status(),
        )

    def scanner_catalogue(self) -> ScannerCatalogue:
        return scanner_catalogue()

    def printer_catalogue(self) -> PrinterCatalogue:
        return printer_catalogue()

    def plc_catalogue(self) -> PlcCatalogue:
        return plc_catalogue()

    def check_overrides(self, overrides: Mapping[str, OverrideRow]) -> None:
        self._effective(self._told.document, overrides)

    async def reload(self) -> list[str]:
        return await self._changes.run(self._reload)

    def configured(self, kind: HardwareKind) -> JsonValue:
        return cast(JsonValue, shown(self.running.hardware.of(kind)))

    async def change(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        await self._changes.run(work)

    def storable(self, given: Mapping[HardwareKind, JsonValue]) -> dict[str, str]:
        document = EdgeDocument.read({str(kind): value for kind, value in given.items()})
        wanted = self.running.overlaid(document, opened=self._secrets.opened)
        self._machinery.line.check(wanted.hardware)
        kept = self.running.documents
        values = {k: self._secrets.storable(k, wanted.hardware, kept) for k in given}
        return {str(kind): orjson.dumps(value).decode() for kind, value in values.items()}

    def sealed(self, command: ChangeOverrides) -> ChangeOverrides:
        given = {
            kind: value
            for key, text in command.set.items()
            if (kind := _SECRETIVE.get(short_key(key))) and (value := _json(text)) is not None
        }
        if not given:
            return command
        document = EdgeDocument.read({str(kind): value for kind, value in given.items()})
        found = parse_hardware(self._secrets.opened(document.hardware()))
        kept = self.running.documents
        told = {
            str(kind): orjson.dumps(self._secrets.storable(kind, found, kept)).decode()
            for kind in given
        }
        values = {key: told.get(short_key(key), text) for key, text in command.set.items()}
        return command.model_copy(update={"set": values})

    async def adopt(self, kinds: Collection[HardwareKind]) -> None:
        """Others that are stored wait for their reload."""
        stored = await self._stored()
        keys = {full_key(str(kind)) for kind in kinds}
        ours = {key: row for key, row in stored.items() if key in keys}
        others = {key: row for key, row in self._told.overrides.items() if key not in keys}
        await self._adopt(others | ours)

    async def _reload(self) -> list[str]:
        return await self._adopt(await self._stored())

    async def _stored(self) -> dict[str, OverrideRow]:
        async with self._core.database.read() as session:
            return await line_repository.overrides(session, self._core.customer.id)

    async def _adopt(self, overrides: dict[str, OverrideRow]) -> list[str]:
        wanted = self._effective(self._told.document, overrides)
        changed = await self._become(wanted)
        self._told.overrides = overrides
        return changed

    # Inside

    async def _apply(self, version: int, document: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        given = EdgeDocument.read(document)
        wanted = self._effective(given, self._told.overrides)
        again = version == self._told.state.config_version
        before = EdgeDocument() if again else self._told.document
        changed = self.running.changes(wanted)
        async with self._begin() as work:
            await operations.configured(work, version, dict(document), changed)
            state = await _connected(work, before, given)
        self._told.document = given
        self._obey_cloud(state)
        await self._become(wanted)
        self._told.in_force = version
        return self._reported(document)

    async def _push(
        self, version: int | None, document: Mapping[str, JsonValue]
    ) -> tuple[int, dict[str, JsonValue]]:
        current = self._told.state.config_version
        if version is not None and version < current:
            raise Conflict("A newer configuration is in force", version=current)
        version = current if version is None else version
        return version, await self._apply(version, document)

    async def _connect(self, frame: ConnectionFrame) -> None:
        async with self._begin() as work:
            await connection.follow(work, frame.default_mode, frame.allow_device_override)
            state = await operations.allow_cloud(work, frame.cloud_sync_enabled)
        self._obey_cloud(state)

    async def _switch(self, actor: Actor, enabled: bool, reason: str | None) -> EdgeStateRow:
        async with self._core.transactions.begin(actor) as work:
            state = await operations.switch(work, enabled, reason)
        self._told.state = state
        self._machinery.scans.enabled = enabled
        return state

    async def _become(self, wanted: RunningConfiguration) -> list[str]:
        """What failed half way runs on neither: the next one is put in force whole."""
        changed = self.running.changes(wanted)
        before, self._settled = self.running if self._settled else None, False
        await self._machinery.become(before, wanted)
        self._settled = True
        self._switch_logs(wanted)
        self.running = wanted
        return changed

    def _switch_logs(self, wanted: RunningConfiguration) -> None:
        if wanted.log_level != self.running.log_level:
            self._machinery.log_at(wanted.log_level)

    def _reported(self, document: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        """The document, with what an override at the line says instead."""
        masked = overriding(self._told.overrides).model_dump(
            mode="json", by_alias=True, exclude_none=True
        )
        return {name: masked.get(name, value) for name, value in document.items()}

    def _effective(
        self, document: EdgeDocument, overrides: Mapping[str, OverrideRow]
    ) -> RunningConfiguration:
        told = (document, overriding(overrides))
        wanted = self._settings.overlaid(*told, opened=self._secrets.opened)
        self._machinery.line.check(wanted.hardware)
        return wanted

    def _understood(self, read: Callable[[Any], Any], stored: Any, otherwise: Any) -> Any:
        try:
            return read(stored)
        except DomainError as error:
            logger.error("stored configuration left out", cause=error.message)
            return otherwise

    async def _begin_connection(self) -> None:
        """An edge that has no factory any more is bound by none."""
        state = self._told.state
        if not self._core.settings.factory_url and state.changed_at_us:
            async with self._begin() as work:
                await connection.follow(work, None, allow_switch=True)
                state = await operations.allow_cloud(work, True)
        self._obey_cloud(state)

    def _obey_cloud(self, state: EdgeStateRow) -> None:
        self._told.state = state
        self._machinery.sync.runner.cloud_allowed = state.cloud_sync_enabled
        self._machinery.sync.runner.wake()

    def _begin(self) -> Any:
        return self._core.transactions.begin(system_actor(FACTORY, self._core.customer.id))


async def _connected(work: UnitOfWork, before: EdgeDocument, given: EdgeDocument) -> EdgeStateRow:
    """What of the connection has changed in a document is obeyed."""
    rules = ("default_mode", "allow_device_override")
    if any(getattr(given, name) not in (None, getattr(before, name)) for name in rules):
        await connection.follow(work, given.default_mode, given.allow_device_override)
    if given.connection_mode not in (None, before.connection_mode):
        await connection.order_mode(work, given.connection_mode)
    if given.cloud_sync_enabled not in (None, before.cloud_sync_enabled):
        await operations.allow_cloud(work, given.cloud_sync_enabled)
    return await repository.state(work.session, work.customer_id)
