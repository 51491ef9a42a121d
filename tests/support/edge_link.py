"""An edge with a real link to a factory: own database, own ledger, handlers that a test watches."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from pydantic import JsonValue

from domain.fleet.arguments import ARGUMENTS
from domain.fleet.models import CommandType
from domain.fleet.protocol import ConnectionFrame
from domain.kernel.clock import SystemClock
from domain.kernel.database import Database
from domain.kernel.errors import DomainError, ValidationFailed
from domain.kernel.uow import Transactions
from drivers.backoff import BackoffPolicy
from drivers.factory.client import EdgeReport, FactoryLink, FactoryLinkSettings
from drivers.factory.executor import CommandHandlers
from drivers.factory.ledger import ExecutionLedger
from drivers.link import LinkState
from drivers.supervised import SupervisedTask

HURRY = BackoffPolicy(base_s=0.05, cap_s=0.2, floor_s=0.01, stable_s=0.5)


class Quiet:
    def announce(self) -> None:
        return


@dataclass
class Configured:
    """An EdgeConfiguration that takes everything but `{"bad": …}`."""

    applied: int = 0
    document: dict[str, JsonValue] = field(default_factory=dict)
    connection: ConnectionFrame | None = None

    async def version(self) -> int:
        return self.applied

    async def apply(self, version: int, document: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        if "bad" in document:
            raise ValidationFailed("bad", "not a setting of this edge")
        self.applied, self.document = version, dict(document)
        return self.document

    async def connect(self, frame: ConnectionFrame) -> None:
        self.connection = frame


@dataclass
class Deeds:
    """What an edge has done; `gate` holds commands up until it is set."""

    done: list[tuple[CommandType, Any]] = field(default_factory=list)
    begun: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    failure: DomainError | None = None
    most: int = 0

    def handler(self, kind: CommandType) -> Any:
        async def handle(arguments: Any) -> JsonValue:
            self.begun += 1
            self.most = max(self.most, self.begun - len(self.done))
            await self.gate.wait()
            if self.failure is not None:
                raise self.failure
            self.done.append((kind, arguments))
            return {"done": len(self.done)}

        return handle

    def handlers(self, *, allow_shell: bool = False) -> CommandHandlers:
        found = CommandHandlers(allow_shell=allow_shell)
        for kind, model in ARGUMENTS.items():
            if kind is not CommandType.CLEAR_QUEUE:  # something that this edge cannot do
                found.register(kind, model, self.handler(kind))
        return found


@dataclass
class LinkedEdge:
    task: SupervisedTask
    link: FactoryLink
    deeds: Deeds
    configuration: Configured
    report: EdgeReport

    async def connected(self) -> None:
        await self.task.wait_for_state(LinkState.CONNECTED, 10.0)

    @property
    def reason(self) -> str:
        return self.task.snapshot().last_error or ""


def ledger(database: Database, customer_id: int, keep: int = 1_000) -> ExecutionLedger:
    transactions = Transactions(database, SystemClock(), Quiet())
    return ExecutionLedger(transactions, customer_id, keep=keep)


@asynccontextmanager
async def linked_edge(
    url: Callable[[], str],
    token: str,
    book: ExecutionLedger,
    deeds: Deeds | None = None,
    *,
    allow_shell: bool = False,
) -> AsyncIterator[LinkedEdge]:
    """Dialling from the start, until the block ends."""
    deeds = deeds or Deeds()
    configuration = Configured()

    async def own_token() -> str:
        return token

    async def report() -> EdgeReport:
        return edge.report

    link = FactoryLink(
        FactoryLinkSettings(url(), own_token, software="test"),
        deeds.handlers(allow_shell=allow_shell),
        book,
        report,
        configuration,
    )
    task = SupervisedTask("factory", link, backoff=HURRY)
    edge = LinkedEdge(task, link, deeds, configuration, EdgeReport(queue_size=7))
    task.start()
    try:
        yield edge
    finally:
        await task.stop()
